"""Fold what a chapter sets up into one line of its page, and put its opening picture in front."""

from docutils import nodes
from sphinx.application import Sphinx

TAG, OPENING = "tag_set-up", "tag_opening"
HANDLE = "Show the set-up", "Hide the set-up"
FIRST_WORDS = 2  # paragraphs that ask the question


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


def open_with_picture(app: Sphinx, doctree: nodes.document) -> None:
    """Move the picture to the words that it shows, and leave its code to the notebook."""
    for cell in doctree.findall(nodes.container):
        if OPENING in cell["classes"]:
            section = cell.parent
            section.remove(cell)
            words = [part for part in section if isinstance(part, nodes.paragraph)][:FIRST_WORDS]
            section.insert(section.index(words[-1]) + 1, cell)
            code = [part for part in cell if part.get("nb_element") == "cell_code_source"]
            cell.remove(*code)
            cell["hide_mode"] = ""
            return


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", fold)
    app.connect("doctree-read", open_with_picture)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
