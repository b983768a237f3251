"""Reads the sheets that markers filled in, merges them, and says how well the markers agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from ..result import Part, Result
from ..tables import CourseFileError, Row, number, printable, read
from .rubric import Criterion, Question

KEY, SHEETS = "key.csv", "for-markers"
KEY_COLUMNS = ("question", "code", "student", "name")
AGREED = "agreed"  # the sheet QUESTION.agreed.csv overrules all others
APART = 1.0  # points between two markers from which a third should look


@dataclass(frozen=True)
class Mark:
    """What one marker gave one answer: points by criterion, and a comment."""

    question: str
    code: str
    marker: str
    points: tuple[float, ...]
    comment: str

    @property
    def total(self) -> float:
        return sum(self.points)


@dataclass(frozen=True)
class Marked:
    """The merged marks of one answer: points by criterion of its question, and all comments."""

    question: Question
    points: tuple[float, ...]
    comments: tuple[str, ...]

    @property
    def total(self) -> float:
        return round(sum(self.points), 2)

    @property
    def by_criterion(self) -> tuple[tuple[Criterion, float], ...]:
        """Each criterion with the points that it was given."""
        return tuple(zip(self.question.criteria, self.points, strict=True))


@dataclass(frozen=True)
class Agreement:
    """How two markers agree over the n answers that both marked, by criterion and in the whole.

    `exact` and `within_one` are shares from 0 to 1; `kappa` is None where the marks do not vary.
    """

    question: str
    criterion: str
    markers: tuple[str, str]
    n: int
    exact: float
    within_one: float
    kappa: float | None


@dataclass(frozen=True)
class Marks:
    """All marks: merged ones by (student, question), agreements, and answers for a third look."""

    marked: Mapping[tuple[str, str], Marked]
    agreements: tuple[Agreement, ...] = ()
    third_looks: tuple[str, ...] = ()

    def applied(self, result: Result) -> Result:
        """The result with its prose parts marked, where there are marks."""
        return replace(result, parts=tuple(self._part(result.student, p) for p in result.parts))

    def _part(self, student: str, part: Part) -> Part:
        marked = self.marked.get((student, part.id))
        if marked is None or part.kind != "prose":
            return part
        return replace(part, points=marked.total, status="marked", message="")


def collected(folder: str | Path, questions: Sequence[Question]) -> Marks:
    """The marks of all sheets in a folder, or in its folder `for-markers`.

    Sheets are named QUESTION.csv or QUESTION.MARKER.csv; `key.csv` lies in the folder or beside
    it. CourseFileError names file and line of what is wrong.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CourseFileError(f"there is no folder {folder} with marks")
    students = students_by_code(folder)
    sheets = sorted([*folder.glob("*.csv"), *(folder / SHEETS).glob("*.csv")])
    given: dict[str, list[Mark]] = {question.id: [] for question in questions}
    for path in sheets:
        if path.name != KEY:
            found = next((q for q in questions if path.name.startswith(f"{q.id}.")), None)
            if found is None:
                raise CourseFileError(f"{path} is named after no question of this assignment")
            given[found.id] += sheet(path, found, students)
    return merged(questions, given, students)


def students_by_code(folder: Path) -> dict[tuple[str, str], str]:
    """Who wrote the answer behind a code, by (question, code)."""
    places = [place for place in (folder / KEY, folder.parent / KEY) if place.is_file()]
    if not places:
        raise CourseFileError(f"{folder} has no {KEY}, neither in it nor beside it")
    rows = read(places[0], KEY_COLUMNS)
    return {(row["question"], row["code"]): row.exact("student") for row in rows}


def sheet(path: Path, question: Question, students: Mapping[tuple[str, str], str]) -> list[Mark]:
    """The marks of one sheet; rows without any mark are left for later."""
    marker = path.name.removeprefix(f"{question.id}.").removesuffix("csv").strip(".")
    columns = [criterion.column for criterion in question.criteria]
    marks: dict[str, Mark] = {}
    for row in read(path, ["code", *columns, "comment"]):
        code = row["code"].upper()
        if (question.id, code) not in students:
            raise CourseFileError(f"{path}, line {row.line}: the code {code!r} is not in {KEY}")
        if code in marks:
            raise CourseFileError(f"{path}, line {row.line}: the code {code!r} is there twice")
        if any(row[column] for column in columns):
            points = marks_of(path, row, question)
            marks[code] = Mark(question.id, code, marker, points, row["comment"])
    return list(marks.values())


def marks_of(path: Path, row: Row, question: Question) -> tuple[float, ...]:
    """The marks of one row; CourseFileError where one is missing or not within its criterion."""
    marks = []
    for criterion in question.criteria:
        if not row[criterion.column]:
            raise CourseFileError(f"{path}, line {row.line}: no mark for {criterion.name!r}")
        mark = number(path, row, criterion.column)
        if not 0 <= mark <= criterion.points:
            raise CourseFileError(
                f"{path}, line {row.line}: {printable(mark)} for {criterion.name!r} is not between "
                f"0 and {printable(criterion.points)}"
            )
        marks.append(mark)
    return tuple(marks)


def merged(
    questions: Iterable[Question],
    given: Mapping[str, Sequence[Mark]],
    students: Mapping[tuple[str, str], str],
) -> Marks:
    """Means of the markers by criterion; where there is a mark agreed on, that one."""
    marked, third_looks, agreements = {}, [], []
    for question in questions:
        by_code: dict[str, list[Mark]] = {}
        for mark in given[question.id]:
            by_code.setdefault(mark.code, []).append(mark)
        agreements += agreements_of(question, by_code)
        for code, marks in sorted(by_code.items()):
            marks = sorted(marks, key=lambda mark: mark.marker)
            final = [mark for mark in marks if mark.marker == AGREED] or marks
            given_points = [mark.points for mark in final]
            points = tuple(round(float(np.mean(one)), 2) for one in zip(*given_points, strict=True))
            comments = tuple(dict.fromkeys(mark.comment for mark in final if mark.comment))
            marked[students[question.id, code], question.id] = Marked(question, points, comments)
            totals = [mark.total for mark in final]
            if max(totals) - min(totals) > APART:
                said = ", ".join(f"{named(m.marker)} {printable(m.total)}" for m in final)
                third_looks.append(f"{question.id}, {code}: {said}")
    return Marks(marked, tuple(agreements), tuple(third_looks))


def named(marker: str) -> str:
    return marker or "unnamed"


def agreements_of(question: Question, by_code: Mapping[str, Sequence[Mark]]) -> Iterable[Agreement]:
    """The agreement of each two markers who marked the same answers, the agreed sheet aside."""
    columns: dict[str, dict[str, Mark]] = {}
    for code, marks in by_code.items():
        for mark in marks:
            columns.setdefault(mark.marker, {})[code] = mark
    columns.pop(AGREED, None)
    for first, second in combinations(sorted(columns), 2):
        both = sorted(columns[first].keys() & columns[second].keys())
        if both:
            ones, others = ([columns[who][code] for code in both] for who in (first, second))
            who = (named(first), named(second))
            for place, criterion in enumerate(question.criteria):
                pair = ([mark.points[place] for mark in marks] for marks in (ones, others))
                yield agreement(question.id, criterion.name, who, *pair)
            pair = ([mark.total for mark in marks] for marks in (ones, others))
            yield agreement(question.id, "all", who, *pair)


def agreement(
    question: str,
    criterion: str,
    markers: tuple[str, str],
    ones: Sequence[float],
    others: Sequence[float],
) -> Agreement:
    apart = np.abs(np.subtract(ones, others))
    exact, within_one = float(np.mean(apart < 1e-9)), float(np.mean(apart <= 1 + 1e-9))
    kappa = weighted_kappa(ones, others)
    return Agreement(question, criterion, markers, len(ones), exact, within_one, kappa)


def weighted_kappa(ones: Sequence[float], others: Sequence[float]) -> float | None:
    """Cohen's kappa with quadratic weights; None where chance would agree wholly.

    One minus the mean squared difference of the pairs over that of all pairings, which is
    Cohen's formula (1968) without its table, so that half marks need no categories.
    """
    ones, others = np.asarray(ones, float), np.asarray(others, float)
    by_chance = np.mean(np.square(ones[:, None] - others[None, :]))
    return float(1 - np.mean(np.square(ones - others)) / by_chance) if by_chance else None
