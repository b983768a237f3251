"""Writes what a graded class needs: grades, feedback, overview, Gradescope's files, roster."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.packing import pack

from ..gradebooks import filling as roster
from ..gradebooks import identities
from ..gradebooks import reading as gradebook
from ..gradebooks.reading import Roster
from ..handed_in.twins import Twins
from ..marking.marks import Marks, collected
from ..marking.rubric import questions
from ..result import Part, Result
from ..tables import printable, save, to_csv
from . import grades, returning
from .feedback import STATUSES, feedback_page
from .grades import Grade
from .items import all_parts
from .overview import Class, overview_page

LATE_PERCENT_PER_DAY = 10.0


def write(
    results: Sequence[Result],
    out: str | Path,
    *,
    source: Any,
    roster: str | Path | None = None,
    marks: str | Path | None = None,
    adjustments: str | Path | None = None,
    late_percent_per_day: float = LATE_PERCENT_PER_DAY,
    notes: Sequence[str] = (),
    refused: Collection[str] = (),
    twins: Sequence[Twins] = (),
) -> list[str]:
    """Writes all reports below `out` and returns what an instructor should know, a line each.

    `roster` is the platform's gradebook, `marks` the folder of markers' sheets, `adjustments` a
    table of late days, regrades and points; `notes` stand in the overview before those that are
    found here, and nothing is given to the students `refused`, who state another's id. Nothing is
    written where a file cannot be used: CourseFileError says why in a sentence.
    """
    out = Path(out)
    results = sorted(results, key=lambda one: (one.name.casefold(), one.student))
    book = gradebook.read(roster, source.title, source.points) if roster else None
    merged = collected(marks, questions(source)) if marks else None
    given = graded(results, source.points, book, merged, adjustments, late_percent_per_day, refused)
    found = [*roster_notes(out, book, given, source.points)]
    save(out / "grades.csv", to_csv(*grades_table(given)))
    write_feedback(out, given, source.title)
    write_gradescope(out / "gradescope", given)
    seen = Class(source.title, source.points, given, merged, [*notes, *found], twins)
    save(out / "overview.html", overview_page(seen).encode("utf-8"))
    return [*found, *third_looks(merged)]


def graded(
    results: Sequence[Result],
    of: float,
    book: Roster | None,
    marks: Marks | None,
    adjustments: str | Path | None,
    late_percent_per_day: float,
    refused: Collection[str] = (),
) -> list[Grade]:
    """The grades of all results, with the roster's names where it knows them."""
    names = roster.names(book, results) if book else {}
    changes = grades.changes(adjustments, results) if adjustments else []
    return [
        grades.grade(
            identities.refused(result) if result.student in refused else result,
            of,
            name=names.get(result.student, ""),
            marks=None if result.student in refused else marks,
            changes=changes,
            late_percent_per_day=late_percent_per_day,
        )
        for result in results
    ]


def roster_notes(
    out: Path, book: Roster | None, given: Sequence[Grade], of: float
) -> tuple[str, ...]:
    """Writes the roster filled in, and returns what did not meet."""
    if book is None:
        return ()
    totals = {grade.result.student: grade.total for grade in given}
    filled = roster.filled(book, [grade.result for grade in given], totals, of)
    save(out / "roster.csv", filled.content)
    waiting = sum(len(grade.waiting) for grade in given)
    if waiting:
        yours = sum(bool(grade.waiting) for grade in given)
        return (*filled.notes, f"{counted(waiting, 'answer')} of {counted(yours, 'submission')} "
                "not marked yet: their points are missing in roster.csv.")  # fmt: skip
    return filled.notes


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def third_looks(marks: Marks | None) -> Iterable[str]:
    if marks and marks.third_looks:
        yield f"Answers for a third look: {'; '.join(marks.third_looks)}."


def grades_table(given: Sequence[Grade]) -> tuple[list[str], Iterable[list[str | float]]]:
    """Head and rows of grades.csv: a student a row, a part a column."""
    parts = all_parts(given)
    columns = [f"{part.id} (of {printable(part.of)})" for part in parts.values()]
    sums = ["code", "prose", "adjustments", "total", "percent", "late", "events", "not marked yet"]
    return ["id", "name", "file", *columns, *sums], (grade_row(grade, parts) for grade in given)


def grade_row(grade: Grade, parts: Mapping[str, Part]) -> list[str | float]:
    """One student; a part that waits for a marker is left empty."""
    result = grade.result
    own = {part.id: "" if part.status == "to mark" else part.points for part in result.parts}
    return [
        result.student,
        grade.name,
        result.file,
        *(own.get(name, 0.0) for name in parts),
        result.points("code"),
        result.points("prose"),
        grade.adjusted,
        grade.total,
        grade.percent,
        "yes" if result.late else "no",
        len(result.events),
        len(grade.waiting),
    ]


def write_feedback(out: Path, given: Sequence[Grade], title: str) -> None:
    """A page a student under `feedback`, and all of them as the archive that platforms take."""
    names = returning.feedback_names(grade.result for grade in given)
    pages = {
        names[grade.result.student]: feedback_page(grade, title).encode("utf-8") for grade in given
    }
    clear(out / "feedback", "*.html")
    for name, content in pages.items():
        save(out / "feedback" / name, content)
    pack(pages, out / "feedback.zip")


def write_gradescope(folder: Path, given: Sequence[Grade]) -> None:
    """Gradescope's `results.json` for each student, in a folder named after the student."""
    names = returning.folder_names(grade.result for grade in given)
    clear(folder, "results.json")
    for grade in given:
        told = json.dumps(gradescope_results(grade), ensure_ascii=True, indent=1) + "\n"
        save(folder / names[grade.result.student] / "results.json", told.encode("ascii"))


def clear(folder: Path, pattern: str) -> None:
    """Removes what an earlier call wrote, so that no page of a former student is left over."""
    for path in folder.rglob(pattern):
        path.unlink()
    for path in sorted(folder.glob("*/"), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()


def gradescope_results(grade: Grade) -> dict[str, Any]:
    """The output of an autograder as Gradescope documents it; `score` overrides the tests' sum."""
    sentences = [one.sentence for one in grade.adjustments]
    return {
        "score": grade.total,
        "output": "\n".join(sentences),
        "visibility": "after_published",
        "stdout_visibility": "hidden",
        "tests": [gradescope_test(part, grade) for part in grade.result.parts],
    }


def gradescope_test(part: Part, grade: Grade) -> dict[str, Any]:
    told = [STATUSES[part.status], part.message, grade.regraded.get(part.id, "")]
    if part.id in grade.marked:
        marked = grade.marked[part.id]
        for criterion, points in marked.by_criterion:
            mark = f"{printable(points)} of {printable(criterion.points)}"
            told.append(f"{criterion.name}, {mark}: {criterion.anchor(points)}")
        told += marked.comments
    return {
        "name": part.title,
        "score": part.points,
        "max_score": part.of,
        "output": "\n".join(filter(None, told)),
        "output_format": "text",
        "visibility": "after_published",
    }
