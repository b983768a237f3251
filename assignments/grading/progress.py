"""Grades what is not stored yet, and names each submission that is slow, hangs or was cut off.

A submission that an earlier call began and did not end is told and goes last, so that all others
have their results first; one that took too long is told and not begun again with as little time.
"""

import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from tqdm.auto import tqdm

from ..handed_in.submissions import Submission
from ..result import Result
from ..source import Source
from .kept_grades import Store
from .one import ungraded
from .pool import LOST, OVERTIME, SLOW, Setting, grade_all

CUT_OFF = "an earlier call was ended while it was being graded"


@dataclass(frozen=True)
class Graded:
    """All results in the order of the students; who was not graded and why; who was slow."""

    results: list[Result]
    failures: list[str]
    slow: list[str]


def graded(
    counted: Sequence[Submission],
    about: Source,
    store: Store,
    setting: Setting,
    workers: int,
    longest: float,
) -> Graded:
    """Results, stored or new; `longest` are the seconds that one submission may take in all."""
    held = {one: result for one in counted if (result := store.read(one)) is not None}
    waiting = [one for one in counted if one not in held]
    stuck = {one: seconds for one in waiting if (seconds := store.gave_up(one)) >= longest}
    cut = [one for one in waiting if store.cut_off(one)]
    todo = [one for one in waiting if one not in stuck and one not in cut]
    failures = {one: _stuck(seconds) for one, seconds in stuck.items()}
    overtime = set(stuck)
    for one in cut:
        print(f"{one.file}: {CUT_OFF}; it goes last", file=sys.stderr)
    started = time.monotonic()
    for one, outcome in _watched([*todo, *cut], len(counted), store, setting, workers, longest):
        if isinstance(outcome, str):
            failures[one] = _why(outcome, longest)
            overtime |= {one} if outcome == OVERTIME else set()
        else:
            held[one] = outcome
    print(_summary([held[one] for one in (*todo, *cut) if one in held], len(counted), started))
    held |= {one: ungraded(one, about, why) for one, why in failures.items()}
    held |= {one: _too_long(held[one], failures[one]) for one in overtime}
    results = [_told(held[one], one in cut) for one in counted]
    return Graded(results, [f"{one.file}: {why}" for one, why in failures.items()], _slow(results))


def _watched(
    todo: Sequence[Submission],
    total: int,
    store: Store,
    setting: Setting,
    workers: int,
    longest: float,
) -> Iterator[tuple[Submission, Result | str]]:
    """Each submission with its outcome, stored at once; the slow ones are named on screen."""
    running: dict[Submission, float] = {}
    with (
        interrupts() as asked,
        closing(grade_all(_begun(todo, store, running), setting, workers, longest)) as graded,
        tqdm(total=total, initial=total - len(todo), unit="submission") as bar,
    ):
        try:
            for one, outcome in graded:
                if outcome is None:
                    bar.write(f"{one.file}: slow, not ended after {SLOW:g} s", file=sys.stderr)
                    continue
                _keep(one, outcome, store, longest)
                running.pop(one, None)
                yield one, outcome
                bar.update()
                if asked:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            for one, since in running.items():
                took = f"{time.monotonic() - since:.0f} s"
                print(f"\n{one.file}: was being graded, for {took}", end="", file=sys.stderr)
            raise


def _begun(
    todo: Iterable[Submission], store: Store, running: dict[Submission, float]
) -> Iterator[Submission]:
    """The submissions, each noted on disk before a worker has it: nothing else may be left."""
    for one in todo:
        store.begin(one)
        running[one] = time.monotonic()
        yield one


def _keep(one: Submission, outcome: Result | str, store: Store, longest: float) -> None:
    if isinstance(outcome, Result):
        store.write(one, outcome)
    elif outcome == OVERTIME:
        store.give_up(one, longest)
    elif outcome != LOST:  # the grader itself failed, at which the submission need not be guilty
        store.forget(one)


def _why(outcome: str, longest: float) -> str:
    if outcome != OVERTIME:
        return outcome
    return f"it was ended, because it took longer than {_minutes(longest)} in all"


def _stuck(seconds: float) -> str:
    return (
        f"it took longer than {_minutes(seconds)} in an earlier call and was not begun again: give "
        "it more with --longest"
    )


def _too_long(blank: Result, why: str) -> Result:
    """What stands for a submission that took too long, and tells its author so."""
    said = "Not graded: your notebook took too long. Look for a loop without end."
    parts = tuple(replace(part, status="time", message=said) for part in blank.parts)
    return replace(blank, parts=parts, events=(f"not graded: {why}",), timed_out=True)


def _told(result: Result, cut: bool) -> Result:
    """The result with what is said of its time."""
    slow = [f"slow: it took {result.seconds:.0f} s"] if result.seconds >= SLOW else []
    return replace(result, events=(*result.events, *slow, *([CUT_OFF] if cut else [])))


def _slow(results: Sequence[Result]) -> list[str]:
    slow = [f"{one.file} ({one.seconds:.0f} s)" for one in results if one.seconds >= SLOW]
    return [f"Slow to grade: {'; '.join(slow)}."] if slow else []


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes"


def _summary(new: Sequence[Result], total: int, started: float) -> str:
    """How long it took, with those that ran into a time limit counted apart."""
    late = [one for one in new if one.timed_out]
    minutes = (time.monotonic() - started) / 60
    line = f"{len(new)} graded in {minutes:.1f} minutes, {total - len(new)} unchanged"
    if late:
        took = sum(one.seconds for one in late)
        line += f"; {len(late)} of them ran into a time limit and took {took:.0f} s"
    return line


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Notes each Ctrl-C beside raising it: Python drops one that arrives within a destructor."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
