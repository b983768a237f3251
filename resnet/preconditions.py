"""One clear sentence, before any work, for settings and images that cannot be trained with."""

import math
import sys
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor, nn

from .data import DataError, ImageSet

LEAST = {
    "epochs": 1,
    "batch_size": 2,
    "processes": 1,
    "accumulation": 1,
    "checkpoint_every": 1,
    "metrics": 1,
    "workers": 1,
    "image_size": 1,
    "resize": 1,
    "depth": 1,
}
FINITE = sys.float_info.max
SEEDS = 2**62  # torch takes 64 bits, and the seed of each epoch is made of this one


def check_settings(settings: Mapping[str, Any], called: Callable[[str], str] = str) -> None:
    """ValueError with one sentence for settings that cannot be trained with.

    What is missing or None was not asked for. `called` turns a keyword into what the user knows it
    by, such as an option.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    for name in LEAST.keys() & given.keys():
        reason = " for batch norm" if name == "batch_size" else ""
        words = f"at least {LEAST[name]}{reason}"
        _hold(called(name), given[name], words, Integral, LEAST[name])
    warm_up = ("from 0 to 1", 1)
    if str(given.get("schedule")).lower().startswith("steps"):
        warm_up = ("zero or more epochs", FINITE)
    for name, words, least, most in (
        ("learning_rate", "a positive number", math.ulp(0.0), FINITE),
        ("weight_decay", "zero or a positive number", 0, FINITE),
        ("warm_up", warm_up[0], 0, warm_up[1]),
        ("most_bad", "from 0 to 1", 0, 1),
        ("most_megapixels", "a positive number", math.ulp(0.0), FINITE),
    ):
        if name in given:
            _hold(called(name), given[name], words, Real, least, most)
    if "seed" in given:
        _hold(called("seed"), given["seed"], "a number of at most 62 bits", Integral, -SEEDS, SEEDS)
    if given.get("resize", math.inf) < given.get("image_size", 1):
        raise ValueError(
            f"{called('resize')} must be at least {called('image_size')}, {given['image_size']}, "
            f"not {given['resize']}"
        )
    _check_parts(given, called)


def _hold(
    called: str, value: Any, words: str, kind: type, least: float, most: float = FINITE
) -> None:
    if not isinstance(value, kind):
        words = f"{'a whole number' if kind is Integral else 'a number'}, {words}"
    elif least <= value <= most:
        return
    raise ValueError(f"{called} must be {words}, not {value}")


def _check_parts(given: Mapping[str, Any], called: Callable[[str], str]) -> None:
    batch_size, processes, accumulation = (
        given.get(name, default)
        for name, default in (("batch_size", 2), ("processes", 1), ("accumulation", 1))
    )
    parts = processes * accumulation
    if batch_size % parts or batch_size < 2 * parts:
        raise ValueError(
            f"{called('batch_size')} must give {processes} processes with {accumulation} passes "
            f"each as many images, two or more, and {batch_size} does not: "
            f"take a multiple of {parts}"
        )


def check_data(
    model: nn.Module, training: ImageSet, validation: ImageSet | None, parts: int = 1
) -> None:
    """DataError with one sentence where `model` cannot be trained and validated on these images."""
    for images in (training, validation):
        if images is not None:
            check_images(model, images)
    if len(training) < 2:
        raise DataError("training needs two images or more, because batch norm does")
    if len(training) < 2 * parts:
        raise DataError(f"{len(training)} training images are too few for {parts} parts of a batch")


def check_images(model: nn.Module, images: ImageSet) -> None:
    """DataError with one sentence where `model` cannot take `images` or cannot name all classes."""
    shape = images.shape

    def too_small(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        strides = torch.as_tensor(layer.stride).max()
        if strides > 1 and min(inputs[0].shape[2:]) < 2:
            raise DataError(
                f"images of {shape[1]}x{shape[2]} are too small for the model's strides"
            )

    strided = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.MaxPool2d)]
    hooks = [layer.register_forward_pre_hook(too_small) for layer in strided]
    device = next(model.parameters()).device
    was_training = model.training
    try:
        with torch.inference_mode():
            scores = model.eval()(images.batch(slice(0, 2))[0].to(device))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"the model cannot take images of shape {shape}: {reason}") from error
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    if scores.ndim != 2 or scores.shape[1] < len(images.class_names):
        raise DataError(f"{len(images.class_names)} classes, but outputs {tuple(scores.shape)}")
