"""Assignment 3, Degradation: its grid, a student's seeds, and what runs are held to."""

import math
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import as_file, files
from typing import Any

from ..experiments.settings import Setting, build, fitted, grid_images
from ..experiments.workers import run_grid
from ..results import Band, History
from ..runs import StoredRun, by_seed, read
from ..runtime.files import provenance
from .drawing import drawn_for

BLOCKS, DEPTHS = ("plain", "residual"), (8, 32)
ARMS = tuple(f"{block}-{depth}" for block in BLOCKS for depth in DEPTHS)
EPOCHS, TRAINING_IMAGES = 6, 1_500
# Each arm's best of four, by training error, with seeds that are used for nothing else.
RATES = {"plain-8": 0.1, "plain-32": 0.05, "residual-8": 0.2, "residual-32": 0.02}
COLUMNS = ("training_loss", "training_error", "validation_error")
REASON_WORDS = 12
REPEATED_ARM = "plain-8"  # the one that a student repeats
# How far the first epoch of one run may differ between machines: the grader's `repeat` says why.
TOLERANCES = {"training_loss": 0.06, "training_error": 0.04}
# The arms whose first epochs the grader may repeat; of deeper ones two machines agree too little.
REPEATED = {
    REPEATED_ARM: TOLERANCES,
    "residual-8": {"training_loss": 0.9, "training_error": 0.06},
}
# A run in a thousand lies outside its band by chance, and a student has twelve.
MOST_OUTSIDE = 1


def stored(name: str) -> list[StoredRun]:
    """The runs that come with the package: `rates`, `band`, and for the repeated run two more."""
    with as_file(files("resnet") / "assets" / "coursework" / f"degradation_{name}.json") as path:
        return read(path)


def seeds(student: str) -> tuple[int, int, int]:
    """The three seeds of a student; the stored runs have others. ValueError for an empty id."""
    return tuple(drawn_for(student, "degradation: seeds").sample(range(1_000, 1_000_000), 3))


def setting(block: str, depth: int, seed: int, rate: float | None = None) -> Setting:
    """One run of the assignment's grid; `rate` None is the arm's own best."""
    rate = RATES[f"{block}-{depth}"] if rate is None else rate
    return Setting(depth, block, seed, rate, epochs=EPOCHS, training_images=TRAINING_IMAGES)


def report(
    student: str,
    prediction: Mapping[str, float],
    reason: str,
    finished: Iterable[tuple[Setting, History]],
) -> dict[str, Any]:
    """What a student's notebook hands to the grader: plain data that goes to JSON and back."""
    runs = [
        {
            "arm": setting.arm,
            "seed": setting.seed,
            "learning_rate": setting.learning_rate,
            **{name: history.column(name) for name in COLUMNS},
        }
        for setting, history in finished
    ]
    return {
        "student": student,
        "prediction": dict(prediction),
        "reason": reason,
        "settings": {"epochs": EPOCHS, "training_images": TRAINING_IMAGES, "batch_size": 64},
        "runs": sorted(runs, key=lambda run: (ARMS.index(run["arm"]), run["seed"])),
        "provenance": provenance(device="cpu, float32"),
    }


def prediction_problem(prediction: Any, reason: Any) -> str:
    """A sentence on what a prediction lacks, or an empty one. What it says is not judged."""
    if type(prediction) is not dict or sorted(map(str, prediction)) != sorted(ARMS):
        return f"the prediction needs one number for each of {', '.join(ARMS)}"
    for arm, error in prediction.items():
        if type(error) not in (int, float) or not 0 <= error <= 1:
            return f"the prediction for {arm} is no training error: a fraction between 0 and 1"
    if type(reason) is not str or len(reason.split()) < REASON_WORDS:
        return f"the reason has fewer than {REASON_WORDS} words"
    return ""


def band(arm: str, column: str = "training_error") -> Band:
    """Where the last value of a run of that arm may lie, from runs with other seeds."""
    block, _, depth = arm.partition("-")
    last = by_seed(stored("band"), column, block=block, depth=int(depth))
    return Band(arm, tuple(last.values()))


def outside(errors: Iterable[tuple[str, int, float]], column: str = "training_error") -> list[str]:
    """Words on each of the runs (arm, seed, last value of a column) that its arm's band lacks."""
    bands = {arm: band(arm, column) for arm in ARMS}
    return [
        f"{arm}, seed {seed}: {error:.3f} and not "
        f"{max(bands[arm].low, 0):.3f} to {bands[arm].high:.3f}"
        for arm, seed, error in errors
        if not bands[arm].holds(error)
    ]


def first_epochs(student: str, arm: str = REPEATED_ARM) -> dict[int, dict[str, float]]:
    """The first epoch of an arm for each of a student's seeds: two or three seconds."""
    block, _, depth = arm.partition("-")
    wanted = [setting(block, int(depth), seed) for seed in seeds(student)]
    return {one.seed: seen for one, seen in run_grid(wanted, measure=first_epoch)}


def repeated_problem(
    runs: Mapping[int, Mapping[str, Sequence[float]]],
    again: Mapping[int, Mapping[str, float]],
    arm: str = REPEATED_ARM,
) -> str:
    """A sentence on the first of the reported runs, by seed, that did not begin as `again` did."""
    for seed, seen in again.items():
        for name, tolerance in REPEATED[arm].items():
            ours = runs[seed][name][0]
            if abs(ours - seen[name]) > tolerance:
                return (
                    f"with seed {seed} the {name.replace('_', ' ')} after the first epoch is "
                    f"{seen[name]:.3f}, and {ours:.3f} was reported"
                )
    return ""


def first_epoch(setting: Setting, threads: int | None = None) -> dict[str, float]:
    """Training loss and error after the first epoch of a run, with its whole schedule of rates.

    The run is ended as Ctrl-C ends one, at the first step of the second epoch, so these are the
    numbers of `experiments.settings.train` in a sixth of its time.
    """
    training, _ = grid_images(setting)
    model = build(setting)
    left = math.ceil(len(training) / setting.batch_size)

    def end_after_an_epoch(model, inputs) -> None:
        nonlocal left
        left -= model.training
        if left < 0:
            raise KeyboardInterrupt

    model.register_forward_pre_hook(end_after_an_epoch)
    history = fitted(model, training, setting, threads=threads)
    if not history.epochs:
        raise KeyboardInterrupt  # the user's own
    return {name: history.epochs[0][name] for name in ("training_loss", "training_error")}
