"""The budget, and the images it names."""

import dataclasses

import pytest
import torch

from resnet import experiments
from resnet.budgets import CPU, GPU, budget, images
from resnet.experiments.settings import Setting
from resnet.experiments.workers import run_grid
from tests.support.tiny import image_set


@pytest.mark.parametrize(("present", "expected"), [(False, CPU), (True, GPU)])
def test_the_machine_decides(monkeypatch, present, expected):
    monkeypatch.delenv("RESNET_BUDGET", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    assert budget() == expected


def test_the_environment_overrides_and_a_name_overrides_both(monkeypatch):
    monkeypatch.setenv("RESNET_BUDGET", "gpu")
    assert budget() == GPU
    assert budget("cpu") == CPU


def test_unknown_budgets_are_refused_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("RESNET_BUDGET", "huge")
    with pytest.raises(ValueError, match="unknown budget 'huge'.*cpu, gpu"):
        budget()


def test_a_budget_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CPU.depth_epochs = 1


def test_on_the_cpu_images_and_precision_do_not_depend_on_the_machine(monkeypatch):
    monkeypatch.setenv("RESNET_DATA", "a folder that is not there")
    monkeypatch.setattr(experiments, "load_fashion_mnist", None)
    assert (CPU.device, CPU.precision) == ("cpu", "float32")
    training, validation, test = images(CPU)
    assert (len(training), len(validation)) == (CPU.training_images, CPU.validation_images)
    assert len(test) == 2000
    again = images(CPU)
    assert torch.equal(training.images, again[0].images)
    seen = {image.numpy().tobytes() for image in training.images}
    assert not any(image.numpy().tobytes() in seen for image in validation.images)


def test_on_a_gpu_all_images_are_taken(monkeypatch):
    whole = (image_set(60), image_set(20, seed=1))
    monkeypatch.setattr(experiments, "load_fashion_mnist", lambda: whole)
    small = dataclasses.replace(GPU, training_images=50, validation_images=10)
    training, validation, test = images(small)
    assert [len(part) for part in (training, validation, test)] == [50, 10, 20]
    assert test is whole[1]
    assert GPU.training_images + GPU.validation_images == 60_000


@pytest.mark.slow
def test_a_grid_is_the_same_to_the_last_bit_for_any_number_of_workers():
    settings = [
        Setting(8, block, seed, 0.05, epochs=1, training_images=130)
        for block in ("plain", "residual")
        for seed in (0, 1)
    ]
    alone, together = (dict(run_grid(settings, workers)) for workers in (1, 2))
    assert set(alone) == set(together) == set(settings)
    for setting in settings:
        one, other = (
            [{**row, "seconds": None} for row in histories[setting].epochs]
            for histories in (alone, together)
        )
        assert one == other
    assert len({history.last("training_loss") for history in alone.values()}) == 4


def test_a_grid_leaves_the_threads_as_they_were_and_says_what_it_ran():
    before = torch.get_num_threads()
    setting = Setting(8, "plain", 3, 0.02, epochs=1, training_images=70)
    ((found, history),) = run_grid([setting], threads=before + 1)
    assert torch.get_num_threads() == before
    assert found == setting and history.label == setting.arm == "plain-8"
    assert history.settings["seed"] == 3 and history.settings["training_images"] == 70
    assert f"{before + 1} threads" in history.provenance["device"]


def test_a_grid_begins_with_the_longest_run():
    settings = [Setting(depth, "plain", 0, 0.02, 1, 70) for depth in (8, 20, 14)]
    assert [setting.depth for setting, _ in run_grid(settings)] == [20, 14, 8]


@pytest.mark.slow
def test_a_failing_run_ends_the_grid():
    settings = [Setting(8, "plain", 0, 0.02, 1, 70), Setting(9, "plain", 0, 0.02, 1, 70)]
    with pytest.raises(ValueError, match="9"):
        list(run_grid(settings, workers=2))
