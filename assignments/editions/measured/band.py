"""Measures what assignment 3 holds a student's runs to: about 30 minutes of one core in all.

    python -m assignments.editions.measured.band

Four files under resnet/assets/coursework: the learning rates tried for each arm, 20 runs of each
arm with other seeds than any student's (the band), and the first epochs of the smallest arms again
under another instruction set and with two threads (what separates the repeated run of one student
from that of another). A stopped command goes on where it stopped.
"""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

from resnet.course.degradation import BLOCKS, DEPTHS, first_epoch, setting
from resnet.experiments.collecting import Grid, collect, missing
from resnet.experiments.measures import curves
from resnet.runs import read
from tools.notebooks import AVX2

FOLDER = Path(__file__).parents[3] / "resnet" / "assets" / "coursework"
CHOOSING, OTHERS = (100, 101), range(1, 21)  # students' seeds begin at 1,000
TRIED = {8: (0.05, 0.1, 0.2, 0.4), 32: (0.01, 0.02, 0.05, 0.1)}
# Stands in for another processor: other instruction sets give other last digits.


def with_two_threads(setting) -> dict[str, float]:
    """The first epoch of a run with two threads, which add numbers up in another order."""
    return first_epoch(setting, threads=2)


def grids() -> dict[str, Grid]:
    """By file; `degradation_avx2` is filled by a process under that instruction set."""
    choosing = [
        setting(block, depth, seed, rate)
        for block, depth, seed in product(BLOCKS, DEPTHS, CHOOSING)
        for rate in TRIED[depth]
    ]
    reported = [setting(*one) for one in product(BLOCKS, DEPTHS, OTHERS)]
    small = [one for one in reported if one.depth == min(DEPTHS)]
    rates = "Which peak learning rate is best for each arm?"
    band = "Where do a student's runs lie?"
    repeat = "How far apart are two machines in the first epoch of one run?"
    return {
        "degradation_rates": Grid("degradation_rates", rates, choosing, curves),
        "degradation_band": Grid("degradation_band", band, reported, curves),
        "degradation_threads": Grid("degradation_threads", repeat, small, with_two_threads),
        "degradation_avx2": Grid("degradation_avx2", repeat, small, first_epoch),
    }


def main(arguments: list[str]) -> int:
    """Fills the files named, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in arguments or grids():
        grid, path = grids()[name], FOLDER / f"{name}.json"
        if name == "degradation_avx2" and AVX2.items() - os.environ.items():
            if missing(grid, read(path)):
                call = [sys.executable, "-m", "assignments.editions.measured.band", name]
                subprocess.run(call, env=os.environ | AVX2, check=True)
            continue
        print(f"-- {name}: {grid.question}", flush=True)
        collect(grid, path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
