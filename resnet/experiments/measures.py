"""What a grid measures in one setting: functions of a `Setting` that return plain numbers."""

import copy
import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.ops import FrozenBatchNorm2d

from .. import probes
from ..data import ImageSet
from ..growing import grow
from ..probes import renew_batch_norm
from ..results import History
from ..runs import chosen_rate
from ..training import TrainingDiverged, batches, evaluate
from .settings import Setting, build, fitted, grid_images, trained

COLUMNS = ("training_loss", "training_error", "validation_loss", "validation_error")
PROBED_IMAGES = 256  # for what is looked at on one batch
GROWN_DEPTH = 56
TRANSFER_IMAGES, TRANSFER_EPOCHS, TRANSFER_RATES = 100, 20, (0.002, 0.01, 0.05, 0.2)
FURTHER = {"epochs": 3, "learning_rate": 0.005}  # as chapter 1 trains a grown network on


def curves(setting: Setting) -> dict[str, Any]:
    """Losses and errors by epoch; the watched part is called what it is, validation or test.

    With `watch` test also the training error once batch norm has gone over all training images
    anew: whether the running averages, and not the weights, are what a deep network lacks.
    """
    try:
        model, history = trained(setting)
    except TrainingDiverged as error:
        return {**_columns(error.history, setting), "diverged": True}
    result = _columns(history, setting)
    if setting.watch == "test" and setting.batch_norm:
        training, _ = grid_images(setting)
        renew_batch_norm(model, training)
        result["renewed_training_error"] = evaluate(model, training).error
    return result


def classes(setting: Setting) -> dict[str, Any]:
    """Curves, and at the end the error in each class of the watched part."""
    model, history = trained(setting)
    _, watched = grid_images(setting)
    parts = {
        name: watched.subset((watched.labels == k).nonzero().flatten())
        for k, name in enumerate(watched.class_names)
    }
    errors = {name: evaluate(model, part).error for name, part in parts.items()}
    return {**_columns(history, setting), "class_error": errors}


def curves_and_responses(setting: Setting) -> dict[str, Any]:
    """Curves, and at the end what each layer answers and how large the features are by then."""
    model, history = trained(setting)
    X, _ = grid_images(setting)[0].batch(slice(PROBED_IMAGES))
    return {
        **_columns(history, setting),
        "responses": rounded(probes.responses(model, X)),
        "forward_scale": rounded(probes.forward_scales(model, X)),
    }


def ends(setting: Setting) -> dict[str, Any]:
    """Losses and errors after the last epoch alone, which takes two fifths less time."""
    try:
        model, _ = trained(setting, scored=False)
    except TrainingDiverged:
        return {"diverged": True}
    return _ended(model, setting)


def ends_by_adam(setting: Setting) -> dict[str, Any]:
    """As `ends`, after training by Adam at a constant rate, without warm-up or weight decay."""
    training, _ = grid_images(setting)
    model = build(setting)
    optimizer = torch.optim.Adam(model.parameters(), setting.learning_rate)
    for epoch in range(setting.epochs):
        order = batches(len(training), setting.batch_size, setting.seed, epoch)
        for X, y in training.batches(order, epoch):
            optimizer.zero_grad()
            F.cross_entropy(model(X), y).backward()
            optimizer.step()
    return _ended(model, setting)


def _ended(model: nn.Module, setting: Setting) -> dict[str, Any]:
    training, watched = (evaluate(model, part) for part in grid_images(setting))
    if not (math.isfinite(training.loss) and math.isfinite(watched.loss)):
        return {"diverged": True}
    return {
        "training_loss": six_digits(training.loss),
        "training_error": training.error,
        f"{setting.watch}_loss": six_digits(watched.loss),
        f"{setting.watch}_error": watched.error,
    }


def _columns(history: History, setting: Setting) -> dict[str, list[float]]:
    return {
        name.replace("validation", setting.watch): list(map(six_digits, history.column(name)))
        for name in COLUMNS
    }


def at_initialisation(setting: Setting) -> dict[str, Any]:
    """Gradients, their correlation and the scale of the features, by layer, before any training."""
    training, _ = grid_images(setting)
    model = build(setting)
    X, y = training.batch(slice(PROBED_IMAGES))
    found = {
        "gradient_norm": rounded(probes.gradient_norms(model, X, y)),
        "forward_scale": rounded(probes.forward_scales(model, X)),
    }
    if setting.batch_norm:
        renew_batch_norm(model, training.subset(slice(PROBED_IMAGES)))
    correlation = probes.gradient_correlation(model, X[:16])
    return {**found, "gradient_correlation": rounded(dict(enumerate(correlation)))}


def solution(setting: Setting) -> dict[str, Any]:
    """A trained network grown to 56 layers that compute the same, beside 56 from random weights.

    `setting` is the shallow network's; the deep one is trained as long from random weights, at the
    rate chosen for it, and then both go on alike. Residual networks also start from zero scales.
    """
    training, _ = grid_images(setting)
    shallow, _ = trained(setting)
    grown = grow(shallow, GROWN_DEPTH, training)
    X, _ = training.batch(slice(PROBED_IMAGES))
    with torch.inference_mode():
        difference = (grown(X) - shallow.eval()(X)).abs().max().item()
    found = {
        "shallow": evaluate(shallow, training).error,
        "grown": evaluate(grown, training).error,
        "largest_difference": six_digits(difference),
        "grown_further": _trained_further(grown, training, setting),
    }
    starts = {"random": setting.block}
    if setting.block == "residual":
        starts["zero_scale"] = "zero-scale"
    for name, block in starts.items():
        rate = chosen_rate("middle-rates", block=block, depth=GROWN_DEPTH, batch_norm=True)
        deep = replace(setting, depth=GROWN_DEPTH, block=block, learning_rate=rate)
        model, history = trained(deep)
        found[f"{name}_learning_rate"] = rate
        found[name] = history.last("training_error")
        found[f"{name}_further"] = _trained_further(model, training, setting)
    return found


def _trained_further(model: nn.Module, training: ImageSet, setting: Setting) -> float:
    return fitted(model, training, setting, **FURTHER).last("training_error")


def transfer(setting: Setting) -> dict[str, Any]:
    """Errors on five classes after training on a few images of them, by start and batch size.

    The start is random weights, or those that `setting` has found on the other five classes; then
    batch norm goes on with the statistics of each batch, or is frozen with those it has. Each rate
    of `TRANSFER_RATES` stands for itself, as a list.
    """
    training, watched = grid_images(setting)
    before, few, watched = (
        _of_classes(training, range(5)),
        _of_classes(training, range(5, 10)).subset(slice(TRANSFER_IMAGES)),
        _of_classes(watched, range(5, 10)),
    )
    pretrained = build(setting)
    fitted(pretrained, before, setting)
    starts = {
        "random": build(setting),
        "pretrained": pretrained,
        "pretrained, frozen": frozen_batch_norm(pretrained),
    }
    found: dict[str, Any] = {"learning_rates": list(TRANSFER_RATES)}
    for (name, start), batch_size in product(starts.items(), (2, 32)):
        errors = found.setdefault(name, {}).setdefault(str(batch_size), [])
        for rate in TRANSFER_RATES:
            model = copy.deepcopy(start)
            settings = {"epochs": TRANSFER_EPOCHS, "learning_rate": rate, "batch_size": batch_size}
            try:
                fitted(model, few, setting, **settings)
                errors.append(evaluate(model, watched).error)
            except TrainingDiverged:
                errors.append(None)
    return found


def _of_classes(images: ImageSet, classes: Iterable[int]) -> ImageSet:
    return images.subset(torch.isin(images.labels, torch.tensor(list(classes))))


def rounded(values: dict) -> dict[str, float]:
    """The same numbers to six digits, with text for keys, as JSON has them."""
    return {str(name): six_digits(value) for name, value in values.items()}


def six_digits(value: float) -> float:
    """More digits than another processor agrees to would only fill the disk."""
    return float(f"{value:.6g}")


def frozen_batch_norm(model: nn.Module) -> nn.Module:
    """A copy of `model` whose batch norms keep their statistics, scales and shifts."""
    frozen = copy.deepcopy(model)
    for name, layer in list(frozen.named_modules()):
        if isinstance(layer, nn.BatchNorm2d):
            fixed = FrozenBatchNorm2d(layer.num_features, layer.eps)
            fixed.load_state_dict(layer.state_dict())
            frozen.set_submodule(name, fixed)
    return frozen
