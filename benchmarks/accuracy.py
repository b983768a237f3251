"""Time to the median test accuracy of d2l's published PyTorch runs, against d2l's ten epochs.

d2l's side is multiplied out from its own loop over its own pipeline, a few batches of which are
timed before each of our runs. The recipe on our side was fixed on validation images that are cut
from the training images (`FAST` of the grids' settings); each run looks at the test images once.
"""

import json
import time
from itertools import islice

import torch
from d2l import torch as d2l
from torch.nn import functional as F

from resnet.experiments.settings import FAST
from resnet.fashion_mnist import load_fashion_mnist
from resnet.models import resnet18
from resnet.runtime.files import write_text
from resnet.training import evaluate, fit
from tools.environment import ROOT

from . import peers
from .timing import origin, ratios, summary

PARTS = ROOT / "_build"  # what a stopped comparison has so far
SEEDS = (0, 1, 2, 3, 4)
BATCHES = 6  # of d2l's loop that are timed before each of our runs
TEST_IMAGES, TRAINING_IMAGES = 10_000, 60_000


def run() -> dict:
    """Both sides in turn, once for each seed; a stopped comparison goes on where it stopped."""
    training, test = load_fashion_mnist()
    unfinished = PARTS / f"accuracy-{torch.backends.cpu.get_cpu_capability()}.json"
    rows = json.loads(unfinished.read_text(encoding="utf-8")) if unfinished.exists() else []
    for seed in SEEDS[len(rows) :]:
        rows.append({"seed": seed, **d2l_side(training, test), **our_side(training, test, seed)})
        print({name: round(value, 4) for name, value in rows[-1].items()}, flush=True)
        PARTS.mkdir(exist_ok=True)
        write_text(unfinished, json.dumps(rows))
    unfinished.unlink()
    factors = ratios([row["d2l_ten_epochs"] for row in rows], [row["seconds"] for row in rows])
    accuracies = [row["accuracy"] for row in rows]
    print(f"test accuracy {summary(accuracies)}, faster by {summary(factors)}")
    return {
        "runs": rows,
        "factor": factors,
        "parts": {name: [part(row)[name] for row in rows] for name in part(rows[0])},
        "provenance": origin(),
    }


def our_side(training, test, seed: int) -> dict[str, float]:
    """One whole run of the fast recipe, its one look at the test images included."""
    torch.manual_seed(seed)
    started = time.perf_counter()
    model = resnet18()
    fit(model, training, seed=seed, **FAST, score_training=False, progress=False)
    accuracy = 1 - evaluate(model, test).error
    return {"seconds": time.perf_counter() - started, "accuracy": accuracy}


def d2l_side(training, test) -> dict[str, float]:
    """Seconds a batch of d2l: its step alone, step and pipeline, evaluation; and all ten epochs."""
    net = peers.d2l_resnet18()
    step = peers.d2l_step(net)
    X, y = (part for part in training.batch(slice(peers.BATCH_SIZE)))
    found = {"d2l_step_28": seconds_of(step, X, y)}
    X = F.interpolate(X, (peers.SIDE, peers.SIDE), mode="bilinear", antialias=True)
    found["d2l_step_96"] = seconds_of(step, X, y)
    with peers.d2l_loaders(training, test) as (train_iter, test_iter):
        found["d2l_loop"] = seconds_a_batch(train_iter, step)
        net.eval()
        with torch.no_grad():
            found["d2l_evaluation"] = seconds_a_batch(
                test_iter, lambda X, y: d2l.accuracy(net(X), y)
            )
        batches = len(train_iter), len(test_iter)
    epoch = batches[0] * found["d2l_loop"] + batches[1] * found["d2l_evaluation"]
    return {**found, "d2l_ten_epochs": peers.EPOCHS * epoch}


def seconds_of(step, X, y) -> float:
    """The shorter of two steps after one that warms up."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        step(X, y)
        times.append(time.perf_counter() - started)
    return min(times[1:])


def seconds_a_batch(loader, step) -> float:
    """Mean over some batches in a row, behind a first one for which the workers are started."""
    batches = iter(loader)
    step(*next(batches))
    started = time.perf_counter()
    for X, y in islice(batches, BATCHES):
        step(X, y)
    return (time.perf_counter() - started) / BATCHES


def part(row: dict[str, float]) -> dict[str, float]:
    """The factor as a product: fewer images seen, smaller ones, faster steps, less beside them."""
    steps = peers.EPOCHS * TRAINING_IMAGES / peers.BATCH_SIZE
    ours_in_their_steps = FAST["epochs"] * TRAINING_IMAGES / peers.BATCH_SIZE
    return {
        "epochs": peers.EPOCHS / FAST["epochs"],
        "resolution": row["d2l_step_96"] / row["d2l_step_28"],
        "arithmetic": row["d2l_step_28"] * ours_in_their_steps / row["seconds"],
        "loading": row["d2l_ten_epochs"] / (steps * row["d2l_step_96"]),
    }
