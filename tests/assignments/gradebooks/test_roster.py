"""Platforms' gradebooks: read as they are exported, filled in, every other byte as it was."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignments.gradebooks import filling as roster
from assignments.gradebooks import identities
from assignments.gradebooks import reading as gradebook
from assignments.tables import CourseFileError
from tests.support.graded import result, with_part

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,The block (41001),"Essay, long (41002)",Current Score
,,,,,Manual Posting,,
    Points Possible,,,,,12.00,20.00,(read only)
"Lovelace, Ada",1001,s-17,ada@example.edu,"Mon, 9:00",,18.50,92.5
"O""Neill, Zoë",1002,s-18,zoe@example.edu,Tue,,,
"Turing, Alan",1003,s-19,alan@example.edu,Tue,EX,,
"Noether, Emmy",1004,s-20,emmy@example.edu,Tue,N/A,,
"Student, Test",1099,,a1b2c3,Tue,,,
"""
MOODLE = """\
Identifier,"Full name","ID number","Email address",Status,Grade,"Maximum grade",\
"Grade can be changed","Last modified (submission)","Last modified (grade)","Feedback comments"
"Participant 501","Ada Lovelace",1001,ada@example.edu,"Submitted for grading - ",,100.00,Yes,\
"Tuesday, 3 November 2026, 9:00 AM",-,"<p>so, ""well""</p>"
"Participant 502","Zoë O'Neill",1002,zoe@example.edu,"No submission - ",,100.00,Yes,-,-,
"Participant 503","Alan Turing",1003,alan@example.edu,"Submitted for grading - ",7.00,100.00,No,-,-,
"""


def book(folder: Path, text: str, title: str = "The block") -> gradebook.Roster:
    path = folder / "export.csv"
    path.write_bytes(text.encode("utf-8"))
    return gradebook.read(path, title, 12)


def filled(folder: Path, text: str, *results, total: float = 9.5) -> roster.Filled:
    totals = {one.student: total for one in results}
    return roster.filled(book(folder, text), results, totals, 12)


def test_canvas_gets_the_grade_in_its_cell_and_nothing_else_changes(tmp_path: Path) -> None:
    for export in (CANVAS, CANVAS.replace("\n", "\r\n"), "\ufeff" + CANVAS, CANVAS.rstrip("\n")):
        done = filled(tmp_path, export, result("1001"), result("1003"), result("1004"))
        expected = export.replace('"Mon, 9:00",,18', '"Mon, 9:00",9.5,18')
        assert done.content == expected.encode("utf-8")
    assert any("Turing, Alan (EX)" in note and "Noether, Emmy (N/A)" in note for note in done.notes)
    assert any('O"Neill, Zoë' in note and "Without" in note for note in done.notes)


def test_canvas_prefers_the_column_of_exactly_that_title(tmp_path: Path) -> None:
    export = CANVAS.replace("Essay, long", "The block, a second time")
    done = filled(tmp_path, export, result("1001"))
    assert done.content.decode() == export.replace('"Mon, 9:00",,18', '"Mon, 9:00",9.5,18')


def test_canvas_with_semicolons_has_a_decimal_comma(tmp_path: Path) -> None:
    export = (
        "Student;ID;SIS Login ID;Section;The block (7)\n"
        "    Points Possible;;;;12,00\nLovelace, Ada;1001;ada;Mon;\n"
    )
    done = filled(tmp_path, export, result("1001"))
    assert done.content == export.replace("Mon;\n", "Mon;9,5\n").encode()


def test_canvas_with_first_and_last_names(tmp_path: Path) -> None:
    export = (
        "LastName,FirstName,ID,SIS Login ID,Section,The block (7)\n"
        "    Points Possible,,,,,12\nLovelace,Ada,77,ada,Mon,\n"
    )
    done = filled(tmp_path, export, result("lovelaceada", "lovelaceada"))
    assert done.content.decode().endswith("Mon,9.5\n")


def test_moodle_gets_the_grade_scaled_and_quoted_as_before(tmp_path: Path) -> None:
    for export in (MOODLE, MOODLE.replace(",,100.00", ',"",100.00').replace("\n", "\r\n")):
        done = filled(tmp_path, export, result("501"), result("503"), total=6)
        before = '"Submitted for grading - ",'
        empty = '""' if '"",100' in export else ""
        half = '"50"' if empty else "50"
        expected = export.replace(f"{before}{empty},100", f"{before}{half},100", 1)
        assert done.content == expected.encode("utf-8")
    assert any("Alan Turing (locked)" in note for note in done.notes)
    assert any("scaled" in note and "100" in note for note in done.notes)


def test_moodle_with_decimal_commas_keeps_its_cells_apart(tmp_path: Path) -> None:
    export = MOODLE.replace("100.00", '"100,00"')
    done = filled(tmp_path, export, result("501"), total=9.5)
    row = next(row for row in csv.reader(io.StringIO(done.content.decode())) if "501" in row[0])
    assert row[5] == "79,17" and row[6] == "100,00" and len(row) == 11


@pytest.mark.parametrize(
    "student, name, stated",
    [
        ("1001", "", ""),
        ("s-17", "", ""),
        ("ada@example.edu", "", ""),
        ("unknown", "Ada Lovelace", ""),
        ("unknown", "Lovelace, Ada", ""),
        ("unknown", "lovelaceada", ""),
        ("unknown", "ADA  LOVELÁCE", ""),
        ("unknown", "nobody", "s-17"),
    ],
)
def test_a_student_is_known_by_id_name_or_stated_id(
    tmp_path: Path, student: str, name: str, stated: str
) -> None:
    one = result(student, name, stated_id=stated)
    found = roster.matched(book(tmp_path, CANVAS), [one])
    assert found[student].name == "Lovelace, Ada"


def test_a_stated_id_takes_no_row_from_another(tmp_path: Path) -> None:
    thief = result("x", "nobody", stated_id="1001")
    done = filled(tmp_path, CANVAS, result("1001"), thief)
    assert any("without a row" in note and "nobody" in note for note in done.notes)
    pair = [thief, result("y", "none", stated_id="1001")]
    assert roster.matched(book(tmp_path, CANVAS), pair) == {}


def told(folder: Path, *results, text: str = CANVAS) -> list[str]:
    roll = book(folder, text) if text else None
    rows = roster.matched(roll, results) if roll else {}
    return list(identities.notes(identities.foreign(results, rows, roll), bool(roll)))


def test_an_id_that_is_anothers_is_told(tmp_path: Path) -> None:
    (said,) = told(tmp_path, result("1001", stated_id="S-18"))
    assert said == (
        "The notebook states the id of somebody else: Lovelace, Ada ('S-18' is O\"Neill, Zoë)."
    )


@pytest.mark.parametrize(
    "stated",
    ["1001", "S-17", " s-17 ", "ada@example.edu", "ADA", "Ada Lovelace", "lovelaceada", ""],
)
def test_an_id_of_ones_own_is_not_told(tmp_path: Path, stated: str) -> None:
    assert told(tmp_path, result("1001", "lovelaceada", stated_id=stated)) == []


def test_an_id_that_nobody_has_is_told_with_a_roster_and_without(tmp_path: Path) -> None:
    last_year = result("1001", "lovelaceada", stated_id="s-99")
    (said,) = told(tmp_path, last_year)
    assert "states an id that nobody on the roster has: Lovelace, Ada ('s-99')" in said
    (said,) = told(tmp_path, last_year, text="")
    assert "not in the file's name: lovelaceada (1001.ipynb) ('s-99')" in said
    assert told(tmp_path, result("1001", stated_id="1001"), text="") == []


def test_who_is_known_by_the_stated_id_alone_is_told(tmp_path: Path) -> None:
    (said,) = told(tmp_path, result("x", "nobody", stated_id="s-17"), result("1002"))
    assert "Known by the id alone that the notebook states: Lovelace, Ada ('s-17')" in said


def test_without_a_roster_the_id_of_another_who_handed_in_is_told(tmp_path: Path) -> None:
    (said,) = told(tmp_path, result("1001", stated_id="1002"), result("1002"), text="")
    assert "the id of somebody else: Ada Lovelace (1001.ipynb) ('1002' is 1002)" in said


def test_a_foreign_id_can_be_refused() -> None:
    marked = with_part(result("1001", stated_id="s-99"), "prose-1-4", points=4, status="marked")
    none = identities.refused(marked)
    assert {(part.points, part.status) for part in none.parts} == {(0, "missing")}
    assert all("'s-99', which is not yours" in part.message for part in none.parts)


def test_the_roster_of_another_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseFileError, match="has none of those who handed in"):
        filled(tmp_path, CANVAS, result("x", "Pat"), result("y", "Quinn"))


def test_an_id_goes_before_the_same_text_in_a_later_column(tmp_path: Path) -> None:
    export = CANVAS.replace("s-18", "1001")
    assert roster.matched(book(tmp_path, export), [result("1001")])["1001"].keys[0] == "1001"


def test_what_fits_two_is_refused_in_a_sentence(tmp_path: Path) -> None:
    twice = CANVAS.replace('"Turing, Alan"', '"Lovelace, Ada"')
    with pytest.raises(CourseFileError, match="'u' fits the rows of 'Lovelace, Ada' and"):
        roster.matched(book(tmp_path, twice), [result("u")])
    both = [result("u"), result("v")]
    with pytest.raises(CourseFileError, match="as another does"):
        roster.matched(book(tmp_path, CANVAS), both)


@pytest.mark.parametrize(
    "text, title, sentence",
    [
        ("name,points\nAda,3\n", "The block", "neither Canvas's gradebook"),
        (CANVAS, "The network", "no column for the assignment 'The network'"),
        (CANVAS.replace("Essay, long", "The block"), "The block", "2 columns"),
        (CANVAS.replace("Tue,EX,,", 'Tue,"EX,,'), "The block", "line 6: a quotation mark"),
        (CANVAS.replace("Tue,EX,,", "Tue,EX,"), "The block", "line 6: 7 cells, not 8"),
        ("", "The block", "neither Canvas's gradebook"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, text: str, title: str, sentence: str
) -> None:
    with pytest.raises(CourseFileError, match=sentence):
        book(tmp_path, text, title)


def test_a_file_in_another_encoding_or_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    with pytest.raises(CourseFileError, match="cannot read .*export.csv"):
        gradebook.read(path, "The block", 12)
    path.write_bytes(CANVAS.encode("utf-16"))
    with pytest.raises(CourseFileError, match="not in UTF-8"):
        gradebook.read(path, "The block", 12)


CELLS = st.lists(
    st.lists(st.text(alphabet='ab",;=\r\n é😀\t', max_size=6), min_size=2, max_size=4),
    min_size=1,
    max_size=4,
)


@given(CELLS, st.sampled_from(",;\t"), st.booleans())
def test_cells_are_read_as_python_reads_them(rows, delimiter: str, everything: bool) -> None:
    quoting = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, quoting=quoting).writerows(rows)
    text = written.getvalue()
    cells = gradebook.parsed(Path("x.csv"), text, delimiter)
    assert [[cell.value for cell in row] for row in cells] == rows
    for cell in (cell for row in cells for cell in row):
        raw = io.StringIO(text[cell.start : cell.end] + delimiter, newline="")
        assert next(csv.reader(raw, delimiter=delimiter))[0] == cell.value
