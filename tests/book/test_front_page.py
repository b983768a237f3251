"""The front page: what is on its first screen, its cards, and where its buttons lead."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest

from extensions.front_page import colab, without_title
from tests.book.test_pages import minutes, opening, question
from tests.support.built_book import article
from tools.notebooks import chapters

TITLE = "font-weight: 700; font-size: 11px"  # of a drawing, as `resnet.plots.claim` writes it
FIRST_SCREEN = """selectors => selectors.map(selector => {
  const boxes = [...document.querySelectorAll(selector)].map(e => e.getBoundingClientRect())
  return [boxes.length, Math.max(...boxes.map(box => box.bottom))]
})"""

LEFT_ENDS = (
    "[...document.querySelectorAll('ol.cards > li')].map(e => e.getBoundingClientRect().left)"
)


def drawn(path: Any) -> str:
    cells = nbformat.read(path, as_version=4).cells
    (cell,) = (cell for cell in cells if "opening" in cell.metadata.get("tags", []))
    return cell.outputs[0]["data"]["image/svg+xml"]


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_a_card_leaves_out_the_title_of_its_picture_and_nothing_else(path: Any) -> None:
    root = ElementTree.fromstring(without_title(drawn(path)))[0]
    _, top, _, height = map(float, root.get("viewBox").split())
    above, below = [], []
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        place = text.get("y") or re.search(r"translate\(\S+ (\S+)\)", text.get("transform"))[1]
        (above if float(place) < top else below).append((TITLE in text.get("style"), float(place)))
    assert above and all(is_title for is_title, _ in above)
    assert below and not any(is_title for is_title, _ in below)
    assert max(place for _, place in below) < top + height


def test_the_second_button_leads_to_the_published_notebook() -> None:
    options = {
        "repository_url": "https://github.com/Someone/deep-book.git",
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }
    config = SimpleNamespace(html_theme_options=options, notebook_branch="notebooks")
    assert colab(SimpleNamespace(config=config), "chapters/01_a") == (
        "https://colab.research.google.com/github/Someone/deep-book/blob/notebooks"
        "/chapters/01_a.ipynb"
    )


@pytest.mark.slow
def test_there_is_a_card_for_each_chapter_in_order() -> None:
    shown = [
        (
            card.select_one(".card-title a")["href"],
            *(paragraph.text for paragraph in card.select("p")),
            len(card.select(".card-picture > svg[aria-hidden=true]")),
        )
        for card in article("intro").select("ol.cards > li")
    ]
    assert shown == [
        (
            f"chapters/{path.stem}.html",
            opening(path)[0].removeprefix("# "),
            question(path),
            f"Read {reading(path)} min, run {minutes(path)} min".replace(" min", "\u00a0min"),
            1,
        )
        for path in chapters()
    ]
    assert not article("intro").select("table")


def reading(path: Any) -> str:
    return re.search(r"about (\d+) minutes to read", "\n".join(opening(path)))[1]


@pytest.mark.slow
def test_without_an_address_one_button_starts_the_book() -> None:
    buttons = article("intro").select(".start a")
    assert [(each.text, each["href"]) for each in buttons] == [
        ("Start reading", f"chapters/{chapters()[0].stem}.html")
    ]


@pytest.mark.slow
def test_the_button_and_the_four_networks_are_on_the_first_screen(
    browser: Any, address: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{address}/intro.html")
    page.locator(".laboratory svg.network").nth(3).wait_for()
    selectors = [".start a", ".laboratory svg.network", ".laboratory button.main"]
    found = page.evaluate(FIRST_SCREEN, selectors)
    assert [number for number, _ in found] == [1, 4, 1]
    assert max(bottom for _, bottom in found) < 800
    page.close()


@pytest.mark.slow
def test_cards_stand_side_by_side_where_there_is_room(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/intro.html")
    for width, columns in ((360, 1), (768, 2), (1280, 2)):
        page.set_viewport_size({"width": width, "height": 800})
        assert len(set(page.evaluate(LEFT_ENDS))) == columns, width
    page.close()
