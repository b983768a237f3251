"""Chooses the learning rates of chapters 1 and 2, with seeds that are used for nothing else.

Each network is trained at each of three peak rates; `resnet.results.best_rate` takes the one with
the lowest mean training error, which is what the chapters compare. A stopped sweep goes on.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product

from resnet.results import provenance, write_text

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
    jobs = [
        (block, depth, rate, seed)
        for rate, seed, (block, depth) in product(RATES, SEEDS, reversed(ARMS))
        if (f"{block}-{depth}", rate, seed) not in there
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for done in as_completed([pool.submit(train, *job) for job in jobs]):
            store["runs"].append(done.result())
            store["runs"].sort(key=lambda run: (run["arm"], run["rate"], run["seed"]))
            write_text(STORE, json.dumps(store, indent=1) + "\n")
            print(done.result(), flush=True)
    return 0


def train(block: str, depth: int, rate: float, seed: int) -> dict:
    """One run, its errors in the last epoch."""
    import torch

    from resnet.experiments import CPU, images
    from resnet.models import Plain, residual_block, six_n_plus_two
    from resnet.training import fit

    torch.set_num_threads(1)
    training, validation, _ = images(CPU)
    torch.manual_seed(seed)
    model = six_n_plus_two(depth, {"plain": Plain, "residual": residual_block}[block])
    history = fit(
        model,
        training,
        validation,
        epochs=CPU.depth_epochs,
        learning_rate=rate,
        seed=seed,
        device=CPU.device,
        precision=CPU.precision,
        progress=False,
    )
    return {
        "arm": f"{block}-{depth}",
        "rate": rate,
        "seed": seed,
        "training_error": history.last("training_error"),
        "validation_error": history.last("validation_error"),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
