"""The pages in a real browser: light and dark, on a wide screen and on a phone."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.built_book import SHOW_ALL, chapters, html_folder, pages
from tests.support.colours import contrast
from tests.support.visits import BETWEEN, PHONE, SCHEMES, WIDE, Visit, visited
from tools.patience import patient

pytestmark = pytest.mark.slow  # needs the rendered book


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    """One for all pages, so that what they share is fetched once."""
    opened = browser.new_context(color_scheme="light", reduced_motion="reduce")
    opened.set_default_timeout(patient(15_000))
    opened.add_init_script(SHOW_ALL)
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=pages())
def visit(request: pytest.FixtureRequest, context: Any, address: str) -> Iterator[Visit]:
    page = context.new_page()
    yield visited(request.param, page, address)
    page.close()


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


def test_no_letter_of_a_drawing_is_too_small_or_cut_off(visit: Visit) -> None:
    for mode, drawings in visit.drawings.items():
        assert drawings or visit.page not in (*chapters(), pages()[0]), mode
        assert all(drawing["letters"] for drawing in drawings), mode
    assert [each for each in visit.letters() if each["size"] < 8.99 or each["cut"]] == []


def test_words_of_a_drawing_stand_out_from_the_ground_of_the_page(visit: Visit) -> None:
    faint = [e for e in visit.letters() if contrast(e["colour"], e["ground"]) <= 4.5]
    assert faint == []


def test_no_drawing_is_a_slab_of_another_colour_than_the_page(visit: Visit) -> None:
    for scheme in SCHEMES:
        pairs = zip(visit.pictures[scheme], visit.drawings[scheme, PHONE], strict=True)
        for picture, drawing in pairs:
            shades = picture.convert("RGB").getcolors(picture.width * picture.height)
            count, commonest = max(shades)
            assert list(commonest) == drawing["ground"], (scheme, drawing["alt"])
            assert count > 0.3 * picture.width * picture.height


def test_a_drawing_that_scrolls_is_reached_by_key(visit: Visit) -> None:
    for mode, drawings in visit.drawings.items():
        assert [d["alt"] for d in drawings if d["scrolls"] and d["tab"]] == [], mode


def test_a_picture_stands_in_the_first_screen(visit: Visit) -> None:
    if visit.page in chapters():
        assert visit.first_picture_ends <= 900
