"""A grid of small networks, depth x block x seed: one after another or a worker a core."""

import os
import time
from itertools import product
from statistics import median

from resnet.experiments.settings import Setting
from resnet.experiments.workers import run_grid

from .timing import origin, ratios, summary

ROUNDS = 5
SETTINGS = [
    Setting(depth, block, seed, learning_rate=0.05, epochs=2, training_images=1000)
    for depth, block, seed in product((8, 20, 32), ("plain", "residual"), (0, 1))
]


def run() -> dict:
    """Both ways in turn; the starting of the workers is part of their time.

    One pass with one thread and one worker tells how much a second thread alone gains, which is
    what a second worker competes with.
    """
    cores = os.cpu_count()
    ways = {"one after another": (1, cores), "a worker a core": (cores, 1)}
    seconds = {name: [] for name in ways}
    for number in range(ROUNDS):
        for name in sorted(ways, reverse=number % 2 == 1):
            seconds[name].append(seconds_of(*ways[name]))
    single = seconds_of(1, 1)
    gain = ratios(seconds["one after another"], seconds["a worker a core"])
    threads = single / median(seconds["one after another"])
    print(f"{len(SETTINGS)} networks, a worker a core: {summary(gain)} times as fast")
    print(f"all threads on one network: {threads:.2f} times as fast as one")
    return {
        "seconds": seconds,
        "single": single,
        "cores": cores,
        "networks": len(SETTINGS),
        "provenance": origin(),
    }


def seconds_of(workers: int, threads: int) -> float:
    started = time.perf_counter()
    list(run_grid(SETTINGS, workers, threads))
    return time.perf_counter() - started
