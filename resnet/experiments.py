"""What to run and how much of it: the budget of the chapters, and grids of many networks."""

import functools
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass

import torch

from .data import ImageSet, embedded, load_fashion_mnist, split
from .models import BasicBlock, Plain, residual_block, six_n_plus_two
from .results import History
from .training import fit

# Takes the document's ResNet-18 past a test accuracy of 0.904 on the full Fashion-MNIST; chosen on
# validation images by `benchmarks/recipe.py`.
FAST = {"epochs": 3, "batch_size": 128, "learning_rate": 0.05}
BLOCKS = {"plain": Plain, "residual": residual_block, "basic": BasicBlock}


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

    A grid runs on the embedded images, on the CPU and in float32, so that it is the same anywhere.
    """

    depth: int
    block: str
    seed: int
    learning_rate: float
    epochs: int = CPU.depth_epochs
    training_images: int = CPU.training_images

    @property
    def arm(self) -> str:
        """The network's name in figures and stored results, such as `plain-56`."""
        return f"{self.block}-{self.depth}"


def train(setting: Setting, threads: int = 1) -> History:
    """Trains the network of one setting from its seed with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    training, validation = _grid_images()
    torch.manual_seed(setting.seed)
    model = six_n_plus_two(setting.depth, BLOCKS[setting.block])
    try:
        history = fit(
            model,
            training.subset(slice(setting.training_images)),
            validation,
            epochs=setting.epochs,
            learning_rate=setting.learning_rate,
            seed=setting.seed,
            device=CPU.device,
            precision=CPU.precision,
            layout="channels_last",  # faster for small networks on one thread
            label=setting.arm,
            progress=False,
        )
    finally:
        torch.set_num_threads(before)
    history.settings.update(asdict(setting))
    return history


def run_grid(
    settings: Iterable[Setting], workers: int = 1, threads: int = 1
) -> Iterator[tuple[Setting, History]]:
    """Trains every network, `workers` at a time, and yields each as it ends.

    Small networks gain little from a second thread, so a worker a core with one thread each is the
    fastest; the histories are the same to the last bit for any number of workers.
    """
    # The longest first, so that no core waits long for the last one.
    waiting = sorted(settings, key=_cost, reverse=True)
    if workers == 1:
        yield from ((setting, train(setting, threads)) for setting in waiting)
        return
    # Forked children would inherit the locks of torch's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        running = {pool.submit(train, setting, threads): setting for setting in waiting}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _cost(setting: Setting) -> int:
    return setting.depth * setting.epochs * setting.training_images


@functools.cache
def _grid_images() -> tuple[ImageSet, ImageSet]:
    return images(CPU)[:2]
