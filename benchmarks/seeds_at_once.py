"""Eight seeds of one small network on one core: one after another, and as one wide network.

What could be gained is in the convolutions, if wide ones come nearer to the processor's peak, the
rate of a product of two large matrices. So these are measured too, alone and eight in a group.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch.nn import functional as F

from resnet.models import residual_block, six_n_plus_two
from resnet.probes import multiply_adds
from resnet.runtime.device import choose

from .gpu.seeds import BATCH_SIZE, RATE, networks
from .gpu.seeds import steps as steps_at_once
from .gpu.sizes import REHEARSAL
from .ours import run_of
from .step import LIBRARIES, MATRIX, product
from .timing import interleaved, origin, ratios, summary

ROUNDS, SEEDS, STEPS, DEPTH = 7, 8, 2, 20
STAGES = {16: 28, 32: 14, 64: 7}  # channels: side of the map


def run() -> dict:
    """Seconds of both ways in turn, and what share of the product's rate convolutions reach."""
    torch.set_num_threads(1)
    size = replace(REHEARSAL, seeds=SEEDS, seed_steps=STEPS)
    together = networks(list(range(SEEDS)), size)
    ways = {
        "one after another": one_after_another(),
        "at once": lambda: steps_at_once(together, size),
    }
    seconds = interleaved(ways, ROUNDS)
    gain = ratios(seconds["one after another"], seconds["at once"])
    print(f"{SEEDS} seeds at once: {summary(gain)} times as fast")
    shares = shares_of_product()
    for name, values in shares.items():
        print(f"{name:28} {summary(values)} of the product's rate")
    return {
        "seconds": seconds,
        "share_of_product": shares,
        "seeds": SEEDS,
        "depth": DEPTH,
        "provenance": origin(),
    }


def one_after_another() -> Callable[[], None]:
    """As many networks as there are seeds, each with steps as `fit` takes them in a grid."""
    place = choose("cpu", "float32", "channels_last")
    runs = [run_of(six_n_plus_two(DEPTH, residual_block), place, RATE) for _ in range(SEEDS)]
    X, y = torch.rand(BATCH_SIZE, 1, 28, 28), torch.arange(BATCH_SIZE) % 10

    def call() -> None:
        for run in runs:
            for _ in range(STEPS):
                run.step(X, y)

    return call


def shares_of_product() -> dict[str, list[float]]:
    """The rate of each stage's convolution, forward and backward, over that of a product."""
    calls = {library: product(torch.float32, library) for library in LIBRARIES}
    operations = dict.fromkeys(LIBRARIES, 2 * MATRIX**3)
    for channels, side in STAGES.items():
        for group in (1, SEEDS):
            name = f"{channels} channels, {'alone' if group == 1 else f'{group} in a group'}"
            calls[name] = convolution(channels, side, group)
            operations[name] = 3 * 2 * group * BATCH_SIZE * (side * channels * 3) ** 2
    model, X = six_n_plus_two(DEPTH, residual_block), torch.rand(BATCH_SIZE, 1, 28, 28)
    model, y = model.to(memory_format=torch.channels_last), torch.arange(BATCH_SIZE) % 10
    calls["a whole step"] = lambda: F.cross_entropy(model(X), y).backward()
    operations["a whole step"] = 3 * 2 * multiply_adds(model, X)
    seconds = interleaved(calls, ROUNDS)
    rates = {name: [operations[name] / each for each in times] for name, times in seconds.items()}
    peak = [max(both) for both in zip(*map(rates.pop, LIBRARIES), strict=True)]
    return {name: ratios(values, peak) for name, values in rates.items()}


def convolution(channels: int, side: int, group: int) -> Callable[[], object]:
    """Forward and backward over a batch, of so many networks at once."""
    shape = (BATCH_SIZE, group * channels, side, side)
    X, dY = (torch.rand(shape).to(memory_format=torch.channels_last) for _ in range(2))
    W = torch.rand(group * channels, channels, 3, 3).to(memory_format=torch.channels_last)
    both = (X.requires_grad_(), W.requires_grad_())
    return lambda: torch.autograd.grad(F.conv2d(*both, padding=1, groups=group), both, dY)
