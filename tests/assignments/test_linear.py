"""No text that a student hands in takes the grader's own process more than linear time."""

import ast
import json
import time
from pathlib import Path

import pytest

import assignments
from assignments import pages, source, tables  # fmt: skip
from assignments.gradebooks import filling as roster  # fmt: skip
from assignments.grading.one import redefines
from assignments.handed_in import answers, notebook, twins  # fmt: skip
from assignments.marking import anonymous  # fmt: skip
from assignments.reports import feedback, grades, overview, returning  # fmt: skip
from tests.support import sample_assignment as sample
from tests.support.graded import result, with_part

pytestmark = pytest.mark.slow  # long texts

ROOT = Path(assignments.__file__).parent
# What makes an expression go back and forth: signs that open and never close, and long runs.
HOSTILE = (
    "[", "[](", "[]", "(", "\n", " ", "\t\n", '"', "'", "`", "`a", "\\", '"\\', "1", "1.", "*",
    "#", "a", "a ", "a@", "a.", "+-", "<details>", "<!--", "$", "\t", ";='", "STUDENT = ",
    "\nSTUDENT = 'x", "def ", "\u0301\u0327", "\nRESULTS {", "# Check 9.1: the values",
)  # fmt: skip


def hostile(sign: str, length: int) -> str:
    """The text, begun like an id, a link, an answer and a name, so that none is passed over."""
    return "Ada [" + sign * (length // len(sign)) + "\nlovelace"


@pytest.fixture(scope="module")
def about(tmp_path_factory):
    return source.read("sample", sample.write(tmp_path_factory.mktemp("sources")))


def cells(text: str, first: str = "") -> list[dict]:
    """A notebook's cells with the text in each kind of place."""
    lines = (
        "# Setup",
        "# Task 9.2: a layer",
        "# Task 9.1: a scaled input",
        "# Check 9.1: the values",
        "# Run 9.1",
        "x",
    )
    stored = [{"output_type": "stream", "text": text}]
    code = [{"cell_type": "code", "source": f"{line}\n{text}", "outputs": stored} for line in lines]
    words = ["**Answer to task 9.3.**\n\n", "", first]
    return code + [{"cell_type": "markdown", "source": word + text} for word in words]


def parsed(text: str) -> notebook.Notebook:
    return notebook.parse(json.dumps({"cells": cells(text)}).encode())


def read_answers(text: str, about: source.Source) -> None:
    found = answers.find(parsed(text), about)
    answers.belongs(parsed(text), about)
    answers.in_words(found, about)
    answers.stated_ids(found)
    answers.results(found)
    answers.whole(found, about)
    for check in about.checks:
        answers.elsewhere(found, about, check, [f"NameError: name '{text}'"])
        redefines(found, about, check)
    answers.with_id(text, "ab123")


def blacked(text: str, about: source.Source) -> None:
    anonymous.blacked(text, ["Ada Lovelace", "lovelaceada", "a a", "Al", "1001", text[:100]])


def reported(text: str, about: source.Source) -> None:
    one = with_part(result("ada", text[:200], events=(text,)), "test-1-1-shape", message=text)
    grade = grades.grade(one, 12)
    feedback.feedback_page(grade, "The block")
    overview.overview_page(overview.Class("The block", 12, [grade]))
    pages.plain(text)


def tabled(text: str, about: source.Source) -> None:
    assert tables.unguarded(tables.guarded(text)) == text
    tables.to_csv(["a"], [[text]])


def named(text: str, about: source.Source) -> None:
    """A name as long as a file system holds."""
    roster.forms(text[:255])
    returning.safe(text[:255])


def tokenised(text: str, about: source.Source) -> None:
    twins.own_marks(parsed(text), about)
    assert len(list(twins.tokens(text, len(text)))) <= len(text)


READERS = {
    one.__name__: one for one in (parsed, read_answers, blacked, reported, tabled, named, tokenised)
}


def seconds(reader: str, text: str, about: source.Source) -> float:
    started = time.process_time()
    READERS[reader](*([text] if reader == "parsed" else [text, about]))
    return time.process_time() - started


def grows_with_the_length(reader: str, sign: str, about: source.Source) -> bool:
    short, long = (seconds(reader, hostile(sign, n), about) for n in (6_000, 24_000))
    return long < 8 * short + 0.15


@pytest.mark.parametrize("reader", READERS)
def test_four_times_the_length_takes_four_times_the_time(reader, about):
    """In one of three tries: collecting what other tests have left can fall into any of them."""
    for sign in HOSTILE:
        assert any(grows_with_the_length(reader, sign, about) for _ in range(3)), sign


# One of each kind; that the others' time grows no faster is tried above, at less length.
KINDS = ("[", "[](", "\n", '"', "`", "1", "*", "<details>", "\u0301\u0327", "a@")


@pytest.mark.parametrize("reader", READERS)
def test_a_third_of_a_megabyte_takes_seconds(reader, about):
    """Minutes, or hours, where the time grows with the square of the length."""
    for sign in KINDS:
        assert seconds(reader, hostile(sign, 300_000), about) < 9, sign


def many(count: int) -> bytes:
    """A notebook of very many cells that belong to one answer, and state very many ids."""
    one = {"cell_type": "markdown", "source": "more", "metadata": {"nbgrader": {"grade_id": "x"}}}
    head = {"cell_type": "markdown", "source": "**Answer to task 9.3.**\n\nBecause."}
    ids = "\n".join(f"STUDENT = '{number}'" for number in range(count))
    return json.dumps({"cells": [head, *[one] * count, {"cell_type": "code", "source": ids}]})


def test_many_cells_and_ids_are_bounded(about):
    read = notebook.parse(many(notebook.MOST_CELLS - 2).encode())
    started = time.process_time()
    found = answers.find(read, about)
    words = answers.in_words(found, about)["prose-9-3"]
    assert time.process_time() - started < 10
    assert len(answers.stated_ids(found)) == answers.MOST_IDS
    assert words.startswith("Because.\n\nmore") and words.count("more") == notebook.MOST_CELLS - 2
    with pytest.raises(notebook.UnreadableError, match="at most 10,000 are read"):
        notebook.parse(many(notebook.MOST_CELLS).encode())


def test_names_of_cells_fill_no_page(about):
    task = "# Task 9.1: a scaled input"
    copies = [{"cell_type": "code", "source": task, "metadata": {"nbgrader": {"grade_id": f"n{n}"}}}
              for n in range(500)]  # fmt: skip
    events = answers.find(notebook.parse(json.dumps({"cells": copies}).encode()), about).events
    assert len(events) < 10 and any("in cells named n0, n1, n10" in event for event in events)


# Every expression of the package, by a piece of its text: which reader above tries it, or why
# it need not be tried.
NAME = "a file's name, of 255 bytes at most"
OURS = "the course's own text, or the platform's"
ERROR = "an error's text, cut at 300 letters"
INSIDE = "runs in the sandbox, in the student's own time"
EXPRESSIONS = {
    "marking/anonymous": {
        "[^": "blacked",
        "+(?:@": "blacked",
        "]@[": "blacked",
        "bounded(gap)": "blacked",
        "u2e80": "blacked",
    },
    "handed_in/answers": {
        "[#*": "read_answers",
        "[([^": "read_answers",
        "(?P<head>": "read_answers",
        "NameError": ERROR,
        "def|class": "read_answers",
    },
    "sandbox/inside/child": {"RssAnon": OURS},
    "editions/concepts": {"*(.+?)": OURS, "`(.+?)`": OURS},
    "grading/digests": {"__doc__": OURS},
    "grading/one": {"def|class": "read_answers"},
    "editions/writing": {"ipynb|md": OURS},
    "sandbox/inside/encoding": {"bool|u?int": INSIDE},
    "pages": {"`([^`": "reported"},
    "gradebooks/reading": {"?P<quoted>": OURS, "(.*) ": OURS, "D'": OURS},
    "sandbox/inside/part": {"%%(": INSIDE, "[%!?]": INSIDE, "MemoryError": INSIDE},
    "grading/reference": {"d+": ERROR},
    "reports/returning": {"(con|": NAME, "]+$": "named"},
    "source": {"points": OURS},
    "grading/kept_grades": {"[^a-z0-9_@+-]": NAME},
    "tables": {"(?<=[;": "tabled", "FORMULA.pattern": "tabled"},
    "handed_in/twins": {"(?P<comment>": "tokenised"},
    "handed_in/submissions": {
        "?P<late>": NAME,
        "file|onlinetext": NAME,
        "'.*_[0-9]+_": NAME,
        "'submission_(?P": NAME,
        "desktop": NAME,
        "{1,18}": NAME,
    },
}
CALLS = {"compile", "findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn"}


def expressions(text: str) -> list[str]:
    """The expressions that a module gives to `re`, as Python writes them."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return [
        ast.unparse(call.args[0])
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in CALLS
        and isinstance(call.func.value, ast.Name) and call.func.value.id == "re"
    ]  # fmt: skip


def test_every_expression_is_tried_or_spared_for_a_reason():
    assert expressions("import re\nre.sub('a', '', x)\nre.compile(b).sub('', y)") == ["'a'", "b"]
    reasons = {NAME, OURS, ERROR, INSIDE, *READERS}
    listed = {name: [] for name in EXPRESSIONS}
    for path in sorted(ROOT.rglob("*.py")):
        for text in expressions(path.read_text(encoding="utf-8")):
            place = path.relative_to(ROOT).with_suffix("").as_posix()
            known = EXPRESSIONS.get(place, {})
            fits = [piece for piece in known if piece in text]
            assert len(fits) == 1, f"{place}: list the expression {text} in this test"
            assert known[fits[0]] in reasons
            listed[place].append(fits[0])
    assert {name: set(own) for name, own in EXPRESSIONS.items()} == {
        name: set(own) for name, own in listed.items()
    }
