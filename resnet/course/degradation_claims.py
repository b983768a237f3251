"""Assignment 3: claims to judge, and runs to judge them by, drawn for each student.

Each comes with a trap, a way to look at the same runs that leads to another verdict: the best epoch
in place of the last, arms compared without their pairs, the error of the other part, and two pairs
judged as if they were many.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scipy import stats

from .drawing import drawn_for

SUPPORTED, CONTRADICTED = "supported", "contradicted"
NOT_DECIDED = "not decided by these data"
VERDICTS = (SUPPORTED, CONTRADICTED, NOT_DECIDED)
ERRORS = ("training_error", "test_error")
CURVE = (2.2, 1.8, 1.5, 1.25, 1.1)  # the epochs before the last, in multiples of its error
# The last training errors of the example, by seed; one seed has no partner.
DEEP, FLAT = {7: 0.34, 8: 0.30, 9: 0.41}, {9: 0.20, 7: 0.10, 8: 0.08, 5: 0.30}
LEVELS = ((0.4, 4), (0.55, 5))  # of hidden arms: about their mean, and their number of runs
NAMES = ("narrow", "wide", "early", "late", "warm", "cold", "short", "long")


@dataclass(frozen=True)
class Claim:
    """`text` says that after the last epoch `ones` has a higher `error` than `others`.

    `ones` and `others` are names of arms, `error` is `training_error` or `test_error`. A seed gives
    two runs, one of each arm, the same images in the same order.
    """

    text: str
    ones: str
    others: str
    error: str


Run = dict[str, Any]  # arm, seed, training_error and test_error: fractions after each epoch
Drawn = tuple[Claim, list[Run]]


def claims(student: str) -> dict[str, Drawn]:
    """The three claims of a student, A to C, each with its runs; ValueError for an empty id."""
    drawn = drawn_for(student, "degradation: claims")
    chosen = drawn.sample(TRAPS, 3)
    return {letter: trap(drawn) for letter, trap in zip("ABC", chosen, strict=True)}


def example_runs() -> list[Run]:
    """Runs of two arms with the last training errors DEEP and FLAT."""
    return [
        {
            "arm": arm,
            "seed": seed,
            "training_error": [0.9, 0.5, error],
            "test_error": [0.8, 0.6, 0.4],
        }
        for arm, errors in (("deep", DEEP), ("flat", FLAT))
        for seed, error in errors.items()
    ]


def table(runs: list[Run]) -> str:
    """The runs as lines of text, by arm and seed, errors after each epoch."""
    lines = []
    for run in sorted(runs, key=lambda run: (run["arm"], run["seed"])):
        for name in ERRORS:
            errors = " ".join(f"{error:.4f}" for error in run[name])
            lines.append(
                f"{run['arm']:6} seed {run['seed']:2} {name.replace('_', ' '):14} {errors}"
            )
    return "\n".join(lines)


def hidden_claims(seed: int) -> list[Drawn]:
    """One claim with each trap, twice, for whoever knows the seed."""
    drawn = random.Random(seed)
    return [trap(drawn) for trap in TRAPS * 2]


def hidden_errors(seed: int) -> dict[str, dict[int, float]]:
    """Last errors of three arms by seed, three to five runs an arm, to be drawn.

    The first arm's interval reaches below two thirds of its mean, and not to zero.
    """
    drawn = random.Random(seed)
    arms = drawn.sample(range(100, 1_000), 3)
    middle, reach = drawn.uniform(0.24, 0.28), drawn.uniform(0.055, 0.07)
    first = [middle + share * reach for share in (-1, 0.1, 0.9)]
    more = [[level + drawn.uniform(-0.04, 0.04) for _ in range(n)] for level, n in LEVELS]
    return {
        f"arm {arm}": dict(enumerate(errors))
        for arm, errors in zip(arms, (first, *more), strict=True)
    }


def last_or_best(drawn: random.Random) -> Drawn:
    """`others` are spoilt in their last epoch, so their best epochs say that `ones` are higher."""
    claim, size = _claim(drawn), drawn.randint(4, 6)
    verdict = drawn.choice((CONTRADICTED, NOT_DECIDED))
    runs = _runs(drawn, claim, size, {claim.error: verdict})
    for run in runs:
        if run["arm"] == claim.others:
            last = run[claim.error][-1]
            run[claim.error][-2] = round(last * drawn.uniform(0.55, 0.65), 4)
    return claim, runs


def pairs_or_not(drawn: random.Random) -> Drawn:
    """What a pair shares varies by far more than its difference, which shows in pairs alone."""
    claim, size = _claim(drawn), drawn.randint(4, 6)
    verdict = drawn.choice((SUPPORTED, CONTRADICTED))
    return claim, _runs(drawn, claim, size, {claim.error: verdict}, shared=0.05)


def one_error_or_the_other(drawn: random.Random) -> Drawn:
    """The error of the other part would lead to the opposite verdict."""
    claim, size = _claim(drawn), drawn.randint(4, 6)
    verdict, opposite = drawn.sample((SUPPORTED, CONTRADICTED), 2)
    other = next(name for name in ERRORS if name != claim.error)
    return claim, _runs(drawn, claim, size, {claim.error: verdict, other: opposite})


def two_pairs(drawn: random.Random) -> Drawn:
    """Both differences have the same sign, and two are too few to be sure of it."""
    claim = _claim(drawn)
    return claim, _runs(drawn, claim, 2, {claim.error: NOT_DECIDED})


TRAPS: tuple[Callable[[random.Random], Drawn], ...] = (
    last_or_best,
    pairs_or_not,
    one_error_or_the_other,
    two_pairs,
)


def _claim(drawn: random.Random) -> Claim:
    ones, others = drawn.sample(NAMES, 2)
    error = drawn.choice(ERRORS)
    words = error.replace("_", " ")
    return Claim(f"{ones} ends with a higher {words} than {others}", ones, others, error)


def _runs(
    drawn: random.Random, claim: Claim, size: int, verdicts: dict[str, str], shared: float = 0.02
) -> list[Run]:
    """`size` pairs of runs, in any order, whose errors after the last epoch have these verdicts."""
    seeds = drawn.sample(range(100), size)
    runs = {
        (arm, seed): {"arm": arm, "seed": seed}
        for arm in (claim.ones, claim.others)
        for seed in seeds
    }
    for error in ERRORS:
        verdict = verdicts.get(error) or drawn.choice(VERDICTS)
        middles = _spread(drawn, size, 0.22, shared)
        gaps = _differences(drawn, size, verdict)
        for seed, middle, gap in zip(seeds, middles, gaps, strict=True):
            runs[claim.ones, seed][error] = _curve(drawn, middle + gap / 2)
            runs[claim.others, seed][error] = _curve(drawn, middle - gap / 2)
    return drawn.sample(list(runs.values()), 2 * size)


def _differences(drawn: random.Random, size: int, verdict: str) -> list[float]:
    """Differences whose 95 % t interval is well clear of zero, or well around it."""
    spread = drawn.uniform(0.006, 0.012)
    half = float(stats.t.ppf(0.975, size - 1)) * spread / math.sqrt(size)
    share = drawn.uniform(0.3, 0.7) if verdict == NOT_DECIDED else drawn.uniform(1.2, 1.6)
    sign = {SUPPORTED: 1, CONTRADICTED: -1}.get(verdict) or drawn.choice((1, -1))
    return _spread(drawn, size, sign * share * half, spread)


def _spread(drawn: random.Random, size: int, mean: float, spread: float) -> list[float]:
    """Values with exactly this mean and sample SD."""
    raw = [drawn.gauss(0, 1) for _ in range(size)]
    middle = math.fsum(raw) / size
    scale = math.sqrt(math.fsum((value - middle) ** 2 for value in raw) / (size - 1))
    return [mean + spread * (value - middle) / scale for value in raw]


def _curve(drawn: random.Random, last: float) -> list[float]:
    """The errors after all epochs, falling to `last`, rounded to four digits."""
    return [round(last * factor * drawn.uniform(0.97, 1.03), 4) for factor in CURVE] + [
        round(last, 4)
    ]
