"""How the time of training grows with depth, with images and with seeds."""

import numpy
import torch

from resnet.data import embedded
from resnet.experiments.settings import Setting
from resnet.experiments.workers import run_grid
from resnet.family.variants import BLOCKS
from resnet.models import six_n_plus_two
from resnet.training import fit

from .timing import interleaved, origin

ROUNDS = 5
DEPTHS, IMAGES, SEEDS = (8, 20, 32, 44, 56), (500, 1000, 2000, 3000), (1, 2, 3, 4)


def run() -> dict:
    """Three series of seconds, each with the line that fits the medians best."""
    found = {
        "depth": series({depth: lambda d=depth: epoch(d, 500) for depth in DEPTHS}),
        "images": series({count: lambda c=count: epoch(8, c) for count in IMAGES}),
        "seeds": series({count: lambda c=count: seeds(c) for count in SEEDS}),
    }
    for name, line in found.items():
        print(
            f"seconds against {name}: {line['slope']:.2g} each, {line['intercept']:.2g} at zero, "
            f"R squared {line['r_squared']:.3f}"
        )
    return {**found, "provenance": origin()}


def epoch(depth: int, count: int, block: str = "residual") -> None:
    """One epoch of training a network of that depth on so many images."""
    training, _ = embedded()
    model = six_n_plus_two(depth, BLOCKS[block])
    images = training.subset(slice(count))
    fit(model, images, epochs=1, device="cpu", precision="float32", progress=False,
        score_training=False)  # fmt: skip


def seeds(count: int) -> None:
    """A grid of one small network over so many seeds, one after another."""
    settings = [Setting(8, "residual", seed, 0.05, 1, 500) for seed in range(count)]
    list(run_grid(settings, threads=torch.get_num_threads()))


def series(calls: dict) -> dict:
    """Seconds of each call, in turn, and the straight line through their medians."""
    seconds = interleaved(calls, ROUNDS)
    x = numpy.array(list(seconds), float)
    y = numpy.array([numpy.median(times) for times in seconds.values()])
    slope, intercept = numpy.polyfit(x, y, 1)
    rest = y - (slope * x + intercept)
    return {
        "seconds": {str(key): times for key, times in seconds.items()},
        "slope": float(slope),
        "intercept": float(intercept),
        "r_squared": float(1 - (rest**2).sum() / ((y - y.mean()) ** 2).sum()),
    }
