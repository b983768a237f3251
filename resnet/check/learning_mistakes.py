"""Mistakes of a residual block that leave its layers in place: activations, gradients, precision.

The last functions make a mistake out of what was seen of a learner's model: factors, momentum and
the like have no usual wrong values. Each is tried like the others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import changes
from .changes import branch, first_half, forward, sums
from .filling import is_weight, place_of
from .mistakes import Mistake, told
from .observing import Observation, built, prepare, quiet
from .phases import EVAL, GRADIENT

LEARNING = told(
    (
        ("shortcut without gradient", sums(lambda Y, S: F.relu(Y + S.detach()))),
        (
            "input of the shortcut without gradient",
            forward(lambda block, X: F.relu(block.residual(X) + block.shortcut(X.detach()))),
        ),
        ("branch without gradient", sums(lambda Y, S: F.relu(Y.detach() + S))),
        (
            "input of the branch without gradient",
            forward(lambda block, X: F.relu(block.residual(X.detach()) + block.shortcut(X))),
        ),
        (
            "no gradient through the first convolution",
            branch(
                lambda block, X: block.bn2(block.conv2(F.relu(block.bn1(block.conv1(X).detach()))))
            ),
        ),
        (
            "no gradient through the first half of the branch",
            branch(lambda block, X: block.bn2(block.conv2(first_half(block, X).detach()))),
        ),
        (
            "no gradient through the second convolution",
            branch(lambda block, X: block.bn2(block.conv2(first_half(block, X)).detach())),
        ),
        ("no gradient at all", sums(lambda Y, S: F.relu(Y + S).detach())),
        ("batch norm always in train mode", partial(changes.statistics, training=True)),
        ("batch norm always in eval mode", partial(changes.statistics, training=False)),
        ("batch norm without running statistics", changes.no_running_statistics),
        ("average instead of sum", changes.scaled(0.5, 0.5)),
    )
)

PRECISIONS = tuple(
    Mistake(
        f"{name} inside {part}",
        f"The block computes in {name} by itself (autocast): leave the precision to whoever trains "
        "the network.",
        changes.computing_in(kind, part),
    )
    for kind, name in ((torch.bfloat16, "bfloat16"), (torch.float16, "float16"))
    for part in changes.AUTOCAST
)


@lru_cache
def activations(slopes: frozenset[float]) -> tuple[Mistake, ...]:
    """Other activations than ReLU: everywhere, in the branch, after the addition."""
    others: dict[str, changes.Activation] = {"ReLU6": F.relu6}
    for slope in sorted({0.01, 0.1, 0.2, *slopes}):
        others[f"leaky ReLU of slope {slope:g}"] = lambda Y, slope=slope: F.leaky_relu(Y, slope)
    others |= {"GELU": F.gelu, "SiLU": F.silu, "ELU": F.elu, "tanh": torch.tanh}
    others |= {"a sigmoid": torch.sigmoid}
    mistakes = []
    for name, other in others.items():
        for place, first, last in (
            ("both activations are", other, other),
            ("the first activation is", other, F.relu),
            ("the last activation is", F.relu, other),
        ):
            sentence = f"{place[0].upper()}{place[1:]} {name}: a residual block has ReLU."
            change = partial(changes.activations, first=first, last=last)
            mistakes.append(Mistake(f"{place} {name}", sentence, change))
    return tuple(mistakes)


def suspected(seen: Observation, right: Observation) -> Iterator[Mistake]:
    """The mistakes that this very observation suggests, each with a name for its kind."""
    names = {role: name for name, role in right.roles.items()}
    yield from _frozen(seen, names)
    yield from _dead(seen, right, names)
    yield from _norms(seen, right, names)


def _frozen(seen: Observation, names: Mapping[str, str]) -> Iterator[Mistake]:
    if not seen.frozen or not seen.frozen <= set(names):
        return
    learning = [role for role in names if is_weight(role) and role not in seen.frozen]
    own = [name for name, role in seen.roles.items() if role in seen.frozen]
    what = f"{listed(own)} {'is' if len(own) == 1 else 'are'}" if learning else "All parameters are"
    yield Mistake(
        "frozen parameters",
        f"{what} frozen (requires_grad=False): no optimiser changes what is frozen.",
        partial(changes.frozen, names=[names[role] for role in sorted(seen.frozen)]),
    )


def _dead(seen: Observation, right: Observation, names: Mapping[str, str]) -> Iterator[Mistake]:
    """Layers to which no gradient comes, while others get theirs."""
    dead = unreached(seen, right)
    if dead:
        parameters = [
            name for role, name in names.items() if place_of(role) in dead and is_weight(role)
        ]
        yield Mistake(
            "no gradient into a layer",
            f"No gradient reaches {listed(layer_names(seen, dead))} (detach, .data or no_grad): "
            "its weights never change.",
            partial(changes.without_gradient, names=parameters),
        )


def unreached(seen: Observation, right: Observation) -> list[str]:
    """The layers that get no gradient where they should."""
    places = [key.removeprefix(GRADIENT) for key in right.arrays if key.startswith(GRADIENT)]
    return [
        place
        for place in places
        if right.arrays[GRADIENT + place].any()
        and not seen.arrays.get(GRADIENT + place, np.ones(1)).any()
    ]


def layer_names(seen: Observation, places: Iterable[str]) -> list[str]:
    """What the learner calls these layers."""
    own = {place_of(role): name.rpartition(".")[0] or name for name, role in seen.roles.items()}
    return [own.get(place, place) for place in places]


def _norms(seen: Observation, right: Observation, names: Mapping[str, str]) -> Iterator[Mistake]:
    """Other momentum and epsilon than torch's."""
    other = {
        place: settings
        for place, settings in seen.norms.items()
        if place in right.norms and settings != right.norms[place]
    }
    if not other:
        return
    layers = {place_of(role): name.rpartition(".")[0] for role, name in names.items()}
    sentences = []
    for index, what in enumerate(("momentum", "epsilon")):
        values: dict[object, list[str]] = {}
        for place, settings in other.items():
            if settings[index] != right.norms[place][index]:
                values.setdefault(settings[index], []).append(place)
        for value, places in values.items():
            whose = "" if len(places) == len(right.norms) else listed(layer_names(seen, places))
            usual = right.norms[places[0]][index]
            sentences.append(
                f"Batch norm's {what}{f' of {whose}' if whose else ''} is {_number(value)}, "
                f"expected {_number(usual)}."
            )
    yield Mistake(
        "batch norm's settings",
        " ".join(sentences),
        partial(
            changes.norms,
            settings={layers[place]: settings for place, settings in other.items()},
        ),
    )


def fitted(
    make: Callable[[], nn.Module], X: Tensor, seen: Observation, right: Observation
) -> Iterator[Mistake]:
    """The factors of branch and shortcut by least squares, where the sum is positive."""
    output = seen.arrays.get("output in eval mode")
    if right.forms.get(EVAL) != seen.forms.get(EVAL) or not np.isfinite(output).all():
        return
    with quiet(), torch.no_grad():
        model = built(make)
        prepare(model, X, right.roles)
        parts = [part(X).numpy() for part in (model.eval().residual, model.shortcut)]
    positive = output > 0
    columns = np.stack([part[positive] for part in parts], axis=1).astype("float64")
    if len(columns) > 10:
        branch, skip = np.linalg.lstsq(columns, output[positive].astype("float64"), rcond=None)[0]
        yield scaled(float(f"{branch:.4g}"), float(f"{skip:.4g}"))


def scaled(branch: float, skip: float) -> Mistake:
    """A sum with factors."""
    return Mistake(
        "scaled sum",
        f"What is added is {branch:g} times the branch and {skip:g} times the shortcut: a residual "
        "block adds both as they are.",
        changes.scaled(branch, skip),
    )


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def listed(words: Sequence[str]) -> str:
    """Words with commas and an "and", and at most six of them."""
    if len(words) > 6:
        words = [*words[:5], f"{len(words) - 5} more"]
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
