"""Gradients, shapes and costs against autograd by hand and closed formulas."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from resnet import probes
from resnet.models import Plain, Residual, resnet18
from tests.tiny import network, randomise


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
