"""The training loop, plain: `fit` and `evaluate`. What many devices need is in `trainer.loop`."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from .data import DataError, Images
from .kept import kept_runs
from .results import History
from .runtime.descent import ONE_CYCLE, descent
from .runtime.device import (
    Place,
    candidates,
    check_layout,
    choose,
    enough_threads,
    same_threads_afterwards,
)
from .runtime.files import provenance
from .runtime.preconditions import check_settings
from .runtime.self_test import fastest


class TrainingDiverged(ArithmeticError):
    """The loss is no longer a finite number; `history` holds the epochs before that."""

    def __init__(self, what: str, history: History):
        self.history = history
        super().__init__(
            f"{history.label}: {what} epoch {len(history.epochs) + 1}: "
            "a smaller learning_rate usually mends this"
        )


@same_threads_afterwards()
def fit(
    model: nn.Module,
    training: Images,
    validation: Images | None = None,
    *,
    epochs: int,
    batch_size: int = 64,
    learning_rate: float = 0.02,
    weight_decay: float = 1e-4,
    seed: int = 0,
    device: str | torch.device | None = None,
    precision: str | None = None,
    layout: str | None = None,
    threads: int | None = None,
    score_training: bool = True,
    checkpoint: str | Path | None = None,
    label: str = "model",
    progress: bool = True,
) -> History:
    """Trains `model` in place by SGD with Nesterov momentum under a one-cycle rate.

    `learning_rate` is the schedule's peak; `seed` orders the images, the weights are the caller's.
    Without `precision` a self-test of a few steps chooses it with the memory format, and says so.
    Without `threads` a CPU takes one for small networks, on which others would only wait, else all.
    Without `score_training` the history has no training error and an epoch takes less time.
    `checkpoint` (a path, or RESNET_CHECKPOINTS, a folder) keeps each epoch to go on bit for bit;
    it is taken up only where all that the numbers depend on is the same.
    Ctrl-C ends the run cleanly: the history so far is returned, marked `interrupted`.
    Raises ValueError for settings and images that do not fit, TrainingDiverged for a loss that is
    not finite, CheckpointError for a checkpoint of another run.
    """
    place = choose(device, precision, layout)
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "seed": seed,
        **training.settings(),
    }
    check_settings({**settings, "threads": threads})
    check_data(model, training, validation)
    check_layout(model, place)
    asked = {"score_training": score_training, "precision": precision, "layout": layout}
    kept = kept_runs.find(
        checkpoint, label, model, training, validation, settings | asked, CODE, progress
    )
    model.to(place.device)
    training = training.to(place.device)
    validation = validation and validation.to(place.device)
    scored = {"training": training if score_training else None, "validation": validation}
    place = on_threads(model, training, batch_size, place, threads, kept)
    steps = len(batches(len(training), batch_size, seed, epoch=0))
    if precision is None:
        batch = training.batch(slice(batch_size))
        place = chosen(model, batch, place, layout, epochs * steps, kept, progress and label)
    model.to(memory_format=place.memory_format)
    optimizer = descent(model, learning_rate, weight_decay, place)
    schedule, scaler = ONE_CYCLE.over(optimizer, epochs, steps), place.scaler()
    history = History(label, settings=settings)
    history.provenance = origin(place, training)
    if kept is not None:
        kept.begin(history, place, model, optimizer, schedule, scaler)
    try:
        for epoch in range(len(history.epochs), epochs):
            started = time.perf_counter()
            model.train()
            order = batches(len(training), batch_size, seed, epoch)
            title = f"{label}, epoch {epoch + 1} of {epochs}"
            bar = {"total": steps, "leave": False, "disable": not progress}
            for X, y in tqdm(training.batches(order, epoch), title, **bar):
                optimizer.zero_grad()
                X = X.contiguous(memory_format=place.memory_format)
                with place.arithmetic():
                    loss = F.cross_entropy(model(X), y)
                scaler.scale(loss).backward()
                if not math.isfinite(loss.item()):
                    raise TrainingDiverged(f"the loss became {loss.item()} in", history)
                scaler.step(optimizer)
                scaler.update()
                rate = schedule.get_last_lr()[0]
                schedule.step()
            scores = {
                part: evaluate(model, images, place=place) if images else Score(None, None)
                for part, images in scored.items()
            }
            add_epoch(history, model, scores, rate, time.perf_counter() - started)
            if kept is not None:
                kept.save()
    except KeyboardInterrupt:
        history.interrupted = True
    return history


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy in nats and the fraction of images classified wrongly, in eval mode."""

    loss: float | None
    error: float | None


def evaluate(
    model: nn.Module, images: Images, *, batch_size: int | None = None, place: Place | None = None
) -> Score:
    """Loss and error of `model` over all `images`, in eval mode, wherever the model is."""
    order = torch.arange(len(images)).split(batch_size or images.at_once)
    loss, wrong, count = totals(model, images, order, place)
    return Score(loss / count, wrong / count)


def totals(
    model: nn.Module, images: Images, order: tuple[Tensor, ...], place: Place | None
) -> tuple[float, float, float]:
    """Summed loss, images classified wrongly, and images seen."""
    device = next(model.parameters()).device
    place = place or choose(device, "float32")
    was_training = model.training
    model.eval()
    loss = wrong = count = 0.0
    with torch.inference_mode(), place.arithmetic():
        for X, y in images.batches(order):
            X, y = X.to(device, memory_format=place.memory_format), y.to(device)
            scores = model(X).float()
            loss += F.cross_entropy(scores, y, reduction="sum").item()
            wrong += (scores.argmax(dim=1) != y).sum().item()
            count += len(y)
    model.train(was_training)
    return loss, wrong, count


def batches(count: int, batch_size: int, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """The images of one epoch in the order that seed and epoch give, whatever ran before.

    Batch norm cannot take a single image where the last map is 1x1, so a rest of one sits out.
    """
    *whole, last = shuffled(count, batch_size, seed, epoch)
    return (*whole, last) if len(last) > 1 or not whole else tuple(whole)


def shuffled(count: int, batch_size: int, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """All images of one epoch in batches, of which the last may be smaller."""
    generator = torch.Generator().manual_seed(seed + 1_000_003 * epoch)
    return torch.randperm(count, generator=generator).split(batch_size)


def on_threads(
    model: nn.Module,
    training: Images,
    batch_size: int,
    place: Place,
    threads: int | None,
    kept: kept_runs.Kept | None,
) -> Place:
    """The place with the threads asked for, those of a run that goes on, or what its work needs."""
    if place.device.type != "cpu":
        return place
    if threads is None and kept is not None and kept.state is not None:
        threads = kept.state["place"]["threads"]
    images = min(batch_size, len(training))
    threads = threads or enough_threads(images * work_per_layer(model, training))
    torch.set_num_threads(threads)
    return replace(place, threads=threads)


def chosen(
    model: nn.Module,
    batch: tuple[Tensor, Tensor],
    place: Place,
    layout: str | None,
    steps: int,
    kept: kept_runs.Kept | None,
    say: str | bool,
) -> Place:
    """The place of a run that goes on, else what a self-test finds fastest for so many steps."""
    if kept is not None and kept.state is not None:
        names = kept.state["place"]["names"]
        return replace(choose(place.device, **names), threads=place.threads)
    place = fastest(model, *batch, candidates(model, place, layout), steps)
    if say:
        print(f"{say}: {place.describe()} ({place.reason})")
    return place


def origin(place: Place, training: Images) -> dict[str, Any]:
    """Where the numbers of a history come from."""
    names = list(training.class_names)
    return provenance(device=place.describe(), source=training.source, class_names=names)


def add_epoch(
    history: History, model: nn.Module, scores: dict[str, Score], rate: float, seconds: float
) -> None:
    """Adds a row; TrainingDiverged where an epoch's last step has left no finite numbers."""
    row: dict[str, Any] = {"epoch": len(history.epochs) + 1}
    for part, score in scores.items():
        if score.loss is not None and not math.isfinite(score.loss):
            raise TrainingDiverged(f"the loss became {score.loss} at the end of", history)
        row |= {f"{part}_loss": score.loss, f"{part}_error": score.error}
    if not all(weight.isfinite().all() for weight in model.parameters()):
        raise TrainingDiverged("weights are no longer finite at the end of", history)
    history.epochs.append({**row, "learning_rate": rate, "seconds": seconds})


def check_data(
    model: nn.Module, training: Images, validation: Images | None, parts: int = 1
) -> None:
    """DataError with one sentence where `model` cannot be trained and validated on these images."""
    for images in (training, validation):
        if images is not None:
            check_images(model, images)
    if len(training) < 2:
        raise DataError("training needs two images or more, because batch norm does")
    if len(training) < 2 * parts:
        raise DataError(f"{len(training)} training images are too few for {parts} parts of a batch")


def check_images(model: nn.Module, images: Images) -> None:
    """DataError with one sentence where `model` cannot take `images` or cannot name all classes."""
    shape = images.shape

    def too_small(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        strides = torch.as_tensor(layer.stride).max()
        if strides > 1 and min(inputs[0].shape[2:]) < 2:
            raise DataError(
                f"images of {shape[1]}x{shape[2]} are too small for the model's strides"
            )

    device = next(model.parameters()).device
    try:
        with looking(model, nn.Conv2d | nn.MaxPool2d, too_small):
            scores = model(images.batch(slice(0, 2))[0].to(device))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"the model cannot take images of shape {shape}: {reason}") from error
    if scores.ndim != 2 or scores.shape[1] < len(images.class_names):
        raise DataError(f"{len(images.class_names)} classes, but outputs {tuple(scores.shape)}")


def work_per_layer(model: nn.Module, images: Images) -> float:
    """Multiply-adds of one image in a mean layer, but for what strides and padding round."""
    found = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        is_linear = isinstance(layer, nn.Linear)
        channels = layer.in_features if is_linear else layer.in_channels
        skipped = 1 if is_linear else math.prod(layer.stride)
        found.append(inputs[0].numel() / channels / skipped * layer.weight.numel())

    device = next(model.parameters()).device
    with looking(model, nn.Conv2d | nn.Linear, note):
        model(images.batch(slice(0, 1))[0].to(device))
    return sum(found) / max(1, len(found))


@contextlib.contextmanager
def looking(
    model: nn.Module, kinds: Any, look: Callable[[nn.Module, tuple[Tensor, ...]], None]
) -> Iterator[None]:
    """Eval mode without gradients, in which layers of `kinds` show `look` what they are given."""
    layers = [layer for layer in model.modules() if isinstance(layer, kinds)]
    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()


# Where it is written how numbers come about: other code there makes another run.
CODE = (__name__, descent.__module__, Place.__module__)
