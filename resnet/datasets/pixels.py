"""From a picture of any mode and depth to red, green and blue with 8 bits each.

A file's mode says how many bits a pixel has room for, not how many are used: a camera of 12 bits
writes files of 16. So white is found from the values, by one rule for all images of a folder.
"""

from collections.abc import Mapping

import numpy
from PIL import Image

GROUND = (255, 255, 255)  # what transparent images are laid on
# The brightest value of 1, 8, 10, 12, 14, 16 and 32 bits; 1.0 is white in floats.
WHITES = (1, 255, 1023, 4095, 16383, 65535, 2**31 - 1)
INTEGERS, FLOATS, COLOURS = "integers", "floats", "16-bit colours"
TRANSPARENT, FRAMES = "with transparency, laid on white", "of several frames: the first is read"
NAMES = {"CMYK": "in CMYK", "LAB": "in LAB", "P": "with a palette", "PA": "with a palette"}
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
ORIENTATION = 0x0112  # the tag of EXIF
PHOTOMETRIC, ZERO_IS_WHITE = 262, 0  # of TIFF


def depth(image: Image.Image) -> str | None:
    """INTEGERS, FLOATS or COLOURS for more than 8 bits, of an image that is not decoded yet.

    Of COLOURS, three channels and more, Pillow keeps the upper eight bits.
    """
    if image.mode.startswith("I"):
        return INTEGERS
    if image.mode == "F":
        return FLOATS
    for tile in image.tile or ():  # what the decoder is told; a WebP has none before
        words = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        if ";16" in str(words[0]) or (tile[0] == "ppm" and words[-1] > 255):
            return COLOURS
    return None


def brightest(image: Image.Image, kind: str) -> float:
    """The largest value, of COLOURS in units of 1/65535; ValueError for what is no brightness."""
    if kind == COLOURS:
        return 257 * max(high for _, high in image.convert("RGB").getextrema())
    pixels = numpy.asarray(image)
    if not numpy.isfinite(pixels).all():
        raise ValueError("some of its values are no numbers: write it with 8 bits")
    if pixels.min() < 0:
        raise ValueError("some of its values are below 0, which is black: write it with 8 bits")
    return float(pixels.max())


def white(kind: str, value: float) -> float:
    """The least white that `value` does not exceed; ValueError where Pillow has lost the digits."""
    least = next((step for step in WHITES if value <= step), value)
    if kind == COLOURS and least < WHITES[-2]:
        raise ValueError(
            f"16 bits per channel of which no more than {least:,} is used, and Pillow reads the "
            "upper eight bits alone: write it with 8 bits"
        )
    return least


def kinds(image: Image.Image) -> tuple[str, ...]:
    """What is said of an image, besides its depth, before it is decoded."""
    found = [NAMES[image.mode]] if image.mode in NAMES else []
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        found.append(TRANSPARENT)
    if getattr(image, "is_animated", False):
        found.append(FRAMES)
    return tuple(found)


def to_rgb(image: Image.Image, whites: Mapping[str, float] | None = None) -> Image.Image:
    """The first frame upright, in RGB, on white where it is transparent.

    `whites` are those of its folder, by kind of depth; without them the image decides for itself.
    """
    kind = depth(image)  # no longer known when the image is decoded
    image.load()
    if kind and kind not in (whites or {}):
        whites = {kind: white(kind, brightest(image, kind))}
    negative = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == ZERO_IS_WHITE
    image = _upright(image)
    if kind in (INTEGERS, FLOATS):
        return _scaled(image, whites[kind], negative)
    if TRANSPARENT in kinds(image):
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, GROUND), image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    """As viewers show it; without the metadata, which `ImageOps.exif_transpose` writes anew."""
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION))
    except Exception:  # a damaged description of a whole picture: Pillow raises nearly anything
        return image
    return image if turn is None else image.transpose(turn)


def _scaled(image: Image.Image, white: float, negative: bool) -> Image.Image:
    pixels = numpy.asarray(image, dtype=numpy.float64) * (255 / white)
    if negative:  # which Pillow sees to for 8 bits alone
        pixels = 255 - pixels
    clear = image.info.get("transparency")
    if clear is not None:
        pixels[numpy.asarray(image) == clear] = 255
    pixels = numpy.rint(pixels).clip(0, 255).astype(numpy.uint8)
    return Image.fromarray(pixels).convert("RGB")
