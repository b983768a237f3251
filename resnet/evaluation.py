"""How well a network does: loss and error over a set of images, each counted once."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from .data import ImageSet
from .runtime.device import Place, choose
from .trainer.distributed import ALONE, Alone


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy in nats and the fraction of images classified wrongly, in eval mode."""

    loss: float
    error: float


def evaluate(
    model: nn.Module,
    images: ImageSet,
    *,
    batch_size: int | None = None,
    place: Place | None = None,
    team: Alone = ALONE,
) -> Score:
    """Loss and error of `model` over all `images`, in eval mode, wherever the model is."""
    device = next(model.parameters()).device
    place = place or choose(device, "float32")
    was_training = model.training
    model.eval()
    own = torch.arange(len(images))[team.rank :: team.size]
    loss = wrong = count = 0.0
    with torch.inference_mode(), place.arithmetic():
        for X, y in images.batches(own.split(batch_size or images.at_once) if len(own) else ()):
            X, y = X.to(device, memory_format=place.memory_format), y.to(device)
            scores = model(X).float()
            loss += F.cross_entropy(scores, y, reduction="sum").item()
            wrong += (scores.argmax(dim=1) != y).sum().item()
            count += len(y)
    model.train(was_training)
    loss, wrong, count = team.sum(loss, wrong, count)
    return Score(loss / count, wrong / count)


def scores(
    part: str, model: nn.Module, images: ImageSet | None, place: Place, team: Alone
) -> dict[str, Any]:
    """The score as columns of a history, empty without images."""
    if images is None:
        return {f"{part}_loss": None, f"{part}_error": None}
    score = evaluate(model, images, place=place, team=team)
    return {f"{part}_loss": score.loss, f"{part}_error": score.error}
