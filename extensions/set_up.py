"""Fold what a chapter sets up, all cells tagged `set-up`, into one line of the page."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

TAG = "tag_set-up"
HANDLE = "Show the set-up", "Hide the set-up"


def fold(app: Sphinx, doctree: nodes.document) -> None:
    """Put the cells into one, which folds as a solution does; each keeps what it prints."""
    cells = [cell for cell in doctree.findall(nodes.container) if TAG in cell["classes"]]
    if not cells:
        return
    around, start = cells[0].parent, cells[0].parent.index(cells[0])
    source = nodes.container("", *cells, nb_element="cell_code_source")
    whole = nodes.container(
        "", source, nb_element="cell_code", classes=["cell", "set-up"], hide_mode="all"
    )
    whole["prompt_show"], whole["prompt_hide"] = HANDLE
    around[start : start + len(cells)] = [whole]


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", fold)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
