"""Make cards of the table of chapters on the front page, each with its chapter's opening picture.

The source is plain: a table whose rows begin with a link to a chapter. What a card shows is drawn
in the chapter's notebook.
"""

from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import nbformat
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from extensions.drawings import coloured

COLUMN = "Chapter"  # the head of the first column of the table
OPENING = "opening"  # the tag of a notebook's cell
START = "start"  # the class of what holds the button
SVG = "{http://www.w3.org/2000/svg}"


def deal(app: Sphinx, doctree: nodes.document) -> None:
    """Replace the table of the front page by a list of cards."""
    if app.env.docname != app.config.root_doc:
        return
    for table in list(doctree.findall(nodes.table)):
        heads, *rows = ([entry for entry in row] for row in table.findall(nodes.row))
        if heads[0].astext() == COLUMN:
            names = [head.astext() for head in heads]
            table.replace_self(cards(app, names, rows))


def cards(app: Sphinx, names: list[str], rows: list[list[nodes.entry]]) -> nodes.enumerated_list:
    """One card a row: the picture, the link, the question and what is left with its heads."""
    found = nodes.enumerated_list(classes=["cards"], enumtype="arabic", prefix="", suffix=".")
    for link, question, *times in rows:
        words = [f"{name} {each.astext()}" for name, each in zip(names[2:], times, strict=True)]
        found += nodes.list_item(
            "",
            nodes.raw("", picture(app, notebook_of(app, link)), format="html"),
            nodes.paragraph("", "", *link[0].children, classes=["card-title"]),
            nodes.paragraph("", "", *question[0].children),
            nodes.paragraph("", ", ".join(words).capitalize(), classes=["card-times"]),
        )
    return found


def notebook_of(app: Sphinx, entry: nodes.entry) -> Path:
    """Where the link of a row leads."""
    target = entry.next_node(addnodes.pending_xref)["reftarget"]
    return Path(app.srcdir, target).with_suffix(".ipynb")


def picture(app: Sphinx, notebook: Path) -> str:
    """A chapter's opening picture without its title, which the question of the card replaces."""
    app.env.note_dependency(str(notebook))
    for cell in nbformat.read(notebook, as_version=4).cells:
        if OPENING in cell.metadata.get("tags", []):
            return without_title(cell.outputs[0]["data"]["image/svg+xml"])
    raise ExtensionError(f"{notebook} has no cell with the tag {OPENING!r}: its card needs one")


def without_title(svg: str) -> str:
    """A drawing from where its axes begin downwards; the words of its card say what one sees."""
    root = coloured(svg)
    top = float(root.find(f".//{SVG}clipPath/{SVG}rect").get("y"))
    *_, width, height = map(float, root.get("viewBox").split())
    root.set("viewBox", f"0 {top} {width} {height - top:.2f}")
    for size in ("width", "height"):
        del root.attrib[size]
    root.set("aria-hidden", "true")
    return f'<div class="card-picture">{ElementTree.tostring(root, encoding="unicode")}</div>'


def lead_to_colab(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put a second button beside the first, where the notebooks are published."""
    if page != app.config.root_doc or not app.config.notebook_branch:
        return
    for start in doctree.findall(nodes.container):
        if START in start["classes"]:
            first = start.next_node(nodes.reference)
            address = colab(app, first["refuri"].removesuffix(".html"))
            first.parent += [nodes.Text(" "), nodes.reference("", "Open in Colab", refuri=address)]


def colab(app: Sphinx, page: str) -> str:
    """Where Colab opens the published notebook of a page."""
    options = app.config.html_theme_options
    repository = urlsplit(options["repository_url"]).path.strip("/").removesuffix(".git")
    place = f"{repository}/blob/{app.config.notebook_branch}/{page}.ipynb"
    return f"{options['launch_buttons']['colab_url']}/github/{place}"


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", deal)
    app.connect("doctree-resolved", lead_to_colab)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
