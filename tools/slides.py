"""Makes slides for two lectures from the chapters alone, for a browser without a network."""

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from string import Template

from bs4 import BeautifulSoup, Tag

from .book import BuildError, build
from .deck import Slide, opening, sections, slides_of, spoken
from .elements import element
from .environment import ROOT

TARGET = ROOT / "_build" / "slides"
HERE = Path(__file__).parent
# Of each lecture its chapters, with the first and the last of their sections, by the page's names.
LECTURES = {
    "lecture-1": (("01_degradation", "what-depth-should-do", "the-answer-in-sixty-words"),),
    "lecture-2": (
        ("02_residual_block", "from-the-target-to-the-residual", "deeper-without-a-change"),
        ("03_resnet", "from-the-block-to-the-network", "parameters-to-the-last-one"),
    ),
}
# Colours, and how code looks.
SHEETS = ("book.css", "book_code.css", "drawings.css", "live_figures.css", "pygments.css")
SITE_FILES = (*SHEETS, "mathjax/tex-svg.js")
REVEAL_FILES = ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js")


def main(arguments: list[str]) -> int:
    """Writes `_build/slides`; exit status 1 where a page does not build."""
    try:
        with tempfile.TemporaryDirectory(prefix="slides-") as folder:
            make(build(Path(folder)), TARGET)
    except BuildError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    print(*(TARGET / f"{name}.html" for name in LECTURES), sep="\n")
    return 0


def make(site: Path, target: Path) -> None:
    """Writes one page per lecture, and with them all that they need, from a rendered book."""
    shutil.rmtree(target, ignore_errors=True)
    static = target / "static"
    static.mkdir(parents=True)
    for path in (*(site / "_static" / name for name in SITE_FILES), HERE / "slides.css"):
        shutil.copy(path, static)
    for path in (*(reveal() / name for name in REVEAL_FILES), reveal() / "LICENSE"):
        shutil.copy(path, static)
    page = Template((HERE / "slides.html").read_text(encoding="utf-8"))
    for number, name in enumerate(LECTURES, start=1):
        made = [slide.html() for slide in lecture(site, name)]
        title = f"Lecture {number} of {len(LECTURES)}"
        filled = page.substitute(
            title=title, slides="\n".join(map(str, [cover(site, title), *made]))
        )
        (target / f"{name}.html").write_text(filled, encoding="utf-8")


def lecture(site: Path, name: str) -> list[Slide]:
    """The slides of a lecture, chapter by chapter."""
    made = []
    for chapter, first, last in LECTURES[name]:
        article = read(site / "chapters" / f"{chapter}.html").select_one("article.bd-article")
        made.append(opening(article))
        for section in sections(article, first, last):
            made += slides_of(section)
    return spoken(made)


def cover(site: Path, title: str) -> Tag:
    """The first slide: the book's title, authors and licence, as its pages have them."""
    page = read(site / "intro.html")
    rows = [" ".join(row.get_text().split()) for row in page.select("footer .footer-item")]
    book = page.select_one("article h1").find(string=True)
    rows = [element("p", row, classes="label") for row in rows if row]
    return element("section", element("h1", str(book)), element("p", title), *rows)


def read(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def reveal() -> Path:
    """Where reveal.js lies: a package brings it, of which nothing else is used."""
    (package,) = importlib.util.find_spec("sphinx_revealjs").submodule_search_locations
    return Path(package) / "_static" / "revealjs"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
