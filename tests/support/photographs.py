"""Folders of small photographs for tests, each photograph another."""

import itertools
import zlib
from pathlib import Path

import numpy
from PIL import Image

NUMBERS = itertools.count()
CLASSES = ("cat", "dog", "owl")


def pixels(size=(40, 30), channels=3, high=255):
    """Noise that no other call returns."""
    random = numpy.random.default_rng(next(NUMBERS))
    noise = random.integers(0, high, (*size[::-1], channels), numpy.uint8, endpoint=True)
    return noise.squeeze(2) if channels == 1 else noise


def picture(size=(40, 30)):
    return Image.fromarray(pixels(size))


def save(path: Path, image=None, **options) -> Path:
    """An image, or noise, in the format of the file's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = picture() if image is None else image
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def photos(folder: Path, train=4, val=2) -> Path:
    """ImageNet's layout with three classes."""
    for part, count in (("train", train), ("val", val)):
        for name in CLASSES:
            for number in range(count):
                save(folder / part / name / f"{number}.jpg")
    return folder


def cut_off(path: Path, share=0.6) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def rest(path: Path, filling: str, share=0.5) -> None:
    """The last `share` of a JPEG becomes zeros, with or without a mark at the end, or nothing."""
    content = path.read_bytes()
    kept = content[: int((1 - share) * len(content))]
    zeros = bytes(len(content) - len(kept) - 2)
    end = b"\xff\xd9"
    path.write_bytes(
        kept + {"zeros": zeros + b"\0\0", "zeros and end": zeros + end, "end": end}[filling]
    )


def png_of_16_bits(path: Path, values: numpy.ndarray, said=None) -> Path:
    """A PNG with 16 bits in each of 1 to 4 channels, which Pillow can read and not write.

    Its header gives the size that is `said`, by default the right one.
    """
    height, width, channels = *(said or values.shape[:2]), values.shape[2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    sizes = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    chunks = (
        (b"IHDR", sizes + bytes([16, kind, 0, 0, 0])),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
            for name, data in chunks
        )
    )
    return path
