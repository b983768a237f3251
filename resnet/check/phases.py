"""One look at a model in one mode: outputs, gradients, statistics, and what its layers put out."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .filling import Tracing, Use, floating, is_weight, normal, place_of

EVAL, TRAIN, AFTER = "eval mode", "train mode", "eval mode after a step"
GRADIENT = "gradient of "
Traces = Mapping[str, tuple[tuple[int, ...], float]]


class Different(Exception):
    """A candidate does something else than what it should explain: it need not run to its end."""


def run(
    model: nn.Module,
    phase: str,
    X: Tensor,
    roles: Mapping[str, str],
    seen: dict[str, Any],
    expected: Traces | None = None,
) -> None:
    """Adds to `seen` what a filled model does in a phase; where it fails, what was seen until then.

    Raises Different where a layer puts out something else than `expected`.
    """
    training = phase == TRAIN
    model.train(training)
    if phase == AFTER:
        _shrink_variances(model, roles)
    traces: dict[str, tuple[tuple[int, ...], float]] = {}
    tracing = Tracing(model, _followed(traces, roles, expected or {}) if phase == EVAL else None)
    with torch.set_grad_enabled(training):
        leaf = X.clone().requires_grad_(training)
        given = leaf * 1  # not a leaf, so that a change in place is seen and does not stop the run
        try:
            with tracing:
                output = model(given)
        finally:
            seen["call"] = tracing.failed
            if phase == EVAL:
                seen |= {"traces": traces, "types": frozenset(tracing.types)}
        if not isinstance(output, Tensor):
            raise TypeError(f"forward returns a {type(output).__name__}, not a tensor")
        seen["forms"][phase] = (tuple(output.shape), str(output.dtype).removeprefix("torch."))
        seen["arrays"][f"output in {phase}"] = output.detach().float().numpy().copy()
        if phase == EVAL:
            seen["input_changed"] = not torch.equal(given, X)
        if training:
            seen["arrays"] |= _gradients(model, output.float(), leaf, roles)
            seen["arrays"] |= _statistics(model, roles)


def _followed(
    traces: dict[str, tuple[tuple[int, ...], float]],
    roles: Mapping[str, str],
    expected: Traces,
) -> Callable[[Use, Tensor], None]:
    """Notes what each layer puts out first; ends a candidate that does not do what is expected."""

    def noted(use: Use, output: Tensor) -> None:
        place = place_of(roles[use.members[0][0]])
        if place in traces:
            return
        traces[place] = use.shape, float(output.detach().abs().mean())
        shape, size = expected.get(place, traces[place])
        if shape != use.shape or abs(size - traces[place][1]) > 0.01 * size:
            raise Different

    return noted


def _gradients(
    model: nn.Module, output: Tensor, leaf: Tensor, roles: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Gradients of the input and of each layer: its weights and biases in one array.

    In one, because a bias in front of a batch norm has none but for rounding.
    """
    weights = {roles[name]: each for name, each in floating(model) if is_weight(roles[name])}
    wanted = [leaf, *(each for each in weights.values() if each.requires_grad)]
    loss = (output * normal("gradient", tuple(output.shape))).sum()
    given = torch.autograd.grad(loss, wanted, allow_unused=True) if loss.requires_grad else ()
    by_tensor = {id(each): gradient for each, gradient in zip(wanted, given, strict=False)}

    def of(tensor: Tensor) -> np.ndarray:
        gradient = by_tensor.get(id(tensor))
        return (torch.zeros_like(tensor) if gradient is None else gradient).detach().numpy()

    layers: dict[str, list[np.ndarray]] = {}
    for role in sorted(weights):
        layers.setdefault(place_of(role), []).append(of(weights[role]).ravel())
    gradients = {f"{GRADIENT}{place}": np.concatenate(parts) for place, parts in layers.items()}
    return {"gradient of the input": of(leaf)} | gradients


def _statistics(model: nn.Module, roles: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Running means and variances after a step, and how many batches they saw."""
    statistics = {}
    for name, buffer in model.named_buffers():
        layer, _, kind = name.rpartition(".")
        if name in roles and not is_weight(roles[name]):
            statistics[f"{kind} of {place_of(roles[name])}"] = buffer.numpy().copy()
        elif kind == "num_batches_tracked" and f"{layer}.running_mean" in roles:
            place = place_of(roles[f"{layer}.running_mean"])
            statistics[f"{kind} of {place}"] = buffer.numpy().astype("float32")
    return statistics


@torch.no_grad()
def _shrink_variances(model: nn.Module, roles: Mapping[str, str]) -> None:
    """Variances so small that epsilon shows, and scales that keep the size of the output."""
    for name, tensor in floating(model):
        if roles[name].endswith(": running_var"):
            tensor *= 1e-4
        elif roles[name].endswith(": weight") and tensor.ndim == 1:
            tensor *= 1e-2
