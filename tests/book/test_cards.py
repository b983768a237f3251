"""Cards next to links, by mouse, keys and touch; and none that a prediction still holds back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.built_book import SHOW_ALL
from tests.support.visits import barriers, listen
from tools.patience import patient

pytestmark = pytest.mark.slow  # needs the rendered book
FOURTH = "chapters/04_why_it_works"
# A page with a link of each kind, what its card says, and where its own link leads.
KINDS = {
    "term": (FOURTH, "a:has(> .term)", "To the glossary", "glossary.html#term-"),
    "work": (FOURTH, "a[class*=cites-]", "To the bibliography", "bibliography.html#bib-"),
    "citation": (
        "chapters/conclusion",
        "a[href*='#bib-']",
        "To the bibliography",
        "bibliography.html#bib-",
    ),
    "figure": (FOURTH, "p a[href*='#fig-']:not(.headerlink)", "To the figure", "#fig-"),
    "elsewhere": ("chapters/practice", "a[href*='#fig-']", "To the figure", "works.html#fig-"),
    "equation": (FOURTH, "a[href*='#equation-']", "To the equation", "#equation-"),
}


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Any]:
    """Opens a page in a browser of its own, with all outcomes open or as a new reader has it."""
    contexts = []

    def opened(name: str, everything: bool = True, **options: Any) -> Any:
        size = {"width": 1280, "height": 800}
        contexts.append(
            browser.new_context(**{"viewport": size, "reduced_motion": "reduce", **options})
        )
        contexts[-1].set_default_timeout(patient(10_000))
        if everything:
            contexts[-1].add_init_script(SHOW_ALL)
        page = contexts[-1].new_page()
        page.complaints = []
        listen(page, page.complaints)
        page.goto(f"{address}/{name}.html")
        return page

    yield opened
    for context in contexts:
        context.close()


def card(page: Any) -> Any:
    return page.locator("#hover-card:popover-open")


@pytest.mark.parametrize("kind", KINDS)
def test_the_mouse_brings_a_card_and_takes_it_away(kind: str, open_page: Any) -> None:
    name, selector, words, leads = KINDS[kind]
    page = open_page(name)
    link = page.locator(f"article {selector}").first
    link.hover()
    card(page).wait_for()
    lead = card(page).locator(".hover-card-lead")
    assert lead.inner_text() == words and leads in lead.get_attribute("href")
    assert link.get_attribute("aria-describedby") == "hover-card"
    assert len(card(page).inner_text()) > len(words) + 20 or card(page).locator(".math").count()
    card(page).hover()  # it stays while it is read
    page.wait_for_timeout(600)
    assert card(page).is_visible()
    page.mouse.move(5, 5)
    card(page).wait_for(state="detached")
    assert link.get_attribute("aria-describedby") is None
    assert page.complaints == []


@pytest.mark.parametrize("width", [768, 1600])
def test_a_card_is_whole_in_a_low_window(width: int, open_page: Any) -> None:
    page = open_page(FOURTH, viewport={"width": width, "height": 600})
    link = page.locator("article p a[href*='#fig-']:not(.headerlink)").first
    link.evaluate("link => link.scrollIntoView({ block: 'center' })")
    link.hover()
    card(page).wait_for()
    box = card(page).bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= 600
    assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_keys_reach_the_card_and_escape_closes_it_for_good(open_page: Any) -> None:
    page = open_page(FOURTH)
    link = page.locator("article a:has(> .term)").first
    before = link.evaluate_handle(
        "link => [...document.querySelectorAll('a[href], button, summary, input')]"
        ".filter(each => each.checkVisibility() && each.tabIndex >= 0)"
        ".findLast(each => each.compareDocumentPosition(link) & 4)"
    )
    before.as_element().focus()
    page.keyboard.press("Tab")
    card(page).wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#hover-card') !== null")
    page.keyboard.press("Escape")
    card(page).wait_for(state="detached")
    assert link.evaluate("link => document.activeElement === link")
    page.wait_for_timeout(500)
    assert not card(page).count()


def test_the_first_tap_shows_the_card_and_its_link_goes(open_page: Any) -> None:
    page = open_page(FOURTH, has_touch=True, viewport={"width": 360, "height": 700})
    page.locator("article a[class*=cites-]").first.tap()
    box = card(page).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    card(page).locator(".hover-card-lead").tap()
    page.wait_for_url("**/bibliography.html#bib-*")
    assert page.complaints == []


def test_a_tap_on_what_is_held_back_leads_to_its_question(open_page: Any) -> None:
    page = open_page("chapters/practice", everything=False, has_touch=True)
    page.locator("article a[href*='#fig-both']").first.tap()
    page.wait_for_url("**/04_why_it_works.html#fig-both")


def test_no_card_shows_an_outcome_before_its_prediction(open_page: Any) -> None:
    page = open_page("chapters/practice", everything=False)
    link = page.locator("article a[href*='#fig-both']").first
    link.hover()
    page.wait_for_timeout(1000)
    assert not card(page).count()
    page.evaluate(SHOW_ALL)
    page.mouse.move(5, 5)
    link.hover()
    card(page).wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_card_shuts_nobody_out_and_is_not_printed(scheme: str, open_page: Any) -> None:
    page = open_page(FOURTH, color_scheme=scheme)
    for selector in ("a:has(> .term)", "p a[href*='#fig-']:not(.headerlink)"):
        page.locator(f"article {selector}").first.hover()
        card(page).locator(".hover-card-lead").wait_for()
        assert barriers(page, "#hover-card") == []
    page.emulate_media(media="print")
    assert not card(page).is_visible()
