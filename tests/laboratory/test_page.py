"""The laboratory in the page: nothing trains unasked, a prediction first, and it can be stopped."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.built_book import SHOW_ALL
from tools.engine import SOURCES
from tools.patience import patient

pytestmark = pytest.mark.slow  # needs the rendered book
RUNS = json.loads((SOURCES / "results.json").read_text("utf-8"))
FRONT = "intro.html"
BENCH = "chapters/laboratory.html"
NETWORKS = RUNS["quick"]["networks"]
SHALLOW, DEEP, _, RESIDUAL = NETWORKS
SHORT = "?a=depth8_skip0_rate0.1_epochs6&b=depth8_skip1_rate0.1_epochs6&seed=3"


@pytest.fixture
def page(browser) -> Any:
    page = browser.new_page()
    page.requested = []
    page.on("request", lambda request: page.requested.append(request.url))
    yield page
    page.close()


def finished(page: Any) -> None:
    page.locator("[data-seconds]").wait_for(state="attached", timeout=patient(120_000))
    page.get_by_text("In training").wait_for(state="hidden")


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_nothing_is_loaded_and_nothing_trains_unasked(page: Any, address: str) -> None:
    page.goto(f"{address}/{FRONT}")
    page.locator(".laboratory").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    assert not any("laboratory_parts" in url for url in page.requested)
    assert page.workers == []


def test_the_prediction_comes_before_the_button(page: Any, address: str) -> None:
    page.goto(f"{address}/{FRONT}")
    train = page.get_by_role("button", name="Train four networks")
    assert train.is_disabled()
    assert page.locator(".laboratory .band").count() == 0, "the book's runs would tell"
    assert not page.locator(".laboratory-picture").is_visible(), "its picture would tell"
    page.locator(".laboratory").get_by_label("residual-8").check()
    page.get_by_text("Ready to train.").wait_for()
    assert train.is_enabled()


def test_each_network_is_drawn_with_its_layers_and_shortcuts(page: Any, address: str) -> None:
    page.goto(f"{address}/{FRONT}")
    drawn = page.locator(".laboratory svg.network")
    for number, name in enumerate(NETWORKS):
        kind, depth = name.split("-")
        assert drawn.nth(number).locator("rect").count() == int(depth)
        arcs = drawn.nth(number).locator("path").count()
        assert arcs == (int(depth) // 2 - 1 if kind == "residual" else 0)


def test_four_networks_train_at_one_press(page: Any, address: str) -> None:
    page.goto(f"{address}/{FRONT}")
    page.locator(".laboratory").get_by_label("residual-8").check()
    press(page, "Train four networks")
    finished(page)
    said = page.locator(".laboratory .told").inner_text()
    assert page.locator(".laboratory .band").count() == 4
    for name, network in NETWORKS.items():
        assert f"{name} {100 * network['errors'][0]:.1f}\u00a0%" in said
    assert said.startswith(f"You predicted residual-8; it is {DEEP}.")
    assert f"{DEEP} makes more mistakes than {SHALLOW} in 1 of 1" in said
    first = {name: network["errors"][0] for name, network in NETWORKS.items()}
    assert f"{RESIDUAL} does in {int(first[RESIDUAL] > first[SHALLOW])} of 1" in said
    assert "Seed 1, " in said and "One seed can be an accident" in said


@pytest.mark.parametrize(("chapter", "count"), [("01_degradation", 2), ("02_residual_block", 3)])
def test_networks_train_behind_the_prediction_of_a_chapter(
    chapter: str, count: int, page: Any, address: str
) -> None:
    page.goto(f"{address}/chapters/{chapter}.html")
    assert not page.locator(".laboratory").is_visible()
    page.evaluate(SHOW_ALL)
    page.reload()
    press(page, f"Train {['two', 'three'][count - 2]} networks")
    page.get_by_text(f"In training: 0 of {count}").wait_for()
    press(page, "Stop")
    page.get_by_text("Ready to train.").or_(page.get_by_text("Stopped after")).wait_for()


def test_pairs_are_counted_over_seeds_and_layers_shown(page: Any, address: str) -> None:
    """To a reader who wants no motion, who sees the curves at the end."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{address}/{BENCH}{SHORT}")
    page.get_by_label("the first").check()
    press(page, "Train both")
    finished(page)
    page.wait_for_function("document.querySelectorAll('.laboratory path.line').length > 2")
    first = layers(page, "first step")
    page.get_by_label("while it trains").check()
    page.get_by_text("Size of the gradient, now").wait_for()
    assert len(first) == 4 and not set(first) & set(layers(page, "now"))
    assert re.search(r"the first has the higher error in [01] of 1 pair\.", said(page))
    page.evaluate("document.querySelector('[data-seconds]').removeAttribute('data-seconds')")
    press(page, "Five more seeds")
    finished(page)
    assert re.search(r"higher error in [0-6] of 6 pairs\.", said(page))
    assert re.search(r"plain-8 \d+\.\d\s% \(\d+\.\d\s% to \d+\.\d\s%\)", said(page))


def test_what_is_trained_stays_when_the_other_network_changes(page: Any, address: str) -> None:
    """With the same seeds, so that pairs are pairs, and at the rate of the book's sweep."""
    page.goto(f"{address}/{BENCH}{SHORT}")
    page.get_by_label("the first").check()
    press(page, "Train both")
    finished(page)
    second = page.get_by_role("group", name="Second network")
    second.get_by_label("depth").select_option(label="32 layers")
    chosen = second.get_by_label("peak rate").locator("option:checked").inner_text()
    assert float(chosen) == RUNS["short"]["networks"]["residual-32"]["rate"]
    page.get_by_label("the first").check()
    press(page, "Train both")
    page.get_by_text("In training: 2 of 3").wait_for()
    press(page, "Stop")


def said(page: Any) -> str:
    return page.locator(".laboratory .told").inner_text()


def test_it_stops_and_can_begin_again(page: Any, address: str) -> None:
    page.goto(f"{address}/{BENCH}?a=depth56_skip0_images1000_epochs24")
    page.get_by_label("the first").check()
    press(page, "Train both")
    page.get_by_text("In training: 0 of 2").wait_for()
    page.wait_for_function("document.querySelectorAll('.laboratory path.line').length > 2")
    press(page, "Stop")
    page.get_by_text(re.compile(r"Stopped after \d+ of 480 steps\.")).wait_for()
    assert page.locator(".laboratory path.line").count() > 2, "what was drawn stays"
    for _ in range(300):  # one may still be in the middle of a step
        if page.workers:
            page.wait_for_timeout(patient(100))
    assert page.workers == []


def test_a_link_holds_the_whole_setting(page: Any, address: str) -> None:
    page.goto(f"{address}/{BENCH}")
    first = page.get_by_role("group", name="First network")
    first.get_by_label("depth").select_option(label="56 layers")
    first.get_by_label("batch norm").uncheck()
    page.get_by_label("both train on").select_option(label="1,000 images, 24 epochs")
    page.get_by_label("shuffled labels").check()
    link = page.get_by_role("link", name="Link to this setting").get_attribute("href")
    for part in ("depth56", "norm0", "images1000", "epochs24", "shuffled1", "seed=1"):
        assert part in link
    page.goto(f"{address}{link}")
    assert (
        page.get_by_role("group", name="First network").get_by_label("depth").input_value() == "4"
    )
    assert page.get_by_label("shuffled labels").is_checked()


def test_an_address_that_makes_no_sense_is_not_trained(page: Any, address: str) -> None:
    page.goto(f"{address}/{BENCH}?a=depth999999_rate7&b=%00")
    assert (
        page.get_by_role("group", name="First network").get_by_label("depth").input_value() == "2"
    )


def test_without_webassembly_a_sentence_and_the_stored_runs(browser, address: str) -> None:
    page = browser.new_page()
    page.add_init_script("delete window.WebAssembly")
    page.goto(f"{address}/{FRONT}")
    page.get_by_text("This browser has no WebAssembly").wait_for()
    assert page.locator(".laboratory-picture").is_visible()
    page.close()


def test_without_scripts_the_sentence_stays(browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{FRONT}")
    assert page.locator("[data-laboratory]").is_visible()
    assert_all_stored_runs_are_drawn(page.locator(".laboratory-picture"))
    context.close()


def test_paper_has_the_picture_of_the_stored_runs(page: Any, address: str) -> None:
    page.goto(f"{address}/{FRONT}")
    page.locator(".laboratory").wait_for()
    page.emulate_media(media="print")
    assert not page.locator(".laboratory").is_visible()
    assert_all_stored_runs_are_drawn(page.locator(".laboratory-picture"))


def assert_all_stored_runs_are_drawn(picture: Any) -> None:
    assert picture.is_visible()
    assert picture.locator("circle").count() == sum(len(n["errors"]) for n in NETWORKS.values())
    for name, network in NETWORKS.items():
        mean = sum(network["errors"]) / len(network["errors"])
        assert f"{name} {100 * mean:.1f}%" in picture.get_attribute("aria-label")


def layers(page: Any, when: str) -> list[str]:
    """The lines of the two charts by layer, two networks each, as they are drawn."""
    page.locator(".panels svg .title").get_by_text(f"Size of the gradient, {when}").wait_for()
    charts = page.locator(".panels svg").filter(has_text="layer, from the image")
    return charts.locator("path.line").evaluate_all(
        "lines => lines.map((line) => line.getAttribute('d'))"
    )


def test_all_of_it_is_small() -> None:
    from tests.support.built_book import html_folder

    static = Path(html_folder()) / "_static"
    names = ("laboratory_parts.js", "laboratory.js", "laboratory.css")
    sizes = [len(gzip.compress((static / name).read_bytes())) for name in names]
    assert sum(sizes) <= 100_000, dict(zip(names, sizes, strict=True))
