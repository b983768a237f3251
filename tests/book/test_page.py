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

from tests.support.built_book import chapters, html_folder, pages
from tools.patience import patient

pytestmark = pytest.mark.slow  # hundreds of page loads: part of `make test` alone
SCHEMES = ("light", "dark")
WIDTHS = (1280, 360)

# Everything is measured in one go, with all folds open, before anything is asserted.
MEASURE = """async () => {
  await window.MathJax?.startup?.promise
  const article = document.querySelector('article.bd-article')
  article.querySelectorAll('details').forEach(fold => { fold.open = true })
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
  await document.fonts.ready
  const all = selector => [...article.querySelectorAll(selector)]
  const box = element => element.getBoundingClientRect()
  const style = element => getComputedStyle(element)
  const wide = document.documentElement.clientWidth
  const scrolls = element => element && element !== document.body &&
    (/auto|scroll/.test(style(element).overflowX) || scrolls(element.parentElement))
  const say = element => `${element.tagName}.${element.className}`.slice(0, 80)
  const rgba = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number)
  const ground = element => {
    const colour = rgba(style(element).backgroundColor)
    const clear = colour.length === 4 && colour[3] === 0
    return clear && element.parentElement ? ground(element.parentElement) : colour
  }
  const light = colour => colour.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const contrast = element => {
    const [low, high] = [light(rgba(style(element).color)), light(ground(element))].sort(
      (a, b) => a - b)
    return { what: `${say(element)} ${element.textContent.slice(0, 30)}`,
             ratio: (high + 0.05) / (low + 0.05) }
  }
  const lineLength = paragraph => {
    const unbroken = paragraph.cloneNode(true)
    unbroken.style.cssText = 'position: absolute; max-width: none'
    const parts = [unbroken, ...unbroken.querySelectorAll('*')]
    parts.forEach(part => { part.style.whiteSpace = 'nowrap' })
    paragraph.after(unbroken)
    const length = unbroken.textContent.length * box(paragraph).width / box(unbroken).width
    unbroken.remove()
    return length
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
    images: all('img').filter(e => !e.closest('.is-live')).map(e => ({
      source: e.src.split('/').pop(), natural: e.naturalWidth,
      width: box(e).width, column: box(article).width,
      stretch: (box(e).width / box(e).height) / (e.naturalWidth / e.naturalHeight),
      filter: style(e).filter })),
    text: all('p, li, td, dd').filter(e => e.innerText.trim()).map(contrast),
    small: all('h1, h2, h3, a, summary, figcaption p, pre, pre span, code').filter(
      e => e.innerText?.trim()).map(contrast),
    groundLight: light(ground(article)),
    lines: all('section > p:not(:has(.math))').filter(
      p => p.textContent.length > 100).map(lineLength),
    iconFont: [...document.fonts].some(
      f => f.family.includes('Font Awesome') && f.status === 'loaded'),
  }
}"""


@dataclass
class Seen:
    """What one visit to a page brought: complaints on the way, then measurements."""

    complaints: list[str] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    barriers: list[dict[str, Any]] = field(default_factory=list)
    asked_for: set[str] = field(default_factory=set)


@pytest.fixture(scope="module", params=[(s, w) for s in SCHEMES for w in WIDTHS], ids=str)
def mode(request: pytest.FixtureRequest, browser: Any) -> Iterator[tuple[str, int, Any]]:
    scheme, width = request.param
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce"
    )
    context.set_default_timeout(patient(15_000))
    yield scheme, width, context
    context.close()


def listen(page: Any, complaints: list[str]) -> None:
    """Note every error, failed request and call to a third party; let none of those out."""

    def route(call: Any) -> None:
        if call.request.url.startswith("http://127.0.0.1:"):
            call.continue_()
        else:
            complaints.append(f"third party: {call.request.url}")
            call.abort()

    def answer(response: Any) -> None:
        if response.status >= 400:
            complaints.append(f"{response.status}: {response.url}")

    page.route("**/*", route)
    page.on("response", answer)
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )


@pytest.fixture(scope="module", params=pages())
def visit(request: pytest.FixtureRequest, mode: Any, address: str) -> Iterator[tuple]:
    scheme, width, context = mode
    seen, page = Seen(), context.new_page()
    listen(page, seen.complaints)
    page.on("request", lambda call: seen.asked_for.add(urlsplit(call.url).path.lstrip("/")))
    page.goto(f"{address}/{request.param}.html", wait_until="load")
    seen.measured = page.evaluate(MEASURE)
    # Its own loading of style sheets asks for files that the site does not have.
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False})
    seen.barriers = found.response["violations"]
    page.close()
    yield request.param, scheme, width, seen


def test_nothing_complains_and_nothing_is_fetched_elsewhere(visit: tuple) -> None:
    assert visit[-1].complaints == []


def test_the_page_fits_the_screen(visit: tuple) -> None:
    measured = visit[-1].measured
    assert measured["overflow"] <= 0
    assert measured["cut"] == []


def test_formulas_are_typeset_and_begin_in_sight(visit: tuple) -> None:
    page, _, _, seen = visit
    assert seen.measured["typeset"] == seen.measured["formulas"]
    assert seen.measured["formulas"] > 0 or page not in chapters()
    for fault in ("mathErrors", "rawMath", "startsCut"):
        assert seen.measured[fault] == [], fault


def test_images_are_whole_and_sharp(visit: tuple) -> None:
    page, _, _, seen = visit
    assert seen.measured["images"] or page not in chapters()
    for image in seen.measured["images"]:
        assert image["natural"] > 0, image
        assert 0 < image["width"] <= image["column"], image
        assert image["stretch"] == pytest.approx(1, abs=0.02), image
        assert image["natural"] >= 1.6 * image["width"], f"not sharp at double density: {image}"
        assert image["filter"] == "none", image


def test_text_stands_out_from_its_ground(visit: tuple) -> None:
    _, scheme, _, seen = visit
    assert (seen.measured["groundLight"] < 0.05) == (scheme == "dark")
    assert [t for t in seen.measured["text"] if t["ratio"] < 7] == []
    assert [t for t in seen.measured["small"] if t["ratio"] < 4.5] == []


def test_the_page_is_light(visit: tuple) -> None:
    """With all that it asks for, math and figures included, as a server sends it."""
    weights = {name: weight(name) for name in visit[-1].asked_for}
    assert sum(weights.values()) <= 1_200_000, sorted(weights.items(), key=lambda item: -item[1])


@functools.cache
def weight(name: str) -> int:
    """Bytes of a file of the site; texts are sent compressed."""
    path = html_folder() / unquote(name)
    if not path.is_file():
        return 0
    packed = path.suffix in (".png", ".woff", ".woff2")
    return len(path.read_bytes() if packed else gzip.compress(path.read_bytes()))


def test_nobody_is_shut_out(visit: tuple) -> None:
    for barrier in visit[-1].barriers:
        where = [node["target"] for node in barrier["nodes"]]
        assert barrier["impact"] not in ("serious", "critical"), f"{barrier['help']}: {where}"


def test_lines_have_a_length_that_reads_well(visit: tuple) -> None:
    _, _, width, seen = visit
    if width >= 1280:
        assert [length for length in seen.measured["lines"] if not 60 <= length <= 80] == []


def test_formulas_fit_a_wide_screen(visit: tuple) -> None:
    """On a phone they can be moved; on paper, which is about as wide as this, they would be cut."""
    _, _, width, seen = visit
    if width >= 1280:
        assert seen.measured["tooWide"] == []


def test_icons_come_with_the_web_font(visit: tuple) -> None:
    assert visit[-1].measured["iconFont"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", pages())
def test_folds_open_and_close_on_click_and_by_key(
    name: str, width: int, browser: Any, address: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/{name}.html", wait_until="load")
    folds = page.locator("article.bd-article details")
    assert folds.count() > 0 or name not in chapters()
    for fold in folds.all():
        content = fold.locator(":scope > :not(summary)").first
        assert not content.is_visible()
        fold.locator("summary").first.click()
        assert content.is_visible()
        page.keyboard.press("Enter")
        assert not content.is_visible()
    context.close()


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
