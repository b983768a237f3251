"""What is made from a source notebook: the students', the instructor's, and nbgrader's edition."""

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from nbformat import NotebookNode, from_dict, v4

from tools.stamping import stamp

from ..handed_in.answers import with_id
from ..source import (
    TEXT_STUB,
    Source,
    grade_id,
    hidden_tests,
    without_hidden_tests,
    without_markers,
    without_solution,
)
from .comparison import with_comparison
from .notes import note

# As the chapters have it; where the repository has an address, the stamped cell installs.
SETUP = """\
from importlib.metadata import PackageNotFoundError, version

try:
    version("resnet-by-experiment")
except PackageNotFoundError:
    raise ModuleNotFoundError(
        "This assignment needs the book's module: run `pip install .` in a clone of its repository."
    ) from None"""
KEPT = "keep-output"  # the tag of a cell whose stored output students are given
PAGE_LINK = re.compile(r"\[([^\]]*)\]\([\w./]+\.(?:ipynb|md)(?:#[\w-]+)?\)")


@dataclass(frozen=True)
class Address:
    """Where the book is online: its repository, what pip installs, its pages; empty for nowhere."""

    repository: str = ""
    module: str | None = None
    site: str | None = None


NOWHERE = Address()


def student(notebook: NotebookNode, source: Source, address: Address = NOWHERE) -> NotebookNode:
    """What students get: stubs, visible checks, and a cell that looks for the module.

    With an address that cell installs it, and links lead to the book's pages and to Colab.
    """
    edition = _edition(notebook, source, _released, address)
    for cell in edition.cells:
        _cleared(cell)
        _locked(cell)
    return edition


def instructor(notebook: NotebookNode, source: Source) -> NotebookNode:
    """Solutions and hidden tests, behind each task its known mistakes, its rubric behind prose."""
    edition = _edition(notebook, source, lambda cell: cell.source)
    annotated = []
    for cell in edition.cells:
        annotated.append(cell)
        if remarks := note(source, grade_id(cell)):
            annotated.append(_markdown(f"{grade_id(cell)}-note", remarks))
    edition.cells = annotated
    return edition


def for_nbgrader(
    notebook: NotebookNode, source: Source, key: str, address: Address = NOWHERE
) -> NotebookNode:
    """A source for nbgrader: its hidden tests bring the solution along and compare with it."""
    checks = {check.id: check for check in source.checks}

    def text(cell: NotebookNode) -> str:
        check = checks.get(grade_id(cell))
        return with_comparison(check, source, key) if check else cell.source

    edition = _edition(notebook, source, text, address)
    for cell in edition.cells:
        _cleared(cell)
    return edition


def solved(notebook: NotebookNode, source: Source, student_id: str) -> NotebookNode:
    """What a student with that id hands in who has everything right."""
    edition = _edition(notebook, source, lambda cell: without_markers(_visible(cell)))
    for cell in edition.cells:
        if grade_id(cell) == "setup":
            cell.source = with_id(cell.source, student_id)
    return edition


def colab(repository: str, name: str) -> str:
    """Where Colab opens the published notebook; empty for a repository that is not on GitHub."""
    address = urlsplit(repository)
    if address.hostname != "github.com":
        return ""
    path = f"github{address.path}/blob/notebooks/assignments/{name}.ipynb"
    return f"https://colab.research.google.com/{path}"


def _edition(
    notebook: NotebookNode,
    source: Source,
    text: Callable[[NotebookNode], str],
    address: Address = NOWHERE,
) -> NotebookNode:
    """A copy with other texts, the cell that looks for the module first, and bare metadata."""
    edition = copy.deepcopy(notebook)
    for cell in edition.cells:
        cell.source = text(cell)
        cell.metadata.pop("resnet", None)
        if cell.cell_type == "markdown" and not address.site:
            cell.source = PAGE_LINK.sub(r"\1", cell.source)  # no page is where this copy will be
    install = v4.new_code_cell(SETUP, id="install")
    code = [number for number, cell in enumerate(edition.cells) if cell.cell_type == "code"]
    edition.cells.insert(code[0], install)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    edition.metadata = {
        "kernelspec": kernel,
        "language_info": {"name": "python"},
        "resnet_assignment": edition.metadata["resnet_assignment"],
    }
    if link := colab(address.repository, source.name):
        edition.cells.insert(0, _markdown("colab", f"[Open this notebook in Colab]({link})"))
    return stamp(from_dict(edition), address.module, address.site)


def _visible(cell: NotebookNode) -> str:
    return without_hidden_tests(cell.source) if hidden_tests(cell.source) else cell.source


def _released(cell: NotebookNode) -> str:
    if cell.cell_type == "markdown":
        return without_solution(cell.source, TEXT_STUB)
    return without_solution(_visible(cell))


def _cleared(cell: NotebookNode) -> None:
    if cell.cell_type == "code" and KEPT not in cell.metadata.get("tags", []):
        cell.outputs, cell.execution_count = [], None


def _locked(cell: NotebookNode) -> None:
    """Editors then neither delete a graded cell nor change a check, as nbgrader does it."""
    about = cell.metadata.get("nbgrader", {})
    if about.get("grade") or about.get("solution"):
        cell.metadata["deletable"] = False
    if about.get("locked"):
        cell.metadata["editable"] = False


def _markdown(name: str, text: str) -> NotebookNode:
    return v4.new_markdown_cell(text, id=name)
