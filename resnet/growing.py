"""Deeper networks that compute the same function: the solution that a deep network contains.

The construction argument of the paper (He et al. 2015, section 1), carried out: blocks that are the
identity are appended to each stage of a trained `six_n_plus_two` network.
"""

import copy

import torch
from torch import Tensor, nn

from .data import ImageSet
from .models import Plain, Residual

STAGES = ("stage1", "stage2", "stage3")


@torch.no_grad()
def identity_plain(features: Tensor) -> Plain:
    """A plain block that hands on non-negative `features` (N, C, H, W), as any behind a ReLU.

    Both kernels are Dirac's. Batch norm's scale and shift undo its own normalisation, whose mean
    and variance are those of `features`: scale = sqrt(variance + epsilon), shift = mean.
    """
    channels = features.shape[1]
    block = Plain(channels, channels)
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
def zero_residual(features: Tensor) -> Residual:
    """A residual block with F(X) = 0, by batch norm's scale and shift: relu(0 + X) = X, X >= 0.

    `features` (N, C, H, W) gives the number of channels alone; everything else stays random.
    """
    channels = features.shape[1]
    block = Residual(channels, channels)
    nn.init.zeros_(block.bn2.weight)
    nn.init.zeros_(block.bn2.bias)
    return block


@torch.no_grad()
def grow(model: nn.Sequential, depth: int, images: ImageSet) -> nn.Sequential:
    """A copy of a `six_n_plus_two` network with `depth` layers that computes the same function.

    One pass over `images` gives the statistics that plain identity blocks need. Raises ValueError
    where `depth` is not 6n + 2 or not above the model's own, and TypeError for other blocks than
    `Plain` and `Residual`.
    """
    grown = copy.deepcopy(model).eval()
    blocks = [len(grown.get_submodule(stage)) for stage in STAGES]
    present = 2 * sum(blocks) + 2
    if depth <= present or (depth - 2) % 6:
        raise ValueError(f"depth must be 6n + 2 and above the model's {present}, not {depth}")
    device = next(grown.parameters()).device
    features, _ = images.to(device).batch(slice(None))
    features = grown.stem(features)
    for stage, count in zip(STAGES, blocks, strict=True):
        layers = grown.get_submodule(stage)
        features = layers(features)
        make = _identity_maker(layers[-1])
        added = [make(features).to(device) for _ in range((depth - 2) // 6 - count)]
        layers.extend(added)
    return grown.eval()


def _identity_maker(block: nn.Module):
    if isinstance(block, Plain):
        return identity_plain
    if isinstance(block, Residual):
        return zero_residual
    raise TypeError(f"only Plain and Residual blocks can be grown, not {type(block).__name__}")
