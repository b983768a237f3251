"""The command line: `python -m resnet` trains a network with the chapters' own code."""

import argparse
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .datasets import splitting
from .runtime import files
from .trainer import command as trainer


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command in `arguments` and returns the exit status: 0, or 1 with one sentence."""
    chosen = parser().parse_args(_with_command(arguments))
    for stream in (sys.stdout, sys.stderr):  # a file's name may be more than the screen can show
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return chosen.run(chosen)
    except (ValueError, ArithmeticError, OSError, RuntimeError) as error:
        rank = os.environ.get("RANK", "0")  # of a process of torchrun
        if not getattr(error, "told", False):
            print(f"resnet: {f'process {rank}: ' if rank != '0' else ''}{error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The options of every command; `train` is the one that needs no name."""
    top = argparse.ArgumentParser(
        prog="python -m resnet",
        description="Residual networks by experiment: train a network of the book from a shell.",
        epilog="Example: python -m resnet --depth 56 --block plain --epochs 6 --out runs/plain-56",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    trainer.add_to(commands)
    splitting.add_to(commands)
    _add_predict(commands)
    _add_experiment(commands)
    return top


def _add_predict(commands) -> None:
    predict = commands.add_parser(
        "predict",
        help="ask a network that was trained on a folder of images for the classes of others",
        epilog="Example: python -m resnet predict new/*.jpg --from runs/photos",
    )
    predict.set_defaults(run=run_predict)
    add = predict.add_argument
    add("images", nargs="+", type=Path, metavar="IMAGES", help="files, or folders of them")
    add("--from", dest="folder", type=Path, required=True, help="the folder of train --out")
    add("--json", action="store_true", help="all probabilities, as JSON and not as a table")
    add("--device", help="cpu, cuda or mps (default: a GPU where there is one)")


def run_predict(options: argparse.Namespace) -> int:
    """Prints the classes of each image with their probabilities."""
    from .trainer import predicting

    network = predicting.trained(options.folder, options.device)
    print(predicting.answers(network, predicting.found(options.images), options.json))
    return 0


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


def run_experiment(options: argparse.Namespace) -> int:
    """Fills a grid's file and prints its summary, or lists the grids."""
    from . import runs
    from .experiments import collecting, grids

    if options.list or not options.grid:
        print(_listed(grids, runs))
        return 0
    if options.grid not in grids.GRIDS:
        raise ValueError(f"unknown grid {options.grid!r}: it is one of {', '.join(grids.GRIDS)}")
    if options.workers < 1:
        raise ValueError(f"workers must be at least 1, not {options.workers}")
    grid = grids.GRIDS[options.grid]()
    path = options.out or Path("runs") / f"{grid.name}.json"
    files.make_writable(path.parent)
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


if __name__ == "__main__":
    sys.exit(main())
