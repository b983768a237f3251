"""Fills in a platform's own gradebook: who is who, and the grades, every other byte as it was."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..result import Result
from ..tables import CourseFileError, printable
from .identities import forms
from .reading import Cell, Roster, Student


class Known(Protocol):
    """Whoever handed something in: a result, or the author of an answer."""

    student: str
    name: str
    stated_id: str


Step = tuple[Callable[[Known], Iterable[str]], Callable[[Student], Iterable[str]], bool]


def matched(roster: Roster, results: Sequence[Known]) -> dict[str, Student]:
    """Rows by the key of the student whose submission they are for; some have none.

    By the platform's id, else by name, else by the id that the notebook states; a stated id never
    takes a row that another submission has. CourseFileError where two rows or submissions fit.
    """
    taken: dict[str, Student] = {}
    for of_result, of_student, strict in steps(roster):
        had = set(taken.values())
        rows = by_name([row for row in roster.students if row not in had], of_student)
        waiting = [result for result in results if result.student not in taken]
        found = {
            result.student: {row for name in of_result(result) for row in rows.get(name, ())}
            for result in waiting
        }
        taken |= agreed(roster, found, strict)
    return taken


def steps(roster: Roster) -> Iterator[Step]:
    """Ways to know a student, the surest first; the last is not worth an error."""
    columns = range(max((len(student.keys) for student in roster.students), default=0))
    for place in columns:
        yield lambda result: {result.student}, lambda row, at=place: {row.keys[at]}, True
    yield lambda result: forms(result.name), lambda row: forms(row.name), True
    yield lambda result: {result.stated_id.strip()}, lambda row: set(row.keys), False


def by_name(
    students: Iterable[Student], names_of: Callable[[Student], Iterable[str]]
) -> dict[str, list[Student]]:
    """Rows by each of their names, empty names left out."""
    rows: dict[str, list[Student]] = {}
    for student in students:
        for name in set(names_of(student)) - {""}:
            rows.setdefault(name, []).append(student)
    return rows


def agreed(roster: Roster, found: Mapping[str, set[Student]], strict: bool) -> dict[str, Student]:
    """The pairs in which one row and one submission found each other alone."""
    claims = Counter(row for rows in found.values() for row in rows)
    pairs = {}
    for key, rows in found.items():
        if len(rows) == 1 and claims[next(iter(rows))] == 1:
            pairs[key] = next(iter(rows))
        elif rows and strict:
            labels = " and ".join(sorted(repr(row.label) for row in rows))
            which = f"the rows of {labels}" if len(rows) > 1 else f"{labels}, as another does"
            raise CourseFileError(f"{roster.path}: the submission of {key!r} fits {which}")
    return pairs


@dataclass(frozen=True)
class Filled:
    """A gradebook with grades in it, and what an instructor should know about it, a line each."""

    content: bytes
    notes: tuple[str, ...]


def filled(
    roster: Roster, results: Sequence[Result], totals: Mapping[str, float], of: float
) -> Filled:
    """The gradebook with the total of each submission, in points of the platform's maximum.

    `totals` are by the results' `student`, `of` is what they are out of. Rows without a
    submission, excused and locked ones stay as they are; they and strays are told in the notes.
    CourseFileError where it has a row for none of the submissions.
    """
    rows = matched(roster, results)
    if results and not rows:
        raise CourseFileError(
            f"{roster.path} has none of those who handed in: is it the gradebook of this course?"
        )
    written = {
        student.grade: in_points(roster, student, totals[key] * student.maximum / of)
        for key, student in rows.items()
        if not student.closed
    }
    return Filled(replaced(roster, written), tuple(notes(roster, results, rows, of)))


def names(roster: Roster, known: Sequence[Known]) -> dict[str, str]:
    """The roster's own names of those who handed something in, by their keys."""
    return {key: row.name for key, row in matched(roster, known).items() if row.name}


def in_points(roster: Roster, student: Student, points: float) -> str:
    """The text of a filled cell, as the file writes decimals and as the cell was quoted."""
    text = printable(points)
    text = text.replace(".", ",") if roster.comma else text
    return f'"{text}"' if student.grade.quoted or roster.delimiter in text else text


def replaced(roster: Roster, written: Mapping[Cell, str]) -> bytes:
    """The file's bytes with some cells written anew."""
    pieces, place = [], 0
    for cell in sorted(written, key=lambda cell: cell.start):
        pieces += [roster.text[place : cell.start], written[cell]]
        place = cell.end
    return "".join([*pieces, roster.text[place:]]).encode("utf-8")


def notes(
    roster: Roster, results: Sequence[Result], rows: Mapping[str, Student], of: float
) -> Iterable[str]:
    """What did not meet, and what was scaled, a sentence each."""
    have = set(rows.values())
    missing = [student.label for student in roster.students if student not in have]
    strays = [
        f"{result.name or result.student} ({result.file})"
        for result in results
        if result.student not in rows
    ]
    closed = [f"{student.label} ({student.closed})" for student in have if student.closed]
    maxima = sorted({student.maximum for student in have} - {float(of)})
    if missing:
        yield f"Without a submission, their cells left as they were: {'; '.join(missing)}."
    if strays:
        yield f"Submissions without a row in the roster: {'; '.join(strays)}."
    if closed:
        yield f"Not filled in, because the platform says so: {'; '.join(sorted(closed))}."
    if maxima:
        scale = ", ".join(map(printable, maxima))
        yield f"Grades are scaled: the roster gives {scale} points, the assignment {of:g}."
