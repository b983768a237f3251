"""A chapter printed from the screen: every drawing in the colours of light pages, no control."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.built_book import chapters

pytestmark = pytest.mark.slow
PRINTED = """() => {
  const shown = what => [...document.querySelectorAll(what)].filter(each => each.checkVisibility())
  return {
    controls: shown('button, input, select, .live-figure').map(each => each.outerHTML.slice(0, 80)),
    hidden: document.querySelectorAll('article .drawing').length - shown('article .drawing').length,
    colours: [...new Set([...document.querySelectorAll('article .drawing *')].map(getComputedStyle)
      .flatMap(style => [style.fill, style.stroke]))].sort(),
  }
}"""


@pytest.mark.parametrize("page", chapters())
def test_a_live_figure_gives_way_to_its_drawing(page: str, browser: Any, address: str) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        opened = browser.new_page(color_scheme=scheme)
        opened.goto(f"{address}/{page}.html", wait_until="load")
        assert opened.evaluate("document.documentElement.dataset.theme") == scheme
        opened.emulate_media(media="print", color_scheme=scheme)
        seen[scheme] = opened.evaluate(PRINTED)
        opened.close()
    assert seen["light"] == seen["dark"]
    assert seen["dark"]["controls"] == [] and seen["dark"]["hidden"] == 0
