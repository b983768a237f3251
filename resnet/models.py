"""The networks of the book, from the block to the whole, in one file that reads from top to bottom.

Four blocks, and each network says which it uses:

- `Residual`    the document's block: convolutions with biases, a bare 1x1 convolution as projection
- `Plain`       its twin without the skip
- `BasicBlock`  the paper's block: no biases, batch norm on the projection
- `Bottleneck`  the paper's block for 50 layers and more

"The paper" is He et al. 2015, arXiv 1512.03385. Images are (N, C, H, W).
"""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Residual(nn.Module):
    """The document's residual block: two 3x3 convolutions, and a shortcut added before the ReLU.

    Input (N, input_channels, H, W), output (N, num_channels, H', W') with H' = ceil(H / strides).
    Raises ValueError where the shapes change and nothing projects the shortcut.
    Source: the paper, equations 1 and 2; names as in Dive into Deep Learning.
    """

    def __init__(
        self,
        input_channels: int,
        num_channels: int,
        use_1x1conv: bool = False,
        strides: int = 1,
    ):
        super().__init__()
        if not use_1x1conv and (strides != 1 or input_channels != num_channels):
            raise ValueError(
                f"{input_channels} -> {num_channels} channels with strides={strides} changes the "
                "shape, so the shortcut cannot be added: pass use_1x1conv=True"
            )
        self.conv1 = nn.Conv2d(
            input_channels, num_channels, kernel_size=3, padding=1, stride=strides
        )
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)
        self.conv3 = None
        if use_1x1conv:
            self.conv3 = nn.Conv2d(input_channels, num_channels, kernel_size=1, stride=strides)
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.bn2 = nn.BatchNorm2d(num_channels)

    def residual(self, X: Tensor) -> Tensor:
        Y = F.relu(self.bn1(self.conv1(X)))
        return self.bn2(self.conv2(Y))

    def shortcut(self, X: Tensor) -> Tensor:
        return X if self.conv3 is None else self.conv3(X)

    def forward(self, X: Tensor) -> Tensor:
        return F.relu(self.residual(X) + self.shortcut(X))


class Plain(nn.Module):
    """The twin of `Residual` without the skip: the same layers in the same order, nothing added.

    Input (N, input_channels, H, W), output (N, num_channels, H', W') with H' = ceil(H / strides).
    Source: the plain networks of the paper, section 3.3.
    """

    def __init__(self, input_channels: int, num_channels: int, strides: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(
            input_channels, num_channels, kernel_size=3, padding=1, stride=strides
        )
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.bn2 = nn.BatchNorm2d(num_channels)

    def forward(self, X: Tensor) -> Tensor:
        Y = F.relu(self.bn1(self.conv1(X)))
        return F.relu(self.bn2(self.conv2(Y)))


def residual_block(input_channels: int, num_channels: int, strides: int = 1) -> Residual:
    """The document's block with its 1x1 convolution exactly where the shape changes."""
    changes = strides != 1 or input_channels != num_channels
    return Residual(input_channels, num_channels, use_1x1conv=changes, strides=strides)


def projection(input_channels: int, num_channels: int, strides: int) -> nn.Module:
    """The paper's shortcut (option B): the identity, or 1x1 and batch norm where shapes change."""
    if strides == 1 and input_channels == num_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(input_channels, num_channels, kernel_size=1, stride=strides, bias=False),
        nn.BatchNorm2d(num_channels),
    )


class BasicBlock(nn.Module):
    """The paper's block of two 3x3 convolutions: no biases, batch norm on the projection.

    Input (N, input_channels, H, W), output (N, num_channels, H', W') with H' = ceil(H / strides).
    Source: the paper, figure 5 left; shortcut option B of section 4.1.
    """

    def __init__(self, input_channels: int, num_channels: int, strides: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(
            input_channels, num_channels, kernel_size=3, padding=1, stride=strides, bias=False
        )
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(num_channels)
        self.shortcut = projection(input_channels, num_channels, strides)

    def residual(self, X: Tensor) -> Tensor:
        Y = F.relu(self.bn1(self.conv1(X)))
        return self.bn2(self.conv2(Y))

    def forward(self, X: Tensor) -> Tensor:
        return F.relu(self.residual(X) + self.shortcut(X))


class Bottleneck(nn.Module):
    """The paper's block for deep networks: 1x1 down to `num_channels`, 3x3, 1x1 up to four times.

    Input (N, input_channels, H, W), output (N, 4 num_channels, H', W'), H' = ceil(H / strides).
    The stride stands on the 3x3 convolution, as in torchvision; the paper has it on the first 1x1.
    Source: the paper, figure 5 right.
    """

    expansion = 4

    def __init__(self, input_channels: int, num_channels: int, strides: int = 1):
        super().__init__()
        output_channels = self.expansion * num_channels
        self.conv1 = nn.Conv2d(input_channels, num_channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.conv2 = nn.Conv2d(
            num_channels, num_channels, kernel_size=3, padding=1, stride=strides, bias=False
        )
        self.bn2 = nn.BatchNorm2d(num_channels)
        self.conv3 = nn.Conv2d(num_channels, output_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(output_channels)
        self.shortcut = projection(input_channels, output_channels, strides)

    def residual(self, X: Tensor) -> Tensor:
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = F.relu(self.bn2(self.conv2(Y)))
        return self.bn3(self.conv3(Y))

    def forward(self, X: Tensor) -> Tensor:
        return F.relu(self.residual(X) + self.shortcut(X))


def resnet_block(
    input_channels: int, num_channels: int, num_residuals: int, first_block: bool = False
) -> list[nn.Module]:
    """The document's stage: `num_residuals` blocks, the first of which halves the map.

    With `first_block` (the stage behind the stem) nothing is halved and the channels stay.
    """
    blk = []
    for i in range(num_residuals):
        if i == 0 and not first_block:
            blk.append(Residual(input_channels, num_channels, use_1x1conv=True, strides=2))
        else:
            blk.append(Residual(num_channels, num_channels))
    return blk


def head(input_channels: int, num_classes: int) -> nn.Sequential:
    """Global average pooling and one linear layer: (N, input_channels, H, W) -> (N, classes)."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(input_channels, num_classes)
    )


def resnet18(num_classes: int = 10, input_channels: int = 1) -> nn.Sequential:
    """The document's ResNet-18, stages b1 to b5 of `Residual` blocks and a head.

    Input (N, input_channels, H, W), output (N, num_classes). The map shrinks 32 times.
    Source: the paper, table 1.
    """
    _at_least_one(num_classes=num_classes, input_channels=input_channels)
    b1 = nn.Sequential(
        nn.Conv2d(input_channels, 64, kernel_size=7, stride=2, padding=3),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    )
    b2 = nn.Sequential(*resnet_block(64, 64, 2, first_block=True))
    b3 = nn.Sequential(*resnet_block(64, 128, 2))
    b4 = nn.Sequential(*resnet_block(128, 256, 2))
    b5 = nn.Sequential(*resnet_block(256, 512, 2))
    return nn.Sequential(
        OrderedDict(b1=b1, b2=b2, b3=b3, b4=b4, b5=b5, head=head(512, num_classes))
    )


def six_n_plus_two(
    depth: int,
    block: Callable[..., nn.Module] = residual_block,
    *,
    width: int = 16,
    input_channels: int = 1,
    num_classes: int = 10,
    stem_strides: int = 2,
) -> nn.Sequential:
    """The paper's series for small images: depth = 6n + 2 layers, n blocks in each of three stages.

    `block(input_channels, num_channels, strides=...)` makes one block: `Plain`, `residual_block` or
    `BasicBlock`. Input (N, input_channels, H, W), output (N, num_classes); the map shrinks
    4 * stem_strides times, the channels are width, 2 width, 4 width. Convolutions start from He's
    initialisation with zero biases.
    Source: the paper, section 4.2; He et al. 2015, arXiv 1502.01852, equation 10.
    """
    _at_least_one(width=width, input_channels=input_channels, num_classes=num_classes)
    _at_least_one(stem_strides=stem_strides)
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"depth must be 6n + 2 with n of at least 1 (8, 14, 20, ...), not {depth}")
    blocks_per_stage = (depth - 2) // 6
    stem = nn.Sequential(
        nn.Conv2d(input_channels, width, kernel_size=3, padding=1, stride=stem_strides),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
    net = nn.Sequential(
        OrderedDict(
            stem=stem,
            stage1=_stage(block, width, width, blocks_per_stage, strides=1),
            stage2=_stage(block, width, 2 * width, blocks_per_stage, strides=2),
            stage3=_stage(block, 2 * width, 4 * width, blocks_per_stage, strides=2),
            head=head(4 * width, num_classes),
        )
    )
    return net.apply(initialise)


def _stage(
    block: Callable[..., nn.Module],
    input_channels: int,
    num_channels: int,
    num_blocks: int,
    strides: int,
) -> nn.Sequential:
    blocks = [block(input_channels, num_channels, strides=strides)]
    blocks += [block(num_channels, num_channels, strides=1) for _ in range(num_blocks - 1)]
    return nn.Sequential(*blocks)


@torch.no_grad()
def initialise(layer: nn.Module) -> None:
    """He's initialisation for one convolution: normal weights of variance 2 / fan-in, zero bias."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _at_least_one(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1, not {size}")
