"""How the class did in all, and by part: how hard it was, how well it tells students apart."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..result import Part
from ..tables import printable
from .grades import Grade

FEWEST = 10  # submissions from which a correlation says something
BINS = 10


@dataclass(frozen=True)
class Spread:
    """n values with their mean, median and sample SD (None for fewer than two)."""

    n: int
    mean: float
    median: float
    sd: float | None


@dataclass(frozen=True)
class Item:
    """One part over all submissions in which it is graded.

    `share` is the mean share of its points, from 0 to 1: the item's difficulty, as test theory
    calls it, high where the part is easy. `discrimination` is the correlation of its points with
    those of all other parts (the point-biserial where a part is all or nothing); None for fewer
    than ten submissions and where either does not vary.
    """

    part: Part
    spread: Spread
    share: float
    discrimination: float | None
    statuses: Counter[str]


def spread(values: Sequence[float]) -> Spread | None:
    """None where there are no values."""
    if not values:
        return None
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(len(values), statistics.fmean(values), statistics.median(values), sd)


def binned(values: Sequence[float], of: float) -> list[int]:
    """How many values lie in each tenth of the points; more than all of them counts in the last."""
    bins = [0] * BINS
    for value in values:
        bins[min(BINS - 1, int(BINS * value / of + 1e-9))] += 1
    return bins


def tenths(values: Sequence[float], of: float) -> list[tuple[str, int]]:
    """Each tenth of the points as words, with how many values lie in it."""
    borders = [printable(of * place / BINS) for place in range(BINS + 1)]
    names = (f"{low} to {high}" for low, high in pairwise(borders))
    return list(zip(names, binned(values, of), strict=True))


def all_parts(grades: Iterable[Grade]) -> dict[str, Part]:
    """Every part that any result has, by id, in the order of the notebook."""
    parts: dict[str, Part] = {}
    for grade in grades:
        for part in grade.result.parts:
            parts.setdefault(part.id, part)
    return parts


def items(grades: Sequence[Grade]) -> list[Item]:
    """The parts with their statistics; a part that waits for a marker is not counted."""
    found = []
    for name, part in all_parts(grades).items():
        graded = [own for grade in grades if (own := settled(grade, name)) is not None]
        values = [one.points for one in graded]
        if values:
            share = statistics.fmean(values) / part.of if part.of else 0.0
            statuses = Counter(one.status for one in graded)
            discriminates = discrimination(grades, name)
            found.append(Item(part, spread(values), share, discriminates, statuses))
    return found


def settled(grade: Grade, name: str) -> Part | None:
    """The part of that id, unless it waits for a marker."""
    own = (part for part in grade.result.parts if part.id == name and part.status != "to mark")
    return next(own, None)


def discrimination(grades: Sequence[Grade], name: str) -> float | None:
    """The correlation of one part's points with the rest, over submissions that are all graded."""
    whole = [grade for grade in grades if not grade.waiting]
    pairs = [(own.points, grade.earned) for grade in whole if (own := settled(grade, name))]
    if len(pairs) < FEWEST:
        return None
    points, rest = zip(*((one, earned - one) for one, earned in pairs), strict=True)
    try:
        return statistics.correlation(points, rest)
    except statistics.StatisticsError:  # one of them is the same for all
        return None


def mistakes(grades: Iterable[Grade]) -> list[tuple[str, int]]:
    """Recognised mistakes and how many submissions have each, the most common first."""
    counts = Counter(
        name for grade in grades for name in {part.mistake for part in grade.result.parts} - {""}
    )
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
