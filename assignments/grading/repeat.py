"""Assignment 3: what a student reports of the runs, held to the stored band and to a repetition.

Training is not done again in grading. The grader calls CHECKS[name](results, student) in its own
process: `results` is JSON that a student wrote and may be anything, so types, sizes and ranges are
looked at before any of it is used. Each returns whether it holds and a sentence for the student.
"""

from collections.abc import Callable, Mapping
from typing import Any

LONGEST_TEXT, HIGHEST_LOSS = 5_000, 1_000


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
    """Whether all runs are there with the student's seeds, and end where such runs end."""
    from resnet.course.degradation import MOST_OUTSIDE, outside

    try:
        runs = checked_runs(results, student)
    except Refused as refused:
        return False, f"{refused}."
    errors = [(arm, seed, run["training_error"][-1]) for (arm, seed), run in runs.items()]
    strange = outside(errors)
    if len(strange) > MOST_OUTSIDE:
        return False, "Runs outside the band of their arm: " + "; ".join(strange) + "."
    inside = len(errors) - len(strange)
    return True, f"{len(errors)} runs, {inside} of them inside the band of their arm."


def repeat(results: Any, student: str) -> tuple[bool, str]:
    """Whether the first epochs of the smallest arm, trained again, are those that were reported.

    One epoch for each of the student's three seeds, about two seconds in all on one thread. It ends
    with the loss and the error that the runs of the grid themselves report, so other people's runs
    under one's own seeds do not pass. That the later epochs and the other arms belong to the same
    runs is not shown by it.

    The tolerances, 0.06 for the loss and 0.04 for the error, allow for another machine. Of 20 seeds
    the first epoch was trained with one thread, with two, and under the AVX2 instruction set (which
    stands in for another processor): the largest of the 40 differences from one thread was 0.025 in
    the loss and 0.017 in the error. Between seeds the loss has a sample SD of 0.27. Of all pairs of
    seeds 10 % lie within both tolerances, so for three seeds it is one case in a thousand.
    """
    import torch

    from resnet.course.degradation import REPEATED_ARM, first_epochs, repeated_problem, seeds

    try:
        runs = checked_runs(results, student)
    except Refused as refused:
        return False, f"{refused}."
    ours = {seed: runs[REPEATED_ARM, seed] for seed in seeds(student)}
    with torch.random.fork_rng(devices=[]):
        problem = repeated_problem(ours, first_epochs(student))
    if problem:
        return False, f"The runs of {REPEATED_ARM} are not those of your seeds: {problem}."
    return True, f"The first epochs of {REPEATED_ARM}, trained again, are those that you report."


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
    return found


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
