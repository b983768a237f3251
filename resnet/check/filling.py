"""Weights drawn by the role of each tensor, so that it does not matter what a layer is called.

A role is the k-th layer of a shape in the order of execution, the batch norm behind it, and so on.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

# What torch's functions call their arguments: learners use some of them without a layer.
ARGUMENTS: dict[Callable, tuple[str, ...]] = {
    F.conv2d: ("input", "weight", "bias"),
    F.linear: ("input", "weight", "bias"),
    F.batch_norm: ("input", "running_mean", "running_var", "weight", "bias"),
}


@dataclass
class Use:
    """Tensors, as (name, kind), that run together: whose output they get, and what they put out."""

    members: tuple[tuple[str, str], ...]
    source: "Use | None" = None
    direct: bool = False  # given to a function of torch, so that their kinds are certain
    shape: tuple[int, ...] = ()


class Tracing(TorchFunctionMode):
    """Notes which tensors of a model run in which order, and what the call that fails is given."""

    def __init__(self, model: nn.Module, noted: Callable[[Use, Tensor], None] | None = None):
        super().__init__()
        self.uses: list[Use] = []
        self.unregistered: list[Tensor] = []
        self.slopes: set[float] = set()
        self.types: set[str] = set()
        self.failed: tuple[str, tuple[str, ...], list[Tensor]] | None = None
        self._names = {each.data_ptr(): name for name, each in floating(model)}
        self._model, self._noted, self._hooks = model, noted, []
        self._made: dict[int, tuple[Tensor, Use]] = {}  # tensors are held, so that no id comes back

    def __enter__(self) -> "Tracing":
        for layer, names in layers(self._model).items():
            self._watch(layer, tuple((name, name.rpartition(".")[2]) for name in names))
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        for hook in self._hooks:
            hook.remove()

    def _watch(self, layer: nn.Module, members: tuple[tuple[str, str], ...]) -> None:
        running: list[Use] = []

        def before(layer: nn.Module, inputs: tuple) -> None:
            running.append(Use(members, self._source(inputs[0]) if inputs else None))
            self.uses.append(running[-1])

        def after(layer: nn.Module, inputs: tuple, output: Any) -> None:
            use = running.pop()
            if id(output) not in self._made:  # else a function of torch was seen to make it
                self._note(use, output)

        self._hooks.append(layer.register_forward_pre_hook(before))
        self._hooks.append(layer.register_forward_hook(after))

    def __torch_function__(
        self, function: Callable, types: Iterable, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        use = self._use(function, args, kwargs or {})
        try:
            output = function(*args, **(kwargs or {}))
        except Exception:
            name = getattr(function, "__name__", "")
            members = tuple(name for name, _ in use.members) if use else ()
            given = [each for each in args if isinstance(each, Tensor)]
            self.failed = (name, members, given)
            raise
        if use is not None:
            self._note(use, output)
        return output

    def _use(self, function: Callable, args: tuple, kwargs: dict) -> Use | None:
        if function is F.leaky_relu:
            self.slopes.add(float((*args, kwargs.get("negative_slope", 0.01))[1]))
        if function not in ARGUMENTS:
            return None
        given = dict(zip(ARGUMENTS[function], args, strict=False)) | kwargs
        source = self._source(given.pop("input", None))
        own = {kind: each for kind, each in given.items() if isinstance(each, Tensor)}
        names = {kind: self._names.get(each.data_ptr()) for kind, each in own.items()}
        self.unregistered += [
            each for kind, each in own.items() if not names[kind] and isinstance(each, nn.Parameter)
        ]
        members = tuple((name, kind) for kind, name in names.items() if name)
        if not members:
            return None
        self.uses.append(Use(members, source, direct=True))
        return self.uses[-1]

    def _source(self, given: Any) -> Use | None:
        return self._made.get(id(given), (None, None))[1]

    def _note(self, use: Use, output: Any) -> None:
        if isinstance(output, Tensor):
            use.shape = tuple(output.shape)
            self.types.add(str(output.dtype).removeprefix("torch."))
            self._made[id(output)] = (output, use)
            if self._noted is not None:
                self._noted(use, output)


def floating(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and floating-point buffers, each once, also where two names share one."""
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point():
            yield name, tensor


def layers(model: nn.Module) -> dict[nn.Module, list[str]]:
    """The modules that hold tensors of their own, with the names of these."""
    found: dict[nn.Module, list[str]] = {}
    for name, _ in floating(model):
        found.setdefault(model.get_submodule(name.rpartition(".")[0]), []).append(name)
    return found


def roles(model: nn.Module, uses: Iterable[Use]) -> dict[str, str]:
    """The role of each tensor, by the uses in a forward pass; what never ran comes last."""
    tensors, uses = dict(floating(model)), list(uses)
    certain = {name for use in uses if use.direct for name, _ in use.members}
    unused = [
        Use(tuple((name, name.rpartition(".")[2]) for name in names))
        for names in layers(model).values()
    ]
    found: dict[str, str] = {}
    last, number = "input", {}
    for use in [*uses, *unused]:
        members = [
            (name, kind)
            for name, kind in use.members
            if name not in found and (use.direct or name not in certain)
        ]
        if not members:
            continue
        weight = next((tensors[name] for name, kind in members if kind == "weight"), None)
        if weight is not None and weight.ndim > 1:
            place = last = _numbered(f"layer {tuple(weight.shape)}", number)
        else:
            place = _numbered(f"behind {_origin(use, found) or last}", number)
        found |= {name: f"{place}: {kind}" for name, kind in members}
    return found


def _origin(use: Use, found: Mapping[str, str]) -> str:
    """The layer with kernels whose output a batch norm gets, whatever ran in between."""
    name = use.source.members[0][0] if use.source else ""
    place = place_of(found.get(name, ""))
    return place if place.startswith("layer") else ""


def _numbered(what: str, number: dict[str, int]) -> str:
    number[what] = number.get(what, 0) + 1
    return f"{what} number {number[what]}"


def place_of(role: str) -> str:
    """The layer of a role, without the kind of its tensor."""
    return role.rpartition(": ")[0]


def is_weight(role: str) -> bool:
    """Whether a tensor of this role is learned, and no statistic."""
    return not role.rpartition(": ")[2].startswith("running")


@torch.no_grad()
def fill(model: nn.Module, roles: Mapping[str, str]) -> None:
    """Draws all weights and statistics from their roles; counters of batches go back to zero."""
    for name, tensor in floating(model):
        tensor.copy_(drawn(roles[name], roles[name].rpartition(": ")[2], tuple(tensor.shape)))
    for name, tensor in model.named_buffers():
        if name.endswith("num_batches_tracked"):
            tensor.zero_()


@lru_cache(maxsize=200)  # a network is filled many times; `drawn.cache_clear` frees the memory
def drawn(role: str, kind: str, shape: tuple[int, ...]) -> Tensor:
    """Weights by He's rule; scales and variances of 0.5 to 1.5, so that none hides a difference."""
    values = normal(role, shape)
    if len(shape) > 1:
        return values * (2 / values[0].numel()) ** 0.5
    if kind in ("weight", "running_var"):
        return 0.5 + torch.special.ndtr(values)
    return values * 0.3


def normal(role: str, shape: tuple[int, ...]) -> Tensor:
    """Normal numbers that are the same for the same role and shape."""
    generator = torch.Generator().manual_seed(zlib.crc32(f"{role} {shape}".encode()))
    return torch.randn(shape, generator=generator, dtype=torch.float32, device="cpu")
