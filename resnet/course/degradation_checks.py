"""Assignment 3: what a student can check at once. Each check passes, or says what is not right.

They look at small examples with known numbers. The grader looks at others.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .axis import fresh_axis, heights, nearest, words
from .degradation import (
    ARMS,
    MOST_OUTSIDE,
    RATES,
    REPEATED_ARM,
    first_epochs,
    outside,
    prediction_problem,
    repeated_problem,
    seeds,
    setting,
)
from .degradation_claims import (
    CONTRADICTED,
    DEEP,
    FLAT,
    NOT_DECIDED,
    SUPPORTED,
    Claim,
    example_runs,
)

THREE = (0.1, 0.2, 0.6)
TWO_ARMS = {"first": {1: 0.10, 2: 0.16, 3: 0.13}, "second": {1: 0.40, 2: 0.44}}
INTERVALS = {"first": (0.05548, 0.13, 0.20452), "second": (0.16588, 0.42, 0.67412)}


def check_prediction(prediction: Any, reason: Any) -> None:
    """The prediction is complete; what it says is not judged."""
    problem = prediction_problem(prediction, reason)
    assert not problem, f"Not complete yet: {problem}."
    print("The prediction is complete.")


def check_grid(grid: Callable) -> None:
    """Every arm with every seed, each arm with its own rate, all else equal."""
    _check_settings(_answer(grid, (11, 12, 13)), (11, 12, 13))
    print("The grid is complete: four arms, the same seeds in each.")


def _check_settings(made: Iterable, wanted_seeds: Sequence[int]) -> None:
    made = {(one.arm, one.seed): one for one in made}
    for arm in ARMS:
        for seed in wanted_seeds:
            block, _, depth = arm.partition("-")
            right = setting(block, int(depth), seed)
            assert (arm, seed) in made, f"The grid has no run of {arm} with seed {seed}."
            ours = made.pop((arm, seed))
            assert ours.learning_rate == RATES[arm], f"The rate of {arm} is {RATES[arm]}, its best."
            assert ours == right, f"{arm} with seed {seed} is {ours}, and should be {right}."
    assert not made, f"The grid has a run too many: {list(made.values())[:1]}."


def check_results(results: Any, grid: Callable, student: str) -> None:
    """The runs are those of the grid with the student's seeds, and lie where such runs lie."""
    _check_runs(results, grid, student)
    errors = [(run["arm"], run["seed"], run["training_error"][-1]) for run in results["runs"]]
    strange = outside(errors)
    assert len(strange) <= MOST_OUTSIDE, "Runs outside the stored band: " + "; ".join(strange)
    print(f"{len(errors)} runs, {len(errors) - len(strange)} of them inside the band of their arm.")


def check_repeat(results: Any, grid: Callable, student: str) -> None:
    """The first epochs of the smallest arm, trained again, are those reported."""
    _check_runs(results, grid, student)
    ours = {run["seed"]: run for run in results["runs"] if run["arm"] == REPEATED_ARM}
    problem = repeated_problem(ours, first_epochs(student))
    assert not problem, f"The repeated runs are others than yours: {problem}."
    print(f"The first epochs of {REPEATED_ARM} were trained again: the same three runs.")


def _check_runs(results: Any, grid: Callable, student: str) -> None:
    assert results, "There are no results yet: execute the cell `Run 3.2`, it defines RESULTS."
    _check_settings(_answer(grid, seeds(student)), seeds(student))
    found = {(run["arm"], run["seed"]) for run in results["runs"]}
    wanted = {(arm, seed) for arm in ARMS for seed in seeds(student)}
    assert found == wanted, "These are not the runs of your id: execute the cell `Run 3.2` again."


def check_spread(mean_and_sd: Callable) -> None:
    """Mean and sample SD of three numbers."""
    mean, sd = _answer(mean_and_sd, list(THREE))
    _near(mean, 0.3, "the mean of 0.1, 0.2 and 0.6")
    assert not math.isclose(sd, 0.216025, rel_tol=1e-4), (
        "0.216 is the root of the mean squared deviation. A sample's SD divides by n - 1, because "
        "the mean was taken from the same values."
    )
    _near(sd, 0.264575, "the sample SD of 0.1, 0.2 and 0.6")
    print("Mean and sample SD of the example are right.")


def check_differences(paired_differences: Callable) -> None:
    """Differences by seed, of the seeds that both arms have."""
    found = dict(_answer(paired_differences, DEEP, FLAT))
    assert set(found) == {7, 8, 9}, f"The seeds of both arms are 7, 8 and 9, not {sorted(found)}."
    for seed, right in {7: 0.24, 8: 0.22, 9: 0.21}.items():
        _near(found[seed], right, f"ones minus others of seed {seed}")
    print("The differences of the example are right.")


def check_interval(t_interval: Callable) -> None:
    """The 95 % t interval of three differences, and the refusal of a single one."""
    ours = _answer(t_interval, [0.24, 0.22, 0.21])
    for name, value, right in zip(
        ("mean", "lower end", "upper end"), ours, (0.223333, 0.185387, 0.261279), strict=True
    ):
        _near(value, right, f"the {name} of the interval of 0.24, 0.22 and 0.21")
    try:
        alone = t_interval([0.24])
    except ValueError:
        print("The interval of the example is right.")
    else:
        raise AssertionError(f"One value has no interval: raise ValueError, not {alone}.")


def check_verdict(verdict: Callable) -> None:
    """What an interval of ones minus others says of `ones is higher`."""
    for ends, right in (
        ((0.01, 0.05), SUPPORTED),
        ((-0.05, -0.01), CONTRADICTED),
        ((-0.01, 0.05), NOT_DECIDED),
    ):
        ours = _answer(verdict, *ends)
        assert ours == right, f"The interval from {ends[0]} to {ends[1]}: {right!r}, not {ours!r}."
    print("The three verdicts of the example are right.")


def check_judge(judge: Callable) -> None:
    """A claim about the last epochs of three pairs."""
    text = "deep ends with a higher training error than flat"
    claim = Claim(text, "deep", "flat", "training_error")
    found, ends = _answer(judge, claim, example_runs())
    assert found == SUPPORTED, f"The example's claim is {SUPPORTED!r}, not {found!r}."
    for value, right, name in zip(ends, (0.185387, 0.261279), ("lower", "upper"), strict=True):
        _near(value, right, f"the {name} end of the example's interval")
    print("The claim of the example is judged as it should be.")


def check_few(judge: Callable) -> None:
    """One pair decides nothing."""
    claim = Claim("deep ends with a higher test error than flat", "deep", "flat", "test_error")
    alone = [run for run in example_runs() if run["arm"] == "flat" or run["seed"] == 7]
    ours = _answer(judge, claim, alone)
    assert tuple(ours) == (NOT_DECIDED, None), f"One pair: {(NOT_DECIDED, None)}, not {ours}."
    print("A single pair is left undecided.")


def check_points(draw: Callable) -> None:
    """Every run is drawn as a point at its arm's place."""
    axis = fresh_axis()
    _called(draw, TWO_ARMS, axis)
    for place, (arm, errors) in enumerate(TWO_ARMS.items()):
        for error in errors.values():
            _drawn(axis, place, error, f"the run with error {error} of the arm {arm!r}")
    print("Every run of the example is drawn.")


def check_intervals(draw: Callable) -> None:
    """Each arm's mean and the ends of its interval are drawn at its place."""
    axis = fresh_axis()
    _called(draw, TWO_ARMS, axis)
    for place, (arm, ends) in enumerate(INTERVALS.items()):
        for name, value in zip(("lower end", "mean", "upper end"), ends, strict=True):
            _drawn(axis, place, value, f"the {name} of the arm {arm!r}, {value:.4f},")
    print("Means and intervals of the example are drawn.")


def check_labels(draw: Callable) -> None:
    """The arms are named, and the vertical axis says what it shows."""
    axis = fresh_axis()
    _called(draw, TWO_ARMS, axis)
    for arm in TWO_ARMS:
        assert arm in words(axis), f"The arm {arm!r} is named nowhere, on the axis or in a legend."
    label = axis.get_ylabel()
    assert "training error" in label.lower(), f"The vertical axis is called {label!r}."
    print("Arms and axis are named.")


def _answer(function: Callable, *arguments: Any) -> Any:
    answer = _called(function, *arguments)
    name = getattr(function, "__name__", "the function")
    assert answer is not None, f"`{name}` gives back nothing: its `return` is missing."
    return answer


def _called(function: Callable, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except NotImplementedError:
        name = getattr(function, "__name__", "the function")
        raise AssertionError(
            f"`{name}` is not written yet: put your lines into its cell."
        ) from None


def _near(ours: Any, right: float, what: str) -> None:
    assert math.isclose(ours, right, rel_tol=1e-3), f"{what} is {right:.4f}, yours is {ours:.4f}."


def _drawn(axis: Any, place: int, value: float, what: str) -> None:
    there = heights(axis, place)
    assert there, f"Nothing is drawn at x = {place}."
    found = nearest(there, value)
    assert abs(found - value) < 1e-4, f"{what} is not drawn: the nearest height is {found:.4f}."
