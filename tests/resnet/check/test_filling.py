"""Weights are drawn by role, and the bytes drawn stay what they were."""

import hashlib

import pytest
import torch

from resnet.check.filling import drawn, floating, normal
from resnet.check.observing import prepare
from resnet.models import Residual, six_n_plus_two
from tests.support.learners import RIGHT


def digest(model, shape):
    prepare(model, torch.ones(shape), {})
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        found.update(name.encode() + tensor.numpy().tobytes())
    return found.hexdigest()[:16]


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        (lambda: Residual(4, 4), (4, 4, 11, 9), "591fac982551b06f"),
        (lambda: Residual(4, 6, True, 2), (4, 4, 11, 9), "34be50df00c8ba7c"),
        (lambda: six_n_plus_two(8), (4, 1, 40, 40), "d1a087d31add7476"),
    ],
)
def test_the_bytes_drawn_are_those_of_the_first_version(model, shape, expected):
    assert digest(model(), shape) == expected


@pytest.mark.parametrize("name", ["in Sequential, all in place", "weights without layers"])
def test_the_same_weights_come_whatever_a_layer_is_called(name):
    """As sorted numbers, since the order of the tensors is free."""
    weights = []
    for block in (Residual, RIGHT[name]):
        model = block(4, 6, use_1x1conv=True, strides=2)
        prepare(model, torch.ones(2, 4, 11, 9), {})
        weights.append(torch.cat([tensor.ravel() for _, tensor in floating(model)]).sort().values)
    assert torch.equal(*weights)


def test_no_scale_or_variance_hides_a_difference():
    assert drawn("a", "weight", (1000,)).min() > 0.5
    assert drawn("a", "running_var", (1000,)).max() < 1.5
    assert drawn("a", "weight", (100, 50)).std().item() == pytest.approx((2 / 50) ** 0.5, rel=0.05)
    assert torch.equal(normal("a", (3,)), normal("a", (3,)))
    assert not torch.equal(normal("a", (3,)), normal("b", (3,)))
