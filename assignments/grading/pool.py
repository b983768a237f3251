"""Grades submissions in several processes, of which any may die without taking the batch along."""

import functools
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from resnet.runtime.processes import follow_parent

from .. import source
from ..handed_in.submissions import Submission
from ..result import Result
from ..sandbox.kinds import Sandbox
from ..source import Source
from .one import grade_one

LOST = "the grading process was ended by the system, as for want of memory"


@dataclass(frozen=True)
class Setting:
    """What all submissions of a batch have in common: the source notebook, sandbox and key."""

    path: Path
    sandbox: Sandbox
    key: str


def grade_all(
    found: Iterable[Submission], setting: Setting, workers: int = 2
) -> Iterator[tuple[Submission, Result | str]]:
    """Each submission as it ends, with its result, or a sentence where the grader itself failed.

    Where a process dies, all that were being graded go again, one at a time: the one that was
    guilty is then known. No more than one submission a worker is held in memory.
    """
    waiting = deque(found)
    while waiting:
        suspects = yield from _until_broken(waiting, setting, workers)
        for one in suspects:
            again = yield from _until_broken(deque([one]), setting, 1)
            if again:
                yield one, LOST


def _until_broken(
    waiting: deque[Submission], setting: Setting, workers: int
) -> Iterator[tuple[Submission, Result | str]]:
    """Grades what is waiting until a process dies; returns what was then being graded."""
    running: dict[Future, Submission] = {}
    lost: list[Submission] = []
    before = set(multiprocessing.active_children())
    # Forked children would inherit the locks of torch's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin_worker) as pool:
        try:
            while running or (waiting and not lost):
                while waiting and not lost and len(running) < workers:
                    one = waiting.popleft()
                    running[pool.submit(_grade, one, setting)] = one
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    one = running.pop(done)
                    if isinstance(done.exception(), BrokenProcessPool):
                        lost.append(one)
                    else:
                        yield one, _outcome(done)
        except BrokenProcessPool:  # between two submissions: the one just taken was not begun
            waiting.appendleft(one)
            lost += running.values()
        finally:
            # Ctrl-C: what still runs is not stored anyway, so nobody should wait for it.
            for child in set(multiprocessing.active_children()) - before if running else ():
                child.terminate()
    return lost


def _outcome(done: Future) -> Result | str:
    error = done.exception()
    return done.result() if error is None else f"{type(error).__name__}: {error}"


def _grade(one: Submission, setting: Setting) -> Result:
    """In a worker: one submission, with one thread, as the child computes too."""
    import torch  # here, because the process that leads the others never needs it

    torch.set_num_threads(1)
    return grade_one(one, _read(setting.path), setting.sandbox, setting.key)


@functools.cache
def _read(path: Path) -> Source:
    return source.read(path)


def _begin_worker() -> None:
    os.environ["MPLBACKEND"] = "agg"
    follow_parent()
