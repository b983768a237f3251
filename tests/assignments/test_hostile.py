"""Odd and hostile notebooks: each gets what it deserves, in time, and what is odd is said."""

import json
import time
from collections.abc import Callable

import pytest

from assignments.gradebooks import identities
from assignments.grading.one import grade_one
from assignments.handed_in import notebook
from assignments.handed_in.submissions import Submission
from tests.support import sample_assignment as sample
from tests.support.direct import Direct
from tests.support.stand_ins import WITHOUT_TORCH
from tests.support.submitted import Author, code

LONG = 300_000
Notebook = dict


@pytest.fixture(scope="module")
def author(tmp_path_factory):
    folder = sample.write(tmp_path_factory.mktemp("source"), **WITHOUT_TORCH)
    return Author(folder / "sample.ipynb")


def words(text: str) -> Callable[[Notebook], None]:
    """A cell of text behind the answer in words."""
    return lambda own: own["cells"].append({"cell_type": "markdown", "source": text})


def cells(count: int, text: str = "1", **metadata: object) -> Callable[[Notebook], None]:
    return lambda own: own["cells"].extend(code(text, **metadata) for _ in range(count))


def printed(text: str) -> Callable[[Notebook], None]:
    output = {"output_type": "stream", "name": "stdout", "text": text}
    return lambda own: own["cells"].append(code("# Run 9.1") | {"outputs": [output]})


def named(own: Notebook) -> None:
    """The first answer's cell is given five hundred names in as many copies."""
    first = next(one for one in own["cells"] if "# Task 9.1" in one["source"])
    for number in range(500):
        about = {"nbgrader": {"grade_id": f"name {number}"}}
        own["cells"].append({**first, "metadata": about})


def first_with(text: str) -> Callable[[Notebook], None]:
    """The setup cell states the id so."""

    def change(own: Notebook) -> None:
        setup = next(one for one in own["cells"] if "STUDENT =" in one["source"])
        setup["source"] = setup["source"].replace("STUDENT = 'ada'", text)

    return change


def nothing(own: Notebook) -> None:
    pass


# What is done to an honest notebook of 5 points for code, and what must come of it: the points,
# the id that it states, and a piece of what is said of it (none where nothing must be said).
HOSTILE = {
    "nothing": (nothing, 5, "ada", ""),
    "brackets behind an answer": (words("[" * LONG), 5, "ada", ""),
    "links without an end": (words("[](" * LONG), 5, "ada", ""),
    "marks on one letter": (words("a" + "\u0301\u0327" * LONG), 5, "ada", ""),
    "an address without an end": (words("a@" * LONG), 5, "ada", ""),
    "details": (words("<details>" * LONG), 5, "ada", ""),
    "backticks": (words("`" * LONG), 5, "ada", ""),
    "blank lines in code": (cells(3, "\n" * LONG), 5, "ada", ""),
    "quotes in code": (cells(3, "'\\" * LONG), 5, "ada", ""),
    "a line of one name": (cells(3, "a" * LONG), 5, "ada", ""),
    "thousands of cells": (cells(5_000), 5, "ada", ""),
    "too many cells": (cells(10_001), 0, "", "cells: at most 10,000 are read"),
    "names without end": (named, 5, "ada", "and 497 others"),
    "a title in every cell": (cells(500, "# Check 9.1: the values"), 5, "ada", "altered test"),
    "nested results": (printed("RESULTS " + "[" * LONG), 5, "ada", ""),
    "results of digits": (printed('RESULTS {"a": ' + "1" * LONG + "}"), 5, "ada", ""),
    "lines of results": (printed('RESULTS {"a": 1}\n' * 20_000), 5, "ada", ""),
    "a tag of a megabyte": (cells(1, tags=["x" * LONG]), 5, "ada", ""),
    "thousands of ids": (cells(1, "STUDENT = 'x'\n" * 20_000), 5, "ada", "several student ids"),
    "another's id": (first_with("STUDENT = 'emmy'"), 5, "emmy", "'emmy' is not the author's"),
    "last year's id": (first_with("STUDENT = 's-2019'"), 5, "s-2019", "is not the author's"),
    "a formula": (first_with("STUDENT = '=cmd()'"), 5, "=cmd()", "'=cmd()' is not the author's"),
    "an id of a megabyte": (
        first_with(f"STUDENT = '{'x' * LONG}'"), 5, "x" * 99 + "…", "is not the author's",
    ),
    "an id in wide letters": (first_with("STUDENT = 'ａｄa'"), 5, "ａｄa", ""),
    "an id with a letter unseen": (first_with("STUDENT = 'ada\u200b'"), 5, "ada", ""),
    "an id that turns the text": (
        first_with("STUDENT = '\u202eada x'"), 5, "ada x", "is not the author's",
    ),
    "an id in capitals": (first_with("STUDENT = 'ADA'"), 5, "ADA", ""),
    "no id": (first_with("STUDENT = ''"), 5, "", "states no student id"),
}  # fmt: skip


def graded(author: Author, data: bytes, folder) -> tuple:
    path = folder / "ada.ipynb"
    path.write_bytes(data)
    one = Submission(path, "ada", "ada", False, path.name)
    started = time.process_time()
    result = grade_one(one, author.source, Direct(), "a key")
    (result,) = identities.told([result], identities.foreign([result], {}, None))
    return result, time.process_time() - started


@pytest.mark.parametrize("name", HOSTILE)
def test_a_notebook_gets_what_it_deserves(author, tmp_path, name):
    change, points, stated, said = HOSTILE[name]
    own = author.honest("ada")
    change(own)
    result, seconds = graded(author, json.dumps(own).encode("utf-8", "surrogatepass"), tmp_path)
    assert (result.points("code"), result.stated_id) == (points, stated)
    assert said in "\n".join(result.events) and len(result.events) < 12
    assert bool(said) == bool([event for event in result.events if "in another order" not in event])
    assert seconds < 20, "where a few are the rule"


# Bytes that are an honest notebook but for one thing, and the points for code.
BYTES = {
    "two lists of cells, the second empty": (lambda text: text[:-1] + b', "cells": []}', 0),
    "in UTF-16": (lambda text: text.decode().encode("utf-16"), 0),
    "with a zero byte": (lambda text: text + b"\0", 0),
    "with a byte that is no text": (lambda text: text.replace(b"Because", b"\xffBecause"), 5),
    "with no number": (lambda text: text[:-1] + b', "x": NaN}', 5),
    "with a number of 5,000 digits": (lambda text: text[:-1] + b', "x": ' + b"1" * 5_000 + b"}", 0),
    "twice": (lambda text: text + text, 0),
    "cut": (lambda text: text[: len(text) // 2], 0),
    "with a mark of its order": (lambda text: b"\xef\xbb\xbf" + text, 5),
}


@pytest.mark.parametrize("name", BYTES)
def test_a_file_that_is_nearly_a_notebook(author, tmp_path, name):
    change, points = BYTES[name]
    result, seconds = graded(author, change(json.dumps(author.honest("ada")).encode()), tmp_path)
    assert result.points("code") == points and seconds < 20
    assert points or any(event.startswith("scored 0: ") for event in result.events)
    assert len(notebook.one_line("\n".join(result.events), 400)) <= 400
