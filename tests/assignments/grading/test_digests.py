"""What changes a score makes stored results void; what only people read does not."""

import json
from pathlib import Path

import grimp
import pytest

from assignments import source
from assignments.grading import digests
from assignments.grading.kept_grades import Store
from assignments.handed_in.submissions import Submission
from tests.support import sample_assignment as sample
from tests.support.graded import result, with_part
from tests.support.programs import tracked

ROOT = digests.ROOT.parent


def test_every_module_is_covered_or_left_out_for_a_reason():
    modules = {ROOT / name for name in tracked("resnet", "assignments") if name.endswith(".py")}
    assert len(modules) > 100
    left_out = {path for name in digests.LEFT_OUT for path in files(digests.ROOT / name)}
    assert modules == {*digests.covered(), *left_out} and not left_out & {*digests.covered()}


def files(place: Path) -> set[Path]:
    """A module, or all of a room; a name that stands for nothing is an error."""
    assert place.exists(), place
    return {place} if place.is_file() else set(place.rglob("*.py"))


def test_no_score_comes_from_a_module_that_is_left_out():
    """By the graph of imports, those inside of functions included."""
    graph = grimp.build_graph("assignments", include_external_packages=False)
    modules = {path: module(path) for path in digests.covered() if digests.ROOT in path.parents}
    assert {f"assignments.{name}" for name in (
        "grading.one", "grading.judging", "grading.reference", "grading.values",
        "handed_in.answers", "sandbox.inside.child", "sandbox.inside.part",
    )} <= {*modules.values()}  # fmt: skip
    left_out = {module(path) for name in digests.LEFT_OUT for path in files(digests.ROOT / name)}
    for own in modules.values():
        assert not graph.find_modules_directly_imported_by(own) & left_out, own


def module(path: Path) -> str:
    names = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def test_the_data_that_checks_read_are_covered():
    names = {path.name for path in digests.stored_data()}
    assert {"degradation_band.json", "network_weights.npz", "patients.npz"} <= names
    assert "fashion_mnist_subset.npz" in names and "benchmarks.json" not in names


CODE = '"""What it is."""\nX = 1  # why\n\n\ndef f(x):\n    """It does."""\n    return x + X\n'


@pytest.mark.parametrize(
    "old, new, same",
    [
        ("What it is", "What it was", True),
        ("It does", "It doesn't", True),
        ("# why", "# because", True),
        ("\n\n\n", "\n\n", True),
        ("(x):", "( x ) :", True),
        ("x + X", "x - X", False),
        ("X = 1", "X = 2", False),
        ("X = 1", "X = 1.0", False),
        ("return x + X", "return (x + X,)", False),
        ("return x", "'a text'\n    return x", False),
        ("# why", "# by f.__doc__", False),
        ("(x):", "(x:", False),
    ],
)
def test_code_counts_by_what_it_does(old, new, same):
    assert CODE.count(old) == 1
    assert (digests.meaning(CODE) == digests.meaning(CODE.replace(old, new))) == same


# Pieces of the sample's notebook or its table, what they become, and whether scores may change.
EDITS = [
    ("Write `scaled`.", "Write the function `scaled`.", True),
    ("# A sample", "# An example", True),
    ('"title": "A sample"', '"title": "An example"', True),
    ("The secret model answer.", "Another model answer.", True),
    ("scaled returns one number", "scaled gives one number", True),
    ("The input (N,) times the factor.", "The input times the factor.", True),
    ("What `scaled` makes of random numbers.", "What it makes.", True),
    ("# Check 9.1: the values", "# Check 9.1: all values", True),
    ("# your student id", "# your id", True),
    ("The factor is two and should", "The factor is two, and should", True),
    ("names a | figure", "names a figure", True),
    ("minutes = 10", "minutes = 12", True),
    ("torch.randn(5)", "torch.randn(6)", False),
    ("return 3 * x", "return 3.0 * x", False),
    ("scaled(x) + 1", "scaled(x) + 2", False),
    ('new = "2 * x"', 'new = "4 * x"', False),
    ('"test-9-1-values" = 1', '"test-9-1-values" = 2', False),
    ('name = "the wrong factor"', 'name = "another factor"', False),
    ("# Task 9.1: a scaled input", "# Task 9.1: the scaled input", False),
    ("**Answer to task 9.3.**", "**Your answer to task 9.3.**", False),
    ("import torch\\n", "import torch, math\\n", False),
    ('"needs": [', '"needs": [], "seconds": 3, "other": [', False),
]


@pytest.mark.parametrize("old, new, same", EDITS)
def test_of_an_assignment_only_what_changes_a_score_counts(tmp_path, old, new, same):
    folder = sample.write(tmp_path)
    path = folder / "sample.ipynb"
    before = digests.of_source(path)
    whole = json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False)
    table = path.with_suffix(".toml")
    assert old in whole or old in table.read_text("utf-8")
    changed = table.read_text("utf-8").replace(old, new)
    if old == "return 3 * x":
        changed = changed.replace("3 * x", "3.0 * x")
    table.write_text(changed, encoding="utf-8")
    path.write_text(whole.replace(old, new), encoding="utf-8")
    assert (digests.of_source(path) == before) == same


def test_the_digest_is_of_all_that_grading_uses(tmp_path, monkeypatch):
    path = source.FOLDER / "block.ipynb"
    few = digests.covered()[::20]
    monkeypatch.setattr(digests, "covered", lambda: few)
    first = digests.of_grader(path, "a key")
    assert first == digests.of_grader(path, "a key") != digests.of_grader(path, "another")
    module = tmp_path / "module.py"
    module.write_text("x = 1", encoding="utf-8")
    monkeypatch.setattr(digests, "covered", lambda: [*few, module])
    second = digests.of_grader(path, "a key")
    module.write_text("x = 2", encoding="utf-8")
    assert len({first, second, digests.of_grader(path, "a key")}) == 3
    monkeypatch.setattr(digests, "covered", lambda: few)
    data = tmp_path / "band.json"
    data.write_text("[]", encoding="utf-8")
    monkeypatch.setattr(digests, "stored_data", lambda: [data])
    assert digests.of_grader(path, "a key") != first


def test_a_mended_sentence_reaches_the_student_without_grading_again(tmp_path):
    one = Submission(tmp_path / "a.ipynb", "ada", "Ada", False, "a.ipynb")
    one.path.write_text("{}", encoding="utf-8")
    told = {"status": "mistake", "mistake": "no sum", "message": "Nothing is aded. See task 2."}
    held = with_part(result("ada"), "test-1-1-shape", **told)
    then = {"mistake: no sum": "Nothing is aded.", "test-1-1-shape": "Chek 1.1"}
    Store(tmp_path / "r", "same", then).write(one, held)
    now = {"mistake: no sum": "Nothing is added.", "test-1-1-shape": "Check 1.1"}
    part = Store(tmp_path / "r", "same", now).read(one).parts[0]
    assert (part.title, part.message) == ("Check 1.1", "Nothing is added. See task 2.")
    assert Store(tmp_path / "r", "another", now).read(one) is None
    assert Store(tmp_path / "r", "same").read(one).parts[0].message == told["message"]
