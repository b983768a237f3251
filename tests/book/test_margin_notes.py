"""Asides: in brackets in the text, and beside it where the screen is wide, over nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from extensions.margin_notes import PARAGRAPH, in_paragraph
from tests.support.built_book import SHOW_ALL, chapters, rendered

MOST = 3  # a page
WIDE = (1280, 1600)
LOOK = """() => {
  const box = each => each.getBoundingClientRect()
  const apart = (a, b) =>
    a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top
  const what = 'pre, figure, table, img, .drawing, .math, details, h2, h3, p, .bd-sidebar-secondary'
  const others = [...document.querySelectorAll(what)].filter(each => each.checkVisibility())
  return [...document.querySelectorAll('section > p > .aside')].map(note => ({
    words: note.innerText,
    beside: box(note).left >= box(note.parentElement).right,
    inside: box(note).right <= document.documentElement.clientWidth,
    over: others.filter(each => !each.contains(note) && !note.contains(each) &&
      !apart(box(each), box(note))).map(each => each.textContent.slice(0, 40)),
  }))
}"""


@pytest.mark.parametrize(
    ("text", "aside"),
    [
        ("One. (Two, <em>as</em> it is.) Three.", "Two, <em>as</em> it is."),
        ("One:\n(“Two” is quoted.)", "“Two” is quoted."),
        ("One. (Two ([He 2015](a)) and more.)", "Two ([He 2015](a)) and more."),
        ("One (two) and (<a>He 2015</a>).", None),
        ("One (Two.) and three.", None),
    ],
)
def test_an_aside_is_a_sentence_in_brackets(text: str, aside: str | None) -> None:
    marked = PARAGRAPH.sub(in_paragraph, f"<p>{text}</p>")
    found = re.findall(r'role="note"><span>\(</span>(.*?)<span>\)</span></span>', marked)
    assert found == ([aside] if aside else [])


@pytest.mark.slow
@pytest.mark.parametrize("page", chapters())
def test_asides_are_few(page: str) -> None:
    assert 1 <= len(rendered(page).select("section > p > .aside")) <= MOST


@pytest.mark.slow
@pytest.mark.parametrize("page", chapters())
def test_an_aside_stands_beside_its_text_or_in_brackets(
    page: str, browser: Any, address: str
) -> None:
    opened = browser.new_page()
    opened.add_init_script(SHOW_ALL)
    opened.goto(f"{address}/{page}.html", wait_until="load")
    opened.evaluate("window.MathJax?.startup?.promise")
    for width in (360, 768, *WIDE):
        opened.set_viewport_size({"width": width, "height": 900})
        for note in opened.evaluate(LOOK):
            assert note["beside"] == (width in WIDE) and note["inside"], (width, note)
            assert note["words"].startswith("(") == (width not in WIDE)
            assert not note["over"] or width not in WIDE, (width, note)
    opened.close()
