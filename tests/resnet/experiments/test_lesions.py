"""What is found inside trained networks, on networks and images small enough for a moment."""

import itertools
from dataclasses import replace

import pytest

from resnet import probes
from resnet.experiments import lesions as inside
from resnet.experiments import settings
from resnet.experiments.settings import Setting
from resnet.training import evaluate
from tests.support.tiny import plain_numbers, small_parts

SMALL = Setting(8, "residual", 0, 0.05, epochs=1, training_images=130)


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    small_parts(monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(("block", "paths"), [("plain", False), ("residual", True)])
def test_lesions_and_landscapes(monkeypatch, block, paths):
    setting = replace(SMALL, depth=14, block=block)
    monkeypatch.setattr(inside, "PROBED_IMAGES", 64)
    monkeypatch.setattr(inside, "landscape", lambda *_: {})
    found = inside.inside(setting)
    assert plain_numbers(found)
    assert ("path_gradient" in found) == paths
    model, history = settings.trained(setting)
    _, watched = settings.grid_images(setting)
    assert set(found["removed"]) == {"stage1.0", "stage1.1", "stage2.1", "stage3.1"}
    cut = probes.without_blocks(model, ["stage2.1"])
    assert found["removed"]["stage2.1"] == evaluate(cut, watched).error
    training, _ = settings.grid_images(setting)
    probes.renew_batch_norm(cut, training.subset(slice(500)))
    assert found["removed_renewed"]["stage2.1"] == evaluate(cut, watched).error
    swapped = probes.with_swapped_blocks(model, "stage1.0", "stage1.1")
    assert found["swapped"] == {"stage1.0 stage1.1": evaluate(swapped, watched).error}
    assert list(found["several_removed"]) == ["1", "2", "3", "4"]
    few = watched.subset(slice(500))
    errors = [
        evaluate(probes.without_blocks(model, [name]), few).error for name in found["removed"]
    ]
    assert set(found["several_removed"]["1"]) <= set(errors)
    assert len(set(found["several_removed"]["4"])) == 1, "there is one way to take all of them"
    assert found["validation_error"] == history.last("validation_error")
    if paths:
        assert [len(norms) for norms in found["path_gradient"].values()] == [10] * 7


@pytest.mark.slow
def test_the_middle_of_a_landscape_is_the_trained_network():
    model, _ = settings.trained(SMALL)
    training, _ = settings.grid_images(SMALL)
    few = training.subset(slice(20))
    found = inside.landscape(model, few, seed=0)
    assert [len(losses) for losses in found["slices"]] == [41] * 3
    here = pytest.approx(evaluate(model, few).loss, rel=1e-4)
    assert all(losses[20] == here for losses in found["slices"])
    second = probes.filter_normalised_direction(model, 1)
    (end,) = probes.moved(model, [second], [(1.0,)])
    assert found["slices"][1][40] == pytest.approx(evaluate(end, few).loss, rel=1e-4)


def test_every_subset_is_there_once_and_the_empty_one_is_the_whole_network():
    setting = replace(SMALL, depth=14)
    found = inside.every_subset(setting)
    assert plain_numbers(found["error"])
    assert found["blocks"] == ["stage1.0", "stage1.1", "stage2.1", "stage3.1"]
    subsets = [out for count in range(5) for out in itertools.combinations("0123", count)]
    assert list(found["error"]) == [" ".join(out) for out in subsets]
    model, history = settings.trained(setting)
    assert found["error"][""] == history.last("validation_error")
    _, watched = settings.grid_images(setting)
    cut = probes.without_blocks(model, ["stage1.1", "stage3.1"])
    assert found["error"]["1 3"] == evaluate(cut, watched).error
