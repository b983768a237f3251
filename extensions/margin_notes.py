"""Mark asides, which a wide screen sets into the free third beside the text.

An aside is a sentence of a paragraph in brackets of its own. So it reads in a notebook, on a phone
and on paper; `_static/margin_notes.css` moves it.
"""

import re

from sphinx.application import Sphinx

PARAGRAPH = re.compile(r"<p>.*?</p>", re.DOTALL)
ASIDE = re.compile(r"(?<=[.?!:]\s)\(([A-Z“].*?[.?!])\)", re.DOTALL)
MARKED = r'<span class="aside" role="note"><span>(</span>\1<span>)</span></span>'


def mark(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Put each aside into an element of class `aside`, and its brackets into one each."""
    context["body"] = PARAGRAPH.sub(in_paragraph, context.get("body", ""))


def in_paragraph(paragraph: re.Match) -> str:
    return ASIDE.sub(MARKED, paragraph[0])


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", mark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
