"""Set each drawing into its page: in the page's colours, and no letter too small to be read."""

import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

SMALLEST = 9  # CSS pixels of a letter, on any screen
PHONE = 328  # CSS pixels that the narrowest screen leaves for a drawing
LARGEST = 1.12  # times the size as drawn: what fits a phone then fills a line of text
# What the colours of `resnet/assets/book.mplstyle` are called in `_static/drawings.css`.
COLOURS = {
    "#ffffff": "ground",
    "#1f2933": "ink",
    "#d5dbe1": "rule",
    "#175f9e": "residual",
    "#c2530a": "plain",
    "#1f7358": "grown",
    "#66727e": "reference",
    "#dbe8f3": "pale-residual",
    "#fbe5d6": "pale-plain",
    "#d8ece4": "pale-grown",
    "#eef1f4": "pale-neutral",
}
COLOUR = re.compile(r"#[0-9a-f]{6}\b")
POINTER = re.compile(r"^(#|url\(#)")
FONT_SIZE = re.compile(r"font-size: ([\d.]+)px")

ElementTree.register_namespace("", "http://www.w3.org/2000/svg")


def inline(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the SVG itself where the page would only point to it."""
    if app.builder.format != "html":
        return
    for picture in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir, picture["uri"])
        if path.suffix == ".svg":
            try:
                drawing = in_page(path.read_text(encoding="utf-8"), picture.get("alt", ""))
            except ValueError as error:
                raise ExtensionError(f"{page}: {error}") from None
            picture.replace_self(nodes.raw("", drawing, format="html"))


def in_page(svg: str, alt: str) -> str:
    """The HTML of a drawing, which shrinks with the screen as far as its smallest letters allow.

    Then it scrolls sideways. ValueError as `coloured`.
    """
    root = coloured(svg)
    width = float(root.get("viewBox").split()[2])
    least = SMALLEST * width / min(map(float, FONT_SIZE.findall(svg)), default=SMALLEST)
    sizes = f"min-width: {least:.0f}px; max-width: {LARGEST * width * 96 / 72:.0f}px"
    root.set("style", f"{root.get('style')}; {sizes}")
    root.attrib |= {"role": "img", "aria-label": alt}
    by_key = ' tabindex="0"' if least > PHONE else ""
    return f'<div class="drawing"{by_key}>{ElementTree.tostring(root, encoding="unicode")}</div>'


def coloured(svg: str) -> ElementTree.Element:
    """A drawing in the page's colours; ValueError for one without a name, and so none in the dark.

    Its parts have names that no other drawing of the page has.
    """
    root = ElementTree.fromstring(svg)
    root.remove(root[0])  # the opaque ground, which it needs everywhere else
    name_apart(root, "d" + hashlib.sha256(svg.encode()).hexdigest()[:8])
    for element in root.iter():
        if "style" in element.attrib:
            element.set("style", COLOUR.sub(in_words, element.get("style")))
    return root


def name_apart(root: ElementTree.Element, prefix: str) -> None:
    """Give the parts names that no other drawing of the page has."""
    for element in root.iter():
        if "id" in element.attrib:
            element.set("id", f"{prefix}-{element.get('id')}")
        for key in ("href", "clip-path"):
            if key in element.attrib:
                element.set(key, POINTER.sub(rf"\g<1>{prefix}-", element.get(key)))
        if "url(#" in element.get("style", ""):
            element.set("style", element.get("style").replace("url(#", f"url(#{prefix}-"))


def in_words(colour: re.Match) -> str:
    if colour[0] not in COLOURS:
        raise ValueError(
            f"the colour {colour[0]} of a drawing has no name in extensions/drawings.py"
        )
    return f"var(--drawn-{COLOURS[colour[0]]})"


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-resolved", inline)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
