"""The numbers of a run as lines of JSON, and in TensorBoard where that is installed."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..runtime.files import write_text


class Metrics:
    """A line of JSON for each epoch and for every so many steps, added to a file as they end.

    `step` counts all steps of the run. A run that goes on drops the lines behind its checkpoint, so
    each step stands there once. `tensorboard` is a folder for the same numbers.
    """

    def __init__(self, path: str | Path, every: int = 50, tensorboard: str | Path | None = None):
        self.path, self.every, self.tensorboard = Path(path), every, tensorboard
        self.writer: Any = None
        if tensorboard is not None:
            _summary_writer()  # fails before the training where there is none

    def begin(self, step: int) -> None:
        """Keeps what the file has up to `step`."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        kept = [line for line in lines if _step_of(line) <= step]
        write_text(self.path, "".join(f"{line}\n" for line in kept))
        if self.tensorboard is not None:
            self.writer = _summary_writer()(self.tensorboard, purge_step=step + 1)

    def step(self, step: int, loss: float, learning_rate: float) -> None:
        """Loss of one batch in nats and the rate of its step."""
        if step % self.every == 0:
            self._add({"step": step, "loss": loss, "learning_rate": learning_rate})

    def epoch(self, step: int, row: Mapping[str, Any]) -> None:
        """A row of the history."""
        self._add({"step": step, **row})

    def _add(self, row: dict[str, Any]) -> None:
        row = {name: value if _is_number(value) else None for name, value in row.items()}
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:
            raise OSError(f"cannot write {self.path}: {error.strerror or error}") from error
        if self.writer is not None:
            for name, value in row.items():
                if name not in ("step", "epoch") and value is not None:
                    self.writer.add_scalar(name, value, row["step"])
            self.writer.flush()


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # here, because few have it
    except ImportError as error:
        raise ValueError(
            "TensorBoard is not installed: install the package tensorboard, or leave out "
            "--tensorboard"
        ) from error
    return SummaryWriter


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)  # JSON has no name for others


def _step_of(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return math.inf  # the last line of a process that was killed while it wrote
