"""A step at 96x96 beside torchvision's network, and the time to a test accuracy of 0.910.

The loop of Dive into Deep Learning in PyTorch is torchvision's side: d2l is not installed here, and
its network does the same multiply-adds in the same plain loop.
"""

import time
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models as vision

from resnet.data import embedded
from resnet.experiments.settings import FAST
from resnet.fashion_mnist import load_fashion_mnist
from resnet.models import resnet18
from resnet.runtime.device import candidates, choose
from resnet.training import evaluate, fit

from ..ours import batch, run_of
from ..timing import interleaved
from .sizes import Size

GOAL = 0.910  # median of the distinct published runs of d2l's chapter in PyTorch


def units(size: Size, data: str | None) -> Iterator[tuple[str, Callable[[], dict]]]:
    """The steps, then a run to the goal for each seed."""
    yield f"step at {size.side}x{size.side}", lambda: steps(size)
    for seed in range(size.runs):
        yield f"to {GOAL}, seed {seed}", lambda seed=seed: to_the_goal(seed, size)


def steps(size: Size) -> dict:
    """Seconds of a step in turn: torchvision's as it is, and ours at each place of this device."""
    X, y = (part.to(size.device) for part in batch(size.batch_size, size.side))
    calls = {"torchvision float32": theirs(size.device)}
    for place in candidates(resnet18(), choose(size.device)):
        calls[f"this book {' '.join(place.names().values())}"] = run_of(resnet18(), place).step
    timed = {name: (lambda step=step: step(X, y)) for name, step in calls.items()}
    return {"seconds": interleaved(timed, size.rounds), "batch_size": len(X)}


def theirs(device: str) -> Callable:
    """A plain loop's step over torchvision's network for one channel and ten classes."""
    net = vision.resnet18(weights=None, num_classes=10)
    net.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    net.to(device).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)

    def step(X, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(X), y)
        loss.backward()
        optimizer.step()
        loss.item()  # waits for the device

    return step


def to_the_goal(seed: int, size: Size) -> dict:
    """One run of the fast recipe with its one look at the test images."""
    is_tiny = size.device == "cpu"
    training, test = embedded() if is_tiny else load_fashion_mnist()
    if is_tiny:
        training, test = (images.subset(slice(64)) for images in (training, test))
    torch.manual_seed(seed)
    started = time.perf_counter()
    model, recipe = resnet18(), FAST | ({"epochs": 1} if is_tiny else {})
    history = fit(model, training, seed=seed, **recipe, device=size.device, score_training=False,
                  progress=False)  # fmt: skip
    accuracy = 1 - evaluate(model, test).error
    return {
        "seconds": time.perf_counter() - started,
        "accuracy": accuracy,
        "reached": accuracy >= GOAL,
        "images": len(training),
        "device": history.provenance["device"],
    }
