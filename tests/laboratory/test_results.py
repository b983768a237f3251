"""The stored runs say what the page says of them, and the engine still makes them."""

import json

import pytest
from scipy import stats

from tests.laboratory.test_gradients import engine_of
from tools.engine import Setting
from tools.laboratory_images import images
from tools.laboratory_results import NETWORKS, PLANS, STORED, best_rate

RUNS = json.loads(STORED.read_text("utf-8"))
QUICK = RUNS["quick"]["networks"]


@pytest.mark.parametrize("plan", [name for name in RUNS if name != "provenance"])
def test_the_rate_of_each_network_is_the_best_of_its_sweep(plan: str) -> None:
    assert not set(RUNS[plan]["choosing"]) & set(RUNS[plan]["seeds"])
    for name in NETWORKS:
        found = RUNS[plan]["networks"][name]
        assert found["rate"] == best_rate(found["sweep"])
        assert set(map(float, found["sweep"])) == set(PLANS[plan].rates)
        assert len(found["errors"]) == len(RUNS[plan]["seeds"])


def test_depth_harms_the_plain_network_and_the_shortcut_helps_the_deep_one() -> None:
    shallow, deep, residual = (QUICK[n]["errors"] for n in ("plain-8", "plain-32", "residual-32"))
    assert len(shallow) == 20
    assert sum(a < b for a, b in zip(shallow, deep, strict=True)) >= 19
    assert sum(a > b for a, b in zip(deep, residual, strict=True)) >= 19


def test_the_deep_residual_network_is_not_worse_than_the_shallow_plain_one() -> None:
    """In the mean of pairs: the 95 % interval stays below two points, of the plain one's fifty."""
    shallow, residual = (QUICK[name]["errors"] for name in ("plain-8", "residual-32"))
    more = [b - a for a, b in zip(shallow, residual, strict=True)]
    assert stats.ttest_1samp(more, 0).confidence_interval(0.95).high < 0.02


@pytest.mark.parametrize("name", NETWORKS)
def test_fit_gives_the_same_errors_in_the_mean(name: str) -> None:
    ours, theirs = QUICK[name]["errors"][:10], QUICK[name]["fit_errors"]
    assert len(theirs) == 10
    assert stats.ttest_ind(ours, theirs, equal_var=False).pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain-8", "residual-8"])
def test_the_engine_still_makes_the_stored_errors(name: str) -> None:
    depth, skip = NETWORKS[name]
    engine, pictures = engine_of("float"), images()
    for seed in range(1, 6):
        setting = Setting(depth, skip, QUICK[name]["rate"], seed)
        found = round(engine.train(setting, *pictures).error, 4)
        assert found == QUICK[name]["errors"][seed - 1]


def test_the_page_says_what_is_stored() -> None:
    page = (STORED.parents[1] / "chapters" / "laboratory.md").read_text("utf-8")
    for name in NETWORKS:
        errors = QUICK[name]["errors"]
        assert f"{100 * sum(errors) / len(errors):.1f}&nbsp;% ({name})" in page
    order = ("plain-8", "plain-32", "residual-8", "residual-32")
    fitted = [f"{100 * sum(QUICK[name]['fit_errors']) / 10:.1f}" for name in order]
    assert f"{', '.join(fitted[:3])} and {fitted[3]}&nbsp;%" in page
    pairs = zip(QUICK["plain-8"]["errors"], QUICK["residual-32"]["errors"], strict=True)
    assert f"with {sum(a >= b for a, b in pairs)} of 20 seeds residual-32" in page
