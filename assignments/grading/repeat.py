"""Assignment 3: what a student reports of the runs, held to the stored band and to a repetition.

Training is not done again in grading. The grader calls CHECKS[name](results, student) in its own
process: `results` is JSON that a student wrote and may be anything, so types, sizes and ranges are
looked at before any of it is used. Each returns whether it holds and a sentence for the student.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

LONGEST_TEXT, HIGHEST_LOSS = 5_000, 1_000
STORED_DIGITS = 1e-5  # the relative rounding of the package's own runs, and a little more


class Refused(ValueError):
    """Results that are not what the notebook writes; the sentence says in what."""


def prediction(results: Any, student: str) -> tuple[bool, str]:
    """Whether the prediction is complete. What it says is not judged."""
    from resnet.course.degradation import prediction_problem

    if type(results) is not dict:
        return False, "There are no results: execute the notebook's cell `Run 3.2`."
    said, reason = results.get("prediction"), results.get("reason")
    if type(reason) is str and len(reason) > LONGEST_TEXT:
        return False, f"The reason is longer than {LONGEST_TEXT:,} characters."
    problem = prediction_problem(said, reason)
    return not problem, f"Not complete: {problem}." if problem else "The prediction is complete."


def band(results: Any, student: str) -> tuple[bool, str]:
    """Whether all runs are there with the student's seeds, and end where such runs end.

    That is by training loss and by training error, in the bands of the package's runs.
    """
    from resnet.course.degradation import MOST_OUTSIDE, outside

    try:
        runs = checked_runs(results, student)
    except Refused as refused:
        return False, f"{refused}."
    strange = {}
    for name in ("training_loss", "training_error"):
        last = [(arm, seed, run[name][-1]) for (arm, seed), run in runs.items()]
        strange |= {words.partition(":")[0]: words for words in outside(last, name)}
    if len(strange) > MOST_OUTSIDE:
        return False, "Runs outside the band of their arm: " + "; ".join(strange.values()) + "."
    inside = len(runs) - len(strange)
    return True, f"{len(runs)} runs, {inside} of them inside the band of their arm."


def repeat(results: Any, student: str, key: str = "") -> tuple[bool, str]:
    """Whether the first epochs of an arm, trained again, are those that were reported.

    One epoch for each of the student's three seeds, about two seconds in all on one thread. Which
    of the two shallow arms it is follows from the course's key, so nobody knows it before handing
    in. The epoch ends with the loss and the error that the runs of the grid themselves report, so
    other people's runs under one's own seeds do not pass. That the later epochs and the other arms
    belong to the same runs is not shown by it.

    The tolerances allow for another machine: 0.06 for the loss and 0.04 for the error of `plain-8`,
    0.9 and 0.06 for those of `residual-8`. Of 20 seeds each first epoch was trained with one
    thread, with two, and under the AVX2 instruction set (which stands in for another processor):
    the largest differences from one thread were 0.025 in the loss and 0.017 in the error of
    `plain-8`, and 0.37 and 0.026 in those of `residual-8`. Between seeds the losses have sample SDs
    of 0.27 and 2.7. Of all pairs of seeds 10 % and 16 % lie within both tolerances, so for three
    seeds it is one case in a thousand and four.

    Later epochs cannot be repeated in this way. Of ten seeds under AVX2, and six with two threads,
    some had by the second epoch a loss that differs by 0.5 from that of one thread, which is as
    much as two seeds differ. In `plain-32` this is so in the first epoch already.
    """
    import torch

    from resnet.course.degradation import first_epochs, repeated_problem, seeds

    try:
        runs = checked_runs(results, student)
    except Refused as refused:
        return False, f"{refused}."
    arm = repeated_arm(student, key)
    ours = {seed: runs[arm, seed] for seed in seeds(student)}
    with torch.random.fork_rng(devices=[]):
        problem = repeated_problem(ours, first_epochs(student, arm), arm)
    if problem:
        return False, f"The runs of {arm} are not those of your seeds: {problem}."
    return True, f"The first epochs of {arm}, trained again, are those that you report."


def repeated_arm(student: str, key: str) -> str:
    """The arm that is repeated for a student; without the course's key nobody can tell which."""
    from resnet.course.degradation import REPEATED

    identity = student.strip().casefold()
    drawn = hashlib.sha256(f"{key}\n{identity}\nrepeated arm".encode()).digest()
    return sorted(REPEATED)[drawn[0] % len(REPEATED)]


CHECKS: dict[str, Callable[[Any, str], tuple[bool, str]]] = {
    "prediction": prediction,
    "band": band,
    "repeat": repeat,
}


def checked_runs(results: Any, student: str) -> dict[tuple[str, int], Mapping[str, Any]]:
    """The runs by arm and seed, after a look at every value; Refused for all that is not right."""
    from resnet.course.degradation import ARMS, COLUMNS, RATES, seeds

    try:
        wanted = {(arm, seed) for arm in ARMS for seed in seeds(student)}
    except ValueError:
        raise Refused("There is no student id") from None
    runs = results.get("runs") if type(results) is dict else None
    if type(runs) is not list:
        raise Refused("There are no results: execute the notebook's cell `Run 3.2`")
    if len(runs) != len(wanted):
        raise Refused(f"There are {len(runs)} runs, and the grid has {len(wanted)}")
    found = {}
    for run in runs:
        place = (run.get("arm"), run.get("seed")) if type(run) is dict else ()
        if tuple(map(type, place)) != (str, int):
            raise Refused("A run has no arm or no seed")
        if place not in wanted or place in found:
            raise Refused("A run is not one of the grid with the seeds of this student's id")
        if run.get("learning_rate") != RATES[run["arm"]]:
            raise Refused(f"A run of {run['arm']} has not the rate {RATES[run['arm']]}")
        found[place] = {name: _column(run.get(name), name) for name in COLUMNS}
    _refuse_made_up(found)
    return found


def _refuse_made_up(runs: Mapping[tuple[str, int], Mapping[str, Any]]) -> None:
    """Refused for losses that training does not give, or that somebody else's training gave.

    A loss is a mean over 1,500 images in float32: no run has the same twice, nor have two runs.
    """
    from resnet.course.degradation import stored

    losses = [loss for run in runs.values() for loss in run["training_loss"]]
    if len(set(losses)) < len(losses):
        raise Refused("Training losses of two epochs, or of two runs, are equal to the last digit")
    known = stored("band")
    for (arm, seed), run in runs.items():
        if any(len(set(run[name])) == 1 for name in run):
            raise Refused(f"A run of {arm} does not change from epoch to epoch")
        if any(one.arm == arm and _same_end(run, one.result) for one in known):
            raise Refused(f"The run of {arm} with seed {seed} is one that comes with the package")


def _same_end(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Whether two runs have the same training losses in their last two epochs."""
    pairs = zip(ours["training_loss"][-2:], theirs["training_loss"][-2:], strict=True)
    return all(abs(a - b) <= STORED_DIGITS * b for a, b in pairs)


def _column(values: Any, name: str) -> list[float]:
    """One number an epoch in the range of its kind; errors are whole numbers of images."""
    from resnet.budgets import CPU
    from resnet.course.degradation import EPOCHS, TRAINING_IMAGES

    most = HIGHEST_LOSS if name.endswith("loss") else 1
    if type(values) is not list or len(values) != EPOCHS:
        raise Refused(f"A run has not one {name} for each of {EPOCHS} epochs")
    # Comparisons, because they hold for no nan and come to an end for integers of any length.
    if not all(type(value) in (int, float) and 0 <= value <= most for value in values):
        raise Refused(f"A {name} is no number from 0 to {most}")
    if not name.endswith("loss"):
        images = TRAINING_IMAGES if name.startswith("training") else CPU.validation_images
        if any(abs(value * images - round(value * images)) > 1e-6 for value in values):
            raise Refused(f"A {name} is no whole number of {images:,} images")
    return values
