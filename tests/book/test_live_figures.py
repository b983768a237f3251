"""The figures that answer the reader: by mouse, keys and touch, and pictures where they cannot."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import combinations
from statistics import fmean
from typing import Any

import pytest

from extensions import live_figures
from resnet.experiments.effects import path_length
from resnet.runs import select, stored_runs
from tests.support.built_book import SHOW_ALL, html_folder, pages
from tools.patience import patient

pytestmark = pytest.mark.slow  # needs the rendered book
DATA = re.compile(r'<script type="application/json" class="live-figure-data">(.+?)</script>')
KINDS = [figure.kind for figure in live_figures.FIGURES]
LARGEST_PAGE_SHARE = 300_000  # bytes that live figures may add to a page


def numbers(page: str) -> dict[str, dict]:
    """What a page holds for its live figures, by kind."""
    html = (html_folder() / f"{page}.html").read_text(encoding="utf-8")
    return {held["kind"]: held for held in map(json.loads, DATA.findall(html))}


def page_of(kind: str) -> str:
    (page,) = (page for page in pages() if kind in numbers(page))
    return page


@pytest.fixture(params=[1280, 360])
def shown(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Any]:
    """Opens the page of a live figure with all outcomes open, wide or on a phone."""
    touch = request.param == 360
    viewport = {"width": request.param, "height": 800}
    context = browser.new_context(viewport=viewport, has_touch=touch, reduced_motion="reduce")
    context.set_default_timeout(patient(15_000))
    context.add_init_script(SHOW_ALL)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    def show(kind: str) -> Any:
        page.goto(f"{address}/{page_of(kind)}.html", wait_until="load")
        legend = next(each.legend for each in live_figures.FIGURES if each.kind == kind)
        figure = page.get_by_role("group", name=legend, exact=True)
        figure.press_with = (
            (lambda target: target.tap()) if touch else (lambda target: target.click())
        )
        return figure

    yield show
    context.close()
    assert faults == []


def press(target: Any) -> None:
    """By finger on a phone, by mouse elsewhere."""
    if target.page.evaluate("navigator.maxTouchPoints"):
        target.tap()
    else:
        target.click()


def said(figure: Any) -> str:
    return figure.get_by_role("status").inner_text().replace("\u00a0", " ")


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def test_each_figure_stands_on_one_page_and_is_light() -> None:
    code = sum(path.stat().st_size for path in (html_folder() / "_static").glob("live_figures.*"))
    for page in pages():
        held = sum(len(json.dumps(each)) for each in numbers(page).values())
        assert code + held <= LARGEST_PAGE_SHARE


def ends(arm: str, depth: int, name: str = "training_error") -> list[float]:
    return [run.last(name) for run in select(stored_runs("depth"), block=arm, depth=depth)]


def test_the_depth_is_chosen_by_keys_and_the_measure_by_hand(shown: Any) -> None:
    figure = shown("depth")
    slider = figure.get_by_role("slider")
    depths = numbers(page_of("depth"))["depth"]["depths"]
    for depth in reversed(depths):
        for arm in ("plain", "residual"):
            assert f"{arm} {percent(fmean(ends(arm, depth)))}" in said(figure)
        assert slider.get_attribute("aria-valuetext") == f"{depth} layers"
        slider.press("ArrowLeft")
    assert said(figure).startswith(f"{depths[0]} layers")
    press(figure.get_by_label("test error"))
    assert f"plain {percent(fmean(ends('plain', 8, 'test_error')))}" in said(figure)
    press(slider)  # in its middle
    assert said(figure).startswith(f"{depths[len(depths) // 2]} layers")


def test_the_reader_places_points_before_the_measured_ones_appear(shown: Any) -> None:
    figure = shown("guess")
    assert "Measured" not in said(figure) and figure.locator(".mark.plain").count() == 0
    figure.get_by_role("slider").nth(3).press("End")
    assert "56 layers 90 %" in said(figure)
    press(figure.get_by_role("button"))
    for depth in (8, 20, 32, 56):
        assert f"{depth} layers {percent(fmean(ends('plain', depth)))}" in said(figure)
    assert figure.locator(".mark.plain").count() == 4 * (5 + 1)
    other = figure.page.locator("#fig-depth .mark.guess")
    assert other.count() == 4, "the points stand beside all depths, too"


def test_blocks_are_taken_out_and_put_back(shown: Any) -> None:
    figure = shown("remove")
    runs = stored_runs("subsets")
    boxes = figure.get_by_role("checkbox")
    whole = said(figure)
    for out in ("", "3", "3 5"):
        for arm in ("plain", "residual"):
            mean = fmean(run.result["error"][out] for run in select(runs, block=arm))
            assert f"{arm} {percent(mean)}" in said(figure), out
        press(boxes.nth(5 if out else 3))
    press(figure.get_by_role("button"))
    assert said(figure) == whole and not boxes.nth(3).is_checked()
    boxes.nth(0).press("Space")
    assert said(figure).startswith("Without stage 1, block 1:")


def test_every_subset_of_the_blocks_is_there() -> None:
    held = numbers(page_of("remove"))["remove"]
    places = range(len(held["blocks"]))
    every = {" ".join(map(str, out)) for k in range(8) for out in combinations(places, k)}
    assert all(set(arm) == every for arm in held["arms"].values()) and len(every) == 128


def test_paths_grow_longer_with_depth_and_their_gradients_less_so(shown: Any) -> None:
    figure = shown("paths")
    runs = select(stored_runs("inside"), block="residual", depth=56)
    for words, power in (("if all agree", 1.0), ("if none do", 0.5)):
        mean = fmean(path_length(run.result["path_gradient"], power) for run in runs)
        assert re.search(rf"{mean:.1f} \([\d.]+ to [\d.]+\) {words}", said(figure))
    slider = figure.get_by_role("slider")
    slider.press("Home")
    assert "3 blocks, 8 paths (bars), 1.5 blocks long on average." in said(figure)
    assert figure.locator(".bar.paths").count() == 4
    slider.press("End")
    assert f"54 blocks, {2**54:,} paths" in said(figure)
    heights = [float(bar.get_attribute("height")) for bar in figure.locator(".bar.paths").all()]
    shares = [math.comb(54, m) for m in range(55)]
    assert heights[20] / heights[27] == pytest.approx(shares[20] / shares[27])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "guess"])
def test_without_scripts_and_on_paper_the_picture_stands_there(
    kind: str, browser: Any, address: str
) -> None:
    place = next(figure.place for figure in live_figures.FIGURES if figure.kind == kind)
    for scripts in (False, True):
        page = browser.new_page(java_script_enabled=scripts)
        page.add_init_script(SHOW_ALL)
        page.goto(f"{address}/{page_of(kind)}.html", wait_until="load")
        picture, live = page.locator(f"{place} .drawing"), page.locator(f"{place} .live-figure")
        assert picture.is_visible() != scripts
        assert live.count() == int(scripts)
        page.emulate_media(media="print")
        assert picture.is_visible() and not (scripts and live.is_visible())
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_arms_stand_out_from_the_ground(scheme: str, browser: Any, address: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"{address}/{page_of('paths')}.html", wait_until="load")
    colours = page.evaluate("""() => {
        const drawn = document.createElement('canvas').getContext('2d')
        const rgb = colour => {
            drawn.fillStyle = colour
            drawn.fillRect(0, 0, 1, 1)
            return [...drawn.getImageData(0, 0, 1, 1).data].slice(0, 3)
        }
        const style = getComputedStyle(document.documentElement)
        return Object.fromEntries(['--pst-color-background', '--arm-plain', '--arm-residual',
            '--arm-grown'].map(name => [name, rgb(style.getPropertyValue(name))]))
    }""")
    ground = luminance(colours.pop("--pst-color-background"))
    for name, colour in colours.items():
        low, high = sorted((ground, luminance(colour)))
        assert (high + 0.05) / (low + 0.05) > 4.5, name
    page.close()


def luminance(colour: list[int]) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [part / 255 for part in colour]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
