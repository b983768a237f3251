"""Reads an assignment: its source notebook in nbgrader's format and the TOML file beside it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomllib

from .hidden import apart

FOLDER = Path(__file__).with_name("sources")
SOLUTION, HIDDEN = "SOLUTION", "HIDDEN TESTS"
# nbgrader's own stubs, so that its `generate_assignment` and `released` give the same cells.
CODE_STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")
TEXT_STUB = ("YOUR ANSWER HERE",)
SECONDS = 10.0  # for a part that names no limit


class SourceError(ValueError):
    """A source that is not written as the grader needs it; the text names file and cell."""


@dataclass(frozen=True)
class Task:
    """An answer cell: `line` is the visible task line it begins with, `text` has all markers."""

    id: str
    line: str
    text: str

    @property
    def solution(self) -> str:
        return without_markers(self.text)

    @property
    def released(self) -> str:
        return without_solution(self.text)


@dataclass(frozen=True)
class Check:
    """A test cell: `visible` is what students see of it, the rest its hidden functions' texts.

    `observe` runs beside students' code, and gives what that code does; `graders` runs in the
    grader's process: what is drawn for `observe`, and what is to be compared of that it saw.
    `needs` names the answer cells that run before the task's own, `seconds` is the limit; with
    `results` the names of the observation include RESULTS, read from the submission. Where `held`
    names a check of repeat.py, the results are held to that, and nothing runs.
    """

    id: str
    task: str
    title: str
    points: float
    visible: str
    observe: str
    graders: str = ""
    needs: tuple[str, ...] = ()
    seconds: float = SECONDS
    results: bool = False
    held: str = ""


@dataclass(frozen=True)
class Prose:
    """An answer in words: `line` is the visible line it begins with, `text` has all markers."""

    id: str
    line: str
    points: float
    text: str

    @property
    def title(self) -> str:
        return self.line.strip("*. ")


@dataclass(frozen=True)
class Mistake:
    """A usual mistake as an edit of a task's solution, and what each part still earns with it."""

    task: str
    name: str
    sentence: str
    old: str
    new: str
    points: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """One assignment. `results` is what its own stored outputs say, `plain` all other texts."""

    name: str
    title: str
    points: float
    version: int
    setup: str
    tasks: tuple[Task, ...]
    checks: tuple[Check, ...]
    prose: tuple[Prose, ...]
    plain: frozenset[str]
    results: Mapping[str, Any]
    mistakes: tuple[Mistake, ...]
    rubric: tuple[Mapping[str, Any], ...]
    course: Mapping[str, Any]
    order: tuple[str, ...]

    def task(self, name: str) -> Task:
        return next(task for task in self.tasks if task.id == name)


def names(folder: Path = FOLDER) -> list[str]:
    """The assignments that a folder holds, by name."""
    return sorted(path.stem for path in folder.glob("*.ipynb"))


def read(name: str | Path, folder: Path = FOLDER) -> Source:
    """The assignment of that name, or in that notebook; SourceError where it is badly written."""
    path = name if isinstance(name, Path) else folder / f"{name}.ipynb"
    try:
        notebook = json.loads(path.read_text("utf-8"))
        table = tomllib.loads(path.with_suffix(".toml").read_text("utf-8"))
        return _parse(notebook, table)
    except OSError as error:
        raise SourceError(f"cannot read {error.filename}: {error.strerror}") from error
    except (KeyError, SyntaxError, TypeError, ValueError) as error:
        raise SourceError(f"{path.name}: {error}") from error


def _parse(notebook: Mapping[str, Any], table: Mapping[str, Any]) -> Source:
    about = notebook["metadata"]["resnet_assignment"]
    cells = notebook["cells"]
    graded = {name: cell for cell in cells if (name := grade_id(cell))}
    if len(graded) < sum(bool(grade_id(cell)) for cell in cells):
        raise SourceError("two cells have the same grade_id")
    texts = {name: text(cell) for name, cell in graded.items()}
    tasks = (Task(name, first_line(texts[name]), texts[name])
             for name, cell in graded.items() if _is(cell, "answer"))  # fmt: skip
    prose = (_prose(name, cell) for name, cell in graded.items() if _is(cell, "prose"))
    checks = (_check(name, cell) for name, cell in graded.items() if _is(cell, "check"))
    source = Source(
        name=about["name"],
        title=about["title"],
        points=about["points"],
        version=about["version"],
        setup=texts["setup"],
        tasks=tuple(tasks),
        checks=tuple(checks),
        prose=tuple(prose),
        plain=frozenset(tidy(text(cell)) for cell in cells if grade_id(cell) not in graded),
        results=_results(cells),
        mistakes=tuple(Mistake(**one) for one in table.get("mistake", ())),
        rubric=tuple(table.get("rubric", ())),
        course=table.get("course", {}),
        order=tuple(name for name in graded if name != "setup"),
    )
    for problem in _problems(source):
        raise SourceError(problem)
    return source


def _is(cell: Mapping[str, Any], kind: str) -> bool:
    about = cell["metadata"]["nbgrader"]
    kinds = {(True, False): "answer", (True, True): "prose", (False, True): "check"}
    return kinds.get((about["solution"], about["grade"])) == kind


def _prose(name: str, cell: Mapping[str, Any]) -> Prose:
    return Prose(name, first_line(text(cell)), _points(cell), text(cell))


def _points(cell: Mapping[str, Any]) -> float:
    return cell["metadata"]["nbgrader"]["points"]


def _check(name: str, cell: Mapping[str, Any]) -> Check:
    about = cell["metadata"].get("resnet", {})
    if "task" not in about:
        raise SourceError(f"{name}: the metadata `resnet` names no task")
    observe, graders = apart(hidden_tests(text(cell)))
    return Check(
        id=name,
        task=about["task"],
        title=re.sub(r"\s*\([^()]*points?\)\s*$", "", first_line(text(cell))).strip("# "),
        points=_points(cell),
        visible=without_hidden_tests(text(cell)),
        observe=observe,
        graders=graders,
        needs=tuple(about.get("needs", ())),
        seconds=float(about.get("seconds", SECONDS)),
        results=bool(about.get("results", False)),
        held=about.get("check", ""),
    )


def _problems(source: Source) -> Iterable[str]:
    """What makes a source unfit, a sentence each."""
    tasks, parts = {task.id for task in source.tasks}, {check.id for check in source.checks}
    total = sum(part.points for part in (*source.checks, *source.prose))
    if "\nSTUDENT = " not in source.setup:
        yield "its setup cell has no line that begins with STUDENT ="
    if total != source.points:
        yield f"its parts have {total} points, its metadata says {source.points}"
    lines = [tidy(part.line) for part in (*source.tasks, *source.prose)]
    for line in {line for line in lines if lines.count(line) > 1}:
        yield f"two cells begin with the line {line!r}"
    for part in (*source.tasks, *source.prose):
        if without_solution(part.text) == part.text:
            yield f"{part.id} has no solution between markers"
    for check in source.checks:
        for name in {check.task, *check.needs} - tasks:
            yield f"{check.id} names the task {name!r}, which is not there"
        if "def observe(" not in check.observe:
            yield f"{check.id} has no `observe` between the markers of hidden tests"
    for mistake in source.mistakes:
        if mistake.task not in tasks or set(mistake.points) - parts:
            yield f"the mistake {mistake.name!r} names a task or a part that is not there"
        elif source.task(mistake.task).solution.count(mistake.old) != 1:
            yield f"the mistake {mistake.name!r}: its old text must occur once in the solution"


def _results(cells: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What the lines `RESULTS {...}` of the stored outputs say, later ones over earlier ones."""
    found: dict[str, Any] = {}
    for cell in cells:
        for output in cell.get("outputs", ()):
            for line in "".join(output.get("text", ())).splitlines():
                if line.startswith("RESULTS "):
                    found |= json.loads(line.removeprefix("RESULTS "))
    return found


def text(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"])


def grade_id(cell: Mapping[str, Any]) -> str:
    """The cell's name in nbgrader's metadata; empty for an ordinary cell."""
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def first_line(text: str) -> str:
    return text.lstrip().partition("\n")[0].strip()


def tidy(text: str) -> str:
    """A text without the blanks at the ends of its lines, which editors add and take away."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def without_markers(text: str) -> str:
    """The text with its solution and without the two lines that mark it."""
    return "\n".join(line for line in text.split("\n") if not _marks(line, SOLUTION))


def without_solution(text: str, stub: tuple[str, ...] = CODE_STUB) -> str:
    """The text with a stub for each marked solution, indented like its first marker."""
    kept: list[str] = []
    for line, inside, first in _lines(text, SOLUTION):
        if first:
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + one for one in stub]
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def without_hidden_tests(text: str) -> str:
    """The text of a test cell as students see it."""
    kept = [line for line, inside, _ in _lines(text, HIDDEN) if not inside]
    return "\n".join(kept).rstrip()


def hidden_tests(text: str) -> str:
    """What stands between the markers of hidden tests."""
    marked = [line for line, inside, _ in _lines(text, HIDDEN) if inside]
    return "\n".join(line for line in marked if not _marks(line, HIDDEN))


def _marks(line: str, what: str) -> bool:
    return line.strip() in (f"### BEGIN {what}", f"### END {what}")


def _lines(text: str, what: str) -> Iterable[tuple[str, bool, bool]]:
    """Each line, whether it lies between markers (themselves included), whether it begins them."""
    inside = False
    for line in text.split("\n"):
        first, last = line.strip() == f"### BEGIN {what}", line.strip() == f"### END {what}"
        if first == inside and (first or last):
            raise SourceError(f"a marker `{line.strip()}` stands alone")
        inside = inside or first
        yield line, inside, first
        inside = inside and not last
    if inside:
        raise SourceError(f"`### BEGIN {what}` has no end")
