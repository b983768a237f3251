"""Near twins are seen through new names and layout; students who solved alike are not listed."""

import json
import time

import pytest

from assignments import source
from assignments.handed_in import notebook, submissions, twins
from assignments.reports.overview import Class, overview_page
from tests.support import submitted
from tests.support.stand_ins import OTHER, written
from tests.support.submitted import Author, code, store


@pytest.fixture(scope="module")
def author():
    return Author(source.FOLDER / "block.ipynb")


def with_code(author: Author, *texts: str, student: str = "ab123"):
    own = author.honest(student)
    own["cells"] += [code(text) for text in texts]
    return notebook.parse(json.dumps(own).encode())


def pairs(author: Author, **by_student: tuple[str, ...]):
    given = twins.marks_of_source(author.source)
    found = [
        twins.Print(name, twins.own_marks(with_code(author, *texts), author.source) - given)
        for name, texts in by_student.items()
    ]
    return [(one.one, one.other) for one in twins.twins(found)]


OBVIOUS = "batch, size = x.shape\ntotal = x.sum() / size\nreturn torch.relu(total)"
DISGUISED = written(1, 40, ("a", "b", "width", "count")).replace("\n", "  # my own idea\n\n")
LAYOUT = written(1, 40, ("a", "b", "w", "c")).replace(" ", "").replace(",", " ,\n   ")


@pytest.mark.parametrize(
    "one, other, alike",
    [
        ((written(1, 40),), (written(1, 40),), True),
        ((written(1, 40),), (DISGUISED,), True),
        ((written(1, 40),), (LAYOUT,), True),
        ((written(1, 40),), ('"""A docstring."""\n' + DISGUISED, written(2, 10)), True),
        ((written(1, 40),), (written(1, 20), written(3, 6), written(1, 40)), True),
        ((written(1, 40),), (written(2, 40),), False),
        ((written(1, 40),), (written(1, 5) + "\n" + written(2, 40),), False),
        ((OBVIOUS, written(1, 40)), (OBVIOUS, written(2, 40)), False),
        ((OBVIOUS,), (OBVIOUS,), False),
        ((), (), False),
    ],
)
def test_a_copy_is_seen_and_a_few_obvious_lines_are_not(author, one, other, alike):
    assert pairs(author, ada=one, emmy=other) == ([("ada", "emmy")] if alike else [])


def test_names_comments_and_layout_do_not_count():
    first = "def f(self, x):\n    '''Doc.'''\n    y = self.conv(x)  # c\n    return nn.relu(y, 3)"
    second = "def g(self,  z):\n  u=self.c1( z )\n  return nn.relu(u,\n 16)"
    assert list(twins.tokens(first)) == list(twins.tokens(second))
    assert list(twins.tokens("nn.Conv2d(1)")) != list(twins.tokens("nn.Linear(1)"))
    assert list(twins.tokens("x = 'a")) == ["n", "=", "s"]
    assert len(list(twins.tokens("x " * 100, 7))) == 7


@pytest.mark.parametrize("name", source.names())
def test_who_follows_the_solution_is_nobodys_twin(name, tmp_path):
    own = Author(source.FOLDER / f"{name}.ipynb")
    for number in range(4):
        store(own.honest(f"s{number}"))(tmp_path / f"s{number}.ipynb")
        store(own.untouched(f"u{number}"))(tmp_path / f"u{number}.ipynb")
    found = list(twins.prints(submissions.find(tmp_path), own.source))
    assert len(found) == 8 and not any(one.marks for one in found)
    assert twins.twins(found) == []


def test_the_sample_submissions_are_no_twins(author, tmp_path):
    """Right, partly right, with each known mistake, and as other editors save them."""
    cases = [*submitted.honest_cases(author), *submitted.format_cases(author)]
    submitted.write([*cases, *submitted.file_cases(author, OTHER)], tmp_path)
    found = list(twins.prints(submissions.find(tmp_path), author.source))
    assert len(found) > 15
    assert twins.twins(found) == []


def test_what_much_of_a_class_writes_belongs_to_nobody(author):
    shared = written(1, 40)
    few = {f"s{number}": (written(10 + number, 40),) for number in range(15)}
    ring = few | {f"r{number}": (shared, written(50 + number, 3)) for number in range(4)}
    assert len(pairs(author, **ring)) == 6
    most = few | {f"r{number}": (shared, written(50 + number, 3)) for number in range(12)}
    assert pairs(author, **most) == []


def test_earlier_years_are_compared_with_this_one_alone(author):
    marks = twins.own_marks(with_code(author, written(1, 40)), author.source)
    found = [
        twins.Print(name, marks, now) for name, now in (("a", True), ("b", False), ("c", False))
    ]
    assert {(one.one, one.other) for one in twins.twins(found)} == {("a", "b"), ("a", "c")}


def test_a_class_of_300_takes_seconds(author):
    """All pairs of 300 with as many fingerprints as a long solution; minutes would be a fault."""
    many = [
        twins.Print(str(place), frozenset((place * 7 + step) % 90_000 for step in range(900)))
        for place in range(300)
    ]
    started = time.process_time()
    twins.twins(many)
    assert time.process_time() - started < 30


def test_the_overview_lists_pairs_and_says_what_they_do_not_prove():
    page = overview_page(Class("The block", 12, [], twins=[twins.Twins("a<b>", "c", 50, 0.875)]))
    assert "a&lt;b&gt;" in page and "88 %" in page
    assert "no proof" in page and "Near twins" in page
    assert "Near twins" not in overview_page(Class("The block", 12, []))
