"""The figures on their pages: in the page's colours, never too small to read, and whole."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image

from extensions.drawings import COLOURS, in_page
from tests.support.built_book import ROOT, SHOW_ALL, chapters, pages, rendered

WIDE, PHONE = 1280, 360
MODES = [(scheme, width) for scheme in ("light", "dark") for width in (WIDE, PHONE)]
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 100" style="x: y">'
    '<path d="M 0 0" style="fill: #ffffff" /><defs><path id="m1" d="M 0 0" /></defs>'
    '<use href="#m1" style="fill: {colour}" /><g clip-path="url(#m1)" />'
    '<text style="font-size: 10px">a &lt; b</text></svg>'
)


def drawing(width: int = 300, colour: str = "#175f9e") -> str:
    return in_page(SVG.format(width=width, colour=colour), 'what "one" sees')


def test_a_drawing_says_what_one_sees_and_has_no_ground_of_its_own() -> None:
    assert 'role="img"' in drawing() and 'aria-label="what &quot;one&quot; sees"' in drawing()
    assert "--drawn-ground" not in drawing() and "a &lt; b" in drawing()


def test_its_colours_are_those_of_the_page() -> None:
    assert "fill: var(--drawn-residual)" in drawing() and "#175f9e" not in drawing()
    with pytest.raises(ValueError, match="#123456"):
        drawing(colour="#123456")


def test_its_parts_have_names_that_no_other_drawing_has() -> None:
    one, other = drawing(), drawing(colour="#c2530a")
    for html in (one, other):
        (name,) = re.findall(r'id="([\w-]+)"', html)
        assert f'href="#{name}"' in html and f"url(#{name})" in html
    assert re.findall(r'id="(.+?)"', one) != re.findall(r'id="(.+?)"', other)


@pytest.mark.parametrize(("width", "by_key"), [(360, False), (370, True)])
def test_only_what_does_not_fit_a_phone_scrolls(width: int, by_key: bool) -> None:
    assert f"min-width: {9 * width / 10:.0f}px" in drawing(width)
    assert ("tabindex" in drawing(width)) == by_key


def test_each_colour_has_a_value_on_the_page() -> None:
    css = (ROOT / "_static" / "drawings.css").read_text("utf-8")
    assert set(re.findall(r"--drawn-([\w-]+):", css)) == set(COLOURS.values())


READ = """() => [...document.querySelectorAll('article .drawing')].map(frame => {
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


@pytest.fixture(scope="module", params=[*chapters(), pages()[0]])
def seen(request: pytest.FixtureRequest, browser: Any, address: str) -> dict:
    """What a page's drawings look like in both schemes at two widths, and their pictures."""
    found, page = {}, browser.new_page(viewport={"width": WIDE, "height": 900})
    page.add_init_script(SHOW_ALL)
    page.goto(f"{address}/{request.param}.html", wait_until="load")
    page.add_style_tag(content=".is-live > .drawing { display: block !important }")
    for scheme, width in MODES:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found[scheme, width] = page.evaluate(READ)
        if width == PHONE:
            frames = page.locator("article .drawing").all()
            found[scheme] = [Image.open(io.BytesIO(f.screenshot())) for f in frames]
    page.close()
    return found


@pytest.mark.slow
def test_no_letter_is_too_small(seen: dict) -> None:
    for mode in MODES:
        assert seen[mode], mode
        for drawing in seen[mode]:
            small = [each for each in drawing["letters"] if each["size"] < 8.99]
            assert drawing["letters"] and not small, (mode, drawing["alt"], small)


@pytest.mark.slow
def test_no_word_is_cut_off(seen: dict) -> None:
    for mode in MODES:
        cut = [
            each["words"] for drawing in seen[mode] for each in drawing["letters"] if each["cut"]
        ]
        assert cut == [], mode


@pytest.mark.slow
def test_words_stand_out_from_the_ground_of_the_page(seen: dict) -> None:
    for mode in MODES:
        for drawing in seen[mode]:
            for each in drawing["letters"]:
                assert contrast(each["colour"], drawing["ground"]) > 4.5, (mode, each)


@pytest.mark.slow
def test_no_drawing_is_a_slab_of_another_colour_than_the_page(seen: dict) -> None:
    for scheme in ("light", "dark"):
        for picture, drawing in zip(seen[scheme], seen[scheme, PHONE], strict=True):
            shades = picture.convert("RGB").getcolors(picture.width * picture.height)
            count, commonest = max(shades)
            assert list(commonest) == drawing["ground"], (scheme, drawing["alt"])
            assert count > 0.3 * picture.width * picture.height


@pytest.mark.slow
def test_what_scrolls_is_reached_by_key(seen: dict) -> None:
    for mode in MODES:
        for drawing in seen[mode]:
            assert drawing["tab"] == 0 or not drawing["scrolls"], (mode, drawing["alt"])


@pytest.mark.slow
@pytest.mark.parametrize("page", chapters())
def test_a_picture_stands_in_the_first_screen(page: str, browser: Any, address: str) -> None:
    opened = browser.new_page(viewport={"width": WIDE, "height": 900})
    opened.goto(f"{address}/{page}.html", wait_until="load")
    first = opened.locator("article .drawing").first.bounding_box()
    opened.close()
    assert first["y"] + first["height"] <= 900


@pytest.mark.slow
@pytest.mark.parametrize("page", pages())
def test_every_picture_is_a_drawing(page: str) -> None:
    assert not rendered(page).select("article.bd-article img")


def contrast(one: list[int], other: list[int]) -> float:
    """Between two colours, as WCAG defines it."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: list[int]) -> float:
    parts = [value / 255 for value in colour]
    parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
