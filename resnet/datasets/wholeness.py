"""Whether a file holds a whole picture: by its last bytes, and for a JPEG by what those decode to.

libjpeg makes something of any bytes. Where data are missing it paints mid-grey, and zeros, which a
broken download leaves, it takes for data.
"""

import io
from typing import BinaryIO

from PIL import Image, ImageChops

LAST_BYTES = 1024
JPEG_END = b"\xff\xd9"
# What the last bytes of a whole file hold; cameras may write a little behind it.
LAST = {"JPEG": JPEG_END, "MPO": JPEG_END, "PNG": b"IEND"}
MANY_ZEROS = bytes(256)
GREY = (128, 128)  # lowest and highest value of each channel


def last_bytes(file: BinaryIO) -> tuple[bytes, int]:
    """The end of a file, and how many bytes it has."""
    place = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - LAST_BYTES))
    tail = file.read()
    file.seek(place)  # where Pillow left it
    return tail, size


def seems_whole(image: Image.Image, tail: bytes) -> bool:
    """Whether the last bytes settle that; they do not for formats without a mark at their end."""
    end = LAST.get(image.format or "")
    if end is None or end not in tail:
        return False
    return end != JPEG_END or not tail[: tail.rindex(end)].endswith(MANY_ZEROS)


def check_rest(image: Image.Image, file: BinaryIO, tail: bytes) -> None:
    """ValueError for a JPEG, decoded already, whose rest is zeros or missing."""
    if LAST.get(image.format or "") != JPEG_END:
        return
    check_grey(image)
    file.seek(0)
    if JPEG_END in tail:
        content = file.read()
        bad = _rest_is_zeros(image, content[: content.rindex(JPEG_END)])
    else:  # zeros at the very end may follow the picture, as other things do, or be its data
        bad = tail.endswith(MANY_ZEROS) and not _same(image, file.read().rstrip(b"\0"))
    if bad:
        raise ValueError("the rest of the file is zeros")


def check_grey(image: Image.Image) -> None:
    """ValueError for a decoded JPEG whose last row, and not its first, is what libjpeg paints."""
    if image.format not in ("JPEG", "MPO") or image.mode not in ("RGB", "L"):
        return
    width, height = image.size
    if _grey(image, 0, height - 1, width) and not _grey(image, 0, 0, width):
        raise ValueError("the rest of the picture is missing, and would be grey")


def _grey(image: Image.Image, left: int, row: int, right: int) -> bool:
    lowest_and_highest = image.crop((left, row, right, row + 1)).getextrema()  # of each channel
    return lowest_and_highest in (GREY, (GREY, GREY, GREY))


def _rest_is_zeros(image: Image.Image, data: bytes) -> bool:
    """Many zeros before the end are right in flat pictures, where each codes for some pixels."""
    if not data.endswith(MANY_ZEROS):
        return False
    width, height = image.size
    if _grey(image, width - 1, height - 1, width):
        return not _grey(image, 0, 0, 1)
    return "progressive" in image.info or _same(image, data[: -len(MANY_ZEROS) // 2])


def _same(image: Image.Image, data: bytes) -> bool:
    """Whether so much of its file is enough for the whole picture."""
    with Image.open(io.BytesIO(data + JPEG_END)) as shorter:
        return ImageChops.difference(shorter.convert("RGB"), image.convert("RGB")).getbbox() is None
