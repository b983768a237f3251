"""Grades one submission: what each part of it is worth, why, and what was unusual.

Each part runs alone first: the setup, the answers it needs, its own. Where that is not right, and
some other cell may be what it lacks, all code cells run in order, so that an answer that was split,
or stands elsewhere, counts as well; the better attempt is taken. Students' code runs in the sandbox
alone.

A submission is known by the platform's id or its file's name. What its notebook states as STUDENT
decides what was drawn for it, because that is what the student worked from. A notebook that states
no id is graded as if it stated the platform's: what does not depend on the id then counts in full,
and what does could not be worked on without one. Two that state the same id are both graded, both
named in the log, and never punished by a program.
"""

import functools
import re
import time
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..handed_in import answers, notebook
from ..handed_in.answers import Found
from ..handed_in.submissions import Submission
from ..result import Part, Result
from ..sandbox.kinds import Limits, PartSeen, Sandbox
from ..source import Check, Source
from .judging import Judge, held_part
from .reference import Reference, modules

STOPPED = ("time", "memory", "died", "output")
# Of two attempts with the same points the one that says more counts.
RANKS = ("missing", "died", "memory", "time", "error", "wrong", "mistake", "right")
AGAIN = 30.0  # seconds for all second attempts, for a student's own cells may do anything


@dataclass(frozen=True)
class Attempt:
    """One run of a part: whether all cells ran or its own alone, and what came of it."""

    whole: bool
    part: Part
    seen: PartSeen


def grade_one(submission: Submission, source: Source, sandbox: Sandbox, key: str) -> Result:
    """The result of one submission; no notebook raises, whatever a student put into it.

    SolutionError, and what the sandbox raises, mean that the course is at fault.
    """
    started = time.monotonic()
    try:
        read = notebook.parse(notebook.content(submission.path))
        if not answers.belongs(read, source):
            raise notebook.UnreadableError(_other(read, source))
    except notebook.UnreadableError as error:
        return _nothing(submission, source, "missing", str(error))
    found = answers.find(read, source)
    stated, events = _stated(found, submission)
    results = answers.results(found)
    reference = Reference(source, stated or submission.student, key, results)
    held = [
        held_part(check, results, reference.student, key) for check in source.checks if check.held
    ]
    attempts = _attempts(found, source, reference, sandbox)
    best = [max(tried, key=_worth) for tried in attempts]
    events += [f"{one.part.id}: counted as all cells run it" for one in best if one.whole]
    events += [_ended(one) for one in best if one.seen.status in STOPPED]
    return Result(
        student=submission.student,
        name=submission.name,
        file=submission.file,
        assignment=source.name,
        stated_id=stated,
        late=submission.late,
        parts=_in_order(source, [one.part for one in best], held, _prose(found, source)),
        events=(*found.events, *events),
        seconds=round(time.monotonic() - started, 2),
        timed_out=any(one.seen.status == "time" for tried in attempts for one in tried),
    )


def _other(read: notebook.Notebook, source: Source) -> str:
    named = notebook.one_line(read.assignment, 60)
    if named and named != source.name:
        return f"it is a notebook of another assignment, {named!r}"
    return f"it holds no answer cell of the assignment {source.name!r}"


def _nothing(submission: Submission, source: Source, status: str, why: str) -> Result:
    """The result of a file of which no part could be graded."""
    parts = [
        Part(one.id, one.title, 0, one.points, kind, status, "", f"Not graded: {why}.")
        for kind, group in (("code", source.checks), ("prose", source.prose))
        for one in group
    ]
    about = submission.student, submission.name, submission.file, source.name
    return Result(*about, "", submission.late, _in_order(source, parts), (f"scored 0: {why}",))


def ungraded(submission: Submission, source: Source, why: str) -> Result:
    """What stands for a submission with which the grader itself failed."""
    return _nothing(submission, source, "died", f"the grader failed, grade it again: {why}")


def _in_order(source: Source, *parts: Iterable[Part]) -> tuple[Part, ...]:
    """All parts in the order in which the notebook asks for them."""
    by_id = {part.id: part for group in parts for part in group}
    return tuple(by_id[name] for name in source.order if name in by_id)


def _stated(found: Found, submission: Submission) -> tuple[str, list[str]]:
    """The id that the notebook states, the first of several, and sentences for the log."""
    stated = answers.stated_ids(found)
    if not stated:
        return "", [f"states no student id: graded for {submission.student!r}"]
    if len(stated) > 1:
        return stated[0], [f"states several student ids: {', '.join(map(repr, stated[:5]))}"]
    return stated[0], []


def _attempts(
    found: Found, source: Source, reference: Reference, sandbox: Sandbox
) -> list[list[Attempt]]:
    """The attempts at each part: one, or two where the first is not right and may become so."""
    checks = [check for check in source.checks if not check.held]
    run = functools.partial(_run, found=found, reference=reference, sandbox=sandbox)
    first = run([_alone(found, check) for check in checks], {})
    guilty = _guilty(checks, first)
    everything = answers.whole(found, source, guilty)
    again = [
        check
        for check in checks
        if first[check.id].part.status != "right" and check.task not in guilty
        and (answers.elsewhere(found, source, check, first[check.id].seen.errors)
             or redefines(found, source, check))
    ]  # fmt: skip
    solved = _tasks(checks, first, lambda part: part.status == "right", all)
    second = run([_whole(found, check, everything, solved) for check in again], first)
    # What a later cell puts in place of an earlier answer must itself be worth something.
    earned = solved | _tasks(again, second, lambda part: part.points > 0, any)
    doubtful = {check.id for check in again if not set(check.needs) <= earned}
    third = run(
        [_whole(found, check, everything, check.needs) for check in again
         if check.id in doubtful
         and second[check.id].part.points > first[check.id].part.points],
        first,
    )  # fmt: skip
    better = {name: one for name, one in second.items() if name not in doubtful} | third
    return [[tried[one.id] for tried in (first, better) if one.id in tried] for one in checks]


def _tasks(
    checks: Iterable[Check],
    tried: dict[str, Attempt],
    holds: Callable[[Part], bool],
    which: Callable[[Iterable[bool]], bool],
) -> set[str]:
    """The tasks of which all, or any, tried parts are such."""
    by_task: dict[str, list[bool]] = {}
    for check in checks:
        by_task.setdefault(check.task, []).append(holds(tried[check.id].part))
    return {task for task, each in by_task.items() if which(each)}


def redefines(found: Found, source: Source, check: Check) -> bool:
    """Whether a task's own cells define what an earlier answer should."""
    names = set().union(*(answers.defined(source.task(name).solution) for name in check.needs))
    binds = re.compile(rf"^(?:(?:def|class)[ \t]+)?(?:{'|'.join(names) or '(?!)'})\b", re.MULTILINE)
    return any(binds.search(cell.text) for cell in found.labelled(check.task))


def _guilty(checks: Iterable[Check], first: dict[str, Attempt]) -> set[str]:
    """The tasks whose own answer ran into a limit, and not only because of one that it needs."""
    stopped = {one.task for one in checks if first[one.id].seen.status in STOPPED}
    needs = {name: {need for one in checks if one.task == name for need in one.needs}
             for name in stopped}  # fmt: skip
    return {name for name in stopped if not needs[name] & stopped}


@dataclass(frozen=True)
class Plan:
    """How a part is run: its cells, of which the first `settled` alone may define answers of
    the tasks `kept`.
    """

    check: Check
    cells: tuple[str, ...]
    settled: int = 0
    kept: tuple[str, ...] = ()
    whole: bool = False


def _alone(found: Found, check: Check) -> Plan:
    """A part with the answers that it needs, which its own answer cannot define anew."""
    earlier = answers.alone(found, check.needs)
    cells = answers.alone(found, (*check.needs, check.task))
    return Plan(check, tuple(cells), len(earlier), check.needs)


def _whole(found: Found, check: Check, cells: Iterable[str], kept: Container[str]) -> Plan:
    """A part with all cells in order, which define no answers of the tasks `kept` anew."""
    kept = tuple(name for name in check.needs if name in kept)
    earlier = answers.alone(found, kept) if kept else []
    return Plan(check, (*earlier, *cells), len(earlier), kept, whole=True)


def _run(
    plans: Iterable[Plan],
    before: dict[str, Attempt],
    *,
    found: Found,
    reference: Reference,
    sandbox: Sandbox,
) -> dict[str, Attempt]:
    """Runs parts in one sandbox, each on the source's setup and its cells, and judges them.

    The source's setup comes first, so that nobody loses all for one spoilt line of their own. What
    was seen `before` tells of the parts that are not run again.
    """
    plans = list(plans)
    if not plans:
        return {}
    job = {"preload": modules(reference.source), "parts": [_job(one, reference) for one in plans]}
    limits = replace(Limits(), seconds=AGAIN) if any(one.whole for one in plans) else Limits()
    seen = {one.id: one for one in sandbox.run(job, limits)}
    judge = Judge(found, reference, {name: one.seen for name, one in before.items()} | seen)
    return {one.check.id: Attempt(one.whole, judge.part(one.check), seen[one.check.id])
            for one in plans}  # fmt: skip


def _job(plan: Plan, reference: Reference) -> dict[str, Any]:
    """A part as the sandbox takes it."""
    check, source = plan.check, reference.source

    def names(tasks: Iterable[str]) -> list[str]:
        return [name for task in tasks for name in answers.defined(source.task(task).solution)]

    return {
        "id": check.id,
        "cells": [answers.with_id(text, reference.student) for text in (source.setup, *plan.cells)],
        "settled": 1 + plan.settled,
        "answers": names((*check.needs, check.task)),
        "kept": names(plan.kept),
        "observe": check.observe,
        "inputs": reference.inputs(check),
        "names": reference.names(check),
        "seed": reference.seed(check),
        "seconds": check.seconds,
    }


def _ended(attempt: Attempt) -> str:
    what = {"time": "ran into its time limit", "memory": "ran into its memory limit"}
    what |= {"died": "ended the process that ran it", "output": "gave back too much"}
    return f"{attempt.part.id}: {what[attempt.seen.status]}"


def _worth(attempt: Attempt) -> tuple[float, int]:
    return attempt.part.points, RANKS.index(attempt.part.status)


def _prose(found: Found, source: Source) -> list[Part]:
    """The answers in words: a marker's, where there is one."""
    words = answers.in_words(found, source)
    return [
        Part(one.id, one.title, 0, one.points, "prose", "to mark")
        if words[one.id]
        else Part(one.id, one.title, 0, one.points, "prose", "missing", "", "There is no answer.")
        for one in source.prose
    ]
