"""Which kept run a call of `fit` takes up: the one with the same identity, and no other."""

import contextlib
import os
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from ..data import Images
from ..results import History
from ..runtime import checkpoints as checkpoint
from ..runtime.checkpoints import CheckpointError
from ..runtime.device import Place
from ..runtime.distributed import ALONE, Team
from . import identity

PARTS = ("model", "optimizer", "schedule", "scaler")
KEYS = {*PARTS, "history", "place", "done", "identity", "about", "saved", "random"}


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


class Kept:
    """The file of one run: what it holds, and from then on what the run adds."""

    def __init__(
        self,
        path: Path,
        run: identity.Identity,
        model: torch.nn.Module,
        about: dict[str, Any] | None,
        begin_anew: bool,
        team: Team,
    ):
        self.path, self.identity, self.about, self.team = path, run, about, team
        self.state = None if begin_anew else team.decide(lambda: self._read(model))

    def _read(self, model: torch.nn.Module) -> dict[str, Any] | None:
        """What the file holds, None without one; CheckpointError where it is another run."""
        if not self.path.exists():
            return None
        state = checkpoint.load(self.path)
        if not isinstance(state, dict) or state.keys() != KEYS:
            raise CheckpointError("the file holds something else than a run of this version's fit")
        if _shapes(state["model"]) != _shapes(model.state_dict()):
            raise CheckpointError("the checkpoint is of another model")
        found = identity.differences(_as_asked(state, self.identity), self.identity)
        if found:
            raise CheckpointError(f"the checkpoint is of a run with other {', other '.join(found)}")
        return state

    def begin(self, history: History, place: Place, *parts: Any) -> int:
        """Takes over what the file holds and returns the steps that are done in an epoch.

        `parts` are model, optimiser, schedule and gradient scaler. Without a file the first state
        is written, so that a path that cannot be written fails here.
        """
        self.history, self.place, self.parts = history, place, dict(zip(PARTS, parts, strict=True))
        history.provenance["identity"] = self.identity
        state, self.state = self.state, None
        if state is None:
            self.save()
            return 0
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        history.epochs[:] = History.from_json(state["history"]).epochs
        history.provenance["taken_up"] = state["saved"]
        checkpoint.set_random_state(state["random"][self.team.rank], place.device)
        if self.team.leads:
            print(_taken_up(history, state, self.path))
            there, here = state["place"]["words"], place.describe()
            if there != here:
                print(f"The checkpoint is of {there}, this is {here}: the last digits will differ.")
        return state["done"]

    def save(self, done: int = 0) -> None:
        """Writes the run as it is after its finished epochs and `done` steps of the next one."""
        state = {
            **{name: part.state_dict() for name, part in self.parts.items()},
            "history": self.history.to_json(),
            "place": {
                "words": self.place.describe(),
                "names": self.place.names(),
                "threads": self.place.threads,
            },
            "done": done,
            "identity": self.identity,
            "about": self.about,
            "saved": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            # By all, because each process has random numbers of its own.
            "random": self.team.gather(checkpoint.random_state(self.place.device)),
        }
        self.team.decide(lambda: checkpoint.save(self.path, state))


def find(
    path: str | Path | None,
    label: str,
    model: torch.nn.Module,
    training: Images,
    validation: Images | None,
    settings: dict[str, Any],
    code: Iterable[str],
    say: bool,
    *,
    about: dict[str, Any] | None = None,
    begin_anew: bool = False,
    team: Team = ALONE,
) -> Kept | None:
    """The file at `path`, or of RESNET_CHECKPOINTS; None where nothing is to be kept."""
    if not path and not folder():
        return None
    run = team.decide(lambda: identity.of_run(model, training, validation, settings, code))
    path = Path(path) if path else team.decide(lambda: kept(label, run, say))
    return Kept(path, run, model, about, begin_anew, team)


def _as_asked(state: dict[str, Any], own: identity.Identity) -> identity.Identity:
    """The identity there, with its precision and layout where one is asked for now."""
    asked = {
        name: None if own["settings"][name] is None else there
        for name, there in state["place"]["names"].items()
    }
    return state["identity"] | {"settings": state["identity"]["settings"] | asked}


def _taken_up(history: History, state: dict[str, Any], path: Path) -> str:
    epochs, steps = len(history.epochs), state["done"]
    further = f" and {steps} steps" if steps else ""
    return (
        f"{history.label}: taken up from {path}, kept at {state['saved']} after {epochs} of "
        f"{history.settings['epochs']} epochs{further}"
    )


def _shapes(state: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}
