"""Grids over the size of the batch: what many devices would have to train with."""

from collections.abc import Iterable
from itertools import product

from .collecting import Grid
from .experiments import CPU, Setting
from .measures import ends
from .runs import best_rate, stored_runs

USUAL, SIZES = 64, (64, 256, 1024)
RATES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def rates(seeds: Iterable[int], training_images: int) -> Grid:
    """Every rate for every size of the batch."""
    settings = [
        _setting(size, rate, seed, training_images)
        for size, seed, rate in product(SIZES, seeds, RATES)
    ]
    question = "Which rate is best for each size of the batch, by validation error?"
    return Grid("large-batch-rates", question, settings, ends)


def errors(seeds: Iterable[int], training_images: int) -> Grid:
    """Each size at the rate that is best for 64, at one in proportion and at its own best.

    The largest also trains at its best for as many steps as 64 gets, with the first three seeds.
    """
    seeds, usual, largest = list(seeds), _best(USUAL), SIZES[-1]
    tried = {(size, rate) for size in SIZES for rate in (usual, usual * size / USUAL, _best(size))}
    settings = [
        _setting(size, rate, seed, training_images)
        for (size, rate), seed in product(sorted(tried), seeds)
    ]
    longer = CPU.depth_epochs * largest // USUAL
    settings += [
        _setting(largest, _best(largest), seed, training_images, longer) for seed in seeds[:3]
    ]
    question = "What do large batches cost, and does a rate in proportion make up for it?"
    return Grid("large-batches", question, settings, ends)


def _setting(
    size: int, rate: float, seed: int, images: int, epochs: int = CPU.depth_epochs
) -> Setting:
    return Setting(20, "residual", seed, rate, epochs, size, images)


def _best(size: int) -> float:
    return best_rate(stored_runs("large-batch-rates"), "validation_error", batch_size=size)
