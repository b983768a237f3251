"""What a run from the command line leaves: a table on the screen, a history and its curve."""

from pathlib import Path

from ..results import History

COLUMNS = ("epoch", "training_loss", "training_error", "validation_loss", "validation_error")


def report(history: History, folder: Path | None) -> None:
    """Prints the epochs of a run, and writes them and their curve into `folder` if there is one."""
    print(_table(history))
    if history.interrupted:
        print(f"Stopped after {len(history.epochs)} finished epochs.")
    if folder is None or not history.epochs:
        return
    history.save(folder / "history.json")
    _draw(history, folder / "curve.png")
    print(f"Written: {folder / 'history.json'}, {folder / 'curve.png'}")


def _table(history: History) -> str:
    lines = [f"{history.label} on {history.provenance['device']}"]
    lines.append("  ".join(f"{name.replace('_', ' '):>16}" for name in COLUMNS))
    for row in history.epochs:
        numbers = (row[name] for name in COLUMNS[1:])
        cells = [f"{row['epoch']:>16}"]
        cells += [f"{'':>16}" if number is None else f"{number:>16.4f}" for number in numbers]
        lines.append("  ".join(cells))
    return "\n".join(lines)


def _draw(history: History, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from .. import plots

    plots.use_book_style()
    figure, axis = plt.subplots()
    if None not in history.column("training_error"):
        axis.plot(history.column("epoch"), history.column("training_error"), label="training")
    axis.plot(history.column("epoch"), history.column("validation_error"), "--", label="validation")
    axis.set(xlabel="epoch", ylabel="error", title=history.label, ylim=(0, None))
    axis.legend()
    figure.savefig(path)
    plt.close(figure)
