"""One plain training loop, readable in one sitting: `fit` and `evaluate`."""

import math
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from .data import ImageSet
from .evaluation import (
    evaluate,  # noqa: F401, read and imported beside fit
    scores,
)
from .preconditions import check_data, check_settings
from .results import History
from .runtime import checkpoints, identity, kept_runs
from .runtime.device import Place, candidates, check_layout, choose, fastest
from .runtime.files import provenance
from .trainer.descent import ONE_CYCLE, OneCycle, Steps, descent
from .trainer.distributed import ALONE, Alone
from .trainer.metrics import Metrics

CODE = (__name__, descent.__module__, Place.__module__, scores.__module__)


class TrainingDiverged(ArithmeticError):
    """The loss is no longer a finite number; `history` holds the epochs before that."""

    def __init__(self, message: str, history: History):
        super().__init__(message)
        self.history = history


def fit(
    model: nn.Module,
    training: ImageSet,
    validation: ImageSet | None = None,
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
    score_training: bool = True,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    label: str = "model",
    progress: bool = True,
    about: dict[str, Any] | None = None,
    begin_anew: bool = False,
    metrics: Metrics | None = None,
    team: Alone = ALONE,
) -> History:
    """Trains `model` in place by SGD with Nesterov momentum, by default under a one-cycle rate.

    `learning_rate` is the schedule's peak; `seed` orders the images, the weights are the caller's.
    Without `precision` a self-test of a few steps chooses it with the memory format, and says so.
    Without `score_training` the history has no training error and an epoch takes less time.
    `checkpoint` (a path, or RESNET_CHECKPOINTS, a folder) keeps each epoch to go on bit for bit,
    with `checkpoint_every` also so many steps, and `about` beside it; a run of another network,
    other images or settings is refused, unless told to `begin_anew`. `accumulation` passes share a
    batch one after another, the processes of a `team` side by side; a last batch is cut so that
    all get the same.
    Ctrl-C ends the run cleanly: the history so far is returned, marked `interrupted`.
    Raises ValueError for settings and images that do not fit, TrainingDiverged for a loss that is
    not finite, CheckpointError for a checkpoint of another run.
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
    check_settings({**settings, "checkpoint_every": checkpoint_every, "warm_up": schedule.warm_up})
    check_data(model, training, validation, parts)
    check_layout(model, place)
    progress = progress and team.leads
    run_identity = None
    if checkpoint or kept_runs.folder():
        asked = {"score_training": score_training, "precision": precision, "layout": layout}
        run_identity = team.decide(
            lambda: identity.of_run(model, training, validation, {**settings, **asked}, CODE)
        )
        checkpoint = checkpoint or kept_runs.kept(label, run_identity, progress)
    model.to(place.device)
    training = training.to(place.device)
    validation = None if validation is None else validation.to(place.device)
    state = None if begin_anew else team.decide(lambda: checkpoints.load_if_any(checkpoint))
    if precision is None and state is None and team.size == 1:  # several might choose differently
        place = fastest(model, *training.batch(slice(batch_size)), candidates(model, place, layout))
        if progress:
            print(f"{label}: {place.describe()} ({place.reason})")
    steps = len(_batches(len(training), batch_size, seed, epoch=0, parts=parts))
    optimizer = descent(model, learning_rate, weight_decay, place)
    history = History(label, settings=settings)
    rates = schedule.over(optimizer, epochs, steps)
    run = Run(model, optimizer, rates, history, place, team, accumulation)
    run.identity, run.about = run_identity, about
    if state is not None:
        run.resume(state, keep_place=precision is not None)
        if team.leads:
            print(_taken_up(history, state, checkpoint))
    elif checkpoint is not None:
        run.save(checkpoint)  # a path that cannot be written fails here
    place = run.place
    model.to(memory_format=place.memory_format)
    run.network = team.wrap(model, training.batch(slice(2))[0])
    if metrics is not None:
        metrics.begin(len(history.epochs) * steps + run.done)
    history.provenance = provenance(
        device=place.describe(), source=training.source, class_names=list(training.class_names)
    )
    if run_identity is not None:
        history.provenance["identity"] = run_identity
    if state is not None:
        history.provenance["taken_up"] = state["saved"]
    try:
        for epoch in range(len(history.epochs), epochs):
            started = time.perf_counter()
            order = _batches(len(training), batch_size, seed, epoch, parts)[run.done :]
            batches = training.batches(map(team.share, order), epoch)
            title = f"{label}, epoch {epoch + 1} of {epochs}"
            bar = {"total": steps, "initial": run.done, "leave": False, "disable": not progress}
            for X, y in tqdm(batches, title, **bar):
                run.step(X, y)
                if metrics is not None:
                    metrics.step(epoch * steps + run.done, run.loss, run.learning_rate)
                due = checkpoint_every and run.done % checkpoint_every == 0 and run.done < steps
                if checkpoint is not None and due:
                    run.save(checkpoint)
            team.agree(model)
            row = {
                "epoch": epoch + 1,
                **scores("training", model, training if score_training else None, place, team),
                **scores("validation", model, validation, place, team),
                "learning_rate": run.learning_rate,
                "seconds": time.perf_counter() - started,
            }
            run.check_end(row)
            history.epochs.append(row)
            run.done = 0
            if metrics is not None:
                metrics.epoch((epoch + 1) * steps, history.epochs[-1])
            if checkpoint is not None:
                run.save(checkpoint)
    except KeyboardInterrupt:
        history.interrupted = True
    return history


class Run:
    """A model under training with all that a checkpoint must hold to go on bit for bit."""

    def __init__(self, model, optimizer, schedule, history: History, place: Place,
                 team: Alone = ALONE, accumulation: int = 1):  # fmt: skip
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.history, self.place, self.scaler = history, place, place.scaler()
        self.team, self.accumulation = team, accumulation
        self.network, self.done = model, 0  # what is called, and steps of this epoch
        self.identity = self.about = None  # what the numbers depend on, and what the caller adds

    def step(self, X: Tensor, y: Tensor) -> None:
        """One step down the gradient of the mean cross-entropy of one batch."""
        self.model.train()
        self.optimizer.zero_grad()
        *first, last = zip(*(part.tensor_split(self.accumulation) for part in (X, y)), strict=True)
        with self.team.apart(self.network):
            losses = [self._gradient(*part) for part in first]
        losses.append(self._gradient(*last))
        (self.loss,) = self.team.sum(sum(losses) / self.team.size)  # all see it, so all stop alike
        if not math.isfinite(self.loss):
            self._diverged(f"the loss became {self.loss} in epoch")
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.learning_rate = self.schedule.get_last_lr()[0]
        self.schedule.step()
        self.done += 1

    def check_end(self, row: dict[str, Any]) -> None:
        """Holds what an epoch's last step left to the same: its loss is that of the scores."""
        losses = (row["training_loss"], row["validation_loss"])
        for loss in losses:
            if loss is not None and not math.isfinite(loss):
                self._diverged(f"the loss became {loss} at the end of epoch")
        if not all(weight.isfinite().all() for weight in self.model.parameters()):
            self._diverged("weights are no longer finite at the end of epoch")

    def _diverged(self, what: str) -> NoReturn:
        raise TrainingDiverged(
            f"{self.history.label}: {what} {len(self.history.epochs) + 1}: "
            "a smaller learning_rate usually mends this",
            self.history,
        )

    def _gradient(self, X: Tensor, y: Tensor) -> float:
        with self.place.arithmetic():
            X = X.contiguous(memory_format=self.place.memory_format)
            loss = F.cross_entropy(self.network(X), y) / self.accumulation
        self.scaler.scale(loss).backward()
        return loss.item()

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "history": self.history.to_json(),
            "place": {"words": self.place.describe(), "names": self.place.names()},
            "done": self.done,
            "identity": self.identity,
            "about": self.about,
            "saved": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "random": self.team.gather(checkpoints.random_state(self.place.device)),
        }

    def save(self, path: str | Path) -> None:
        state = self.state()  # by all, because each process has random numbers of its own
        self.team.decide(lambda: checkpoints.save(path, state))

    def resume(self, state: dict[str, Any], keep_place: bool) -> None:
        """Takes over a checkpoint's state, with its precision and layout unless told to keep."""
        own = self.state()
        self.team.decide(lambda: kept_runs.check(state, own))
        if not keep_place:
            self.place = choose(self.place.device, **state["place"]["names"])
            self.scaler = self.place.scaler()
        for name in ("model", "optimizer", "schedule", "scaler"):
            getattr(self, name).load_state_dict(state[name])
        self.history.epochs[:] = History.from_json(state["history"]).epochs
        self.done = state["done"]
        checkpoints.set_random_state(state["random"][self.team.rank], self.place.device)
        there, here = state["place"]["words"], self.place.describe()
        if there != here and self.team.leads:
            print(f"The checkpoint is of {there}, this is {here}: the last digits will differ.")


def _taken_up(history: History, state: dict[str, Any], path: str | Path) -> str:
    epochs, steps = len(history.epochs), state["done"]
    mid = f" and {steps} steps" if steps else ""
    return (
        f"{history.label}: taken up from {path}, kept at {state['saved']} after {epochs} of "
        f"{history.settings['epochs']} epochs{mid}"
    )


def _batches(
    count: int, batch_size: int, seed: int, epoch: int, parts: int = 1
) -> tuple[Tensor, ...]:
    """The images of one epoch in the order that seed and epoch give, whatever ran before.

    The last batch is cut to a multiple of `parts`. Batch norm cannot take a single image where the
    last map is 1x1, so it sits out where that leaves a part less than two.
    """
    generator = torch.Generator().manual_seed(seed + 1_000_003 * epoch)
    *whole, last = torch.randperm(count, generator=generator).split(batch_size)
    each = len(last) // parts
    return (*whole, last[: each * parts]) if each > 1 or not whole else tuple(whole)
