"""Adjustments: regrades, lateness, points in the whole, and what is refused."""

import csv
import io
from pathlib import Path

import pytest

from assignments.reports import grades
from assignments.tables import CourseFileError
from tests.support.graded import mistaken, result, with_part

MARKED = with_part(result("1001"), "prose-1-4", points=5, status="marked")


def grade(tmp_path: Path, text: str, one=MARKED, **also) -> grades.Grade:
    path = tmp_path / "adjustments.csv"
    path.write_text(text, encoding="utf-8")
    return grades.grade(one, 12, changes=grades.changes(path, [one]), **also)


def test_nothing_to_adjust() -> None:
    made = grades.grade(MARKED, 12)
    assert (made.total, made.percent, made.adjusted, made.waiting) == (12, 100, 0, ())
    assert [part.id for part in grades.grade(result(), 12).waiting] == ["prose-1-4"]


@pytest.mark.parametrize(
    "days, rate, total", [("1", 10, 10.8), ("0.1", 10, 10.8), ("2", 25, 6), ("30", 10, 0)]
)
def test_each_begun_day_late_takes_its_percent(
    tmp_path: Path, days: str, rate: float, total: float
) -> None:
    text = f"student,days_late,reason\n1001,{days},bus\n"
    made = grade(tmp_path, text, late_percent_per_day=rate)
    assert made.total == pytest.approx(total)
    assert "late" in made.adjustments[0].sentence and "bus" in made.adjustments[0].sentence


def test_a_regrade_comes_before_lateness_and_points_after(tmp_path: Path) -> None:
    text = (
        "student,part,days_late,points,reason\n"
        "1001,,1,,\n1001,test-1-2-output,,4,it is right\n1001,,,-0.5,\n1001,,,1,\n"
    )
    one = mistaken(MARKED)
    made = grade(tmp_path, text, one)
    assert made.earned == 12 and made.total == pytest.approx(12 - 1.2 - 0.5 + 1)
    assert made.regraded == {"test-1-2-output": "Regraded from 2 to 4 points: it is right"}


def test_a_regrade_marks_what_waited(tmp_path: Path) -> None:
    made = grade(tmp_path, "student,part,points\n1001,prose-1-4,3\n", result("1001"))
    assert made.waiting == () and made.result.points("prose") == 3


def test_lateness_takes_no_more_than_all(tmp_path: Path) -> None:
    made = grade(tmp_path, "student,days_late,points\n1001,30,\n1001,,2\n")
    assert made.total == 2 and "100 %" in made.adjustments[0].sentence


def test_a_total_is_never_below_nothing(tmp_path: Path) -> None:
    made = grade(tmp_path, "student,points\n1001,-99\n")
    assert (made.total, made.adjusted) == (0, -12)


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("student,points\n7,1\n", "line 2: no submission is by '7'"),
        ("student,part,points\n1001,test-9,1\n", "line 2: there is no part 'test-9'"),
        ("student,part,points\n1001,prose-1-4,6\n", "line 2: prose-1-4 gives 0 to 5, not 6"),
        ("student,part,points\n1001,prose-1-4,-1\n", "line 2: prose-1-4 gives 0 to 5, not -1"),
        ("student,part,days_late\n1001,prose-1-4,1\n", "line 2: lateness is of the whole"),
        ("student,days_late,points\n1001,1,1\n", "line 2: give either days_late or points"),
        ("student,reason\n1001,because\n", "line 2: give either days_late or points"),
        ("student,days_late\n1001,-1\n", "line 2: -1 days late cannot be"),
        ("student,days_late\n1001,two\n", "line 2: 'two' in 'days_late' is no number"),
        ("student,days_late\n1001,1\n\n1001,2\n", "line 4: '1001' has such a row already"),
        ("student,part,points\n" + "1001,prose-1-4,2\n" * 2, "line 3: '1001' has such a row"),
        ("student,point\n1001,1\n", "has a column 'point' that is not known"),
        ("student,points,points\n1001,1,1\n", "has the column 'points' twice"),
        ("points\n1\n", "has no column 'student'"),
        ('student,points\n"1001,1\n', "line 2: unexpected end of data"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CourseFileError, match=f"adjustments.csv,? {sentence}"):
        grade(tmp_path, text)


def test_a_student_is_found_as_grades_csv_writes_them(tmp_path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["student", "points"], ["'=cmd()", "-1"]])
    made = grade(tmp_path, text.getvalue(), with_part(result("=cmd()"), "prose-1-4", points=5))
    assert made.total == 11
