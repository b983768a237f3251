"""The released assignments in nbgrader itself: its release, autograde and feedback.

nbgrader lives in an environment of its own under `.venvs`, which borrows all else from this one.
Its commands end with status 0 whatever happens, so files and scores are looked at.
"""

import functools
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock

from assignments import source
from assignments.editions import build, proving
from assignments.editions import writing as editions
from assignments.handed_in.answers import with_id
from tests.support.programs import missing
from tools.elsewhere import VENVS
from tools.environment import ROOT, interpreter

pytestmark = pytest.mark.slow
REQUIREMENTS = ROOT / "requirements-nbgrader.txt"
STUDENTS = ("honest", "stub")
# What nbgrader's own server calls, in one process: each command takes seconds to start.
COURSE = """
import json, sys
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import PyFileConfigLoader

names, students = json.loads(sys.argv[1])
config = PyFileConfigLoader("nbgrader_config.py").load_config()
config.CourseDirectory.root = "."
api = NbGraderAPI(CourseDirectory(config=config), config=config)

def say(did):
    if not did["success"]:
        print(did.get("log"), did.get("error"), file=sys.stderr)

for name in names:
    say(api.generate_assignment(name))
    for student in students:
        say(api.autograde(name, student))
    say(api.generate_feedback(name, students[0]))
"""
SCORES = """
import json
from nbgrader.api import Gradebook

found = {}
with Gradebook("sqlite:///gradebook.db") as gradebook:
    for assignment in gradebook.assignments:
        for handed_in in assignment.submissions:
            (notebook,) = handed_in.notebooks
            found.setdefault(assignment.name, {})[handed_in.student.id] = {
                grade.name: [grade.auto_score, grade.max_score] for grade in notebook.grades
            }
print(json.dumps(found))
"""


@functools.cache
def nbgrader() -> Path:
    """The Python of the environment, made if need be; without it the test is skipped, as ever."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = VENVS / f"nbgrader-{digest}"
    VENVS.mkdir(exist_ok=True)
    with FileLock(VENVS / ".nbgrader.lock"):
        if not (folder / "whole").exists():
            made = _make(folder)
            if made.returncode:
                missing(f"nbgrader could not be installed: {made.stderr.strip()[-300:]}")
            (folder / "whole").touch()
    return interpreter(folder)


def _make(folder: Path) -> subprocess.CompletedProcess:
    there = interpreter(folder)
    made = _run([sys.executable, "-m", "venv", "--clear", folder])
    if made.returncode:
        return made
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(_run([there, "-c", ask]).stdout.strip())
    here = sysconfig.get_path("purelib")
    (packages / "borrowed.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    pip = [there, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return _run([*pip, "-r", REQUIREMENTS, "-c", ROOT / "constraints.txt"])


def _run(call: list, folder: Path | None = None, **settings: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, **settings}
    return subprocess.run(call, capture_output=True, text=True, cwd=folder, env=environment)


def in_course(program: str, folder: Path, *arguments: str) -> str:
    """What a program prints that runs there with nbgrader's Python; fails where it fails."""
    python = nbgrader()
    settings = {
        # nbgrader calls `alembic` by that name, and takes its templates' parts from here.
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter"),
        "OMP_NUM_THREADS": "1",
    }
    done = _run([python, "-c", program, *arguments], folder, **settings)
    assert done.returncode == 0, done.stderr[-3000:]
    if done.stderr:
        print(done.stderr[-6000:])
    return done.stdout


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course with all assignments: released, handed in twice, graded, and given back."""
    folder = tmp_path_factory.mktemp("course")
    sources = [source.read(name) for name in source.names()]
    build.build(sources, folder / "built")
    course = folder / "built" / "nbgrader"
    for one in sources:
        notebook = nbformat.read(source.FOLDER / f"{one.name}.ipynb", as_version=4)
        hand_in(course, "honest", one.name, honest(notebook, one))
        released = folder / "built" / "student" / f"{one.name}.ipynb"
        hand_in(course, "stub", one.name, untouched(released, "stub"))
    names = [one.name for one in sources]
    in_course(COURSE, course, json.dumps([names, STUDENTS]))
    return course


def honest(notebook: nbformat.NotebookNode, one: source.Source) -> nbformat.NotebookNode:
    """A right solution. A run that trains for minutes is replaced by what it has printed."""
    solved = editions.solved(notebook, one, proving.student(one))
    for cell in solved.cells:
        if cell.cell_type == "code" and any(is_results(output) for output in cell.outputs):
            cell.source = f"RESULTS = json.loads({json.dumps(json.dumps(one.results))})"
    return solved


def is_results(output: nbformat.NotebookNode) -> bool:
    return any(line.startswith("RESULTS ") for line in output.get("text", "").splitlines())


def untouched(released: Path, student: str) -> nbformat.NotebookNode:
    """The released notebook with nothing but an id in it."""
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        cell.source = with_id(cell.source, student)
    return notebook


def hand_in(course: Path, student: str, name: str, notebook: nbformat.NotebookNode) -> None:
    path = course / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def scores(course: Path) -> dict:
    """Points and possible points by assignment, student and part; None is for a person to mark."""
    return json.loads(in_course(SCORES, course))


@pytest.mark.parametrize("name", source.names())
def test_nbgrader_releases_what_the_build_releases(course: Path, name: str) -> None:
    theirs = nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)
    ours = nbformat.read(course.parent / "student" / f"{name}.ipynb", as_version=4)
    texts = [[cell.source.rstrip() for cell in notebook.cells] for notebook in (theirs, ours)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", source.names())
def test_an_honest_submission_gets_all_points_for_code(scores: dict, name: str) -> None:
    read = source.read(name)
    found = scores[name]["honest"]
    assert {check.id: found[check.id] for check in read.checks} == {
        check.id: [check.points, check.points] for check in read.checks
    }
    assert {one.id: found[one.id] for one in read.prose} == {
        one.id: [None, one.points] for one in read.prose
    }


@pytest.mark.parametrize("name", source.names())
def test_an_untouched_notebook_gets_none(scores: dict, name: str) -> None:
    read = source.read(name)
    assert scores[name]["stub"] == {
        part.id: [0, part.points] for part in (*read.checks, *read.prose)
    }


@pytest.mark.parametrize("name", source.names())
def test_feedback_is_written(course: Path, name: str) -> None:
    page = course / "feedback" / STUDENTS[0] / name / f"{name}.html"
    assert source.read(name).checks[0].title in page.read_text(encoding="utf-8")
