"""The index that the search page asks: each section, term and name by itself, without code."""

import asyncio
import logging
from collections.abc import Iterator
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from pagefind.index import PagefindIndex
from sphinx.application import Sphinx

from extensions.formula_words import in_words

HEADINGS = ["h1", "h2", "h3", "h4"]
# The answers to a prediction, too: an excerpt would give the right one away.
LEFT_OUT = (
    ".cell_input, .cell_output pre, .headerlink, .toctree-wrapper, .cited-in, div.math, script,"
    "style, svg, .gate > details"
)
# Pages that only list, and those for instructors, come after those that explain.
WEIGHTS = {
    "chapters/api": 0.3,
    "chapters/bibliography": 0.3,
    "chapters/claims": 0.4,
    "chapters/how_it_is_built": 0.2,
    "chapters/misconceptions": 0.8,
    "chapters/teaching": 0.3,
}
# Of the words of a heading; of a page's name, a term of the glossary, a name of the module.
HEADING, NAME = 8, 10
PART = """<html lang="en"><body data-pagefind-weight="{weight}">
<h1 data-pagefind-weight="{title_weight}">{title}</h1>
<p data-pagefind-ignore data-pagefind-meta="page">{page}</p>
{text}
</body></html>"""


def parts(page: str, html: str) -> Iterator[tuple[str, str]]:
    """The address and text of whatever can be found by itself on a page."""
    soup = BeautifulSoup(html, "html.parser")
    article = soup.select_one("article.bd-article")
    if article is None:
        return
    for each in article.select(LEFT_OUT):
        each.decompose()
    for formula in article.select("span.math"):
        formula.string = in_words(formula.get_text()[2:-2])  # without \\( and \\)
    title, weight = words_of(article.find("h1")), WEIGHTS.get(page, 1)

    def part(place: str, name: str, text: str, title_weight: float) -> tuple[str, str]:
        words = {"title": escape(name), "page": escape(title), "text": escape(text)}
        html = PART.format(**words, weight=weight, title_weight=title_weight * weight)
        return f"{page}.html#{place}", html

    for entry in reversed(article.select("dt[id]")):  # the innermost first
        described = entry.find_next_sibling("dd")
        yield part(entry["id"], name_of(entry), words_of(described), NAME)
        entry.decompose()
        if described is not None:
            described.decompose()
    for section in reversed(article.select("section[id]")):
        heading = section.find(HEADINGS, recursive=False).extract()
        is_exercise = section["id"].startswith("exercise-")
        weight_of_title = NAME if heading.name == "h1" else 1 if is_exercise else HEADING
        yield part(section["id"], words_of(heading), words_of(section), weight_of_title)
        section.decompose()


def name_of(entry: Tag) -> str:
    """A term of the glossary, or a name of the module without its signature."""
    return words_of(entry.select_one(".descname") or entry)


def words_of(tag: Tag | None) -> str:
    return " ".join(tag.get_text(" ").split()) if tag is not None else ""


async def write(site: Path, pages: dict[str, str]) -> None:
    """Puts the index of `pages`, as texts by their names, into the site's folder `pagefind`."""
    place = str(site / "pagefind")  # where the index is written as the context ends
    async with PagefindIndex({"include_characters": "_", "output_path": place}) as index:
        for page, html in sorted(pages.items()):
            for address, text in parts(page, html):
                await index.add_html_file(content=text, url=address)


def build_index(app: Sphinx, error: Exception | None) -> None:
    """Indexes the pages that the table of contents leads to."""
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    paths = {page: site / f"{page}.html" for page in app.env.found_docs}
    pages = {page: path.read_text("utf-8") for page, path in paths.items() if path.exists()}
    logging.getLogger("pagefind").setLevel(logging.WARNING)
    asyncio.run(write(site, pages))


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("build-finished", build_index)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
