"""Results as plain data: the history of a run, where it came from, and bands to hold numbers to.

Nothing here needs torch, so stored results can be read and drawn anywhere.
"""

import json
import math
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from .runtime.files import write_text


@dataclass
class History:
    """What one call of `fit` did, a row an epoch; plain data that goes to JSON and back.

    `epochs` holds dicts with the keys epoch, training_loss, training_error, validation_loss,
    validation_error, learning_rate, seconds. Losses are mean cross-entropies in nats, errors
    fractions from 0 to 1, both measured in eval mode; the rate is that of the epoch's last step.
    """

    label: str
    epochs: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False

    def column(self, name: str) -> list[float]:
        """The value of `name` in every epoch, in order."""
        return [row[name] for row in self.epochs]

    def last(self, name: str) -> float:
        """The value of `name` in the last epoch, which is what the book reports."""
        if not self.epochs:
            raise ValueError(f"the history of {self.label!r} holds no finished epoch")
        return self.epochs[-1][name]

    def to_json(self) -> str:
        """Raises ValueError for a number that is not finite, which JSON has no name for."""
        return json.dumps(asdict(self), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "History":
        try:
            return cls(**json.loads(text))
        except (json.JSONDecodeError, TypeError) as error:
            raise ValueError(f"this is not the JSON of a history: {error}") from error

    def save(self, path: str | Path) -> None:
        write_text(path, self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> "History":
        return cls.from_json(Path(path).read_text(encoding="utf-8"))


def mean_interval(values: Iterable[float], confidence: float = 0.95) -> tuple[float, float]:
    """Mean and half-width of Student's t interval for independent values, two of them or more."""
    from scipy import stats  # here, so that reading results does not wait for SciPy

    values = list(values)
    if len(values) < 2:
        raise ValueError(f"an interval needs two values or more, not {len(values)}")
    mean = math.fsum(values) / len(values)
    if min(values) == max(values):
        return mean, 0.0  # SciPy gives nan and a warning there
    low, high = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    return mean, float(high - low) / 2


def paired(ones: Mapping[Any, float], others: Mapping[Any, float]) -> list[float]:
    """`ones` minus `others` for each seed, or whatever else the runs of a pair share.

    Raises ValueError where the seeds differ: a pair must have both its sides.
    """
    if set(ones) != set(others):
        raise ValueError(f"pairs need the same seeds: {sorted(ones)} and {sorted(others)}")
    return [ones[seed] - others[seed] for seed in ones]


def paired_interval(
    ones: Mapping[Any, float], others: Mapping[Any, float], confidence: float = 0.95
) -> tuple[float, float]:
    """Mean of `ones` minus `others`, paired by seed, and half-width of its t interval."""
    return mean_interval(paired(ones, others), confidence)


@dataclass(frozen=True)
class Band:
    """Where a number that training made may lie: mean plus or minus four sample SDs of its runs.

    Runs that share one of `seeds`, by default none, are one cluster: the variance is that between
    the seeds' means and that within. For normal values a further seed falls outside with a
    probability of 1/240 at ten seeds and below 1/1000 at twenty (Student's t). Names that end in
    `_error` or `_ratio` have a scale of their own, on which their limits lie evenly.
    """

    name: str
    values: tuple[float, ...]
    seeds: tuple[int, ...] = ()

    @property
    def mean(self) -> float:
        return math.fsum(self.values) / len(self.values)

    @property
    def low(self) -> float:
        return self._off_the_mean(-4)

    @property
    def high(self) -> float:
        return self._off_the_mean(4)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def _off_the_mean(self, deviations: int) -> float:
        onto, back = _scale(self.name)
        by_seed: dict[int, list[float]] = {}
        for seed, value in zip(self.seeds or range(len(self.values)), self.values, strict=True):
            by_seed.setdefault(seed, []).append(onto(value))
        means = [statistics.fmean(values) for values in by_seed.values()]
        within = statistics.fmean(map(statistics.pvariance, by_seed.values()))
        deviation = math.sqrt(statistics.variance(means) + within)
        return back(statistics.fmean(means) + deviations * deviation)


def _scale(name: str) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """The way onto the scale on which a band is symmetric, and the way back.

    The arcsine of the square root evens out the variance of a share and ends at 0 and 1.
    """
    if name.endswith("_error"):
        return (
            lambda error: math.asin(math.sqrt(error)),
            lambda angle: math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2,
        )
    return (math.log, math.exp) if name.endswith("_ratio") else (float, float)


def stored(name: str) -> dict[str, Any]:
    """A stored result of the package by its file's name without the ending."""
    text = files("resnet").joinpath("assets", "results", f"{name}.json").read_text("utf-8")
    return json.loads(text)


def best_rate(arm: str) -> float:
    """The peak rate of an arm such as `plain-56` with the lowest mean training error stored.

    By training error, because that is what the arms are compared by: each gets its own best. Chosen
    among three, with seeds that no reported run uses; KeyError for an unknown arm.
    """
    runs = [run for run in stored("learning_rates")["runs"] if run["arm"] == arm]
    if not runs:
        raise KeyError(f"no learning rates were tried for {arm!r}")
    errors: dict[float, float] = {}
    for run in runs:
        errors[run["rate"]] = errors.get(run["rate"], 0.0) + run["training_error"]
    return min(errors, key=errors.__getitem__)


def band(name: str) -> Band:
    """The stored band of that name; KeyError where there is none."""
    runs = stored("bands")["bands"][name]["values"]
    values, seeds = zip(*((run["value"], run["seed"]) for run in runs), strict=True)
    return Band(name, values, seeds)


def within_band(name: str, value: float, budget: str = "cpu") -> str:
    """One line that says where `value` lies in its band; AssertionError where it lies outside.

    Bands were measured with budget `cpu`: under another one the value stands alone.
    """
    digits = 1 if name.endswith("_ratio") else 3
    if budget != "cpu":
        return f"{value:.{digits}f} (the stored band is of budget cpu)"
    limits = band(name)
    low, high = (f"{limit:.{digits}f}" for limit in (limits.low, limits.high))
    seeds = len(set(limits.seeds))
    runs = f"{seeds} seeds, each on {len(limits.values) // seeds} instruction sets"
    line = f"{value:.{digits}f}, band {low} to {high} ({runs})"
    if not limits.holds(value):
        raise AssertionError(f"{name}: {line}: outside, so this run contradicts the book")
    return line
