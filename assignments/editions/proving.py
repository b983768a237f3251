"""What the build proves of a source: solutions pass, each stub fails, and the grader agrees."""

import contextlib
import io
import os
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import matplotlib
import nbformat
from nbformat import NotebookNode

from ..grading.one import grade_one
from ..grading.reference import SolutionError
from ..handed_in.answers import with_id
from ..handed_in.submissions import Submission
from ..sandbox.kinds import Bare, NoSandboxError, Sandbox, SandboxError, choose
from ..source import Source, grade_id, without_hidden_tests
from . import writing as editions

STUDENT = "ab123"  # any id will do where a source stores no results of one
NOT_GRADED = "not-graded"  # the tag of cells that train, which no check may need


def problems(notebook: NotebookNode, source: Source) -> Iterator[str]:
    """A sentence for each visible check that a solution fails or a stub passes."""
    checks = {check.id for check in source.checks}
    for name, error in outcomes(notebook, source, (), checks).items():
        if error:
            yield f"{source.name}: the solution fails the visible check {name}: {error}"
    for task in source.tasks:
        own = {check.id for check in source.checks if check.task == task.id}
        for name, error in outcomes(notebook, source, (task.id,), own).items():
            if not error:
                yield f"{source.name}: the stub of {task.id} passes the visible check {name}"
    for name, error in outcomes(notebook, source, [t.id for t in source.tasks], checks).items():
        if not error:
            yield f"{source.name}: {name} passes where no task is solved"


def grading_problems(
    notebook: NotebookNode, source: Source, container: str | None = None
) -> Iterator[str]:
    """A sentence for each part in code for which the grader gives the solution less than all."""
    with tempfile.TemporaryDirectory(prefix="proving-") as folder:
        path, who = Path(folder) / f"{source.name}.ipynb", student(source)
        nbformat.write(editions.solved(notebook, source, who), path)
        handed_in = Submission(path, who, who, late=False, file=path.name)
        try:
            result = grade_one(handed_in, source, _sandbox(container), key="")
        except (SolutionError, SandboxError) as error:
            yield f"{source.name}: {error}"
            return
    for part in result.parts:
        if part.kind == "code" and part.points != part.of:
            earned = f"{part.points} of {part.of} for {part.id}"
            yield f"{source.name}: the solution gets {earned}: {part.message or part.status}"


def student(source: Source) -> str:
    """The id for which the source's stored runs were made, since they have its seeds."""
    return source.results.get("student", STUDENT)


def _sandbox(container: str | None) -> Sandbox:
    """The grader's; where a machine has none, a bare child will do for the course's own code."""
    try:
        return choose(container=container)
    except NoSandboxError:
        if container or not hasattr(os, "fork"):
            raise
        return Bare()


def outcomes(
    notebook: NotebookNode, source: Source, stubs: Collection[str], checks: Collection[str]
) -> dict[str, str]:
    """The error of each of these visible checks, empty where it passes; `stubs` are not solved.

    All cells run one after the other in one namespace, as in a student's notebook, without those
    that train. A cell that raises does not stop the later ones.
    """
    matplotlib.use("agg")  # here alone: what this process starts may show its figures
    with matplotlib.rc_context():
        return _outcomes(notebook, source, stubs, checks)


def _outcomes(
    notebook: NotebookNode, source: Source, stubs: Collection[str], checks: Collection[str]
) -> dict[str, str]:
    space: dict = {"__name__": "__main__"}
    found = {}
    for cell in notebook.cells:
        name = grade_id(cell)
        is_check = name in {check.id for check in source.checks}
        if not _runs(cell) or (is_check and name not in checks):
            continue
        error = _error(_text(cell, source, stubs), name, space)
        if is_check:
            found[name] = error
        if name == "setup" and source.results:
            space["RESULTS"] = dict(source.results)
    return found


def _runs(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and NOT_GRADED not in cell.metadata.get("tags", [])


def _text(cell: NotebookNode, source: Source, stubs: Collection[str]) -> str:
    name = grade_id(cell)
    if name == "setup":
        return with_id(cell.source, student(source))
    for task in source.tasks:
        if task.id == name:
            return task.released if name in stubs else task.solution
    return without_hidden_tests(cell.source)


def _error(text: str, name: str, space: dict) -> str:
    """Runs a cell; the exception in one line, or an empty text."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, name or "cell", "exec"), space)
    except Exception as error:  # whatever a stub raises, the check has failed
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""
