"""What a block or a network does on known weights and images, as plain data that can be compared.

Weights are drawn anew for each tensor from its role: the k-th convolution of a shape in the order
of execution, the batch norm behind it, and so on. So two implementations of the same thing give
equal observations, whatever their layers are called and in whatever order they were written down.
"""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Observation:
    """What was seen of a model; `failure` says in which phase and how it failed, or is empty.

    `entries` counts the parameters and buffers by kind and shape, `arrays` holds outputs and
    gradients by phase, `traces` the shape and mean size of what each layer puts out in eval mode,
    `maps` the shapes that the layers with weights put out, also where the model fails behind them.
    """

    failure: str = ""
    entries: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    traces: Mapping[str, tuple[tuple[int, ...], float]] = field(default_factory=dict)
    maps: tuple[str, ...] = ()
    input_changed: bool = False

    def equals(self, other: "Observation") -> bool:
        """The same tensors, outputs, gradients and, where both fail, numbers in the failure.

        Texts of failures differ between `X + Y` and `Y + X`; their numbers do not.
        """
        if _fingerprint(self.failure) != _fingerprint(other.failure):
            return False
        if self.failure and self.maps != other.maps:
            return False
        if self.entries != other.entries or self.input_changed != other.input_changed:
            return False
        if self.arrays.keys() != other.arrays.keys():
            return False
        return all(same(self.arrays[key], other.arrays[key]) for key in self.arrays)


def same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Equal shapes, and a difference whose norm is below a thousandth of theirs.

    A norm, not the largest difference: rounding can turn a single ReLU over.
    """
    if ours.shape != theirs.shape or not np.isfinite(ours).all():
        return False
    return bool(np.linalg.norm(ours - theirs) <= TOLERANCE * np.linalg.norm(theirs) + 1e-6)


def observe(
    make: Callable[[], nn.Module],
    shape: tuple[int, ...],
    names: Mapping[str, str] | None = None,
) -> Observation:
    """Builds a model and looks at it in eval mode, in train mode, and in eval mode again.

    `shape` is that of the input batch. Where all tensors have names of `names`, these give the
    roles, so that a swap of two layers with given names shows. The random state stays as it was.
    """
    seen: dict = {"arrays": {}}
    phase = "building"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            model = make()
            if not isinstance(model, nn.Module):
                raise TypeError(f"a {type(model).__name__}, not an nn.Module")
            model = model.cpu().float()
            phase = "eval mode"
            X = _normal("input", shape)
            tensors = dict(_tensors(model))
            own, seen["maps"], failure = _roles(model, X, tensors)
            seen["entries"], seen["names"] = _count(tensors), own
            known = names is not None and set(own) <= set(names)
            _fill(tensors, names if known else own)
            if failure is not None:
                raise failure
            for phase in ("eval mode", "train mode", "eval mode after a step"):
                seen |= _run(model, phase, X, seen["arrays"])
        except Exception as error:  # whatever a learner's code raises is what is to be told
            seen["failure"] = f"{phase}: {type(error).__name__}: {_first_line(error)}"
    return Observation(**seen)


def _run(model: nn.Module, phase: str, X: Tensor, arrays: dict[str, np.ndarray]) -> dict:
    training = phase == "train mode"
    model.train(training)
    leaf = X.clone().requires_grad_(training)
    given = leaf * 1  # not a leaf, so that a change in place is seen and does not stop the run
    traces: dict[str, tuple[tuple[int, ...], float]] = {}
    hooks = [] if training else _trace(model, traces)
    with torch.set_grad_enabled(training):
        output = model(given)
    for hook in hooks:
        hook.remove()
    if not isinstance(output, Tensor):
        raise TypeError(f"forward returns a {type(output).__name__}, not a tensor")
    arrays[f"output in {phase}"] = output.detach().numpy().copy()
    if training and output.requires_grad:
        (output * _normal("gradient", tuple(output.shape))).sum().backward()
        gradient = torch.zeros_like(X) if leaf.grad is None else leaf.grad
        arrays["gradient of the input"] = gradient.numpy()
    changed = not torch.equal(given.detach(), X)
    return {"traces": traces, "input_changed": changed} if phase == "eval mode" else {}


def _trace(model: nn.Module, traces: dict) -> list:
    def note(name: str) -> Callable:
        def hook(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
            if isinstance(output, Tensor) and name not in traces:
                traces[name] = (tuple(output.shape), float(output.abs().mean()))

        return hook

    return [layer.register_forward_hook(note(name)) for name, layer in _leaves(model)]


def _leaves(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, layer in model.named_modules():
        if layer._parameters or layer._buffers:
            yield name, layer


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and floating-point buffers, each once, also where two names share one."""
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point():
            yield name, tensor


def _roles(
    model: nn.Module, X: Tensor, tensors: Mapping[str, Tensor]
) -> tuple[dict[str, str], tuple[str, ...], Exception | None]:
    """Each tensor's role, by the order in which the layers run; their maps; how the run failed."""
    order: list[str] = []
    maps: list[str] = []

    def note(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            maps.append(f"{tuple(layer.weight.shape)} -> {tuple(output.shape)}")

    hooks = [layer.register_forward_hook(note) for _, layer in _leaves(model)]
    hooks += [
        layer.register_forward_pre_hook(lambda layer, inputs, name=name: order.append(name))
        for name, layer in _leaves(model)
    ]
    failure = None
    try:
        with torch.no_grad():
            model.eval()(X.clone())
    except Exception as error:
        failure = error
    finally:
        for hook in hooks:
            hook.remove()
    order += [name for name, _ in _leaves(model)]  # what never ran comes last
    roles: dict[str, str] = {}
    before, number = "input", {}
    for layer in dict.fromkeys(order):
        prefix = f"{layer}." if layer else ""
        members = [name for name in tensors if name.rpartition(".")[0] == layer]
        weight = tensors.get(f"{prefix}weight")
        if weight is not None and weight.ndim > 1:
            kind = f"layer {tuple(weight.shape)}"
            number[kind] = number.get(kind, 0) + 1
            before = f"{kind} number {number[kind]}"
            place = before
        else:
            place = f"behind {before}"
            number[place] = number.get(place, 0) + 1
            place += f" number {number[place]}"
        roles |= {name: f"{place}: {name[len(prefix) :]}" for name in members}
    return roles, tuple(sorted(maps)), failure


def counted(model: nn.Module) -> dict[str, int]:
    """How many parameters and floating-point buffers of each kind and shape a model has."""
    return _count(dict(_tensors(model)))


def _count(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for name, tensor in tensors.items():
        kind = f"{name.rpartition('.')[2]} {tuple(tensor.shape)}"
        kinds[kind] = kinds.get(kind, 0) + 1
    return dict(sorted(kinds.items()))


@torch.no_grad()
def _fill(tensors: Mapping[str, Tensor], roles: Mapping[str, str]) -> None:
    """Weights by He's rule; scales and variances of 0.5 to 1.5, so that none hides a difference."""
    for name, tensor in tensors.items():
        values, last = _normal(roles[name], tuple(tensor.shape)), name.rpartition(".")[2]
        if tensor.ndim > 1:
            values *= (2 / tensor[0].numel()) ** 0.5
        elif last in ("weight", "running_var"):
            values = 0.5 + torch.special.ndtr(values)
        else:
            values *= 0.3
        tensor.copy_(values)


def _normal(role: str, shape: tuple[int, ...]) -> Tensor:
    generator = torch.Generator().manual_seed(zlib.crc32(f"{role} {shape}".encode()))
    return torch.randn(shape, generator=generator)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip()


def _fingerprint(failure: str) -> tuple:
    phase, _, rest = failure.partition(": ")
    kind, _, text = rest.partition(": ")
    return phase, kind, sorted(re.findall(r"\d+", text))
