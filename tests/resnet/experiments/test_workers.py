"""A grid in many processes: the same numbers, and nothing that outlives it."""

from dataclasses import replace

import pytest
import torch

from resnet.experiments.settings import Setting
from resnet.experiments.workers import run_grid
from tests.support.tiny import small_parts

SMALL = Setting(8, "plain", 0, 0.02, epochs=1, training_images=70)


def test_a_grid_leaves_the_threads_as_they_were_and_says_what_it_ran(monkeypatch):
    small_parts(monkeypatch)
    before = torch.get_num_threads()
    setting = replace(SMALL, seed=3)
    ((found, history),) = run_grid([setting], threads=before + 1)
    assert torch.get_num_threads() == before
    assert found == setting and history.label == setting.arm == "plain-8"
    assert history.settings["seed"] == 3 and history.settings["training_images"] == 70
    assert f"{before + 1} threads" in history.provenance["device"]


def test_a_grid_begins_with_the_longest_run(monkeypatch):
    small_parts(monkeypatch)
    settings = [replace(SMALL, depth=depth) for depth in (8, 20, 14)]
    assert [setting.depth for setting, _ in run_grid(settings)] == [20, 14, 8]


@pytest.mark.slow
def test_a_grid_is_the_same_to_the_last_bit_for_any_number_of_workers():
    settings = [replace(SMALL, block=block) for block in ("plain", "residual")]
    alone, together = (dict(run_grid(settings, workers)) for workers in (1, 2))
    assert set(alone) == set(together) == set(settings)
    for setting in settings:
        one, other = ([{**row, "seconds": None} for row in each[setting].epochs]
                      for each in (alone, together))  # fmt: skip
        assert one == other
    assert len({history.last("training_loss") for history in alone.values()}) == 2


@pytest.mark.slow
def test_a_failing_run_ends_the_grid():
    with pytest.raises(ValueError, match="9"):
        list(run_grid([SMALL, replace(SMALL, depth=9)], workers=2))
