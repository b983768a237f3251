"""Link each term of the glossary where a section first uses it, or for frequent ones a page."""

import re
from collections import defaultdict

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

from extensions.running_text import around, put_links, running_text

# Words that the text also uses as everybody does, and that everybody knows.
EVERYDAY = {"depth", "growing", "head", "step", "weights", "width"}
# Words that are in nearly every section: the first use on a page is enough.
FREQUENT = {
    "batch",
    "batch norm",
    "channel",
    "epoch",
    "gradient",
    "learning rate",
    "multiply-add",
    "projection",
    "relu",
    "seed",
    "shortcut",
    "stage",
    "training error",
}


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
    seen: dict[nodes.Node, set[str]] = defaultdict(set)
    for text in list(running_text(doctree)):
        part, links = part_of(text), []
        for use in uses.finditer(text.astext()):
            term = use[1].lower()
            known = seen[doctree if term in FREQUENT else part]
            if term not in known | EVERYDAY:
                known.add(term)
                words = nodes.inline(use[0], use[0], classes=["term"])
                link = make_refnode(app.builder, page, *places[term], words)
                links.append((use.start(), use.end(), link))
        put_links(text, links)


def part_of(text: nodes.Text) -> nodes.Node:
    """The section below the page's title that holds a text, or else the page."""
    sections = [each for each in around(text) if isinstance(each, nodes.section)]
    return sections[-2:][0] if sections else text.document


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-resolved", link_terms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
