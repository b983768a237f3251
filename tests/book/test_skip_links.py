"""By keyboard from the top of a chapter: a few keys to its text, and to its first question."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.built_book import chapters, rendered

pytestmark = pytest.mark.slow
WHERE = """() => document.activeElement.closest('.skip-link')?.textContent.trim() ??
  (document.activeElement.closest('.gate') ? 'the first question' :
    document.activeElement.closest('article') ? 'the text' : 'elsewhere')"""


@pytest.fixture
def opened(browser: Any, address: str) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield lambda name: page.goto(f"{address}/{name}.html", wait_until="load") and page
    page.close()


def after(page: Any, *keys: str) -> str:
    """Where the focus is after these keys."""
    for key in keys:
        page.keyboard.press(key)
    return page.evaluate(WHERE)


@pytest.mark.parametrize("name", chapters())
def test_four_keys_lead_to_the_first_question(name: str, opened: Any) -> None:
    page = opened(name)
    assert after(page, "Tab") == "Skip to main content"
    assert after(page, "Tab") == "Skip to the first question"
    assert after(page, "Enter", "Tab") == "the first question"


@pytest.mark.parametrize("name", [chapters()[0], "intro"])
def test_three_keys_lead_to_the_text(name: str, opened: Any) -> None:
    assert after(opened(name), "Tab", "Enter", "Tab") == "the text"


def test_a_page_without_questions_leads_to_none() -> None:
    assert len(rendered("chapters/glossary").select(".skip-link")) == 1


@pytest.mark.parametrize("name", chapters())
def test_no_stop_is_a_mark_or_a_formula_in_a_line(name: str, opened: Any) -> None:
    page = opened(name)
    page.evaluate("window.MathJax?.startup?.promise")
    stops = "article :is(.headerlink, mjx-container)"
    assert page.locator(stops).count() > 0
    assert (
        page.locator(f"{stops}:not([tabindex='-1'])").evaluate_all(
            "found => found.filter(each => each.tabIndex >= 0).length"
        )
        == 0
    )
