"""What the solution, and the solution with each known mistake, gives for one student.

This runs in the grader's own process, for it is the course's code and no student's. Of what a
student wrote it sees the stored results of long runs alone, as plain JSON.
"""

import ast
import contextlib
import functools
import hashlib
import importlib.util
import io
import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..source import Check, Mistake, Source
from . import values


class SolutionError(RuntimeError):
    """A source solution that fails: the assignment is at fault, no student."""


@dataclass(frozen=True)
class Outcome:
    """What an observation gave to compare, or an error and what was seen on the way to it."""

    value: Any = None
    error: str = ""

    def same(self, other: "Outcome") -> bool:
        """Equal values; of errors the kind and the numbers, because the rest is names."""
        alike = _fingerprint(self.error) == _fingerprint(other.error)
        return alike and values.same(self.value, other.value)


def modules(source: Source) -> list[str]:
    """What an assignment imports anywhere, so that a child imports it once for all its parts."""
    solutions = (task.solution for task in source.tasks)
    observations = (check.observe for check in source.checks)
    return list(_imported((source.setup, *solutions, *observations)))


@functools.cache
def _imported(texts: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= dict.fromkeys(name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                inner = (f"{node.module}.{name.name}" for name in node.names)
                found |= dict.fromkeys([node.module, *filter(_is_module, inner)])
    return tuple(found)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # what stands before the last point is no package
        return False


class Reference:
    """The expected outcomes for one student, each computed once and only where it is asked for."""

    def __init__(self, source: Source, student: str, key: str, results: Mapping | None = None):
        self.source, self.student, self.key = source, student, key
        self.results = dict(results or {})
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._by_graders: dict[str, tuple[Any, Callable | None]] = {}
        self._on_the_way: dict[str, Any] = {}

    def seed(self, check: Check) -> int:
        """The seed of a part: below 2**31, another for each course, student and part."""
        identity = self.student.strip().casefold()
        digest = hashlib.sha256(f"{self.key}\n{identity}\n{check.id}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1

    def names(self, check: Check) -> dict[str, Any]:
        """The names that the grader gives to a part."""
        given = {"STUDENT": self.student}
        return given | {"RESULTS": self.results} if check.results else given

    def right(self, check: Check) -> Outcome:
        """What the solution gives.

        SolutionError where it fails, unless it reads results, which a student may have spoilt.
        """
        outcome = self.outcome(check)
        if outcome.error and not check.results:
            raise SolutionError(f"the solution of {check.id} fails: {outcome.error}")
        return outcome

    def mistaken(self, check: Check) -> Iterator[tuple[Mistake, Outcome]]:
        """Each known mistake of the task, then of those it needs, and what it gives here."""
        for name in (check.task, *reversed(check.needs)):
            for mistake in self.source.mistakes:
                if mistake.task == name:
                    yield mistake, self.outcome(check, mistake)

    def outcome(self, check: Check, mistake: Mistake | None = None) -> Outcome:
        """What a part gives with the solution, or with a mistake in it, also where it fails."""
        place = check.id, mistake.name if mistake else ""
        if place not in self._outcomes:
            self._outcomes[place] = self._run(check, self._cells(check, mistake))
        return self._outcomes[place]

    def _cells(self, check: Check, mistake: Mistake | None) -> list[str]:
        """The texts of the setup, the needed solutions and the task's own, a mistake in one."""
        texts = [self.source.setup]
        for name in (*check.needs, check.task):
            solution = self.source.task(name).solution
            if mistake is not None and mistake.task == name:
                solution = solution.replace(mistake.old, mistake.new)
            texts.append(solution)
        return texts

    def inputs(self, check: Check) -> Any:
        """What the observation gets: the seed, or what was drawn from it here, as plain JSON."""
        return self._graders(check)[0]

    def compared(self, check: Check, seen: Any) -> Outcome:
        """What is to be compared of a value that was sent; an error where it cannot be made out."""
        inputs, judged = self._graders(check)
        try:
            return Outcome(judged(seen, inputs) if judged else seen)
        except Exception as error:  # a student's code may have sent anything
            return Outcome(error=f"a value that cannot be read: {type(error).__name__}")

    def shows(self, check: Check, mistake: Mistake) -> bool:
        """Whether a part gives other values with a mistake; an error alone says too little."""
        theirs = self.outcome(check, mistake)
        if not theirs.error:
            return not theirs.same(self.right(check))
        return theirs.value is not None and not values.same(theirs.value, self._of_solution(check))

    def _graders(self, check: Check) -> tuple[Any, Callable | None]:
        """The inputs of an observation, and its function `judged`, if it has one."""
        if check.id not in self._by_graders:
            space = {"__name__": "__main__", "inputs": lambda seed: seed, "judged": None}
            for text in (self.source.setup, check.graders) if check.graders else ():
                exec(compile(text, f"<{check.id}>", "exec"), space)
                space |= self.names(check)
            inputs = json.loads(json.dumps(space["inputs"](self.seed(check))))
            self._by_graders[check.id] = inputs, space["judged"]
        return self._by_graders[check.id]

    def _of_solution(self, check: Check) -> Any:
        """What the trace of a part sees of the solution."""
        if check.id not in self._on_the_way:
            space: dict[str, Any] = {}
            self._define(check, self._cells(check, None), space)
            self._on_the_way[check.id] = self._traced(check, space)
        return self._on_the_way[check.id]

    def _run(self, check: Check, cells: list[str]) -> Outcome:
        """Runs a part as the child does, from the same state of all random numbers."""
        space: dict[str, Any] = {}
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self._define(check, cells, space)
                seen = space["observe"](self.inputs(check))
            seen = values.decode(values.encode(seen))
        except Exception as error:  # a mistake may well be one that stops the code
            said = f"{type(error).__name__}: {error}"
            return Outcome(self._traced(check, space), said)
        return self.compared(check, seen)

    def _define(self, check: Check, cells: list[str], space: dict[str, Any]) -> None:
        """Executes the cells and the observation in a namespace."""
        space["__name__"] = "__main__"
        _sow(self.seed(check))
        for text in cells:
            exec(compile(text, f"<{check.id}>", "exec"), space)
            space |= self.names(check)
        exec(compile(check.observe, f"<{check.id}>", "exec"), space)

    def _traced(self, check: Check, space: dict[str, Any]) -> Any:
        if "trace" not in space:
            return None
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            return values.decode(values.encode(space["trace"](self.inputs(check))))
        return None


def _sow(seed: int) -> None:
    random.seed(seed)
    for name, sow in (("numpy.random", "seed"), ("torch", "manual_seed")):
        if name in sys.modules:
            getattr(sys.modules[name], sow)(seed)


def _fingerprint(error: str) -> tuple:
    kind, _, text = error.partition(":")
    return kind, sorted(re.findall(r"\d+", text))
