"""Checks of assignment 1 that a student runs at once: each raises AssertionError with a sentence.

They look at the layers that run, at their sizes and shapes, and at properties that any right block
has. They compute nothing of what a block puts out, so the answer is not in them.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .block import CHANGES, SIDE, STAYS, WIDENS, Specification, fill


def check_layers(block: Callable[..., nn.Module], spec: Specification) -> None:
    """AssertionError with a sentence where the layers that run are not those of the sheet."""
    for call in (STAYS, CHANGES):
        model = block(*call)
        assert isinstance(model, nn.Module), f"{_say(call)} is no nn.Module"
        projections, branch = _executed(model, call)
        convolutions = [layer for layer in branch if isinstance(layer, nn.Conv2d)]
        _check_number(model, len(projections) + len(branch), call)
        assert len(convolutions) == len(spec.kernels), (
            f"{_say(call)} runs {len(convolutions)} convolutions in its branch, "
            f"the sheet has {len(spec.kernels)}"
        )
        for place, layer in enumerate(convolutions, start=1):
            _check_convolution(layer, place, spec, call)
        kinds = [_kind(layer) for layer in branch]
        expected = [step for step in spec.order if step != "activation"] * len(convolutions)
        assert kinds == expected, (
            f"{_say(call)}: the layers of the branch run in the order {', '.join(kinds)}; "
            f"the sheet says {', '.join(expected)}"
        )
        _check_projection(projections, spec, call)


def _check_number(model: nn.Module, executed: int, call: tuple) -> None:
    built = sum(_counts(layer) for layer in model.modules())
    assert executed, f"{_say(call)} runs no layers of torch.nn, or they are not its attributes"
    assert built == executed, (
        f"{_say(call)} has {built} convolutions and batch norms and runs {executed}: "
        "one is not used, or is used twice"
    )


def _check_convolution(layer: nn.Conv2d, place: int, spec: Specification, call: tuple) -> None:
    inside, last = int(spec.width * call[1]), len(spec.kernels)
    stride = call[2] if place == spec.strided else 1
    right = {
        "kernel": (layer.kernel_size, (spec.kernels[place - 1],) * 2),
        "input channels": (layer.in_channels, call[0] if place == 1 else inside),
        "output channels": (layer.out_channels, call[1] if place == last else inside),
        "groups": (layer.groups, spec.groups if place == 2 else 1),
        "stride": (layer.stride, (stride, stride)),
        "bias": (layer.bias is not None, spec.biases),
    }
    _compare(right, f"{_say(call)}, convolution {place}")


def _check_projection(layers: list[nn.Module], spec: Specification, call: tuple) -> None:
    kinds = [_kind(layer) for layer in layers]
    norm = ["batch norm"] if spec.projection_norm else []
    expected = [] if call == STAYS else ["convolution", *norm]
    assert kinds == expected, (
        f"{_say(call)}: on the shortcut run {', '.join(kinds) or 'no layers'}; "
        f"the sheet says {', '.join(expected) or 'none, the input itself'}"
    )
    for layer in layers[:1]:
        right = {"bias": (layer.bias is not None, spec.biases)}
        _compare(right, f"{_say(call)}, the convolution on the shortcut")


def _compare(right: dict[str, tuple], where: str) -> None:
    for what, (found, wanted) in right.items():
        assert found == wanted, f"{where}: {what} {found}, the sheet says {wanted}"


def check_stays(block: Callable[..., nn.Module]) -> None:
    """AssertionError where a block that keeps its shape lacks what every such block has."""
    model = fill(block(*STAYS), seed=0)
    _check_call(model, STAYS)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    X = torch.rand(2, STAYS[0], SIDE, SIDE)
    for mode in (True, False):
        gap = _largest_change(model.train(mode), X)
        assert gap < 1e-6, (
            "with all parameters zero the branch is zero, and an input between 0 and 1 should come "
            f"back; in {'train' if mode else 'eval'} mode it is changed by up to {gap:.3f}"
        )


def check_changes(block: Callable[..., nn.Module]) -> None:
    """AssertionError where a block that changes the shape lacks what every such block has."""
    for call in (CHANGES, WIDENS):
        _check_call(fill(block(*call), seed=0), call)


def _check_call(model: nn.Module, call: tuple) -> None:
    X = torch.randn(2, call[0], SIDE, SIDE, requires_grad=True)
    given = X * 1
    before = given.detach().clone()
    Y = model.train()(given)
    assert isinstance(Y, Tensor), f"{_say(call)}: forward returns a {type(Y).__name__}, no tensor"
    expected = (2, call[1], SIDE // call[2], SIDE // call[2])
    assert tuple(Y.shape) == expected, (
        f"{_say(call)} makes {tuple(Y.shape)} of {tuple(X.shape)}, expected {expected}"
    )
    assert torch.equal(given, before), f"{_say(call)} changes its input in place"
    (gradient,) = torch.autograd.grad((Y * torch.randn_like(Y)).sum(), X, allow_unused=True)
    assert gradient is not None and gradient.any(), f"{_say(call)}: no gradient reaches the input"


def check_identity(prepare: Callable, block: Callable[..., nn.Module]) -> None:
    """AssertionError where ten prepared blocks change inputs between 0 and 1."""
    blocks = [fill(block(*STAYS), seed) for seed in range(10)]
    for each in blocks:
        returned = prepare(each)
        assert returned is each, "prepare(block) should change the block itself and return it"
    stack, X = nn.Sequential(*blocks), torch.rand(2, STAYS[0], SIDE, SIDE)
    for mode in (True, False):
        gap = _largest_change(stack.train(mode), X)
        assert gap < 1e-6, (
            f"in {'train' if mode else 'eval'} mode ten prepared blocks change an input between 0 "
            f"and 1 by up to {gap:.3f}"
        )


@torch.no_grad()
def _largest_change(model: nn.Module, X: Tensor) -> float:
    return float((model(X) - X).abs().max())


def _executed(model: nn.Module, call: tuple) -> tuple[list[nn.Module], list[nn.Module]]:
    """The layers that run, in order: those of the shortcut, those of the branch."""
    order: list[tuple[nn.Module, tuple, Tensor]] = []
    layers = [layer for layer in model.modules() if _counts(layer)]
    hooks = [layer.register_forward_hook(lambda *call: order.append(call)) for layer in layers]
    with torch.no_grad():
        model.train()(torch.randn(2, call[0], SIDE, SIDE))
    for hook in hooks:
        hook.remove()
    projections = [
        (layer, output)
        for layer, _, output in order
        if getattr(layer, "weight", None).shape == (call[1], call[0], 1, 1) and call != STAYS
    ]
    made = [output for _, output in projections]
    norms = [
        layer for layer, given, _ in order if any(given and given[0] is output for output in made)
    ]
    shortcut = [layer for layer, _ in projections] + norms
    return shortcut, [layer for layer, _, _ in order if layer not in shortcut]


def _counts(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d | nn.modules.batchnorm._BatchNorm)


def _kind(layer: nn.Module) -> str:
    return "convolution" if isinstance(layer, nn.Conv2d) else "batch norm"


def _say(call: tuple) -> str:
    return f"Block({', '.join(map(str, call))})"
