"""One plain training loop, readable in one sitting: `fit` and `evaluate`."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from . import checkpoint as checkpoints
from .data import ImageSet
from .device import Place, candidates, check_layout, choose, fastest
from .preconditions import check_data, check_settings
from .results import History, provenance


class TrainingDiverged(ArithmeticError):
    """The loss is no longer a finite number; `history` holds the epochs before that."""

    def __init__(self, message: str, history: History):
        super().__init__(message)
        self.history = history


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy in nats and the fraction of images classified wrongly, in eval mode."""

    loss: float | None
    error: float | None


def fit(
    model: nn.Module,
    training: ImageSet,
    validation: ImageSet | None = None,
    *,
    epochs: int,
    batch_size: int = 64,
    learning_rate: float = 0.02,
    weight_decay: float = 1e-4,
    seed: int = 0,
    device: str | torch.device | None = None,
    precision: str | None = None,
    layout: str | None = None,
    score_training: bool = True,
    checkpoint: str | Path | None = None,
    label: str = "model",
    progress: bool = True,
) -> History:
    """Trains `model` in place by SGD with Nesterov momentum under a one-cycle rate.

    `learning_rate` is the cycle's peak; `seed` orders the images, the weights are the caller's.
    Without `precision` a self-test of a few steps chooses it with the memory format, and says so.
    Without `score_training` the history has no training error and an epoch takes less time.
    `checkpoint` (a path, or RESNET_CHECKPOINTS, a folder) keeps each epoch to go on bit for bit.
    Ctrl-C ends the run cleanly: the history so far is returned, marked `interrupted`.
    Raises ValueError for settings and images that do not fit, TrainingDiverged for a loss that is
    not finite, CheckpointError for a checkpoint of another run.
    Source of the schedule: Smith and Topin 2017, arXiv 1708.07120.
    """
    place = choose(device, precision, layout)
    check_settings(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    check_data(model, training, validation)
    check_layout(model, place)
    model.to(place.device)
    training = training.to(place.device)
    validation = None if validation is None else validation.to(place.device)
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "seed": seed,
        "training_images": len(training),
    }
    checkpoint = checkpoint or checkpoints.kept(label, settings, model)
    resuming = checkpoint is not None and Path(checkpoint).exists()
    if precision is None and not resuming:
        place = fastest(model, *training.batch(slice(batch_size)), candidates(model, place, layout))
        if progress:
            print(f"{label}: {place.describe()} ({place.reason})")
    steps = len(_batches(len(training), batch_size, seed, epoch=0))
    optimizer = descent(model, learning_rate, weight_decay, place)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=epochs * steps, cycle_momentum=False
    )
    history = History(label, settings=settings)
    run = Run(model, optimizer, schedule, history, place)
    if resuming:
        run.resume(checkpoints.load(checkpoint), keep_place=precision is not None)
    elif checkpoint is not None:
        checkpoints.save(checkpoint, run.state())  # a path that cannot be written fails here
    place = run.place
    model.to(memory_format=place.memory_format)
    history.provenance = provenance(device=place.describe(), source=training.source)
    try:
        for epoch in range(len(history.epochs), epochs):
            started = time.perf_counter()
            order = _batches(len(training), batch_size, seed, epoch)
            title = f"{label}, epoch {epoch + 1} of {epochs}"
            for indices in tqdm(order, title, leave=False, disable=not progress):
                run.step(*training.batch(indices.to(place.device)))
            history.epochs.append(
                {
                    "epoch": epoch + 1,
                    **_scores("training", model, training if score_training else None, place),
                    **_scores("validation", model, validation, place),
                    "learning_rate": run.learning_rate,
                    "seconds": time.perf_counter() - started,
                }
            )
            if checkpoint is not None:
                checkpoints.save(checkpoint, run.state())
    except KeyboardInterrupt:
        history.interrupted = True
    return history


class Run:
    """A model under training with all that a checkpoint must hold to go on bit for bit."""

    def __init__(self, model, optimizer, schedule, history: History, place: Place):
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.history, self.place, self.scaler = history, place, place.scaler()

    def step(self, X: Tensor, y: Tensor) -> None:
        """One step down the gradient of the mean cross-entropy of one batch."""
        self.model.train()
        with self.place.arithmetic():
            X = X.contiguous(memory_format=self.place.memory_format)
            loss = F.cross_entropy(self.model(X), y)
        if not math.isfinite(loss.item()):
            raise TrainingDiverged(
                f"{self.history.label}: the loss became {loss.item()} in epoch "
                f"{len(self.history.epochs) + 1}: a smaller learning_rate usually mends this",
                self.history,
            )
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.learning_rate = self.schedule.get_last_lr()[0]
        self.schedule.step()

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "history": self.history.to_json(),
            "place": {"words": self.place.describe(), "names": self.place.names()},
        }

    def resume(self, state: dict[str, Any], keep_place: bool) -> None:
        """Takes over a checkpoint's state, with its precision and layout unless told to keep."""
        checkpoints.check(state, self.state())
        if not keep_place:
            self.place = choose(self.place.device, **state["place"]["names"])
            self.scaler = self.place.scaler()
        for name in ("model", "optimizer", "schedule", "scaler"):
            getattr(self, name).load_state_dict(state[name])
        self.history.epochs[:] = History.from_json(state["history"]).epochs
        there, here = state["place"]["words"], self.place.describe()
        if there != here:
            print(f"The checkpoint is of {there}, this is {here}: the last digits will differ.")


def evaluate(
    model: nn.Module, images: ImageSet, *, batch_size: int = 500, place: Place | None = None
) -> Score:
    """Loss and error of `model` over all `images`, in eval mode, wherever the model is."""
    device = next(model.parameters()).device
    place = place or choose(device, "float32")
    was_training = model.training
    model.eval()
    loss = wrong = 0.0
    with torch.inference_mode(), place.arithmetic():
        for indices in torch.arange(len(images), device=images.images.device).split(batch_size):
            X, y = (part.to(device) for part in images.batch(indices))
            scores = model(X.contiguous(memory_format=place.memory_format)).float()
            loss += F.cross_entropy(scores, y, reduction="sum").item()
            wrong += (scores.argmax(dim=1) != y).sum().item()
    model.train(was_training)
    return Score(loss / len(images), wrong / len(images))


def descent(model: nn.Module, rate: float, weight_decay: float, place: Place) -> torch.optim.SGD:
    """SGD with Nesterov momentum 0.9, in one pass over the weights where torch has that."""
    fused = place.device.type in ("cpu", "cuda")
    return torch.optim.SGD(
        model.parameters(), rate, 0.9, nesterov=True, weight_decay=weight_decay, fused=fused
    )


def _batches(count: int, batch_size: int, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """The images of one epoch in the order that seed and epoch give, whatever ran before."""
    generator = torch.Generator().manual_seed(seed + 1_000_003 * epoch)
    batches = torch.randperm(count, generator=generator).split(batch_size)
    # Batch norm cannot take a single image where the last map is 1x1, so a rest of one sits out.
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) == 1 else batches


def _scores(part: str, model: nn.Module, images: ImageSet | None, place: Place) -> dict[str, Any]:
    score = Score(None, None) if images is None else evaluate(model, images, place=place)
    return {f"{part}_loss": score.loss, f"{part}_error": score.error}
