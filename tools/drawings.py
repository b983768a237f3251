"""A drawing of Matplotlib as lean SVG: the same picture and words, without what repeats or varies.

Its first element is an opaque white ground, its letters stay text, and equal drawings have equal
bytes. `extensions/drawings.py` gives it the colours of the page.
"""

import re
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
# Verdana is as wide as the first, so words keep to their places where that is missing.
LETTERS = "font-family: 'DejaVu Sans', Verdana, sans-serif; stroke-linejoin: round"
FONT_FAMILY = re.compile(r"font-family: [^;]*(; )?")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
NO_TURN = re.compile(r"rotate\(-0 [^)]*\)")

ElementTree.register_namespace("", SVG.strip("{}"))


def lean(svg: str) -> str:
    """What Matplotlib wrote, with coordinates to a hundredth of a point."""
    root = ElementTree.fromstring(svg)
    for name in ("metadata", "defs"):  # who drew it and when, and a style for the whole page
        root.remove(root.find(SVG + name))
    for element in root.iter():
        _tidy(element)
    root.set("style", LETTERS)
    _unwrap(root)
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(element: ElementTree.Element) -> None:
    element.tail = None
    if element.tag not in (f"{SVG}text", f"{SVG}tspan"):
        element.text = None
    given = {key: " ".join(value.split()) for key, value in element.attrib.items()}
    if link := given.pop(LINK, None):
        given["href"] = link
    if element.tag == f"{SVG}g":
        given.pop("id", None)
    for key in given.keys() - {"style", "href", "id"}:
        given[key] = LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}", given[key])
    if "style" in given:
        given["style"] = FONT_FAMILY.sub("", given["style"]).rstrip("; ")
    if NO_TURN.fullmatch(given.get("transform", "")):
        del given["transform"]
    element.attrib = given


def _unwrap(element: ElementTree.Element) -> list[ElementTree.Element]:
    """The element, or what it holds where it is a group that says nothing."""
    element[:] = [each for part in element for each in _unwrap(part)]
    return list(element) if element.tag == f"{SVG}g" and not element.attrib else [element]
