"""A small graded class for tests: an assignment of 12 points, and results as the grader gives."""

import random
from dataclasses import dataclass, field, replace
from typing import Any

from assignments.result import Part, Result

RUBRIC = {
    "question": "prose-1-4",
    "points": 5,
    "criteria": [
        {
            "name": "evidence",
            "points": 3,
            "anchors": {
                "3": "Names the numbers that show it, and what they were compared with.",
                "2": "Names numbers, without what they are compared with.",
                "1": "Says that there is evidence & where <it> lies.",
                "0": "No evidence.",
            },
        },
        {
            "name": "limits",
            "points": 2,
            "anchors": {"2": "Says what it does not show.", "1": "Hints.", "0": "None."},
        },
    ],
}


@dataclass(frozen=True)
class Answer:
    """What a source says of a prose answer."""

    id: str = "prose-1-4"
    title: str = "Answer to task 1.4"
    text: str = "**Answer to task 1.4.**\n### BEGIN SOLUTION\nIt is so.\n### END SOLUTION"


@dataclass(frozen=True)
class Assignment:
    """What the reports need of a source."""

    name: str = "block"
    title: str = "The block"
    points: float = 12
    prose: tuple[Answer, ...] = (Answer(),)
    rubric: tuple[dict[str, Any], ...] = field(default=(RUBRIC,))


PARTS = (
    Part("test-1-1-shape", "Check 1.1: the shape", 3, 3, "code", "right"),
    Part("test-1-2-output", "Check 1.2: the output", 4, 4, "code", "right"),
    Part("prose-1-4", "Answer to task 1.4", 0, 5, "prose", "to mark"),
)


def result(student: str = "1001", name: str = "Ada Lovelace", **also: Any) -> Result:
    """A result in which all code is right and the answer waits for a marker."""
    file = also.pop("file", f"{student}.ipynb")
    stated = also.pop("stated_id", student)
    parts = also.pop("parts", PARTS)
    return Result(student, name, file, "block", stated, also.pop("late", False), parts, **also)


def with_part(result: Result, name: str, **changed: Any) -> Result:
    """The result with one part changed."""
    parts = (replace(p, **changed) if p.id == name else p for p in result.parts)
    return replace(result, parts=tuple(parts))


def mistaken(result: Result) -> Result:
    """The result with a recognised mistake in its second part."""
    return with_part(
        result,
        "test-1-2-output",
        points=2,
        status="mistake",
        mistake="no ReLU after the addition",
        message="The ReLU after the addition is missing: `relu(F(x) + x)` is never negative.",
    )


def a_class(n: int, seed: int = 0) -> list[Result]:
    """n results, some with mistakes, errors, lost time and events; the same for a seed."""
    chance = random.Random(seed)
    made = []
    for number in range(n):
        one = result(str(1000 + number), f"Student {number}")
        luck = chance.random()
        if luck < 0.3:
            one = mistaken(one)
        elif luck < 0.45:
            said = "Your code stopped with: NameError: name 'X' is not defined"
            one = with_part(one, "test-1-2-output", points=0, status="error", message=said)
            one = with_part(one, "test-1-1-shape", points=0, status="wrong", message="Not so.")
        elif luck < 0.5:
            one = with_part(one, "test-1-2-output", points=0, status="time")
            one = replace(one, timed_out=True, events=("test-1-2-output: ran into its limit",))
        marks = chance.choice([0, 1, 2, 3, 4, 5])
        made.append(with_part(one, "prose-1-4", points=marks, status="marked"))
    return made
