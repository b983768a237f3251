"""The networks of the book, from the block to the whole, in one file that reads from top to bottom.

Four blocks, and each network says which it uses:

- `Residual`    the document's block: convolutions with biases, a bare 1x1 convolution as projection
- `Plain`       its twin without the skip
- `BasicBlock`  the paper's block: no biases, batch norm on the projection
- `Bottleneck`  the paper's block for 50 layers and more

and three kinds of network: the document's `resnet18`, the series `six_n_plus_two` for small images,
and the family `resnet` of 18 to 152 layers.

"The paper" is He et al. 2015, arXiv 1512.03385. Images are (N, C, H, W).
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import chain

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


def residual_block(input_channels: int, num_channels: int, strides: int = 1) -> Residual:
    """The document's block with its 1x1 convolution exactly where the shape changes."""
    changes = strides != 1 or input_channels != num_channels
    return Residual(input_channels, num_channels, use_1x1conv=changes, strides=strides)


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
    Raises ValueError for sizes below 1.
    Source: the paper, table 1.
    """
    at_least_one(num_classes=num_classes, input_channels=input_channels)
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


def at_least_one(**sizes: int) -> None:
    """Raises ValueError, with the name, for a size below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1, not {size}")


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

    expansion = 1

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
    The stride stands on the 3x3 convolution, as in torchvision; with `stride_on_first` on the first
    1x1, as in the paper: cheaper, and three pixels of four are thrown away unseen.
    Source: the paper, figure 5 right; its stride in section 3.4 and table 1.
    """

    expansion = 4

    def __init__(
        self,
        input_channels: int,
        num_channels: int,
        strides: int = 1,
        *,
        stride_on_first: bool = False,
    ):
        super().__init__()
        output_channels = self.expansion * num_channels
        first, second = (strides, 1) if stride_on_first else (1, strides)
        self.conv1 = nn.Conv2d(
            input_channels, num_channels, kernel_size=1, stride=first, bias=False
        )
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.conv2 = nn.Conv2d(
            num_channels, num_channels, kernel_size=3, padding=1, stride=second, bias=False
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
    initialisation with zero biases. Raises ValueError for another depth and for sizes below 1.
    Source: the paper, section 4.2; He et al. 2015, arXiv 1502.01852, equation 10.
    """
    at_least_one(width=width, input_channels=input_channels, num_classes=num_classes)
    at_least_one(stem_strides=stem_strides)
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"depth must be 6n + 2 with n of at least 1 (8, 14, 20, ...), not {depth}")
    stem = nn.Sequential(
        nn.Conv2d(input_channels, width, kernel_size=3, padding=1, stride=stem_strides),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
    return _in_stages(stem, block, 3 * [(depth - 2) // 6], width, num_classes)


# The block of each member of the family and how many stand in its four stages: the paper, table 1.
FAMILY = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}


def resnet(
    depth: int,
    block: Callable[..., nn.Module] | None = None,
    *,
    width: int = 64,
    input_channels: int = 3,
    num_classes: int = 1000,
    small_images: bool = False,
    zero_scale: bool = False,
) -> nn.Sequential:
    """The family: the paper's network of 18, 34, 50, 101 or 152 layers, as torchvision has it.

    `block(input_channels, num_channels, strides=...)` takes the place of the depth's own block and
    puts out as many channels: four times `num_channels` from 50 layers on. Input
    (N, input_channels, H, W), output (N, num_classes). The map shrinks 32 times; with a stem for
    `small_images`, 3x3 without stride and pooling, 8 times. With `zero_scale` the last batch norm
    of each block starts with scale 0, so that F(X) = 0 at first; TypeError where a block ends
    otherwise. Convolutions start from He's initialisation, by fan-in (torchvision: by fan-out).
    Raises ValueError for another depth and for sizes below 1.
    Source: the paper, table 1; Goyal et al. 2017, arXiv 1706.02677, section 5.1, for `zero_scale`.
    """
    at_least_one(width=width, input_channels=input_channels, num_classes=num_classes)
    if depth not in FAMILY:
        raise ValueError(f"depth must be one of {', '.join(map(str, FAMILY))}, not {depth}")
    usual, blocks_per_stage = FAMILY[depth]
    side, strides = (3, 1) if small_images else (7, 2)
    stem = nn.Sequential(
        nn.Conv2d(input_channels, width, side, strides, padding=side // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
    if not small_images:
        stem.append(nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
    net = _in_stages(
        stem, block or usual, blocks_per_stage, width, num_classes, expansion=usual.expansion
    )
    if zero_scale:
        for made in chain(*net[1:-1]):
            nn.init.zeros_(_last_norm(made).weight)
    return net


def _in_stages(
    stem: nn.Sequential,
    block: Callable[..., nn.Module],
    blocks_per_stage: Sequence[int],
    width: int,
    num_classes: int,
    expansion: int = 1,
) -> nn.Sequential:
    """Stem, stages and head; each stage but the first halves the map and doubles the channels."""
    net, channels = nn.Sequential(OrderedDict(stem=stem)), width
    for k, num_blocks in enumerate(blocks_per_stage):
        stage = nn.Sequential()
        for i in range(num_blocks):
            strides = 2 if k > 0 and i == 0 else 1
            stage.append(block(channels, width * 2**k, strides=strides))
            channels = expansion * width * 2**k
        net.add_module(f"stage{k + 1}", stage)
    net.add_module("head", head(channels, num_classes))
    return net.apply(initialise)


def _last_norm(block: nn.Module) -> nn.BatchNorm2d:
    """The batch norm that ends F. Without one, or without a skip, scale 0 would stop the learning.

    In a pre-activated F, for instance, a ReLU stands behind the last batch norm.
    """
    if isinstance(block, Bottleneck):
        return block.bn3
    if isinstance(block, BasicBlock | Residual):
        return block.bn2
    raise TypeError(f"zero_scale: no batch norm ends the residual of a {type(block).__name__}")


@torch.no_grad()
def initialise(layer: nn.Module) -> None:
    """He's initialisation for one convolution: normal weights of variance 2 / fan-in, zero bias."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
