"""The budget, and the images it names."""

import dataclasses

import pytest
import torch

from resnet import budgets
from resnet.budgets import CPU, GPU, budget, images
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
    monkeypatch.setattr(budgets, "load_fashion_mnist", None)
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
    monkeypatch.setattr(budgets, "load_fashion_mnist", lambda: whole)
    small = dataclasses.replace(GPU, training_images=50, validation_images=10)
    training, validation, test = images(small)
    assert [len(part) for part in (training, validation, test)] == [50, 10, 20]
    assert test is whole[1]
    assert GPU.training_images + GPU.validation_images == 60_000
