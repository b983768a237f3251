"""Blocks that differ from those of `models` by one change each, for the series and the family.

Every one takes `(input_channels, num_channels, strides=1)` and maps (N, input_channels, H, W) to
(N, num_channels, H', W') with H' = ceil(H / strides), as `models.BasicBlock` does; those of the
bottleneck's kind put out 4 num_channels, as `models.Bottleneck` does. The first kind builds
`six_n_plus_two(20, block)` and `resnet(18, block)`, the second `bottleneck_series(20, block)` and
`resnet(50, block)`; `functools.partial` sets a block's own keyword arguments.
"""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models import (
    BasicBlock,
    Bottleneck,
    Plain,
    Residual,
    projection,
    residual_block,
    six_n_plus_two,
)


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


def bottleneck_series(
    depth: int, block: Callable[..., nn.Module] = Bottleneck, **options: int
) -> nn.Sequential:
    """The series with blocks of three layers: depth = 9n + 2, channels 64, 128, 256 between them.

    A block costs about as much as a `BasicBlock` of 16, 32 or 64 channels. `block` is one of the
    bottleneck's kind, `options` are those of `six_n_plus_two`. Raises ValueError for another depth.
    Source: ResNet-164 of He et al. 2016, arXiv 1603.05027, section 4.
    """
    if depth < 11 or (depth - 2) % 9:
        raise ValueError(f"depth must be 9n + 2 with n of at least 1 (11, 20, ...), not {depth}")

    def narrowed(input_channels: int, num_channels: int, strides: int) -> nn.Module:
        return block(input_channels, num_channels // Bottleneck.expansion, strides)

    return six_n_plus_two((depth - 2) // 3 * 2 + 2, narrowed, **{"width": 64, **options})


def wide_bottleneck(
    input_channels: int, num_channels: int, strides: int = 1, *, factor: int = 2
) -> Bottleneck:
    """A bottleneck that narrows less: its 3x3 convolution has `factor` times the channels.

    In the family the factor 2 gives torchvision's wide_resnet50_2, 68,883,240 parameters.
    Source: Zagoruyko and Komodakis 2016, arXiv 1605.07146: WRN-50-2-bottleneck in section 3.
    """
    block = Bottleneck(input_channels, num_channels, strides)
    return _with_inner_convolution(block, factor * num_channels, strides)


def resnext(
    input_channels: int,
    num_channels: int,
    strides: int = 1,
    *,
    groups: int = 32,
    group_width: int = 4,
) -> Bottleneck:
    """A bottleneck whose 3x3 convolution runs in `groups` that do not see each other's channels.

    Each group is `group_width` channels wide where `num_channels` is 64, and in proportion
    elsewhere, rounded down. Raises ValueError where that leaves no channel.
    In the family 32 groups of width 4 give torchvision's resnext50_32x4d, 25,028,904 parameters.
    Source: Xie et al. 2017, arXiv 1611.05431, equation 3, figure 3 (c) and table 1.
    """
    in_a_group = num_channels * group_width // 64
    if in_a_group < 1:
        raise ValueError(
            f"group_width={group_width} at 64 channels leaves a group none of {num_channels}"
        )
    block = Bottleneck(input_channels, num_channels, strides)
    return _with_inner_convolution(block, groups * in_a_group, strides, groups)


def _with_inner_convolution(
    block: Bottleneck, width: int, strides: int, groups: int = 1
) -> Bottleneck:
    """Gives a bottleneck a 3x3 convolution of `width` channels, and the 1x1 around it to match."""
    inputs, outputs = block.conv1.in_channels, block.conv3.out_channels
    block.conv1 = nn.Conv2d(inputs, width, kernel_size=1, bias=False)
    block.bn1 = nn.BatchNorm2d(width)
    block.conv2 = nn.Conv2d(
        width, width, kernel_size=3, padding=1, stride=strides, groups=groups, bias=False
    )
    block.bn2 = nn.BatchNorm2d(width)
    block.conv3 = nn.Conv2d(width, outputs, kernel_size=1, bias=False)
    return block


class SqueezeExcitation(nn.Module):
    """Scales each channel of Y (N, C, H, W) by a number in (0, 1) that the means of all decide.

    z = mean of each channel, s = sigmoid(W2 relu(W1 z)) by way of C / `reduction` numbers, s Y.
    Without biases, as the authors have it in their ResNets. Raises ValueError for C < `reduction`.
    Source: Hu et al. 2018, arXiv 1709.01507, equations 2, 3 and 4; the biases: section 6.
    """

    def __init__(self, channels: int, reduction: int = 16):
        super().__init__()
        if channels < reduction:
            raise ValueError(f"a reduction of {reduction} leaves nothing of {channels} channels")
        self.fc1 = nn.Linear(channels, channels // reduction, bias=False)
        self.fc2 = nn.Linear(channels // reduction, channels, bias=False)

    def forward(self, Y: Tensor) -> Tensor:
        z = Y.mean(dim=(2, 3))
        s = torch.sigmoid(self.fc2(F.relu(self.fc1(z))))
        return s[:, :, None, None] * Y


class SEBasicBlock(BasicBlock):
    """The paper's block with squeeze and excitation at the end of F, before the addition.

    Source: Hu et al. 2018, arXiv 1709.01507, figure 3.
    """

    def __init__(
        self, input_channels: int, num_channels: int, strides: int = 1, *, reduction: int = 16
    ):
        super().__init__(input_channels, num_channels, strides)
        self.gate = SqueezeExcitation(num_channels, reduction)

    def residual(self, X: Tensor) -> Tensor:
        return self.gate(super().residual(X))


class SEBottleneck(Bottleneck):
    """The bottleneck with squeeze and excitation at the end of F, before the addition.

    In the family it gives SE-ResNet-50, 28,071,976 parameters: 2/16 C^2 more in each block of C
    output channels. Source: Hu et al. 2018, arXiv 1709.01507, figure 3, table 1 and equation 5.
    """

    def __init__(
        self,
        input_channels: int,
        num_channels: int,
        strides: int = 1,
        *,
        reduction: int = 16,
        stride_on_first: bool = False,
    ):
        super().__init__(input_channels, num_channels, strides, stride_on_first=stride_on_first)
        self.gate = SqueezeExcitation(self.expansion * num_channels, reduction)

    def residual(self, X: Tensor) -> Tensor:
        return self.gate(super().residual(X))


class ScaledBranch(Residual):
    """The document's block with one learned number before F, which starts at `start`.

    With `start` 0 the block begins as its shortcut, without any batch norm's help.
    Source: SkipInit of De and Smith 2020, arXiv 2002.10444, section 4; ReZero of Bachlechner et al.
    2021, arXiv 2003.04887, equation 1.
    """

    def __init__(
        self, input_channels: int, num_channels: int, strides: int = 1, *, start: float = 0.0
    ):
        changes = strides != 1 or input_channels != num_channels
        super().__init__(input_channels, num_channels, use_1x1conv=changes, strides=strides)
        self.scale = nn.Parameter(torch.tensor(start))

    def residual(self, X: Tensor) -> Tensor:
        return self.scale * super().residual(X)


class Gated(Residual):
    """The document's block with a gate T that shares out F and the shortcut: T F + (1 - T) S.

    T is the sigmoid of a 1x1 convolution of the shortcut S(X). Its weights start at zero, so that
    at first T is the sigmoid of `bias` for every input: nearly 0, an open shortcut, for -3.
    Source: Srivastava et al. 2015, arXiv 1505.00387, equation 3; exclusive gating of He et al.
    2016, arXiv 1603.05027, section 3.1.
    """

    def __init__(
        self, input_channels: int, num_channels: int, strides: int = 1, *, bias: float = 0.0
    ):
        changes = strides != 1 or input_channels != num_channels
        super().__init__(input_channels, num_channels, use_1x1conv=changes, strides=strides)
        # No module, because the networks give every convolution He's weights and a bias of zero.
        self.gate_weight = nn.Parameter(torch.zeros(num_channels, num_channels, 1, 1))
        self.gate_bias = nn.Parameter(torch.full((num_channels,), bias))

    def gate(self, S: Tensor) -> Tensor:
        return torch.sigmoid(F.conv2d(S, self.gate_weight, self.gate_bias))

    def forward(self, X: Tensor) -> Tensor:
        S = self.shortcut(X)
        T = self.gate(S)
        return F.relu(T * self.residual(X) + (1 - T) * S)


class StochasticDepth(nn.Module):
    """A residual block whose F is left out at random while training, and scaled after it.

    `survival` is the probability that F is kept, for the whole batch at once. Raises ValueError for
    one that is not above 0 and at most 1.
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


# The blocks of two layers by the names that stored runs have for them.
BLOCKS = {
    "plain": Plain,
    "residual": residual_block,
    "basic": BasicBlock,
    "option-a": option_a,
    "option-c": option_c,
    "zero-scale": zero_scale,
    "pre-activation": PreActivation,
    "scale-0": ScaledBranch,
    # By the bias, from which F has 5, 27, 50 and 73 % of the sum at the start.
    **{f"gate{bias:+d}": functools.partial(Gated, bias=float(bias)) for bias in (-3, -1, 0, 1)},
}


# The blocks of three layers by the names that stored runs have for them.
BOTTLENECKS = {
    "bottleneck": Bottleneck,
    "wide": wide_bottleneck,
    # As wide inside as `wide`, in 8 groups: 4 channels in each where the bottleneck has 16.
    "resnext": functools.partial(resnext, groups=8, group_width=16),
    "squeeze-excitation": SEBottleneck,
}
