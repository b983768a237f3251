"""What to run and how much of it: the budget of the chapters, and grids of many networks."""

import contextlib
import functools
import io
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import torch
from torch import nn

from .data import ImageSet, embedded, split
from .fashion_mnist import load_fashion_mnist
from .models import BasicBlock, Bottleneck, Plain, residual_block, resnet18, six_n_plus_two
from .probes import without_batch_norm
from .results import History
from .training import fit
from .variants import (
    PreActivation,
    SEBottleneck,
    bottleneck_series,
    option_a,
    option_c,
    resnext,
    wide_bottleneck,
    with_last_activation,
    zero_scale,
)

# Takes the document's ResNet-18 past a test accuracy of 0.904 on the full Fashion-MNIST; chosen on
# validation images by `benchmarks/recipe.py`.
FAST = {"epochs": 3, "batch_size": 128, "learning_rate": 0.05}
BLOCKS = {
    "plain": Plain,
    "residual": residual_block,
    "basic": BasicBlock,
    "option-a": option_a,
    "option-c": option_c,
    "zero-scale": zero_scale,
    "pre-activation": PreActivation,
}
BOTTLENECKS = {  # blocks of three layers
    "bottleneck": Bottleneck,
    "wide": wide_bottleneck,
    # As wide inside as `wide`, in 8 groups: 4 channels in each where the bottleneck has 16.
    "resnext": functools.partial(resnext, groups=8, group_width=16),
    "squeeze-excitation": SEBottleneck,
}


@dataclass(frozen=True)
class Budget:
    """Sizes of the live runs. `precision` None leaves the choice to `fit`."""

    name: str
    training_images: int
    validation_images: int
    depth_epochs: int
    further_epochs: int
    network_epochs: int
    device: str | None
    precision: str | None


CPU = Budget("cpu", 3000, 1000, 6, 3, 5, "cpu", "float32")
GPU = Budget("gpu", 50000, 10000, 12, 6, 12, None, None)


def budget(name: str | None = None) -> Budget:
    """The budget of that name, else of `RESNET_BUDGET`, else `gpu` where there is one and `cpu`.

    Raises ValueError for an unknown name.
    """
    detected = "gpu" if torch.cuda.is_available() else "cpu"
    name = name or os.environ.get("RESNET_BUDGET") or detected
    known = {budget.name: budget for budget in (CPU, GPU)}
    if name not in known:
        raise ValueError(f"unknown budget {name!r}: RESNET_BUDGET is one of {', '.join(known)}")
    return known[name]


def images(size: Budget) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Training, validation and test images of a budget; the first two are cut by a fixed seed.

    With budget `cpu` always the embedded images, so that results do not depend on the disk.
    """
    whole, test = embedded() if size.name == "cpu" else load_fashion_mnist()
    training, validation = split(whole, size.validation_images)
    return training.subset(slice(size.training_images)), validation, test


@dataclass(frozen=True)
class Setting:
    """One network of a grid, `depth` = 6n + 2 of a block of BLOCKS, and how it is trained.

    Those of BOTTLENECKS have three layers, for which `depth` = 9n + 2: 20 and 56 are both. Depth 18
    is the document's ResNet-18. Without `batch_norm` the network has none, and the weights stay
    those of He's initialisation. A grid runs on the CPU in float32, so that it is the same
    anywhere. `data` is `embedded` or `full`; the training images are the first of those that a
    fixed split leaves, or of all where it leaves too few. `watch` is the held-out part that is
    scored after each epoch: on `validation` a choice may rest, on `test` none. `stem_strides` is
    that of the series.
    """

    depth: int
    block: str
    seed: int
    learning_rate: float
    epochs: int = CPU.depth_epochs
    batch_size: int = 64
    training_images: int = CPU.training_images
    batch_norm: bool = True
    data: str = "embedded"
    watch: str = "validation"
    stem_strides: int = 2

    @property
    def arm(self) -> str:
        """The network's name in figures and stored results, such as `plain-56`."""
        return f"{self.block}-{self.depth}"

    @property
    def cost(self) -> int:
        """In proportion to the time it takes: layers times images seen, by the area of the map."""
        seen = max(self.epochs, 1) * self.training_images
        return 4 * self.depth * seen // self.stem_strides**2


def train(setting: Setting) -> History:
    """Trains the network of one setting from its seed."""
    return trained(setting)[1]


def trained(setting: Setting, score_training: bool = True) -> tuple[nn.Module, History]:
    """The network of one setting after its training, and the history of that."""
    training, watched = grid_images(setting)
    model = build(setting)
    history = fit(
        model,
        training,
        watched,
        epochs=setting.epochs,
        learning_rate=setting.learning_rate,
        batch_size=setting.batch_size,
        seed=setting.seed,
        device=CPU.device,
        precision=CPU.precision,
        layout="channels_last",  # faster for small networks on one thread
        score_training=score_training,
        label=setting.arm,
        progress=False,
    )
    if history.interrupted:
        raise KeyboardInterrupt  # half a run is no result
    history.settings.update(asdict(setting))
    return model, history


def build(setting: Setting) -> nn.Module:
    """The network of one setting from its seed, before any training."""
    torch.manual_seed(setting.seed)
    if setting.depth == 18 and setting.block == "residual":
        return resnet18()
    if setting.block in BOTTLENECKS:
        return bottleneck_series(setting.depth, BOTTLENECKS[setting.block])
    block, strides = BLOCKS[setting.block], setting.stem_strides
    model = six_n_plus_two(setting.depth, block, stem_strides=strides)
    if setting.block == "pre-activation":
        model = with_last_activation(model)
    return model if setting.batch_norm else without_batch_norm(model)


def grid_images(setting: Setting) -> tuple[ImageSet, ImageSet]:
    """Training images of a setting and the held-out ones that are watched meanwhile."""
    whole, rest, validation, test = _parts(setting.data)
    training = rest if setting.training_images <= len(rest) else whole
    if setting.training_images > len(training) or (
        training is whole and setting.watch == "validation"
    ):
        raise ValueError(f"{setting.training_images} training images are more than there are")
    watched = {"validation": validation, "test": test}[setting.watch]
    return training.subset(slice(setting.training_images)), watched


@functools.cache
def _parts(data: str) -> tuple[ImageSet, ImageSet, ImageSet, ImageSet]:
    """All training images, those left and those cut off for validation, and the test images."""
    size = CPU if data == "embedded" else GPU
    with contextlib.redirect_stdout(io.StringIO()):  # each worker would name the source
        whole, test = embedded() if data == "embedded" else load_fashion_mnist()
    return whole, *split(whole, size.validation_images), test


def run_grid(
    settings: Iterable[Setting],
    workers: int = 1,
    threads: int = 1,
    measure: Callable[[Setting], Any] = train,
    minutes: float = math.inf,
) -> Iterator[tuple[Setting, Any]]:
    """Measures every setting, `workers` at a time, and yields each with its result as it ends.

    Small networks gain little from a second thread, so a worker a core with one thread each is the
    fastest; the results are the same to the last bit for any number of workers. After so many
    `minutes` nothing more is begun. `measure` must be a function of a module.
    """
    # The longest first, so that no core waits long for the last one.
    waiting = iter(sorted(settings, key=lambda setting: setting.cost, reverse=True))
    deadline = time.monotonic() + 60 * minutes
    if workers == 1:
        for setting in waiting:
            yield setting, _alone(measure, setting, threads)
            if time.monotonic() > deadline:
                return
        return
    before = set(multiprocessing.active_children())
    # Forked children would inherit the locks of torch's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_follow_parent) as pool:
        begin = functools.partial(pool.submit, _alone, measure, threads=threads)
        running = {begin(setting=setting): setting for setting in islice(waiting, workers)}
        try:
            while running:
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    setting = running.pop(done)
                    if time.monotonic() < deadline:
                        running |= {begin(setting=following): following
                                    for following in islice(waiting, 1)}  # fmt: skip
                    yield setting, done.result()
        finally:
            # Ctrl-C or an error: what still runs is lost anyway, so nobody should wait for it.
            for child in set(multiprocessing.active_children()) - before if running else ():
                child.terminate()


def _follow_parent() -> None:
    """A worker leaves Ctrl-C to its parent and ends when that is gone, killed included."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def _alone(measure: Callable[[Setting], Any], setting: Setting, threads: int) -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return measure(setting)
    finally:
        torch.set_num_threads(before)
