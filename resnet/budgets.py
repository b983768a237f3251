"""How much the chapters run, decided in one place: the sizes of a budget, and its images."""

import os
from dataclasses import dataclass

import torch

from .data import ImageSet, embedded, split
from .fashion_mnist import load_fashion_mnist


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
