"""What the prose says in numbers is what is stored: each fragment stands beside its computation.

A changed result makes the predicate fail, and a changed sentence is not found any more.
"""

import math
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import nbformat
import pytest

from resnet.effects import path_length, valleys
from resnet.results import mean_interval
from resnet.runs import Run, select, stored_runs

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"


def text(page: str) -> str:
    """The prose of a page with single spaces."""
    path = CHAPTERS / page
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        prose = path.read_text(encoding="utf-8")
    return " ".join(prose.replace("&nbsp;", " ").split())


def ends(grid: str, name: str = "training_error", **setting) -> list[float]:
    """The number `name` of the last epoch, by seed; a run that diverged counts as guessing."""
    runs = sorted(select(stored_runs(grid), **setting), key=lambda run: run.setting["seed"])
    assert runs, f"{grid} has no runs with {setting}"
    return [0.9 if run.result.get("diverged") else run.last(name) for run in runs]


def mean(grid: str, name: str = "training_error", **setting) -> float:
    return fmean(ends(grid, name, **setting))


def clear_of_zero(ones: list[float], others: list[float]) -> bool:
    """Whether the t interval of the paired differences is."""
    centre, half = mean_interval([one - other for one, other in zip(ones, others, strict=True)])
    return abs(centre) > half


def inside(block: str, depth: int = 56) -> list[Run]:
    return select(stored_runs("inside"), block=block, depth=depth)


def lesion(what: str, block: str) -> list[float]:
    """Mean error after each kind of lesion `what`, from the input on."""
    return [
        fmean(column)
        for column in zip(*(run.result[what].values() for run in inside(block)), strict=True)
    ]


def whole(block: str) -> float:
    return fmean(run.result["validation_error"] for run in inside(block))


def several(block: str) -> list[float]:
    """Mean error without 1, 2, 3 and so on blocks."""
    rows = [[fmean(drawn) for drawn in run.result["several_removed"].values()]
            for run in inside(block)]  # fmt: skip
    return [fmean(column) for column in zip(*rows, strict=True)]


def ruggedness(block: str) -> float:
    return fmean(valleys(losses) > 1 for run in inside(block) for losses in run.result["slices"])


def length(power: float) -> float:
    return fmean(path_length(run.result["path_gradient"], power) for run in inside("residual"))


def factor_a_block() -> float:
    """By how much a block makes the gradient of a path smaller, on average over all lengths."""
    logs = [
        math.log(fmean(sizes[0]) / fmean(sizes[-1])) / 27
        for sizes in (list(run.result["path_gradient"].values()) for run in inside("residual"))
    ]
    return math.exp(fmean(logs))


def growth(depth: int, **setting) -> float:
    """Gradient of the first over that of the last convolution, before training."""
    runs = select(stored_runs("initial"), depth=depth, **setting)
    norms = [list(run.result["gradient_norm"].values()) for run in runs]
    return fmean(each[0] / each[-1] for each in norms)


def likeness(depth: int, grid: str = "initial", **setting) -> float:
    runs = select(stored_runs(grid), depth=depth, batch_norm=True, **setting)
    return fmean(run.result["gradient_correlation"]["1"] for run in runs)


START: dict[str, Callable[[], bool]] = {
    "the first convolution gets a gradient hundreds of thousands of times the last one's": (
        lambda: 1e5 < growth(110, block="plain", batch_norm=True) < 1e6
    ),
    "loses every resemblance between 20 and 32 layers": (
        lambda: likeness(20, block="plain") > 0.2 and abs(likeness(32, block="plain")) < 0.1
    ),
}
TRAINED: dict[str, Callable[[], bool]] = {
    "but for one run with skips and without batch norm that diverged": lambda: (
        sum(error == 0.9 for error in ends("norm", depth=8, block="residual", batch_norm=False))
        == 1
    ),
    "At 20 layers either ingredient alone is enough for a training error near 10 %": lambda: (
        0.09 < mean("norm", depth=20, block="plain", batch_norm=True) < 0.12
        and 0.09 < mean("norm", depth=20, block="residual", batch_norm=False) < 0.12
    ),
    "four of five runs stay at the error of guessing, and one comes loose": lambda: (
        sum(error > 0.85 for error in ends("norm", depth=56, block="plain", batch_norm=False)) == 4
    ),
}
LESIONS: dict[str, Callable[[], bool]] = {
    "The residual network misses its first two blocks": (
        lambda: min(lesion("removed", "residual")[:2]) > whole("residual") + 0.2
    ),
    "from the fourth on each can go at the price of at most five points": (
        lambda: max(lesion("removed", "residual")[3:]) < whole("residual") + 0.05
    ),
    "behind the first stage of less than two": (
        lambda: max(lesion("removed", "residual")[9:]) < whole("residual") + 0.02
    ),
    "a good ten points to the plain network, whose error stays near three quarters": (
        lambda: (
            0.7 < fmean(lesion("removed_renewed", "plain")) < 0.8
            and 0.1
            < fmean(lesion("removed", "plain")) - fmean(lesion("removed_renewed", "plain"))
            < 0.15
        )
    ),
    "brings the residual one to within two points of the whole": (
        lambda: fmean(lesion("removed_renewed", "residual")) < whole("residual") + 0.02
    ),
    "until with ten of 25 gone it is close to guessing": (
        lambda: 0.75 < several("residual")[9] < 0.85
    ),
    "which moves the error by less than two points on average": (
        lambda: fmean(lesion("swapped", "residual")) < whole("residual") + 0.02
    ),
}
PATHS: dict[str, Callable[[], bool]] = {
    "passes through makes its gradient about half as large": lambda: 1.8 < factor_a_block() < 2.5,
    "the mean path would pass through eight or nine blocks": lambda: 8 < length(1) < 9,
    "it would pass through five": lambda: 4.5 < length(0.5) < 5.5,
    "But a path of 13 has a gradient tens of thousands of times smaller": lambda: (
        3e3
        < fmean(
            fmean(run.result["path_gradient"]["0"]) / fmean(run.result["path_gradient"]["13"])
            for run in inside("residual")
        )
        < 1e5
    ),  # fmt: skip
}
LANDSCAPE: dict[str, Callable[[], bool]] = {
    "Second valleys are there in a third of the plain slices and in none of the residual ones": (
        lambda: 0.25 < ruggedness("plain") < 0.4 and ruggedness("residual") == 0
    ),
}
PROSE = {"04_why_it_works.ipynb": START | TRAINED | LESIONS | PATHS | LANDSCAPE}
SAID = [(page, fragment) for page, fragments in PROSE.items() for fragment in fragments]


@pytest.mark.parametrize(("page", "fragment"), SAID, ids=[f"{page}: {said}" for page, said in SAID])
def test_the_prose_says_what_is_stored(page, fragment):
    assert fragment in text(page), "the sentence has changed: change what is computed here, too"
    assert PROSE[page][fragment](), "the stored results say something else"
