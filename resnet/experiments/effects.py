"""The effects that claims rest on: independent values, by seed or pair, from stored results."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from ..results import paired, stored
from ..runs import StoredRun, by_seed, select, stored_runs

CHANCE = 0.9  # the error of guessing among ten classes


def path_shares(norms: Mapping[str, Sequence[float]], power: float = 1.0) -> list[float]:
    """Share of each path length, weighted with the paths' number to `power` and their gradient.

    `norms` maps a length, from 0 to the number of blocks, to sizes of paths of that length. The
    sizes add up with `power` 1, as if all gradients agreed, and with 1/2 as if none did.
    """
    blocks = len(norms) - 1
    weights = [
        math.comb(blocks, length) ** power * fmean(norms[str(length)])
        for length in range(blocks + 1)
    ]
    return [weight / math.fsum(weights) for weight in weights]


def path_length(norms: Mapping[str, Sequence[float]], power: float = 1.0) -> float:
    """Mean length of the paths, weighted as `path_shares` does."""
    return math.fsum(length * share for length, share in enumerate(path_shares(norms, power)))


def valleys(losses: Sequence[float]) -> int:
    """Number of places in a row of losses that lie below both of their neighbours."""
    return sum(losses[k - 1] > losses[k] <= losses[k + 1] for k in range(1, len(losses) - 1))


def inside(**setting) -> list[StoredRun]:
    """The runs of the grid inside with 56 layers; `setting` narrows them down."""
    return select(stored_runs("inside"), depth=56, **setting)


def harm(what: str, **setting) -> dict[int, float]:
    """By seed: the mean error after a lesion, less that of the whole network."""
    return {
        run.setting["seed"]: fmean(run.result[what].values()) - run.result["validation_error"]
        for run in inside(**setting)
    }


def lesion_gap(what: str) -> list[float]:
    """By how much more a lesion harms the plain networks than the residual ones, by pairs."""
    return paired(harm(what, block="plain"), harm(what, block="residual"))


def rugged(**setting) -> dict[int, float]:
    """By seed: the share of the slices that have more than one valley."""
    return {
        run.setting["seed"]: fmean(valleys(losses) > 1 for losses in run.result["slices"])
        for run in inside(**setting)
    }


def trained(grid: str, **setting) -> dict[int, float]:
    """Training errors by seed; a run that diverged counts as chance among ten classes."""
    return {
        run.setting["seed"]: CHANCE if run.result.get("diverged") else run.last("training_error")
        for run in select(stored_runs(grid), **setting)
    }


def ends(grid: str, error: str = "training_error", **setting) -> dict[int, float]:
    """What the runs of a stored grid ended with, by seed."""
    return by_seed(stored_runs(grid), error, **setting)


def live_differences(one: str, other: str) -> list[float]:
    """One stored band minus another, such as `01.plain_56_training_error`, by pairs of one seed."""
    return paired(live(one), live(other))


def live(name: str) -> dict[int, float]:
    """By seed: the mean of a stored band over the instruction sets, of which each seed has all.

    Two runs of one seed are no two draws: what training does not amplify is the same in both.
    """
    values: dict[int, list[float]] = {}
    for run in stored("bands")["bands"][name]["values"]:
        values.setdefault(run["seed"], []).append(run["value"])
    return {seed: fmean(each) for seed, each in values.items()}


def gradient_growth(**setting) -> list[float]:
    """By run: log10 of the gradient's norm before training, first over last convolution."""
    norms = [list(run.result["gradient_norm"].values()) for run in initial(**setting)]
    return [math.log10(first / last) for first, *_, last in norms]


def correlations(grid: str = "initial", **setting) -> dict[int, float]:
    """By seed: the correlation of gradients at distance 1 before training."""
    return {
        run.setting["seed"]: run.result["gradient_correlation"]["1"]
        for run in select(stored_runs(grid), **setting)
    }


def initial(**setting) -> Iterable[StoredRun]:
    """The runs of the grid initial; `setting` narrows them down."""
    return select(stored_runs("initial"), **setting)
