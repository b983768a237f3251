"""The usual mistakes with a whole network: a name, the sentence for a learner, and what they do.

A network is stem, stages and head, as `resnet18` and `six_n_plus_two` in `models` build them.
"""

from collections.abc import Callable, Iterator

from torch import nn

from ..models import Residual
from .block_mistakes import Mistake


def _stages(net: nn.Sequential) -> Iterator[nn.Sequential]:
    yield from list(net)[1:-1]


def _stem(index: int, layer: Callable[[nn.Module], nn.Module]) -> Callable[[nn.Module], None]:
    def change(net: nn.Sequential) -> None:
        if index < len(net[0]):
            net[0][index] = layer(net[0][index])

    return change


def _identity(layer: nn.Module) -> nn.Module:
    return nn.Identity()


def _without_stride(layer: nn.Conv2d) -> nn.Conv2d:
    layer.stride = (1, 1)
    return layer


def _small_kernel(layer: nn.Conv2d) -> nn.Conv2d:
    return nn.Conv2d(layer.in_channels, layer.out_channels, 3, stride=layer.stride, padding=1)


def _set_strides(stage: nn.Sequential, strides: int) -> None:
    for layer in (stage[0].conv1, stage[0].conv3):
        if layer is not None:
            layer.stride = (strides, strides)


def _first_stage_halves(net: nn.Sequential) -> None:
    first = next(_stages(net))
    channels = first[0].conv1.in_channels
    first[0] = Residual(channels, channels, use_1x1conv=True, strides=2)


def _no_stage_halves(net: nn.Sequential) -> None:
    for stage in _stages(net):
        _set_strides(stage, 1)


def _last_stage_does_not_halve(net: nn.Sequential) -> None:
    _set_strides(list(_stages(net))[-1], 1)


def _block_too_few(net: nn.Sequential) -> None:
    for stage in _stages(net):
        del stage[len(stage) - 1]


def _block_too_many(net: nn.Sequential) -> None:
    for stage in _stages(net):
        channels = stage[-1].conv1.out_channels
        stage.append(Residual(channels, channels))


def _one_width(net: nn.Sequential) -> None:
    width = next(_stages(net))[0].conv1.in_channels
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


def _head(index: int, layer: Callable[[], nn.Module]) -> Callable[[nn.Module], None]:
    def change(net: nn.Sequential) -> None:
        net[-1][index] = layer()

    return change


def _append(layer: Callable[[], nn.Module]) -> Callable[[nn.Module], None]:
    def change(net: nn.Sequential) -> None:
        net[-1].append(layer())

    return change


def _classes(net: nn.Sequential) -> None:
    net[-1][-1] = nn.Linear(net[-1][-1].in_features, 1000)


def _colour(net: nn.Sequential) -> None:
    old = net[0][0]
    net[0][0] = nn.Conv2d(
        3, old.out_channels, old.kernel_size, stride=old.stride, padding=old.padding
    )


def _biases(net: nn.Sequential) -> None:
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.bias = None


NETWORK = (
    Mistake(
        "no max pooling in the stem",
        "The stem lacks its max pooling: all later maps are four times as large as they should be.",
        _stem(3, _identity),
    ),
    Mistake(
        "stem without stride",
        "The first convolution lacks its stride of 2.",
        _stem(0, _without_stride),
    ),
    Mistake(
        "3x3 stem",
        "The first convolution is 3x3: the stem of this network is 7x7 (3x3 is the stem for small "
        "images).",
        _stem(0, _small_kernel),
    ),
    Mistake("stem without batch norm", "The stem lacks its batch norm.", _stem(1, _identity)),
    Mistake("stem without ReLU", "The stem lacks its ReLU.", _stem(2, _identity)),
    Mistake(
        "first stage halves",
        "The first stage halves the map: the stem has shrunk it already, so first_block=True.",
        _first_stage_halves,
    ),
    Mistake(
        "no stage halves",
        "No stage halves its map: the first block of every later stage has strides=2.",
        _no_stage_halves,
    ),
    Mistake(
        "last stage does not halve",
        "The last stage does not halve its map: its first block has strides=2.",
        _last_stage_does_not_halve,
    ),
    Mistake("a block too few in each stage", "Each stage has a block too few.", _block_too_few),
    Mistake("a block too many in each stage", "Each stage has a block too many.", _block_too_many),
    Mistake(
        "widths not doubled",
        "All stages have the width of the first: each later one has twice the channels of the one "
        "before.",
        _one_width,
    ),
    Mistake(
        "one block object used again",
        "A stage holds the same block object more than once ([block] * n), so the layers share "
        "their weights: make a new block each time.",
        _shared_blocks,
    ),
    Mistake(
        "softmax at the end",
        "The network ends with a softmax: cross-entropy takes the scores themselves and would "
        "apply a second one.",
        _append(lambda: nn.Softmax(dim=1)),
    ),
    Mistake(
        "log-softmax at the end",
        "The network ends with a log-softmax: cross-entropy takes the scores themselves.",
        _append(lambda: nn.LogSoftmax(dim=1)),
    ),
    Mistake(
        "ReLU at the end",
        "The network ends with a ReLU: scores may be negative.",
        _append(nn.ReLU),
    ),
    Mistake(
        "max pooling in the head",
        "The head takes the maximum of each map: it should take the mean.",
        _head(0, lambda: nn.AdaptiveMaxPool2d((1, 1))),
    ),
    Mistake(
        "no pooling in the head",
        "The head lacks its global average pooling, so the linear layer gets a number for every "
        "pixel.",
        _head(0, nn.Identity),
    ),
    Mistake(
        "no flattening in the head",
        "The head does not flatten: behind the pooling the shape is (N, C, 1, 1), and the linear "
        "layer takes (N, C).",
        _head(1, nn.Identity),
    ),
    Mistake("1000 classes", "The last layer has 1000 classes, ImageNet's number.", _classes),
    Mistake(
        "three input channels",
        "The first convolution takes three channels: these images have one.",
        _colour,
    ),
    Mistake(
        "no biases anywhere",
        "The convolutions have no biases: batch norm takes them away, but the weights of this "
        "network and the document's must fit each other.",
        _biases,
    ),
)


def in_every_block(mistake: Mistake) -> Mistake:
    """The mistake of a block made in all blocks of a network."""

    def change(net: nn.Sequential) -> None:
        for stage in _stages(net):
            for block in stage:
                mistake.change(block)

    return Mistake(f"in the blocks: {mistake.name}", f"In the blocks: {mistake.sentence}", change)
