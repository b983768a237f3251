"""Blocks of one change: against the paper's block, torchvision, closed formulas, definitions."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from resnet.family import variants
from resnet.models import FAMILY, BasicBlock, Bottleneck, residual_block, resnet, six_n_plus_two
from resnet.probes import multiply_adds, without_batch_norm
from tests.support.tiny import network, randomise

BLOCKS = [
    variants.option_a,
    variants.option_c,
    variants.zero_scale,
    variants.PreActivation,
    partial(variants.SEBasicBlock, reduction=1),
    variants.ScaledBranch,
    variants.Gated,
]
BOTTLENECKS = {
    "wide": partial(variants.wide_bottleneck, factor=3),
    "resnext": partial(variants.resnext, groups=4, group_width=64),
    "squeeze-and-excitation": partial(variants.SEBottleneck, reduction=4),
}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("block", BLOCKS)
@settings(deadline=None, max_examples=10)
@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(1, 2)),
    image=st.tuples(st.integers(1, 7), st.integers(1, 7)),
)
def test_shapes(block, sizes, image):
    inputs, more, strides = sizes
    made = block(inputs, inputs + more, strides=strides).eval()
    expected = (2, inputs + more, *(-(-side // strides) for side in image))
    assert made(torch.randn(2, inputs, *image)).shape == expected


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


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize(
    ("ours", "base_width", "groups"),
    [
        (variants.wide_bottleneck, 128, 1),
        (partial(variants.wide_bottleneck, factor=3), 192, 1),
        (variants.resnext, 4, 32),
        (partial(variants.resnext, groups=3, group_width=7), 7, 3),
    ],
)
def test_wide_bottlenecks_and_resnext_are_torchvisions(ours, base_width, groups, strides):
    """At 40 channels torchvision rounds widths: a group has int(40 * 4 / 64) = 2 of them."""
    from torchvision.models.resnet import Bottleneck as Theirs

    before, channels = 6, 40
    block = ours(before, channels, strides)
    down = nn.Sequential(nn.Conv2d(6, 160, 1, strides, bias=False), nn.BatchNorm2d(160))
    theirs = randomise(Theirs(before, channels, strides, down, groups, base_width))
    block.load_state_dict(
        {name.replace("downsample", "shortcut"): t for name, t in theirs.state_dict().items()}
    )
    assert block.conv2.groups == groups
    X = torch.randn(2, before, 6, 5)
    for mode in (True, False):
        torch.testing.assert_close(
            block.train(mode)(X), theirs.train(mode)(X.clone()), rtol=1e-5, atol=1e-5
        )


def test_resnext_is_the_sum_of_paths_that_do_not_see_each_other():
    """Xie et al. 2017, equation 3 and figure 3 (a): y = x + sum of T_i(x), each its own narrow
    bottleneck, as many as `groups`.
    """
    groups, width, channels = 4, 2, 8
    block = randomise(variants.resnext(4 * channels, channels, groups=groups, group_width=16))
    block.eval()
    X = torch.randn(2, 4 * channels, 5, 5)

    def norm(Y, layer, part=slice(None)):
        scale = (layer.weight / (layer.running_var + layer.eps).sqrt())[part]
        shift = layer.bias[part] - layer.running_mean[part] * scale
        return Y * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)

    total = 0
    for i in range(groups):
        part = slice(width * i, width * (i + 1))
        Y = norm(F.conv2d(X, block.conv1.weight[part]), block.bn1, part).relu()
        Y = norm(F.conv2d(Y, block.conv2.weight[part], padding=1), block.bn2, part).relu()
        total = total + F.conv2d(Y, block.conv3.weight[:, part])
    expected = F.relu(norm(total, block.bn3) + X)
    torch.testing.assert_close(block(X), expected, rtol=1e-4, atol=1e-4)
    assert block.conv2.weight.shape == (groups * width, width, 3, 3)


def test_a_group_without_channels_is_refused():
    with pytest.raises(ValueError, match="group_width=4 at 64 channels leaves a group none of 15"):
        variants.resnext(8, 15)
    assert variants.resnext(8, 16).conv2.weight.shape == (32, 1, 3, 3)


def test_squeeze_and_excitation_is_torchvisions_without_biases():
    from torchvision.ops import SqueezeExcitation as Theirs

    ours, theirs = randomise(variants.SqueezeExcitation(8, 2)), Theirs(8, 4)
    with torch.no_grad():
        for mine, other in ((ours.fc1, theirs.fc1), (ours.fc2, theirs.fc2)):
            mine.weight.mul_(4)
            other.weight.copy_(mine.weight[:, :, None, None])
            other.bias.zero_()
    Y = torch.randn(5, 8, 3, 4)
    assert (ours.fc1(Y.mean(dim=(2, 3))) < 0).any(), "the ReLU has something to do"
    torch.testing.assert_close(ours(Y), theirs(Y))
    assert not any(layer.bias is not None for layer in (ours.fc1, ours.fc2))


def test_squeeze_and_excitation_by_hand():
    """Two channels of means 1 and -2, W1 = (1, 1), W2 = (1, -1): relu(-1) = 0, so s = 1/2 twice;
    with the means 2 and 1 it is sigmoid(3) and sigmoid(-3)."""
    gate = variants.SqueezeExcitation(2, 2)
    with torch.no_grad():
        gate.fc1.weight.copy_(torch.tensor([[1.0, 1.0]]))
        gate.fc2.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    noise = torch.randn(2, 2, 3, 3)
    noise -= noise.mean(dim=(2, 3), keepdim=True)
    Y = noise + torch.tensor([[1.0, -2.0], [2.0, 1.0]])[:, :, None, None]
    large = 1 / (1 + torch.exp(torch.tensor(-3.0)))
    s = torch.stack([torch.tensor([0.5, 0.5]), torch.stack([large, 1 - large])])
    torch.testing.assert_close(gate(Y), s[:, :, None, None] * Y)


@pytest.mark.parametrize(
    ("gated", "bare"), [(variants.SEBasicBlock, BasicBlock), (variants.SEBottleneck, Bottleneck)]
)
@pytest.mark.parametrize("strides", [1, 2])
def test_the_gate_stands_at_the_end_of_f_and_before_the_addition(gated, bare, strides):
    """Hu et al. 2018, figure 3 right."""
    block = randomise(gated(6, 8, strides, reduction=2)).eval()
    usual = bare(6, 8, strides).eval()
    assert not usual.load_state_dict(block.state_dict(), strict=False).missing_keys
    X = torch.randn(2, 6, 5, 6)
    F_of_X = block.gate(usual.residual(X))
    assert torch.equal(block.residual(X), F_of_X) and (F_of_X < 0).any()
    assert torch.equal(block(X), F.relu(F_of_X + usual.shortcut(X)))
    assert not torch.equal(F_of_X, usual.residual(X))


def test_se_bottlenecks_can_have_the_papers_stride():
    block = variants.SEBottleneck(16, 8, 2, stride_on_first=True)
    assert (block.conv1.stride, block.conv2.stride) == ((2, 2), (1, 1))


@pytest.mark.parametrize("channels", [1, 15])
def test_a_reduction_to_nothing_is_refused(channels):
    with pytest.raises(ValueError, match=f"reduction of 16 leaves nothing of {channels} channels"):
        variants.SqueezeExcitation(channels)


def inner_counts(factor, groups=1):
    """Parameters and multiply-adds that ResNet-50's blocks have more with another 3x3 inside."""
    weights, products, norms, before, side = 0, 0, 0, 64, 56
    for stage, blocks in enumerate(FAMILY[50][1]):
        c = 64 * 2**stage
        for block in range(blocks):
            after = side // 2 if stage and not block else side
            outer, middle = (factor - 1) * c * (before * side**2 + 4 * c * after**2), 9 * c**2
            products += outer + (factor**2 / groups - 1) * middle * after**2
            weights += (factor - 1) * c * (before + 4 * c) + (factor**2 / groups - 1) * middle
            norms += 4 * (factor - 1) * c
            before, side = 4 * c, after
    return int(weights + norms), int(products)


PLAIN_50 = (25_557_032, 4_089_184_256)


@pytest.mark.parametrize(
    ("name", "block", "factor", "groups"),
    [
        ("wide_resnet50_2", variants.wide_bottleneck, 2, 1),
        ("resnext50_32x4d", variants.resnext, 2, 32),
    ],
)
def test_counts_of_the_variants_torchvision_has(name, block, factor, groups):
    from torchvision import models as vision

    published = vision.get_model_weights(name).IMAGENET1K_V1.meta
    with torch.device("meta"):
        net = resnet(50, block)
        found = count(net), multiply_adds(net, torch.empty(1, 3, 224, 224))
    more = inner_counts(factor, groups)
    assert found == tuple(map(sum, zip(PLAIN_50, more, strict=True)))
    assert found[0] == published["num_params"]
    assert round(found[1] / 1e9, 3) == pytest.approx(published["_ops"], abs=0.001)


def test_counts_of_se_resnet_50():
    """Hu et al. 2018, equation 5: 2/16 N C^2 more in each stage of N blocks; about 28.1 million.

    The gate's products are as many as its weights: one image has one vector of means.
    """
    with torch.device("meta"):
        net = resnet(50, variants.SEBottleneck)
        found = count(net), multiply_adds(net, torch.empty(1, 3, 224, 224))
    outputs = (256, 512, 1024, 2048)
    more = sum(2 * n * c**2 // 16 for n, c in zip(FAMILY[50][1], outputs, strict=True))
    assert more == 2_514_944
    assert found == (PLAIN_50[0] + more, PLAIN_50[1] + more) == (28_071_976, 4_091_699_200)


FAMILY_18 = {"width": 16, "input_channels": 1, "small_images": True}


@pytest.mark.parametrize(
    "build",
    [*(partial(variants.bottleneck_series, 11, block, width=16) for block in BOTTLENECKS.values()),
     *(partial(resnet, 50, block, **{**FAMILY_18, "width": 4}) for block in BOTTLENECKS.values()),
     partial(six_n_plus_two, 8, variants.SEBasicBlock),
     partial(resnet, 18, variants.SEBasicBlock, **FAMILY_18)],
)  # fmt: skip
def test_variants_train_on_small_images_in_the_series_and_the_family(build):
    torch.manual_seed(0)
    net = build()
    net(torch.randn(4, 1, 28, 28)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_gates_are_as_narrow_as_the_reduction_says():
    net = resnet(18, variants.SEBasicBlock, **FAMILY_18)
    gates = [part for part in net.modules() if isinstance(part, variants.SqueezeExcitation)]
    assert [gate.fc1.out_features for gate in gates] == [1, 1, 2, 2, 4, 4, 8, 8]


def test_the_variants_have_a_last_scale_that_can_start_at_zero():
    for depth, block in ((18, partial(variants.SEBasicBlock, reduction=2)),
                         (50, BOTTLENECKS["resnext"]), (18, variants.option_a)):  # fmt: skip
        net = resnet(depth, block, width=2, zero_scale=True, small_images=True)
        X = net.stem(torch.randn(2, 3, 8, 8))
        assert torch.equal(net.stage1[-1](net.stage1[:-1](X)), net.stage1[:-1](X))


def test_the_bottleneck_series_takes_another_block_and_the_series_own_options():
    torch.manual_seed(0)
    usual = variants.bottleneck_series(20)
    torch.manual_seed(0)
    same = variants.bottleneck_series(20, Bottleneck, width=64)
    assert all(
        torch.equal(*pair) for pair in zip(usual.parameters(), same.parameters(), strict=True)
    )
    narrow = variants.bottleneck_series(11, input_channels=3, num_classes=4, stem_strides=1)
    assert narrow(torch.randn(2, 3, 12, 12)).shape == (2, 4)
    grouped = variants.bottleneck_series(20, partial(variants.resnext, groups=8, group_width=16))
    assert [stage[0].conv2.weight.shape[:2] for stage in grouped[1:-1]] == [
        (32, 4),
        (64, 8),
        (128, 16),
    ]


def test_a_scaled_branch_is_its_equation_and_starts_where_it_is_told():
    X = torch.randn(2, 6, 5, 5)
    block, usual = variants.ScaledBranch(6, 6, start=0.3), residual_block(6, 6)
    randomise(usual)
    assert block.load_state_dict(usual.state_dict(), strict=False).missing_keys == ["scale"]
    with torch.no_grad():
        expected = F.relu(0.3 * usual.eval().residual(X) + X)
        torch.testing.assert_close(block.eval()(X), expected)
    assert variants.ScaledBranch(6, 6).scale == 0


def test_a_branch_that_starts_at_zero_is_its_shortcut_and_a_step_moves_it():
    """The number alone has a gradient at first; once it is not zero, so have the convolutions."""
    torch.manual_seed(0)
    net = without_batch_norm(network(variants.ScaledBranch, depth=14))
    block = net.stage1[0]
    X = net.stem(torch.randn(4, 1, 8, 8)).detach()
    assert torch.equal(block(X), X)
    block(X).square().sum().backward()
    assert block.scale.grad != 0 and not block.conv1.weight.grad.any()
    with torch.no_grad():
        block.scale -= 0.01 * block.scale.grad.sign()
    block(X).square().sum().backward()
    assert block.conv1.weight.grad.any() and block.conv2.weight.grad.any()


@pytest.mark.parametrize("inputs", [5, 3])
def test_a_gate_shares_out_f_and_the_shortcut(inputs):
    """Srivastava et al. 2015, equation 3: T H + (1 - T) X, with our ReLU behind."""
    torch.manual_seed(0)
    block = randomise(variants.Gated(inputs, 5, bias=-1.0)).eval()
    X = torch.randn(2, inputs, 4, 4)
    S = block.shortcut(X)
    logits = torch.einsum("oc,nchw->nohw", block.gate_weight[:, :, 0, 0], S)
    T = 1 / (1 + torch.exp(-logits - block.gate_bias[:, None, None]))
    torch.testing.assert_close(block(X), F.relu(T * block.residual(X) + (1 - T) * S))
    assert T.std() > 0.05, "the gate looks at its input"


@pytest.mark.parametrize(("name", "share"), [("gate-3", 0.05), ("gate-1", 0.27),
                                             ("gate+0", 0.5), ("gate+1", 0.73)])  # fmt: skip
def test_a_gate_starts_at_the_sigmoid_of_its_bias_for_every_input(name, share):
    """Also in a network, which gives every convolution He's weights and a bias of zero."""
    net = network(variants.BLOCKS[name], depth=14)
    for block in [*net.stage1, *net.stage2, *net.stage3]:
        T = block.gate(torch.randn(2, block.gate_bias.numel(), 3, 3))
        assert T.min() == T.max() and round(T.max().item(), 2) == share
