"""One training step of the document's ResNet-18 at 96x96, batch 256, against d2l and torchvision.

Also how much of the machine it uses: the rate of its multiplications over that of a large matrix
product in the same precision, measured in the same rounds, and where the rest of the time goes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from resnet.models import resnet18
from resnet.probes import multiply_adds
from resnet.runtime.device import Place, candidates, choose
from resnet.runtime.self_test import fastest

from . import peers
from .ours import batch, run_of
from .timing import interleaved, origin, ratios, summary

ROUNDS = 5
STEPS = 235  # of an epoch of 60,000 images
MATRIX = 2048  # 2048 pixels of 2048 channels are the rows of a matrix, too
LIBRARIES = ("matmul", "conv2d")
GROUPS = {
    "convolution": ("convolution", "conv2d", "mkldnn_conv"),
    "batch norm": ("batch_norm",),
}


def run() -> dict:
    """Times all contenders on one batch and one machine."""
    X, y = batch(peers.BATCH_SIZE, peers.SIDE)
    places = {" ".join(place.names().values()): place for place in candidates(resnet18(), choose())}
    contenders = {
        "d2l": peers.d2l_step(peers.d2l_resnet18()),
        "torchvision": peers.torchvision_step(),
    }
    contenders |= {f"this book, {name}": our_step(place) for name, place in places.items()}
    calls = {name: (lambda step=step: step(X, y)) for name, step in contenders.items()}
    precisions = list(dict.fromkeys(place.precision for place in places.values()))
    products = {
        f"product {precision} by {library}": product(precision, library)
        for precision in precisions
        for library in LIBRARIES
    }
    seconds = interleaved({**calls, **products}, ROUNDS)
    model = resnet18()
    chosen = fastest(model, X, y, list(places.values()), peers.EPOCHS * STEPS)
    for name in calls:
        times = ratios(seconds["d2l"], seconds[name])
        print(f"{name:36} {summary(seconds[name], ' s')}, d2l's time over it {summary(times)}")
    work = floating_point_operations(X[:1]) * len(X)
    shares = {}
    for name, place in places.items():
        best = zip(*(seconds[f"product {place.precision} by {x}"] for x in LIBRARIES), strict=True)
        matrix = [2 * MATRIX**3 / min(both) for both in best]
        own = [work / s for s in seconds[f"this book, {name}"]]
        shares[name] = ratios(own, matrix)
        print(f"{name:36} {summary(shares[name])} of the rate of a matrix product")
    return {
        "seconds": seconds,
        "batch_size": len(X),
        "side": X.shape[-1],
        "operations": work,
        "matrix": MATRIX,
        "share_of_product": shares,
        "profile": {name: profile(our_step(place), X, y) for name, place in places.items()},
        "self_test": " ".join(chosen.names().values()),
        "provenance": origin(),
    }


def our_step(place: Place):
    """The step of `fit` at one place."""
    torch.manual_seed(0)
    step = run_of(resnet18(), place).step
    return lambda X, y: step(X.to(place.device), y.to(place.device))


def product(precision: torch.dtype, library: str):
    """A large square matrix product, by torch's linear algebra or by its convolutions.

    Either may be the faster, and held to AVX2 the linear algebra gives up more than that.
    """
    A, B = (torch.randn(MATRIX, MATRIX).to(choose().device, precision) for _ in range(2))
    if library == "matmul":
        return lambda: (A @ B)[0, 0].item()
    rows = A.t().reshape(1, MATRIX, MATRIX // 32, 32).to(memory_format=torch.channels_last)
    kernels = B.t().reshape(MATRIX, MATRIX, 1, 1)
    return lambda: F.conv2d(rows, kernels)[0, 0, 0, 0].item()


def floating_point_operations(X: Tensor) -> int:
    """Of one step: forward, both gradients of each layer, and none towards the pixels."""
    model = resnet18()
    whole, stem = multiply_adds(model, X), multiply_adds(model.b1, X)
    return 2 * (3 * whole - stem)


def profile(step, X: Tensor, y: Tensor) -> dict[str, float]:
    """Share of the time in each kind of operation, by torch's profiler."""
    step(X, y)
    with torch.profiler.profile() as recorded:
        step(X, y)
    shares = dict.fromkeys((*GROUPS, "other"), 0.0)
    for event in recorded.key_averages():
        kind = next(
            (group for group, words in GROUPS.items() if any(w in event.key for w in words)),
            "other",
        )
        shares[kind] += event.self_cpu_time_total
    whole = sum(shares.values())
    return {kind: value / whole for kind, value in shares.items()}
