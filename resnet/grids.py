"""The book's grids: which networks each trains, what is measured there, how its file is filled."""

import functools
import math
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from itertools import product
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch.optim.swa_utils import update_bn
from tqdm.auto import tqdm

from . import runs as store
from .experiments import Setting, grid_images, run_grid, trained
from .results import History, provenance
from .runs import Run
from .training import TrainingDiverged, evaluate

DEPTHS, ARMS = (8, 20, 32, 44, 56), ("plain", "residual")
RATES = (0.01, 0.02, 0.05, 0.1)
CHOOSING, REPORTED = (100, 101), (0, 1, 2, 3, 4)  # seeds; no rate is chosen by a reported one
LARGE = {"training_images": 20_000, "data": "full"}
COLUMNS = ("training_loss", "training_error", "validation_loss", "validation_error")


@dataclass(frozen=True)
class Grid:
    """A named set of settings, the question that it answers, and what is measured in each."""

    name: str
    question: str
    settings: tuple[Setting, ...]
    measure: Callable[[Setting], dict[str, Any]]


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
    if setting.watch == "test":
        training, _ = grid_images(setting)
        batches = map(training.batch, torch.arange(len(training)).split(500))
        update_bn((X for X, _ in batches), model)
        result["renewed_training_error"] = evaluate(model, training).error
    return result


def _columns(history: History, setting: Setting) -> dict[str, list[float]]:
    """Six digits, which is more than another processor agrees to."""
    return {
        name.replace("validation", setting.watch): [float(f"{v:.6g}") for v in history.column(name)]
        for name in COLUMNS
    }


def collect(
    grid: Grid,
    path: Path,
    *,
    workers: int = 1,
    minutes: float = math.inf,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> list[Run]:
    """Measures what the file at `path` lacks and adds each run to it as that ends; returns all.

    The file is whole at any time, so a stopped grid goes on where it stopped. A damaged file is
    kept aside and named through `say`. Raises RuntimeError while another process fills the file.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), blocking=False)
    try:
        with lock:
            held = _held(grid, path, say)
            wanted = missing(grid, held)
            store.write(path, grid.name, held)  # a path that cannot be written fails here
            bar = tqdm(total=sum(s.cost for s in wanted), disable=not progress, bar_format=BAR)
            origin = _origin()
            with bar:
                measure = functools.partial(_timed, grid.measure)
                found = run_grid(wanted, workers, measure=measure, minutes=minutes)
                for setting, (result, seconds) in found:
                    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
                    held.append(Run(asdict(setting), result, seconds, now, origin))
                    store.write(path, grid.name, held)
                    bar.update(setting.cost)
                    bar.set_postfix_str(f"{len(held)} of {len(grid.settings)} runs")
            return held
    except Timeout:
        raise RuntimeError(f"another process is filling {path}: wait for it, or stop it") from None


BAR = "{desc}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"


def missing(grid: Grid, held: Iterable[Run]) -> list[Setting]:
    """The settings of a grid that none of the runs `held` has."""
    there = {Setting(**run.setting) for run in held}
    return [setting for setting in grid.settings if setting not in there]


def _held(grid: Grid, path: Path, say: Callable[[str], None]) -> list[Run]:
    """The file's runs that belong to the grid as it is now."""
    try:
        held = store.read(path)
    except store.DamagedRunsError as error:
        say(f"{error}: kept as {store.keep_aside(path).name}, and the grid begins anew")
        return []
    strangers = [run.setting for run in held if run.setting not in map(asdict, grid.settings)]
    if strangers:
        raise ValueError(
            f"{path} holds {len(strangers)} runs that grid {grid.name} has not, the first is "
            f"{strangers[0]}: move the file away or take another"
        )
    return held


def _timed(measure: Callable[[Setting], Any], setting: Setting) -> tuple[Any, float]:
    started = time.monotonic()
    result = measure(setting)
    return result, round(time.monotonic() - started, 1)


def _origin() -> dict[str, Any]:
    origin = provenance(
        device="cpu, float32, channels_last, 1 thread",
        instructions=torch.backends.cpu.get_cpu_capability(),
        commit=_commit(),
    )
    del origin["date"]  # each run has its own
    return origin


def _commit() -> str | None:
    """The commit of the checkout that this file lies in, marked where files differ from it."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return None
    call = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"]
    done = subprocess.run(call, capture_output=True, text=True)
    return done.stdout.strip() or None


def trial() -> Grid:
    settings = [
        Setting(8, block, seed, 0.05, epochs=2, training_images=256)
        for block, seed in product(ARMS, (0, 1))
    ]
    return Grid("trial", "Does everything work here?", tuple(settings), curves)


def depth_rates() -> Grid:
    settings = [
        Setting(depth, block, seed, rate, **LARGE)
        for depth, block, rate, seed in product(DEPTHS, ARMS, RATES, CHOOSING)
    ]
    question = "Which peak learning rate is best for each network of the grid depth?"
    return Grid("depth-rates", question, tuple(settings), curves)


def depth() -> Grid:
    settings = [
        Setting(depth, block, seed, rate_of(block, depth), watch="test", **LARGE)
        for depth, block, seed in product(DEPTHS, ARMS, REPORTED)
    ]
    question = "Does the training error rise with depth, without skips and with them?"
    return Grid("depth", question, tuple(settings), curves)


def rate_of(block: str, depth: int) -> float:
    """An arm's own best rate in the stored grid depth-rates, by training error as compared."""
    tried = store.stored_runs("depth-rates")
    return store.best_rate(tried, "training_error", block=block, depth=depth)


# In the order in which they can be run: some take their learning rates from those before them.
GRIDS: dict[str, Callable[[], Grid]] = {
    "trial": trial,
    "depth-rates": depth_rates,
    "depth": depth,
}
