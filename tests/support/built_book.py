"""The book as rendered, built once for all tests that read it."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import yaml

from tools.book import build

ROOT = Path(__file__).resolve().parents[2]
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


@functools.cache
def html_folder() -> Path:
    """Build every page into a fresh folder, with warnings as errors, and return the site."""
    folder = tempfile.mkdtemp(prefix="book-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(Path(folder), everything=True)


@functools.cache
def chapters() -> tuple[str, ...]:
    """Names of the numbered chapters, in order, without suffix."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    numbered = [part for part in parts if part.get("numbered")]
    return tuple(chapter["file"] for part in numbered for chapter in part["chapters"])


@functools.cache
def pages() -> tuple[str, ...]:
    """Names of all pages of the table of contents, in order, without suffix."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    return (contents["root"], *listed)


@dataclass
class Element:
    """An element of a page: its tag, attributes, and all text within it."""

    tag: str
    attributes: dict[str, str]
    within: tuple[Element, ...] = ()
    text: str = ""

    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()


@dataclass
class Page(HTMLParser):
    """A page taken apart: its elements in order, each knowing what it stands in."""

    path: Path
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[Element] = []
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        element = Element(tag, attributes, tuple(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in [element.tag for element in self.open]:
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, tag: str, of_class: str | None = None) -> list[Element]:
        """Elements of that tag, and of that class if one is given."""
        return [
            element
            for element in self.elements
            if element.tag == tag and (of_class is None or of_class in element.classes())
        ]

    def anchors(self) -> set[str]:
        """Everything a link may point to within the page."""
        names = {element.attributes.get("id", "") for element in self.elements}
        return (names | {link.attributes.get("name", "") for link in self.all("a")}) - {""}


@functools.cache
def read(path: Path) -> Page:
    """Take apart a rendered page, once."""
    return Page(path)
