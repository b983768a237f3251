"""Gradients, shapes and costs against autograd by hand and closed formulas."""

import itertools
import math
import statistics

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from resnet import probes
from resnet.growing import make_zero_residual
from resnet.models import Plain, Residual, residual_block, resnet18
from tests.support.tiny import network, randomise


def snapshot(model):
    """Everything that a probe must leave alone."""
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [part.training for part in model.modules()]
    return tensors, modes, [p.grad for p in model.parameters()]


def assert_unchanged(model, before):
    tensors, modes, gradients = before
    assert all(torch.equal(tensors[name], t) for name, t in model.state_dict().items())
    assert modes == [part.training for part in model.modules()]
    assert gradients == [p.grad for p in model.parameters()]


@pytest.mark.parametrize("mode", [True, False])
def test_gradient_norms_are_those_of_autograd(mode):
    model, X = network(Plain).train(mode), torch.randn(6, 1, 8, 8)
    y, before = torch.arange(6) % 4, snapshot(model)
    norms = probes.gradient_norms(model, X, y)
    assert_unchanged(model, before)
    names = [n for n, layer in model.named_modules() if isinstance(layer, nn.Conv2d)]
    assert list(norms) == names and names[0] == "stem.0"
    loss = F.cross_entropy(model.train()(X), y)
    for name in names:
        weight = model.get_submodule(name).weight
        (gradient,) = torch.autograd.grad(loss, weight, retain_graph=True)
        assert norms[name] == pytest.approx(gradient.square().sum().sqrt().item(), rel=1e-5)


def test_without_batch_norm_only_batch_norm_goes():
    model = randomise(network())
    before = snapshot(model)
    bare = probes.without_batch_norm(model)
    assert_unchanged(model, before)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in bare.modules())
    weights = {n: t for n, t in model.state_dict().items() if n in bare.state_dict()}
    assert all(torch.equal(t, weights[n]) for n, t in bare.state_dict().items())
    block, X = randomise(Residual(3, 3)), torch.randn(2, 3, 5, 5)
    expected = F.relu(block.conv2(F.relu(block.conv1(X))) + X)
    torch.testing.assert_close(probes.without_batch_norm(block)(X), expected)


def test_output_shapes():
    model = network().train()
    before = snapshot(model)
    shapes = probes.output_shapes(model, torch.zeros(3, 1, 16, 8))
    assert_unchanged(model, before)
    assert list(shapes.items()) == [
        ("stem", (3, 4, 16, 8)), ("stage1", (3, 4, 16, 8)), ("stage2", (3, 8, 8, 4)),
        ("stage3", (3, 16, 4, 2)), ("head", (3, 4)),
    ]  # fmt: skip


@settings(deadline=None, max_examples=15)
@given(
    count=st.integers(1, 3), inputs=st.integers(1, 4), outputs=st.integers(1, 4),
    strides=st.integers(1, 2), height=st.integers(2, 9), width=st.integers(2, 9),
)  # fmt: skip
def test_multiply_adds_of_a_block(count, inputs, outputs, strides, height, width):
    block = Residual(inputs, outputs, True, strides)
    pixels = -(-height // strides) * -(-width // strides)
    expected = count * pixels * (9 * inputs * outputs + 9 * outputs**2 + inputs * outputs)
    assert probes.multiply_adds(block, torch.zeros(count, inputs, height, width)) == expected


def test_multiply_adds_of_resnet18_are_the_papers():
    """He et al. 2015, Table 1: 1.8 G at 224x224; torchvision's network has the same ones."""
    from torchvision.models import resnet18 as theirs

    model, X = resnet18(1000, 3), torch.zeros(1, 3, 224, 224)
    before = snapshot(model)
    ours = probes.multiply_adds(model, X)
    assert_unchanged(model, before)
    assert f"{ours / 1e9:.1f}" == "1.8"
    assert ours == probes.multiply_adds(theirs(weights=None), X)


def trained_like(block, depth=14):
    """A network whose every parameter counts, in train mode as after `fit`."""
    return randomise(network(block, depth=depth)).train()


def test_gradients_of_a_smooth_function_are_alike_and_those_of_noise_are_not():
    class Noise(nn.Module):
        """A function whose gradient at each image has nothing to do with that nearby."""

        def forward(self, X):
            drawn = torch.randn(X.shape, generator=torch.Generator().manual_seed(0))
            return (X * drawn).flatten(1).sum(dim=1)

    class Square(nn.Module):
        def forward(self, X):
            return X.square().flatten(1).sum(dim=1)

    ends = torch.randn(20, 1, 6, 6)
    noise = probes.gradient_correlation(Noise(), ends)
    assert noise[0] == pytest.approx(1) and max(map(abs, noise[1:8])) < 0.1
    smooth = probes.gradient_correlation(Square(), ends)
    assert smooth[1] > 0.9 and len(smooth) == 32


def test_gradient_correlation_leaves_the_model_alone():
    model, ends = trained_like(residual_block), torch.randn(4, 1, 8, 8)
    before = snapshot(model)
    probes.gradient_correlation(model, ends, points=8)
    assert_unchanged(model, before)


def test_forward_scales_are_those_of_the_blocks_outputs():
    model, X = trained_like(Plain), torch.randn(6, 1, 8, 8)
    before = snapshot(model)
    scales = probes.forward_scales(model, X)
    assert_unchanged(model, before)
    assert list(scales) == [f"stage{k}.{i}" for k in (1, 2, 3) for i in (0, 1)]
    features = model.stage1(model.stem(X))
    assert scales["stage1.1"] == pytest.approx(features.square().mean().item(), rel=1e-5)


@pytest.mark.slow
def test_without_batch_norm_he_keeps_the_scale_of_plain_blocks_and_skips_enlarge_it():
    """He et al. 2015, arXiv 1502.01852, equation 10; with a skip the mean squares add up.

    There E[S^2] = E[X^2] + E[F^2] = 3 E[X^2], of which the last ReLU leaves more than half.
    """
    X = torch.randn(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    growth = {}
    for block in (Plain, residual_block):
        nets = (network(block, depth=20, width=32, seed=seed) for seed in range(6))
        scales = (probes.forward_scales(probes.without_batch_norm(net), X) for net in nets)
        growth[block] = statistics.fmean(
            math.log2(found["stage1.2"] / found["stage1.0"]) / 2 for found in scales
        )
    assert -0.7 < growth[Plain] < 0.3
    assert math.log2(1.5) < growth[residual_block] < math.log2(3)


def test_responses_are_the_deviations_behind_each_batch_norm():
    model, X = trained_like(residual_block), torch.randn(6, 1, 8, 8)
    before = snapshot(model)
    found = probes.responses(model, X)
    assert_unchanged(model, before)
    assert list(found)[:3] == ["stage1.0.bn1", "stage1.0.bn2", "stage1.1.bn1"] and len(found) == 12
    model.eval()
    block, features = model.stage1[0], model.stem(X)
    expected = block.residual(features).std().item()
    assert found["stage1.0.bn2"] == pytest.approx(expected, rel=1e-5)


def test_without_a_block_its_input_is_handed_on():
    model, X = trained_like(residual_block).eval(), torch.randn(3, 1, 8, 8)
    before = snapshot(model)
    assert probes.removable_blocks(model) == ["stage1.0", "stage1.1", "stage2.1", "stage3.1"]
    cut = probes.without_blocks(model, ["stage1.1", "stage2.1"])
    assert_unchanged(model, before)
    features = model.stage2[0](model.stage1[0](model.stem(X)))
    torch.testing.assert_close(cut(X), model.head(model.stage3(features)))
    make_zero_residual(model.stage1[1]), make_zero_residual(model.stage2[1])
    torch.testing.assert_close(cut(X), model(X))  # in a residual network that is F = 0


def test_swapped_blocks_have_changed_places():
    model, X = trained_like(Plain).eval(), torch.randn(3, 1, 8, 8)
    before = snapshot(model)
    swapped = probes.with_swapped_blocks(model, "stage1.0", "stage1.1")
    assert_unchanged(model, before)
    features = model.stage1[0](model.stage1[1](model.stem(X)))
    torch.testing.assert_close(swapped(X), model.head(model.stage3(model.stage2(features))))
    assert not torch.allclose(swapped(X), model(X))


def test_the_gradients_of_all_paths_add_up_to_the_gradient():
    """The gradient is the sum over all subsets of blocks, since the backward pass is linear."""
    model, X = trained_like(residual_block, depth=8).eval(), torch.randn(5, 1, 8, 8)
    y, before = torch.arange(5) % 4, snapshot(model)
    paths = [
        probes.gradient_along(model, X, y, chosen)
        for length in range(4)
        for chosen in itertools.combinations(probes.blocks(model), length)
    ]
    assert_unchanged(model, before)
    assert len(paths) == 8
    first = model.stem(X).detach().requires_grad_()
    scores = model.head(model.stage3(model.stage2(model.stage1(first))))
    (whole,) = torch.autograd.grad(F.cross_entropy(scores, y), first)
    torch.testing.assert_close(sum(paths), whole)


def test_a_direction_has_filters_as_long_as_the_models_and_leaves_the_rest():
    model = trained_like(Plain)
    direction = probes.filter_normalised_direction(model, seed=3)
    for name, weight in model.named_parameters():
        if weight.dim() == 1:
            assert not direction[name].any()
            continue
        torch.testing.assert_close(
            direction[name].flatten(1).norm(dim=1), weight.detach().flatten(1).norm(dim=1)
        )
    again, other = (probes.filter_normalised_direction(model, seed) for seed in (3, 4))
    assert all(torch.equal(direction[name], again[name]) for name in direction)
    assert not torch.equal(direction["stem.0.weight"], other["stem.0.weight"])


def test_places_are_the_weights_plus_so_much_of_each_direction():
    model = trained_like(Plain, depth=8)
    before = snapshot(model)
    directions = [probes.filter_normalised_direction(model, seed) for seed in (0, 1)]
    places = [(0.0, 0.0), (0.5, -2.0), (0.0, 0.0)]
    found = [
        {name: weight.clone() for name, weight in moved.named_parameters()}
        for moved in probes.moved(model, directions, places)
    ]
    assert_unchanged(model, before)
    for name, weight in model.named_parameters():
        assert torch.equal(found[0][name], weight) and torch.equal(found[2][name], weight)
        expected = weight + 0.5 * directions[0][name] - 2 * directions[1][name]
        torch.testing.assert_close(found[1][name], expected)
