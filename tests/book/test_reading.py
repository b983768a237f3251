"""What a reader does with the pages: search, copy, keep a mode, move by keys, download, cite."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.support.built_book import ROOT, article, chapters, html_folder, pages, rendered
from tests.support.visits import without_formulas

pytestmark = pytest.mark.slow
# Which words are not found among the first ten results on their page.
LOST = """async wanted => {
  const pagefind = await import(new URL('pagefind/pagefind.js', location))
  const isFound = async ([words, home]) => {
    const { results } = await pagefind.search(words)
    for (const each of results.slice(0, 10))
      if ((await each.data()).url.includes(home)) return true
    return false
  }
  const found = await Promise.all(wanted.map(isFound))
  return wanted.filter((_, number) => !found[number])
}"""


def headings() -> list[tuple[str, str]]:
    """Each heading of the book with its page: exercises are among them."""
    return [
        (re.sub(r"^\d+\. ", "", heading.text.strip().rstrip("#")), page)
        for page in pages()
        for heading in article(page).select("h1, h2, h3")
    ]


def terms() -> list[tuple[str, str]]:
    page = "chapters/glossary"
    return [(term.text.strip().rstrip("#"), page) for term in rendered(page).select("dt")]


def test_search_finds_every_heading_exercise_and_term(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/search.html", wait_until="load")
    wanted = headings() + terms()
    assert sum("Exercise" in words for words, _ in wanted) > 20 < len(terms())
    assert page.evaluate(LOST, [[words, home] for words, home in wanted]) == []
    page.close()


def test_the_copy_button_copies_the_cell(browser: Any, address: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    without_formulas(context)
    page = context.new_page()
    page.goto(f"{address}/{chapters()[0]}.html", wait_until="load")
    cell = page.locator("div.cell_input:visible").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    notebook = json.loads((ROOT / f"{chapters()[0]}.ipynb").read_text(encoding="utf-8"))
    folded = {"set-up", "hide-input", "hide-cell"}
    code = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    first = next(c for c in code if not folded & set(c["metadata"].get("tags", [])))
    assert copied.strip() == "".join(first["source"]).strip()
    context.close()


def test_the_reader_chooses_a_mode_and_each_page_keeps_it(browser: Any, address: str) -> None:
    context = browser.new_context(color_scheme="light", viewport={"width": 1280, "height": 800})
    without_formulas(context)
    page = context.new_page()
    page.goto(f"{address}/{pages()[0]}.html")
    mode = "document.documentElement.dataset.theme"
    modes = []
    while len(modes) < 3 or modes[-1] != "dark":
        page.locator(".theme-switch-button").first.click()
        modes.append(page.evaluate(mode))
    assert set(modes[:3]) == {"light", "dark"} and len(modes) < 6
    page.goto(f"{address}/{pages()[1]}.html")
    assert page.evaluate(mode) == "dark"
    context.close()


def test_headings_go_down_one_step_at_a_time() -> None:
    for page in pages():
        levels = [int(heading.name[1]) for heading in article(page)(re.compile("^h[1-6]$"))]
        assert levels[0] == 1 and levels.count(1) == 1, page
        assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False)), page


@pytest.mark.parametrize("chapter", chapters())
def test_the_downloaded_notebook_is_the_one_that_is_shown(chapter: str) -> None:
    (link,) = {link["href"] for link in rendered(chapter).select("a[href$='.ipynb']")}
    file = (html_folder() / f"{chapter}.html").parent / link
    assert file.resolve().read_bytes() == (ROOT / f"{chapter}.ipynb").read_bytes()


def test_the_book_says_how_to_cite_it() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    page = ROOT / "chapters" / "bibliography.md"
    entry = re.search(r"```bibtex\n(@.+?)```", page.read_text("utf-8"), re.DOTALL)[1]
    said = dict(re.findall(r"(\w+) = \{(.+?)\}", entry.replace("{{", "{").replace("}}", "}")))
    assert said["title"] == citation["title"]
    assert said["year"] == str(citation["date-released"])[:4]
    assert said["version"] == citation["version"]
