"""What grading one submission gives: plain data that goes to JSON and back."""

import json
from dataclasses import asdict, dataclass
from typing import Any

KINDS = ("code", "prose")
STATUSES = (
    "right",
    "mistake",
    "wrong",
    "missing",
    "error",
    "time",
    "memory",
    "died",
    "to mark",
    "marked",
)


@dataclass(frozen=True)
class Part:
    """One graded part: a test cell or a prose answer.

    `points` of `of` are earned; `mistake` is a recognised mistake's name or empty, `message` a
    sentence for the student that never tells a hidden test's content. A prose part that no marker
    has seen has the status "to mark" and no points, and "marked" once its marks are merged.
    ValueError for an unknown kind or status.
    """

    id: str
    title: str
    points: float
    of: float
    kind: str
    status: str
    mistake: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a part is of kind {' or '.join(KINDS)}, not {self.kind!r}")
        if self.status not in STATUSES:
            raise ValueError(f"{self.status!r} is not the status of a part")


@dataclass(frozen=True)
class Result:
    """One graded submission: whose, which file, what each part earned, and what happened.

    `student` is the id or key by which the platform knows the student, `stated_id` what the
    notebook itself says, `events` are sentences for the log, `seconds` what grading took.
    """

    student: str
    name: str
    file: str
    assignment: str
    stated_id: str
    late: bool
    parts: tuple[Part, ...]
    events: tuple[str, ...] = ()
    seconds: float = 0.0
    timed_out: bool = False

    def points(self, kind: str) -> float:
        """Points of all parts of one kind, code or prose."""
        return sum(part.points for part in self.parts if part.kind == kind)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Result":
        """The result of that text; ValueError where it is not one."""
        try:
            fields: dict[str, Any] = json.loads(text)
            parts = tuple(Part(**part) for part in fields.pop("parts"))
            events = tuple(fields.pop("events"))
            return cls(**fields, parts=parts, events=events)
        except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"this is not the JSON of a result: {error}") from error
