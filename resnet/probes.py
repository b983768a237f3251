"""What to look at inside a network: gradients, shapes, cost, lesions, paths, loss landscapes."""

import copy
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn
from torch.utils.flop_counter import FlopCounterMode

from .data import ImageSet

STAGES = ("stage1", "stage2", "stage3")


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


def gradient_correlation(model: nn.Module, ends: Tensor, points: int = 64) -> list[float]:
    """How alike the input gradients of neighbouring images are, on straight ways between images.

    `ends` (2 N, C, H, W) gives N pairs; from one image to the other of a pair lead `points` images.
    Returned is the mean autocorrelation of the gradient of the summed logits at the distances 0 to
    points / 2 along the way: it falls at once to 0 where gradients are shattered. Eval mode.
    Source: Balduzzi et al. 2017, arXiv 1702.08591, section 2, there for inputs of one dimension.
    """
    probed = copy.deepcopy(model).eval()
    share = torch.linspace(0, 1, points, device=ends.device).view(-1, 1, 1, 1)
    found = []
    for one, other in zip(ends[0::2], ends[1::2], strict=True):
        way = ((1 - share) * one + share * other).requires_grad_()
        (gradient,) = torch.autograd.grad(probed(way).sum(), way)
        rows = gradient.double().flatten(1)
        rows = rows - rows.mean(dim=0)
        length = rows.square().sum() / points
        products = [
            (rows[: points - k] * rows[k:]).sum() / (points - k) for k in range(points // 2)
        ]
        found.append(torch.stack(products) / length.clamp_min(torch.finfo(length.dtype).tiny))
    return torch.stack(found).mean(dim=0).tolist()


@torch.no_grad()
def forward_scales(model: nn.Sequential, X: Tensor) -> "OrderedDict[str, float]":
    """Mean square of the output of each block of a `six_n_plus_two` network, in train mode."""
    probed, scales = copy.deepcopy(model).train(), OrderedDict()
    X = probed.stem(X)
    for name in blocks(probed):
        X = probed.get_submodule(name)(X)
        scales[name] = X.double().square().mean().item()
    return scales


@torch.no_grad()
def responses(model: nn.Sequential, X: Tensor) -> "OrderedDict[str, float]":
    """SD of what each batch norm inside a block hands on, in eval mode.

    Source: He et al. 2015, figure 7: the outputs of each 3x3 layer after batch norm, before the
    addition and the ReLU.
    """
    probed, found = copy.deepcopy(model).eval(), OrderedDict()
    for name, layer in probed.named_modules():
        if name.endswith((".bn1", ".bn2")):
            # The loop's name is bound now, and not when the hook runs.
            layer.register_forward_hook(
                lambda _, __, output, name=name: found.update({name: output.std().item()})
            )
    probed(X)
    return found


def without_batch_norm(model: nn.Module) -> nn.Module:
    """A copy of `model` in which every batch norm is the identity; the weights stay as they are."""
    bare = copy.deepcopy(model)
    for name, layer in list(bare.named_modules()):
        if isinstance(layer, nn.BatchNorm2d):
            bare.set_submodule(name, nn.Identity())
    return bare


def blocks(model: nn.Sequential) -> list[str]:
    """Names of the blocks of a `six_n_plus_two` network, from input to output."""
    return [f"{stage}.{k}" for stage in STAGES for k in range(len(model.get_submodule(stage)))]


def removable_blocks(model: nn.Sequential) -> list[str]:
    """Names of the blocks that keep the shape, so that the network runs without them."""
    return [name for name in blocks(model) if not name.endswith(".0") or name == "stage1.0"]


def without_blocks(model: nn.Sequential, names: Iterable[str]) -> nn.Sequential:
    """A copy in which the named blocks hand on their input: in a residual network, F = 0 there.

    Source: the lesions of Veit et al. 2016, arXiv 1605.06431, section 4.
    """
    cut = copy.deepcopy(model)
    for name in names:
        cut.set_submodule(name, nn.Identity())
    return cut


def with_swapped_blocks(model: nn.Sequential, one: str, other: str) -> nn.Sequential:
    """A copy in which two blocks have changed places."""
    swapped = copy.deepcopy(model)
    first, second = swapped.get_submodule(one), swapped.get_submodule(other)
    swapped.set_submodule(one, second)
    swapped.set_submodule(other, first)
    return swapped


def gradient_along(model: nn.Sequential, X: Tensor, y: Tensor, names: Iterable[str]) -> Tensor:
    """The loss gradient at the first block that comes along one path, in eval mode.

    The path leads through F in the residual blocks `names` and over the shortcut in all others;
    the forward pass is that of the whole network.
    Source: Veit et al. 2016, arXiv 1605.06431, section 4.3.
    """
    names, probed = set(names), copy.deepcopy(model).eval()
    first = features = probed.stem(X).detach().requires_grad_()
    for name in blocks(probed):
        block = probed.get_submodule(name)
        residual, shortcut = block.residual(features), block.shortcut(features)
        if name in names:
            shortcut = shortcut.detach()
        else:
            residual = residual.detach()
        features = F.relu(residual + shortcut)
    (gradient,) = torch.autograd.grad(F.cross_entropy(probed.head(features), y), first)
    return gradient


# A direction in weight space: a tensor for each parameter, by its name.
Direction = dict[str, Tensor]


def filter_normalised_direction(model: nn.Module, seed: int) -> Direction:
    """A random direction in weight space, each filter as long as the filter of the model.

    Biases and batch norms stay where they are.
    Source: Li et al. 2018, arXiv 1712.09913, section 4.
    """
    generator = torch.Generator().manual_seed(seed)
    direction = {}
    for name, weight in model.named_parameters():
        drawn = torch.zeros(weight.shape)
        if weight.dim() > 1:
            drawn = torch.randn(weight.shape, generator=generator)
            lengths = weight.detach().cpu().flatten(1).norm(dim=1) / drawn.flatten(1).norm(dim=1)
            drawn = drawn * lengths.view(-1, *[1] * (weight.dim() - 1))
        direction[name] = drawn.to(weight.device)
    return direction


@torch.no_grad()
def moved(
    model: nn.Module, directions: Sequence[Direction], places: Iterable[Sequence[float]]
) -> Iterator[nn.Module]:
    """A copy of `model` at each place: its weights plus so much of each direction."""
    copied = copy.deepcopy(model)
    weights = dict(model.named_parameters())
    for place in places:
        for name, weight in copied.named_parameters():
            weight.copy_(weights[name])
            for much, direction in zip(place, directions, strict=True):
                weight.add_(direction[name], alpha=much)
        yield copied


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


def renew_batch_norm(model: nn.Module, images: ImageSet) -> None:
    """Sets every batch norm's mean and variance to those over `images`, in place."""
    batches = torch.arange(len(images)).split(500)
    update_bn((images.batch(indices)[0] for indices in batches), model)
