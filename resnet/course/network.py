"""What a student is given in assignment 2, "The network": a specification, weights, an image.

    >>> from resnet.course.network import specification
    >>> print(specification("ab123"))

Nothing here is an answer. The checks compare with networks that the book itself builds and counts.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, replace
from importlib.resources import as_file, files

import numpy
import torch
from torch import Tensor, nn

from ..data import ImageSet, embedded
from ..models import residual_block, resnet18, six_n_plus_two
from .drawing import drawn_for

WEIGHTS = "assets/coursework/network_weights.npz"
# How one stage follows another: whether it is wider, and the strides of its first block. One of
# them changes the map and not the width, so that its shortcut needs a projection all the same.
TRANSITIONS = ((True, 2), (True, 1), (False, 2))


@dataclass(frozen=True)
class Design:
    """A network of the family: a stem, stages of the document's residual blocks, a head.

    `blocks`, `widths` and `strides` have an entry for each stage: its number of blocks, its
    channels, the strides of its first block. The stem is one convolution with padding
    stem_kernel // 2 to widths[0] channels, batch norm, ReLU and, with `pooling`, max pooling
    (kernel 3, strides 2, padding 1). The head is global average pooling and one linear layer.
    """

    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    strides: tuple[int, ...]
    stem_kernel: int
    stem_strides: int
    pooling: bool
    input_channels: int
    num_classes: int


@dataclass(frozen=True)
class Specification:
    """What a student builds: a design of width 1, and the most parameters it may have.

    `side` is the height and width of the images that it takes, `image` the number of a test image.
    """

    base: Design
    budget: int
    side: int
    image: int

    def design(self, width: int) -> Design:
        """The design in which each stage is `width` times as wide as in `base`."""
        return replace(self.base, widths=tuple(width * each for each in self.base.widths))

    def __str__(self) -> str:
        base = self.base
        pooling = "followed by max pooling" if base.pooling else "without max pooling"
        widths = ", ".join(f"{each}w" for each in base.widths)
        return (
            f"Images:  {base.input_channels} channels, {self.side} x {self.side} pixels; "
            f"{base.num_classes} classes\n"
            f"Stem:    a {base.stem_kernel}x{base.stem_kernel} convolution with strides "
            f"{base.stem_strides}, {pooling}\n"
            f"Stages:  {len(base.blocks)}, of {_list(base.blocks)} blocks\n"
            f"Widths:  {widths} channels\n"
            f"Strides: {_list(base.strides)} in the first block of each stage\n"
            f"Budget:  at most {self.budget:,} parameters\n"
            f"Image:   number {self.image} of the embedded test images"
        )


# Two networks that the book has, as designs of the family.
RESNET18 = Design((2, 2, 2, 2), (64, 128, 256, 512), (1, 2, 2, 2), 7, 2, True, 1, 10)
TWENTY = Design((3, 3, 3), (8, 16, 32), (1, 2, 2), 3, 1, False, 1, 10)


def known_networks() -> dict[str, tuple[Design, nn.Sequential]]:
    """RESNET18 and TWENTY by name, each with the network of `resnet.models`."""
    twenty = six_n_plus_two(20, residual_block, width=8, stem_strides=1)
    return {"RESNET18": (RESNET18, resnet18()), "TWENTY": (TWENTY, twenty)}


def specification(student: str) -> Specification:
    """What the student of this id builds and explains; the same each time."""
    source = drawn_for(student, "network")
    base = _design(source, source.randrange(4), unit=1)
    budget = 1000 * source.randrange(200, 600)
    return Specification(base, budget, source.randrange(40, 73), source.choice(_images()))


def some_designs(seed: int, unit: int = 2) -> list[Design]:
    """Four designs drawn by `seed`, with widths in multiples of `unit`.

    Together they have every case: with and without pooling, strides of 1 and 2 in stem and first
    stage, and stages that change the map, the width or both.
    """
    source = random.Random(seed)
    return [_design(source, kind, unit) for kind in range(4)]


def _design(source: random.Random, kind: int, unit: int) -> Design:
    widths, strides = [source.randint(1, 2)], [1 + (kind in (1, 2))]
    for wider, stride in source.sample(TRANSITIONS, len(TRANSITIONS)):
        widths.append(widths[-1] + (source.randint(1, 2) if wider else 0))
        strides.append(stride)
    return Design(
        blocks=tuple(source.sample((1, 2, 3, source.randint(1, 4)), 4)),
        widths=tuple(unit * width for width in widths),
        strides=tuple(strides),
        stem_kernel=source.choice((5, 7)),  # 3 is the stem of the book's small networks
        stem_strides=1 + kind // 2,
        pooling=kind % 2 == 0,
        input_channels=source.randint(2, 5),
        num_classes=source.randint(5, 20),
    )


def given_weights() -> dict[str, numpy.ndarray]:
    """The weights of a network trained on the embedded images, named as another framework does.

    The network is `six_n_plus_two(8, BasicBlock, width=8, stem_strides=1)`, the arrays are float32.
    """
    arrays = _stored()
    return {name: arrays[name].astype(numpy.float32) for name in arrays if "/" in name}


def about_weights() -> dict:
    """How these weights were trained, and their share of wrong answers on the test images."""
    return json.loads(str(_stored()["about"]))


def given_image(student: str) -> tuple[Tensor, str]:
    """The student's test image, normalised, of shape (1, 1, 28, 28), and the name of its label."""
    test: ImageSet = embedded()[1]
    number = specification(student).image
    X, labels = test.batch(slice(number, number + 1))
    return X, test.class_names[labels.item()]


def _images() -> list[int]:
    """The test images that are handed out: those of which the trained network is not certain."""
    return _stored()["images"].tolist()


def _stored() -> dict[str, numpy.ndarray]:
    with as_file(files("resnet") / WEIGHTS) as path:
        return dict(numpy.load(path))


@torch.no_grad()
def filled(net: nn.Module, X: Tensor, seed: int = 0) -> nn.Module:
    """Gives `net` weights that do not depend on the names of its layers, and returns it.

    They are drawn for the k-th layer of a shape in the order in which X passes through; batch
    norms of the same width are alike. So two ways to write a network put out the same numbers.
    """
    number: Counter = Counter()
    for layer in _in_order(net, X):
        weight = getattr(layer, "weight", None)
        kind = () if weight is None else tuple(weight.shape)
        number[kind] += len(kind) > 1
        members = [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]
        for name, tensor in members:
            if tensor.is_floating_point():
                role = f"{seed} {name} {kind} {number[kind]} {tuple(tensor.shape)}"
                tensor.copy_(_drawn(role, name, tensor))
    return net


def _drawn(role: str, name: str, tensor: Tensor) -> Tensor:
    """Weights by He's rule, scales and variances from 0.5 to 1.5, all else between -0.5 and 0.5."""
    uniform = torch.rand(
        tensor.shape, generator=torch.Generator().manual_seed(random.Random(role).getrandbits(62))
    )
    if tensor.ndim > 1:
        return (uniform - 0.5) * (24 / tensor[0].numel()) ** 0.5
    return uniform + 0.5 if name in ("weight", "running_var") else uniform - 0.5


def _in_order(net: nn.Module, X: Tensor) -> list[nn.Module]:
    """The layers with weights in the order in which they run, each once."""
    order: list[nn.Module] = []
    layers = [layer for layer in net.modules() if layer._parameters or layer._buffers]
    hooks = [layer.register_forward_pre_hook(lambda m, _: order.append(m)) for layer in layers]
    try:
        net.eval()(X)
    finally:
        for hook in hooks:
            hook.remove()
    return list(dict.fromkeys(order))


def tensors(net: nn.Module) -> dict[str, int]:
    """How many parameters of each kind and shape a network has, whatever they are called."""
    kinds = Counter(
        f"{name.rpartition('.')[2]} {tuple(tensor.shape)}"
        for name, tensor in net.named_parameters()
    )
    return dict(sorted(kinds.items()))


def _list(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
