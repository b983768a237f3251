"""Blocks of one change: against the paper's block, closed formulas and their definitions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from resnet import variants
from resnet.models import BasicBlock, residual_block, six_n_plus_two
from tests.tiny import network, randomise

BLOCKS = [
    variants.option_a, variants.option_c, variants.zero_scale, variants.PreActivation
]  # fmt: skip


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("block", BLOCKS)
@settings(deadline=None, max_examples=10)
@given(inputs=st.integers(1, 3), more=st.integers(0, 3), strides=st.integers(1, 2),
       height=st.integers(1, 7), width=st.integers(1, 7))  # fmt: skip
def test_shapes(block, inputs, more, strides, height, width):
    X = torch.randn(2, inputs, height, width)
    made = block(inputs, inputs + more, strides=strides).eval()
    expected = (2, inputs + more, -(-height // strides), -(-width // strides))
    assert made(X).shape == expected


def test_option_a_has_no_parameters_and_pads_with_zeros():
    same, changing = variants.option_a(4, 4), variants.option_a(4, 6, strides=2)
    assert isinstance(same.shortcut, nn.Identity)
    assert count(changing.shortcut) == 0
    X = torch.randn(2, 4, 5, 7)
    Y = changing.shortcut(X)
    assert torch.equal(Y[:, :4], X[:, :, ::2, ::2]) and not Y[:, 4:].any()


def test_option_c_projects_everywhere_and_the_paper_counts_more_parameters():
    """He et al. 2015, section 4.1: C has more parameters than B, B more than A."""
    numbers = [count(six_n_plus_two(20, block))
               for block in (variants.option_a, BasicBlock, variants.option_c)]  # fmt: skip
    widths = [16] * 3 + [32] * 2 + [64] * 2  # blocks that keep the shape, three stages
    assert numbers[2] - numbers[1] == sum(width * width + 2 * width for width in widths)
    changing = [(16, 32), (32, 64)]
    assert numbers[1] - numbers[0] == sum(one * other + 2 * other for one, other in changing)


@pytest.mark.parametrize("block", [variants.option_a, variants.option_c])
def test_all_but_the_shortcut_is_the_papers_block(block):
    one, other = randomise(block(3, 5, strides=2)).eval(), BasicBlock(3, 5, strides=2).eval()
    other.load_state_dict(one.state_dict(), strict=False)
    X = torch.randn(2, 3, 6, 6)
    assert torch.equal(one.residual(X), other.residual(X))
    assert torch.equal(one(X), F.relu(one.residual(X) + one.shortcut(X)))


def test_zero_scale_starts_as_the_identity_and_stays_it_in_the_series():
    X = torch.rand(4, 3, 6, 6)
    block = variants.zero_scale(3, 3).train()
    assert torch.equal(block(X), X)
    deep = network(variants.zero_scale, depth=14)
    scales = [
        part.bn2.weight for stage in (deep.stage1, deep.stage2, deep.stage3) for part in stage
    ]
    assert len(scales) == 6 and not any(scale.any() for scale in scales)
    usual = residual_block(3, 3)
    assert {n: t.shape for n, t in block.state_dict().items()} == {
        n: t.shape for n, t in usual.state_dict().items()
    }


def test_pre_activation_is_its_equation():
    """He et al. 2016, equation 5 with BN and ReLU as pre-activation: x + W2 f(W1 f(x))."""
    block = randomise(variants.PreActivation(3, 3)).eval()
    X = torch.randn(2, 3, 6, 6)

    def norm(X, layer):
        scale = layer.weight / (layer.running_var + layer.eps).sqrt()
        shift = layer.bias - layer.running_mean * scale
        return X * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)

    Y = F.conv2d(norm(X, block.bn1).relu(), block.conv1.weight, padding=1)
    Y = F.conv2d(norm(Y, block.bn2).relu(), block.conv2.weight, padding=1)
    torch.testing.assert_close(block(X), X + Y, rtol=1e-4, atol=1e-5)
    assert (block(X) < 0).any(), "nothing clips the sum"


def test_the_last_activation_stands_before_the_pooling():
    model = network(variants.PreActivation)
    weights = {n: t.clone() for n, t in model.stage3.state_dict().items()}
    closed = variants.with_last_activation(model).eval()
    X = torch.randn(2, 1, 8, 8)
    features = closed.stage3(closed.stage2(closed.stage1(closed.stem(X))))
    assert (features < 0).any() and (closed.head[0](features) >= 0).all()
    assert all(torch.equal(t, weights[n]) for n, t in closed.stage3.state_dict().items())
    assert closed(X).shape == (2, 4)


def test_stochastic_depth_keeps_f_as_often_as_it_says_and_scales_it_afterwards():
    torch.manual_seed(0)
    inner = randomise(BasicBlock(3, 3)).eval()
    block, X = variants.StochasticDepth(inner, 0.7), torch.rand(1, 3, 4, 4)
    block.train(), inner.eval()
    kept = sum(not torch.equal(block(X), X) for _ in range(400))
    assert 250 < kept < 310  # 280 expected, SD 9.2
    block.eval()
    assert torch.equal(block(X), F.relu(0.7 * inner.residual(X) + X))


@pytest.mark.parametrize("survival", [0, -0.1, 1.1, float("nan")])
def test_a_survival_that_is_no_probability_is_refused(survival):
    with pytest.raises(ValueError, match="survival must be above 0 and at most 1"):
        variants.StochasticDepth(BasicBlock(3, 3), survival)


@pytest.mark.parametrize("depth", [20, 56, 83])
def test_the_bottleneck_series_has_its_depth_and_a_block_the_cost_of_two_layers(depth):
    net = variants.bottleneck_series(depth)
    layers = [layer for name, layer in net.named_modules() if "shortcut" not in name]
    assert sum(isinstance(layer, (nn.Conv2d, nn.Linear)) for layer in layers) == depth
    assert net(torch.randn(2, 1, 28, 28)).shape == (2, 10)
    last, narrow = net.stage2[-1], 32
    products = [layer.weight.numel() for layer in (last.conv1, last.conv2, last.conv3)]
    assert products == [4 * narrow**2, 9 * narrow**2, 4 * narrow**2]
    basic = sum(layer.weight.numel() for layer in BasicBlock(narrow, narrow).children()
                if isinstance(layer, nn.Conv2d))  # fmt: skip
    assert sum(products) / basic == pytest.approx(17 / 18)


@pytest.mark.parametrize("depth", [2, 10, 50])
def test_the_bottleneck_series_refuses_other_depths(depth):
    with pytest.raises(ValueError, match=f"9n \\+ 2.*not {depth}"):
        variants.bottleneck_series(depth)
