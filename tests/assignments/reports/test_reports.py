"""Reports of a graded class: what is in them, what must not be, and that they look right."""

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from assignments import tables
from assignments.marking.marks import KEY_COLUMNS, Marked
from assignments.marking.rubric import questions
from assignments.reports import grades, returning
from assignments.reports import writing as reports
from assignments.reports.feedback import feedback_page
from assignments.reports.overview import Class, overview_page
from assignments.result import Result
from tests.support.graded import PARTS, Assignment, a_class, mistaken, result, with_part

QUESTION = questions(Assignment())[0]
NASTY = (
    "=cmd()|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", 'O"Neill, "Zoë"', "a;b\nc",
    "../../etc/passwd", "C:\\nul", "con", "😀", "\u202egnp.exe", "", " ", ".",
    "<script>alert(1)</script>",
)  # fmt: skip
NAMES = st.text(max_size=20) | st.sampled_from(NASTY)


def shown(page: str) -> str:
    """The text of a page."""
    return BeautifulSoup(page, "html.parser").get_text()


def written(out: Path, results: list[Result], **also: Any) -> Path:
    reports.write(results, out, source=Assignment(), **also)
    return out


def rows(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_result_goes_to_json_and_back() -> None:
    one = mistaken(result(name='=É"', events=("a", "b"), seconds=1.5, timed_out=True))
    assert Result.from_json(one.to_json()) == one
    for text in ("{}", "[]", "no", '{"parts": []}', '{"parts": 3, "events": []}'):
        with pytest.raises(ValueError, match="not the JSON of a result"):
            Result.from_json(text)
    with pytest.raises(ValueError, match="'well' is not the status"):
        replace(PARTS[0], status="well")


def test_grades_csv_has_a_row_a_student(tmp_path: Path) -> None:
    changed = "student,days_late\n1001,1\n"
    (tmp_path / "adjustments.csv").write_text(changed, encoding="utf-8")
    results = [mistaken(result("1001", late=True, events=("odd",))), result("1002", "Alan")]
    out = written(tmp_path / "out", results, adjustments=tmp_path / "adjustments.csv")
    ada, alan = rows(out / "grades.csv")
    assert list(ada.values()) == [
        *("1001", "Ada Lovelace", "1001.ipynb", "3", "2", "", "5", "0", "-0.5", "4.5", "37.5"),
        *("yes", "1", "1"),
    ]
    assert list(ada)[3:6] == [
        "test-1-1-shape (of 3)", "test-1-2-output (of 4)", "prose-1-4 (of 5)"
    ]  # fmt: skip
    assert (alan["id"], alan["total"], alan["late"]) == ("1002", "7", "no")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=4))
def test_grades_csv_takes_any_name_and_holds_no_formula(people: list[tuple[str, str, str]]) -> None:
    own = [result(student, name, file=file) for student, name, file in people]
    given_grades = [grades.grade(one, 12) for one in own]
    content = tables.to_csv(*reports.grades_table(given_grades)).decode("utf-8-sig")
    _, *back = csv.reader(io.StringIO(content, newline=""), strict=True)
    for row, one in zip(back, own, strict=True):
        assert [tables.unguarded(cell) for cell in row[:3]] == [one.student, one.name, one.file]
        assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in row)


@settings(deadline=None, max_examples=40)
@given(NAMES, NAMES, NAMES)
def test_pages_escape_whatever_students_write(name: str, said: str, event: str) -> None:
    one = with_part(result(name, name, file=said, events=(event,)), "test-1-1-shape", message=said)
    one = with_part(one, "test-1-2-output", status="mistake", mistake=said, message=said)
    grade = grades.grade(one, 12, name=name)
    for page in (feedback_page(grade, "The block"), overview_page(Class("The block", 12, [grade]))):
        for tag in BeautifulSoup(page, "html.parser")(True):
            assert tag.name not in ("script", "img", "a", "link", "iframe")
            assert not set(tag.attrs) & {"src", "href", "onerror", "onload"}, tag
        assert "\u202e" not in page and "url(" not in page and "@import" not in page


def test_feedback_says_what_was_lost_and_why() -> None:
    one = with_part(mistaken(result("1001")), "prose-1-4", points=3.5, status="marked")
    marked = {"prose-1-4": Marked(QUESTION, (2.5, 1), ("Which <loss>?",))}
    change = grades.Adjustment(-1, "1 day late: 10 % of the points earned are taken off.")
    grade = grades.Grade(one, "Ada", 12, marked, {}, (change,))
    seen = shown(feedback_page(grade, "The block"))
    for words in (
        "Feedback for Ada", "7.5 of 12 points", "2 of 4", "The ReLU after the addition is missing",
        "relu(F(x) + x)", "evidence, 2.5 of 3", "Names numbers, without", "Which <loss>?",
        "1 day late", "−1 points",
    ):  # fmt: skip
        assert words in seen, words
    assert "not marked yet" not in seen
    assert "not marked yet" in shown(feedback_page(grades.grade(result(), 12), "x"))


def test_feedback_says_for_which_id_the_answers_were_graded() -> None:
    for stated, told in (("ab123", "ab123"), ("", "none")):
        grade = grades.grade(replace(result("1001"), stated_id=stated), 12)
        assert re.search(rf"Id in the notebook\s*{told}", shown(feedback_page(grade, "x")))


def test_feedback_holds_no_event_of_the_log() -> None:
    grade = grades.grade(result(events=("the same stated id as Mallory",)), 12)
    assert "Mallory" not in feedback_page(grade, "The block")


@pytest.mark.parametrize(
    "file, name",
    [
        (
            "Ada Lovelace_501_assignsubmission_file_/block.ipynb",
            "Ada Lovelace_501_assignsubmission_file_/feedback.html",
        ),
        (
            "block/Ada_501_assignsubmission_file/x/block.ipynb",
            "Ada_501_assignsubmission_file_/feedback.html",
        ),
        (
            "Ada_501_assignsubmission_file_block.ipynb",
            "Ada_501_assignsubmission_file_/feedback.html",
        ),
        ("lovelaceada_LATE_1001_77_block-2.ipynb", "lovelaceada_LATE_1001_77_block-2.html"),
        ("lovelaceada_1001_77_block.ipynb", "lovelaceada_1001_77_block.html"),
        ("1001/block/block.ipynb", "1001.html"),
    ],
)
def test_feedback_is_named_for_bulk_return(file: str, name: str) -> None:
    student = "501" if "_501_" in file else "1001"
    assert returning.feedback_name(result(student, file=file)) == name


@pytest.mark.parametrize("place", ["Ada_501_assignsubmission_file_/x", "ada_501_7_x"])
def test_feedback_goes_to_nobody_whose_number_a_student_wrote_into_a_name(place: str) -> None:
    assert returning.feedback_name(result("1001", file=f"1001/{place}.ipynb")) == "1001.html"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_names_of_files_are_safe_and_apart(people: list[tuple[str, str]]) -> None:
    own = [result(student, file=file) for student, file in people]
    for names in (returning.feedback_names(own), returning.folder_names(own)):
        assert len(names) == len({name.casefold() for name in names.values()}) == len(own)
        for name in names.values():
            assert not re.search(r'[<>:"\\|?*\x00-\x1f\u202e]', name)
            assert not re.search(r"(^|/)([.~\s]|$)|[.\s](/|$)", name)
            assert len(name.encode()) < 255


def test_names_that_differ_by_case_alone_are_kept_apart() -> None:
    names = returning.feedback_names([result("ada"), result("ADA"), result("a/a"), result("a:a")])
    assert sorted(names.values()) == ["ADA-2.html", "a-a-2.html", "a-a.html", "ada.html"]
    assert [returning.safe(name) for name in ("NUL", "com1.x", "nullable")] == [
        "NUL-", "com1.x-", "nullable"
    ]  # fmt: skip


def test_reports_are_the_same_twice_and_leave_nothing_over(tmp_path: Path) -> None:
    results = a_class(12)
    first = files(written(tmp_path / "out", results))
    assert files(written(tmp_path / "out", results[::-1])) == first
    fewer = files(written(tmp_path / "out", results[:3]))
    assert len([name for name in fewer if name.startswith("feedback/")]) == 3
    assert len([name for name in fewer if name.startswith("gradescope/")]) == 3
    with zipfile.ZipFile(tmp_path / "out" / "feedback.zip") as archive:
        packed = {f"feedback/{name}": archive.read(name) for name in archive.namelist()}
    assert packed == {name: fewer[name] for name in fewer if name.startswith("feedback/")}


def test_gradescope_gets_its_documented_format(tmp_path: Path) -> None:
    out = written(tmp_path, [mistaken(result("s/1"))])
    told = json.loads((out / "gradescope" / "s-1" / "results.json").read_text("utf-8"))
    assert told["score"] == 5 and told["visibility"] == "after_published"
    assert [(test["score"], test["max_score"]) for test in told["tests"]] == [
        (3, 3),
        (2, 4),
        (0, 5),
    ]
    assert "ReLU after the addition" in told["tests"][1]["output"]
    known = {"name", "score", "max_score", "output", "output_format", "visibility"}
    assert all(set(test) == known for test in told["tests"])


def test_marks_adjustments_and_roster_meet(tmp_path: Path) -> None:
    rows_of_key = [["prose-1-4", "BBBB-BBBB", "1001", "Ada"]]
    tables.save(tmp_path / "m" / "key.csv", tables.to_csv(KEY_COLUMNS, rows_of_key))
    head = ["code", "evidence (0 to 3)", "limits (0 to 2)", "comment"]
    for marker, evidence in (("ann", 3), ("ben", 1)):
        sheet = tables.to_csv(head, [["BBBB-BBBB", evidence, 2, "well argued"]])
        tables.save(tmp_path / "m" / "for-markers" / f"prose-1-4.{marker}.csv", sheet)
    export = 'Student,ID,SIS Login ID,Section,The block (7)\n"King, Ada",1001,ada,Mon,\n'
    (tmp_path / "canvas.csv").write_text(export, encoding="utf-8")
    told = reports.write(
        [result("1001"), result("9", "Eve")], tmp_path / "out", source=Assignment(),
        roster=tmp_path / "canvas.csv", marks=tmp_path / "m",
    )  # fmt: skip
    out = tmp_path / "out"
    assert (out / "roster.csv").read_text("utf-8") == export.replace("Mon,\n", "Mon,11\n")
    by_id = {row["id"]: row for row in rows(out / "grades.csv")}
    assert by_id["1001"]["name"] == "King, Ada" and by_id["1001"]["prose"] == "4"
    assert "well argued" in (out / "feedback" / "1001.html").read_text("utf-8")
    assert any("Eve" in line for line in told) and "BBBB-BBBB: ann 5, ben 3" in told[-1]
    overview = shown((out / "overview.html").read_text("utf-8"))
    assert "ann and ben" in overview and "BBBB-BBBB: ann 5, ben 3" in overview and "Eve" in overview


def test_marks_that_are_missing_in_a_filled_roster_are_counted(tmp_path: Path) -> None:
    export = 'Student,ID,SIS Login ID,Section,The block (7)\n"King, Ada",1001,ada,Mon,\n'
    (tmp_path / "canvas.csv").write_text(export, encoding="utf-8")
    told = reports.write(
        [result("1001")], tmp_path / "out", source=Assignment(), roster=tmp_path / "canvas.csv"
    )
    assert told[-1].startswith("1 answer of 1 submission not marked yet")
    full = with_part(result("1001"), "prose-1-4", points=5, status="marked")
    told = reports.write(
        [full], tmp_path / "out", source=Assignment(), roster=tmp_path / "canvas.csv"
    )
    assert not any("not marked yet" in line for line in told)


def test_nothing_is_given_to_whom_it_is_refused(tmp_path: Path) -> None:
    results = [result("1001", stated_id="s-99"), result("1002")]
    out = written(tmp_path / "out", results, refused=["1001"])
    assert [row["total"] for row in rows(out / "grades.csv")] == ["0", "7"]
    page = (out / "feedback" / "1001.html").read_text("utf-8")
    assert "which is not yours" in page


def test_nothing_is_written_where_a_file_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(tables.CourseFileError):
        written(tmp_path / "out", [result()], adjustments=tmp_path / "none.csv")
    assert not (tmp_path / "out").exists()


def test_an_empty_class_has_an_overview() -> None:
    assert "Submissions" in overview_page(Class("The block", 12, []))


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_pages_fit_and_keep_quiet_in_a_browser(
    tmp_path: Path, browser: Any, scheme: str, width: int
) -> None:
    results = [*a_class(20), mistaken(result("x" * 60, "<b>" + "N" * 80, events=("e" * 90,)))]
    out = written(tmp_path, results)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for path in (out / "overview.html", next((out / "feedback").glob("xxx*.html"))):
        page.goto(path.as_uri())
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0
        assert Axe().run(page).response["violations"] == []
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 25, 30)"}[scheme]
    assert complaints == [] and all(url.startswith("file:") for url in requests)
    context.close()
