"""Markers' sheets: anonymous on the way out, checked and merged on the way back; adjustments."""

import argparse
import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignments.marking import command, marks, rubric, sheets
from assignments.marking.anonymous import BLACK, blacked, code
from assignments.source import Prose
from assignments.tables import CourseFileError, guarded, read, save, to_csv, unguarded
from tests.support.graded import RUBRIC, Assignment, result

QUESTION = rubric.questions(Assignment())[0]
HEAD = ["code", "evidence (0 to 3)", "limits (0 to 2)", "comment"]
SIGNS = ("=", "+", "-", "@", "＝")  # that begin a formula
CODES = {"1001": "BBBB-BBBB", "1002": "CCCC-CCCC", "1003": "DDDD-DDDD"}


def folder(tmp_path: Path, **by_marker: list[list[Any]]) -> Path:
    """Sheets as markers send them back, a key beside them."""
    keys = [["prose-1-4", code, student, ""] for student, code in CODES.items()]
    save(tmp_path / "key.csv", to_csv(marks.KEY_COLUMNS, keys))
    for marker, rows in by_marker.items():
        name = "prose-1-4.csv" if marker == "first" else f"prose-1-4.{marker}.csv"
        save(tmp_path / "for-markers" / name, to_csv(HEAD, rows))
    return tmp_path


def test_kappa_has_the_published_values() -> None:
    # Maple's help page of EssayTools[QuadraticWeightedKappa], both examples.
    first = [9, 7, 8, 7, 6, 8, 3, 5, 10]
    assert marks.weighted_kappa(first, [8, 8, 6, 6, 7, 6, 1, 4, 8]) == pytest.approx(
        0.758620689655172, abs=1e-14
    )
    assert marks.weighted_kappa(first, [3, 5, 6, 6, 7, 6, 1, 4, 8]) == pytest.approx(
        0.438095238095238, abs=1e-14
    )


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_kappa_is_that_of_the_table(pairs: list[tuple[int, int]]) -> None:
    seen = np.zeros((5, 5))
    for one, other in pairs:
        seen[one, other] += 1
    weights = np.square(np.subtract.outer(np.arange(5), np.arange(5)))
    chance = np.outer(seen.sum(1), seen.sum(0)) / len(pairs)
    ones, others = zip(*pairs, strict=True)
    kappa = marks.weighted_kappa(ones, others)
    if (weights * chance).sum() == 0:
        assert kappa is None
    else:
        assert kappa == pytest.approx(1 - (weights * seen).sum() / (weights * chance).sum())


def test_marks_are_merged_and_agreement_is_told(tmp_path: Path) -> None:
    given_marks = folder(
        tmp_path,
        first=[["BBBB-BBBB", 3, 2, "good"], ["CCCC-CCCC", "2,5", 1, ""], ["DDDD-DDDD", "", "", ""]],
        ben=[["bbbb-bbbb", 2, 2, "=good"], ["CCCC-CCCC", 1, 1, ""]],
    )
    merged = marks.collected(given_marks, [QUESTION])
    assert merged.marked["1001", "prose-1-4"].points == (2.5, 2)
    assert set(merged.marked["1001", "prose-1-4"].comments) == {"good", "=good"}
    assert merged.marked["1002", "prose-1-4"].total == 2.75
    assert ("1003", "prose-1-4") not in merged.marked
    assert merged.third_looks == ("prose-1-4, CCCC-CCCC: unnamed 3.5, ben 2",)
    evidence, limits, whole = merged.agreements
    assert (evidence.n, evidence.exact, evidence.within_one) == (2, 0.0, 0.5)
    assert (limits.criterion, limits.exact, limits.kappa) == ("limits", 1.0, 1.0)
    assert whole.markers == ("unnamed", "ben")


def test_a_sheet_that_was_agreed_on_overrules_the_others(tmp_path: Path) -> None:
    given_marks = folder(
        tmp_path,
        ann=[["BBBB-BBBB", 3, 2, "a"]],
        ben=[["BBBB-BBBB", 0, 0, "b"]],
        agreed=[["BBBB-BBBB", 1, 1, "c"]],
    )
    merged = marks.collected(given_marks, [QUESTION])
    assert merged.marked["1001", "prose-1-4"] == marks.Marked(QUESTION, (1, 1), ("c",))
    assert merged.third_looks == () and len(merged.agreements) == 3


def test_marks_go_into_results(tmp_path: Path) -> None:
    merged = marks.collected(folder(tmp_path, ann=[["BBBB-BBBB", 3, 1, ""]]), [QUESTION])
    part = merged.applied(result("1001")).parts[-1]
    assert (part.points, part.status) == (4, "marked")
    assert merged.applied(result("1002")) == result("1002")


def test_a_sheet_saved_by_a_western_excel_is_read(tmp_path: Path) -> None:
    text = ";".join(HEAD) + '\r\nBBBB-BBBB;2,5;1;"schön; gut"\r\n'
    save(folder(tmp_path) / "prose-1-4.jörg.csv", text.encode("cp1252"))
    merged = marks.collected(tmp_path, [QUESTION])
    assert merged.marked["1001", "prose-1-4"].comments == ("schön; gut",)


@pytest.mark.parametrize(
    "row, sentence",
    [
        (["XXXX-XXXX", 3, 2, ""], "line 2: the code 'XXXX-XXXX' is not in key.csv"),
        (["BBBB-BBBB", 4, 2, ""], "line 2: 4 for 'evidence' is not between 0 and 3"),
        (["BBBB-BBBB", -1, 2, ""], "line 2: -1 for 'evidence' is not between 0 and 3"),
        (["BBBB-BBBB", "good", 2, ""], "line 2: 'good' in 'evidence .0 to 3.' is no number"),
        (["BBBB-BBBB", "nan", 2, ""], "line 2: 'nan' in 'evidence .0 to 3.' is no number"),
        (["BBBB-BBBB", 3, "", ""], "line 2: no mark for 'limits'"),
        (["BBBB-BBBB", 3, 2, "", "more"], "line 2 has more cells than there are columns"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: list[Any], sentence: str) -> None:
    given_marks = folder(tmp_path, ann=[row])
    with pytest.raises(CourseFileError, match=rf"prose-1-4.ann.csv, {sentence}"):
        marks.collected(given_marks, [QUESTION])


def test_wrong_sheets_are_named(tmp_path: Path) -> None:
    with pytest.raises(CourseFileError, match="there is no folder"):
        marks.collected(tmp_path / "none", [QUESTION])
    with pytest.raises(CourseFileError, match="has no key.csv"):
        marks.collected(tmp_path, [QUESTION])
    twice = folder(tmp_path, ann=[["BBBB-BBBB", 1, 1, ""], ["BBBB-BBBB", 1, 1, ""]])
    with pytest.raises(CourseFileError, match="line 3: the code 'BBBB-BBBB' is there twice"):
        marks.collected(twice, [QUESTION])
    (tmp_path / "for-markers" / "prose-1-4.ann.csv").rename(tmp_path / "prose-1-5.csv")
    with pytest.raises(CourseFileError, match="prose-1-5.csv is named after no question"):
        marks.collected(tmp_path, [QUESTION])
    save(tmp_path / "prose-1-5.csv", b"code,comment\n")
    (tmp_path / "prose-1-5.csv").rename(tmp_path / "prose-1-4.csv")
    with pytest.raises(CourseFileError, match="has no column 'evidence"):
        marks.collected(tmp_path, [QUESTION])


def test_a_rubric_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(CourseFileError, match="do not add up to 6"):
        rubric.question(RUBRIC | {"points": 6}, "")
    bare = {"name": "x", "points": 5, "anchors": {"5": "all"}}
    with pytest.raises(CourseFileError, match="no anchor for no or for all points"):
        rubric.question(RUBRIC | {"criteria": [bare]}, "")
    with pytest.raises(CourseFileError, match="no rubric for prose-1-4"):
        rubric.questions(Assignment(rubric=()))


def test_a_mark_reaches_its_anchor_or_the_one_below() -> None:
    evidence = QUESTION.criteria[0]
    reached = [evidence.anchor(mark) for mark in (0, 0.5, 2, 2.5, 3)]
    assert reached == [evidence.anchors[mark] for mark in (0, 0, 2, 2, 3)]


@pytest.mark.parametrize(
    "answer, names, expected",
    [
        ("I, Ada Lovelace, say so.", ["Lovelace, Ada"], f"I, {BLACK}, say so."),
        ("ada knows; Adam does not", ["Ada"], f"{BLACK} knows; Adam does not"),
        ("Jane Doe and doe jane", ["doejane"], f"{BLACK} and {BLACK}"),
        ("by José Nuñez", ["Jose NUNEZ"], f"by {BLACK}"),
        ("Li says a li is 500 m", ["Li"], f"{BLACK} says a li is 500 m"),
        ("我叫王小明。", ["王小明"], f"我叫{BLACK}。"),
        ("id 1001 of 10010", ["1001"], f"id {BLACK} of 10010"),
        ("mail a.b@c.org now", [], f"mail {BLACK} now"),
        ("a (b* [c", ["(b*", "[c"], f"a {BLACK} [c"),
        ("nothing", ["", " "], "nothing"),
    ],
)
def test_an_author_is_blacked_out(answer: str, names: list[str], expected: str) -> None:
    assert blacked(answer, names) == expected


@given(st.text(max_size=30), st.lists(st.text(max_size=8), max_size=3))
def test_blacking_out_takes_any_text(answer: str, names: list[str]) -> None:
    once = blacked(answer, names)
    assert blacked(once, names) == once


def test_codes_tell_nothing_and_differ_by_question() -> None:
    codes = {code("key", question, str(n)) for question in "ab" for n in range(200)}
    assert len(codes) == 400
    assert code("key", "a", "1") != code("another", "a", "1")
    assert code("key", "a", "1", {code("key", "a", "1")}) != code("key", "a", "1")


@pytest.mark.parametrize(
    "text, shown",
    [
        ("=1+1", "'=1+1"),
        ("a;=cmd()", "a;'=cmd()"),
        ("a;b;-2", "a;b;'-2"),
        ("1,5;+1,5", "1,5;'+1,5"),
        ("a\t@SUM(A1)", "a\t'@SUM(A1)"),
        ("a\r\n=1", "a\r'\n'=1"),
        ('a;"=1"', 'a;\'"=1"'),
        ('"=1', "'\"=1"),
        (" =1", "' =1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("a；＝1", "a；'＝1"),
        ("﹦1", "'﹦1"),
        ("'=1", "''=1"),
        ("O'Neill; Zoë", "O'Neill; Zoë"),
        ("a-b, c+d = e@f", "a-b, c+d = e@f"),
        ("block,-final.ipynb", "block,-final.ipynb"),
    ],
)
def test_no_cell_is_a_formula_in_another_country(text: str, shown: str) -> None:
    assert guarded(text) == shown and unguarded(shown) == text
    content = to_csv(["a", "b"], [["x", text]]).decode("utf-8-sig")
    for delimiter in ",;\t":  # as programs read that heed quotation marks, and those that do not
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            lines = io.StringIO(content, newline="")
            for row in csv.reader(lines, delimiter=delimiter, quoting=quoting):
                for cell in row[delimiter == "," :]:
                    assert delimiter == "," or cell.strip(' "')[:1] not in SIGNS


@given(st.text(alphabet="=+-@;,\t\r\n'\" a＝；", max_size=12) | st.text(max_size=8))
def test_a_guard_is_taken_off_again(text: str) -> None:
    assert not guarded(text).startswith((*SIGNS, "\t", "\r"))
    assert unguarded(guarded(text)) == text
    pieces = re.split("[;\t\r\n；]", guarded(text))
    assert not any(piece.lstrip(' "').startswith(SIGNS) for piece in pieces)


# ---- The command ----


LINE = "**Answer to task 1.4.**"
SOURCE = Assignment(prose=(Prose("prose-1-4", LINE, 5, f"{LINE}\nIt <is>."),))


def notebook(answer: str, student: str = "") -> str:
    cells = [
        {"cell_type": "code", "source": f'# Setup\nSTUDENT = "{student}"', "outputs": []},
        {"cell_type": "markdown", "source": f"{LINE}\n{answer}"},
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def handed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as Canvas exports it, and the only assignment there is."""
    for name, value in {"tasks": (), "checks": (), "plain": frozenset(), "order": ()}.items():
        monkeypatch.setattr(Assignment, name, value, raising=False)
    monkeypatch.setattr(sheets.sources, "names", lambda: ["block"])
    monkeypatch.setattr(sheets.sources, "read", lambda name: SOURCE)
    place = tmp_path / "in"
    place.mkdir()
    answers = {
        "lovelaceada_1001_9_block.ipynb": ("I am Ada Lovelace. <img src=x> [a](http://b.c)", "s17"),
        "turingalan_LATE_1002_8_block.ipynb": ("As s18 I say it.", "s18"),
        "noetheremmy_1003_7_block.ipynb": ("YOUR ANSWER HERE", ""),
    }
    for name, (answer, student) in answers.items():
        (place / name).write_text(notebook(answer, student), encoding="utf-8")
    (place / "broken_1004_6_block.ipynb").write_text("no notebook", encoding="utf-8")
    return place


def call(*words: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(list(map(str, words))))


def test_sheets_are_anonymous_and_the_key_lies_apart(handed_in: Path, tmp_path: Path) -> None:
    assert call(handed_in, "--out", tmp_path / "out", "--key", "secret") == 0
    shown = sorted((tmp_path / "out" / "for-markers").iterdir())
    assert [path.name for path in shown] == ["prose-1-4.csv", "prose-1-4.html"]
    for path in shown:
        text = path.read_text(encoding="utf-8").casefold()
        for name in ("ada", "lovelace", "turing", "alan", "1001", "1002", "s17", "s18", "_late"):
            assert name not in text, (path.name, name)
    html = shown[1].read_text(encoding="utf-8")
    assert "&lt;img src=x&gt;" in html and "<img" not in html and "href=" not in html
    assert "It &lt;is&gt;." in html and "where &lt;it&gt; lies" in html
    rows = read(tmp_path / "out" / "key.csv", marks.KEY_COLUMNS)
    assert {row["student"] for row in rows} == {"1001", "1002"}
    codes = [row["code"] for row in read(shown[0], HEAD)]
    assert codes == sorted(row["code"] for row in rows)
    assert re.findall(r'id="(.{4}-.{4})"', html) == codes


def test_a_second_call_keeps_codes_and_marks(handed_in: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call(handed_in, "--out", out) == 0
    path = out / "for-markers" / "prose-1-4.csv"
    first = [row["code"] for row in read(path, HEAD)]
    save(path, to_csv(HEAD, [[first[0], 3, 2, "kept"], [first[1], "", "", ""]]))
    later = handed_in / "new_1005_5_block.ipynb"
    later.write_text(notebook("Later."), encoding="utf-8")
    assert call(handed_in, "--out", out) == 0
    rows = {row["code"]: row for row in read(path, HEAD)}
    assert set(first) < set(rows) and len(rows) == 3
    assert rows[first[0]]["comment"] == "kept"
    assert len(marks.collected(out, [QUESTION]).marked) == 1


def test_full_names_come_from_the_roster(handed_in: Path, tmp_path: Path) -> None:
    export = 'Student,ID,SIS Login ID,Section,The block (7)\n"King, Ada",1001,ada,Mon,\n'
    (tmp_path / "roster.csv").write_text(export, encoding="utf-8")
    late = handed_in / "lovelaceada_1001_9_block.ipynb"
    late.write_text(notebook("Miss King writes."), encoding="utf-8")
    assert call(handed_in, "--out", tmp_path / "o", "--roster", tmp_path / "roster.csv") == 0
    assert "King" not in (tmp_path / "o/for-markers/prose-1-4.html").read_text(encoding="utf-8")
    assert "King, Ada" in (tmp_path / "o/key.csv").read_text(encoding="utf-8")


def test_login_ids_of_the_roster_are_blacked_out(handed_in: Path, tmp_path: Path) -> None:
    export = (
        "Student,ID,SIS User ID,SIS Login ID,Section,The block (7)\n"
        '"King, Ada",1001,s-17,aking7@example.edu,Mon,\n'
    )
    (tmp_path / "roster.csv").write_text(export, encoding="utf-8")
    late = handed_in / "lovelaceada_1001_9_block.ipynb"
    late.write_text(notebook("I am AKing7, or s-17; see home/aking7/x."), encoding="utf-8")
    assert call(handed_in, "--out", tmp_path / "o", "--roster", tmp_path / "roster.csv") == 0
    page = (tmp_path / "o/for-markers/prose-1-4.html").read_text(encoding="utf-8").casefold()
    assert "aking7" not in page and "s-17" not in page and "i am" in page


def test_the_command_says_what_is_wrong(
    handed_in: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert call(tmp_path / "none", "--out", tmp_path / "out") == 1
    assert call(handed_in, "--out", tmp_path / "out", "--assignment", "essay") == 1
    said = capsys.readouterr().err.splitlines()
    assert "there is no folder" in said[0] and "no assignment 'essay', only block" in said[1]
