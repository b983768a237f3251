"""Writes what is handed out: students' and instructor's notebooks, archives, a tree for nbgrader.

    make assignments

Nothing is written where a source's solution does not get full marks, or a stub passes a check.
"""

import argparse
import shutil
import sys
from pathlib import Path

import nbformat

from tools import addresses
from tools.environment import ROOT
from tools.packing import pack
from tools.stamping import archive

from ..source import FOLDER, Source, SourceError, names, read
from . import concepts
from . import writing as editions
from .writing import NOWHERE, Address

OUT = ROOT / "_build" / "assignments"
ORAL = FOLDER / "oral.md"  # questions with model answers
CONFIGURATION = """\
import os

# The runs of assignment 3 train for minutes, and nbgrader's own limit is half a minute a cell. It
# takes all that a test writes to stderr for a failure, and a library's warning is none.
os.environ["PYTHONWARNINGS"] = "ignore"
c = get_config()
c.CourseDirectory.course_id = "residual-networks"
c.ExecutePreprocessor.timeout = 1800
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\\nraise NotImplementedError()"}
"""
README = """\
{title}

Open {name}.ipynb in Jupyter, in an editor that runs notebooks, or in Colab (File, Upload notebook).
It needs Python 3.10 or later and the module `resnet` of the book Residual networks by experiment;
its first cell {how}.

Write your student id into the setup cell. Solve the tasks where it says YOUR CODE HERE or YOUR
ANSWER HERE. Keep the first line of each cell: it tells which task the cell answers. Run all cells
from top to bottom, save, and hand in the notebook.

Text: CC BY 4.0, see LICENSE-TEXT. Code: MIT, see LICENSE.
"""


class BuildError(ValueError):
    """What must not be handed out; the sentence says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="*", help="which assignments (default: all)")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder to write")
    parser.add_argument("--sources", type=Path, default=FOLDER, help="the folder of the sources")
    parser.add_argument("--key", default="", help="random inputs of the hidden tests for nbgrader")
    parser.add_argument(
        "--container", metavar="PROGRAM", help="try solutions in a container of docker or podman"
    )
    parser.add_argument(
        "--students-only", action="store_true", help="what students get, nothing tried: to publish"
    )
    parser.add_argument(
        "--address",
        nargs=3,
        metavar=("REPOSITORY", "MODULE", "SITE"),
        help="where the book is online, what pip installs, its pages (from _config.yml)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Builds and prints where everything is; exit status 1 with one sentence where it refuses."""
    try:
        where = Address(*arguments.address) if arguments.address else address()
        chosen = arguments.name or names(arguments.sources)
        sources = [read(name, arguments.sources) for name in chosen]
        if not sources:
            raise BuildError(f"{arguments.sources} holds no assignment")
        if arguments.students_only:
            for source in sources:
                students(source, arguments.out, arguments.sources, where)
            return 0
        for source in sources:
            print(f"{source.name}: solutions and stubs are tried ...", flush=True)
            prove(source, arguments.sources, arguments.container)
        build(sources, arguments.out, arguments.sources, arguments.key, where)
    except (BuildError, SourceError) as error:
        print(f"assignments: {error}", file=sys.stderr)
        return 1
    print("\n".join(str(path) for path in sorted(arguments.out.iterdir())))
    return 0


def prove(source: Source, folder: Path = FOLDER, container: str | None = None) -> None:
    """Raises BuildError with the first thing that is wrong with a source."""
    from . import proving  # it needs torch, which writing the editions does not

    notebook = _notebook(source, folder)
    for problem in proving.problems(notebook, source):
        raise BuildError(problem)
    for problem in proving.grading_problems(notebook, source, container):
        raise BuildError(problem)


def build(
    sources: list[Source],
    out: Path = OUT,
    folder: Path = FOLDER,
    key: str = "",
    address: Address = NOWHERE,
) -> None:
    """Writes all editions of `sources` and the concept questions into `out`.

    What else lies there stays: a course may be kept in its folder for nbgrader.
    """
    for source in sources:
        students(source, out / "student", folder, address)
        notebook = _notebook(source, folder)
        _write(editions.instructor(notebook, source), out / "instructor" / f"{source.name}.ipynb")
        target = out / "nbgrader" / "source" / source.name / f"{source.name}.ipynb"
        _write(editions.for_nbgrader(notebook, source, key, address), target)
    (out / "nbgrader" / "nbgrader_config.py").write_text(CONFIGURATION, encoding="utf-8")
    shutil.copyfile(ORAL, out / "instructor" / ORAL.name)
    concepts.export(out / "concepts")


def students(source: Source, out: Path, folder: Path = FOLDER, address: Address = NOWHERE) -> None:
    """Writes what students get: the notebook, and an archive of it for a learning platform."""
    notebook = editions.student(_notebook(source, folder), source, address)
    path = _write(notebook, out / f"{source.name}.ipynb")
    how = "installs it where it is missing" if address.module else "says how to install it"
    readme = README.format(title=source.title, name=source.name, how=how)
    files = {
        path.name: path.read_bytes(),
        "README.txt": readme.encode(),
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
        "LICENSE-TEXT": (ROOT / "LICENSE-TEXT").read_bytes(),
    }
    named = {f"{source.name}/{file}": content for file, content in files.items()}
    pack(named, out / f"{source.name}.zip")


def address() -> Address:
    """From the repository that `_config.yml` names, or a workflow knows; the commit at hand."""
    repository = addresses.named_repository()
    if not repository:
        return NOWHERE
    module = archive(repository, addresses.head())
    return Address(repository, module, addresses.pages_address(repository))


def _notebook(source: Source, folder: Path) -> nbformat.NotebookNode:
    return nbformat.read(folder / f"{source.name}.ipynb", as_version=4)


def _write(notebook: nbformat.NotebookNode, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    return path
