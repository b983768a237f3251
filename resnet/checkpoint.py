"""Checkpoints that are whole or absent, and that load without running anybody's code."""

import contextlib
import os
from pathlib import Path
from typing import Any

import torch


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read or does not belong to this run; the message says why."""


def save(path: str | Path, state: dict[str, Any]) -> None:
    """Writes `state` (tensors and plain data) so that a crash leaves the previous file whole.

    The bytes reach the disk before the name does: written beside, synchronised, then moved.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def load(path: str | Path) -> dict[str, Any]:
    """Reads what `save` wrote, onto the CPU; a pickle that would run code is refused."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file makes torch's reader raise nearly anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise CheckpointError(f"{path} is no checkpoint that can be read: {reason}") from error
