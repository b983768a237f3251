"""Tells a learner in a sentence what is wrong with a residual block or network.

    >>> from resnet import check
    >>> check.residual(MyResidual)
    MyResidual: The last ReLU stands before the addition: it belongs behind it, or ...

The learner's model and the reference get the same weights and images. Where they differ, the
reference is made wrong in each of the usual ways until it does the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import nn

from ..models import Residual, resnet18
from .block_mistakes import BLOCK
from .differences import first_difference
from .filling import drawn
from .learning_mistakes import LEARNING, PRECISIONS, activations, fitted, scaled, suspected
from .mistakes import Mistake
from .network_mistakes import NETWORK, in_every_block
from .observing import Observation, counted, images, observe, quiet

SOMETHING_ELSE = "something else"
# Odd sizes, so that each mistake leaves other numbers.
BLOCK_INPUT = (4, 4, 11, 9)
BLOCKS = (
    partial(Residual, 4, 4),
    partial(Residual, 4, 6, use_1x1conv=True),
    partial(Residual, 4, 6, use_1x1conv=True, strides=2),
)
NETWORK_SIZE = 40
FACTORS = ((1, 0.5), (0.5, 1), (1, 0.1), (0.1, 1), (1, 2), (2, 1))  # of branch and shortcut


@dataclass(frozen=True)
class Verdict:
    """Whether a model is right; if not, which mistake it has, and the sentence that says so."""

    correct: bool
    mistake: str
    message: str

    def __repr__(self) -> str:
        return self.message


@dataclass(frozen=True, eq=False)
class Case:
    """One way to build the model: how a learner writes it, what is right, what was observed."""

    call: str
    reference: Callable[[], nn.Module]
    shape: tuple[int, ...]
    right: Observation
    observed: Observation

    def explained_by(self, mistake: Mistake) -> bool:
        """Whether the reference with this mistake does all that was observed."""
        named = set(self.observed.roles) <= set(self.right.roles)
        if self.reference in BLOCKS:
            if _tensors(self.reference, mistake) != self.observed.entries:
                return False
            effect = _effect(self.reference, mistake, named)
        else:
            names = self.right.roles if named else None
            make = partial(_changed, self.reference, mistake, self.observed.entries)
            effect = observe(make, self.shape, names, beside=self.observed)
        return not effect.failure.startswith("building") and self.observed.equals(effect)


def _changed(
    reference: Callable[[], nn.Module],
    mistake: Mistake,
    entries: Mapping[str, int] | None = None,
) -> nn.Module:
    model = reference()
    mistake.change(model)
    if entries is not None and counted(model) != entries:  # it is not this, and need not run
        raise ValueError("other tensors")
    return model


# What a block does with a mistake is the same for all learners, and whoever mends asks again.
@lru_cache(maxsize=1000)
def _tensors(reference: Callable[[], nn.Module], mistake: Mistake) -> dict[str, int]:
    try:
        with quiet():
            return counted(_changed(reference, mistake))
    except Exception:  # what is suspected of one call need not be possible in another
        return {"none": 0}


@lru_cache(maxsize=1000)
def _effect(reference: Callable[[], nn.Module], mistake: Mistake, named: bool) -> Observation:
    names = _right(reference).roles if named else None
    return observe(partial(_changed, reference, mistake), BLOCK_INPUT, names)


@lru_cache
def _right(reference: Callable[[], nn.Module]) -> Observation:
    return observe(reference, BLOCK_INPUT)


def residual(block: Callable[..., nn.Module]) -> Verdict:
    """What is wrong with a residual block: a class with the signature of the document's `Residual`.

    The block is built without and with its projection, and with strides=2, on the CPU. Names and
    order of its layers are free; where they are those of `Residual`, they must do the same.
    """
    cases = []
    for reference in BLOCKS:
        call = _call(_name(block), reference.args, reference.keywords)
        right, make = _right(reference), partial(block, *reference.args, **reference.keywords)
        observed = observe(make, BLOCK_INPUT, right.roles)
        cases.append(Case(call, reference, BLOCK_INPUT, right, observed))

    def mistakes(case: Case) -> Iterator[Mistake]:
        yield from suspected(case.observed, case.right)
        yield from _in_blocks(case)
        yield from fitted(case.reference, images(case.shape), case.observed, case.right)

    return judge(_name(block), cases, mistakes)


@torch.inference_mode(False)
def network(net: nn.Module, like: nn.Sequential | None = None) -> Verdict:
    """What is wrong with a network, beside the document's `resnet18()` or the network `like`.

    `like` is stem, stages and head of `Residual` blocks, as `models` builds them. The network
    itself stays as it is: a copy gets other weights, on the CPU.
    """
    right = deepcopy(resnet18() if like is None else like)
    shape = (4, right[0][0].in_channels, NETWORK_SIZE, NETWORK_SIZE)
    reference = partial(_light_copy, right)
    does = observe(reference, shape)
    observed = observe(partial(deepcopy, net), shape, does.roles)
    case = Case("the network", reference, shape, does, observed)

    def mistakes(case: Case) -> Iterator[Mistake]:
        yield from suspected(case.observed, case.right)
        scales = (scaled(*factors) for factors in FACTORS)
        yield from (*NETWORK, *map(in_every_block, (*_in_blocks(case), *scales)))

    try:
        return judge("The network", [case], mistakes)
    finally:
        drawn.cache_clear()


def _in_blocks(case: Case) -> Iterator[Mistake]:
    """What may be wrong with a block, in the order of likelihood."""
    yield from (*BLOCK, *LEARNING, *activations(case.observed.slopes))
    if case.observed.types - case.right.types:
        yield from PRECISIONS


def _light_copy(net: nn.Module) -> nn.Module:
    """A copy that shares the tensors: each candidate fills them anew and is looked at alone."""
    twin = copy(net)
    for kind in ("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks"):
        setattr(twin, kind, getattr(net, kind).copy())
    for name, child in net.named_children():
        twin._modules[name] = _light_copy(child)
    return twin


def judge(
    name: str, cases: Sequence[Case], mistakes: Callable[[Case], Iterable[Mistake]]
) -> Verdict:
    """The mistake that explains all that is wrong; else one for each case, or what differs first.

    `mistakes` gives those that a case may have, in the order in which they are tried. Without a
    name the sentence begins with the calls that are wrong.
    """
    right = [case for case in cases if case.observed.equals(case.right)]
    wrong = [case for case in cases if case not in right]
    if not wrong:
        return Verdict(True, "", f"{name} is right.")
    first, *others = wrong
    if first.observed.failure.endswith("NotImplementedError: "):
        return Verdict(False, SOMETHING_ELSE, f"{first.call}: it is not written yet.")
    found: tuple[Mistake, list[Case]] | None = None
    for mistake in mistakes(first):
        if not first.explained_by(mistake):
            continue
        same = [_same(mistake, case, mistakes) for case in others]
        if None not in same:
            everywhere = name and all(_same(mistake, case, mistakes) for case in right)
            where = name if everywhere else " and ".join(case.call for case in wrong)
            return Verdict(False, mistake.name, f"{where}: {[mistake, *same][-1].sentence}")
        rest = [case for case, also in zip(others, same, strict=True) if also is None]
        found = found or (mistake, rest)
    if found is not None:
        mistake, rest = found
        message = f"{first.call}: {mistake.sentence} {judge('', rest, mistakes).message}"
        return Verdict(False, mistake.name, message)
    which = "" if first.observed.failure else "something else is wrong: "
    difference = first_difference(first.observed, first.right)
    return Verdict(False, SOMETHING_ELSE, f"{first.call}: {which}{difference}")


def _same(
    mistake: Mistake, case: Case, mistakes: Callable[[Case], Iterable[Mistake]]
) -> Mistake | None:
    """The mistake of that name in another case, where it explains that one as well."""
    for other in mistakes(case):
        if other.name == mistake.name and case.explained_by(other):
            return other
    return None


def _name(block: Callable[..., nn.Module]) -> str:
    return getattr(block, "__name__", type(block).__name__)


def _call(name: str, arguments: tuple, settings: dict) -> str:
    words = [*map(str, arguments), *(f"{key}={value}" for key, value in settings.items())]
    return f"{name}({', '.join(words)})"
