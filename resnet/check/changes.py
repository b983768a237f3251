"""Changes that make a right residual block wrong, each in one way: what the usual mistakes do.

Each takes a `Residual` and changes it in place. `block_mistakes` says in words what each one is.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MethodType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models import Residual

AUTOCAST = ("the block", "the block, back to float32", "the branch")
Activation = Callable[[Tensor], Tensor]


def forward(function: Callable[[Residual, Tensor], Tensor]) -> Callable[[nn.Module], None]:
    """Another forward pass."""

    def change(block: nn.Module) -> None:
        block.forward = MethodType(function, block)  # which a copy of the block takes along

    return change


def branch(function: Callable[[Residual, Tensor], Tensor]) -> Callable[[nn.Module], None]:
    """Another branch F(X)."""

    def change(block: nn.Module) -> None:
        block.residual = MethodType(function, block)

    return change


def first_half(block: Residual, X: Tensor) -> Tensor:
    """The branch up to its first ReLU."""
    return F.relu(block.bn1(block.conv1(X)))


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


def activations(first: Activation, last: Activation) -> Callable[[nn.Module], None]:
    """Other functions than ReLU in the branch and after the addition."""

    def change(block: nn.Module) -> None:
        branch(lambda block, X: block.bn2(block.conv2(first(block.bn1(block.conv1(X))))))(block)
        forward(lambda block, X: last(block.residual(X) + block.shortcut(X)))(block)

    return change


def scaled(branch: float, skip: float) -> Callable[[nn.Module], None]:
    """Factors of branch and shortcut in the sum."""
    return forward(lambda block, X: F.relu(branch * block.residual(X) + skip * block.shortcut(X)))


def pre_activation(
    last: Activation, projects_activated: bool = False
) -> Callable[[nn.Module], None]:
    """Batch norm and ReLU before each convolution; `last` comes after the addition."""

    def run(block: Residual, X: Tensor) -> Tensor:
        Y = F.relu(block.bn1(X))
        projected = Y if projects_activated and block.conv3 is not None else X
        branch = block.conv2(F.relu(block.bn2(block.conv1(Y))))
        return last(branch + block.shortcut(projected))

    def change(block: nn.Module) -> None:
        block.bn1 = nn.BatchNorm2d(block.conv1.in_channels)
        forward(run)(block)

    return change


def computing_in(kind: torch.dtype, part: str) -> Callable[[nn.Module], None]:
    """Autocast in a part of the forward pass, one of AUTOCAST."""

    def run(block: Residual, X: Tensor) -> Tensor:
        with torch.autocast("cpu", kind):
            Y = block.residual(X)
        with torch.autocast("cpu", kind, enabled=part != "the branch"):
            Y = F.relu(Y + block.shortcut(X))
        return Y.float() if part.endswith("float32") else Y

    return forward(run)


def frozen(names: Iterable[str]) -> Callable[[nn.Module], None]:
    """Parameters, by name, that do not learn."""

    def change(model: nn.Module) -> None:
        for name in names:
            _renew(model, name).requires_grad = False

    return change


def without_gradient(names: Iterable[str]) -> Callable[[nn.Module], None]:
    """Parameters, by name, to which no gradient comes."""

    def change(model: nn.Module) -> None:
        for name in names:
            _renew(model, name).register_hook(torch.zeros_like)

    return change


def _renew(model: nn.Module, name: str) -> nn.Parameter:
    """A parameter of its own, because copies of a network share theirs."""
    layer, _, kind = name.rpartition(".")
    parameter = nn.Parameter(model.get_parameter(name).detach().clone())
    setattr(model.get_submodule(layer), kind, parameter)
    return parameter


def norms(settings: Mapping[str, tuple[float | None, float]]) -> Callable[[nn.Module], None]:
    """Momentum and epsilon of the batch norms, by name."""

    def change(model: nn.Module) -> None:
        for name, (momentum, epsilon) in settings.items():
            layer = model.get_submodule(name)
            layer.momentum, layer.eps = momentum, epsilon

    return change


def share_norm(block: nn.Module) -> None:
    """One batch norm for both convolutions."""
    block.bn2 = block.bn1


def strides(first: int, second: int) -> Callable[[nn.Module], None]:
    """Strides of the two 3x3 convolutions in units of the block's own: 0 for none."""

    def change(block: nn.Module) -> None:
        own = block.conv1.stride[0]
        block.conv1.stride = (own if first else 1,) * 2
        block.conv2.stride = (own if second else 1,) * 2

    return change


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


def projection_kernel(before: bool) -> Callable[[nn.Module], None]:
    """A 3x3 projection, which runs before or after the branch."""

    def run(block: Residual, X: Tensor) -> Tensor:
        S = block.shortcut(X)
        return F.relu(block.residual(X) + S)

    def change(block: nn.Module) -> None:
        if block.conv3 is not None:
            block.conv3 = _resized(block.conv3, 3)
        if before:
            forward(run)(block)

    return change


def paddings(first: int, second: int) -> Callable[[nn.Module], None]:
    """Other paddings of the two 3x3 convolutions."""

    def change(block: nn.Module) -> None:
        block.conv1.padding, block.conv2.padding = (first, first), (second, second)

    return change


def no_biases(*names: str) -> Callable[[nn.Module], None]:
    """Convolutions without biases."""

    def change(block: nn.Module) -> None:
        for name in names:
            if getattr(block, name) is not None:
                getattr(block, name).bias = None

    return change


def remove(*names: str) -> Callable[[nn.Module], None]:
    """Layers that do nothing."""

    def change(block: nn.Module) -> None:
        for name in names:
            setattr(block, name, nn.Identity())

    return change


def statistics(training: bool) -> Callable[[nn.Module], None]:
    """Batch norm that always, or never, takes the statistics of the batch."""

    def change(block: nn.Module) -> None:
        for layer in (block.bn1, block.bn2):
            layer.train(training)
            layer.train = lambda mode, layer=layer: layer

    return change


def no_running_statistics(block: nn.Module) -> None:
    """Batch norms that know only their batch."""
    for name in ("bn1", "bn2"):
        channels = getattr(block, name).num_features
        setattr(block, name, nn.BatchNorm2d(channels, track_running_stats=False))


def kernel(size: int) -> Callable[[nn.Module], None]:
    """Kernels of another size in the branch."""

    def change(block: nn.Module) -> None:
        block.conv1, block.conv2 = _resized(block.conv1, size), _resized(block.conv2, size)

    return change


def _resized(old: nn.Conv2d, size: int) -> nn.Conv2d:
    return nn.Conv2d(old.in_channels, old.out_channels, size, stride=old.stride, padding=size // 2)


def unregistered(block: nn.Module) -> None:
    """Layers that the module does not know of."""
    hidden = [block.conv1, block.conv2, block.bn1, block.bn2, block.conv3]
    for name in ("conv1", "conv2", "bn1", "bn2", "conv3"):
        delattr(block, name)
    conv1, conv2, bn1, bn2, conv3 = hidden

    def forward(X: Tensor) -> Tensor:
        Y = bn2(conv2(F.relu(bn1(conv1(X)))))
        return F.relu(Y + (X if conv3 is None else conv3(X)))

    block.forward = forward
