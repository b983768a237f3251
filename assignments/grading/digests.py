"""What a score comes from, as one digest: a stored result holds as long as that is the same.

Code counts by what it does, as Python's syntax tree without comments, docstrings and layout; all
other texts in it count, a message to a student too, since an expression or a test may read any.
Of an assignment its checks, solutions, points and mistakes count. What a stored result can be given
anew does not: titles, and the sentences of mistakes. Nor does what only people read.
"""

import ast
import hashlib
import json
import platform
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from .. import source as sources
from ..source import Check, Mistake, Source, tidy

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT.parent / "resnet"
PACKAGES = ("torch", "numpy")
# Code that reads its own text: there comments and docstrings count.
READS_ITSELF = re.compile(r"__doc__|\binspect\b|getsource|linecache|co_firstlineno")

BEFORE = "chooses what is graded, which is in the digest itself"
AFTER = "works on scores that are there"
MAKES = "makes the assignments, whose files are in the digest"
LEFT_OUT = {  # rooms and files of the course
    "__main__.py": BEFORE,
    "grade.py": BEFORE,
    "grading/progress.py": BEFORE,
    "editions": MAKES,
    "gradebooks": AFTER,
    "handed_in/twins.py": AFTER,
    "marking": AFTER,
    "pages.py": AFTER,
    "reports": AFTER,
    "tables.py": AFTER,
}


def of_grader(source: Path, key: str) -> str:
    """The digest of the assignment, the grader, the package, the versions and the course's key."""
    versions = [platform.python_version(), *map(metadata.version, PACKAGES)]
    code = (meaning(path.read_text("utf-8")) for path in covered())
    data = (hashlib.sha256(path.read_bytes()).hexdigest() for path in stored_data())
    return digest(key, *versions, of_source(source), *map(digest, code), *data)


def covered() -> list[Path]:
    """The modules of the grader that a score comes from, and all of the package."""
    left_out = {ROOT / name for name in LEFT_OUT}
    own = (path for path in ROOT.rglob("*.py") if not left_out & {path, *path.parents})
    return [*sorted(own), *sorted(PACKAGE.rglob("*.py"))]


def stored_data() -> list[Path]:
    """What comes with the package, save the results of the book, which no assignment reads."""
    assets = PACKAGE / "assets"
    return sorted(path for path in assets.rglob("*")
                  if path.is_file() and assets / "results" not in path.parents)  # fmt: skip


def of_source(path: Path) -> str:
    """The digest of all in an assignment that decides what a notebook is given."""
    source = sources.read(path)
    cells = json.loads(path.read_text("utf-8"))["cells"]
    plain = [tidy(sources.text(cell)) for cell in cells
             if cell["cell_type"] == "code" and not sources.grade_id(cell)]  # fmt: skip
    tasks = [(task.id, tidy(task.line), meaning(task.solution)) for task in source.tasks]
    prose = [(part.id, tidy(part.line), part.points) for part in source.prose]
    parts = [*map(_check, source.checks), *(_mistake(one, source) for one in source.mistakes)]
    about = (source.name, source.order, meaning(source.setup), tasks, prose, parts, plain)
    return digest(repr(about))


def _check(check: Check) -> tuple:
    how = check.seconds, check.results, check.held
    return check.id, check.task, check.points, meaning(check.observe), check.needs, how


def _mistake(one: Mistake, source: Source) -> tuple:
    mistaken = source.task(one.task).solution.replace(one.old, one.new)
    return one.task, one.name, meaning(mistaken), sorted(one.points.items())


def meaning(code: str) -> str:
    """What a text of Python does; the text itself where it is none, or reads itself."""
    if READS_ITSELF.search(code):
        return code
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return code
    for node in ast.walk(tree):
        kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def digest(*texts: str) -> str:
    """One digest of several texts."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def sentences(source: Source) -> dict[str, str]:
    """What a stored result is given anew: titles by part, and sentences by known mistake."""
    parts: Iterable = (*source.checks, *source.prose)
    return {part.id: part.title for part in parts} | {
        f"mistake: {one.name}": one.sentence for one in source.mistakes
    }
