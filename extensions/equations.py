r"""Formulas are places: text that names one by the number of its \tag is a link to it."""

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from extensions.running_text import put_links, running_text

TAG = re.compile(r"\\tag\{([\d.]+)\}")
# “equation (1.2)”, “equation 1.2”, the second of “equations 1.2 and 1.3”, or “(1.2)” alone.
NAMED = re.compile(
    r"\b[Ee]quations?\s\(?(\d+\.\d+)\)?|(?<=quations \d\.\d and )(\d\.\d)\b|\((\d+\.\d+)\)"
)


def place_of(number: str) -> str:
    return nodes.make_id(f"equation-{number}")


def name_formulas(app: Sphinx, doctree: nodes.document) -> None:
    """Make a place of each formula with a number, which links in the source may name as well."""
    standard = app.env.get_domain("std")
    for formula in doctree.findall(nodes.math_block):
        if tag := TAG.search(formula.astext()):
            formula["ids"].append(place_of(tag[1]))
            standard.note_hyperlink_target(place_of(tag[1]), app.env.docname, place_of(tag[1]))


def link_equations(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Turn each number of a formula in running text into a link to the formula."""
    for text in list(running_text(doctree)):
        put_links(text, list(links(app, page, text)))


def links(app: Sphinx, page: str, text: nodes.Text) -> Iterator[tuple[int, int, nodes.Node]]:
    """The links of a text with their places; a formula that is missing is a warning."""
    known = app.env.get_domain("std").anonlabels
    for use in NAMED.finditer(text.astext()):
        number = use[1] or use[2] or use[3]
        if target := known.get(place_of(number)):
            words = nodes.inline(use[0], use[0], classes=["equation"])
            yield use.start(), use.end(), make_refnode(app.builder, page, *target, words)
        elif not use[3]:  # a number alone in parentheses may be anything
            logging.getLogger(__name__).warning(
                "there is no equation with the tag %s", number, location=page
            )


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", name_formulas)
    app.connect("doctree-resolved", link_equations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
