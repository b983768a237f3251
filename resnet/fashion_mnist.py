"""Fashion-MNIST, whole, from wherever it is had: a folder, Debian's package, a download."""

import gzip
import hashlib
import http.client
import os
import shutil
import tempfile
import zlib
from pathlib import Path

import numpy

from .data import DataError, ImageSet, embedded, fashion_mnist_sets

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


def cache_folder(name: str = "fashion-mnist") -> Path:
    """Where the download of that name is kept: below `XDG_CACHE_HOME`, by default `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "resnet-by-experiment" / name


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


def holds_fashion_mnist(folder: Path) -> bool:
    """Whether `folder` looks like Fashion-MNIST, with one of its files or torchvision's folder."""
    names = [f"{name}{ending}" for name in IDX_FILES for ending in ("", ".gz")]
    return any((folder / name).exists() for name in (*names, "FashionMNIST"))


def read_folder(folder: Path) -> tuple[ImageSet, ImageSet]:
    """Reads the four IDX files in `folder`, or in torchvision's `FashionMNIST/raw` below it."""
    if not folder.is_dir():
        raise DataError(
            f"there is no folder {folder}: name one that holds Fashion-MNIST's IDX files"
        )
    below = folder / "FashionMNIST" / "raw"
    contents = [_read_idx(below if below.is_dir() else folder, name) for name in IDX_FILES]
    names = ("train_images", "train_labels", "test_images", "test_labels")
    return fashion_mnist_sets(dict(zip(names, contents, strict=True)), str(folder))


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
