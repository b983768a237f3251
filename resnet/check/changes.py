"""Changes that make a right residual block wrong, each in one way: what the usual mistakes do.

Each takes a `Residual` and changes it in place; `forward`, `branch` and `sums` make such a change
of a function. `mistakes` says in words what each one is.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MethodType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models import Residual
from .mistakes import Change

AUTOCAST = ("the block", "the block, back to float32", "the branch")
Activation = Callable[[Tensor], Tensor]


def forward(function: Callable[[Residual, Tensor], Tensor]) -> Change:
    """Another forward pass."""

    def change(block: nn.Module) -> None:
        block.forward = MethodType(function, block)  # which a copy of the block takes along

    return change


def branch(function: Callable[[Residual, Tensor], Tensor]) -> Change:
    """Another branch F(X)."""

    def change(block: nn.Module) -> None:
        block.residual = MethodType(function, block)

    return change


def sums(function: Callable[[Tensor, Tensor], Tensor]) -> Change:
    """Another way to put branch and shortcut together: what `function` makes of the two."""
    return forward(lambda block, X: function(block.residual(X), block.shortcut(X)))


def scaled(branch: float, skip: float) -> Change:
    """Factors of branch and shortcut in the sum."""
    return sums(lambda Y, S: F.relu(branch * Y + skip * S))


def first_half(block: Residual, X: Tensor) -> Tensor:
    """The branch up to its first ReLU."""
    return F.relu(block.bn1(block.conv1(X)))


def norm_after_addition(block: Residual, X: Tensor) -> Tensor:
    """The second batch norm behind the addition."""
    return F.relu(block.bn2(block.conv2(first_half(block, X)) + block.shortcut(X)))


def shortcut_from_the_middle(block: Residual, X: Tensor) -> Tensor:
    """Adds what comes out of the first ReLU in place of the input."""
    Y = block.bn2(block.conv2(first_half(block, X)))
    return F.relu(Y + first_half(block, X))


def add_to_input(block: Residual, X: Tensor) -> Tensor:
    """Adds the branch to the shortcut in place: without a projection that is the input itself."""
    Y = block.residual(X)
    X = block.shortcut(X)
    X += Y
    return F.relu(X)


def add_twice(block: Residual, X: Tensor) -> Tensor:
    """Adds the branch to the input before the shortcut reads it."""
    Y = block.residual(X)
    X += Y
    return F.relu(Y + block.shortcut(X))


def relu_in_place(block: Residual, X: Tensor) -> Tensor:
    """Applies a ReLU to the input before the shortcut reads it."""
    F.relu_(X)
    return F.relu(block.residual(X) + block.shortcut(X))


def activations(block: nn.Module, first: Activation, last: Activation) -> None:
    """Other functions than ReLU in the branch and after the addition."""
    branch(lambda block, X: block.bn2(block.conv2(first(block.bn1(block.conv1(X))))))(block)
    sums(lambda Y, S: last(Y + S))(block)


def pre_activation(
    block: nn.Module, last: Activation | None = None, projects_activated: bool = False
) -> None:
    """Batch norm and ReLU before each convolution; `last` comes after the addition."""

    def run(block: Residual, X: Tensor) -> Tensor:
        Y = F.relu(block.bn1(X))
        projected = Y if projects_activated and block.conv3 is not None else X
        branch = block.conv2(F.relu(block.bn2(block.conv1(Y))))
        total = branch + block.shortcut(projected)
        return total if last is None else last(total)

    block.bn1 = nn.BatchNorm2d(block.conv1.in_channels)
    forward(run)(block)


def computing_in(kind: torch.dtype, part: str) -> Change:
    """Autocast in a part of the forward pass, one of AUTOCAST."""

    def run(block: Residual, X: Tensor) -> Tensor:
        with torch.autocast("cpu", kind):
            Y = block.residual(X)
        with torch.autocast("cpu", kind, enabled=part != "the branch"):
            Y = F.relu(Y + block.shortcut(X))
        return Y.float() if part.endswith("float32") else Y

    return forward(run)


def frozen(model: nn.Module, names: Iterable[str]) -> None:
    """Parameters, by name, that do not learn."""
    for name in names:
        _renew(model, name).requires_grad = False


def without_gradient(model: nn.Module, names: Iterable[str]) -> None:
    """Parameters, by name, to which no gradient comes."""
    for name in names:
        _renew(model, name).register_hook(torch.zeros_like)


def _renew(model: nn.Module, name: str) -> nn.Parameter:
    """A parameter of its own, because copies of a network share theirs."""
    layer, _, kind = name.rpartition(".")
    parameter = nn.Parameter(model.get_parameter(name).detach().clone())
    setattr(model.get_submodule(layer), kind, parameter)
    return parameter


def norms(model: nn.Module, settings: Mapping[str, tuple[float | None, float]]) -> None:
    """Momentum and epsilon of the batch norms, by name."""
    for name, (momentum, epsilon) in settings.items():
        layer = model.get_submodule(name)
        layer.momentum, layer.eps = momentum, epsilon


def share_norm(block: nn.Module) -> None:
    """One batch norm for both convolutions."""
    block.bn2 = block.bn1


def remove(block: nn.Module, names: Iterable[str]) -> None:
    """Layers that do nothing."""
    for name in names:
        setattr(block, name, nn.Identity())


def statistics(block: nn.Module, training: bool) -> None:
    """Batch norm that always, or never, takes the statistics of the batch."""
    for layer in (block.bn1, block.bn2):
        layer.train(training)
        layer.train = lambda mode, layer=layer: layer


def no_running_statistics(block: nn.Module) -> None:
    """Batch norms that know only their batch."""
    for name in ("bn1", "bn2"):
        channels = getattr(block, name).num_features
        setattr(block, name, nn.BatchNorm2d(channels, track_running_stats=False))


def strides(block: nn.Module, first: bool, second: bool) -> None:
    """Which of the two 3x3 convolutions have the block's stride."""
    own = block.conv1.stride
    block.conv1.stride = own if first else (1, 1)
    block.conv2.stride = own if second else (1, 1)


def paddings(block: nn.Module, first: int, second: int) -> None:
    """Other paddings of the two 3x3 convolutions."""
    block.conv1.padding, block.conv2.padding = (first, first), (second, second)


def no_biases(block: nn.Module, names: Iterable[str]) -> None:
    """Convolutions without biases."""
    for name in names:
        if getattr(block, name) is not None:
            getattr(block, name).bias = None


def kernel(block: nn.Module, size: int) -> None:
    """Kernels of another size in the branch."""
    block.conv1, block.conv2 = resized(block.conv1, size), resized(block.conv2, size)


def resized(old: nn.Conv2d, size: int) -> nn.Conv2d:
    """A convolution with another kernel that makes maps of the same size."""
    return nn.Conv2d(old.in_channels, old.out_channels, size, stride=old.stride, padding=size // 2)


def projection_stride(block: nn.Module) -> None:
    """A projection that does not shrink the map."""
    if block.conv3 is not None:
        block.conv3.stride = (1, 1)


def no_projection(block: nn.Module) -> None:
    """The input itself as every shortcut."""
    block.conv3 = None


def projection_always(block: nn.Module) -> None:
    """A projection also where the shape stays."""
    if block.conv3 is None:
        channels = block.conv1.in_channels
        block.conv3 = nn.Conv2d(channels, channels, kernel_size=1)


def projection_norm(block: nn.Module) -> None:
    """Batch norm on the projection, as in the paper's block."""
    if block.conv3 is not None:
        block.conv3 = nn.Sequential(block.conv3, nn.BatchNorm2d(block.conv3.out_channels))


def projection_kernel(block: nn.Module) -> None:
    """A 3x3 projection."""
    if block.conv3 is not None:
        block.conv3 = resized(block.conv3, 3)


def projection_kernel_first(block: nn.Module) -> None:
    """A 3x3 projection that runs before the branch, so that it is the first layer of its shape."""

    def run(block: Residual, X: Tensor) -> Tensor:
        S = block.shortcut(X)
        return F.relu(block.residual(X) + S)

    projection_kernel(block)
    forward(run)(block)


def unregistered(block: nn.Module) -> None:
    """Layers that the module does not know of."""
    names = ("conv1", "conv2", "bn1", "bn2", "conv3")
    conv1, conv2, bn1, bn2, conv3 = (getattr(block, name) for name in names)
    for name in names:
        delattr(block, name)

    def run(X: Tensor) -> Tensor:
        Y = bn2(conv2(F.relu(bn1(conv1(X)))))
        return F.relu(Y + (X if conv3 is None else conv3(X)))

    block.forward = run
