"""Show the one figure of a chapter again where its answer names it."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

WORDS = "In one figure:"


def show_again(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the figure's picture under a paragraph that begins with the words, as a link to it."""
    if app.builder.format != "html":  # a check of links sees no pictures
        return
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if not paragraph.astext().startswith(WORDS):
            continue
        name = paragraph.next_node(nodes.reference)["refid"]
        figure = next(each for each in doctree.findall(nodes.figure) if name in each["ids"])
        picture = figure.next_node(nodes.image).deepcopy()
        picture["classes"] = ["closing-figure"]
        around = nodes.paragraph("", "", nodes.reference("", "", picture, refid=name))
        paragraph.parent.insert(paragraph.parent.index(paragraph) + 1, around)


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-resolved", show_again)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
