"""The laboratory's network as PyTorch has it: the same weights in float64, and their gradients."""

from collections.abc import Iterator

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet.models import Plain, residual_block, six_n_plus_two
from tools.engine import BATCH, SIZE, Engine, Setting


class Scaled(nn.Module):
    """A residual block whose F is multiplied by a learned number."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block, self.scale = block, nn.Parameter(torch.zeros(1))

    def forward(self, X: Tensor) -> Tensor:
        return F.relu(self.scale * self.block.residual(X) + self.block.shortcut(X))


def twin(setting: Setting) -> nn.Sequential:
    """The network of the book with the switches of the laboratory."""
    model = six_n_plus_two(setting.depth, residual_block if setting.skip else Plain, width=8)
    for _, stage in stages(model):
        for place, block in enumerate(stage):
            if not setting.norm:
                block.bn1, block.bn2 = nn.Identity(), nn.Identity()
            if setting.scaled:
                stage[place] = Scaled(block)
    if not setting.norm:
        model.stem[1] = nn.Identity()
    return model.double()


def stages(model: nn.Sequential) -> list[tuple[str, nn.Sequential]]:
    return [(name, part) for name, part in model.named_children() if name.startswith("stage")]


def parts(model: nn.Sequential) -> Iterator[tuple[str, nn.Parameter]]:
    """Names and parameters in the engine's order; a bias before a batch norm is not among them."""
    yield from of_conv("layer 1", model.stem[0], model.stem[1])
    layer = 2
    for _, stage in stages(model):
        for item in stage:
            block = item.block if isinstance(item, Scaled) else item
            yield from of_conv(f"layer {layer}", block.conv1, block.bn1)
            yield from of_conv(f"layer {layer + 1}", block.conv2, block.bn2)
            if getattr(block, "conv3", None) is not None:
                yield from of_conv(f"projection at {layer}", block.conv3, nn.Identity())
            if item is not block:
                yield f"scale at {layer}", item.scale
            layer += 2
    yield "head, weight", model.head[2].weight
    yield "head, bias", model.head[2].bias


def of_conv(name: str, conv: nn.Conv2d, norm: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    yield f"{name}, weight", conv.weight
    if isinstance(norm, nn.BatchNorm2d):
        yield f"{name}, gamma", norm.weight
        yield f"{name}, beta", norm.bias
    else:
        yield f"{name}, bias", conv.bias


def in_engine_order(tensor: Tensor) -> numpy.ndarray:
    """(out, in, k, k) as (k, k, in, out), (out, in) as (in, out)."""
    if tensor.ndim == 4:
        tensor = tensor.permute(2, 3, 1, 0)
    return (tensor.T if tensor.ndim == 2 else tensor).detach().numpy().ravel()


def in_torch_order(values: numpy.ndarray, like: Tensor) -> Tensor:
    values = torch.tensor(values.astype(numpy.float64))
    if like.ndim == 4:
        out, channels, k, _ = like.shape
        return values.view(k, k, channels, out).permute(3, 2, 0, 1)
    return values.view(like.T.shape).T if like.ndim == 2 else values.view(like.shape)


def take_weights(model: nn.Sequential, weights: numpy.ndarray) -> None:
    with torch.no_grad():
        at = 0
        for _, parameter in parts(model):
            parameter.copy_(in_torch_order(weights[at : at + parameter.numel()], parameter))
            at += parameter.numel()
    assert at == len(weights)


def torch_gradients(setting: Setting, engine: Engine, weights: numpy.ndarray) -> dict:
    """Of the loss of the engine's last batch, by name, in the engine's order of elements."""
    model = twin(setting)
    take_weights(model, weights)
    inputs = engine.view("input", engine.type, BATCH * SIZE**2).astype(numpy.float64)
    labels = engine.view("labels", "i4", setting.images)
    order = engine.view("order", "i4", setting.images)[:BATCH]
    X = torch.tensor(inputs).view(BATCH, 1, SIZE, SIZE)
    F.cross_entropy(model(X), torch.tensor(labels[order]).long()).backward()
    return {name: in_engine_order(parameter.grad) for name, parameter in parts(model)}


def engine_gradients(setting: Setting, engine: Engine) -> dict:
    """The same of the engine after a step."""
    found, at = {}, 0
    for name, parameter in parts(twin(setting)):
        found[name] = engine.gradients[at : at + parameter.numel()].copy()
        at += parameter.numel()
    return found


def differences(found: dict, expected: dict) -> dict[str, float]:
    """The largest difference of each layer's gradient, in units of its largest element."""
    return {
        name: float(abs(found[name] - expected[name]).max() / abs(expected[name]).max())
        for name in expected
        if abs(expected[name]).max() > 0
    }
