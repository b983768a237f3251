"""Grades submissions in several processes, of which any may die or hang alone."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from resnet.runtime.processes import follow_parent

from .. import source
from ..handed_in.submissions import Submission
from ..result import Result
from ..sandbox.kinds import Sandbox
from .one import grade_one

LOST = "the grading process was ended by the system, as for want of memory"
OVERTIME = "it took too long as a whole"
LONGEST = 600.0  # seconds; the sandbox's own limits end an honest submission before
START = 300.0  # seconds for importing torch on a busy machine, which count for no submission
SLOW = 60.0  # seconds after which a submission is named; an honest one takes a few

Outcome = Result | str | None


@dataclass(frozen=True)
class Setting:
    """What all submissions of a batch have in common: the source notebook, sandbox and key."""

    path: Path
    sandbox: Sandbox
    key: str


def grade_all(
    found: Iterable[Submission],
    setting: Setting,
    workers: int = 2,
    longest: float = LONGEST,
    slow: float = SLOW,
) -> Iterator[tuple[Submission, Outcome]]:
    """Each submission as it ends, with its result, or a sentence where it has none.

    `found` is taken from as workers become free. A submission with None has been at it for `slow`
    seconds; after `longest` its process is ended (OVERTIME). Where a process dies, its submission
    goes again at the end and alone, since the memory may have been another's (LOST if it dies).
    """
    lost: list[Submission] = []
    yield from _in_parallel(iter(found), lost, setting, workers, longest, slow)
    for one in lost:
        guilty: list[Submission] = []
        yield from _in_parallel(iter([one]), guilty, setting, 1, longest, slow)
        if guilty:
            yield one, LOST


def _in_parallel(
    waiting: Iterator[Submission],
    lost: list[Submission],
    setting: Setting,
    workers: int,
    longest: float,
    slow: float,
) -> Iterator[tuple[Submission, Outcome]]:
    """Grades all that is waiting; `lost` grows by those whose process died."""
    idle: list[_Worker] = []
    busy: list[_Worker] = []
    try:
        while True:
            while len(busy) < workers and (one := next(waiting, None)) is not None:
                busy.append(idle.pop() if idle else _Worker(setting))
                busy[-1].begin(one)
            if not busy:
                return
            wait([worker.pipe for worker in busy], min(one.patience(longest, slow) for one in busy))
            for worker in list(busy):
                yield from worker.news(longest, slow)
                if worker.one is None or worker.dead:
                    busy.remove(worker)
                    lost += [worker.one] if worker.one else []
                    idle += [] if worker.dead else [worker]
    finally:
        for worker in (*busy, *idle):
            worker.end()  # also after Ctrl-C: what still runs is not stored, so nobody waits for it


class _Worker:
    """A process that grades one submission at a time: `one`, None while it has nothing to do."""

    def __init__(self, setting: Setting):
        # Forked children would inherit the locks of torch's threads.
        context = multiprocessing.get_context("spawn")
        self.pipe, self._there = context.Pipe()
        self.process = context.Process(target=_work, args=(self._there, setting))
        self.one: Submission | None = None
        self.dead = self.named = self.ready = False
        self.since = 0.0

    def begin(self, one: Submission) -> None:
        if self.process.pid is None:  # not before it is in a list, from which Ctrl-C ends it
            self.process.start()
            self._there.close()  # so that the pipe ends with the process
        self.one, self.named = one, False
        self.since = time.monotonic() + (0 if self.ready else START)
        with contextlib.suppress(OSError):  # where the process has died, which `news` will find
            self.pipe.send(one)

    def patience(self, longest: float, slow: float) -> float:
        """Seconds until there is something to say of its submission in any case."""
        limit = longest if self.named else min(slow, longest)
        return max(0.0, self.since + limit - time.monotonic())

    def news(self, longest: float, slow: float) -> Iterator[tuple[Submission, Outcome]]:
        """What there is to say of its submission now; without it, and `dead`, if that is all."""
        one, took = self.one, time.monotonic() - self.since
        if self.pipe.poll():
            try:
                outcome = self.pipe.recv()
            except (EOFError, OSError):
                self.end()
                return
            if outcome is None:  # its first message: it has begun
                self.ready, self.since = True, time.monotonic()
                return
            self.one = None
            yield one, outcome
        elif took >= longest:
            self.end()
            self.one = None
            yield one, OVERTIME
        elif took >= slow and not self.named:
            self.named = True
            yield one, None

    def end(self) -> None:
        self.dead = True
        if self.process.pid is not None:
            self.process.kill()
            self.process.join()
        self.pipe.close()


def _work(pipe: Connection, setting: Setting) -> None:
    """In a worker: grades what comes, with one thread, as the child computes too."""
    os.environ["MPLBACKEND"] = "agg"
    follow_parent()
    import torch  # here, because the process that leads the others never needs it

    torch.set_num_threads(1)
    about = None
    pipe.send(None)
    while True:
        try:
            one = pipe.recv()
        except EOFError:  # nobody is there to ask for more
            return
        try:
            about = about or source.read(setting.path)
            pipe.send(grade_one(one, about, setting.sandbox, setting.key))
        except Exception as error:  # the grader's own, told and not met by the other submissions
            pipe.send(f"{type(error).__name__}: {error}")
