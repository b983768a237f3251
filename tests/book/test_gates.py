"""Predictions on the page: nothing of an outcome is seen before its question is answered.

Each chapter is read once wide and light, once narrow and dark, by keyboard alone.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest

from tests.support.built_book import ROOT, chapters, html_folder
from tests.support.visits import barriers, without_formulas
from tools.patience import patient

pytestmark = pytest.mark.slow
MODES = (("light", 1280), ("dark", 360))
# What stands behind each gate, up to the next one of its section, and what is seen of it.
LOOK = """() => {
  const article = document.querySelector('article.bd-article')
  const behind = gate => {
    const found = []
    for (let at = gate.nextElementSibling; at && !at.matches('.gate'); at = at.nextElementSibling)
      found.push(at)
    return found.filter(part => !part.matches('.is-live')) // a picture that gave way
  }
  const telling = 'figcaption, .cell_output pre, p'
  const lines = part => [...(part.matches(telling) ? [part] : part.querySelectorAll(telling))]
    .flatMap(each => each.textContent.split('\\n')).map(line => line.trim())
  const gates = [...article.querySelectorAll('.gate')].map(gate => ({
    name: gate.id,
    behind: behind(gate).length,
    seen: behind(gate).filter(part => part.checkVisibility()).length,
    answers: [...gate.querySelectorAll('details')].filter(part => part.checkVisibility()).length,
    form: !!gate.querySelector('form, .live-figure button')?.checkVisibility(),
    told: gate.querySelector('.gate-told, .told').textContent,
    telling: behind(gate).flatMap(lines).filter(line => line.length > 40),
  }))
  const summary = article.querySelector('.gate-summary')
  return {
    gates,
    text: article.innerText,
    summary: summary.querySelector('p:not(.gate-waits)').checkVisibility(),
    exercises: summary.nextElementSibling.checkVisibility(),
    wide: [...article.querySelectorAll('div.cell_input pre')].filter(
      code => code.checkVisibility() && code.scrollWidth > code.clientWidth + 1).map(
      code => code.textContent.slice(0, 60)),
  }
}"""
# Which figures a page shows, and which a card may show: the rule and the style must agree.
FIGURES = """async page => {
  window.pageAsSent ??= new DOMParser().parseFromString(
    await (await fetch(location.pathname)).text(), 'text/html')
  return [...document.querySelectorAll('figure[id], div.math[id]')].map(part => [part.id,
    part.checkVisibility(), window.gates.shows(window.pageAsSent.getElementById(part.id), page)])
}"""
VISIBLE = "what => [...document.querySelectorAll(what)].map(each => each.checkVisibility())"
SCROLLED_BY_KEYS = """() => [...document.querySelectorAll('article pre')].every(
  each => each.scrollWidth <= each.clientWidth || each.tabIndex === 0)"""
BEGIN = """name => {
  const question = document.getElementById(name).querySelector('.gate-question')
  question.tabIndex = -1
  question.focus()
}"""
FOCUSED = "() => document.activeElement.closest('.gate')?.id"


def cells(chapter: str) -> list[nbformat.NotebookNode]:
    return nbformat.read(ROOT / f"{chapter}.ipynb", as_version=4).cells


def right_letters(chapter: str) -> list[str | None]:
    """The letter marked right in each question of a chapter's source, None where points are set."""
    questions = [
        part.split("</details>\n\n##")[0]
        for cell in cells(chapter)
        if cell.cell_type == "markdown"
        for part in cell.source.split("**Predict.**")[1:]
    ]
    marked = (re.search(r"<summary>([A-Z])\. [^<]+</summary>\n\nRight", each) for each in questions)
    return [match and match[1] for match in marked]


def titles(chapter: str) -> list[str]:
    """What the figures that wait for a prediction say at their top."""
    waiting = [c.source for c in cells(chapter) if "hide-output" in c.metadata.get("tags", [])]
    return re.findall(r'title\("([^"]{9,})"', "\n".join(waiting))


@pytest.fixture(scope="module", params=MODES, ids=lambda mode: f"{mode[0]}-{mode[1]}")
def reader(request: pytest.FixtureRequest, browser: Any) -> Iterator[Any]:
    scheme, width = request.param
    viewport = {"width": width, "height": 800}
    context = browser.new_context(color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    context.set_default_timeout(patient(15_000))
    without_formulas(context)
    yield context
    context.close()


def press_until(page: Any, key: str, condition: str) -> None:
    for _ in range(20):
        page.keyboard.press(key)
        if page.evaluate(condition):
            return
    raise AssertionError(f"{key} does not reach {condition}")


def answer(page: Any, gate: str) -> None:
    """Lock the second choice, or points, with nothing but keys."""
    page.evaluate(BEGIN, gate)
    press_until(page, "Tab", f"() => document.activeElement.matches('#{gate} input')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    press_until(page, "Tab", "() => document.activeElement.matches('button')")
    page.keyboard.press("Enter")


@pytest.mark.parametrize("chapter", chapters())
def test_a_chapter_read_by_keyboard_alone(chapter: str, reader: Any, address: str) -> None:
    page = reader.new_page()
    page.goto(f"{address}/{chapter}.html", wait_until="domcontentloaded")
    before = page.evaluate(LOOK)
    assert_cards_may_show_what_the_page_shows(page, chapter)
    right = right_letters(chapter)
    assert len(before["gates"]) == len(right) > 0
    assert all(gate["behind"] and not gate["seen"] + gate["answers"] for gate in before["gates"])
    assert not before["summary"] and not before["exercises"]
    shown = [line for gate in before["gates"] for line in gate["telling"] if line in before["text"]]
    assert shown == []
    assert [title for title in titles(chapter) if title in before["text"]] == []
    for number, letter in enumerate(right):
        name = before["gates"][number]["name"]
        answer(page, name)
        assert page.evaluate(FOCUSED) == name, "the focus is on the outcome"
        after = page.evaluate(LOOK)["gates"][number]
        assert_cards_may_show_what_the_page_shows(page, chapter)
        assert after["seen"] == after["behind"] and not after["form"]
        chosen = re.match(r"You chose ([A-Z])", after["told"])
        if letter:
            said = "and that is right" if chosen[1] == letter else f"The answer is {letter}."
            assert said in after["told"]
            first = page.locator(f"#{name} details").first
            assert first.get_attribute("open") is not None
            assert first.locator("summary").inner_text().startswith(f"{chosen[1]}.")
            told = page.locator(f"#{name} > details[open] > summary").all_inner_texts()
            assert {text[0] for text in told} == {chosen[1], letter}, "and why the right one is"
        else:
            assert "Measured" in after["told"]
    page.reload(wait_until="domcontentloaded")
    again = page.evaluate(LOOK)
    assert not any(gate["form"] for gate in again["gates"]), "nobody is asked twice"
    assert again["summary"] and again["exercises"]
    assert again["wide"] == []
    page.close()


def assert_cards_may_show_what_the_page_shows(page: Any, chapter: str) -> None:
    figures = page.evaluate(FIGURES, chapter)
    assert [name for name, seen, in_card in figures if seen != in_card] == []


def test_paper_and_a_browser_without_scripts_show_everything(browser: Any, address: str) -> None:
    for scripts in (True, False):
        page = browser.new_page(java_script_enabled=scripts)
        without_formulas(page)
        page.goto(f"{address}/{chapters()[0]}.html", wait_until="domcontentloaded")
        if scripts:
            page.emulate_media(media="print")
        closed = ".gate ~ *:not(.laboratory), .gate > details, .gate-summary ~ *"
        closed += ", .gate-summary > p:not(.gate-waits)"
        seen = page.evaluate(VISIBLE, closed)
        assert len(seen) > 50 and all(seen)
        controls = page.evaluate(VISIBLE, ".gate-form, .gate-switch, .gate-waits, .gate-told")
        assert bool(controls) == scripts and not any(controls)
        page.close()


def test_the_switch_shows_all_outcomes_and_is_kept(browser: Any, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800})
    context.set_default_timeout(patient(15_000))
    page = context.new_page()
    for number, chapter in enumerate(chapters()[1:3]):
        page.goto(f"{address}/{chapter}.html", wait_until="load")
        switch = page.get_by_role("switch", name="Show all outcomes")
        assert switch.is_checked() == bool(number)
        if not number:
            page.evaluate("MathJax.startup.promise")  # formulas make the theme look, too
            page.wait_for_timeout(1000)
            switch.press("Space")
        page.wait_for_function(SCROLLED_BY_KEYS)
        seen = page.evaluate(LOOK)
        assert all(gate["seen"] == gate["behind"] for gate in seen["gates"]) and seen["summary"]
        assert not any(gate["form"] for gate in seen["gates"] if gate["answers"])
    switch.press("Space")
    assert not any(gate["seen"] for gate in page.evaluate(LOOK)["gates"])
    context.close()


def test_a_link_to_what_waits_leads_to_its_question(browser: Any, address: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    without_formulas(context)
    page = context.new_page()
    for figure in ("fig-search", "fig-gradients"):
        page.goto(f"{address}/{chapters()[0]}.html#{figure}", wait_until="load")
        question = page.locator(".gate").filter(has=page.locator(":focus"))
        assert "Show all outcomes" in question.get_by_role("status").inner_text()
        assert question.locator("xpath=..").locator(f"#{figure}").count() == 1
        page.goto("about:blank")
    context.close()


def test_nobody_is_shut_out_before_and_after_an_answer(browser: Any, address: str) -> None:
    context = browser.new_context(color_scheme="dark", viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/{chapters()[0]}.html", wait_until="load")
    for answered in (False, True):
        if answered:
            answer(page, page.locator(".gate").first.get_attribute("id"))
            page.wait_for_function(SCROLLED_BY_KEYS)
        assert barriers(page) == []
    context.close()


def questions() -> list[dict]:
    """What the conclusion is given."""
    html = (html_folder() / "chapters" / "conclusion.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="gate-questions">(.+?)</script>', html)[1])


def test_the_conclusion_knows_every_question_and_its_right_answer() -> None:
    given = {each["page"]: [q["right"] for q in each["questions"]] for each in questions()}
    assert given == {chapter: right_letters(chapter) for chapter in chapters()}


def test_the_record_stands_beside_what_guessing_gives(browser: Any, address: str) -> None:
    asked = [(each["page"], q) for each in questions()[:3] for q in each["questions"] if q["right"]]
    taken = asked[:5]
    kept = {
        f"prediction {page} {q['name']}": q["right"]
        if k != 1
        else "A"
        if q["right"] != "A"
        else "B"
        for k, (page, q) in enumerate(taken)
    }
    context = browser.new_context()
    context.add_init_script(f"Object.assign(localStorage, {json.dumps(kept)})")
    without_formulas(context)
    page = context.new_page()
    page.goto(f"{address}/chapters/conclusion.html", wait_until="domcontentloaded")
    told = page.locator(".gate-record .gate-told").inner_text().replace("\u00a0", " ")
    sizes = [len(q["answers"]) for _, q in taken]
    draws = list(itertools.product(*(range(size) for size in sizes)))
    as_good = sum(sum(draw[k] == 0 for k in range(5)) >= 4 for draw in draws) / len(draws)
    assert "locked 5 of" in told and "4 were right" in told
    assert f"{sum(1 / size for size in sizes):.1f} of them" in told
    assert f"a chance of {100 * as_good:.0f} %" in told
    links = page.locator(".gate-record a")
    assert links.count() == sum(len(each["questions"]) for each in questions())
    context.close()
