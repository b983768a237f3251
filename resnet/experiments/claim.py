"""One claim: its effect with an interval, its verdict, and how it stands among many."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev

from ..results import mean_interval

LEVEL, POWER = 0.05, 0.8
# A tenth of what 56 layers do to plain networks on 20,000 images: less is no degradation here.
MARGIN = 0.01


@dataclass(frozen=True)
class Claim:
    """One sentence of the book, the effect that it rests on, and what was published elsewhere.

    `effects` are independent values of what `measure` names, one a seed or a pair, and `expected`
    is where the claim puts their mean: `above`, `below` or `not above` zero. `shown` is the name of
    a figure, `digits` how many of the effect's are printed; `doubts` are words on learning rates.
    `unit` is that of the effects, where they are no shares of images.
    """

    says: str
    shown: str
    measure: str
    effects: Sequence[float]
    expected: str
    published: str = ""
    digits: int = 3
    unit: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def interval(self) -> tuple[float, float]:
        """Mean of the effects and half-width of its 95 % t interval."""
        return mean_interval(self.effects)

    @property
    def verdict(self) -> str:
        """`agrees` or `contradicts` where the interval is clear of zero, else what that leaves."""
        mean, half = self.interval
        if abs(mean) > half:
            return "agrees" if (mean > 0) == (self.expected == "above") else "contradicts"
        if self.expected != "not above":
            return "open"
        return "not above by a point" if self.bound < MARGIN else "no difference found"

    @property
    def decided(self) -> bool:
        """Whether the interval is clear of zero."""
        return self.verdict in ("agrees", "contradicts")

    @property
    def effect(self) -> str:
        """Mean with the ends of its interval, and what an undecided claim leaves open."""
        mean, half = self.interval
        text = "{} ({} to {})".format(*map(self._printed, (mean, mean - half, mean + half)))
        if self.decided:
            return text
        bound = f"at most {self._printed(self.bound)}; " if self.expected == "not above" else ""
        found = self._printed(self.detectable).lstrip("+")
        return f"{text}; {bound}{found} would be found four times in five"

    @property
    def bound(self) -> float:
        """The upper bound of the mean, one-sided, 95 %."""
        mean, half = mean_interval(self.effects, 1 - 2 * LEVEL)
        return mean + half

    @property
    def detectable(self) -> float:
        """About the true mean that as many effects with this spread would find at that power."""
        from scipy import stats  # here, so that reading claims does not wait for SciPy

        n = len(self.effects)
        quantiles = stats.t.ppf([1 - LEVEL / 2, POWER], n - 1)
        return float(quantiles.sum()) * stdev(self.effects) / math.sqrt(n)

    @property
    def p_value(self) -> float:
        """Of the two-sided t test that the mean is zero."""
        from scipy import stats

        if min(self.effects) == max(self.effects):
            return float(self.effects[0] == 0)  # SciPy gives nan and a warning there
        return float(stats.ttest_1samp(self.effects, 0).pvalue)

    def _printed(self, value: float) -> str:
        return f"{value:+.{self.digits}f}".replace("-", "−")


def adjusted(claims: Sequence[Claim]) -> list[float]:
    """The claims' p values for all of them at once, by Holm's method, in their order."""
    values = [claim.p_value for claim in claims]
    order = sorted(range(len(values)), key=values.__getitem__)
    found, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, (len(values) - rank) * values[place])
        found[place] = min(largest, 1.0)
    return found
