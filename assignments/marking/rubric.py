"""Rubrics of the prose answers: their criteria, and what each mark of a criterion asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..tables import CourseFileError, printable


@dataclass(frozen=True)
class Criterion:
    """What a marker judges: up to `points`, with a sentence for marks that were thought through."""

    name: str
    points: float
    anchors: Mapping[float, str]

    def anchor(self, mark: float) -> str:
        """The anchor that a mark reached: its own, else the next one below it."""
        reached = [points for points in self.anchors if points <= mark + 1e-9]
        return self.anchors[max(reached)] if reached else ""

    @property
    def column(self) -> str:
        """The head of its column in a sheet."""
        return f"{self.name} (0 to {printable(self.points)})"


@dataclass(frozen=True)
class Question:
    """The rubric of one prose answer; its criteria's points add up to its own."""

    id: str
    title: str
    points: float
    criteria: tuple[Criterion, ...]


def questions(source: Any) -> tuple[Question, ...]:
    """The rubric of an assignment, in the order of its questions.

    CourseFileError where a prose answer has none, or where its criteria do not add up.
    """
    tables = {table["question"]: table for table in source.rubric}
    missing = [answer.id for answer in source.prose if answer.id not in tables]
    if missing:
        raise CourseFileError(f"{source.name}: no rubric for {', '.join(missing)}")
    return tuple(question(tables[answer.id], answer.title) for answer in source.prose)


def question(table: Mapping[str, Any], title: str) -> Question:
    """A question from its table in the assignment's TOML file."""
    criteria = tuple(
        Criterion(one["name"], one["points"], {float(k): v for k, v in one["anchors"].items()})
        for one in table["criteria"]
    )
    made = Question(table["question"], title, table["points"], criteria)
    if sum(one.points for one in criteria) != made.points:
        raise CourseFileError(f"{made.id}: the criteria do not add up to {made.points} points")
    for one in criteria:
        if not {0.0, float(one.points)} <= set(one.anchors):
            raise CourseFileError(f"{made.id}, {one.name!r}: no anchor for no or for all points")
    return made
