"""Whether a folder has ImageNet's layout, train/CLASS and val/CLASS; if not, what it is instead."""

import os
from pathlib import Path

from ..data import DataError
from ..fashion_mnist import holds_fashion_mnist
from .cifar10 import holds_cifar10
from .listing import NO_CLASS, listed, named, shown

PARTS = ("train", "val")
NAMED = ("embedded", "full", "cifar10")  # sources that are no folders
ALSO_CALLED = ("train", "training", "val", "valid", "validation", "test")


def holds_photographs(source: str) -> bool:
    """Whether `--data` names a folder of photographs; DataError where it names no images at all."""
    if source in NAMED and not (Path(source) / "train").is_dir():
        return False
    if not source.strip():
        raise DataError("--data names nothing: give a folder of images, or leave it out")
    folder = Path(source)
    if not folder.exists():
        raise DataError(f"there is no folder {shown(folder)}: see what --data names")
    if not folder.is_dir():
        raise DataError(
            f"{shown(folder)} is a file: --data takes a folder, with a folder of images per class "
            "in train and in val"
        )
    if not (folder / "train").is_dir() and (holds_cifar10(folder) or holds_fashion_mnist(folder)):
        return False
    check_parts(folder)
    return True


def check_parts(folder: Path) -> None:
    """DataError that says what to do about a folder without train and val."""
    if all((folder / part).is_dir() for part in PARTS):
        return
    raise DataError(f"{shown(folder)} {_what_it_is(folder)}")


def _what_it_is(folder: Path) -> str:
    whole = folder.resolve()
    for above, what in ((whole.parent, "one part"), (whole.parent.parent, "one class")):
        part = whole.relative_to(above).parts[:1]
        if part and part[0] in PARTS and all((above / each).is_dir() for each in PARTS):
            return f"is {what} of {shown(above)}: take --data {shown(above)}"
    below = [path for path in _folders(folder) if all((path / part).is_dir() for part in PARTS)]
    if below:
        return f"holds no folder train, and {named(below)} does: take --data {shown(below[0])}"
    missing = [part for part in PARTS if not (folder / part).is_dir()]
    return (
        f"holds no folder {missing[0]}: ImageNet's layout is train/CLASS/*.jpg and "
        f"val/CLASS/*.jpg{_advice(folder, missing)}"
    )


def _advice(folder: Path, missing: list[str]) -> str:
    names = [path.name for path in _folders(folder)]
    alike = [name for name in names if name not in PARTS and name.lower() in ALSO_CALLED]
    if alike:
        return f"; if {named(alike)} is meant, rename it"
    if len(missing) == 1:
        return ""
    found = listed(folder)
    if any(found.images.values()):
        return f"; its classes are divided by: python -m resnet split {shown(folder)} photos"
    if found.left_out[NO_CLASS]:
        return "; it holds images, and no folder per class"
    return "; nor does it hold the files of Fashion-MNIST or CIFAR-10"


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry) for entry in os.scandir(folder) if entry.is_dir())
    except OSError as error:
        raise DataError(f"{shown(folder)} cannot be listed: {error.strerror}") from error
