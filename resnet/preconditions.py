"""One clear sentence, before any work, for settings and images that cannot be trained with."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from .data import DataError, ImageSet


def check_settings(settings: dict[str, Any]) -> None:
    """ValueError with one sentence for settings that cannot be trained with."""
    epochs, batch_size, learning_rate, processes, accumulation = (
        settings[name]
        for name in ("epochs", "batch_size", "learning_rate", "processes", "accumulation")
    )
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, not {epochs}")
    if batch_size < 2:
        raise ValueError(f"batch_size must be at least 2 for batch norm, not {batch_size}")
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be a positive number, not {learning_rate}")
    if accumulation < 1:
        raise ValueError(f"accumulation must be at least 1, not {accumulation}")
    parts = processes * accumulation
    if batch_size % parts or batch_size < 2 * parts:
        raise ValueError(
            f"batch_size must give {processes} processes with {accumulation} passes each as many "
            f"images, two or more, and {batch_size} does not: take a multiple of {parts}"
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
