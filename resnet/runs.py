"""The runs of a grid in one JSON file, to which each is added as it ends; read without torch."""

import contextlib
import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from .runtime.files import write_text


@dataclass(frozen=True)
class StoredRun:
    """One setting of a grid and what was measured there.

    `result` maps names to a number, or to one number an epoch; `date` is when it ended, and
    `origin` what it ran on: versions, processor, device, commit.
    """

    setting: dict[str, Any]
    result: dict[str, Any]
    seconds: float
    date: str
    origin: dict[str, Any]

    @property
    def arm(self) -> str:
        """The network's name in figures and tables, such as `plain-56`."""
        bare = "" if self.setting.get("batch_norm", True) else " without batch norm"
        return f"{self.setting['block']}-{self.setting['depth']}{bare}"

    def last(self, name: str) -> float:
        """The number `name`, in the last epoch where there is one an epoch."""
        value = self.result[name]
        return value[-1] if isinstance(value, list) else value


class DamagedRunsError(ValueError):
    """A file that is there and does not hold the runs of a grid."""


def read(path: str | Path) -> list[StoredRun]:
    """The runs in a file; none where there is no file, DamagedRunsError where it is damaged."""
    path = Path(path)
    return _parse(path.read_text("utf-8"), path.name) if path.exists() else []


def stored_runs(grid: str) -> list[StoredRun]:
    """The runs of a grid that come with the package; FileNotFoundError where there are none."""
    file = files("resnet").joinpath("assets", "results", "grids", f"{grid}.json")
    return _parse(file.read_text("utf-8"), file.name)


def write(path: str | Path, grid: str, runs: Iterable[StoredRun]) -> None:
    """Writes all runs, whole or not at all, a run a line and in the order of their settings."""
    runs = sorted(runs, key=lambda run: (run.arm, json.dumps(run.setting, sort_keys=True)))
    origins = list({json.dumps(run.origin, sort_keys=True): run.origin for run in runs}.values())
    lines = [_line({**asdict(run), "origin": origins.index(run.origin)}) for run in runs]
    head = f'{{"grid": {json.dumps(grid)},\n"origins": {json.dumps(origins, indent=1)},\n"runs": ['
    write_text(path, "\n".join([head, ",\n".join(lines), "]}", ""]))


def _line(run: dict[str, Any]) -> str:
    return json.dumps(_finite(run), allow_nan=False)


def _finite(value: Any) -> Any:
    """`value` with None for numbers that are not finite, which JSON has no name for."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def keep_aside(path: Path) -> Path:
    """Moves a damaged file out of the way, under a name that is free, which is returned."""
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in range(1, 10_000))
    free = next(name for name in names if not name.exists())
    return path.rename(free)


def _parse(text: str, name: str) -> list[StoredRun]:
    try:
        held = json.loads(text)
        origins = held["origins"]
        runs = [StoredRun(**{**one, "origin": origins[one["origin"]]}) for one in held["runs"]]
        for run in runs:
            whole = isinstance(run.result, dict) and isinstance(run.seconds, int | float)
            if not whole or not run.arm:
                raise TypeError(f"no numbers in the run {run.setting}")
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise DamagedRunsError(f"{name} does not hold the runs of a grid: {error!r}") from error
    return runs


def select(runs: Iterable[StoredRun], **setting: Any) -> list[StoredRun]:
    """The runs whose setting has all the given values, such as `block="plain", depth=56`."""
    return [
        run for run in runs if all(run.setting[name] == value for name, value in setting.items())
    ]


def by_seed(runs: Iterable[StoredRun], name: str, **setting: Any) -> dict[int, float]:
    """The number `name` (of the last epoch) by seed; ValueError where a seed has several."""
    found: dict[int, float] = {}
    for run in select(runs, **setting):
        seed = run.setting["seed"]
        if seed in found:
            raise ValueError(f"{setting} leaves several runs of seed {seed}: name more settings")
        found[seed] = run.last(name)
    return found


def best_rate_among(runs: Iterable[StoredRun], name: str, **setting: Any) -> float:
    """The learning rate with the lowest mean of `name` among the runs that `setting` selects.

    A run that diverged counts as worse than any other. ValueError where no run is left, or where at
    each rate one diverged: then none of them is a choice.
    """
    tried: dict[float, list[float]] = {}
    for run in select(runs, **setting):
        value = math.inf if run.result.get("diverged") else run.last(name)
        tried.setdefault(run.setting["learning_rate"], []).append(value)
    if not tried:
        raise ValueError(f"no learning rate was tried for {setting}")
    best = min(tried, key=lambda rate: statistics.fmean(tried[rate]))
    if math.isinf(statistics.fmean(tried[best])):
        raise ValueError(f"for {setting} a run diverged at every rate: try smaller ones")
    return best


def chosen_rate(grid: str, **setting: Any) -> float:
    """The best rate in a stored grid, by training error, because that is what is compared."""
    return best_rate_among(stored_runs(grid), "training_error", **setting)


def summary(runs: Iterable[StoredRun]) -> str:
    """A table: network, peak rate, number of runs, mean and sample SD of each number measured."""
    groups: dict[tuple[str, float], list[StoredRun]] = {}
    for run in runs:
        groups.setdefault((run.arm, run.setting["learning_rate"]), []).append(run)
    names = dict.fromkeys(name for held in groups.values() for run in held for name in run.result)
    numbers = [
        name
        for name in names
        if any(_number(run, name) is not None for held in groups.values() for run in held)
    ]
    rows = [["network", "rate", "n", *(name.replace("_", " ") for name in numbers)]]
    for (arm, rate), held in sorted(groups.items()):
        cells = ([_number(run, name) for run in held] for name in numbers)
        diverged = sum(bool(run.result.get("diverged")) for run in held)
        n = f"{len(held)}, {diverged} diverged" if diverged else str(len(held))
        rows.append([arm, f"{rate:g}", n, *map(_mean_and_sd, cells)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def _number(run: StoredRun, name: str) -> float | None:
    with contextlib.suppress(KeyError, IndexError):
        value = run.last(name)
        return value if type(value) in (int, float) else None  # True is no number here
    return None


def _mean_and_sd(values: list[float | None]) -> str:
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    spread = f" ({statistics.stdev(values):.3f})" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{spread}"
