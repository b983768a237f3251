"""Learning rates in doubt: at the edge of their sweep, for another length, or all diverged."""

from dataclasses import replace

import pytest

from resnet.experiments import sweeps
from resnet.runs import StoredRun, stored_runs

SETTING = {
    "depth": 8, "block": "plain", "seed": 0, "learning_rate": 0.1, "epochs": 6, "batch_size": 64,
    "training_images": 5_000, "batch_norm": True, "data": "embedded",
}  # fmt: skip


def run(rate, result=None, **setting):
    words = {**SETTING, "learning_rate": rate, **setting}
    return StoredRun(words, result or {"training_error": 0.1}, 1.0, "", {})


@pytest.fixture
def swept(monkeypatch):
    """Three rates of plain-8, and larger ones of the same network without batch norm."""
    held = [run(rate) for rate in (0.05, 0.1, 0.2)]
    held += [run(rate, {"diverged": True}, batch_norm=False) for rate in (0.2, 0.4)]
    monkeypatch.setattr(sweeps, "stored_runs", lambda name: held if name == "middle-rates" else [])


@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (run(0.1), ""),
        (run(0.05), "has a rate from the edge of its sweep"),
        (run(0.2), "has a rate from the edge of its sweep"),
        (run(0.1, epochs=48), "has a rate chosen for 6 epochs"),
        (run(0.2, batch_norm=False), "diverged at every rate of its sweep"),
        (run(0.2, depth=20), ""),
        (run(0.2, stem_strides=4), ""),
    ],
)
def test_what_is_in_doubt_about_a_rate(chosen, words):
    assert sweeps.doubt(chosen) == words


@pytest.mark.usefixtures("swept")
def test_each_network_is_named_once():
    runs = [run(0.2), replace(run(0.2), date="later"), run(0.1, epochs=48)]
    assert sweeps.doubts(runs[:2]) == ("plain-8 has a rate from the edge of its sweep",)
    assert sweeps.doubts([run(0.1)]) == ()


def test_the_chapters_own_rates_are_of_their_own_sweep():
    """Of the three rates, 0.02 to 0.1, that learning_rates.json holds."""
    found = {one.arm: sweeps.doubt(one) for one in stored_runs("live")}
    edges = {arm for arm, words in found.items() if "edge of its sweep" in words}
    assert edges == {"plain-8", "plain-56", "residual-56"}
    assert all(words == "" for arm, words in found.items() if arm not in edges)
