"""Assignment 3: what is drawn for students, its stored runs, and results held to them."""

import copy
import json
import math
import os
import re
import statistics
import subprocess
import sys
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from scipy import stats

from assignments.editions.measured import band as course_band
from assignments.grading.repeat import CHECKS
from assignments.source import Source, read
from resnet.course import degradation as course
from resnet.course.degradation_claims import TRAPS, claims, hidden_claims
from resnet.experiments.collecting import missing
from resnet.experiments.settings import train
from resnet.experiments.workers import run_grid
from resnet.runs import best_rate_among
from resnet.runs import read as read_runs

STUDENT = "ab123"  # whose results the source holds
STUDENTS = (STUDENT, "s-0042", "Zoë", "1 2")


@pytest.fixture(scope="module")
def source() -> Source:
    return read("degradation")


@pytest.fixture
def results(source: Source) -> dict:
    return copy.deepcopy(dict(source.results))


def test_seeds_are_the_students_own_and_no_stored_runs() -> None:
    assert course.seeds(" AB123 ") == course.seeds(STUDENT) != course.seeds("ab124")
    stored = {*course_band.OTHERS, *course_band.CHOOSING}
    drawn = {seed for number in range(200) for seed in course.seeds(f"s{number}")}
    assert len(drawn) > 590 and not drawn & stored
    with pytest.raises(ValueError, match="no student id"):
        course.seeds(" ")


def test_claims_are_the_students_own_and_have_three_traps() -> None:
    assert claims("Ab123") == claims(STUDENT) != claims("ab124")
    assert list(claims(STUDENT)) == ["A", "B", "C"]
    assert len(hidden_claims(5)) == 2 * len(TRAPS)
    with pytest.raises(ValueError, match="no student id"):
        claims("")


def sign(low: float, high: float) -> int:
    return int(low > 0) - int(high < 0)


def looks(claim, runs) -> dict[str, int]:
    """The sign that each way of looking finds, 0 where it finds none."""
    other = "test_error" if claim.error == "training_error" else "training_error"

    def interval(error: str, epoch, quantile=stats.t.ppf) -> int:
        ones, others = (
            {run["seed"]: epoch(run[error]) for run in runs if run["arm"] == arm}
            for arm in (claim.ones, claim.others)
        )
        gaps = [ones[seed] - others[seed] for seed in ones]
        half = quantile(0.975, len(gaps) - 1) * statistics.stdev(gaps) / math.sqrt(len(gaps))
        middle = statistics.fmean(gaps)
        return sign(middle - half, middle + half)

    def last(errors):
        return errors[-1]

    groups = [[run[claim.error][-1] for run in runs if run["arm"] == arm]
              for arm in (claim.ones, claim.others)]  # fmt: skip
    apart = stats.ttest_ind(*groups, equal_var=False).confidence_interval(0.95)
    return {
        "right": interval(claim.error, last),
        "last_or_best": interval(claim.error, min),
        "pairs_or_not": sign(apart.low, apart.high),
        "one_error_or_the_other": interval(other, last),
        "two_pairs": interval(claim.error, last, lambda share, _: stats.norm.ppf(share)),
    }


@pytest.mark.parametrize("seed", range(20))
def test_each_trap_leads_to_another_verdict(seed: int) -> None:
    for (claim, runs), trap in zip(hidden_claims(seed), TRAPS * 2, strict=True):
        found = looks(claim, runs)
        assert found["right"] != found[trap.__name__], trap.__name__
        numbers = [error for run in runs for error in run["training_error"] + run["test_error"]]
        assert all(0 < error < 1 for error in numbers)


# The stored runs


def test_each_arm_has_its_best_rate_and_it_lies_between_others() -> None:
    for arm in course.ARMS:
        block, _, depth = arm.partition("-")
        chosen = best_rate_among(
            course.stored("rates"), "training_error", block=block, depth=int(depth)
        )
        assert chosen == course.RATES[arm]
        assert chosen not in (min(tried := course_band.TRIED[int(depth)]), max(tried))


@pytest.mark.parametrize("name", course_band.grids())
def test_no_stored_run_is_missing(name: str) -> None:
    assert not missing(course_band.grids()[name], read_runs(course_band.FOLDER / f"{name}.json"))


def test_the_band_has_twenty_runs_of_each_arm_as_a_student_trains_it() -> None:
    runs = course.stored("band")
    found = {(run.arm, run.setting["seed"]) for run in runs}
    assert found == {(arm, seed) for arm in course.ARMS for seed in range(1, 21)}
    assert len(runs) == 80 and all(run.origin["versions"]["torch"] for run in runs)
    for run in runs:
        block, depth, seed = (run.setting[name] for name in ("block", "depth", "seed"))
        assert run.setting["learning_rate"] == course.RATES[run.arm]
        assert run.setting["training_images"] == course.TRAINING_IMAGES
        assert course.setting(block, depth, seed).epochs == run.setting["epochs"]
    assert not course.outside((run.arm, 0, run.last("training_error")) for run in runs)


def test_runs_of_other_networks_and_untrained_ones_lie_outside() -> None:
    deep = [run.last("training_error") for run in course.stored("band") if run.arm == "plain-32"]
    assert (
        len(course.outside(("residual-32", seed, error) for seed, error in enumerate(deep))) == 20
    )
    assert len(course.outside((arm, 1, error) for arm in course.ARMS for error in (0.0, 0.9))) == 8


def test_an_honest_student_is_inside() -> None:
    """Each stored seed held to the bands of the other nineteen: rarely one run, never two."""
    strange = {seed: 0 for seed in course_band.OTHERS}
    for arm in course.ARMS:
        errors = {run.setting["seed"]: run.last("training_error")
                  for run in course.stored("band") if run.arm == arm}  # fmt: skip
        for seed, error in errors.items():
            others = [errors[other] for other in errors if other != seed]
            reach = 4 * statistics.stdev(others)
            strange[seed] += abs(error - statistics.fmean(others)) > reach
    assert max(strange.values()) <= course.MOST_OUTSIDE


def first(name: str) -> dict[int, dict[str, float]]:
    """By seed the first epoch of the repeated arm, as one file has it."""
    found = {}
    for run in course.stored(name):
        if run.arm == course.REPEATED_ARM:
            seen = {key: run.result[key] for key in course.TOLERANCES}
            found[run.setting["seed"]] = {
                key: value[0] if isinstance(value, list) else value for key, value in seen.items()
            }
    return found


def gaps(ones: dict[str, float], others: dict[str, float]) -> list[float]:
    """Differences in units of their tolerances."""
    return [abs(ones[key] - others[key]) / course.TOLERANCES[key] for key in course.TOLERANCES]


@pytest.mark.parametrize("machine", ["threads", "avx2"])
def test_another_machine_is_well_inside_the_tolerances(machine: str) -> None:
    native, there = first("band"), first(machine)
    assert native.keys() == there.keys() and len(native) == 20
    assert max(max(gaps(native[seed], there[seed])) for seed in native) < 0.5
    if machine == "avx2":
        assert {run.origin["instructions"] for run in course.stored("avx2")} == {"AVX2"}
        assert {run.origin["instructions"] for run in course.stored("band")} != {"AVX2"}


def test_other_seeds_are_rarely_inside_the_tolerances() -> None:
    native = first("band")
    pairs = list(permutations(native.values(), 2))
    share = sum(max(gaps(*pair)) <= 1 for pair in pairs) / len(pairs)
    assert share**3 < 0.002  # three seeds must agree


# The repeated run


@pytest.mark.slow
def test_the_first_epoch_is_that_of_the_whole_run() -> None:
    small = replace(course.setting("plain", 8, 3), training_images=200, epochs=2)
    [(_, whole)] = run_grid([small], measure=train)
    [(_, seen)] = run_grid([small], measure=course.first_epoch)
    assert seen == {key: whole.epochs[0][key] for key in seen} and len(whole.epochs) == 2


@pytest.mark.slow
def test_the_runs_of_a_student_pass_and_those_of_another_do_not(results: dict) -> None:
    passed, sentence = CHECKS["repeat"](results, STUDENT)
    assert passed, sentence
    own = dict(zip(course.seeds(STUDENT), course.seeds("ab124"), strict=True))
    for run in results["runs"]:
        run["seed"] = own[run["seed"]]
    assert CHECKS["band"](results, "ab124")[0]
    passed, sentence = CHECKS["repeat"](results, "ab124")
    assert not passed and "was reported" in sentence


@pytest.mark.slow
def test_runs_of_another_instruction_set_pass(source: Source) -> None:
    code = "import json, sys; from assignments.grading.repeat import repeat; import torch; \
print(json.dumps(\
[repeat(json.load(sys.stdin), 'ab123'), torch.backends.cpu.get_cpu_capability()]))"
    call = [sys.executable, "-c", code]
    there = subprocess.run(
        call, input=json.dumps(source.results), env=os.environ | course_band.AVX2,
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True,
    )  # fmt: skip
    (passed, sentence), instructions = json.loads(there.stdout)
    assert passed and instructions == "AVX2", sentence


SPOILT = {
    "no dict": lambda r: [r],
    "none": lambda r: None,
    "empty": lambda r: {},
    "runs no list": lambda r: r | {"runs": {"0": r["runs"][0]}},
    "a run missing": lambda r: r | {"runs": r["runs"][:-1]},
    "a million runs": lambda r: r | {"runs": r["runs"] * 100_000},
    "a run twice": lambda r: r | {"runs": r["runs"][:-1] + r["runs"][:1]},
    "a run no dict": lambda r: r | {"runs": r["runs"][:-1] + [3]},
    "arm a list": lambda r: changed(r, arm=["plain-8"]),
    "arm unknown": lambda r: changed(r, arm="../plain-8"),
    "seed true": lambda r: changed(r, seed=True),
    "seed a float": lambda r: changed(r, seed=float(r["runs"][0]["seed"])),
    "seed another": lambda r: changed(r, seed=7),
    "another rate": lambda r: changed(r, learning_rate=0.3),
    "rate a list": lambda r: changed(r, learning_rate=[0.1]),
    "no losses": lambda r: changed(r, training_loss=None),
    "too few epochs": lambda r: changed(r, training_error=[0.1]),
    "too many epochs": lambda r: changed(r, training_error=[0.1] * 10_000),
    "nan": lambda r: changed(r, training_loss=[math.nan] * 6),
    "infinite": lambda r: changed(r, training_loss=[math.inf] * 6),
    "text": lambda r: changed(r, training_error=["0.1"] * 6),
    "true": lambda r: changed(r, training_error=[True] * 6),
    "a huge integer": lambda r: changed(r, training_loss=[10**4000] * 6),
    "below zero": lambda r: changed(r, training_error=[-0.1] * 6),
    "no whole image": lambda r: changed(r, training_error=[0.0981] * 6),
    "deep": lambda r: changed(r, training_error=json.loads("[" * 500 + "]" * 500)),
}


def changed(results: dict, **what) -> dict:
    results["runs"][0] |= what
    return results


@pytest.mark.parametrize("how", SPOILT)
def test_whatever_a_student_wrote_is_refused_in_a_sentence(how: str, results: dict) -> None:
    theirs = SPOILT[how](results)
    for name in ("band", "repeat"):
        passed, sentence = CHECKS[name](theirs, STUDENT)
        assert not passed and re.fullmatch(r"[A-Z].{10,300}\.", sentence)


@pytest.mark.parametrize("student", ["", "  ", "ab124"])
def test_results_are_held_to_the_seeds_of_the_id(results: dict, student: str) -> None:
    assert not CHECKS["band"](results, student)[0]
    assert not CHECKS["repeat"](results, student)[0]


def test_two_runs_outside_the_band_are_too_many(results: dict) -> None:
    results["runs"][0]["training_error"][-1] = 0.9
    assert CHECKS["band"](results, STUDENT)[0]
    results["runs"][1]["training_error"][-1] = 0.0
    passed, sentence = CHECKS["band"](results, STUDENT)
    assert not passed and "plain-8" in sentence


@pytest.mark.parametrize(
    "how",
    [
        {"prediction": None},
        {"prediction": {"plain-8": 0.1}},
        {"prediction": dict.fromkeys(course.ARMS, "0.1")},
        {"prediction": dict.fromkeys(course.ARMS, True)},
        {"prediction": dict.fromkeys(course.ARMS, math.nan)},
        {"prediction": dict.fromkeys((*course.ARMS, "third"), 0.1)},
        {"reason": "I think so."},
        {"reason": ["a"] * 20},
        {"reason": "word " * 5_000},
    ],
    ids=repr,
)
def test_an_incomplete_prediction_is_named(results: dict, how: dict) -> None:
    passed, sentence = CHECKS["prediction"](results | how, STUDENT)
    assert not passed and sentence.endswith(".")
    assert CHECKS["prediction"](results, STUDENT)[0]
    assert not CHECKS["prediction"](["no dict"], STUDENT)[0]
