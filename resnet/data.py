"""Image sets as tensors: Fashion-MNIST, whole or as the embedded subset, from wherever it is had.

Training, validation and test are three things: `split` cuts the validation part from the training
part, and the test part is looked at once.
"""

import gzip
import hashlib
import http.client
import os
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

import numpy
import torch
from torch import Tensor

CLASS_NAMES = (
    "t-shirt", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
# SHA-256 of each unpacked IDX file (https://github.com/zalandoresearch/fashion-mnist) and the
# bytes of its header, behind which the pixels or labels begin.
IDX_FILES = {
    "train-images-idx3-ubyte": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", 16),
    "train-labels-idx1-ubyte": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 8),
    "t10k-images-idx3-ubyte": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", 16),
    "t10k-labels-idx1-ubyte": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 8),
}  # fmt: skip


class DataError(ValueError):
    """Image data that is missing, damaged or of the wrong shape; the message says what to do."""


@dataclass(frozen=True)
class ImageSet:
    """Images and labels on one device, with what it takes to normalise and to name them.

    `images` is uint8 (N, C, H, W), `labels` int64 (N,); `mean` and `sd` are one number a channel,
    in units of the pixel range 0 to 1; `source` says where the images came from.
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

    def __len__(self) -> int:
        return len(self.images)

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


def split(images: ImageSet, held_out: int, seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """Cuts `held_out` images off for validation, drawn by `seed`: (training, validation)."""
    if not 0 < held_out < len(images):
        raise DataError(f"cannot hold out {held_out} of {len(images)} images")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    order = order.to(images.images.device)
    return images.subset(order[held_out:]), images.subset(order[:held_out])


def embedded() -> tuple[ImageSet, ImageSet]:
    """The subset that comes with the package: 6,000 training and 2,000 test images of 28x28.

    Every class has the same share. Source: Fashion-MNIST, Xiao et al. 2017, arXiv 1708.07747.
    """
    with as_file(files("resnet") / "assets" / "fashion_mnist_subset.npz") as path:
        try:
            arrays = dict(numpy.load(path))
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{path} is damaged, install the package anew: {error}") from error
    source = "the subset that comes with the package"
    return _image_sets(arrays, source)


def load_fashion_mnist(folder: str | Path | None = None) -> tuple[ImageSet, ImageSet]:
    """All of Fashion-MNIST, (training, test), from the first source that has it, named on screen.

    A folder given here or by `RESNET_DATA` must hold it, as IDX files packed or unpacked. Without
    one: Debian's package `dataset-fashion-mnist`, the cache, a download, and where even that fails
    the embedded subset. Every file is held to its SHA-256. Raises DataError.
    """
    folder = folder or os.environ.get("RESNET_DATA")
    if folder:
        training, test = read_folder(Path(folder))
    else:
        training, test = _first_that_works()
    print(f"Fashion-MNIST: {len(training):,} training images from {training.source}")
    return training, test


def _first_that_works() -> tuple[ImageSet, ImageSet]:
    for folder in (DEBIAN_FOLDER, cache_folder()):
        if folder.is_dir():
            return read_folder(folder)
    try:
        return read_folder(download(cache_folder()))
    except OSError as error:
        print(f"Fashion-MNIST cannot be downloaded ({error}).")
        return embedded()


def cache_folder() -> Path:
    """Where a download is kept: below `XDG_CACHE_HOME`, by default `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "resnet-by-experiment" / "fashion-mnist"


def download(folder: Path) -> Path:
    """Fetches Fashion-MNIST by torchvision into `folder`, which appears checked or not at all.

    Raises OSError without a network and DataError where the files that came are not the right ones.
    """
    from torchvision.datasets import FashionMNIST  # here, because it takes a second to import

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as unchecked:
        try:
            FashionMNIST(unchecked, download=True)
        except (RuntimeError, http.client.HTTPException) as error:
            raise OSError(" ".join(str(error).split())) from error
        raw = Path(unchecked) / "FashionMNIST" / "raw"
        read_folder(raw)
        shutil.move(raw, folder)
    return folder


def read_folder(folder: Path) -> tuple[ImageSet, ImageSet]:
    """Reads the four IDX files in `folder`, or in torchvision's `FashionMNIST/raw` below it."""
    if not folder.is_dir():
        raise DataError(
            f"there is no folder {folder}: name one that holds Fashion-MNIST's IDX files"
        )
    below = folder / "FashionMNIST" / "raw"
    contents = [_read_idx(below if below.is_dir() else folder, name) for name in IDX_FILES]
    names = ("train_images", "train_labels", "test_images", "test_labels")
    return _image_sets(dict(zip(names, contents, strict=True)), str(folder))


def _read_idx(folder: Path, name: str) -> numpy.ndarray:
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), None)
    if path is None:
        raise DataError(
            f"{folder} holds no {name} or {name}.gz: get all four files of Fashion-MNIST"
        )
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read, fetch it anew: {error}") from error
    expected, header = IDX_FILES[name]
    if hashlib.sha256(content).hexdigest() != expected:
        raise DataError(f"{path} is not Fashion-MNIST's file (its SHA-256 differs): fetch it anew")
    return numpy.frombuffer(content, dtype=numpy.uint8, offset=header)


def _image_sets(arrays: dict[str, numpy.ndarray], source: str) -> tuple[ImageSet, ImageSet]:
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
