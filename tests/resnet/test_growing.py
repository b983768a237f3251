"""Deeper networks that compute the same function."""

import pytest
import torch
from torch import nn

from resnet.growing import grow, make_identity, make_zero_residual
from resnet.models import BasicBlock, Plain, Residual, residual_block
from tests.support.tiny import image_set, network, randomise

BLOCKS = [Plain, residual_block, BasicBlock]


def identity_plain(features):
    channels = features.shape[1]
    return make_identity(Plain(channels, channels), features)


def zero_residual(features):
    return make_zero_residual(Residual(features.shape[1], features.shape[1]))


@pytest.mark.parametrize("make", [identity_plain, zero_residual])
def test_made_blocks_are_the_identity_for_what_comes_from_a_relu(make):
    features = torch.rand(6, 5, 4, 4) * torch.linspace(0, 3, 5).view(1, 5, 1, 1)
    block = make(features).eval()
    torch.testing.assert_close(block(features), features, rtol=1e-5, atol=1e-5)
    other = 5 * torch.rand(2, 5, 3, 7)
    torch.testing.assert_close(block(other), other, rtol=1e-4, atol=1e-4)
    negative = -torch.ones(1, 5, 2, 2)
    assert not torch.allclose(block(negative), negative)


def test_identity_plain_holds_in_train_mode_for_the_features_it_was_made_from():
    features = torch.rand(8, 3, 5, 5)
    block = identity_plain(features).train()
    torch.testing.assert_close(block(features), features, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("depth", [14, 26])
def test_grown_networks_compute_the_same_and_share_nothing(block, depth):
    model, images = randomise(network(block)).eval(), image_set(40)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    grown = grow(model, depth, images)
    assert not any(part.training for part in grown.modules()), "ready to be compared as it comes"
    for name, tensor in model.state_dict().items():
        assert torch.equal(grown.state_dict()[name], tensor), name
        assert grown.state_dict()[name].data_ptr() != tensor.data_ptr(), name
    X = torch.randn(7, 1, 11, 9)
    torch.testing.assert_close(grown(X), model(X), rtol=1e-4, atol=1e-4)
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
    convolutions = [part for part in grown.modules() if isinstance(part, nn.Conv2d)]
    layers = [layer for layer in convolutions if layer.kernel_size == (3, 3)]  # no projections
    assert len(layers) + 1 == depth


def test_added_plain_blocks_hold_the_statistics_of_what_they_are_given():
    model, images = network(Plain).eval(), image_set(64)
    grown = grow(model, 14, images)
    with torch.inference_mode():
        features = model.stage1(model.stem(images.batch(slice(None))[0]))
    norm = grown.stage1[-1].bn1
    torch.testing.assert_close(norm.running_mean, features.mean((0, 2, 3)))
    torch.testing.assert_close(norm.running_var, features.var((0, 2, 3), correction=0))


@pytest.mark.parametrize("block", BLOCKS)
def test_grown_networks_can_be_trained(block):
    model = network(block)
    grown = grow(model, 14, image_set()).train()
    assert model.training, "the model's own mode is left as it was"
    grown(torch.randn(4, 1, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in grown.parameters())


@pytest.mark.parametrize("depth", [2, 8, 14, 15, 19])
def test_depths_that_cannot_be_grown_to(depth):
    with pytest.raises(ValueError, match=f"above the model's 14, not {depth}"):
        grow(network(Plain, depth=14), depth, image_set())


def test_other_blocks_cannot_be_grown():
    model = network(Plain)
    model.stage1.append(nn.Identity())
    with pytest.raises(TypeError, match="Identity cannot be grown"):
        grow(model, 20, image_set())
