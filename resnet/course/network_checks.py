"""What a student's counts of assignment 2 must satisfy, said while they work."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from .network import Design, known_networks


def check_parameters(parameters: Callable[[Design], int]) -> None:
    """AssertionError where a formula differs from a count of the book's networks; says by what."""
    for name, (design, net) in known_networks().items():
        layers = list(net.modules())
        convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
        norms = sum(2 * layer.num_features for layer in layers if isinstance(layer, nn.BatchNorm2d))
        shortcuts = [layer for layer in convolutions if layer.kernel_size == (1, 1)]
        missing = {
            _size(*shortcuts): "the projections on the shortcuts",
            sum(layer.out_channels for layer in convolutions): "the biases of the convolutions",
            norms: "the batch norms",
            norms // 2: "the scales or the shifts of the batch norms",
            2 * design.widths[0]: "the batch norm of the stem",
            _size(net[-1]): "the head",
            design.num_classes: "the bias of the head",
            _size(net[0]): "the stem",
        }
        surplus = {
            norms: "the running statistics of the batch norms, which are not parameters",
            2 * sum(layer.out_channels for layer in shortcuts): "a batch norm on each projection",
        }
        _compare(f"parameters({name})", parameters(design), _size(net), missing, surplus)


def check_multiply_adds(multiply_adds: Callable[[Design, int], int], side: int = 28) -> None:
    """The same for multiply-adds of one image of the book's networks."""
    for name, (design, net) in known_networks().items():
        work = list(_work(net, torch.zeros(1, design.input_channels, side, side)))
        total = sum(outputs for _, outputs, _ in work)
        bare = [made for layer, made, _ in work if getattr(layer, "kernel_size", 0) == (1, 1)]
        missing = {
            sum(bare): "the projections on the shortcuts",
            work[-1][1]: "the head",
            work[0][1]: "the stem",
        }
        surplus = {
            total: "all once more: a multiplication and its addition are one multiply-add",
            work[0][2] - work[0][1]: "that of taking the image for the map behind the stem",
            sum(inputs for _, _, inputs in work) - total: "that of taking the map that comes into "
            "a convolution in place of the one that goes out",
            design.num_classes: "the biases of the head, which are only added",
        }
        given = multiply_adds(design, side)
        _compare(f"multiply_adds({name}, {side})", given, total, missing, surplus)


def _work(net: nn.Module, X: Tensor) -> Iterator[tuple[nn.Module, int, int]]:
    """For each layer in order: its multiply-adds, and what they were with the map that came in."""
    seen = []

    def note(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        positions = [each[0, 0].numel() for each in (output, inputs[0])]
        seen.append((layer, *(layer.weight.numel() * each for each in positions)))

    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(note)
    net.eval()(X)
    yield from seen


def _compare(
    call: str, given: object, right: int, missing: Mapping[int, str], surplus: Mapping[int, str]
) -> None:
    if given is None:
        raise AssertionError(f"{call} gives back nothing: its `return` is missing")
    if type(given) is not int:
        raise AssertionError(
            f"{call} is a {type(given).__name__}: numbers of this size are exact only as int, so "
            "use // for divisions and sum() for sums"
        )
    gap = given - right
    if gap:
        direction, words = ("few", missing) if gap < 0 else ("many", surplus)
        known = f", which is exactly {words[abs(gap)]}" if abs(gap) in words else ""
        raise AssertionError(f"{call} is {given:,}: {abs(gap):,} too {direction}{known}")


def _size(*layers: nn.Module) -> int:
    return sum(parameter.numel() for layer in layers for parameter in layer.parameters())
