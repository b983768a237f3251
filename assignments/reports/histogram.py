"""How many totals lie in each tenth of the points."""

from collections.abc import Sequence

from ..tables import printable

BINS = 10


def binned(values: Sequence[float], of: float) -> list[int]:
    """How many values lie in each tenth of the points; more than all of them counts in the last."""
    bins = [0] * BINS
    for value in values:
        bins[min(BINS - 1, int(BINS * value / of + 1e-9))] += 1
    return bins


def tenths(values: Sequence[float], of: float) -> list[tuple[str, int]]:
    """Each tenth of the points as words, with how many values lie in it."""
    borders = [printable(of * place / BINS) for place in range(BINS + 1)]
    names = (f"{low} to {high}" for low, high in zip(borders, borders[1:], strict=False))
    return list(zip(names, binned(values, of), strict=True))
