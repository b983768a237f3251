"""Fills the file of a grid: what is missing is measured, each run is added as it ends."""

import functools
import math
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from .. import runs as store
from ..runs import StoredRun
from ..runtime.files import provenance
from .settings import Setting
from .workers import run_grid

BAR = "{desc}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"


@dataclass(frozen=True)
class Grid:
    """A named set of settings, the question that it answers, and what is measured in each."""

    name: str
    question: str
    settings: list[Setting]
    measure: Callable[[Setting], dict[str, Any]]


def collect(
    grid: Grid,
    path: Path,
    *,
    workers: int = 1,
    minutes: float = math.inf,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> list[StoredRun]:
    """Measures what the file at `path` lacks and adds each run to it as that ends; returns all.

    The file is whole at any time, so a stopped grid goes on where it stopped. A damaged file is
    kept aside and named through `say`. Raises RuntimeError while another process fills the file.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), blocking=False)
    try:
        with lock:
            held = _held(grid, path, say)
            wanted, origin = missing(grid, held), _origin()
            if held:
                say(_taken_up(held, path, origin))
            store.write(path, grid.name, held)  # a path that cannot be written fails here
            bar = tqdm(total=sum(s.cost for s in wanted), disable=not progress, bar_format=BAR)
            with bar:
                measure = functools.partial(_timed, grid.measure)
                found = run_grid(wanted, workers, measure=measure, minutes=minutes)
                for setting, (result, seconds) in found:
                    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
                    held.append(StoredRun(asdict(setting), result, seconds, now, origin))
                    store.write(path, grid.name, held)
                    bar.update(setting.cost)
                    bar.set_postfix_str(f"{len(held)} of {len(grid.settings)} runs")
            return held
    except Timeout:
        raise RuntimeError(f"another process is filling {path}: wait for it, or stop it") from None


def missing(grid: Grid, held: Iterable[StoredRun]) -> list[Setting]:
    """The settings of a grid that none of the runs `held` has."""
    there = {Setting(**run.setting) for run in held}
    return [setting for setting in grid.settings if setting not in there]


def _held(grid: Grid, path: Path, say: Callable[[str], None]) -> list[StoredRun]:
    """The file's runs that belong to the grid as it is now."""
    try:
        held = store.read(path)
    except store.DamagedRunsError as error:
        say(f"{error}: kept as {store.keep_aside(path).name}, and the grid begins anew")
        return []
    settings = [asdict(setting) for setting in grid.settings]
    defaults = {field.name: field.default for field in fields(Setting)}  # newer than some runs
    strangers = [run.setting for run in held if {**defaults, **run.setting} not in settings]
    if strangers:
        raise ValueError(
            f"{path} holds {len(strangers)} runs that grid {grid.name} has not, the first is "
            f"{strangers[0]}: move the file away or take another"
        )
    return held


def _taken_up(held: list[StoredRun], path: Path, origin: dict[str, Any]) -> str:
    """One line that says since when the runs are there, and how many other code has made."""
    dates = sorted(run.date for run in held)
    names = ("versions", "commit")
    others = [run.origin for run in held if any(run.origin.get(n) != origin[n] for n in names)]
    made = sorted({str(each.get("commit")) for each in others})
    mixed = f"; {len(others)} by other code or versions: {', '.join(made)}" if others else ""
    return f"{path} has {len(held)} runs, from {dates[0]} to {dates[-1]}{mixed}"


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
    """The commit of the checkout that this file lies in, marked where its code differs from it."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    # Other than the results themselves, which a grid changes while it runs.
    code = ["--", "resnet", ":!resnet/assets/results"]
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", *code], capture_output=True)
    return head.stdout.strip() + ("-dirty" if changed.returncode else "") or None
