"""Tells a learner in a sentence what is wrong with a residual block or network.

    >>> from resnet import check
    >>> check.residual(MyResidual)
    MyResidual: The last ReLU stands before the addition: it belongs behind it, or ...

The learner's model and the reference get the same weights and images. Where they differ, the
reference is made wrong in each of the usual ways until it does the same.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import nn

from ..models import Residual, resnet18
from .block_mistakes import BLOCK, Mistake
from .network_mistakes import NETWORK, in_every_block
from .observing import Observation, counted, observe, same

SOMETHING_ELSE = "something else"
# Odd sizes, so that each mistake leaves other numbers; (arguments, settings) of the block.
BLOCK_INPUT = (4, 4, 11, 9)
BLOCK_CALLS = (
    ((4, 4), {}),
    ((4, 6), {"use_1x1conv": True}),
    ((4, 6), {"use_1x1conv": True, "strides": 2}),
)
NETWORK_SIZE = 40


@dataclass(frozen=True)
class Verdict:
    """Whether a model is right; if not, which mistake it has, and the sentence that says so."""

    correct: bool
    mistake: str
    message: str

    def __repr__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Case:
    """One way to build the model: how a learner writes it, what is right, what was observed."""

    call: str
    reference: Callable[[], nn.Module]
    shape: tuple[int, ...]
    observed: Observation


def residual(block: Callable[..., nn.Module]) -> Verdict:
    """What is wrong with a residual block: a class with the signature of the document's `Residual`.

    The block is built without and with its projection, and with strides=2, on the CPU. Names and
    order of its layers are free; where they are those of `Residual`, they must do the same.
    """
    cases = []
    for arguments, settings in BLOCK_CALLS:
        reference = partial(Residual, *arguments, **settings)
        call = _call(_name(block), arguments, settings)
        cases.append(_case(call, reference, BLOCK_INPUT, partial(block, *arguments, **settings)))
    return judge(_name(block), cases, BLOCK)


def network(net: nn.Module, like: nn.Sequential | None = None) -> Verdict:
    """What is wrong with a network, beside the document's `resnet18()` or the network `like`.

    `like` is stem, stages and head of `Residual` blocks, as `models` builds them. The network
    itself stays as it is: a copy gets other weights, on the CPU.
    """
    right = resnet18() if like is None else like
    shape = (4, right[0][0].in_channels, NETWORK_SIZE, NETWORK_SIZE)
    case = _case("the network", partial(deepcopy, right), shape, partial(deepcopy, net))
    return judge("The network", [case], [*NETWORK, *map(in_every_block, BLOCK)])


def judge(name: str, cases: Sequence[Case], mistakes: Iterable[Mistake]) -> Verdict:
    """The mistake that explains every case; else the one that explains the first that differs."""
    rights = [observe(case.reference, case.shape) for case in cases]
    wrong = [index for index, case in enumerate(cases) if not case.observed.equals(rights[index])]
    if not wrong:
        return Verdict(True, "", f"{name} is right.")
    first = wrong[0]
    call = cases[first].call
    if cases[first].observed.failure.endswith("NotImplementedError: "):
        return Verdict(False, SOMETHING_ELSE, f"{call}: it is not written yet.")
    there = None
    for mistake in mistakes:
        if not _explains(mistake, cases[first], rights[first]):
            continue
        rest = [index for index in range(len(cases)) if index != first]
        if all(_explains(mistake, cases[index], rights[index]) for index in rest):
            return Verdict(False, mistake.name, f"{name}: {mistake.sentence}")
        there = there or mistake
    if there is not None:
        message = f"{call}: {there.sentence} That is not all that is wrong."
        return Verdict(False, there.name, message)
    difference = first_difference(cases[first].observed, rights[first])
    which = "" if cases[first].observed.failure else "something else is wrong: "
    return Verdict(False, SOMETHING_ELSE, f"{call}: {which}{difference}")


def first_difference(ours: Observation, theirs: Observation) -> str:
    """The first of failure, tensors, layers, outputs and gradients that differs, in words."""
    if ours.failure:
        phase, _, text = ours.failure.partition(": ")
        return f"{phase} fails with {text}"
    for kind in [*theirs.entries, *ours.entries]:
        count, expected = ours.entries.get(kind, 0), theirs.entries.get(kind, 0)
        if count != expected:
            return f"it has {count} tensors {kind}, expected {expected}."
    for layer, (shape, size) in theirs.traces.items():
        if layer in ours.traces and set(ours.names) <= set(theirs.names):
            our_shape, our_size = ours.traces[layer]
            if our_shape != shape:
                return f"{layer} puts out the shape {our_shape}, expected {shape}."
            if not np.isclose(our_size, size, rtol=1e-3):
                return (
                    f"{layer} is the first layer to differ: the mean size of what it puts out is "
                    f"{our_size:.4f}, expected {size:.4f}."
                )
    for what, expected in theirs.arrays.items():
        if what not in ours.arrays:
            return f"there is no {what}."
        ours_there = ours.arrays[what]
        if ours_there.shape != expected.shape:
            return f"the {what} has the shape {ours_there.shape}, expected {expected.shape}."
        if not same(ours_there, expected):
            gap = np.abs(ours_there - expected) > 1e-3 * np.abs(expected).max()
            place = tuple(int(index) for index in np.argwhere(gap)[0])
            number = f"{ours_there[place]:.4f}, expected {expected[place]:.4f}"
            return f"the {what} differs first at {list(place)}: {number}."
    return "it changes its input."


def _explains(mistake: Mistake, case: Case, right: Observation) -> bool:
    def changed() -> nn.Module:
        model = case.reference()
        mistake.change(model)
        if counted(model) != case.observed.entries:  # such a mistake is not it, and need not run
            raise ValueError("other tensors")
        return model

    named = set(case.observed.names) <= set(right.names)
    effect = observe(changed, case.shape, right.names if named else None)
    return not effect.failure.startswith("building") and case.observed.equals(effect)


def _case(
    call: str,
    reference: Callable[[], nn.Module],
    shape: tuple[int, ...],
    make: Callable[[], nn.Module],
) -> Case:
    names = observe(reference, shape).names
    return Case(call, reference, shape, observe(make, shape, names))


def _name(block: Callable[..., nn.Module]) -> str:
    return getattr(block, "__name__", type(block).__name__)


def _call(name: str, arguments: tuple, settings: dict) -> str:
    words = [*map(str, arguments), *(f"{key}={value}" for key, value in settings.items())]
    return f"{name}({', '.join(words)})"
