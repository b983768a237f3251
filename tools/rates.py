"""Chooses the learning rates of chapters 1 and 2, with seeds that are used for nothing else.

Each network is trained at each of three peak rates; `resnet.results.best_rate` takes the one with
the lowest mean training error, which is what the chapters compare. A stopped sweep goes on.
"""

import json
import os
import sys
from itertools import product

from resnet.experiments.settings import Setting
from resnet.experiments.workers import run_grid
from resnet.runtime.files import provenance, write_text

from .environment import ROOT

STORE = ROOT / "resnet" / "assets" / "results" / "learning_rates.json"
ARMS = (("plain", 8), ("plain", 20), ("plain", 56), ("residual", 20), ("residual", 56))
RATES = (0.02, 0.05, 0.1)
SEEDS = (100, 101)


def main(arguments: list[str]) -> int:
    """Runs what the store lacks, one thread a process, and prints the chosen rates."""
    store = {"provenance": provenance(), "runs": []}
    if STORE.exists():
        store = json.loads(STORE.read_text(encoding="utf-8"))
    there = {(run["arm"], run["rate"], run["seed"]) for run in store["runs"]}
    settings = [
        Setting(depth, block, seed, rate)
        for rate, seed, (block, depth) in product(RATES, SEEDS, ARMS)
        if (f"{block}-{depth}", rate, seed) not in there
    ]
    for setting, history in run_grid(settings, workers=os.cpu_count()):
        run = {
            "arm": setting.arm,
            "rate": setting.learning_rate,
            "seed": setting.seed,
            "training_error": history.last("training_error"),
            "validation_error": history.last("validation_error"),
        }
        store["runs"].append(run)
        store["runs"].sort(key=lambda run: (run["arm"], run["rate"], run["seed"]))
        write_text(STORE, json.dumps(store, indent=1) + "\n")
        print(run, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
