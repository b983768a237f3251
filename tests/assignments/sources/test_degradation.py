"""Assignment 3: its notebook, its mistakes, and an honest solution that looks otherwise."""

from itertools import combinations

import pytest

from assignments.grading.reference import Reference
from assignments.grading.repeat import CHECKS
from assignments.source import Source, read

pytestmark = pytest.mark.slow  # runs the assignment with every mistake

STUDENT = "ab123"  # whose results the source holds
STUDENTS = (STUDENT, "s-0042", "Zoë", "1 2")


@pytest.fixture(scope="module")
def source() -> Source:
    return read("degradation")


def test_the_stored_results_are_those_of_the_solution(source: Source) -> None:
    space: dict = {}
    exec(source.task("task-3-1").solution, space)
    assert source.results["prediction"] == space["PREDICTION"]
    assert source.results["reason"] == space["REASON"]
    assert all(check(source.results, STUDENT)[0] for check in CHECKS.values())


# The mistakes


def dict_of(ours: Reference, check) -> dict:
    return {mistake.name: (mistake, seen) for mistake, seen in ours.mistaken(check)}


@pytest.mark.parametrize("student", STUDENTS[:2])
def test_mistakes_that_look_alike_in_a_part_earn_the_same_there(source, student) -> None:
    """Those of tasks that the part needs are tried as well, and are not marked down again."""
    ours = Reference(source, student, "a key", source.results)
    for check in source.checks:
        right = ours.right(check)
        wrong = [pair for pair in dict_of(ours, check).values() if not pair[1].same(right)]
        for (one, theirs), (two, others) in combinations(wrong, 2):
            if theirs.same(others):
                earned = [mistake.points.get(check.id, 0) for mistake in (one, two)]
                assert earned[0] == earned[1], f"{one.name} and {two.name} in {check.id}"


ALTERNATIVE = {
    "task-3-2": """
from itertools import product

def grid(seeds):
    sizes = dict(epochs=EPOCHS, training_images=TRAINING_IMAGES)
    made = []
    for seed, depth, block in product(seeds, DEPTHS, BLOCKS):
        rate = RATES[block + "-" + str(depth)]
        made.append(Setting(depth=depth, block=block, seed=seed, learning_rate=rate, **sizes))
    return made
""",
    "task-3-3": """
import numpy as np

def mean_and_sd(values):
    return np.mean(values), np.std(values, ddof=1)
""",
    "task-3-4": """
def paired_differences(ones, others):
    return {seed: ones[seed] - others[seed] for seed in sorted(set(ones) & set(others))}

def t_interval(values):
    values = np.asarray(values)
    if values.size < 2:
        raise ValueError("too few")
    found = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return [values.mean(), found.low, found.high]
""",
    "task-3-5": """
def verdict(low, high):
    if low <= 0 <= high:
        return NOT_DECIDED
    return SUPPORTED if low > 0 else CONTRADICTED
""",
    "task-3-6": """
def judge(claim, runs):
    last = {}
    for run in runs:
        last.setdefault(run["arm"], {})[run["seed"]] = run[claim.error][len(run[claim.error]) - 1]
    gaps = paired_differences(last.get(claim.ones, {}), last.get(claim.others, {}))
    try:
        mean, low, high = t_interval(list(gaps.values()))
    except ValueError:
        return [NOT_DECIDED, None]
    return [verdict(low, high), np.array([low, high])]
""",
    "task-3-8": """
def draw(errors, axis):
    for number, (arm, runs) in enumerate(errors.items()):
        found = np.array(list(runs.values()))
        mean, low, high = t_interval(found)
        aside = number + np.linspace(-0.2, 0.2, len(found))
        axis.scatter(aside, found, s=12, label=arm)
        axis.vlines(number, low, high)
        axis.hlines(mean, number - 0.2, number + 0.2)
    axis.axhline(0.5, color="grey")
    axis.legend()
    axis.set(ylabel="Training error (fraction)")
    return axis
""",
}


@pytest.mark.parametrize("student", STUDENTS[:3])
def test_another_honest_solution_is_seen_as_right(source: Source, student: str) -> None:
    ours = Reference(source, student, "a key", source.results)
    for check in source.checks:
        names = [*check.needs, check.task]
        if all(name in ALTERNATIVE for name in names):
            cells = [ALTERNATIVE[name] for name in names]
            if "task-3-3" not in names:
                cells.insert(0, "import numpy as np")
            other = ours._run(check, [source.setup, *cells])
            assert not other.error and other.same(ours.right(check)), check.id
