"""What a part earns for what was seen of it, and what its author is told."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..handed_in import notebook
from ..handed_in.answers import Found
from ..result import Part
from ..sandbox.kinds import PartSeen
from ..source import Check, Mistake
from . import values
from .reference import Outcome, Reference
from .repeat import CHECKS

NO_RESULTS = "The notebook holds no line of results: execute its runs, then save it."
BAD_RESULTS = "The stored results that this part reads are missing or incomplete."
WRONG = "Your code ran, and what it gives is not what the task asks for."


@dataclass(frozen=True)
class Judge:
    """Judges the parts of one attempt: what was found, what is right, what was seen by part.

    `told` grows by the mistakes that were recognised.
    """

    found: Found
    reference: Reference
    seen: Mapping[str, PartSeen]
    told: list[Mistake] = field(default_factory=list)

    def part(self, check: Check) -> Part:
        """Points of one part, all or those of a recognised mistake, and a sentence."""
        seen, part = self.seen[check.id], _blank(check)
        ours = _outcome(seen)
        if ours is None:
            status, message = _stopped(check, seen)
            return part(points=0, status=status, message=message)
        if self._is_right(check, ours):
            return part(points=check.points, status="right")
        if check.results and self.reference.right(check).error:
            return part(points=0, status="wrong", message=BAD_RESULTS)
        if absent := self._absent(check):
            return part(points=0, status="missing", message=absent)
        if mistake := self._recognised(check, ours):
            points, said = mistake.points.get(check.id, 0), mistake.sentence
            return part(points=points, status="mistake", mistake=mistake.name, message=said)
        if seen.errors:
            said = f"Your code stopped with: {notebook.one_line(seen.errors[0])}"
            return part(points=0, status="error", message=said)
        return part(points=0, status="wrong", message=WRONG)

    def _is_right(self, check: Check, ours: Outcome) -> bool:
        return not ours.error and self.reference.right(check).same(ours)

    def _absent(self, check: Check) -> str:
        """A sentence where the part, or one that it needs, was not attempted; else empty."""
        source, errors = self.reference.source, self.seen[check.id].errors
        stub = any(error.startswith("NotImplementedError") for error in errors)
        for name in (check.task, *check.needs):
            texts = [cell.text for cell in self.found.labelled(name)]
            if not texts and errors:
                what = f"No cell begins with {source.task(name).line!r}."
            elif stub and any("raise NotImplementedError" in text for text in texts):
                what = f"Not attempted: the cell {source.task(name).line!r} still raises."
            else:
                continue
            return what if name == check.task else f"This part needs another. {what}"
        return ""

    def _recognised(self, check: Check, ours: Outcome) -> Mistake | None:
        """The known mistake that gives the same; of several the one that explains most.

        In one part alone two mistakes may look alike, so the others of their tasks are asked. A
        mistake that was told of another part comes first, which also spares running all again.
        """
        for one in self.told:
            own = one.task in (check.task, *check.needs)
            if own and self.reference.outcome(check, one).same(ours):
                return one
        alike = [one for one, theirs in self.reference.mistaken(check) if theirs.same(ours)]
        found = max(alike, key=self._explains) if len(alike) > 1 else next(iter(alike), None)
        self.told.extend(one for one in (found,) if one is not None)
        return found

    def _explains(self, mistake: Mistake) -> tuple[bool, int]:
        """Whether a mistake explains all parts that it may touch, and how many wrong ones."""
        touched = [check for check in self.reference.source.checks if check.id in self.seen
                   and mistake.task in (check.task, *check.needs)]  # fmt: skip
        pairs = [(check, ours) for check in touched if (ours := _outcome(self.seen[check.id]))]
        same = [self.reference.outcome(check, mistake).same(ours) for check, ours in pairs]
        wrong = [not self._is_right(check, ours) for check, ours in pairs]
        return all(same), sum(a and b for a, b in zip(same, wrong, strict=True))


def held_part(check: Check, results: dict[str, Any], student: str) -> Part:
    """What the stored results of long runs earn: the grader's own code looks at them."""
    part = _blank(check)
    if not results:
        return part(points=0, status="missing", message=NO_RESULTS)
    try:
        holds, sentence = CHECKS[check.held](results, student)
    except (ArithmeticError, LookupError, TypeError, ValueError):  # they are a student's
        holds, sentence = False, BAD_RESULTS
    if holds:
        return part(points=check.points, status="right")
    return part(points=0, status="wrong", message=sentence)


def _blank(check: Check) -> functools.partial:
    return functools.partial(Part, check.id, check.title, kind="code", of=check.points)


def _outcome(seen: PartSeen) -> Outcome | None:
    """The value or the error of a part, None where it was stopped.

    An error, too, where the child sent nonsense, as no honest child sends it.
    """
    if seen.status == "error" and seen.errors:
        return Outcome(error=seen.errors[-1])
    if seen.status != "ok":
        return None
    try:
        return Outcome(values.decode(seen.value))
    except (ValueError, TypeError, KeyError, RecursionError):
        return Outcome(error="a value that cannot be read")


def _stopped(check: Check, seen: PartSeen) -> tuple[str, str]:
    """Status and sentence of a part that gave no value and no error."""
    known = {
        "time": f"Your code was stopped after {check.seconds:g} s: look for a loop without end.",
        "memory": "Your code took more memory than there is for a part, and was stopped.",
        "died": "Your code ended the process that ran it, so nothing was left to look at.",
    }
    if seen.status in known:
        return seen.status, known[seen.status]
    return "error", "What your code gives back is too large to be looked at."
