"""One file of a folder of images: whether it is a whole image, and that image in RGB.

Bad files are found before the training, by their first and last bytes. The few that those do not
give away are named when they are decoded.
"""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ..data import DataError
from . import pixels, wholeness
from .listing import shown

MOST_PIXELS = 200_000_000  # as cameras have them; in RGB such an image takes 600 MB


class BadImageError(DataError):
    """A file that cannot be decoded; the message begins with its name."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the first and last bytes of a file say; `fault` is None where nothing seems wrong.

    `depth` and `brightest` are of images with more than 8 bits, which are decoded for that.
    """

    path: Path
    label: int
    fault: str | None = None
    size: int = 0  # bytes of the file
    tail: int = 0  # checksum of the last of them
    kinds: tuple[str, ...] = ()
    depth: str | None = None
    brightest: float = 0.0


def look_into(path: Path, label: int = 0, most_pixels: int = MOST_PIXELS) -> Look:
    """Opens a file. It is decoded only if its last bytes do not tell, or has more than 8 bits."""
    try:
        with _opened(path, most_pixels) as (image, file):
            tail, size = wholeness.last_bytes(file)
            depth, kinds, brightest = pixels.depth(image), pixels.kinds(image), 0.0
            if depth or not wholeness.seems_whole(image, tail):
                image.load()
                wholeness.check_rest(image, file, tail)
                brightest = pixels.brightest(image, depth) if depth else 0.0
    except Exception as error:  # Pillow's readers raise nearly anything for a damaged file
        return Look(path, label, f"{shown(path)}: {_reason(error)}")
    return Look(path, label, None, size, zlib.crc32(tail), kinds, depth, brightest)


def fault(path: Path) -> str | None:
    """What is wrong with an image by its first and last bytes, None where nothing seems to be."""
    return look_into(path).fault


def read(
    path: Path, whites: Mapping[str, float] | None = None, most_pixels: int = MOST_PIXELS
) -> Image.Image:
    """An image upright and in RGB, whatever it is in, as all images of a folder are read.

    `whites` is what is white in images of more than 8 bits, which a folder knows; one file alone
    decides by its own values. Raises BadImageError, which names a file that cannot be decoded.
    """
    try:
        with _opened(path, most_pixels) as (image, _):
            found = pixels.to_rgb(image, whites)
            wholeness.check_grey(image)
            return found
    except Exception as error:  # as above
        raise BadImageError(f"{shown(path)}: {_reason(error)}") from error


@contextmanager
def _opened(path: Path, most_pixels: int) -> Iterator[tuple[Image.Image, object]]:
    if Image.MAX_IMAGE_PIXELS is not None:
        # Pillow warns from here on and refuses twice as many; by then the check below has spoken.
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, 2 * most_pixels)
    with open(path, "rb") as file, Image.open(file) as image:
        width, height = image.size
        if width * height > most_pixels:
            raise Image.DecompressionBombError(f"{width} x {height} pixels")
        yield image, file


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return "more pixels than --most-megapixels allows"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).splitlines()[0]
