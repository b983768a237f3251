"""The networks that the command line names, by plain data from which a run is built again."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .. import models
from ..family.variants import BLOCKS

Description = dict[str, Any]


def described(options: Mapping[str, Any]) -> Description:
    """What to build, from the command's options; ValueError where these do not fit together."""
    depth, block = options["depth"], options["block"]
    network = options["network"] or ("document" if depth == 18 else "series")
    small_images, zero_scale = options["small_images"], options["zero_scale"]
    if network != "family" and (small_images or zero_scale):
        raise ValueError("--small-images and --zero-scale are for --network family alone")
    if network != "series" and block != "residual":
        raise ValueError(
            "depth 18 is the document's ResNet-18: it has --block residual alone"
            if network == "document"
            else "--block is for --network series alone"
        )
    if network == "document" and depth != 18:
        raise ValueError(f"the document's network has --depth 18, not {depth}")
    names = ("depth", "block", "small_images", "zero_scale")
    description = {"network": network} | {name: options[name] for name in names}
    try:
        with torch.device("meta"):  # no weights: this only asks whether there is such a depth
            build(description, input_channels=1, num_classes=2)
    except ValueError as error:
        raise ValueError(f"--{error}") from error
    return description


def label(description: Description) -> str:
    """Its name in tables and figures, such as `plain-56`."""
    series = description["network"] == "series"
    return f"{description['block'] if series else 'ResNet'}-{description['depth']}"


def build(description: Description, input_channels: int, num_classes: int) -> nn.Module:
    """The network, with weights from torch's generator as it is."""
    sizes = {"input_channels": input_channels, "num_classes": num_classes}
    depth = description["depth"]
    if description["network"] == "document":
        return models.resnet18(**sizes)
    if description["network"] == "family":
        also = {name: description[name] for name in ("small_images", "zero_scale")}
        return models.resnet(depth, **sizes, **also)
    return models.six_n_plus_two(depth, BLOCKS[description["block"]], **sizes)
