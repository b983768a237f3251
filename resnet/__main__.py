"""The command line: `python -m resnet` trains a network with the chapters' own code."""

import argparse
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

BLOCKS = ("plain", "residual", "basic")
COLUMNS = ("epoch", "training_loss", "training_error", "validation_loss", "validation_error")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command in `arguments` and returns the exit status: 0, or 1 with one sentence."""
    chosen = parser().parse_args(_with_command(arguments))
    try:
        return chosen.run(chosen)
    except (ValueError, ArithmeticError, OSError, RuntimeError) as error:
        print(f"resnet: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The options of every command; `train` is the one that needs no name."""
    top = argparse.ArgumentParser(
        prog="python -m resnet",
        description="Residual networks by experiment: train a network of the book from a shell.",
        epilog="Example: python -m resnet --depth 56 --block plain --epochs 6 --out runs/plain-56",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser(
        "train",
        help="train one network of depth 6n + 2, or the document's ResNet-18 (the default command)",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    train.set_defaults(run=run_train)
    train.add_argument("--depth", type=int, default=20, help="6n + 2 layers, or 18: ResNet-18")
    train.add_argument("--block", choices=BLOCKS, default="residual", help="what to stack")
    train.add_argument("--epochs", type=int, default=6, help="passes over the training images")
    train.add_argument("--learning-rate", type=float, default=0.02, help="peak of the one-cycle")
    train.add_argument("--seed", type=int, default=0, help="of the weights and of the order")
    train.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16"),
        default="auto",
        help="of the arithmetic; 'auto': what a self-test of a few steps finds fastest",
    )
    train.add_argument(
        "--data",
        default="embedded",
        help="'embedded' (6,000 images), 'full' (first source that works) or a folder of IDX files",
    )
    train.add_argument(
        "--out", type=Path, help="folder for history.json, curve.png and checkpoint.pt, from which "
        "the same command goes on; nothing is written without it"
    )  # fmt: skip
    _add_experiment(commands)
    return top


def _add_experiment(commands) -> None:
    experiment = commands.add_parser(
        "experiment",
        help="train a whole grid of networks and store what is measured, run by run",
        epilog="A stopped grid goes on where it stopped, by the same command.",
    )
    experiment.set_defaults(run=run_experiment)
    experiment.add_argument("grid", nargs="?", metavar="NAME", help="a grid of --list")
    experiment.add_argument("--list", action="store_true", help="the grids and what each takes")
    experiment.add_argument("--out", type=Path, help="JSON file of the runs (runs/NAME.json)")
    experiment.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="runs at a time (one a core)"
    )
    experiment.add_argument(
        "--minutes", type=float, default=math.inf, help="begin no further run after so many"
    )


def _with_command(arguments: Sequence[str] | None) -> list[str]:
    """`--depth 20` means `train --depth 20`; help on the whole stays help on the whole."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    named = arguments and (arguments[0] in ("-h", "--help") or not arguments[0].startswith("-"))
    return arguments if named else ["train", *arguments]


def run_train(options: argparse.Namespace) -> int:
    """Trains, prints a table of epochs and writes what `--out` asks for."""
    from .training import TrainingDiverged, fit

    model, label = _build(options)
    training, validation = _images(options.data)
    if options.out:
        _make_writable(options.out)
    try:
        history = fit(
            model,
            training,
            validation,
            epochs=options.epochs,
            learning_rate=options.learning_rate,
            seed=options.seed,
            precision=None if options.precision == "auto" else options.precision,
            label=label,
            checkpoint=options.out and options.out / "checkpoint.pt",
        )
    except TrainingDiverged as error:
        _report(error.history, options.out)
        raise
    _report(history, options.out)
    return 130 if history.interrupted else 0


def run_experiment(options: argparse.Namespace) -> int:
    """Fills a grid's file and prints its summary, or lists the grids."""
    from . import collecting, grids, runs

    if options.list or not options.grid:
        print(_listed(grids, runs))
        return 0
    if options.grid not in grids.GRIDS:
        raise ValueError(f"unknown grid {options.grid!r}: it is one of {', '.join(grids.GRIDS)}")
    if options.workers < 1:
        raise ValueError(f"workers must be at least 1, not {options.workers}")
    grid = grids.GRIDS[options.grid]()
    path = options.out or Path("runs") / f"{grid.name}.json"
    _make_writable(path.parent)
    try:
        held = collecting.collect(grid, path, workers=options.workers, minutes=options.minutes)
    except KeyboardInterrupt:
        print(f"Stopped: {path} keeps the runs that ended; the same command goes on.")
        return 130
    print(runs.summary(held))
    print(f"{len(held)} of {len(grid.settings)} runs are in {path}")
    return 0


def _listed(grids, runs) -> str:
    lines = [f"{'grid':<14}{'runs':>5}{'minutes*':>10}  question"]
    for name, describe in grids.GRIDS.items():
        try:
            grid = describe()
        except FileNotFoundError as error:
            lines.append(f"{name:<14}{'':>15}  needs {Path(error.filename).stem} first")
            continue
        try:
            minutes = f"{sum(run.seconds for run in runs.stored_runs(name)) / 120:.0f}"
        except FileNotFoundError:
            minutes = "?"
        lines.append(f"{name:<14}{len(grid.settings):>5}{minutes:>10}  {grid.question}")
    lines.append("* with two workers, as measured for the stored results; on a GPU not measured")
    return "\n".join(lines)


def _build(options: argparse.Namespace):
    import torch

    from . import experiments, models

    torch.manual_seed(options.seed)
    if options.depth == 18:
        if options.block != "residual":
            raise ValueError("depth 18 is the document's ResNet-18: it has --block residual alone")
        return models.resnet18(), "ResNet-18"
    model = models.six_n_plus_two(options.depth, experiments.BLOCKS[options.block])
    return model, f"{options.block}-{options.depth}"


def _images(source: str):
    from .data import embedded, split
    from .fashion_mnist import load_fashion_mnist

    if source == "embedded":
        whole, _ = embedded()
    else:
        whole, _ = load_fashion_mnist(None if source == "full" else source)
    return split(whole, held_out=len(whole) // 6)


def _make_writable(folder: Path) -> None:
    """Fails before the training and not after it where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(f"cannot write to {folder}: {error.strerror}") from error


def _report(history, folder: Path | None) -> None:
    print(_table(history))
    if history.interrupted:
        print(f"Stopped after {len(history.epochs)} finished epochs.")
    if folder is None or not history.epochs:
        return
    history.save(folder / "history.json")
    _draw(history, folder / "curve.png")
    print(f"Written: {folder / 'history.json'}, {folder / 'curve.png'}")


def _table(history) -> str:
    lines = [f"{history.label} on {history.provenance['device']}"]
    lines.append("  ".join(f"{name.replace('_', ' '):>16}" for name in COLUMNS))
    for row in history.epochs:
        cells = [f"{row['epoch']:>16}", *(f"{row[name]:>16.4f}" for name in COLUMNS[1:])]
        lines.append("  ".join(cells))
    return "\n".join(lines)


def _draw(history, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from . import plots

    plots.use_book_style()
    figure, axis = plt.subplots()
    axis.plot(history.column("epoch"), history.column("training_error"), label="training")
    axis.plot(history.column("epoch"), history.column("validation_error"), "--", label="validation")
    axis.set(xlabel="epoch", ylabel="error", title=history.label, ylim=(0, None))
    axis.legend()
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
