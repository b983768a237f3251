"""Maps state dicts of the family to torchvision's names and back, and fetches trained ones.

Only names change: the tensors are the same objects, with their shapes and dtypes. The names are
those of ResNet-18, 34, 50, 101 and 152, whatever the width, the stem and the number of classes;
torchvision's wide_resnet50_2 and resnext50_32x4d have those of ResNet-50. Names do not tell where
the stride stands: torchvision's weights want it on the 3x3 convolution, where `models.Bottleneck`
has it unless told otherwise.
"""

import pickle
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.client import HTTPException
from pathlib import Path

import torch
from torch import Tensor

from ..models import FAMILY, resnet

RULES = (  # the beginning of our name, and torchvision's
    (r"stem\.0\.", "conv1."),
    (r"stem\.1\.", "bn1."),
    (r"stage(\d)\.(\d+)\.shortcut\.", r"layer\1.\2.downsample."),
    (r"stage(\d)\.", r"layer\1."),
    (r"head\.2\.", "fc."),
)


def from_torchvision(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict for `models.resnet` of one for torchvision's network of the same depth.

    A missing `num_batches_tracked` becomes 0, as torch has it for files older than those counters.
    Raises ValueError with the first name that is unknown or missing.
    """
    return _renamed(state_dict, {depth: _names(depth) for depth in FAMILY}, "torchvision's")


def to_torchvision(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict for torchvision's network of one for `models.resnet` of the same depth.

    Raises ValueError with the first name that is unknown or missing.
    """
    members = {depth: {ours: name for name, ours in _names(depth).items()} for depth in FAMILY}
    return _renamed(state_dict, members, "our")


class NoWeights(OSError):
    """Trained weights that could not be had; the message says in one sentence why."""


def pretrained(depth: int, name: str = "IMAGENET1K_V1", seconds: float = 20) -> dict[str, Tensor]:
    """ImageNet weights of one depth by our names, from torch's cache or torchvision's server.

    What is downloaded is compared with its hash. Raises NoWeights where there is no network, where
    the server is silent for so many `seconds`, and where the file is damaged.
    """
    from torchvision.models import get_model_weights  # renaming alone does without torchvision

    weights = get_model_weights(f"resnet{depth}")[name]
    kept = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
    remedy = f"; delete {kept} and try again" if kept.exists() else ""
    try:
        with _patience(seconds):
            # A file in the cache is not compared with its hash, so it may hold tensors alone.
            state_dict = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        return from_torchvision(state_dict)
    except (OSError, HTTPException) as error:
        raise NoWeights(f"{weights} could not be had: {error}") from error
    except (RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NoWeights(f"{weights} is damaged: {told}{remedy}") from error


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """A limit for each wait on the network: torch's download sets none and can wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@cache
def _names(depth: int) -> dict[str, str]:
    """Our name for each of torchvision's, in the order of our state dict."""
    with torch.device("meta"):  # no memory and no random numbers: only names are wanted
        ours = list(resnet(depth).state_dict())
    return {_theirs(name): name for name in ours}


def _theirs(name: str) -> str:
    for pattern, replacement in RULES:
        if re.match(pattern, name):
            return re.sub(pattern, replacement, name, count=1)
    raise KeyError(name)


def _renamed(
    state_dict: Mapping[str, Tensor], members: dict[int, dict[str, str]], whose: str
) -> dict[str, Tensor]:
    """The tensors by their new names; `members` holds old and new names of each depth."""
    given = state_dict.keys()
    depth = min(members, key=lambda member: len(members[member].keys() ^ given))  # the likest
    names = members[depth]
    for name in given:
        if name not in names:
            raise ValueError(f"{name} is not a name in {whose} ResNet-{depth}")
    counters = (name for name in names if name.endswith(".num_batches_tracked"))
    whole = {**{name: torch.tensor(0) for name in counters}, **state_dict}
    for name in names:
        if name not in whole:
            raise ValueError(f"{name} of {whose} ResNet-{depth} is missing")
    return {new: whole[name] for name, new in names.items()}
