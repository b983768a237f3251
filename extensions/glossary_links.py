"""Link each term of the glossary where a page first uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

# Words that the text also uses as everybody does, and that everybody knows.
EVERYDAY = ("growing", "head", "step", "width")
# Not where a link would stand in a link, in a name, in code or in what is to be read aloud.
LEFT_ALONE = (
    nodes.reference,
    nodes.literal,
    nodes.title,
    nodes.caption,
    nodes.strong,
    nodes.math,
    nodes.citation,
)


def link_terms(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Turn the first use of each term, singular or plural, into a link to its definition."""
    places = {
        name.lower(): place
        for (kind, name), place in app.env.get_domain("std").objects.items()
        if kind == "term" and place[0] != page
    }
    if not places:
        return
    longest_first = sorted(map(re.escape, places), key=len, reverse=True)
    uses = re.compile(rf"(?<![\w-])({'|'.join(longest_first)})(?:e?s)?(?![\w-])", re.IGNORECASE)
    seen = set(EVERYDAY)
    for text in list(running_text(doctree)):
        pieces, end = [], 0
        for use in uses.finditer(text.astext()):
            if (term := use[1].lower()) not in seen:
                seen.add(term)
                words = nodes.inline(use[0], use[0], classes=["term"])
                link = make_refnode(app.builder, page, *places[term], words)
                pieces += [nodes.Text(text.astext()[end : use.start()]), link]
                end = use.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(text.astext()[end:])])


def running_text(doctree: nodes.document) -> Iterator[nodes.Text]:
    """The text of paragraphs, but for what is left alone."""
    for paragraph in doctree.findall(nodes.paragraph):
        for text in paragraph.findall(nodes.Text):
            around, node = [], text.parent
            while node is not None:
                around.append(node)
                node = node.parent
            if not any(isinstance(each, LEFT_ALONE) for each in around):
                yield text


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-resolved", link_terms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
