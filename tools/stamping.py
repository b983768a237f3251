"""Copies of the notebooks for other places: they install the module, and predictions are open."""

import copy
import posixpath
import re

import nbformat

DRAWING = "image/svg+xml"
PAGE_LINK = re.compile(r"\]\(([\w./]+)\.(?:ipynb|md)(#[\w-]+)?\)")

SETUP = """\
#@title Install the book's module
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

try:
    version("resnet-by-experiment")
except PackageNotFoundError:  # torch and what else is installed stays as it is
    address = "{address}"
    install = [sys.executable, "-m", "pip", "install", "--quiet", address]
    if subprocess.run(install).returncode:
        raise ModuleNotFoundError(
            "The book's module could not be installed; what pip says stands above. Without a "
            "network, run `pip install .` in a copy of the repository, and start here again."
        ) from None
"""


class NoSetupError(ValueError):
    """A notebook whose first code cell is not the one that looks for the module."""


def archive(repository: str, commit: str) -> str:
    """Where pip finds the module as of a commit, without git."""
    return f"{repository}/archive/{commit}.zip"


def stamp(
    notebook: nbformat.NotebookNode, address: str | None, site: str | None = None
) -> nbformat.NotebookNode:
    """A copy whose setup cell installs from `address`, and whose folded outputs are not there yet.

    Without an address the setup cell goes on to say what to install. Links to other pages lead to
    `site`, since a copy stands alone. The page folds what follows a prediction; Colab cannot, so
    the copy waits for the reader to run the cell. Raises NoSetupError where the first code cell is
    another one.
    """
    stamped = copy.deepcopy(notebook)
    code = [cell for cell in stamped.cells if cell.cell_type == "code"]
    if not code or 'version("resnet-by-experiment")' not in code[0].source:
        raise NoSetupError("the first code cell does not look for the module")
    if address:
        code[0].source = SETUP.format(address=address).rstrip()
    for cell in stamped.cells if site else []:
        if cell.cell_type == "markdown":
            cell.source = PAGE_LINK.sub(lambda link: f"]({on_site(link, site)})", cell.source)
    for cell in code:
        if {"hide-output", "hide-cell"} & set(cell.metadata.get("tags", [])):
            cell.outputs, cell.execution_count = [], None
        for output in cell.outputs:
            output.get("data", {}).pop(DRAWING, None)  # the page has it; here it would be weight
    return stamped


def on_site(link: re.Match, site: str) -> str:
    """The address of the page that a chapter's link names by its source."""
    page = posixpath.normpath(posixpath.join("chapters", link[1]))
    return f"{site}{page}.html{link[2] or ''}"
