"""Deeper networks that compute the same function: the solution that a deep network contains.

The construction argument of the paper (He et al. 2015, section 1), carried out: blocks that are the
identity are appended to each stage of a trained `six_n_plus_two` network.
"""

import copy

import torch
from torch import Tensor, nn

from .data import ImageSet

STAGES = ("stage1", "stage2", "stage3")


@torch.no_grad()
def make_identity(block: nn.Module, features: Tensor) -> nn.Module:
    """Turns a plain block into one that hands on non-negative `features` (N, C, H, W) unchanged.

    Both kernels become Dirac's. Batch norm's scale and shift undo its own normalisation, whose mean
    and variance are those of `features`: scale = sqrt(variance + epsilon), shift = mean.
    """
    variance, mean = torch.var_mean(features.double(), dim=(0, 2, 3), correction=0)
    for convolution, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
        nn.init.dirac_(convolution.weight)
        nn.init.zeros_(convolution.bias)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean)
    return block


@torch.no_grad()
def make_zero_residual(block: nn.Module) -> nn.Module:
    """Sets F(X) = 0 in a residual block by its last batch norm: relu(0 + X) = X for X >= 0."""
    nn.init.zeros_(block.bn2.weight)
    nn.init.zeros_(block.bn2.bias)
    return block


@torch.no_grad()
def grow(model: nn.Sequential, depth: int, images: ImageSet) -> nn.Sequential:
    """A copy of a `six_n_plus_two` network with `depth` layers that computes the same function.

    The blocks added are of the model's own kind: with a `residual` part of their own they get a
    zero residual, without one they are made the identity, for which one pass over `images` gives
    the statistics. Raises ValueError where `depth` is not 6n + 2 or not above the model's own, and
    TypeError for blocks of other parts.
    """
    grown = copy.deepcopy(model).eval()
    blocks = [len(grown.get_submodule(stage)) for stage in STAGES]
    present = 2 * sum(blocks) + 2
    if depth <= present or (depth - 2) % 6:
        raise ValueError(f"depth must be 6n + 2 and above the model's {present}, not {depth}")
    features, _ = images.to(next(grown.parameters()).device).batch(slice(None))
    features = grown.stem(features)
    for stage, count in zip(STAGES, blocks, strict=True):
        layers = grown.get_submodule(stage)
        features = layers(features)
        layers.extend(_added(layers[-1], features) for _ in range((depth - 2) // 6 - count))
    return grown.eval()


def _added(example: nn.Module, features: Tensor) -> nn.Module:
    """A new block of the same class as `example` that hands on `features`."""
    if not all(hasattr(example, part) for part in ("conv1", "bn1", "conv2", "bn2")):
        raise TypeError(f"a {type(example).__name__} cannot be grown: no conv1, bn1, conv2, bn2")
    channels = features.shape[1]
    block = type(example)(channels, channels).to(features.device)
    if hasattr(block, "residual"):
        return make_zero_residual(block)
    return make_identity(block, features)
