"""What searches and shared links learn of a page, with and without an address of the site."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.built_book import chapters, html_folder, pages, read, rendered
from tests.support.small_book import render

pytestmark = pytest.mark.slow  # renders pages
TEXT = "# A title\n\nWhat *is* it? See [there](two.md) & more.\n"
CHAPTER = """---
orphan: true
---

# A chapter

First.

## The answer in sixty words

It is $F(X) = 0$, 1 < 2.
"""


def meta(path: Path) -> dict[str, str]:
    """The meta elements of a page by name or property."""
    return {
        each.get("name") or each.get("property", ""): each.get("content", "")
        for each in read(path).select("meta")
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Renders two small pages with the extension alone, at an address or without one, once."""

    @functools.cache
    def rendered_at(base: str) -> Path:
        settings = "myst_enable_extensions = ['dollarmath']\nhtml_title = 'The book'\n"
        settings += f"html_baseurl = {base!r}\n"
        folder = tmp_path_factory.mktemp("site")
        pages = {"index.md": TEXT, "two.md": CHAPTER}
        return render(folder, pages, "extensions.page_head", settings)

    return rendered_at


def test_a_page_says_what_it_holds(site) -> None:
    said = meta(site("") / "index.html")
    assert said["description"] == said["og:description"] == "What is it? See there & more."
    assert (said["og:title"], said["og:site_name"]) == ("A title", "The book")
    assert meta(site("") / "two.html")["description"] == "It is F(X) = 0, 1 < 2."


def test_nothing_is_said_of_an_address_that_is_not_known(site) -> None:
    out = site("")
    assert not {"og:url", "og:image"} & set(meta(out / "index.html"))
    assert not (out / "sitemap.xml").exists()


def test_with_an_address_pages_picture_and_map_have_it(site) -> None:
    out = site("https://example.org/book/")
    said = meta(out / "two.html")
    assert said["og:url"] == "https://example.org/book/two.html"
    assert said["og:image"] == "https://example.org/book/_static/opening.png"
    assert (
        'rel="canonical" href="https://example.org/book/two.html"' in (out / "two.html").read_text()
    )
    listed = re.findall("<loc>(.*?)</loc>", (out / "sitemap.xml").read_text())
    assert listed == [f"https://example.org/book/{name}.html" for name in ("index", "two")]


@pytest.mark.parametrize("page", pages())
def test_each_page_of_the_book_has_a_description_of_its_own(page: str) -> None:
    said = {name: meta(html_folder() / f"{name}.html")["description"] for name in pages()}
    words = said.pop(page)
    assert words not in said.values() and 8 <= len(words.split()) <= 75
    assert not re.search(r"[\\_^{}$]", words), "no TeX"
    if page in chapters():
        assert words.split(". ")[0][:40] in rendered(page).body.get_text()
