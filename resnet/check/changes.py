"""Changes that make a right residual block wrong, each in one way: what the usual mistakes do.

Each takes a `Residual` and changes it in place. `block_mistakes` says in words what each one is.
"""

from collections.abc import Callable
from types import MethodType

from torch import Tensor, nn
from torch.nn import functional as F

from ..models import Residual


def forward(function: Callable[[Residual, Tensor], Tensor]) -> Callable[[nn.Module], None]:
    def change(block: nn.Module) -> None:
        block.forward = MethodType(function, block)  # which a copy of the block takes along

    return change


def branch(function: Callable[[Residual, Tensor], Tensor]) -> Callable[[nn.Module], None]:
    def change(block: nn.Module) -> None:
        block.residual = MethodType(function, block)

    return change


def first_half(block: Residual, X: Tensor) -> Tensor:
    return F.relu(block.bn1(block.conv1(X)))


def add_to_input(block: Residual, X: Tensor) -> Tensor:
    X += block.residual(X)
    return F.relu(X)


def add_twice(block: Residual, X: Tensor) -> Tensor:
    Y = block.residual(X)
    X += Y
    return F.relu(Y + block.shortcut(X))


def relu_in_place(block: Residual, X: Tensor) -> Tensor:
    F.relu_(X)
    return F.relu(block.residual(X) + block.shortcut(X))


def share_norm(block: nn.Module) -> None:
    block.bn2 = block.bn1


def strides(first: int, second: int) -> Callable[[nn.Module], None]:
    """Strides of the two 3x3 convolutions in units of the block's own: 0 for none."""

    def change(block: nn.Module) -> None:
        own = block.conv1.stride[0]
        block.conv1.stride = (own if first else 1,) * 2
        block.conv2.stride = (own if second else 1,) * 2

    return change


def projection_stride(block: nn.Module) -> None:
    if block.conv3 is not None:
        block.conv3.stride = (1, 1)


def no_projection(block: nn.Module) -> None:
    block.conv3 = None


def projection_always(block: nn.Module) -> None:
    if block.conv3 is None:
        channels = block.conv1.in_channels
        block.conv3 = nn.Conv2d(channels, channels, kernel_size=1)


def projection_norm(block: nn.Module) -> None:
    if block.conv3 is not None:
        block.conv3 = nn.Sequential(block.conv3, nn.BatchNorm2d(block.conv3.out_channels))


def paddings(first: int, second: int) -> Callable[[nn.Module], None]:
    def change(block: nn.Module) -> None:
        block.conv1.padding, block.conv2.padding = (first, first), (second, second)

    return change


def no_biases(*names: str) -> Callable[[nn.Module], None]:
    def change(block: nn.Module) -> None:
        for name in names:
            if getattr(block, name) is not None:
                getattr(block, name).bias = None

    return change


def remove(*names: str) -> Callable[[nn.Module], None]:
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
    for name in ("bn1", "bn2"):
        channels = getattr(block, name).num_features
        setattr(block, name, nn.BatchNorm2d(channels, track_running_stats=False))


def kernel(size: int) -> Callable[[nn.Module], None]:
    def change(block: nn.Module) -> None:
        for name in ("conv1", "conv2"):
            old = getattr(block, name)
            new = nn.Conv2d(
                old.in_channels, old.out_channels, size, stride=old.stride, padding=size // 2
            )
            setattr(block, name, new)

    return change


def unregistered(block: nn.Module) -> None:
    hidden = [block.conv1, block.conv2, block.bn1, block.bn2, block.conv3]
    for name in ("conv1", "conv2", "bn1", "bn2", "conv3"):
        delattr(block, name)
    conv1, conv2, bn1, bn2, conv3 = hidden

    def forward(X: Tensor) -> Tensor:
        Y = bn2(conv2(F.relu(bn1(conv1(X)))))
        return F.relu(Y + (X if conv3 is None else conv3(X)))

    block.forward = forward
