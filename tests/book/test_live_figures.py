"""The figures that answer the reader: by mouse, keys and touch, and pictures where they cannot."""

from __future__ import annotations

import json
import math
import re
from itertools import combinations
from statistics import fmean
from typing import Any

import pytest

from extensions import live_figures, live_numbers
from resnet.experiments.effects import ends as ends_of
from resnet.experiments.effects import path_length
from resnet.results import paired_interval
from resnet.runs import select, stored_runs
from tests.support.built_book import SHOW_ALL, chapters, html_folder, pages
from tests.support.colours import contrast
from tests.support.live_figures import numbers, page_of, percent, press, said
from tests.support.visits import without_formulas

pytestmark = pytest.mark.slow  # needs the rendered book
KINDS = [figure.kind for figure in live_figures.FIGURES]
PICTURED = [figure.kind for figure in live_figures.FIGURES if figure.place.startswith("#")]
LARGEST_PAGE_SHARE = 300_000  # bytes that live figures may add to a page


def test_every_chapter_on_resnets_has_one_and_each_stands_on_one_page() -> None:
    places = {kind: page_of(kind) for kind in KINDS}
    assert set(places.values()) == set(chapters()) - {"chapters/measured"}


def test_the_figures_of_a_page_are_light() -> None:
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
    assert "Your points rise with depth, as the measured ones do: by 60 points" in said(figure)
    means = [fmean(ends("plain", depth)) for depth in (8, 20, 32, 56)]
    away = fmean(abs(guess - mean) for guess, mean in zip((0.3, 0.3, 0.3, 0.9), means, strict=True))
    assert f"On average they are {100 * away:.1f} points away, with 0 of 4" in said(figure)
    other = figure.page.locator("#fig-depth .mark.guess")
    assert other.count() == 4, "the points stand beside all depths, too"
    press(figure.page.locator("#fig-depth").get_by_label("test error"))
    assert other.count() == 0, "the reader was asked for training errors"


def test_a_point_is_dragged_and_its_slider_goes_along(shown: Any) -> None:
    figure = shown("guess")
    figure.locator(".handle").nth(2).scroll_into_view_if_needed()
    mouse, box = figure.page.mouse, figure.locator(".handle").nth(2).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x + 5, y + 5)
    mouse.down()
    mouse.move(x, y - 40, steps=4)
    mouse.up()
    mouse.move(x, y + 40)
    value = int(figure.get_by_role("slider").nth(2).input_value())
    assert 35 < value < 80
    assert f"8 layers 30 %, 20 layers 30 %, 32 layers {value} %, 56 layers 30 %" in said(figure)


@pytest.mark.parametrize(
    ("guesses", "says"),
    [
        ((0.3, 0.3, 0.3, 0.3), "Your points stay level with depth; the measured ones rise by"),
        ((0.3, 0.2, 0.1, 0.1), "Your points fall with depth; the measured ones rise by"),
        ((0.05, 0.07, 0.09, 0.3), "with 3 of 4 inside the range of the seeds or"),
        ((0.05, 0.07, 0.09, 0.17), "On average they are 0.2 points away, with 4 of 4 inside"),
    ],
)
def test_a_locked_guess_is_commented_on(
    guesses: tuple[float, ...], says: str, browser: Any, address: str
) -> None:
    page = browser.new_page()
    without_formulas(page)
    page.goto(f"{address}/{page_of('guess')}.html", wait_until="load")
    figure = page.get_by_role("group", name="Place your points", exact=True)
    for slider, guess in zip(figure.get_by_role("slider").all(), guesses, strict=True):
        slider.fill(str(round(100 * guess)))
    figure.get_by_role("button").click()
    assert says in said(figure)
    page.close()


def test_blocks_are_taken_out_and_put_back(shown: Any) -> None:
    figure = shown("remove")
    runs = stored_runs("subsets")
    blocks = figure.get_by_role("group", name="Take out").get_by_role("button")
    assert blocks.count() == 7
    whole = said(figure)
    for out in ("", "3", "3 5"):
        for arm in ("plain", "residual"):
            mean = fmean(run.result["error"][out] for run in select(runs, block=arm))
            assert f"{arm} {percent(mean)}" in said(figure), out
        press(blocks.nth(5 if out else 3))
    assert blocks.nth(3).get_attribute("aria-pressed") == "true"
    press(figure.get_by_role("button", name="Put all back"))
    assert said(figure) == whole and blocks.nth(3).get_attribute("aria-pressed") == "false"
    blocks.nth(0).press("Space")
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


def test_a_network_is_chosen_and_so_is_its_cost(shown: Any) -> None:
    figure = shown("published")
    slider, networks = figure.get_by_role("slider"), live_numbers.published()["networks"]
    standard = next(each for each in networks if each["name"] == "ResNet-50")
    assert said(figure).endswith("The others are compared with this one.")
    slider.press("Home")
    first = networks[0]
    measures = {"multiply-adds": "work", "parameters": "parameters", "depth": "layers"}
    for measure, key in measures.items():
        press(figure.get_by_label(measure))
        times, gain = first[key] / standard[key], first["accuracy"] - standard["accuracy"]
        assert f"{gain:+.1f} points for {times:.2f} times the {measure}." in plain(said(figure))
    slider.press("End")
    assert said(figure).startswith("ResNeXt 101, recipe V2: 82.8 % with 16.414 billion")


def plain(words: str) -> str:
    return words.replace("\u2212", "-")


KINDS_OF_BLOCK = {
    "shortcuts": (live_numbers.SHORTCUTS, "variants", (20, 56)),
    "insides": (live_numbers.INSIDES, "variants", (20, 56)),
    "transformers": (live_numbers.TRANSFORMERS, "transformers", (2, 12)),
}


@pytest.mark.parametrize("kind", KINDS_OF_BLOCK)
def test_two_kinds_of_block_are_compared_seed_by_seed(kind: str, shown: Any) -> None:
    figure, (blocks, grid, depths) = shown(kind), KINDS_OF_BLOCK[kind]
    first, second = (figure.get_by_label(label) for label in ("First", "Second"))
    for names in combinations(blocks, 2):
        first.select_option(names[0])
        second.select_option(names[1])
        for depth in depths:
            press(figure.get_by_label(str(depth), exact=True))
            for error in ("training_error", "validation_error"):
                press(figure.get_by_label(error.replace("_", " ")))
                found = [ends_of(grid, error, block=blocks[name], depth=depth) for name in names]
                for name, each in zip(names, found, strict=True):
                    assert f"{name} {percent(fmean(each.values()))}" in said(figure)
                mean, half = paired_interval(found[1], found[0])
                low, high = mean - half, mean + half
                numbers = (f"{100 * value:+.2f}" for value in (mean, low, high))
                says = "{} points, 95 % interval {} to {}.".format(*numbers)
                assert plain(said(figure)).endswith(says), (names, depth, error)
    second.select_option(names[0])
    assert said(figure).endswith("Choose two kinds that differ.")


@pytest.mark.parametrize("kind", PICTURED)
def test_without_scripts_and_on_paper_the_picture_stands_there(
    kind: str, browser: Any, address: str
) -> None:
    place = next(figure.place for figure in live_figures.FIGURES if figure.kind == kind)
    for scripts in (False, True):
        page = browser.new_page(java_script_enabled=scripts)
        page.add_init_script(SHOW_ALL)
        without_formulas(page)
        page.goto(f"{address}/{page_of(kind)}.html", wait_until="load")
        picture, live = page.locator(f"{place} .drawing"), page.locator(f"{place} .live-figure")
        assert picture.is_visible() != scripts
        assert page.locator(f"{place} .caption-text").is_visible() != scripts
        assert live.count() == int(scripts)
        page.emulate_media(media="print")
        assert picture.is_visible() and not (scripts and live.is_visible())
        assert page.locator(f"{place} .caption-text").is_visible()
        assert not page.locator(f"{place} .caption-live").is_visible()
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_arms_stand_out_from_the_ground(scheme: str, browser: Any, address: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    without_formulas(page)
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
    ground = colours.pop("--pst-color-background")
    assert [name for name, each in colours.items() if contrast(each, ground) <= 4.5] == []
    page.close()
