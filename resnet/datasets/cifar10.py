"""CIFAR-10 from its archive or a folder of its Python version, read without running its pickles."""

import hashlib
import io
import os
import pickle
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from ..data import DataError, ImageSet
from ..fashion_mnist import cache_folder

ARCHIVE, BELOW = "cifar-10-python.tar.gz", "cifar-10-batches-py"
MD5 = "c58f30108f718f92721af3b95e74349a"  # of the archive, as torchvision has it
TRAINING = tuple(f"data_batch_{number}" for number in range(1, 6))
CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
)  # fmt: skip
# All that an array needs to be read; a pickle that names anything else would run code.
HARMLESS = {
    ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
}  # fmt: skip


def load_cifar10(folder: str | Path | None = None) -> tuple[ImageSet, ImageSet]:
    """CIFAR-10, (training, test): 50,000 and 10,000 images of 3x32x32.

    From `folder`, which holds the archive or the files that are in it; without one from the cache,
    or a download that is held to its MD5. Raises DataError, and OSError without a network.
    Source: Krizhevsky 2009, Learning multiple layers of features from tiny images.
    """
    read = _reader(Path(folder)) if folder else _reader(download(cache_folder("cifar-10")))
    source = str(folder or cache_folder("cifar-10"))
    training, test = (_joined(read, names) for names in (TRAINING, ("test_batch",)))
    mean, sd = _mean_and_sd(training[0].numpy())
    sets = [ImageSet(*part, CLASS_NAMES, mean, sd, source) for part in (training, test)]
    print(f"CIFAR-10: {len(sets[0]):,} training images from {source}")
    return sets[0], sets[1]


def _joined(read: Callable[[str], bytes], names: Iterable[str]) -> tuple[Tensor, Tensor]:
    """The images (n, 3, 32, 32) in uint8 and the labels (n,) of some files together."""
    images, labels = zip(*(_batch(name, read(name)) for name in names), strict=True)
    pixels = torch.from_numpy(numpy.concatenate(images)).view(-1, 3, 32, 32)
    return pixels, torch.from_numpy(numpy.concatenate(labels))


def _mean_and_sd(images: numpy.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of each channel, in units of the brightest value."""
    values, mean, sd = numpy.arange(256) / 255, [], []
    for channel in range(images.shape[1]):
        count = numpy.bincount(images[:, channel].ravel(), minlength=256)
        mean.append(float(numpy.average(values, weights=count)))
        variance = numpy.average((values - mean[-1]) ** 2, weights=count)
        sd.append(float(variance**0.5))
    return tuple(mean), tuple(sd)


def holds_cifar10(folder: Path) -> bool:
    """Whether `folder` looks like CIFAR-10's Python version, packed or unpacked."""
    return any((folder / name).exists() for name in (ARCHIVE, BELOW, TRAINING[0]))


def download(folder: Path) -> Path:
    """Fetches the archive by torchvision into `folder`, where it appears checked or not at all."""
    if (folder / ARCHIVE).exists():
        return folder
    from torchvision.datasets import CIFAR10  # here, because it takes a second to import
    from torchvision.datasets.utils import download_url

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as unchecked:
        try:
            download_url(CIFAR10.url, unchecked, ARCHIVE)
        except (OSError, RuntimeError) as error:
            raise OSError(
                f"CIFAR-10 cannot be downloaded ({' '.join(str(error).split())}): fetch {ARCHIVE} "
                "by other means and name its folder"
            ) from error
        path = Path(unchecked) / ARCHIVE
        _check(path)
        os.replace(path, folder / ARCHIVE)
    return folder


def _check(path: Path) -> None:
    if hashlib.md5(path.read_bytes()).hexdigest() != MD5:
        raise DataError(f"{path} is not CIFAR-10's archive (its MD5 differs): fetch it anew")


def _reader(folder: Path):
    """A function from a file's name to its bytes."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}: name one that holds CIFAR-10")
    unpacked = next((f for f in (folder / BELOW, folder) if (f / TRAINING[0]).exists()), None)
    if unpacked is not None:
        return lambda name: _bytes(unpacked / name)
    if not (folder / ARCHIVE).exists():
        raise DataError(f"{folder} holds neither {ARCHIVE} nor {BELOW}: get CIFAR-10's archive")
    _check(folder / ARCHIVE)
    try:
        with tarfile.open(folder / ARCHIVE) as tar:
            held = {Path(m.name).name: tar.extractfile(m).read() for m in tar if m.isfile()}
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"{folder / ARCHIVE} cannot be read, fetch it anew: {error}") from error
    missing = {*TRAINING, "test_batch"} - held.keys()
    if missing:
        raise DataError(f"{folder / ARCHIVE} lacks {', '.join(sorted(missing))}: fetch it anew")
    return held.__getitem__


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read, fetch it anew: {error}") from error


def _batch(name: str, content: bytes) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Images (n, 3072) in uint8 and labels (n,) in int64 of one file."""
    try:
        held = _Arrays(io.BytesIO(content), encoding="latin1").load()
        images, labels = held["data"], numpy.asarray(held["labels"], dtype=numpy.int64)
        whole = images.dtype == numpy.uint8 and images.shape == (len(labels), 3072)
    except Exception as error:  # a damaged pickle makes the reader raise nearly anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{name} cannot be read, fetch it anew: {reason}") from error
    if not whole:
        raise DataError(f"{name} holds {images.dtype} of shape {images.shape}: fetch it anew")
    return images, labels


class _Arrays(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which may run code")
        return super().find_class(module, name)
