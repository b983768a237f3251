"""Live figures that compute: held to torch, torchvision and plain simulation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import get_model_weights
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from extensions import live_numbers
from resnet import models
from resnet.models import FAMILY
from resnet.probes import multiply_adds
from tests.support.live_figures import press, said

pytestmark = pytest.mark.slow  # needs the rendered book


def distance(factor: float, scale: float) -> float:
    """Of one channel from the identity, by torch's own batch norm in train mode."""
    inputs, sums = torch.tensor(live_numbers.knob()["values"], dtype=torch.float64).T
    norm = nn.BatchNorm1d(1).double()
    nn.init.constant_(norm.weight, scale)
    outputs = functional.relu(inputs + norm(factor * sums[:, None])[:, 0])
    return ((outputs - inputs).norm() / inputs.norm()).item()


def test_the_knob_says_how_far_a_channel_is_from_the_identity(shown: Any) -> None:
    figure, factors = shown("knob"), live_numbers.knob()["factors"]
    weights, scale = figure.get_by_role("slider").all()
    place = "the distance from the identity is"
    for factor in (1, 0.1, 0.01, 0):
        weights.fill(str(factors.index(factor)))
        assert f"times {factor}, batch norm's scale times 1: {place}" in said(figure)
        assert said(figure).endswith(f"{distance(factor, 1):.3f}.")
    weights.press("End")
    scale.press("Home")
    assert said(figure).endswith(f"scale times 0: {place} 0.000.")
    scale.press("ArrowRight")
    assert said(figure).endswith(f"{distance(1, factors[1]):.3f}.")
    press(scale)  # in its middle
    assert said(figure).endswith(f"{distance(1, factors[len(factors) // 2]):.3f}.")


def cost(net: nn.Module, side: int = 224) -> str:
    work = multiply_adds(net, torch.empty(1, 3, side, side, device="meta")) / 1e9
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return f"{parameters:,} parameters, {work:.3f} billion multiply-adds"


def test_the_papers_networks_are_built_and_cost_what_they_cost(shown: Any) -> None:
    figure = shown("network")
    with torch.device("meta"):
        for depth in FAMILY:
            press(figure.get_by_role("button", name=f"ResNet-{depth}", exact=True))
            assert said(figure).startswith(f"ResNet-{depth}, ")
            assert cost(models.resnet(depth)) in said(figure)
        press(figure.get_by_label("96 × 96"))
        assert cost(models.resnet(152), 96) in said(figure)
        press(figure.get_by_label("32", exact=True))
        assert said(figure).startswith("A network of 152 layers, 3, 8, 36, 3 blocks:")
        assert cost(models.resnet(152, width=32), 96) in said(figure)


def test_any_other_network_costs_what_torchvision_builds(shown: Any) -> None:
    figure = shown("network")
    stages = figure.get_by_role("slider").all()
    for kind, block in (("two 3 × 3", BasicBlock), ("bottleneck", Bottleneck)):
        press(figure.get_by_label(kind))
        for stage, blocks in zip(stages, (1, 5, 2, 1), strict=True):
            stage.fill(str(blocks - 1))
        with torch.device("meta"):
            assert cost(ResNet(block, [1, 5, 2, 1])) in said(figure)
        stages[1].press("ArrowRight")
        with torch.device("meta"):
            assert cost(ResNet(block, [1, 6, 2, 1])) in said(figure)


def test_the_family_and_the_published_numbers_are_those_of_their_sources() -> None:
    for depth, (is_bottleneck, blocks) in live_numbers.FAMILY.items():
        assert FAMILY[depth] == (models.Bottleneck if is_bottleneck else models.BasicBlock, blocks)
    assert list(live_numbers.FAMILY) == list(FAMILY)
    found = 0
    for name, (_, parameters, work, accuracies) in live_numbers.PUBLISHED.items():
        for entry in get_model_weights(torchvision_name(name)):
            accuracy = entry.meta["_metrics"]["ImageNet-1K"]["acc@1"]
            assert accuracies[entry.name[-2:]] == accuracy
            assert (entry.meta["num_params"], entry.meta["_ops"]) == (parameters, work)
            found += 1
    assert found == len(live_numbers.published()["networks"])


def torchvision_name(name: str) -> str:
    kind, depth = name.replace("-", " ").split()
    kinds = {"ResNet": "resnet{}", "wide": "wide_resnet{}_2"}
    groups = {"50": "32x4d", "101": "32x8d"}
    return kinds.get(kind, f"resnext{{}}_{groups.get(depth)}").format(depth)


def test_layers_that_are_published_are_in_the_name() -> None:
    assert all(str(row[0]) in name for name, row in live_numbers.PUBLISHED.items())


def ring(devices: int, steps: int) -> int:
    """Chunks that are whole sums after so many steps, by sets of the gradients in each."""
    held = [[{device} for _ in range(devices)] for device in range(devices)]
    for step in range(steps):
        moves = [(device, (device - step) % devices) for device in range(devices)]
        sent = [(device, chunk, set(held[device][chunk])) for device, chunk in moves]
        for device, chunk, gradients in sent:
            after = held[(device + 1) % devices]
            after[chunk] = after[chunk] | gradients if step < devices - 1 else gradients
    return sum(len(chunk) == devices for row in held for chunk in row)


def test_the_ring_is_played_step_by_step(shown: Any) -> None:
    figure = shown("ring")
    for devices in (4, 2, 7):
        figure.get_by_label("Devices").fill(str(devices - 2))
        steps = 2 * (devices - 1)
        for step in range(steps + 1):
            assert f"{ring(devices, step)} of {devices**2} chunks are whole sums." in said(figure)
            sent = f"sent {step / devices:.3f} of a gradient, and {steps / devices:.3f} by the end"
            assert sent in said(figure)
            assert figure.locator(".bar.residual").count() == ring(devices, step)
            press(figure.get_by_role("button", name="Next step"))
        assert said(figure).startswith("Each device holds its own gradient"), "from the start again"
    figure.get_by_label("Step", exact=True).press("End")
    assert said(figure).startswith("Step 12 of 12:")
