"""What a student is given in assignment 1, "The block": a specification drawn from the id.

    >>> from resnet.course.block import specification
    >>> print(specification("ab123"))

Nothing here builds a block. `behaviour` is what the grader sees of one: values, and no verdict.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations, product

import torch
from torch import Tensor, nn

from ..check.filling import drawn
from .drawing import drawn_for

# How the grader and the checks call a block: (input_channels, num_channels, strides). The sizes
# differ so that no two convolutions of a right block have weights of the same shape.
STAYS, CHANGES, WIDENS = (16, 16, 1), (6, 16, 2), (6, 16, 1)
SIDE = 8

# What is drawn. Kernels that the book prints, or that look at no neighbour, are left out.
BRANCHES = tuple(  # the kernels, and which convolution has the stride
    (kernels, strided)
    for number in (2, 3)
    for kernels in product((1, 3, 5), repeat=number)
    if kernels not in {(3, 3), (1, 3, 1), (1,) * number}
    for strided in range(1, number + 1)
)
# The order, whether convolutions have biases, where a projecting shortcut starts. The convolution
# that ends a branch always has a bias: no batch norm behind it takes it away.
ORDERS = tuple(
    (order, biases, start)
    for order in permutations(("convolution", "batch norm", "activation"))
    for biases in (True, False)
    for start in ("the input", "the first activation")
    if (biases or order.index("batch norm") > order.index("convolution"))
    and (start == "the input" or order.index("activation") < order.index("convolution"))
)
ACTIVATIONS = tuple(  # inside the branch, and behind the addition
    (inner, last)
    for inner in ("ReLU", "LeakyReLU(0.1)", "ELU", "SiLU", "GELU", "Tanh")
    for last in ("ReLU", "LeakyReLU(0.1)", "ELU", "ReLU6", "Hardtanh")
    if inner != last
)
WIDTHS, GROUPS = (0.5, 2), (2, 4)
FACTORS = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8)
POOLINGS = ("none", "average", "max")
NORMS = (True, False)


@dataclass(frozen=True)
class Specification:
    """The block that one student builds, in the words of its sheet: `print` shows it.

    `strided` counts the convolutions from 1, `width` is the channels inside the branch in units of
    `num_channels`, `groups` belongs to convolution 2; the names of activations are those of
    `torch.nn`. `pooling`, `projection_norm` and `start` describe the shortcut where shapes change.
    """

    student: str
    kernels: tuple[int, ...]
    strided: int
    width: float
    groups: int
    order: tuple[str, str, str]
    biases: bool
    inner: str
    last: str
    factor: float
    pooling: str
    projection_norm: bool
    start: str

    def __str__(self) -> str:
        number, inside = len(self.kernels), "D/2" if self.width == 0.5 else "2D"
        pooled = f"{self.pooling} pooling (window s, stride s), a 1x1 convolution"
        projection = "a 1x1 convolution with stride s" if self.pooling == "none" else pooled
        norm = ", batch norm" if self.projection_norm else ", no batch norm"
        lines = {
            "block": "Block(input_channels, num_channels, strides=1), for short C, D and s",
            "convolutions": f"{number}, with kernels "
            + ", ".join(f"{size}x{size}" for size in self.kernels),
            "padding": "such that a convolution with stride 1 keeps height and width",
            "channels": " -> ".join(["C", *[inside] * (number - 1), "D"]),
            "groups": f"convolution 2 has {self.groups}, the others have 1",
            "stride": f"convolution {self.strided} has the stride s, the others have 1",
            "biases": f"all convolutions {'have' if self.biases else 'are without'} biases",
            "order": f"{', '.join(self.order)}; {number} times",
            "activation": self.inner + self._dropped(),
            "factor": f"F(X), what the branch puts out, is multiplied by {self.factor}",
            "shortcut": "where C = D and s = 1: the input X itself",
            "": f"else: {projection}{norm}",
            " ": f"      it starts {self._start()}",
            "addition": f"{self.last}, applied to the sum of {self.factor} F(X) and the shortcut",
        }
        sheet = (f"  {name:13} {line}" for name, line in lines.items())
        return "\n".join([f"Specification for {self.student}", *sheet])

    def _dropped(self) -> str:
        ends = self.order[-1] == "activation"
        return "; the last one is left out: none stands at the end of the branch" if ends else ""

    def _start(self) -> str:
        first = "behind the first activation of the branch, in front of convolution 1"
        return "from the input X" if self.start == "the input" else first


def specification(student: str) -> Specification:
    """The block that this student builds; ValueError for an empty id."""
    draw = drawn_for(student, "block").choice
    (kernels, strided), (order, biases, start) = draw(BRANCHES), draw(ORDERS)
    inner, last = draw(ACTIVATIONS)
    return Specification(
        student.strip(), kernels, strided, draw(WIDTHS), draw(GROUPS), order, biases, inner, last,
        draw(FACTORS), draw(POOLINGS), draw(NORMS), start,
    )  # fmt: skip


@torch.no_grad()
def fill(block: nn.Module, seed: int) -> nn.Module:
    """The block with other parameters and statistics, drawn from `seed`, their kind and shape.

    None of them is zero, and names and order of the layers do not matter.
    """
    for name, tensor in _tensors(block):
        kind = name.rpartition(".")[2]
        tensor.copy_(drawn(f"{seed} {kind}", kind, tuple(tensor.shape)))
    return block


def tensors(block: nn.Module) -> list[str]:
    """Kinds and shapes of all parameters and statistics, with how many there are of each."""
    kinds = Counter(
        f"{name.rpartition('.')[2]} {tuple(tensor.shape)}" for name, tensor in _tensors(block)
    )
    return [f"{number} {kind}" for kind, number in sorted(kinds.items())]


def behaviour(block: nn.Module, channels: int, seed: int) -> dict[str, Tensor]:
    """What a block does with weights and an input (2, channels, 8, 8) that are drawn from `seed`.

    Outputs in eval mode, in train mode and in eval mode afterwards, by how much the block
    changes its input, and the gradient that reaches the input.
    """
    drawn = torch.Generator().manual_seed(seed)
    X = _input(channels, drawn)
    block, given = fill(block, seed), X.clone()
    with torch.no_grad():
        seen = {"eval": block.eval()(given), "input changed by": given - X}
    leaf = X.clone().requires_grad_()
    Y = block.train()(leaf * 1)
    (Y * torch.randn(Y.shape, generator=drawn)).sum().backward()
    gradient = torch.zeros_like(X) if leaf.grad is None else leaf.grad
    with torch.no_grad():
        after = block.eval()(X.clone())
    return seen | {"train": Y.detach(), "gradient": gradient, "eval after": after}


def on_the_way(block: nn.Module, channels: int, seed: int) -> dict[str, object]:
    """What a block does before it stops with an error, on the input of `behaviour` in eval mode.

    The sizes of each kernel with those of what comes in and, unless the layer fails, goes out, in
    no order of time, and by how much the block changes its input.
    """
    layers: list[list[int]] = []

    def comes(layer: nn.Module, inputs: tuple) -> None:
        layers.append([*layer.weight.shape, *inputs[0].shape])

    def goes(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        layers[-1].extend(output.shape)

    for layer in fill(block, seed).modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_pre_hook(comes)
            layer.register_forward_hook(goes)
    X = _input(channels, torch.Generator().manual_seed(seed))
    given = X.clone()
    with torch.no_grad(), contextlib.suppress(Exception):  # it has stopped once already
        block.eval()(given)
    return {"layers": sorted(layers), "input changed by": given - X}


@torch.no_grad()
def behind(blocks: Iterable[nn.Module], X: Tensor, training: bool) -> list[float]:
    """What blocks in a row make of X, in train or eval mode, as flat numbers."""
    Y = X.clone()
    for block in blocks:
        Y = block.train(training)(Y)
    return Y.flatten().tolist()


def _input(channels: int, drawn: torch.Generator) -> Tensor:
    return 3 * torch.randn(2, channels, SIDE, SIDE, generator=drawn)  # for ReLU6 has two bends


def _tensors(block: nn.Module) -> list[tuple[str, Tensor]]:
    """Parameters and statistics; not a factor that someone keeps as a number of the module."""
    named = [*block.named_parameters(), *block.named_buffers()]
    return [(name, tensor) for name, tensor in named if tensor.is_floating_point() and tensor.ndim]
