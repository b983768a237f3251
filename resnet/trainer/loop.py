"""The training loop of `python -m resnet train`: many processes, parts of batches, metrics.

At one process, with one pass per batch, it does what `training.fit` does, bit for bit.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from ..data import Images
from ..kept import kept_runs
from ..results import History
from ..runtime.descent import ONE_CYCLE, OneCycle, Steps, descent
from ..runtime.device import Place, check_layout, choose, same_threads_afterwards
from ..runtime.distributed import ALONE, Team
from ..runtime.preconditions import check_settings
from ..training import CODE as PLAIN_CODE
from ..training import (
    Score,
    TrainingDiverged,
    add_epoch,
    check_data,
    chosen,
    on_threads,
    origin,
    shuffled,
    totals,
)
from .metrics import Metrics

CODE = (__name__, *PLAIN_CODE)


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
    schedule: OneCycle | Steps = ONE_CYCLE,
    accumulation: int = 1,
    seed: int = 0,
    device: str | torch.device | None = None,
    precision: str | None = None,
    layout: str | None = None,
    threads: int | None = None,
    score_training: bool = True,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    begin_anew: bool = False,
    about: dict[str, Any] | None = None,
    label: str = "model",
    progress: bool = True,
    metrics: Metrics | None = None,
    team: Team = ALONE,
) -> History:
    """As `training.fit`, for a `team` of processes that share each batch side by side.

    `accumulation` passes share a process's part one after another; a last batch is cut so that all
    get the same. `checkpoint_every` so many steps the run is kept, too, with `about` beside it;
    told to `begin_anew`, it takes nothing up.
    """
    place = choose(device, precision, layout)
    parts = team.size * accumulation
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "seed": seed,
        "schedule": str(schedule),
        "accumulation": accumulation,
        "processes": team.size,
        **training.settings(),
    }
    unnamed = {"checkpoint_every": checkpoint_every, "threads": threads}
    check_settings({**settings, **unnamed, "warm_up": schedule.warm_up})
    check_data(model, training, validation, parts)
    check_layout(model, place)
    progress = progress and team.leads
    asked = {"score_training": score_training, "precision": precision, "layout": layout}
    kept = kept_runs.find(
        checkpoint, label, model, training, validation, settings | asked, CODE, progress,
        about=about, begin_anew=begin_anew, team=team,
    )  # fmt: skip
    model.to(place.device)
    training = training.to(place.device)
    validation = validation and validation.to(place.device)
    scored = {"training": training if score_training else None, "validation": validation}
    goes_on = kept is not None and kept.state is not None
    place = on_threads(model, training, batch_size, place, threads, kept)
    steps = len(batches(len(training), batch_size, seed, epoch=0, parts=parts))
    if precision is None and (goes_on or team.size == 1):  # several might choose differently
        batch = training.batch(slice(batch_size))
        place = chosen(model, batch, place, layout, epochs * steps, kept, progress and label)
    model.to(memory_format=place.memory_format)
    optimizer = descent(model, learning_rate, weight_decay, place)
    history = History(label, settings=settings)
    history.provenance = origin(place, training)
    rates = schedule.over(optimizer, epochs, steps)
    run = Run(model, optimizer, rates, history, place, team, accumulation)
    done = 0
    if kept is not None:
        done = kept.begin(history, place, model, optimizer, rates, run.scaler)
    run.network = team.wrap(model, training.batch(slice(2))[0])
    if metrics is not None:
        metrics.begin(len(history.epochs) * steps + done)
    try:
        for epoch in range(len(history.epochs), epochs):
            started = time.perf_counter()
            order = batches(len(training), batch_size, seed, epoch, parts)[done:]
            shares = training.batches(map(team.share, order), epoch)
            title = f"{label}, epoch {epoch + 1} of {epochs}"
            bar = {"total": steps, "initial": done, "leave": False, "disable": not progress}
            for X, y in tqdm(shares, title, **bar):
                loss, rate = run.step(X, y)
                done += 1
                if metrics is not None:
                    metrics.step(epoch * steps + done, loss, rate)
                due = checkpoint_every and done % checkpoint_every == 0 and done < steps
                if kept is not None and due:
                    kept.save(done)
            team.agree(model)
            scores = {
                part: evaluate(model, images, place, team) if images else Score(None, None)
                for part, images in scored.items()
            }
            add_epoch(history, model, scores, run.rate, time.perf_counter() - started)
            done = 0
            if metrics is not None:
                metrics.epoch((epoch + 1) * steps, history.epochs[-1])
            if kept is not None:
                kept.save()
    except KeyboardInterrupt:
        history.interrupted = True
    return history


@dataclass
class Run:
    """A model under training on one or several devices, a step at a time.

    `network` is what is called, the model or what a team has wrapped it in.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    history: History
    place: Place
    team: Team = ALONE
    accumulation: int = 1
    rate: float = 0.0  # of the last step

    def __post_init__(self) -> None:
        self.network, self.scaler = self.model, self.place.scaler()

    def step(self, X: Tensor, y: Tensor) -> tuple[float, float]:
        """One step down the gradient of the mean cross-entropy of one batch: its loss and rate."""
        self.model.train()
        self.optimizer.zero_grad()
        images, labels = X.tensor_split(self.accumulation), y.tensor_split(self.accumulation)
        loss = 0.0
        with self.team.apart(self.network):  # all parts but the last, after which gradients meet
            for part in range(self.accumulation - 1):
                loss += self._gradient(images[part], labels[part])
        loss += self._gradient(images[-1], labels[-1])
        loss = self.team.sum(loss / self.team.size)[0]  # all see it, so all stop alike
        if not math.isfinite(loss):
            raise TrainingDiverged(f"the loss became {loss} in", self.history)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.rate = self.schedule.get_last_lr()[0]
        self.schedule.step()
        return loss, self.rate

    def _gradient(self, X: Tensor, y: Tensor) -> float:
        X = X.contiguous(memory_format=self.place.memory_format)
        with self.place.arithmetic():
            loss = F.cross_entropy(self.network(X), y) / self.accumulation
        self.scaler.scale(loss).backward()
        return loss.item()


def evaluate(model: nn.Module, images: Images, place: Place, team: Team) -> Score:
    """The score over all images, each seen by one process of the team."""
    own = torch.arange(len(images))[team.rank :: team.size]
    order = own.split(images.at_once) if len(own) else ()
    loss, wrong, count = team.sum(*totals(model, images, order, place))
    return Score(loss / count, wrong / count)


def batches(
    count: int, batch_size: int, seed: int, epoch: int, parts: int = 1
) -> tuple[Tensor, ...]:
    """As `training.batches`, with a last batch that is cut to a multiple of `parts`.

    It sits out where that leaves a part fewer than two images.
    """
    *whole, last = shuffled(count, batch_size, seed, epoch)
    each = len(last) // parts
    return (*whole, last[: each * parts]) if each > 1 or not whole else tuple(whole)
