"""Transformers against torch's own layers, and what their three ways to join have in common."""

import pytest
import torch
from torch import nn

from resnet.family.transformers import TRANSFORMERS, EncoderLayer, ImageTransformer

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.mark.parametrize("name", ["pre-norm", "post-norm"])
def test_a_layer_computes_what_torchs_does(name):
    torch.manual_seed(0)
    options = {"dropout": 0, "batch_first": True, "norm_first": name == "pre-norm"}
    theirs = nn.TransformerEncoderLayer(32, 4, 128, **options)
    for norm in (theirs.norm1, theirs.norm2):
        nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
    X, outputs = torch.randn(2, 16, 32), {}
    for each, join in TRANSFORMERS.items():
        ours = EncoderLayer(32, 4, join)
        ours.load_state_dict(theirs.state_dict())
        outputs[each] = ours(X)
    agree = [each for each, Y in outputs.items() if torch.allclose(Y, theirs(X), **CLOSE)]
    assert agree == [name]


def test_without_shortcuts_only_the_sums_are_missing():
    """A residual function that is zero leaves nothing, and with a shortcut all of the input."""
    X, norm = torch.randn(2, 16, 32), nn.LayerNorm(32)
    pre, post, none = (join(X, norm, torch.zeros_like) for join in TRANSFORMERS.values())
    assert torch.equal(pre, X) and torch.equal(post, norm(X)) and not none.any()
    assert torch.equal(TRANSFORMERS["no-shortcut"](X, norm, torch.neg), -norm(X))


def test_the_three_start_from_the_same_weights():
    nets = []
    for join in TRANSFORMERS.values():
        torch.manual_seed(0)
        nets.append(ImageTransformer(2, join))
    first, *others = (net.state_dict() for net in nets)
    for other in others:
        assert all(torch.equal(weight, other[name]) for name, weight in first.items())


def test_a_token_is_a_patch_and_knows_its_place():
    torch.manual_seed(0)
    net = ImageTransformer(0)
    X = torch.zeros(1, 1, 28, 28)
    X[0, 0, 7:14, 21:28] = 1  # the second row, the last column
    with torch.no_grad():
        tokens = net.embed(X).flatten(2).transpose(1, 2)
        assert (tokens != tokens[:, :1]).any(dim=2).nonzero().tolist() == [[0, 7]]
        before = net(X)
        net.positions[7, 0] += 1  # a norm would take out the same for all numbers
        assert not torch.allclose(net(X), before)
