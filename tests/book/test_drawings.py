"""The figures as the pages hold them; test_page.py looks at them in a browser."""

from __future__ import annotations

import re

import pytest

from extensions.drawings import COLOURS, in_page
from tests.support.built_book import ROOT, pages, rendered

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


@pytest.mark.slow
@pytest.mark.parametrize("page", pages())
def test_every_picture_is_a_drawing(page: str) -> None:
    assert not rendered(page).select("article.bd-article img")
