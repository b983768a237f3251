"""Image sets as tensors, and the subset of Fashion-MNIST that comes with the package.

Training, validation and test are three things: `split` cuts the validation part from the training
part, and the test part is looked at once.
"""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from types import MappingProxyType
from typing import Protocol

import numpy
import torch
from torch import Tensor

CLASS_NAMES = (
    "t-shirt", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


class DataError(ValueError):
    """Image data that is missing, damaged or of the wrong shape; the message says what to do."""


class Images(Protocol):
    """What a training loop asks of its images: an `ImageSet`, or a folder of files."""

    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    source: str
    at_once: int  # images to evaluate in one pass
    in_memory: bool  # whether a pass over all of them takes little time
    bad: Mapping[str, str]  # files that could not be decoded so far, with the reason

    def __len__(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def to(self, device: str | torch.device) -> "Images": ...

    def batch(self, indices: Tensor | slice) -> tuple[Tensor, Tensor]: ...

    def batches(
        self, order: Iterable[Tensor], epoch: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]: ...

    def settings(self) -> dict[str, int]: ...

    def digest(self) -> dict[str, str]: ...


@dataclass(frozen=True)
class ImageSet:
    """Images and labels on one device, with what it takes to normalise and to name them.

    `images` is uint8 (N, C, H, W), `labels` int64 (N,); `mean` and `sd` are one number per channel,
    in units of the pixel range 0 to 1; `source` says where the images came from.
    Raises DataError for shapes, types and labels that do not fit together.
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    source: str

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != torch.uint8:
            raise DataError(
                "images must be uint8 of shape (N, C, H, W), "
                f"not {self.images.dtype} of shape {tuple(self.images.shape)}"
            )
        if len(self.images) == 0:
            raise DataError(f"the image set from {self.source} is empty")
        if self.labels.shape != (len(self.images),) or self.labels.dtype != torch.int64:
            raise DataError(
                f"{len(self.images)} images need as many int64 labels, "
                f"not {self.labels.dtype} of shape {tuple(self.labels.shape)}"
            )
        channels = self.images.shape[1]
        if not len(self.mean) == len(self.sd) == channels:
            raise DataError(
                f"{channels} channels need as many means and SDs, "
                f"not {len(self.mean)} and {len(self.sd)}"
            )
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.class_names):
            raise DataError(
                f"labels run from {low} to {high}, outside 0 to {len(self.class_names) - 1}"
            )

    at_once = 500  # images to evaluate in one pass
    in_memory = True
    bad = MappingProxyType({})

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, height and width of one image."""
        return tuple(self.images.shape[1:])

    def to(self, device: str | torch.device) -> "ImageSet":
        """The whole set on another device."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def subset(self, indices: Tensor | slice) -> "ImageSet":
        """The images at `indices`, with the same normalisation."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def batch(self, indices: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Normalised float32 images (n, C, H, W) and labels (n,)."""
        X = self.images[indices].float() / 255
        mean = torch.tensor(self.mean, device=X.device).view(1, -1, 1, 1)
        sd = torch.tensor(self.sd, device=X.device).view(1, -1, 1, 1)
        return (X - mean) / sd, self.labels[indices]

    def batches(
        self, order: Iterable[Tensor], epoch: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The batch of each tensor of indices in `order`; `epoch` is for images that vary by it."""
        for indices in order:
            yield self.batch(indices.to(self.images.device))

    def digest(self) -> dict[str, str]:
        """Checksums of pixels and labels, which show whether two sets are the same."""
        parts = {"images": self.images, "labels": self.labels}
        return {
            name: f"{zlib.crc32(tensor.cpu().contiguous().numpy()):08x}"
            for name, tensor in parts.items()
        }

    def settings(self) -> dict[str, int]:
        """What a run on these images must have in common with one that goes on."""
        return {"training_images": len(self)}


def split(images: ImageSet, held_out: int, seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """Cuts `held_out` images off for validation, drawn by `seed`: (training, validation).

    Raises DataError where that leaves none for either.
    """
    if not 0 < held_out < len(images):
        raise DataError(f"cannot hold out {held_out} of {len(images)} images")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    order = order.to(images.images.device)
    return images.subset(order[held_out:]), images.subset(order[:held_out])


def embedded() -> tuple[ImageSet, ImageSet]:
    """The subset that comes with the package: 6,000 training and 2,000 test images of 28x28.

    Every class has the same share. Raises DataError where the file is damaged.
    Source: Fashion-MNIST, Xiao et al. 2017, arXiv 1708.07747.
    """
    with as_file(files("resnet") / "assets" / "fashion_mnist_subset.npz") as path:
        try:
            arrays = dict(numpy.load(path))
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{path} is damaged, install the package anew: {error}") from error
    source = "the subset that comes with the package"
    return fashion_mnist_sets(arrays, source)


def fashion_mnist_sets(arrays: dict[str, numpy.ndarray], source: str) -> tuple[ImageSet, ImageSet]:
    """Both sets, normalised by the statistics of the training images alone."""
    pixels = arrays["train_images"].astype(numpy.float64) / 255
    mean, sd = (float(pixels.mean()),), (float(pixels.std()),)
    sets = [
        ImageSet(
            images=torch.tensor(arrays[f"{part}_images"]).view(-1, 1, 28, 28),
            labels=torch.tensor(arrays[f"{part}_labels"]).long(),
            class_names=CLASS_NAMES,
            mean=mean,
            sd=sd,
            source=source,
        )
        for part in ("train", "test")
    ]
    return sets[0], sets[1]
