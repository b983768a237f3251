"""On paper: every drawing and every outcome, in the colours of light pages, and no control."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pypdf import PdfReader

from extensions.drawings import COLOURS
from tests.support.built_book import article, chapters, pages
from tests.support.printed_book import printed_book
from tests.support.programs import need_program

pytestmark = pytest.mark.slow
CONTROLS = ("Lock my prediction", "Show all outcomes", "Train two networks", "Show the code")
COLOUR = re.compile(rb"(?:^|\s)(\S+) (\S+) (\S+) (?:rg|RG)\b")
PRINTED = """() => {
  const shown = what => [...document.querySelectorAll(what)].filter(each => each.checkVisibility())
  return {
    controls: shown('button, input, select, .live-figure').map(each => each.outerHTML.slice(0, 80)),
    hidden: document.querySelectorAll('article .drawing').length - shown('article .drawing').length,
    colours: [...new Set([...document.querySelectorAll('article .drawing *')].map(getComputedStyle)
      .flatMap(style => [style.fill, style.stroke]))].sort(),
  }
}"""


@pytest.fixture(scope="module")
def book() -> PdfReader:
    need_program("chromium")
    return PdfReader(printed_book())


@pytest.fixture(scope="module")
def words(book: PdfReader) -> str:
    return squeezed("".join(page.extract_text() for page in book.pages))


def squeezed(text: str) -> str:
    """Letters and figures alone: lines break elsewhere on paper, and words at hyphens."""
    return "".join(re.findall(r"\w", text))


@pytest.mark.parametrize("page", pages())
def test_the_words_of_every_drawing_and_caption_are_printed(page: str, words: str) -> None:
    letters = article(page).select(".drawing text:not(:has(tspan)), .drawing tspan")
    captions = article(page).select("figcaption .caption-text")
    for each in [*letters, *captions]:
        if not each.select(".math"):
            assert squeezed(each.get_text()) in words, each.get_text()


@pytest.mark.parametrize("page", chapters())
def test_every_outcome_is_printed(page: str, words: str) -> None:
    printed = article(page).select(".tag_hide-output .cell_output pre")
    assert printed
    for each in printed:
        assert squeezed(each.get_text()) in words, each.get_text()


def test_what_only_a_screen_can_use_is_not_printed(book: PdfReader, words: str) -> None:
    assert [each for each in CONTROLS if squeezed(each) in words] == []
    assert book.get_fields() is None


def test_the_colours_are_those_of_a_light_page(book: PdfReader) -> None:
    found = {
        tuple(round(255 * float(part)) for part in match.groups())
        for page in book.pages
        for match in COLOUR.finditer(page.get_contents().get_data())
    }
    assert {tuple(bytes.fromhex(colour[1:])) for colour in COLOURS} <= found


@pytest.mark.parametrize("page", chapters())
def test_a_live_figure_gives_way_to_its_drawing(page: str, browser: Any, address: str) -> None:
    opened = browser.new_page()
    opened.goto(f"{address}/{page}.html", wait_until="load")
    seen = {}
    for scheme in ("light", "dark"):
        opened.emulate_media(media="print", color_scheme=scheme)
        seen[scheme] = opened.evaluate(PRINTED)
    opened.close()
    assert seen["light"] == seen["dark"]
    assert seen["dark"]["controls"] == [] and seen["dark"]["hidden"] == 0
