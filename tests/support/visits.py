"""One visit to a page: all that its tests ask, at four widths, light and dark."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from PIL import Image

WIDE, PHONE = 1280, 360
BETWEEN = (768, 1920)  # widths at which only barriers are looked for
SCHEMES = ("light", "dark")

SETTLED = """async () => {
  await window.MathJax?.startup?.promise
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
  await document.fonts.ready
}"""
# The theme gives keys to what now scrolls a little later than the width changes.
SCROLLED_BY_KEYS = """async () => {
  const late = () => [...document.querySelectorAll('article pre')].some(
    each => each.scrollWidth > each.clientWidth && each.tabIndex)
  for (let tries = 0; late() && tries < 40; tries++)
    await new Promise(done => setTimeout(done, 50))
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
INSIDE = f"number => {FOLDS}[number].querySelector(':scope > :not(summary)')?.checkVisibility()"
PLACE_OF_FOLD = f"""number => {{
  const summary = {FOLDS}[number].querySelector('summary')
  summary.scrollIntoView({{ block: 'center', behavior: 'instant' }})
  const box = summary.getBoundingClientRect()
  return [box.x + box.width / 2, box.y + box.height / 2]
}}"""
# Whether a click would reach each fold, opens and closes it; and one fold of each kind.
STUCK = f"""() => {FOLDS}.map((fold, number) => {{
  const hit = document.elementFromPoint(...({PLACE_OF_FOLD})(number))
  const summary = fold.querySelector('summary'), open = [({INSIDE})(number)]
  for (let clicks = 0; clicks < 2; clicks++) {{
    summary.click()
    open.push(({INSIDE})(number))
  }}
  const sound = summary.contains(hit) && String(open) === 'false,true,false'
  return sound ? '' : `fold ${{number + 1}}: ${{hit?.outerHTML.slice(0, 60)}}, open is ${{open}}`
}}).filter(Boolean)"""
KINDS = f"""() => {{
  const kinds = {FOLDS}.map(fold => fold.className + !!fold.closest('.gate'))
  return [...new Set(kinds.map(kind => kinds.indexOf(kind)))]
}}"""

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
      copy.querySelectorAll('[popover], .aside').forEach(each => each.remove())  // not in line
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
      ...faint('h1, h2, h3, a, summary, figcaption p, pre, pre span, code, dt, dt *, mjx-container',
      4.5)],
    groundLight: light(ground(article)),
    lines: lineLengths(all('section > p:not(:has(.math))').filter(
      p => p.textContent.length > 100 && p.checkVisibility())),
    iconFont: [...document.fonts].some(
      f => f.family.includes('Font Awesome') && f.status === 'loaded'),
  }
}"""

DRAWINGS = "article .drawing:not([popover] .drawing)"  # without those that a card repeats
READ_DRAWINGS = """frames => frames.map(frame => {
  const svg = frame.querySelector('svg')
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgb = colour => {
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }
  const outside = svg.getBoundingClientRect()
  const letters = [...svg.querySelectorAll('text:not(:has(tspan)), tspan')].map(text => {
    const style = getComputedStyle(text), box = text.getBoundingClientRect()
    return {
      words: text.textContent, size: parseFloat(style.fontSize) * text.getScreenCTM().a ||
        parseFloat(style.fontSize) * Math.abs(text.getScreenCTM().b),
      colour: rgb(style.fill),
      cut: box.left < outside.left - 1 || box.right > outside.right + 1 ||
        box.top < outside.top - 1 || box.bottom > outside.bottom + 1,
    }
  })
  return {
    alt: svg.getAttribute('aria-label'), letters,
    width: outside.width, scrolls: frame.scrollWidth > frame.clientWidth + 1,
    tab: frame.tabIndex, ground: rgb(getComputedStyle(document.documentElement)
      .getPropertyValue('--pst-color-background')),
  }
})"""

# Rules that look at colours, which take most of the time; all others say the same in both schemes.
COLOURS = ["color-contrast", "link-in-text-block"]
OF_COLOURS = {"runOnly": COLOURS}
OTHERS = {"rules": {rule: {"enabled": False} for rule in COLOURS}}
# No rule of axe looks at strokes, at the colours of code or at the signs of a formula; those of
# code are measured above. Formulas keep what is read out.
STRIP = """() => {
  document.querySelectorAll('article .drawing > svg, mjx-container > mjx-math').forEach(
    each => each.replaceChildren())
  document.querySelectorAll('article pre:not(:has(a, button, [tabindex]))').forEach(
    each => each.replaceChildren(each.textContent))
}"""
REMOVE = "what => document.querySelectorAll(what).forEach(each => each.remove())"
RUN_AXE = """async ([rules, part]) => {
  const options = { resultTypes: ['violations'], preload: false, ...rules }
  const found = await axe.run(part ?? document, options)
  return found.violations.filter(each => ['serious', 'critical'].includes(each.impact))
    .map(each => `${each.help}: ${JSON.stringify(each.nodes.map(node => node.target))}`)
}"""
# A picture that gave way to a live figure, too.
WITH_PICTURES = "html.with-pictures .is-live > .drawing { display: block !important }"


@dataclass
class Visit:
    """What one visit to a page brought: on the way, and in each scheme at each width."""

    page: str
    complaints: list[str] = field(default_factory=list)
    asked_for: set[str] = field(default_factory=set)
    first_picture_ends: float | None = None
    unfocused: list[str] = field(default_factory=list)
    stuck: dict[int, list[str]] = field(default_factory=dict)
    folds: int = 0
    measured: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    drawings: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)
    pictures: dict[str, list[Image.Image]] = field(default_factory=dict)
    barriers: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def note(self, request: Any) -> None:
        self.asked_for.add(urlsplit(request.url).path.lstrip("/"))

    def letters(self) -> list[dict[str, Any]]:
        """Of all drawings in each mode, with the drawing's ground and what it shows."""
        found = [(mode, each) for mode, drawings in self.drawings.items() for each in drawings]
        return [
            {**letter, "mode": mode, "alt": drawing["alt"], "ground": drawing["ground"]}
            for mode, drawing in found
            for letter in drawing["letters"]
        ]

    def each(self, what: str) -> list[tuple]:
        """Scheme, width and one of the things measured, for each mode."""
        return [(*mode, measured[what]) for mode, measured in self.measured.items()]

    def faults(self, what: str) -> list[tuple]:
        """Scheme, width and fault, for each fault of a kind in each mode."""
        return [(*mode, each) for mode, found in self.measured.items() for each in found[what]]


def without_formulas(context: Any) -> None:
    """Setting them takes most of the time of a page that is opened for something else."""
    context.route("**/mathjax/**", lambda route: route.fulfill(body=""))


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


def visited(name: str, page: Any, address: str) -> Visit:
    """Reads a page of the book in a browser's page that has said SHOW_ALL."""
    seen = Visit(name)
    listen(page, seen.complaints)
    page.on("request", note := seen.note)
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.goto(f"{address}/{name}.html", wait_until="load")
    page.evaluate(SETTLED)
    page.remove_listener("request", note)  # what comes from here on is asked for by the reader
    first = "document.querySelector('article .drawing')?.getBoundingClientRect().bottom"
    seen.first_picture_ends = page.evaluate(first)
    page.keyboard.press("Tab")  # from here on the browser shows the focus
    seen.unfocused = page.evaluate(UNFOCUSED)
    seen.folds = page.evaluate(f"{FOLDS}.length")
    page.add_style_tag(content=WITH_PICTURES)
    for width in (WIDE, PHONE):
        resize(page, width)
        seen.stuck[width] = page.evaluate(STUCK)
        if width == WIDE:
            seen.stuck[width] += [each for n in page.evaluate(KINDS) if (each := stuck(page, n))]
        page.evaluate(SET_FOLDS, True)
        for scheme in SCHEMES:
            look(seen, page, scheme, width)
        page.evaluate(SET_FOLDS, False)
    find_barriers(seen, page)
    return seen


def look(seen: Visit, page: Any, scheme: str, width: int) -> None:
    """All that is measured in one scheme at one width, with folds open, pictures at the end."""
    dress(page, scheme)
    seen.measured[scheme, width] = page.evaluate(MEASURE)
    page.evaluate("document.documentElement.classList.add('with-pictures')")
    seen.drawings[scheme, width] = page.locator(DRAWINGS).evaluate_all(READ_DRAWINGS)
    if width == PHONE:
        frames = page.locator(DRAWINGS).all()
        seen.pictures[scheme] = [Image.open(io.BytesIO(f.screenshot())) for f in frames]
    page.evaluate("document.documentElement.classList.remove('with-pictures')")


def find_barriers(seen: Visit, page: Any) -> None:
    """What axe finds with folds open, at each width; takes apart the page.

    At every width all rules; the colours of the text, which a width does not change, at the first.
    """
    page.evaluate(Axe().axe_script)
    page.evaluate(SET_FOLDS, True)
    page.evaluate(STRIP)
    dress(page, "light")
    for width in (PHONE, *BETWEEN, WIDE):
        resize(page, width)
        seen.barriers["light", width] = page.evaluate(RUN_AXE, [OTHERS, None])
    page.evaluate(REMOVE, "article :is(pre, dt.sig, mjx-container)")
    for width in (WIDE, PHONE, *BETWEEN):
        resize(page, width)
        for scheme in SCHEMES:
            dress(page, scheme)
            found = seen.barriers.setdefault((scheme, width), [])
            found += page.evaluate(RUN_AXE, [OF_COLOURS, None])
        page.evaluate(REMOVE, "article")


def barriers(page: Any, part: str | None = None) -> list[str]:
    """What axe, with all its rules, finds on a page as it stands that shuts somebody out."""
    page.evaluate(Axe().axe_script)
    return page.evaluate(RUN_AXE, [{}, part])


def dress(page: Any, scheme: str) -> None:
    """Light or dark."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.evaluate(SETTLED)


def resize(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate(SETTLED)
    page.evaluate(SCROLLED_BY_KEYS)


def stuck(page: Any, number: int) -> str:
    """What is wrong with a fold that a click of the mouse should open and a key close."""
    shown = [page.evaluate(INSIDE, number)]
    page.mouse.click(*page.evaluate(PLACE_OF_FOLD, number))
    shown.append(page.evaluate(INSIDE, number))
    page.keyboard.press("Enter")
    shown.append(page.evaluate(INSIDE, number))
    return "" if shown == [False, True, False] else f"fold {number + 1} is open: {shown}"
