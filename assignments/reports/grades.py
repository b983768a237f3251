"""From what a submission earned to what it is given: marks, regrades, lateness, other points."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from ..marking.marks import Marked, Marks
from ..result import Part, Result
from ..tables import CourseFileError, Row, number, printable, read

COLUMNS = ("part", "days_late", "points", "reason")


@dataclass(frozen=True)
class Change:
    """One row of the file of adjustments: a regraded part, days late, or points in the whole."""

    student: str
    part: str
    days_late: float
    points: float
    reason: str


@dataclass(frozen=True)
class Adjustment:
    """Points added to a total, or taken from it, and the sentence that tells the student why."""

    points: float
    sentence: str


@dataclass(frozen=True)
class Grade:
    """What one submission is given, out of `of` points; `marked` and `regraded` are by part."""

    result: Result
    name: str
    of: float
    marked: Mapping[str, Marked] = field(default_factory=dict)
    regraded: Mapping[str, str] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def earned(self) -> float:
        """Points of all parts, before adjustments."""
        return self.result.points("code") + self.result.points("prose")

    @property
    def adjusted(self) -> float:
        """What the adjustments change in the whole; a total never falls below nothing."""
        return self.total - self.earned

    @property
    def total(self) -> float:
        changed = self.earned + sum(adjustment.points for adjustment in self.adjustments)
        return max(0.0, round(changed, 2))

    @property
    def percent(self) -> float:
        return 100 * self.total / self.of

    @property
    def waiting(self) -> tuple[Part, ...]:
        """Prose parts that no marker has marked yet."""
        return tuple(part for part in self.result.parts if part.status == "to mark")


def changes(path: str | Path, results: Sequence[Result]) -> list[Change]:
    """The rows of a file of adjustments.

    Columns are student, then any of part, days_late, points, reason. A row with a part sets that
    part's points (a regrade), one with days_late takes off for lateness, one with points alone
    adds them to the total. CourseFileError for a student, part or number that cannot be.
    """
    path = Path(path)
    known = {result.student: result for result in results}
    found: list[Change] = []
    for row in read(path, ["student"], COLUMNS):
        student = row.exact("student") if row.exact("student") in known else row["student"]
        if student not in known:
            wrong(path, row, f"no submission is by {student!r}: ids stand in grades.csv")
        change = one_change(path, row, known[student])
        if any(same_place(change, other) for other in found):
            wrong(path, row, f"{student!r} has such a row already")
        found.append(change)
    return found


def wrong(path: Path, row: Row, sentence: str) -> NoReturn:
    raise CourseFileError(f"{path}, line {row.line}: {sentence}")


def same_place(one: Change, other: Change) -> bool:
    """Whether both regrade the same part, or are both about lateness, of one student."""
    late = one.days_late > 0 and other.days_late > 0
    part = one.part != "" and one.part == other.part
    return one.student == other.student and (late or part)


def one_change(path: Path, row: Row, result: Result) -> Change:
    days = number(path, row, "days_late") if row["days_late"] else 0.0
    points = number(path, row, "points") if row["points"] else 0.0
    if bool(row["days_late"]) == bool(row["points"]):
        wrong(path, row, "give either days_late or points")
    if days < 0:
        wrong(path, row, f"{printable(days)} days late cannot be")
    if row["part"]:
        check_regrade(path, row, result, points)
    return Change(result.student, row["part"], days, points, row["reason"])


def check_regrade(path: Path, row: Row, result: Result, points: float) -> None:
    """CourseFileError where a regrade names no part of the result, or more than it gives."""
    part = next((part for part in result.parts if part.id == row["part"]), None)
    if part is None:
        wrong(path, row, f"there is no part {row['part']!r}")
    if row["days_late"]:
        wrong(path, row, "lateness is of the whole, not of a part")
    if not 0 <= points <= part.of:
        wrong(path, row, f"{part.id} gives 0 to {printable(part.of)}, not {printable(points)}")


def grade(
    result: Result,
    of: float,
    *,
    name: str = "",
    marks: Marks | None = None,
    changes: Sequence[Change] = (),
    late_percent_per_day: float = 10.0,
) -> Grade:
    """The grade of one submission: marks first, then regrades, then lateness and other points.

    Each begun day late takes `late_percent_per_day` percent of the points earned.
    """
    own = [change for change in changes if change.student == result.student]
    result = marks.applied(result) if marks else result
    marked = {
        part.id: marks.marked[result.student, part.id]
        for part in result.parts
        if marks and (result.student, part.id) in marks.marked
    }
    regrades = {change.part: change for change in own if change.part}
    told = {
        part.id: regrade_sentence(part, regrades[part.id])
        for part in result.parts
        if part.id in regrades
    }
    parts = tuple(
        replace(part, points=regrades[part.id].points, status=status_after(part))
        if part.id in regrades
        else part
        for part in result.parts
    )
    made = Grade(replace(result, parts=parts), name or result.name, of, marked, told)
    given = tuple(
        adjustment(change, made.earned, late_percent_per_day) for change in own if not change.part
    )
    return replace(made, adjustments=given)


def status_after(part: Part) -> str:
    """A regraded part waits no longer."""
    return "marked" if part.status == "to mark" else part.status


def regrade_sentence(part: Part, change: Change) -> str:
    before, after = printable(part.points), printable(change.points)
    return f"Regraded from {before} to {after} points{because(change)}"


def adjustment(change: Change, earned: float, rate: float) -> Adjustment:
    """Points off for lateness, or points given or taken, with a sentence."""
    if not change.days_late:
        return Adjustment(change.points, f"Adjusted{because(change)}")
    days = math.ceil(change.days_late)
    percent = min(100.0, days * rate)
    late = f"{days} day{'s' if days > 1 else ''} late"
    sentence = f"{late}: {printable(percent)} % of the points earned are taken off{because(change)}"
    return Adjustment(-round(earned * percent / 100, 2), sentence)


def because(change: Change) -> str:
    return f": {change.reason}" if change.reason else "."
