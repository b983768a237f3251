"""Blocks that differ from those of `models` by one change each, for the series for small images.

Every one takes `(input_channels, num_channels, strides=1)` and maps (N, input_channels, H, W) to
(N, num_channels, H', W') with H' = ceil(H / strides), as `models.BasicBlock` does.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .models import BasicBlock, Bottleneck, Residual, projection, residual_block, six_n_plus_two


class ZeroPadding(nn.Module):
    """Shortcut option A: every `strides`-th pixel, and zeros for the channels that are new.

    Source: He et al. 2015, section 3.3.
    """

    def __init__(self, new_channels: int, strides: int):
        super().__init__()
        self.new_channels, self.strides = new_channels, strides

    def forward(self, X: Tensor) -> Tensor:
        X = X[:, :, :: self.strides, :: self.strides]
        return F.pad(X, (0, 0, 0, 0, 0, self.new_channels))


def option_a(input_channels: int, num_channels: int, strides: int = 1) -> BasicBlock:
    """The paper's block with shortcuts that have no parameters."""
    block = BasicBlock(input_channels, num_channels, strides)
    if strides != 1 or input_channels != num_channels:
        block.shortcut = ZeroPadding(num_channels - input_channels, strides)
    return block


def option_c(input_channels: int, num_channels: int, strides: int = 1) -> BasicBlock:
    """The paper's block with a projection as every shortcut, also where no shape changes."""
    block = BasicBlock(input_channels, num_channels, strides)
    block.shortcut = nn.Sequential(
        nn.Conv2d(input_channels, num_channels, kernel_size=1, stride=strides, bias=False),
        nn.BatchNorm2d(num_channels),
    )
    return block


def zero_scale(input_channels: int, num_channels: int, strides: int = 1) -> Residual:
    """The document's block whose last batch norm starts with scale 0, so that F(X) = 0 at first.

    Source: Goyal et al. 2017, arXiv 1706.02677, section 5.1.
    """
    block = residual_block(input_channels, num_channels, strides)
    nn.init.zeros_(block.bn2.weight)
    return block


class PreActivation(nn.Module):
    """Batch norm and ReLU before each convolution, and nothing after the addition.

    In the series the sum reaches the head without a last ReLU: see `with_last_activation`.
    Source: He et al. 2016, arXiv 1603.05027, figure 4 (e).
    """

    def __init__(self, input_channels: int, num_channels: int, strides: int = 1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(input_channels)
        self.conv1 = nn.Conv2d(
            input_channels, num_channels, kernel_size=3, padding=1, stride=strides, bias=False
        )
        self.bn2 = nn.BatchNorm2d(num_channels)
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1, bias=False)
        self.shortcut = projection(input_channels, num_channels, strides)

    def residual(self, X: Tensor) -> Tensor:
        Y = self.conv1(F.relu(self.bn1(X)))
        return self.conv2(F.relu(self.bn2(Y)))

    def forward(self, X: Tensor) -> Tensor:
        return self.residual(X) + self.shortcut(X)


def with_last_activation(model: nn.Sequential) -> nn.Sequential:
    """Puts the batch norm and ReLU before the head that a pre-activation network needs there."""
    channels = model.head[-1].in_features
    model.head.insert(0, nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU()))
    return model


def bottleneck_series(depth: int) -> nn.Sequential:
    """The series with blocks of three layers: depth = 9n + 2, channels 64, 128, 256 between them.

    A block costs about as much as a `BasicBlock` of 16, 32 or 64 channels. Raises ValueError for
    another depth. Source: ResNet-164 of He et al. 2016, arXiv 1603.05027, section 4.
    """
    if depth < 11 or (depth - 2) % 9:
        raise ValueError(f"depth must be 9n + 2 with n of at least 1 (11, 20, ...), not {depth}")

    def block(input_channels: int, num_channels: int, strides: int) -> Bottleneck:
        return Bottleneck(input_channels, num_channels // Bottleneck.expansion, strides)

    return six_n_plus_two((depth - 2) // 3 * 2 + 2, block, width=64)


class StochasticDepth(nn.Module):
    """A residual block whose F is left out at random while training, and scaled after it.

    `survival` is the probability that F is kept, for the whole batch at once.
    Source: Huang et al. 2016, arXiv 1603.09382, equations 2 and 5.
    """

    def __init__(self, block: nn.Module, survival: float):
        super().__init__()
        if not 0 < survival <= 1:
            raise ValueError(f"survival must be above 0 and at most 1, not {survival}")
        self.block, self.survival = block, survival

    def forward(self, X: Tensor) -> Tensor:
        if not self.training:
            return F.relu(self.survival * self.block.residual(X) + self.block.shortcut(X))
        if torch.rand(()) < self.survival:
            return self.block(X)
        return F.relu(self.block.shortcut(X))
