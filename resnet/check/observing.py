"""What a block or a network does on known weights and images, as plain data that can be compared.

Weights are drawn anew for each tensor from its role, as `filling` says. So two implementations of
the same thing give equal observations, whatever their layers are called and in whatever order they
were written down.
"""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from .failures import explained, fingerprint
from .filling import Tracing, fill, floating, is_weight, normal, place_of, roles
from .phases import AFTER, EVAL, TRAIN, Different, run

TOLERANCE = 1e-3
NORMS = nn.modules.batchnorm._NormBase


@dataclass(frozen=True)
class Observation:
    """What was seen of a model; `failure` says in which phase and how it failed, or is empty.

    `sentence` explains the failure where that can be known. `entries` counts the parameters and
    buffers by kind and shape, `roles` are theirs by name, `frozen` those that do not learn.
    `forms` are shape and type of the outputs; `arrays` holds outputs, gradients and statistics;
    `traces` shape and mean size of what each layer puts out in eval mode, also where the model
    fails behind it. `norms` (momentum and epsilon by layer), `slopes` (of leaky ReLUs), `types`
    and `unregistered` (shapes of weights) are what a mistake may be suspected from.
    """

    failure: str = ""
    sentence: str = ""
    entries: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    forms: Mapping[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    traces: Mapping[str, tuple[tuple[int, ...], float]] = field(default_factory=dict)
    norms: Mapping[str, tuple[float | None, float]] = field(default_factory=dict)
    slopes: frozenset[float] = frozenset()
    types: frozenset[str] = frozenset()
    unregistered: tuple[str, ...] = ()
    input_changed: bool = False

    def maps(self) -> list[tuple[str, tuple[int, ...]]]:
        """The shapes that the layers with weights put out, whatever the order."""
        return sorted(
            (place, shape) for place, (shape, _) in self.traces.items() if place.startswith("layer")
        )

    def equals(self, other: "Observation") -> bool:
        """The same tensors, outputs, gradients, statistics and, where both fail, kind of failure.

        Texts of failures differ between `X + Y` and `Y + X`; their numbers do not.
        """
        if fingerprint(self.failure) != fingerprint(other.failure):
            return False
        if self.failure and self.maps() != other.maps():
            return False
        exact = ("entries", "unregistered", "frozen", "forms", "input_changed")
        if any(getattr(self, name) != getattr(other, name) for name in exact):
            return False
        return self.arrays.keys() == other.arrays.keys() and self.agrees(other.arrays)

    def agrees(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Whether these arrays, not necessarily all, are those that were seen here."""
        return all(key in self.arrays and same(self.arrays[key], arrays[key]) for key in arrays)


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
    beside: Observation | None = None,
) -> Observation:
    """Builds a model and looks at it in eval mode, in train mode, and in eval mode again.

    `shape` is that of the input batch. Where all tensors have names of `names`, these give the
    roles, so that a swap of two layers with given names shows. With `beside` it ends as soon as
    the model does something else. The random state stays as it was.
    """
    seen: dict = {"arrays": {}, "forms": {}}
    phase = "building"
    with quiet() as interrupts:
        try:
            model = built(make)
            X = images(shape)
            phase = EVAL
            seen |= prepare(model, X, names or {}, candidate=beside is not None)
            for phase in (EVAL, TRAIN, AFTER):
                run(model, phase, X, seen["roles"], seen, beside.traces if beside else None)
                if beside and not beside.agrees(seen["arrays"]):
                    raise Different
        except Different:
            seen["failure"] = f"{phase}: Different"
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # a learner's code may leave
            if interrupts:
                raise
            text = str(error).partition("\n")[0].strip()
            seen["failure"] = f"{phase}: {type(error).__name__}: {text}"
            seen["sentence"] = explained(error, seen.pop("call", None))
    seen.pop("call", None)
    return Observation(**seen)


@contextmanager
def quiet() -> Iterator[list[int]]:
    """Random state and autocast as if nobody had set them; the interrupts that the user sends."""
    interrupts: list[int] = []
    usual = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: object) -> None:
        interrupts.append(number)
        if callable(usual):
            usual(number, frame)

    with torch.random.fork_rng(devices=[]), ExitStack() as end:
        end.enter_context(torch.autocast("cpu", enabled=False))
        end.enter_context(torch.inference_mode(False))
        if usual is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, note)
            end.callback(signal.signal, signal.SIGINT, usual)
        torch.default_generator.manual_seed(0)  # the CPU's alone: others stay untouched
        yield interrupts


def images(shape: tuple[int, ...]) -> Tensor:
    """Normal numbers, and so large that a ReLU6 shows."""
    return 3 * normal("input", shape)


def built(make: Callable[[], nn.Module]) -> nn.Module:
    """The model on the CPU in float32."""
    model = make()
    if not isinstance(model, nn.Module):
        raise TypeError(f"a {type(model).__name__}, not an nn.Module")
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError("a scripted module, whose layers cannot be followed")
    return getattr(model, "_orig_mod", model).cpu().float()  # what torch.compile was given


def counted(model: nn.Module) -> dict[str, int]:
    """How many parameters and floating-point buffers of each kind and shape a model has."""
    return _count(model, {name: name.rpartition(".")[2] for name, _ in floating(model)})


def _count(model: nn.Module, kinds: Mapping[str, str]) -> dict[str, int]:
    tensors = floating(model)
    return dict(Counter(f"{kinds[name]} {tuple(tensor.shape)}" for name, tensor in tensors))


def prepare(
    model: nn.Module, X: Tensor, names: Mapping[str, str], candidate: bool = True
) -> dict[str, Any]:
    """Draws the weights of a model; returns what an observation says of its tensors.

    Roles are the given ones where all names are known, else by the order of execution. A candidate
    with known names need not run for that.
    """
    if any(is_lazy(parameter) for parameter in model.parameters()):
        model.eval()(X.clone())
    own = [name for name, _ in floating(model)]
    known = set(own) <= set(names)
    tracing = Tracing(model)
    if not (candidate and own and known):
        with suppress(Exception), torch.no_grad(), tracing:  # it comes again in the first phase
            model.eval()(X[:2].clone())
    found = {name: names[name] for name in own} if known else roles(model, tracing.uses)
    fill(model, found)
    learning = {found[name] for name, each in model.named_parameters() if each.requires_grad}
    norms = {
        place_of(found[f"{name}.running_mean"]): (layer.momentum, layer.eps)
        for name, layer in model.named_modules()
        if isinstance(layer, NORMS) and f"{name}.running_mean" in found
    }
    return {
        "roles": found,
        "entries": _count(model, {name: role.rpartition(": ")[2] for name, role in found.items()}),
        "frozen": frozenset(filter(is_weight, found.values())) - learning,
        "norms": norms,
        "slopes": frozenset(tracing.slopes),
        "unregistered": tuple(sorted(str(tuple(each.shape)) for each in tracing.unregistered)),
    }
