"""The stored runs say what the page says of them, and the engine still makes them."""

import json
import re
import statistics

import pytest
from scipy import stats

from benchmarks.timing import ratios
from resnet.results import stored
from tests.laboratory.test_gradients import engine_of
from tools.engine import Setting
from tools.laboratory_images import images
from tools.laboratory_results import PLANS, STORED, best_rate, kind_of

RUNS = json.loads(STORED.read_text("utf-8"))
QUICK = RUNS["quick"]["networks"]
KINDS = ("plain", "residual")
NETWORKS = PLANS["quick"].networks
SHALLOW, DEEP, _, RESIDUAL = (QUICK[name]["errors"] for name in NETWORKS)


@pytest.mark.parametrize("plan", [name for name in RUNS if name != "provenance"])
def test_the_rate_of_each_network_is_the_best_of_its_sweep(plan: str) -> None:
    assert not set(RUNS[plan]["choosing"]) & set(RUNS[plan]["seeds"])
    for name in PLANS[plan].networks:
        found = RUNS[plan]["networks"][name]
        assert found["rate"] == best_rate(found["sweep"])
        assert set(map(float, found["sweep"])) == set(PLANS[plan].rates)
        assert {len(errors) for errors in found["sweep"].values()} == {len(PLANS[plan].choosing)}
        assert len(found["errors"]) == len(RUNS[plan]["seeds"])


def test_no_rate_of_the_first_setting_is_at_the_edge_of_its_sweep() -> None:
    """Another network would do better beyond it, and the comparison would not be fair."""
    rates = PLANS["quick"].rates
    assert {QUICK[name]["rate"] for name in NETWORKS} <= set(rates[1:-1])


def test_what_the_first_setting_shows_holds_with_nearly_every_seed() -> None:
    """Both ways: depth harms plain networks, and the deep residual one is not worse for it."""
    assert len(SHALLOW) == 20
    assert sum(a < b for a, b in zip(SHALLOW, DEEP, strict=True)) >= 19
    assert sum(a >= b for a, b in zip(SHALLOW, RESIDUAL, strict=True)) >= 19


@pytest.mark.parametrize("name", PLANS["short"].networks)
def test_fit_gives_the_same_errors_in_the_mean(name: str) -> None:
    found = RUNS["short"]["networks"][name]
    assert len(found["fit_errors"]) == 10
    ours, theirs = found["errors"][:10], found["fit_errors"]
    assert stats.ttest_ind(ours, theirs, equal_var=False).pvalue > 0.01


def test_shortcuts_help_the_deep_network_in_the_short_setting_too() -> None:
    plain, residual = (RUNS["short"]["networks"][f"{kind}-32"]["errors"] for kind in KINDS)
    assert sum(a > b for a, b in zip(plain, residual, strict=True)) >= 19


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain-8", "residual-8"])
def test_the_engine_still_makes_the_stored_errors(name: str) -> None:
    engine, pictures, plan = engine_of("float"), images(), PLANS["quick"]
    for seed in range(1, 4):
        size = {"images": plan.images, "epochs": plan.epochs}
        setting = Setting(*kind_of(name), QUICK[name]["rate"], seed, **size)
        found = round(engine.train(setting, *pictures).error, 4)
        assert found == QUICK[name]["errors"][seed - 1]


def test_the_page_says_what_is_stored() -> None:
    page = (STORED.parents[1] / "chapters" / "laboratory.md").read_text("utf-8")
    for name in NETWORKS:
        errors = QUICK[name]["errors"]
        assert f"{100 * sum(errors) / len(errors):.1f}&nbsp;% ({name})" in page
    short = RUNS["short"]["networks"]
    for kind in ("errors", "fit_errors"):
        means = [f"{100 * sum(found[kind]) / len(found[kind]):.1f}" for found in short.values()]
        assert f"{', '.join(means[:3])} and {means[3]}&nbsp;%" in page
    pairs = zip(short["plain-8"]["errors"], short["residual-32"]["errors"], strict=True)
    assert f"with {sum(a >= b for a, b in pairs)} of 20 only" in page
    worse = sum(a < b for a, b in zip(SHALLOW, DEEP, strict=True))
    assert f"with {worse} of 20 seeds plain-20 makes more mistakes than plain-8" in page
    cured = sum(a >= b for a, b in zip(SHALLOW, RESIDUAL, strict=True))
    assert f"with {cured} of 20 residual-20 makes no more" in page


def test_the_page_says_what_patience_does_and_for_it_no_rate_was_at_an_edge() -> None:
    """Where nearly every image is learned a lower rate would show nothing."""
    found = RUNS["patient"]["networks"]
    assert found["plain-32"]["rate"] in PLANS["patient"].rates[1:-1]
    means = {name: statistics.mean(each["errors"]) for name, each in found.items()}
    assert max(error for name, error in means.items() if name != "plain-32") < 0.002
    three = [f"{100 * means[name]:.2f}" for name in ("plain-8", "residual-8", "residual-32")]
    deep = found["plain-32"]["errors"]
    low, middle, high = (f"{100 * x:.1f}" for x in (min(deep), means["plain-32"], max(deep)))
    pairs = zip(found["plain-8"]["errors"], deep, strict=True)
    page = (STORED.parents[1] / "chapters" / "laboratory.md").read_text("utf-8")
    assert f"{three[0]}, {three[1]} and {three[2]}&nbsp;% are wrong" in page
    assert f"{middle}&nbsp;% wrong ({low} to {high})" in page
    assert f"more mistakes than plain-8 with {sum(a < b for a, b in pairs)} of 20 seeds" in page


def test_what_an_experiment_sets_up_is_a_stored_setting_that_the_page_can_show() -> None:
    """Each at the best rate of its sweep; a setting unknown to the page would be ignored."""
    page = (STORED.parents[1] / "chapters" / "laboratory.md").read_text("utf-8")
    bench = (STORED.parent / "page" / "bench.js").read_text("utf-8")
    links = re.findall(r"[?;][ab]=depth(\d+)_skip([01])_rate([\d.]+)_images(\d+)_epochs(\d+)", page)
    assert len(links) == 6
    for depth, skip, rate, count, epochs in links:
        plans = [plan for plan in RUNS.values() if plan.get("images") == int(count)
                 and plan["epochs"] == int(epochs)]  # fmt: skip
        assert plans[0]["networks"][f"{KINDS[int(skip)]}-{depth}"]["rate"] == float(rate)
        for name, value in (("DEPTHS", depth), ("RATES", rate), ("IMAGES", count)):
            assert value in re.search(rf"{name} = \[(.*?)\]", bench)[1].split(", ")


def test_the_page_compares_the_engine_with_libraries_as_measured() -> None:
    page = (STORED.parents[1] / "chapters" / "laboratory.md").read_text("utf-8")
    for depth, times in stored("laboratory")["native"]["laboratory"]["milliseconds"].items():
        here = times["engine in WebAssembly"]
        for name, measured in times.items():
            gain = statistics.median(ratios(measured, here[: len(measured)]))
            words = name + ", as here" * (name == "engine in WebAssembly")
            cells = [f"{x:,.{int(x < 100)}f}" for x in (statistics.median(measured), gain)]
            assert f"| {depth} | {words} | {' | '.join(cells)} |" in page


def test_the_page_says_how_long_a_press_takes_as_measured() -> None:
    page = (STORED.parents[1] / "chapters" / "laboratory.md").read_text("utf-8")
    for name, seconds in stored("pressing")["native"]["pressing"]["seconds"].items():
        digits = 0 if min(seconds) > 10 else 1
        low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
        numbers = [f"{each:.{digits}f}" for each in (middle, low, high)]
        told = "{} s{} ({} to {}, n = {})"
        browser = f" in {name.split()[-1]}" if "quarter" not in name else ""
        assert told.format(numbers[0], browser, *numbers[1:], len(seconds)) in page, name
