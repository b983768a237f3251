"""The usual mistakes with a whole network: their names, and what each of them does.

A network is stem, stages and head, as `resnet18` and `six_n_plus_two` in `models` build them.
"""

from torch import nn

from ..models import Residual
from .changes import resized
from .mistakes import Mistake, told


def _stages(net: nn.Sequential) -> list[nn.Sequential]:
    return list(net)[1:-1]


def _put(part: nn.Sequential, index: int, layer: nn.Module) -> None:
    """Another layer in a place that the part has: not each stem pools."""
    if index < len(part):
        part[index] = layer


def _set_strides(stage: nn.Sequential, strides: int) -> None:
    for layer in (stage[0].conv1, stage[0].conv3):
        if layer is not None:
            layer.stride = (strides, strides)


def _stem_without_stride(net: nn.Sequential) -> None:
    net[0][0].stride = (1, 1)


def _first_stage_halves(net: nn.Sequential) -> None:
    first = _stages(net)[0]
    channels = first[0].conv1.in_channels
    first[0] = Residual(channels, channels, use_1x1conv=True, strides=2)


def _no_stage_halves(net: nn.Sequential) -> None:
    for stage in _stages(net):
        _set_strides(stage, 1)


def _block_too_few(net: nn.Sequential) -> None:
    for stage in _stages(net):
        del stage[len(stage) - 1]


def _block_too_many(net: nn.Sequential) -> None:
    for stage in _stages(net):
        channels = stage[-1].conv1.out_channels
        stage.append(Residual(channels, channels))


def _one_width(net: nn.Sequential) -> None:
    width = _stages(net)[0][0].conv1.in_channels
    for number, stage in enumerate(_stages(net)):
        strides = stage[0].conv1.stride[0]
        stage[0] = Residual(width, width, use_1x1conv=number > 0, strides=strides)
        for index in range(1, len(stage)):
            stage[index] = Residual(width, width)
    net[-1][-1] = nn.Linear(width, net[-1][-1].out_features)


def _shared_blocks(net: nn.Sequential) -> None:
    for stage in _stages(net):
        for index in range(2 if stage[0].conv3 is not None else 1, len(stage)):
            stage[index] = stage[index - 1]


def _thousand_classes(net: nn.Sequential) -> None:
    net[-1][-1] = nn.Linear(net[-1][-1].in_features, 1000)


def _colour(net: nn.Sequential) -> None:
    old = net[0][0]
    sizes = (old.out_channels, old.kernel_size, old.stride, old.padding)
    net[0][0] = nn.Conv2d(3, *sizes)


def _no_biases(net: nn.Sequential) -> None:
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.bias = None


NETWORK = told(
    (
        ("no max pooling in the stem", lambda net: _put(net[0], 3, nn.Identity())),
        ("stem without stride", _stem_without_stride),
        ("3x3 stem", lambda net: _put(net[0], 0, resized(net[0][0], 3))),
        ("stem without batch norm", lambda net: _put(net[0], 1, nn.Identity())),
        ("stem without ReLU", lambda net: _put(net[0], 2, nn.Identity())),
        ("first stage halves", _first_stage_halves),
        ("no stage halves", _no_stage_halves),
        ("last stage does not halve", lambda net: _set_strides(_stages(net)[-1], 1)),
        ("a block too few in each stage", _block_too_few),
        ("a block too many in each stage", _block_too_many),
        ("widths not doubled", _one_width),
        ("one block object used again", _shared_blocks),
        ("softmax at the end", lambda net: net[-1].append(nn.Softmax(dim=1))),
        ("log-softmax at the end", lambda net: net[-1].append(nn.LogSoftmax(dim=1))),
        ("ReLU at the end", lambda net: net[-1].append(nn.ReLU())),
        ("max pooling in the head", lambda net: _put(net[-1], 0, nn.AdaptiveMaxPool2d((1, 1)))),
        ("no pooling in the head", lambda net: _put(net[-1], 0, nn.Identity())),
        ("no flattening in the head", lambda net: _put(net[-1], 1, nn.Identity())),
        ("1000 classes", _thousand_classes),
        ("three input channels", _colour),
        ("no biases anywhere", _no_biases),
    )
)


def in_every_block(mistake: Mistake) -> Mistake:
    """The mistake of a block made in all blocks of a network."""

    def change(net: nn.Sequential) -> None:
        for stage in _stages(net):
            for block in stage:
                mistake.change(block)

    return Mistake(f"in the blocks: {mistake.name}", f"In the blocks: {mistake.sentence}", change)
