"""The pages in a real browser: light and dark, on a wide screen and on a phone."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.built_book import SHOW_ALL, chapters, html_folder, pages
from tools.patience import patient

pytestmark = pytest.mark.slow  # needs the rendered book
WIDE, PHONE = 1280, 360
BETWEEN = (768, 1920)  # widths at which only barriers are looked for
SCHEMES = ("light", "dark")

SETTLED = """async () => {
  await window.MathJax?.startup?.promise
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
  await document.fonts.ready
}"""
SET_FOLDS = """open => {
  document.querySelectorAll('article details').forEach(fold => { fold.open = open })
}"""
UNFOCUSED = """() => [...document.querySelectorAll(
    'article :is(a[href], button, summary, input):not([tabindex="-1"], :disabled)')]
  .filter(element => element.checkVisibility())
  .filter(element => {
    element.focus()
    const style = getComputedStyle(element)
    const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
    return document.activeElement !== element || !(ring || style.boxShadow !== 'none')
  }).map(element => element.outerHTML.slice(0, 90))"""
FOLDS = "[...document.querySelectorAll('article.bd-article details')]"
PLACE_OF_FOLD = f"""number => {{
  const summary = {FOLDS}[number].querySelector('summary')
  summary.scrollIntoView({{ block: 'center', behavior: 'instant' }})
  const box = summary.getBoundingClientRect()
  return [box.x + box.width / 2, box.y + box.height / 2]
}}"""
IS_OPEN = (
    f"number => {FOLDS}[number].querySelector(':scope > :not(summary)')?.checkVisibility() ?? null"
)

# Everything is measured in one go, with all folds open, before anything is asserted.
MEASURE = """() => {
  const article = document.querySelector('article.bd-article')
  const all = selector => [...article.querySelectorAll(selector)]
  const box = element => element.getBoundingClientRect()
  const style = element => getComputedStyle(element)
  const wide = document.documentElement.clientWidth
  const scrolls = element => element && element !== document.body &&
    (/auto|scroll/.test(style(element).overflowX) || scrolls(element.parentElement))
  const say = element => `${element.tagName}.${element.className}`.slice(0, 80)
  const rgba = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number)
  const grounds = new Map()
  const ground = element => {
    if (!grounds.has(element)) {
      const colour = rgba(style(element).backgroundColor)
      const clear = colour.length === 4 && colour[3] === 0
      const outer = element.parentElement
      grounds.set(element, clear && outer ? ground(outer) : colour)
    }
    return grounds.get(element)
  }
  const light = colour => colour.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const contrast = element => {
    const [low, high] = [light(rgba(style(element).color)), light(ground(element))].sort(
      (a, b) => a - b)
    return (high + 0.05) / (low + 0.05)
  }
  const faint = (selector, least) => all(selector)
    .filter(e => e.textContent.trim() && e.checkVisibility() && contrast(e) < least)
    .map(e => `${contrast(e).toFixed(1)} ${say(e)} ${e.textContent.slice(0, 30)}`)
  const lineLengths = paragraphs => {
    const unbroken = paragraphs.map(paragraph => {
      const copy = paragraph.cloneNode(true)
      copy.querySelectorAll('[popover]').forEach(card => card.remove())  // no words of the text
      copy.style.cssText = 'position: absolute; max-width: none'
      const parts = [copy, ...copy.querySelectorAll('*')]
      parts.forEach(part => { part.style.whiteSpace = 'nowrap' })
      return copy
    })
    paragraphs.forEach((paragraph, i) => paragraph.after(unbroken[i]))
    const lengths = paragraphs.map((paragraph, i) =>
      unbroken[i].textContent.length * box(paragraph).width / box(unbroken[i]).width)
    unbroken.forEach(copy => copy.remove())
    return lengths
  }
  return {
    overflow: document.documentElement.scrollWidth - wide,
    cut: all('*').filter(e => box(e).width > 0 && (box(e).right > wide + 1 || box(e).left < -1))
      .filter(e => !scrolls(e) && !e.closest('mjx-assistive-mml')).map(say),  // clipped to a pixel
    formulas: all('.math').length,
    typeset: all('.math mjx-container').length,
    mathErrors: all('mjx-merror, [data-mjx-error], mjx-mtext[style*="red"]').map(
      e => e.textContent),
    rawMath: (article.innerText.match(/\\\\\\(|\\\\\\[|\\$\\$|\\\\tag/g) || []),
    startsCut: all('div.math').filter(
      e => box(e.querySelector('mjx-container')).left < box(e).left - 1).map(say),
    tooWide: all('div.math').filter(e => e.scrollWidth > e.clientWidth + 1).map(
      e => e.textContent.slice(0, 60)),
    faint: [...faint('p, li, td, dd', 7),
      ...faint('h1, h2, h3, a, summary, figcaption p, pre, pre span, code, dt, dt *', 4.5)],
    groundLight: light(ground(article)),
    lines: lineLengths(all('section > p:not(:has(.math))').filter(
      p => p.textContent.length > 100 && p.checkVisibility())),
    iconFont: [...document.fonts].some(
      f => f.family.includes('Font Awesome') && f.status === 'loaded'),
  }
}"""

# Rules that look at colours; all others say the same in both schemes.
COLOURS = ["color-contrast", "link-in-text-block"]
OF_COLOURS = {"runOnly": COLOURS}
OTHERS = {"rules": {rule: {"enabled": False} for rule in COLOURS}}
# What the rules of colours, which take most of the time, find taken out of the page (they would go
# through what is hidden): code, each piece of which is measured above; and at other widths the
# text, whose colours are those of the first.
ASIDE = {WIDE: "article :is(pre, dt.sig)"}
RUN_AXE = """async ([rules, aside]) => {
  const taken = rules.runOnly ? [...document.querySelectorAll(aside)] : []
  const places = taken.map(() => document.createComment(''))
  taken.forEach((each, i) => each.replaceWith(places[i]))
  const found = await axe.run(document, { resultTypes: ['violations'], preload: false, ...rules })
  taken.forEach((each, i) => places[i].replaceWith(each))
  return found.violations.filter(each => ['serious', 'critical'].includes(each.impact))
    .map(each => `${each.help}: ${JSON.stringify(each.nodes.map(node => node.target))}`)
}"""


@dataclass
class Visit:
    """What one visit to a page brought: on the way, and in each scheme at each width."""

    page: str
    complaints: list[str] = field(default_factory=list)
    asked_for: set[str] = field(default_factory=set)
    unfocused: list[str] = field(default_factory=list)
    stuck: dict[int, list[str]] = field(default_factory=dict)
    folds: int = 0
    measured: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    barriers: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def note(self, request: Any) -> None:
        self.asked_for.add(urlsplit(request.url).path.lstrip("/"))

    def each(self, what: str) -> list[tuple]:
        """Scheme, width and one of the things measured, for each mode."""
        return [(*mode, measured[what]) for mode, measured in self.measured.items()]

    def faults(self, what: str) -> list[tuple]:
        """Scheme, width and fault, for each fault of a kind in each mode."""
        return [(*mode, each) for mode, found in self.measured.items() for each in found[what]]


def listen(page: Any, complaints: list[str]) -> None:
    """Note every error, failed request and call to a third party, which no browser here reaches."""

    def ask(request: Any) -> None:
        if not request.url.startswith("http://127.0.0.1:"):
            complaints.append(f"third party: {request.url}")

    def answer(response: Any) -> None:
        if response.status >= 400:
            complaints.append(f"{response.status}: {response.url}")

    page.on("request", ask)
    page.on("response", answer)
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    """One for all pages, so that what they share is fetched once."""
    opened = browser.new_context(color_scheme="light", reduced_motion="reduce")
    opened.set_default_timeout(patient(15_000))
    opened.add_init_script(SHOW_ALL)
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=pages())
def visit(request: pytest.FixtureRequest, context: Any, address: str) -> Visit:
    seen, page = Visit(request.param), context.new_page()
    listen(page, seen.complaints)
    page.on("request", note := seen.note)
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.goto(f"{address}/{request.param}.html", wait_until="load")
    page.evaluate(SETTLED)
    page.remove_listener("request", note)  # what comes from here on is asked for by the reader
    page.keyboard.press("Tab")  # from here on the browser shows the focus
    seen.unfocused = page.evaluate(UNFOCUSED)
    seen.folds = page.evaluate(f"{FOLDS}.length")
    page.evaluate(Axe().axe_script)
    for width in (WIDE, PHONE):
        resize(page, width)
        seen.stuck[width] = [each for n in range(seen.folds) if (each := stuck_fold(page, n))]
        page.evaluate(SET_FOLDS, True)
        for scheme in SCHEMES:
            dress(page, scheme)
            seen.measured[scheme, width] = page.evaluate(MEASURE)
            seen.barriers[scheme, width] = barriers(page, scheme, width)
        page.evaluate(SET_FOLDS, False)
    page.evaluate(SET_FOLDS, True)
    for width in BETWEEN:
        resize(page, width)
        for scheme in SCHEMES:
            dress(page, scheme)
            seen.barriers[scheme, width] = barriers(page, scheme, width)
    page.close()
    return seen


def dress(page: Any, scheme: str) -> None:
    """Light or dark."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.evaluate(SETTLED)


def barriers(page: Any, scheme: str, width: int) -> list[str]:
    """What axe finds that shuts somebody out."""
    found = page.evaluate(RUN_AXE, [OTHERS, ""]) if scheme == "light" else []
    return found + page.evaluate(RUN_AXE, [OF_COLOURS, ASIDE.get(width, "article")])


def resize(page: Any, width: int) -> None:
    """Waits until the theme, a little later, has given keys to what now scrolls."""
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate(SETTLED)
    page.evaluate("new Promise(done => setTimeout(done, 600))")


def stuck_fold(page: Any, number: int) -> str:
    """What is wrong with a fold that a click should open and a key close."""
    shown = [page.evaluate(IS_OPEN, number)]
    page.mouse.click(*page.evaluate(PLACE_OF_FOLD, number))
    shown.append(page.evaluate(IS_OPEN, number))
    page.keyboard.press("Enter")
    shown.append(page.evaluate(IS_OPEN, number))
    return "" if shown == [False, True, False] else f"fold {number + 1} is open: {shown}"


def test_nothing_complains_and_nothing_is_fetched_elsewhere(visit: Visit) -> None:
    assert visit.complaints == []


def test_the_page_fits_the_screen(visit: Visit) -> None:
    assert [each for each in visit.each("overflow") if each[-1] > 0] == []
    assert visit.faults("cut") == []


def test_formulas_are_typeset_and_begin_in_sight(visit: Visit) -> None:
    assert visit.each("typeset") == visit.each("formulas")
    assert visit.each("formulas")[0][-1] > 0 or visit.page not in chapters()
    for fault in ("mathErrors", "rawMath", "startsCut"):
        assert visit.faults(fault) == [], fault


def test_text_stands_out_from_its_ground(visit: Visit) -> None:
    for scheme, _, ground in visit.each("groundLight"):
        assert (ground < 0.05) == (scheme == "dark")
    assert visit.faults("faint") == []


def test_the_page_is_light(visit: Visit) -> None:
    """With all that it asks for, math and figures included, as a server sends it."""
    weights = {name: weight(name) for name in visit.asked_for}
    assert sum(weights.values()) <= 1_200_000, sorted(weights.items(), key=lambda item: -item[1])


@functools.cache
def weight(name: str) -> int:
    """Bytes of a file of the site; texts are sent compressed."""
    path = html_folder() / unquote(name)
    if not path.is_file():
        return 0
    packed = path.suffix in (".png", ".woff", ".woff2")
    return len(path.read_bytes() if packed else gzip.compress(path.read_bytes()))


def test_nobody_is_shut_out(visit: Visit) -> None:
    """Nor by contrast."""
    assert len(visit.barriers) == 2 * (2 + len(BETWEEN))
    assert {mode: found for mode, found in visit.barriers.items() if found} == {}


def test_lines_have_a_length_that_reads_well(visit: Visit) -> None:
    lines = [each for each in visit.faults("lines") if each[1] == WIDE]
    assert [each for each in lines if not 60 <= each[-1] <= 80] == []


def test_formulas_fit_a_wide_screen(visit: Visit) -> None:
    """On a phone they can be moved; on paper, which is about as wide as this, they would be cut."""
    assert [each for each in visit.faults("tooWide") if each[1] == WIDE] == []


def test_icons_come_with_the_web_font(visit: Visit) -> None:
    assert all(loaded for *_, loaded in visit.each("iconFont"))


def test_keys_reach_everything_and_show_where_they_are(visit: Visit) -> None:
    assert visit.unfocused == []


def test_folds_open_and_close_on_click_and_by_key(visit: Visit) -> None:
    assert visit.folds > 0 or visit.page not in chapters()
    assert visit.stuck == {PHONE: [], WIDE: []}


def test_search_finds_a_word_of_the_text(browser: Any, address: str) -> None:
    complaints: list[str] = []
    page = browser.new_page()
    listen(page, complaints)
    page.goto(f"{address}/search.html?q=residual")
    # The results come in one by one; a search that finds too few ends in a timeout here.
    page.locator("#search-results li").nth(len(chapters()) - 1).wait_for()
    assert complaints == []
    page.close()


def test_the_reader_can_choose_the_other_mode(browser: Any, address: str) -> None:
    page = browser.new_page(color_scheme="light", viewport={"width": 1280, "height": 800})
    page.goto(f"{address}/{pages()[0]}.html")
    modes = set()
    for _ in range(3):
        page.locator(".theme-switch-button").first.click()
        modes.add(page.evaluate("document.documentElement.dataset.theme"))
    assert modes == {"light", "dark"}
    page.close()
