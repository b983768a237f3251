"""The images that the laboratory trains on: a part of the package's, small and in few shades."""

import numpy

from resnet.data import embedded

from .engine import SIZE

IMAGES = 1000


def images(count: int = IMAGES) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The first training images of the package, as the laboratory has them, and their labels.

    Four pixels become one, their mean, in 16 shades: (count, 14, 14) of 0 to 15, and (count,).
    """
    training, _ = embedded()
    pixels = training.images[:count, 0].numpy().reshape(count, SIZE, 2, SIZE, 2).astype(int)
    shades = (pixels.sum((2, 4)) * 15 + 2 * 255) // (4 * 255)  # rounded, in whole numbers
    return shades.astype(numpy.uint8), training.labels[:count].numpy().astype(numpy.int32)


def as_text(shades: numpy.ndarray, labels: numpy.ndarray) -> str:
    """A line for each image: its label, then a hexadecimal digit for each pixel."""
    lines = [
        f"{label}{''.join('0123456789abcdef'[shade] for shade in image.ravel())}\n"
        for label, image in zip(labels, shades, strict=True)
    ]
    return "".join(lines)
