"""Which part of an image a network sees, and that part as a tensor."""

import math
import random

import numpy
import torch
from PIL import Image
from torch import Tensor

AREA, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


def at_random(width: int, height: int, draw: random.Random) -> Box:
    """A box of 8 % to all of the area, of a ratio from 3/4 to 4/3, anywhere in the image.

    The centre where ten attempts do not fit. Source: Szegedy et al. 2014, arXiv 1409.4842,
    section 6; as `RandomResizedCrop` of torchvision draws it.
    """
    for _ in range(10):
        area = width * height * draw.uniform(*AREA)
        ratio = math.exp(draw.uniform(*map(math.log, RATIO)))
        across, down = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < across <= width and 0 < down <= height:
            left, top = draw.randint(0, width - across), draw.randint(0, height - down)
            return left, top, left + across, top + down
    ratio = min(max(width / height, RATIO[0]), RATIO[1])
    across, down = min(width, height * ratio), min(height, width / ratio)
    return _centred(width, height, across, down)


def at_centre(width: int, height: int, share: float) -> Box:
    """The square in the middle whose side is `share` of the shorter side."""
    side = share * min(width, height)
    return _centred(width, height, side, side)


def _centred(width: int, height: int, across: float, down: float) -> Box:
    left, top = (width - across) / 2, (height - down) / 2
    return left, top, left + across, top + down


def cut(image: Image.Image, box: Box, size: int, flip: bool = False) -> Tensor:
    """The box of an RGB image as uint8 (3, size, size).

    Resized in one go with the cut, so that a very long image never grows beyond `size`.
    """
    image = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    if flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return torch.from_numpy(numpy.array(image)).permute(2, 0, 1).contiguous()
