"""The broken networks of assignment 1: what gives each away, and that nothing else does."""

import json
from pathlib import Path

import numpy as np
import pytest

import resnet
from assignments import source
from assignments.editions.measured.patients import CAUSES, KEY, rounded, train
from resnet.course.patients import (
    EPOCHS,
    MEASURES,
    MISTAKES,
    PARTS,
    PATIENTS,
    ROUNDS,
    check_diagnosis,
    check_measures,
    healthy,
    patient,
    patients,
    places,
    pool,
)
from tests.support.solved_block import solved


def test_each_round_has_every_mistake_once():
    rounds = [KEY[start : start + len(MISTAKES)] for start in range(0, len(KEY), len(MISTAKES))]
    assert len(rounds) == ROUNDS and all(sorted(each) == sorted(MISTAKES) for each in rounds)
    assert list(CAUSES) == list(MISTAKES)
    for student in map(str, range(5)):
        assert len({KEY[place] for place in places(student)}) == PATIENTS == len(patients(student))


def test_the_pool_is_small_and_says_nothing_of_the_mistakes():
    path = Path(resnet.__file__).parent / "assets" / "coursework" / "patients.npz"
    assert path.stat().st_size < 1_000_000
    assert sorted(pool()) == ["end", "history", "outputs", "start"]
    assert all(len(array) == len(KEY) and array.dtype == np.float32 for array in pool().values())
    assert all(np.isfinite(array).all() for array in pool().values())


def test_a_patient_fits_the_network_that_it_was_meant_to_be():
    for row in range(len(KEY)):
        one = patient(row, 1)
        left = healthy().load_state_dict(dict(one.end), strict=False)
        assert not left.unexpected_keys
        assert all(name.endswith("num_batches_tracked") for name in left.missing_keys)
        assert len(one.history.epochs) == EPOCHS and tuple(one.outputs) == PARTS


# The value that gives each mistake away, and how far all other patients stay from it.
SIGNS = {
    "no shortcut": ("projection change", lambda value: value == 0, lambda value: value > 0.04),
    "no ReLU after the addition": ("lowest stage output", lambda v: v < -5, lambda v: v == 0),
    "no ReLU in the stem": ("lowest stem output", lambda v: v < -2, lambda v: v == 0),
    "learning rate too large": ("highest training loss", lambda v: v > 8, lambda v: v < 2.6),
    "labels shuffled": ("lowest validation error", lambda v: v > 0.85, lambda v: v < 0.7),
    "batch norm statistics never updated": (
        "largest running mean", lambda value: value == 0, lambda value: value > 0.8,
    ),
    "one stage never updated": ("smallest stage change", lambda v: v == 0, lambda v: v > 0.1),
    "images not normalised": ("stem variance", lambda v: v > 15_000, lambda v: v < 200),
    "last block never used": ("largest last scale", lambda v: v == 0, lambda v: v > 0.9),
    "too few training images": ("gap", lambda value: value > 0.5, lambda value: value < 0.3),
}  # fmt: skip


def test_each_measure_separates_its_mistake_from_all_others():
    measures = solved("id0", "task-1-4")["measures"]
    found = [measures(patient(row, 1)) for row in range(len(KEY))]
    assert {name for name, _, _ in SIGNS.values()} == set(MEASURES) == set(found[0])
    for mistake, (name, ill, well) in SIGNS.items():
        for row, each in enumerate(found):
            assert (ill if KEY[row] == mistake else well)(each[name]), (mistake, row, each[name])


def test_the_solution_names_the_mistakes_that_were_made():
    for student in (f"other {number}" for number in range(4)):
        diagnoses = solved(student, "task-1-4", "task-1-5")["DIAGNOSES"]
        for number, row in enumerate(places(student), start=1):
            assert diagnoses[number] == (KEY[row], SIGNS[KEY[row]][0])


def test_the_notebook_explains_each_mistake_and_each_measure():
    notebook = json.loads((source.FOLDER / "block.ipynb").read_text("utf-8"))
    rows = "".join("".join(cell["source"]) + "\n" for cell in notebook["cells"]).splitlines()
    for name in (*MISTAKES, *MEASURES):
        assert sum(row.startswith(f"| {name} | ") for row in rows) == 1, name


def test_rounding_keeps_zeros_and_equal_numbers():
    numbers = np.array([0.0, 1.0, -1.0, 3.14159, 1e-5, 70_000.0], dtype=np.float32)
    assert np.allclose(rounded(numbers), numbers, rtol=0.002, atol=0)
    assert (rounded(numbers)[:3] == numbers[:3]).all()
    assert (rounded(rounded(numbers)) == rounded(numbers)).all()


@pytest.mark.slow
@pytest.mark.parametrize("mistake", [None, *MISTAKES])
def test_the_mistakes_leave_their_traces_when_trained_anew(mistake, monkeypatch):
    """Another seed and other images than in the pool; nothing is found where nothing is wrong."""
    measures = solved("id0", "task-1-4")["measures"]
    arrays = train(mistake, 40)
    monkeypatch.setattr(
        "resnet.course.patients.pool", lambda: {name: each[None] for name, each in arrays.items()}
    )
    found = measures(patient(0, 1))
    for each, (name, ill, well) in SIGNS.items():
        if each == mistake:
            assert ill(found[name]), (each, found[name])
        elif mistake != "learning rate too large":  # which leaves any statistics behind
            assert well(found[name]), (each, found[name])


def test_the_checks_of_measures_and_diagnoses_say_what_is_missing():
    measures = solved("id0", "task-1-4")["measures"]
    with pytest.raises(AssertionError, match="'gap' of the plain patient is -0.2500"):
        check_measures(lambda patient: measures(patient) | {"gap": -0.25}, MEASURES)
    with pytest.raises(AssertionError, match="has no 'gap'"):
        check_measures(lambda patient: {}, ("gap",))
    with pytest.raises(AssertionError, match="'gap' is of the type int, not float"):
        check_measures(lambda patient: {"gap": 1}, ("gap",))
    with pytest.raises(AssertionError, match="no diagnosis for patient 2"):
        check_diagnosis({1: (MISTAKES[0], MEASURES[0])}, 2)
    with pytest.raises(AssertionError, match="not in the list of mistakes"):
        check_diagnosis({1: ("tired", MEASURES[0])}, 1)
    with pytest.raises(AssertionError, match="not in the list of measures"):
        check_diagnosis({1: (MISTAKES[0], "mood")}, 1)
    with pytest.raises(AssertionError, match="named twice"):
        check_diagnosis(dict.fromkeys((1, 2), (MISTAKES[0], MEASURES[0])), 1)
