"""The files of a folder of images: which there are, and which of them are no whole images.

Bad files are found before the training, by their first and last bytes. The few that those do not
give away are named when they are decoded.
"""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from PIL import Image
from tqdm.auto import tqdm

from ..data import DataError

PARTS = ("train", "val")
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
MOST_PIXELS = Image.MAX_IMAGE_PIXELS  # from here on Pillow suspects an attack
# What stands in the last bytes of a whole file; cameras may write a little behind it.
LAST = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
Found = list[tuple[Path, int]]


class BadImageError(DataError):
    """A file that cannot be decoded; the message begins with its name."""


def look_at(folder: Path, workers: int, skip: bool) -> tuple[tuple[str, ...], dict[str, Found]]:
    """Class names, and for each part its whole images, as paths within it with their labels.

    Names on the screen what is no whole image. Raises DataError where anything is and `skip` is not
    asked for, and where a class or a part is missing.
    """
    class_names, folders = _classes(folder)
    parts, faults, others = {}, [], 0
    for part in PARTS:
        files = [(path, label) for label, name in enumerate(class_names)
                 for path in _files(folders[part].get(name, ()))]  # fmt: skip
        images = [(path, label) for path, label in files if path.suffix.lower() in ENDINGS]
        others += len(files) - len(images)
        labels = {label for _, label in images}
        for label, name in enumerate(class_names):
            if part == "train" and label not in labels:
                faults.append(f"{shown(folder / part / name)}: a class without images")
        found = _faults([path for path, _ in images], workers, f"looking at {part}")
        faults += filter(None, found)
        parts[part] = [
            (path.relative_to(folder / part), label)
            for (path, label), bad in zip(images, found, strict=True)
            if not bad
        ]
    for each in faults:
        print(f"{'Skipped' if skip else 'Bad'}: {each}")
    if faults and not skip:
        raise DataError(
            f"{shown(folder)} has faults, named above: {len(faults)}; mend or remove what they "
            "name, or take --bad-images skip"
        )
    if not all(parts.values()):
        raise DataError(f"{shown(folder)} has no image left to train on, or none to validate on")
    print(
        f"{shown(folder)}: {len(class_names)} classes, {len(parts['train']):,} images in train and "
        f"{len(parts['val']):,} in val; skipped: {len(faults)}; files of other kinds: {others}"
    )
    return class_names, parts


def _classes(folder: Path) -> tuple[tuple[str, ...], dict[str, dict[str, list[Path]]]]:
    for part in PARTS:
        if not (folder / part).is_dir():
            raise DataError(
                f"{shown(folder)} holds no folder {part}: ImageNet's layout is "
                "train/CLASS/*.jpg and val/CLASS/*.jpg"
            )
    folders = {part: _class_folders(folder / part) for part in PARTS}
    class_names = tuple(sorted(folders["train"]))
    unknown = sorted(set(folders["val"]) - set(class_names))
    if unknown:
        raise DataError(
            f"{shown(folder / 'val')} has classes that train has not: {', '.join(unknown)}"
        )
    if len(class_names) < 2:
        raise DataError(f"{shown(folder / 'train')} needs a folder for each of two classes or more")
    return class_names, folders


def _faults(paths: list[Path], workers: int, title: str) -> list[str | None]:
    with ThreadPoolExecutor(workers) as pool:
        return list(tqdm(pool.map(fault, paths), title, len(paths), leave=False))


def _class_folders(folder: Path) -> dict[str, list[Path]]:
    """Folders by class; the same name may be spelt with composed and with combining characters."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            found.setdefault(unicodedata.normalize("NFC", path.name), []).append(path)
    return found


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    """All files below, in the order of their names, but hidden ones."""
    for folder in folders:
        for place, below, names in os.walk(folder):
            below[:] = sorted(name for name in below if not name.startswith("."))
            yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def fault(path: Path) -> str | None:
    """What is wrong with an image by its first and last bytes, None where nothing seems to be.

    A file whose last bytes do not tell is decoded whole.
    """
    try:
        with _opened(path) as image:
            with open(path, "rb") as file:
                file.seek(max(0, path.stat().st_size - 1024))
                tail = file.read()
            if LAST.get(image.format or "", tail + b" ") not in tail:
                image.load()
    except Exception as error:  # Pillow's readers raise nearly anything for a damaged file
        return f"{shown(path)}: {_reason(error)}"
    return None


def read(path: Path) -> Image.Image:
    """An image in RGB, whatever it is in; BadImageError names the file that cannot be decoded."""
    try:
        with _opened(path) as image:
            if image.mode.startswith("I"):  # 16 bits, which `convert` would cut off at white
                pixels = numpy.asarray(image).astype(numpy.int64) // 256
                return Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8)).convert("RGB")
            return image.convert("RGB")
    except Exception as error:  # as above
        raise BadImageError(f"{shown(path)}: {_reason(error)}") from error


def _opened(path: Path) -> Image.Image:
    image = Image.open(path)
    width, height = image.size
    if width * height > MOST_PIXELS:
        image.close()
        raise DataError(f"{width} x {height} pixels are more than {MOST_PIXELS:,}")
    return image


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {MOST_PIXELS:,} pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).splitlines()[0]


def shown(path: Path) -> str:
    """A file's name for the screen, with escapes where its bytes are no text."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
