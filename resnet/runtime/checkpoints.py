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
    except (OSError, RuntimeError) as error:
        # torch's writer stumbles over a full disk, and then complains of something else.
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        kept = " (the one before is whole)" if path.is_file() else ""
        raise OSError(f"cannot write {path}: {cause.strerror or cause}{kept}") from error
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


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """Where the generators of the CPU and of a GPU stand, which dropout draws from."""
    state = {"cpu": torch.get_rng_state()}
    return state | {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else state


def set_random_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Puts the generators back; that of a GPU stays where the state was of a CPU."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
