"""The broken networks of assignment 1, as a report hands them on, and what can be checked at once.

Each student gets five of a pool, by the student's id. What is wrong with which is not stored here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
from torch import Tensor, nn

from ..models import residual_block, six_n_plus_two
from ..results import History
from .drawing import drawn_for

FILE = "patients.npz"
ROUNDS, EPOCHS = 3, 12
PATIENTS = 5  # how many a student gets
COLUMNS = ("training_loss", "training_error", "validation_loss", "validation_error")
PARTS = ("stem", "stage1", "stage2", "stage3")
MISTAKES = (
    "no shortcut",
    "no ReLU after the addition",
    "no ReLU in the stem",
    "learning rate too large",
    "labels shuffled",
    "batch norm statistics never updated",
    "one stage never updated",
    "images not normalised",
    "last block never used",
    "too few training images",
)
# The measures, and what they are of the plain patient, of whose projections 32 kernel weights
# went from 1 to 2, and 128 from 1 to 3.
PLAIN = {
    "highest training loss": 5.0,
    "lowest validation error": 0.5,
    "gap": 0.25,
    "lowest stem output": 0.0,
    "lowest stage output": -2.0,
    "projection change": (544 / 160) ** 0.5,
    "smallest stage change": 0.5,
    "largest running mean": 3.0,
    "stem variance": 2.5,
    "largest last scale": 3.0,
}
MEASURES = tuple(PLAIN)


@dataclass(frozen=True)
class Patient:
    """One network as its report shows it.

    `history` has the losses and errors by epoch; `start` and `end` are the weights and batch norm's
    statistics before and after training, names as in `healthy().state_dict()`; `outputs` holds the
    smallest and the largest value that each part puts out on 64 validation images, in eval mode.
    """

    number: int
    history: History
    start: Mapping[str, Tensor]
    end: Mapping[str, Tensor]
    outputs: Mapping[str, tuple[float, float]]


def healthy() -> nn.Sequential:
    """The network that every patient was meant to be, freshly initialised."""
    return six_n_plus_two(8, residual_block, width=4)


def floating(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part of a state dict that is not counters."""
    return {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}


@cache
def pool() -> dict[str, np.ndarray]:
    """All patients as stored, a row each."""
    place = files("resnet") / "assets" / "coursework" / FILE
    with as_file(place) as path, np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def places(student: str) -> list[int]:
    """Which rows of the pool a student gets, five different mistakes; ValueError for an empty id.

    The pool lies in rounds that hold each mistake once, so a part of one round never repeats one.
    """
    drawn = drawn_for(student, "patients")
    first = drawn.randrange(ROUNDS) * len(MISTAKES)
    return [first + place for place in drawn.sample(range(len(MISTAKES)), PATIENTS)]


def patients(student: str) -> dict[int, Patient]:
    """The student's five patients by their numbers 1 to 5; ValueError for an empty id."""
    return {number: patient(row, number) for number, row in enumerate(places(student), start=1)}


def patient(row: int, number: int) -> Patient:
    """One row of the pool under the number that a student knows it by."""
    rows = {name: array[row] for name, array in pool().items()}
    history = _history(f"patient {number}", rows["history"].tolist())
    outputs = dict(zip(PARTS, map(tuple, rows["outputs"].tolist()), strict=True))
    return Patient(number, history, _state(rows["start"]), _state(rows["end"]), outputs)


def _history(label: str, rows: Iterable[Iterable[float]]) -> History:
    """A history with the values of COLUMNS in each of `rows`, one an epoch."""
    history = History(label)
    for epoch, values in enumerate(rows, start=1):
        history.epochs.append({"epoch": epoch, **dict(zip(COLUMNS, values, strict=True))})
    return history


def _state(numbers: np.ndarray) -> dict[str, Tensor]:
    state, position = {}, 0
    for name, tensor in floating(healthy().state_dict()).items():
        part = numbers[position : position + tensor.numel()]
        state[name] = torch.from_numpy(part.copy()).view(tensor.shape)
        position += tensor.numel()
    return state


def some_patient(seed: int) -> Patient:
    """A made-up patient of random numbers, for trying measures out: no network is behind it.

    Losses, errors and outputs go through all their range, and no first or last one is an extreme.
    """
    drawn = torch.Generator().manual_seed(seed)
    rows = (0.3 + 0.4 * torch.rand(EPOCHS, len(COLUMNS), generator=drawn)).tolist()
    rows[3] = [value + 2 for value in rows[3]]
    rows[6] = [value / 10 for value in rows[6]]
    lows = (-3 * torch.rand(len(PARTS), generator=drawn)).tolist()
    outputs = {part: (low, low + 5) for part, low in zip(PARTS, lows, strict=True)}
    states = [
        {
            name: torch.randn(tensor.shape, generator=drawn) - 3
            for name, tensor in floating(healthy().state_dict()).items()
        }
        for _ in range(2)
    ]
    return Patient(0, _history("made up", rows), *states, outputs)


def plain_patient() -> Patient:
    """A made-up patient with numbers that the measures can be worked out from in one's head."""
    curves = [(2.0, 0.8), (5.0, 0.9), (1.0, 0.25)]  # loss and error in training
    rows = [(loss, error, loss + 1, error + 0.25) for loss, error in curves]
    start, end = {}, {}
    for name, tensor in floating(healthy().state_dict()).items():
        factor = {"stage1": 1.5, "stage2": 2.0, "stage3": 3.0}.get(name.partition(".")[0], 1.0)
        start[name] = torch.ones_like(tensor)
        end[name] = torch.full_like(tensor, -factor if "running_mean" in name else factor)
    end["stem.1.running_var"] = 1 + torch.arange(4.0)
    outputs = dict(zip(PARTS, [(0.0, 3.0), (-1.0, 4.0), (-2.0, 5.0), (0.0, 6.0)], strict=True))
    return Patient(0, _history("made up", rows), start, end, outputs)


def check_measures(measures: Callable[[Patient], Mapping[str, float]], names: tuple) -> None:
    """AssertionError where the measures of these names are wrong for the plain patient."""
    found = measures(plain_patient())
    for name in names:
        assert name in found, f"measures(patient) has no {name!r}"
        assert isinstance(found[name], float), (
            f"{name!r} is of the type {type(found[name]).__name__}, not float"
        )
        assert abs(found[name] - PLAIN[name]) < 1e-5, (
            f"{name!r} of the plain patient is {found[name]:.4f}, and should be {PLAIN[name]:.4f}"
        )


def check_diagnosis(diagnoses: Mapping[int, tuple[str, str]], number: int) -> None:
    """AssertionError where a diagnosis lacks its form; whether it is right is not looked at."""
    assert number in diagnoses, f"there is no diagnosis for patient {number}"
    mistake, evidence = diagnoses[number]
    assert mistake in MISTAKES, f"patient {number}: {mistake!r} is not in the list of mistakes"
    assert evidence in MEASURES, f"patient {number}: {evidence!r} is not in the list of measures"
    named = [other for other, _ in diagnoses.values()]
    assert named.count(mistake) == 1, f"{mistake!r} is named twice: each patient has another one"
