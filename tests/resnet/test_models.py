"""The blocks and networks against the document, d2l, torchvision and closed formulas."""

import copy
import itertools
import math
import warnings
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from resnet import models
from resnet.family.variants import PreActivation, option_a
from resnet.models import FAMILY, BasicBlock, Bottleneck, Plain, Residual, resnet
from resnet.probes import multiply_adds
from tests.support.tiny import randomise

# The block as the document prints it.
DOCUMENT = """
class Residual(nn.Module):  #@save
    def __init__(self, input_channels, num_channels,
                 use_1x1conv=False, strides=1):
        super().__init__()
        self.conv1 = nn.Conv2d(input_channels, num_channels,
                               kernel_size=3, padding=1, stride=strides)
        self.conv2 = nn.Conv2d(num_channels, num_channels,
                               kernel_size=3, padding=1)
        if use_1x1conv:
            self.conv3 = nn.Conv2d(input_channels, num_channels,
                                   kernel_size=1, stride=strides)
        else:
            self.conv3 = None
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.bn2 = nn.BatchNorm2d(num_channels)
    def forward(self, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        Y += X
        return F.relu(Y)
"""
# input_channels, num_channels, use_1x1conv, strides
FORMS = [(3, 3, False, 1), (3, 3, True, 1), (3, 5, True, 1), (3, 5, True, 2), (4, 2, True, 3)]


def document_block():
    names = {"nn": nn, "F": F}
    exec(DOCUMENT, names)
    return names["Residual"]


def d2l_block():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from d2l import torch as d2l
    return d2l.Residual


def assert_same_function(ours: nn.Module, theirs: nn.Module, X: torch.Tensor, rtol=0, atol=0):
    """Outputs, statistics and all gradients, in train mode and then in eval mode."""
    for mode in (True, False):
        inputs = [X.clone().requires_grad_() for _ in range(2)]
        outputs = [m.train(mode)(x) for m, x in zip((ours, theirs), inputs, strict=True)]
        torch.testing.assert_close(outputs[0], outputs[1], rtol=rtol, atol=atol)
        for Y in outputs:
            (Y * torch.linspace(-1, 1, Y.numel()).view_as(Y)).sum().backward()
        assert torch.equal(inputs[0], X), "the block has overwritten its input"
        torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=rtol, atol=atol)
    for ours_part, theirs_part in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(ours_part.grad, theirs_part.grad, rtol=rtol, atol=atol)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("find", [document_block, d2l_block])
def test_residual_is_the_documents_block_and_d2ls_and_takes_their_weights(find, form):
    torch.manual_seed(0)
    ours, theirs = Residual(*form), randomise(find()(*form))
    ours.load_state_dict(theirs.state_dict())
    assert_same_function(ours, theirs, torch.randn(4, form[0], 7, 6))
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(tensor, ours.state_dict()[name]), name
    theirs.load_state_dict(randomise(ours, seed=2).state_dict())


def test_residual_starts_with_the_documents_weights():
    form = FORMS[3]
    torch.manual_seed(3)
    ours = Residual(*form).state_dict()
    torch.manual_seed(3)
    theirs = document_block()(*form).state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    ("input_channels", "num_channels", "strides"), [(3, 4, 1), (4, 3, 1), (3, 3, 2), (3, 6, 2)]
)
def test_guard_names_what_changes_and_the_way_out(input_channels, num_channels, strides):
    words = rf"{input_channels} -> {num_channels}.*strides={strides}.*use_1x1conv=True"
    with pytest.raises(ValueError, match=words):
        Residual(input_channels, num_channels, strides=strides)
    block = Residual(input_channels, num_channels, use_1x1conv=True, strides=strides)
    assert block(torch.zeros(2, input_channels, 4, 4)).shape[1] == num_channels


def test_forward_is_the_equation():
    block, X = randomise(Residual(3, 5, True, 2)).eval(), torch.randn(2, 3, 6, 6)
    assert torch.equal(block(X), F.relu(block.residual(X) + block.shortcut(X)))
    assert (block.residual(X) < 0).any(), "the residual itself is not rectified"
    same = Residual(3, 3)
    assert same.shortcut(X) is X


def test_an_input_that_does_not_match_is_refused_in_one_sentence():
    with pytest.raises(RuntimeError, match="to have 3 channels, but got 2 channels"):
        Residual(3, 3)(torch.zeros(1, 2, 4, 4))


def test_strides_of_zero_never_pass():
    with pytest.raises(ValueError, match="strides=0"):
        Residual(3, 3, strides=0)
    with pytest.raises(RuntimeError, match="stride"):
        Residual(3, 3, use_1x1conv=True, strides=0)(torch.zeros(1, 3, 4, 4))


@settings(deadline=None, max_examples=40)
@given(
    block=st.sampled_from([Plain, models.residual_block, BasicBlock, Bottleneck]),
    channels=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    strides=st.integers(1, 3),
    size=st.tuples(st.integers(1, 3), st.integers(1, 11), st.integers(1, 11)),
)
def test_shapes_of_blocks(block, channels, strides, size):
    count, height, width = size
    Y = block(*channels, strides=strides).eval()(torch.randn(count, channels[0], height, width))
    expansion = getattr(block, "expansion", 1)
    expected = (count, expansion * channels[1], -(-height // strides), -(-width // strides))
    assert tuple(Y.shape) == expected
    assert Y.min() >= 0


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_plain_is_residual_without_the_shortcut(input_channels, num_channels, strides):
    plain = randomise(Plain(input_channels, num_channels, strides)).eval()
    twin = models.residual_block(input_channels, num_channels, strides).eval()
    missing = twin.load_state_dict(plain.state_dict(), strict=False)
    assert not missing.unexpected_keys
    assert all(name.startswith("conv3") for name in missing.missing_keys)
    X = torch.randn(2, input_channels, 6, 5)
    assert torch.equal(plain(X), F.relu(twin.residual(X)))
    if twin.conv3 is not None:
        nn.init.zeros_(twin.conv3.weight)
        nn.init.zeros_(twin.conv3.bias)
        assert torch.equal(plain(X), twin(X))


@pytest.mark.parametrize(("before", "after", "strides"), [(8, 2, 1), (6, 3, 2), (4, 4, 2)])
@pytest.mark.parametrize("kind", ["BasicBlock", "Bottleneck"])
def test_the_papers_blocks_are_torchvisions(kind, before, after, strides):
    from torchvision.models import resnet as vision

    block = getattr(models, kind)(before, after, strides)
    outputs = getattr(block, "expansion", 1) * after
    projection = None
    if strides != 1 or before != outputs:
        layers = nn.Conv2d(before, outputs, 1, strides, bias=False), nn.BatchNorm2d(outputs)
        projection = nn.Sequential(*layers)
    theirs = randomise(getattr(vision, kind)(before, after, strides, downsample=projection))
    assert_torchvisions(block, theirs, torch.randn(3, before, 6, 5))


def assert_torchvisions(block, theirs, X):
    """Equal outputs in both modes with the same weights."""
    state = theirs.state_dict().items()
    block.load_state_dict({name.replace("downsample", "shortcut"): t for name, t in state})
    for mode in (True, False):
        assert torch.equal(block.train(mode)(X), theirs.train(mode)(X.clone()))


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def convolution(inputs, outputs, side, bias=True):
    return outputs * (inputs * side**2 + bias)


@settings(deadline=None, max_examples=15)
@given(before=st.integers(1, 9), after=st.integers(1, 9), strides=st.integers(1, 2))
def test_parameters_of_blocks(before, after, strides):
    plain = convolution(before, after, 3) + convolution(after, after, 3) + 4 * after
    assert parameters(Plain(before, after, strides)) == plain
    changes = before != after or strides != 1
    projection = changes * convolution(before, after, 1)
    assert parameters(models.residual_block(before, after, strides)) == plain + projection
    basic = plain - 2 * after + changes * (before * after + 2 * after)
    assert parameters(BasicBlock(before, after, strides)) == basic


def test_parameters_of_resnet18():
    assert parameters(models.resnet18()) == 11_178_378
    widths = (64, 64, 128, 256, 512)
    expected = convolution(1, 64, 7) + 2 * 64 + 512 * 10 + 10
    for before, after in zip(widths, widths[1:], strict=False):
        expected += convolution(before, after, 3) + 3 * convolution(after, after, 3) + 8 * after
        expected += (before != after) * convolution(before, after, 1)
    assert expected == 11_178_378
    from torchvision.models import resnet18

    theirs = parameters(resnet18(weights=None, num_classes=10))
    assert expected - theirs == 4_800 - 6_272 - 1_792


def test_resnet18_in_the_documents_words():
    Block = document_block()

    def resnet_block(input_channels, num_channels, num_residuals, first_block=False):
        blk = []
        for i in range(num_residuals):
            if i == 0 and not first_block:
                blk.append(Block(input_channels, num_channels, use_1x1conv=True, strides=2))
            else:
                blk.append(Block(num_channels, num_channels))
        return blk

    for arguments in ((3, 3, 2, True), (3, 6, 3), (4, 4, 1)):
        ours = nn.Sequential(*models.resnet_block(*arguments))
        theirs = nn.Sequential(*resnet_block(*arguments))
        assert isinstance(models.resnet_block(*arguments), list)
        ours.load_state_dict(randomise(theirs).state_dict())
        X = torch.randn(2, arguments[0], 6, 6)
        assert torch.equal(ours.eval()(X), theirs.eval()(X))


def test_resnet18_shrinks_the_map_32_times():
    net, X = models.resnet18(7, 3).eval(), torch.zeros(1, 3, 64, 96)
    with torch.inference_mode():
        sides = [tuple((X := part(X)).shape[1:]) for part in net]
    assert list(dict(net.named_children())) == ["b1", "b2", "b3", "b4", "b5", "head"]
    expected = [(64, 16, 24), (64, 16, 24), (128, 8, 12), (256, 4, 6), (512, 2, 3), (7,)]
    assert sides == expected


# He et al. 2015, Table 6, in millions.
PAPER = {20: "0.27", 32: "0.46", 44: "0.66", 56: "0.85", 110: "1.7"}


@pytest.mark.parametrize("depth", PAPER)
def test_parameters_of_the_papers_series(depth):
    """The paper has option A: shortcuts without parameters. Ours has two projections and
    the biases of the stem more.
    """
    net = models.six_n_plus_two(depth, BasicBlock, input_channels=3)
    option_b = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    n = (depth - 2) // 6
    stages = sum(2 * n * (9 * c**2 + 2 * c) for c in (16, 32, 64)) - 9 * (16 * 32 + 32 * 64)
    option_a = 3 * 16 * 9 + 2 * 16 + stages + 64 * 10 + 10
    stem_biases = 16
    assert parameters(net) == option_a + option_b + stem_biases
    decimals = len(PAPER[depth].partition(".")[2])
    assert f"{option_a / 1e6:.{decimals}f}" == PAPER[depth]


@settings(deadline=None, max_examples=10)
@given(
    n=st.integers(1, 3),
    width=st.integers(1, 4),
    channels=st.integers(1, 3),
    classes=st.integers(1, 5),
    stem_strides=st.integers(1, 2),
    block=st.sampled_from([Plain, models.residual_block, BasicBlock]),
)
def test_six_n_plus_two_has_6n_plus_2_layers(n, width, channels, classes, stem_strides, block):
    net = models.six_n_plus_two(
        6 * n + 2, block, width=width, input_channels=channels, num_classes=classes,
        stem_strides=stem_strides,
    )  # fmt: skip
    layers = [
        name
        for name, layer in net.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
        and "shortcut" not in name
        and "conv3" not in name
    ]
    assert len(layers) == 6 * n + 2
    assert [len(getattr(net, f"stage{k}")) for k in (1, 2, 3)] == [n] * 3
    X = torch.zeros(2, channels, 16, 24)
    assert tuple(net(X).shape) == (2, classes)
    map_sides = net.stage3(net.stage2(net.stage1(net.stem(X)))).shape
    assert tuple(map_sides) == (2, 4 * width, 4 // stem_strides, 6 // stem_strides)


@pytest.mark.parametrize(
    "build",
    [partial(models.six_n_plus_two, 14, width=32), partial(resnet, 50, width=16)],
    ids=["series", "family"],
)
def test_networks_start_from_hes_initialisation(build):
    torch.manual_seed(0)
    for name, layer in build().named_modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is None or not layer.bias.any(), name
            fan_in = layer.in_channels * layer.kernel_size[0] ** 2
            assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.2), name
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.weight.eq(1).all() and not layer.bias.any(), name


@pytest.mark.parametrize(
    ("build", "depths", "words"),
    [
        (models.six_n_plus_two, (-4, 0, 2, 7, 18, 19, 21, 57), r"6n \+ 2.*"),
        (resnet, (0, 20, 50.5, 200, -18), "depth must be one of 18, 34, 50, 101, 152, "),
    ],
)
def test_depths_that_a_network_cannot_have(build, depths, words):
    for depth in depths:
        with pytest.raises(ValueError, match=f"{words}not {depth}$"):
            build(depth)


SIZES = ("input_channels", "num_classes", "width", "stem_strides")


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (partial(models.six_n_plus_two, 8), SIZES),
        (models.resnet18, SIZES[:2]),
        (partial(resnet, 18), SIZES[:3]),
    ],
)
@pytest.mark.parametrize("size", [0, -1])
def test_sizes_below_one(build, names, size):
    for name in names:
        with pytest.raises(ValueError, match=f"{name} must be at least 1, not {size}"):
            build(**{name: size})


def test_networks_can_be_copied_and_reach_every_parameter():
    net = copy.deepcopy(models.six_n_plus_two(8, stem_strides=1))
    net(torch.randn(4, 1, 8, 8)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


PAPERS_BOTTLENECK = partial(Bottleneck, stride_on_first=True)
# torchvision's table of its first weights: parameters, and multiply-adds in G.
TORCHVISION = {
    18: (11_689_512, 1.814),
    34: (21_797_672, 3.664),
    50: (25_557_032, 4.089),
    101: (44_549_160, 7.801),
    152: (60_192_808, 11.514),
}


def closed_counts(depth, stride_on_first=False, projections=True, side=224, classes=1000):
    """Parameters and multiply-adds of a member of the family, layer by layer."""
    numbers = {"parameters": 0, "multiply-adds": 0}

    def layer(inputs, outputs, kernel, map_side):
        numbers["parameters"] += inputs * outputs * kernel**2 + 2 * outputs  # and batch norm's two
        numbers["multiply-adds"] += inputs * outputs * kernel**2 * map_side**2

    layer(3, 64, 7, side // 2)
    before, side = 64, side // 4
    for stage, blocks in enumerate(FAMILY[depth][1]):
        inner = 64 * 2**stage
        outer = inner if depth < 50 else 4 * inner
        for block in range(blocks):
            after = side // 2 if stage and not block else side
            if depth < 50:
                layer(before, inner, 3, after)
                layer(inner, inner, 3, after)
            else:
                layer(before, inner, 1, after if stride_on_first else side)
                layer(inner, inner, 3, after)
                layer(inner, outer, 1, after)
            if projections and (before != outer or after != side):
                layer(before, outer, 1, after)
            before, side = outer, after
    numbers["parameters"] += before * classes + classes
    numbers["multiply-adds"] += before * classes
    return numbers["parameters"], numbers["multiply-adds"]


IMAGENET_IMAGE = (1, 3, 224, 224)
# One of each block; the others take longer and have the same ones.
DEPTHS = [pytest.param(d, marks=[] if d in (18, 50) else pytest.mark.slow) for d in FAMILY]


def counts(depth, block=None):
    """Parameters and multiply-adds on an ImageNet image, without memory for either."""
    with torch.device("meta"):
        net = resnet(depth, block)
        return parameters(net), multiply_adds(net, torch.empty(IMAGENET_IMAGE))


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_member_has_the_layers_the_counts_and_the_maps_that_were_published(depth):
    from torchvision import models as vision

    published = vision.get_model_weights(f"resnet{depth}").IMAGENET1K_V1.meta
    assert (published["num_params"], published["_ops"]) == TORCHVISION[depth]
    with torch.device("meta"):
        net, X, shapes = resnet(depth), torch.empty(IMAGENET_IMAGE)[..., :160], []
        found = parameters(net), multiply_adds(net, torch.empty(IMAGENET_IMAGE))
        for part in net:
            shapes.append(tuple((X := part(X)).shape[1:]))
    assert found == closed_counts(depth)
    assert (found[0], round(found[1] / 1e9, 3)) == TORCHVISION[depth]
    layers = [layer for name, layer in net.named_modules() if "shortcut" not in name]
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in layers) == depth
    assert list(dict(net.named_children())) == ["stem", *(f"stage{k}" for k in range(1, 5)), "head"]
    wide = 1 if depth < 50 else 4
    assert shapes == [(64, 56, 40), (64 * wide, 56, 40), (128 * wide, 28, 20),
                      (256 * wide, 14, 10), (512 * wide, 7, 5), (1000,)]  # fmt: skip


# He et al. 2015, table 1, in G: the digits that are printed, and what we count.
TABLE_1 = {
    18: ("1.8", 1.795),
    34: ("3.6", 3.644),
    50: ("3.8", 3.858),
    101: ("7.6", 7.570),
    152: ("11.3", 11.282),
}


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_family_counts_what_the_papers_table_1_counts(depth):
    """Convolutions and the linear layer; shortcuts without parameters (option A) below 50 layers,
    projections (B) from there on; the stride on the first 1x1.

    Rounded to one decimal these are four of the paper's five numbers. ResNet-50 counts 3.858, and
    the paper has 3.8, the digits behind cut off: there an excess of less than 0.1 is let pass.
    """
    small = depth < 50
    found = counts(depth, option_a if small else PAPERS_BOTTLENECK)
    assert found == closed_counts(depth, stride_on_first=not small, projections=not small)
    printed, expected = TABLE_1[depth]
    billions = found[1] / 1e9
    assert round(billions, 3) == expected
    if depth == 50:
        assert 0 < billions - float(printed) < 0.1
    else:
        assert f"{billions:.1f}" == printed


def test_other_conventions_miss_table_1_by_more():
    """torchvision's stride, or one kind of shortcut in all five, whether rounded or cut off."""

    def missed(stride_on_first, projections, cut):
        found = [closed_counts(d, stride_on_first, projections)[1] / 1e9 for d in TABLE_1]
        found = [math.floor(10 * billions) / 10 if cut else billions for billions in found]
        table = [digits for digits, _ in TABLE_1.values()]
        return sum(f"{one:.1f}" != other for one, other in zip(found, table, strict=True))

    for arguments in itertools.product((True, False), repeat=3):
        assert missed(*arguments) >= 2, arguments


def test_the_plain_network_of_34_layers_costs_what_the_paper_says():
    """He et al. 2015, section 3.3: 3.6 billion multiply-adds."""
    _, cost = counts(34, Plain)
    assert cost == closed_counts(34, projections=False)[1] and f"{cost / 1e9:.1f}" == "3.6"


@settings(deadline=None, max_examples=10)
@given(
    depth=st.sampled_from([18, 50]),
    width=st.integers(1, 4),
    channels=st.integers(1, 3),
    side=st.integers(1, 40),
    small=st.booleans(),
)
def test_stems_for_small_and_large_images(depth, width, channels, side, small):
    net = resnet(depth, width=width, input_channels=channels, num_classes=3, small_images=small)
    X = torch.randn(2, channels, side, side)
    features = net.stem(X)
    assert tuple(features.shape) == (2, width, *(2 * [side if small else -(-side // 4)]))
    assert [type(layer) for layer in net.stem[:3]] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert net.stem[0].bias is None and net.stem[0].kernel_size == ((3, 3) if small else (7, 7))
    assert tuple(net.eval()(X).shape) == (2, 3)
    last = net.stage4(net.stage3(net.stage2(net.stage1(features))))
    assert last.shape[1:] == (8 * width * (4 if depth == 50 else 1), *(2 * [last.shape[-1]]))
    assert last.shape[-1] == -(-side // (8 if small else 32))


@pytest.mark.parametrize("strides", [1, 2])
def test_the_papers_bottleneck_is_torchvisions_with_the_stride_moved(strides):
    from torchvision.models.resnet import Bottleneck as Theirs

    down = nn.Sequential(nn.Conv2d(6, 12, 1, strides, bias=False), nn.BatchNorm2d(12))
    theirs = randomise(Theirs(6, 3, strides, downsample=down))
    theirs.conv1.stride, theirs.conv2.stride = (strides, strides), (1, 1)
    block = PAPERS_BOTTLENECK(6, 3, strides)
    X = torch.randn(3, 6, 7, 6)
    assert_torchvisions(block, theirs, X)
    usual = Bottleneck(6, 3, strides)
    usual.load_state_dict(block.state_dict())
    assert torch.equal(usual.eval()(X), block.eval()(X)) == (strides == 1)
    untouched = X.clone()
    untouched[:, :, 1::2], untouched[:, :, :, 1::2] = 0, 0
    assert torch.equal(block(X), block(untouched)) == (strides == 2), "three of four are not seen"


@pytest.mark.parametrize(
    ("depth", "block"),
    [(18, None), (18, models.residual_block), (50, None), (50, PAPERS_BOTTLENECK)],
)
def test_a_last_scale_of_zero_starts_each_block_as_its_shortcut(depth, block):
    options = {"width": 2, "num_classes": 3, "small_images": True}
    torch.manual_seed(0)
    net = resnet(depth, block, zero_scale=True, **options)
    torch.manual_seed(0)
    usual = resnet(depth, block, **options).state_dict()
    changed = {n for n, t in net.state_dict().items() if not torch.equal(t, usual[n])}
    blocks = [made for stage in net[1:-1] for made in stage]
    assert len(blocks) == sum(FAMILY[depth][1]) == len(changed)
    last = "bn2.weight" if depth == 18 else "bn3.weight"
    assert all(name.endswith(last) and not net.state_dict()[name].any() for name in changed)
    X = net.stem(torch.randn(2, 3, 8, 8))
    for made in blocks:
        expected = F.relu(made.shortcut(X))
        X = made(X)
        assert torch.equal(X, expected)
    net(torch.randn(4, 3, 8, 8)).square().sum().backward()
    assert blocks[0].get_parameter(last).grad.any(), "the scale itself learns at once"


@pytest.mark.parametrize("block", [PreActivation, Plain])
def test_a_last_scale_of_zero_is_refused_where_it_would_stop_the_learning(block):
    with pytest.raises(TypeError, match=f"no batch norm ends the residual of a {block.__name__}"):
        resnet(18, block, width=2, zero_scale=True)
