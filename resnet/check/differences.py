"""The first property in which a learner's model differs from the right one, in words."""

from collections.abc import Iterator

import numpy as np

from .learning_mistakes import layer_names, listed, unreached
from .observing import Observation, same
from .phases import EVAL, GRADIENT


def first_difference(ours: Observation, theirs: Observation) -> str:
    """Failure, tensors, shape, outputs in eval and train mode, gradients, statistics: the first."""
    return next(_differences(ours, theirs), "it changes its input.")


def _differences(ours: Observation, theirs: Observation) -> Iterator[str]:
    if ours.failure:
        phase, _, text = ours.failure.partition(": ")
        yield f"{phase} fails: {ours.sentence}" if ours.sentence else f"{phase} fails with {text}"
    if ours.unregistered:
        yield (
            f"a layer with weights of shape {ours.unregistered[0]} runs that the module does not "
            "know of: make it an attribute, or keep it in nn.Sequential or nn.ModuleList."
        )
    for kind in [*theirs.entries, *ours.entries]:
        count, expected = ours.entries.get(kind, 0), theirs.entries.get(kind, 0)
        if count != expected:
            yield f"of tensors {kind} it has {count}, expected {expected}."
    if ours.types - theirs.types:
        yield (
            f"it computes in {listed(sorted(ours.types - theirs.types))}: precision is chosen "
            "outside of it (torch.autocast)."
        )
    for phase, (shape, kind) in theirs.forms.items():
        our_shape, our_kind = ours.forms[phase]
        if our_shape != shape:
            yield f"the output in {phase} has the shape {our_shape}, expected {shape}."
        if our_kind != kind:
            yield f"the output in {phase} is {our_kind}, expected {kind}."
    for what in theirs.arrays:
        yield from _of_array(what, ours, theirs)


def _of_array(what: str, ours: Observation, theirs: Observation) -> Iterator[str]:
    kind, _, place = what.partition(" of ")
    (layer,) = layer_names(ours, [place])
    if what.startswith(GRADIENT) and ours.frozen != theirs.frozen:
        frozen = [name for name, role in ours.roles.items() if role in ours.frozen]
        yield f"what does not learn (requires_grad=False) is {listed(frozen or ['nothing'])}."
    if what not in ours.arrays:
        yield f"there is no {kind} of {layer}."
    elif place in unreached(ours, theirs):
        yield f"no gradient reaches {layer}."
    elif not same(ours.arrays[what], theirs.arrays[what]):
        name = f"{kind} of {layer}" if place else what
        gap = _gap(ours.arrays[what], theirs.arrays[what])
        changes = " It also changes its input." if ours.input_changed else ""
        first = _first_layer(ours, theirs) if what == f"output in {EVAL}" else ""
        yield f"the {name} differs {gap}.{first}{changes}"


def _gap(ours: np.ndarray, theirs: np.ndarray) -> str:
    """The largest difference, and where it is."""
    place = np.unravel_index(np.argmax(np.abs(ours - theirs)), theirs.shape)
    where = f", at {[int(index) for index in place]}" if place else ""
    return (
        f"by up to {abs(ours[place] - theirs[place]):.4g}{where}: {ours[place]:.4f}, expected "
        f"{theirs[place]:.4f}"
    )


def _first_layer(ours: Observation, theirs: Observation) -> str:
    """The first layer, in the order in which the learner's run, that puts out something else."""
    for place, (shape, size) in ours.traces.items():
        (layer,) = layer_names(ours, [place])
        expected_shape, expected = theirs.traces.get(place, (shape, size))
        if shape != expected_shape:
            return f" {layer} puts out the shape {shape}, expected {expected_shape}."
        if not np.isclose(size, expected, rtol=1e-3):
            return (
                f" {layer} is the first layer to differ: the mean size of what it puts out is "
                f"{size:.4f}, expected {expected:.4f}."
            )
    return ""
