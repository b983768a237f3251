"""The stored runs say what the page says of them, and the engine still makes them."""

import json

import pytest
from scipy import stats

from tests.laboratory.test_gradients import engine_of
from tools.engine import Setting
from tools.laboratory_images import images
from tools.laboratory_results import PLANS, STORED, best_rate, kind_of

RUNS = json.loads(STORED.read_text("utf-8"))
QUICK = RUNS["quick"]["networks"]
NETWORKS = PLANS["quick"].networks
SHALLOW, DEEP, _, RESIDUAL = (QUICK[name]["errors"] for name in NETWORKS)


@pytest.mark.parametrize("plan", [name for name in RUNS if name != "provenance"])
def test_the_rate_of_each_network_is_the_best_of_its_sweep(plan: str) -> None:
    assert not set(RUNS[plan]["choosing"]) & set(RUNS[plan]["seeds"])
    for name in PLANS[plan].networks:
        found = RUNS[plan]["networks"][name]
        assert found["rate"] == best_rate(found["sweep"])
        assert found["rate"] not in (min(PLANS[plan].rates), max(PLANS[plan].rates)), "too narrow"
        assert set(map(float, found["sweep"])) == set(PLANS[plan].rates)
        assert {len(errors) for errors in found["sweep"].values()} == {len(PLANS[plan].choosing)}
        assert len(found["errors"]) == len(RUNS[plan]["seeds"])


def test_what_the_first_setting_shows_holds_with_nearly_every_seed() -> None:
    """Both ways: depth harms plain networks, and the deep residual one is not worse for it."""
    assert len(SHALLOW) == 20
    assert sum(a < b for a, b in zip(SHALLOW, DEEP, strict=True)) >= 19
    assert sum(a >= b for a, b in zip(SHALLOW, RESIDUAL, strict=True)) >= 19


@pytest.mark.parametrize("name", NETWORKS)
def test_fit_gives_the_same_errors_in_the_mean(name: str) -> None:
    ours, theirs = QUICK[name]["errors"][:10], QUICK[name]["fit_errors"]
    assert len(theirs) == 10
    assert stats.ttest_ind(ours, theirs, equal_var=False).pvalue > 0.01


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
    order = ("plain-8", "plain-32", "residual-8", "residual-32")
    fitted = [f"{100 * sum(QUICK[name]['fit_errors']) / 10:.1f}" for name in order]
    assert f"{', '.join(fitted[:3])} and {fitted[3]}&nbsp;%" in page
    pairs = zip(QUICK["plain-8"]["errors"], QUICK["residual-32"]["errors"], strict=True)
    assert f"with {sum(a >= b for a, b in pairs)} of 20 seeds residual-32" in page
