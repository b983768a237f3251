"""This book's side of each comparison: the step of `fit` at one place, and what it is taken on."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet.data import embedded
from resnet.results import History
from resnet.runtime.descent import descent
from resnet.runtime.device import Place
from resnet.runtime.distributed import ALONE, Team
from resnet.trainer.loop import Run


def run_of(model: nn.Module, place: Place, rate: float = 0.01, team: Team = ALONE) -> Run:
    """A model under training with the optimiser that `fit` uses, at a rate that stays."""
    model.to(place.device, memory_format=place.memory_format)
    optimizer = descent(model, rate, 1e-4, place)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    return Run(model, optimizer, schedule, History("ours"), place, team)


def batch(count: int, side: int) -> tuple[Tensor, Tensor]:
    """The first embedded images, enlarged."""
    X, y = embedded()[0].batch(slice(count))
    return F.interpolate(X, (side, side), mode="bilinear", antialias=True), y
