"""The document's block and its ResNet-18, with the names and signatures of Dive into Deep Learning.

A state dict of d2l's `Residual` loads into this one, and the other way round. The paper's networks
stand in `models`, which hands these names on.

"The paper" is He et al. 2015, arXiv 1512.03385. Images are (N, C, H, W).
"""

from collections import OrderedDict

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
