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
from .repeat import CHECKS, repeat

NO_RESULTS = "The notebook holds no line of results: execute its runs, then save it."
BAD_RESULTS = "The stored results that this part reads are missing or incomplete."
WRONG = "Your code ran, and what it gives is not what the task asks for."


@dataclass(frozen=True)
class Judge:
    """Judges parts: what was found in the notebook, what is right, what was seen of each part."""

    found: Found
    reference: Reference
    seen: Mapping[str, PartSeen]
    _read: dict[str, Outcome | None] = field(default_factory=dict)
    _made: dict[str, list[Mistake]] = field(default_factory=dict)

    def part(self, check: Check) -> Part:
        """Points of one part, all or those of a recognised mistake, and a sentence."""
        seen, part = self.seen[check.id], _blank(check)
        ours = self._ours(check)
        if ours is None:
            status, message = _stopped(check, seen)
            return part(points=0, status=status, message=message)
        if self._is_right(check, ours):
            return part(points=check.points, status="right")
        if check.results and self.reference.right(check).error:
            return part(points=0, status="wrong", message=BAD_RESULTS)
        if absent := self._absent(check):
            return part(points=0, status="missing", message=absent)
        if mistake := self._recognised(check):
            points, said = mistake.points.get(check.id, 0), mistake.sentence
            return part(points=points, status="mistake", mistake=mistake.name, message=said)
        if seen.errors:
            said = f"Your code stopped with: {notebook.one_line(seen.errors[0])}"
            return part(points=0, status="error", message=said)
        return part(points=0, status="wrong", message=WRONG)

    def _ours(self, check: Check) -> Outcome | None:
        """The value or the error of a part, None where it was stopped.

        An error, too, where the child sent nonsense, as no honest child sends it.
        """
        if check.id not in self._read:
            self._read[check.id] = self._outcome(check, self.seen[check.id])
        return self._read[check.id]

    def _outcome(self, check: Check, seen: PartSeen) -> Outcome | None:
        if seen.status not in ("ok", "error") or (seen.status == "error" and not seen.errors):
            return None
        try:
            value = values.decode(seen.value)
        except (ValueError, TypeError, KeyError, RecursionError):
            return Outcome(error="a value that cannot be read")
        if seen.status == "error":
            return Outcome(value, seen.errors[-1])
        return self.reference.compared(check, value)

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

    def _recognised(self, check: Check) -> Mistake | None:
        """The known mistake behind a wrong part: one of an earlier task first, if it was made."""
        made = (one for name in (*reversed(check.needs), check.task) for one in self.made(name))
        return next((one for one in made if self._gives(one, check)), None)

    def made(self, task: str) -> list[Mistake]:
        """The known mistakes of a task, if all that is wrong in it follows from them; else none.

        What follows from mistakes of tasks that it needs is not its own. Those that explain most
        come first.
        """
        if task not in self._made:
            self._made[task] = self._explaining(task)
        return self._made[task]

    def _explaining(self, task: str) -> list[Mistake]:
        checks = [one for one in self.reference.source.checks if one.task == task and not one.held]
        needs = dict.fromkeys(name for one in checks for name in one.needs)
        wrong = [one for one in checks if self._is_wrong(one)]
        earlier = [one for name in needs for one in self.made(name)] if wrong else []
        own = [one for one in wrong if not any(self._gives(each, one) for each in earlier)]
        fitting = [
            (mistake, {one.id for one in own if self._gives(mistake, one)})
            for mistake in (self.reference.source.mistakes if own else ())
            if mistake.task == task and self._fits(mistake, checks, own)
        ]
        if set().union(*(given for _, given in fitting)) != {one.id for one in own}:
            return []
        return [mistake for mistake, _ in sorted(fitting, key=lambda pair: -len(pair[1]))]

    def _is_wrong(self, check: Check) -> bool:
        """Whether a part was attempted and is not right."""
        ours = self._ours(check)
        return ours is None or not (self._is_right(check, ours) or self._absent(check))

    def _gives(self, mistake: Mistake, check: Check) -> bool:
        ours = self._ours(check)
        return ours is not None and self.reference.outcome(check, mistake).same(ours)

    def _fits(self, mistake: Mistake, checks: list[Check], wrong: list[Check]) -> bool:
        """Whether a mistake shows in values of a wrong part, and nothing in its task denies it."""
        given = [one for one in wrong if self._gives(mistake, one)]
        if not any(self.reference.shows(one, mistake) for one in given):
            return False
        others = (one for one in checks if one not in given)
        return not any(self._denies(mistake, one) for one in others)

    def _denies(self, mistake: Mistake, check: Check) -> bool:
        """Whether a part, had this mistake been made, would not have come out as it did."""
        if self._absent(check):
            return False
        return not self.reference.outcome(check, mistake).same(self.reference.right(check))


def held_part(check: Check, results: dict[str, Any], student: str, key: str) -> Part:
    """What the stored results of long runs earn: the grader's own code looks at them."""
    part = _blank(check)
    holds_to = CHECKS | {"repeat": functools.partial(repeat, key=key)}
    if not results:
        return part(points=0, status="missing", message=NO_RESULTS)
    try:
        holds, sentence = holds_to[check.held](results, student)
    except (ArithmeticError, LookupError, TypeError, ValueError):  # they are a student's
        holds, sentence = False, BAD_RESULTS
    if holds:
        return part(points=check.points, status="right")
    return part(points=0, status="wrong", message=sentence)


def _blank(check: Check) -> functools.partial:
    return functools.partial(Part, check.id, check.title, kind="code", of=check.points)


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
