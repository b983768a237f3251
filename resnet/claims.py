"""What the book claims, each claim computed from stored results; nothing here needs torch."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from .results import mean_interval, stored
from .runs import Run, select, stored_runs

CHANCE = 0.9  # the error of guessing among ten classes


@dataclass(frozen=True)
class Claim:
    """One sentence of the book, the effect that it rests on, and what was published elsewhere.

    `effects` are independent values of what `measure` names, one a run or a pair of runs, and
    `expected` is where the claim puts their mean: `above`, `below` or `not above` zero. `shown` is
    the name of a figure, `digits` how many of the effect's are printed.
    """

    says: str
    shown: str
    measure: str
    effects: Sequence[float]
    expected: str
    published: str
    digits: int = 3

    @property
    def interval(self) -> tuple[float, float]:
        """Mean of the effects and half-width of its 95 % t interval."""
        return mean_interval(self.effects)

    @property
    def verdict(self) -> str:
        """`agrees` or `contradicts` where the interval is clear of zero, else what that leaves."""
        mean, half = self.interval
        if abs(mean) <= half:
            return "no difference found" if self.expected == "not above" else "open"
        return "agrees" if (mean > 0) == (self.expected == "above") else "contradicts"

    @property
    def effect(self) -> str:
        """Mean with the ends of its interval, as a table prints it."""
        mean, half = self.interval
        ends = (f"{value:+.{self.digits}f}" for value in (mean, mean - half, mean + half))
        return "{} ({} to {})".format(*ends).replace("-", "−")


def claims() -> list[Claim]:
    """Every claim of the book in the order of its chapters."""
    return [
        *degradation(), *residual(), *network(), *initialisation(), *ingredients(), *lesions(),
    ]  # fmt: skip


def degradation() -> list[Claim]:
    return [
        Claim(
            "A plain network of 56 layers has a higher training error than one of 20.",
            "fig-degradation",
            "training error, plain-56 minus plain-20",
            _live_differences("01.plain_56_training_error", "01.plain_20_training_error"),
            "above",
            "He et al. 2015, figure 1: the same order on CIFAR-10",
        ),
        Claim(
            "A plain network of 20 layers has a higher training error than one of 8.",
            "fig-degradation",
            "training error, plain-20 minus plain-8",
            _live_differences("01.plain_20_training_error", "01.plain_8_training_error"),
            "above",
            "",
        ),
        Claim(
            "56 layers grown from 20 trained ones beat 56 from random weights, trained as long.",
            "fig-search",
            "training error, random minus grown",
            _live("01.random_minus_grown_gap"),
            "above",
            "",
        ),
        Claim(
            "With batch norm the gradient of 56 plain layers does not vanish towards the input.",
            "fig-gradients",
            "log10 of the gradient's norm, first over last convolution, before training",
            _gradient_growth(block="plain", depth=56, batch_norm=True),
            "above",
            "He et al. 2015, section 4.1: vanishing gradients are unlikely to be the cause",
            digits=1,
        ),
    ]


def residual() -> list[Claim]:
    return [
        Claim(
            "A residual network of 56 layers has no higher training error than one of 20.",
            "fig-hope",
            "training error, residual-56 minus residual-20",
            _live_differences("02.residual_56_training_error", "02.residual_20_training_error"),
            "not above",
            "He et al. 2015, figure 6: lower on CIFAR-10",
        ),
        Claim(
            "At 56 layers the skip lowers the training error.",
            "fig-hope",
            "training error, residual-56 minus plain-56",
            _live_differences("02.residual_56_training_error", "01.plain_56_training_error"),
            "below",
            "He et al. 2015, figure 6: the same order on CIFAR-10",
        ),
    ]


def network() -> list[Claim]:
    runs = stored("benchmarks")["avx2"]["accuracy"]["runs"]
    return [
        Claim(
            "Three epochs at 28x28 take ResNet-18 past the mean accuracy of d2l's builds.",
            "fig-factor",
            "test accuracy minus 0.904",
            [run["accuracy"] - 0.904 for run in runs],
            "above",
            "Dive into Deep Learning: 0.904, SD 0.022, n = 127",
        )
    ]


def initialisation() -> list[Claim]:
    plain = _correlations(block="plain", depth=56, batch_norm=True)
    skips = _correlations(block="residual", depth=56, batch_norm=True)
    return [
        Claim(
            "Before training, the gradients at neighbouring images are more alike with skips.",
            "fig-shattering",
            "correlation at distance 1, residual-56 minus plain-56, with batch norm",
            _paired(skips, plain),
            "above",
            "Balduzzi et al. 2017: gradients of plain networks are white noise",
        ),
    ]


def ingredients() -> list[Claim]:
    both, no_skip, no_norm = (
        _trained(block=block, batch_norm=batch_norm, depth=56)
        for block, batch_norm in (("residual", True), ("plain", True), ("residual", False))
    )
    return [
        Claim(
            "At 56 layers batch norm does not do what the skip does.",
            "fig-both",
            "training error on 5,000 images, plain-56 minus residual-56, both with batch norm",
            _paired(no_skip, both),
            "above",
            "He et al. 2015, section 4.1: plain networks with batch norm degrade",
        ),
        Claim(
            "At 56 layers, from He's initialisation, the skip does not do what batch norm does.",
            "fig-both",
            "training error on 5,000 images, residual-56 without batch norm minus with it",
            _paired(no_norm, both),
            "above",
            "Zhang et al. 2019: without batch norm it takes another initialisation",
        ),
    ]


def lesions() -> list[Claim]:
    return [
        Claim(
            "A trained plain network misses a single block more than a residual one does.",
            "fig-lesions",
            "rise of the validation error without one of 27 blocks, plain-56 minus residual-56",
            _paired(_harm("removed", block="plain"), _harm("removed", block="residual")),
            "above",
            "Veit et al. 2016, figure 3: the same on CIFAR-10",
        ),
        Claim(
            "So it does when batch norm's statistics are renewed after the lesion.",
            "fig-lesions",
            "the same, renewed over 500 training images",
            _paired(
                _harm("removed_renewed", block="plain"), _harm("removed_renewed", block="residual")
            ),
            "above",
            "",
        ),
        Claim(
            "The gradient of a residual network comes over paths shorter than the mean path.",
            "fig-paths",
            "blocks on a path, weighted with the size of its gradient, minus 13.5",
            [path_length(run.result["path_gradient"]) - 13.5 for run in _inside(block="residual")],
            "below",
            "Veit et al. 2016, figure 6: 5 to 17 of 54 blocks on CIFAR-10",
            digits=1,
        ),
        Claim(
            "Slices through the loss of a plain network have second valleys more often.",
            "fig-landscape",
            "share of 3 slices with more than one valley, plain-56 minus residual-56",
            _paired(_rugged(block="plain"), _rugged(block="residual")),
            "above",
            "Li et al. 2018, figure 5: many valleys without skips, one with them",
        ),
    ]


def path_length(norms: Mapping[str, Sequence[float]], power: float = 1.0) -> float:
    """Mean length of the paths, weighted with their number to `power` and their gradient's size.

    `norms` maps a length, from 0 to the number of blocks, to sizes of paths of that length. The
    sizes add up with `power` 1, as if all gradients agreed, and with 1/2 as if none did.
    """
    blocks = len(norms) - 1
    weights = {
        int(length): math.comb(blocks, int(length)) ** power * math.fsum(sizes) / len(sizes)
        for length, sizes in norms.items()
    }
    return sum(length * weight for length, weight in weights.items()) / sum(weights.values())


def valleys(losses: Sequence[float]) -> int:
    """Number of places in a row of losses that lie below both of their neighbours."""
    return sum(losses[k - 1] > losses[k] <= losses[k + 1] for k in range(1, len(losses) - 1))


def _inside(**setting) -> list[Run]:
    return select(stored_runs("inside"), depth=56, **setting)


def _harm(what: str, **setting) -> dict[int, float]:
    """By seed: the mean error after a lesion, less that of the whole network."""
    return {
        run.setting["seed"]: fmean(run.result[what].values()) - run.result["validation_error"]
        for run in _inside(**setting)
    }


def _rugged(**setting) -> dict[int, float]:
    """By seed: the share of the slices that have more than one valley."""
    return {
        run.setting["seed"]: fmean(valleys(losses) > 1 for losses in run.result["slices"])
        for run in _inside(**setting)
    }


def _trained(**setting) -> dict[int, float]:
    """Training errors by seed; a run that diverged counts as chance among ten classes."""
    return {
        run.setting["seed"]: CHANCE if run.result.get("diverged") else run.last("training_error")
        for run in select(stored_runs("norm"), **setting)
    }


def _live(name: str) -> list[float]:
    return list(_by_run(name).values())


def _live_differences(one: str, other: str) -> list[float]:
    return _paired(_by_run(one), _by_run(other))


def _by_run(name: str) -> dict[tuple, float]:
    """Values of a stored band by seed and instruction set, which both make a run another one."""
    values = stored("bands")["bands"][name]["values"]
    return {(run["seed"], run["machine"]): run["value"] for run in values}


def _paired(ones: Mapping, others: Mapping) -> list[float]:
    if set(ones) != set(others):
        raise ValueError(f"pairs need the same runs: {sorted(ones)} and {sorted(others)}")
    return [ones[run] - others[run] for run in ones]


def _gradient_growth(**setting) -> list[float]:
    norms = [list(run.result["gradient_norm"].values()) for run in _initial(**setting)]
    return [math.log10(first / last) for first, *_, last in norms]


def _correlations(**setting) -> dict[int, float]:
    return {
        run.setting["seed"]: run.result["gradient_correlation"]["1"] for run in _initial(**setting)
    }


def _initial(**setting) -> Iterable[Run]:
    return select(stored_runs("initial"), **setting)
