"""Which kept run a call of `fit` takes up: the one with the same identity, and no other."""

import contextlib
import os
import re
from pathlib import Path
from typing import Any

import torch

from . import identity
from .checkpoints import CheckpointError


def folder() -> Path | None:
    """The folder that RESNET_CHECKPOINTS names, None where it names none."""
    named = os.environ.get("RESNET_CHECKPOINTS")
    return Path(named) if named else None


def kept(label: str, run: identity.Identity, say: bool) -> Path:
    """Where RESNET_CHECKPOINTS keeps this run: a file per run, named by all that it depends on.

    The same cell finds its own after a runtime is lost, as on Colab with a folder of one's Drive,
    and no other run takes it up. With `say` a line says what is new beside the most similar one.
    """
    folder().mkdir(parents=True, exist_ok=True)
    label = re.sub(r"[^\w.-]+", "_", label)
    path = folder() / f"{label}-{identity.name(run)}.pt"
    if say and not path.exists():
        others = [_identity(other) for other in sorted(folder().glob(f"{label}-{12 * '?'}.pt"))]
        found = [identity.differences(other, run) for other in others if other]
        if found:
            nearest = ", other ".join(min(found, key=len))
            print(f"{label}: trained anew, since the most similar kept run has other {nearest}")
    return path


def _identity(path: Path) -> identity.Identity | None:
    with contextlib.suppress(Exception):  # a damaged file of another run is none of ours
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)["identity"]
    return None


def check(state: Any, own: dict[str, Any]) -> None:
    """CheckpointError where `state` is not of the run whose state before its start is `own`.

    Compared before anything is taken over, because `load_state_dict` overwrites what fits before
    it complains. A precision or layout that is asked for is the one there; any is where none is.
    """
    if not isinstance(state, dict) or state.keys() != own.keys():
        raise CheckpointError("the file holds something else than a run of this version's fit")
    if _shapes(state["model"]) != _shapes(own["model"]):
        raise CheckpointError("the checkpoint is of another model")
    settings = own["identity"]["settings"]
    place = {
        name: None if settings[name] is None else there
        for name, there in state["place"]["names"].items()
    }
    there = state["identity"] | {"settings": state["identity"]["settings"] | place}
    found = identity.differences(there, own["identity"])
    if found:
        raise CheckpointError(f"the checkpoint is of a run with other {', other '.join(found)}")


def _shapes(state: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}
