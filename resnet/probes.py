"""What to look at inside a network: gradients by layer, shapes by stage, multiply-adds."""

import copy
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode


def gradient_norms(model: nn.Module, X: Tensor, y: Tensor) -> "OrderedDict[str, float]":
    """Euclidean norm of the loss gradient of each convolution's weights, from input to output.

    One backward pass of the mean cross-entropy in train mode; the model's state does not change.
    """
    probed = copy.deepcopy(model).train()
    F.cross_entropy(probed(X), y).backward()
    return OrderedDict(
        (name, layer.weight.grad.double().norm().item())  # squares of 1e-27 need it
        for name, layer in probed.named_modules()
        if isinstance(layer, nn.Conv2d)
    )


def without_batch_norm(model: nn.Module) -> nn.Module:
    """A copy of `model` in which every batch norm is the identity; the weights stay as they are."""
    bare = copy.deepcopy(model)
    for name, layer in list(bare.named_modules()):
        if isinstance(layer, nn.BatchNorm2d):
            bare.set_submodule(name, nn.Identity())
    return bare


@torch.no_grad()
def output_shapes(model: nn.Sequential, X: Tensor) -> "OrderedDict[str, tuple[int, ...]]":
    """Shape of the output of each named part of `model`, for the images X (N, C, H, W)."""
    probed, shapes = copy.deepcopy(model).eval(), OrderedDict()
    for name, part in probed.named_children():
        X = part(X)
        shapes[name] = tuple(X.shape)
    return shapes


@torch.no_grad()
def multiply_adds(model: nn.Module, X: Tensor) -> int:
    """Multiply-adds of one forward pass of X, as torch counts them: convolutions, linear layers."""
    with FlopCounterMode(display=False) as counter:
        copy.deepcopy(model).eval()(X)
    return counter.get_total_flops() // 2
