"""`check` tells which mistake a block or a network has; the learners' code here is its own."""

import signal
from collections import OrderedDict
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet import check
from resnet.check import verdicts
from resnet.check.block_mistakes import BLOCK
from resnet.check.learning_mistakes import LEARNING
from resnet.check.network_mistakes import NETWORK
from resnet.models import Residual, head, resnet18, resnet_block, six_n_plus_two
from tests.support.learners import RIGHT, WRONG, Block, InSequential, written


def mistaken(mistake):
    """The document's block with a mistake of the list made in it."""

    def build(*arguments, **settings):
        block = Residual(*arguments, **settings)
        mistake.change(block)
        return block

    return build


@pytest.mark.slow
@pytest.mark.parametrize("mistake", [*BLOCK, *LEARNING], ids=lambda mistake: mistake.name)
def test_each_mistake_of_a_block_is_named(mistake):
    verdict = check.residual(mistaken(mistake))
    assert not verdict.correct
    assert verdict.mistake == mistake.name


@pytest.fixture(scope="module")
def narrow():
    """The document's ResNet-18 with a sixteenth of its channels, and two blocks fewer."""
    stem = nn.Sequential(
        nn.Conv2d(1, 4, kernel_size=7, stride=2, padding=3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    )
    stages = {"b2": resnet_block(4, 4, 2, first_block=True)}
    stages |= {f"b{k}": resnet_block(2 ** (k - 1), 2**k, 2 - (k > 3)) for k in (3, 4, 5)}
    stages = {name: nn.Sequential(*blocks) for name, blocks in stages.items()}
    return nn.Sequential(OrderedDict(b1=stem, **stages, head=head(32, 10)))


@pytest.mark.slow
@pytest.mark.parametrize("mistake", NETWORK, ids=lambda mistake: mistake.name)
def test_each_mistake_of_a_network_is_named(mistake, narrow):
    net = deepcopy(narrow)
    mistake.change(net)
    verdict = check.network(net, like=narrow)
    assert not verdict.correct
    assert verdict.mistake == mistake.name


def every_third(names):
    """As parameters, the others for the whole run."""
    return [pytest.param(each, marks=pytest.mark.slow if place % 3 else ())
            for place, each in enumerate(names)]  # fmt: skip


@pytest.mark.parametrize("name", every_third(WRONG))
def test_what_is_wrong_is_said(name):
    block, words = WRONG[name]
    verdict = check.residual(block)
    assert not verdict.correct
    assert words in verdict.message
    assert "That is not all" not in verdict.message


@pytest.mark.parametrize("name", every_third([*RIGHT, "the document's"]))
def test_what_is_right_is_never_called_wrong(name):
    block = RIGHT.get(name, Residual)
    verdict = check.residual(block)
    assert verdict.correct and repr(verdict) == f"{block.__name__} is right."


def as_stacked(before, after, strides=1):
    """A learner's block as `six_n_plus_two` builds it."""
    return InSequential(before, after, use_1x1conv=before != after, strides=strides)


@pytest.mark.slow
def test_a_right_network_is_right():
    assert check.network(resnet18()).correct
    like = six_n_plus_two(20, width=4)
    assert check.network(six_n_plus_two(20, as_stacked, width=4), like=like).correct


def test_the_learners_network_and_the_random_state_stay_as_they_are():
    net, like = six_n_plus_two(8, as_stacked).train(), six_n_plus_two(8)
    before, state = deepcopy(net.state_dict()), torch.get_rng_state()
    check.network(net, like=like)
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())


def test_what_is_not_written_yet_is_called_so():
    class Unfinished(nn.Module):
        def __init__(self, *arguments, **settings):
            super().__init__()
            raise NotImplementedError()

    verdict = check.residual(Unfinished)
    assert verdict.message == "Unfinished(4, 4): it is not written yet."


def test_a_failure_is_told_as_it_is(narrow):
    verdict = check.network(None, like=narrow)
    assert not verdict.correct
    assert verdict.message.startswith("the network: building fails with TypeError")


def trained_with(momentum):
    def change(net):
        for layer in net.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = momentum

    return change


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda net: net.b2.requires_grad_(False), "b2.0.conv1.weight, b2.0.conv1.bias, b2"),
        (trained_with(0.9), "Batch norm's momentum is 0.9, expected 0.1."),
        (lambda net: net.b3[1].register_forward_hook(lambda *a: a[2] * 1.1), "b4.0.conv1 is the f"),
        (lambda net: net.head.append(nn.Dropout(0.5)), "the output in train mode differs by up to"),
        (lambda net: net.head.__setitem__(2, nn.Linear(64, 10)), "takes 64 numbers per image and"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_network_is_said(change, words, narrow):
    net = deepcopy(narrow)
    change(net)
    verdict = check.network(net, like=narrow)
    assert not verdict.correct
    assert words in verdict.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda b, X: F.relu((b.F(X) + b.S(X)) / 2), "In the blocks: Branch and shortcut are aver"),
        (lambda b, X: F.relu(b.F(X) + b.S(X).detach()), "In the blocks: The shortcut passes no gr"),
        (lambda b, X: F.relu(b.F(X) + b.S(X) / 2), "times the branch and 0.5 times the shortcut"),
        (lambda b, X: F.relu6(b.F(X) + b.S(X)), "In the blocks: The last activation is ReLU6"),
    ],
)
def test_what_is_wrong_with_all_blocks_of_a_network_is_said(forward, words):
    def block(before, after, strides):
        return written(forward)(before, after, use_1x1conv=before != after, strides=strides)

    like = six_n_plus_two(8, width=4)
    verdict = check.network(six_n_plus_two(8, block, width=4), like=like)
    assert words in verdict.message


@pytest.mark.slow
def test_networks_in_half_precision_and_after_training_are_right(narrow):
    assert check.network(deepcopy(narrow).half(), like=narrow).correct
    trained = deepcopy(narrow).train()
    trained(torch.randn(8, 1, 32, 32))
    assert check.network(trained, like=narrow).correct


@pytest.mark.slow
def test_hardly_any_candidate_runs_to_its_end(narrow, monkeypatch):
    """What costs is the work of the convolutions: an answer should take seconds."""
    calls = []
    run = nn.Conv2d.forward
    monkeypatch.setattr(nn.Conv2d, "forward", lambda layer, X: calls.append(1) or run(layer, X))
    narrow(torch.zeros(2, 1, 32, 32))
    once, net = len(calls), deepcopy(narrow)
    net.b2[0].register_forward_hook(lambda *a: a[2] * 1.1)
    assert check.network(net, like=narrow).mistake == verdicts.SOMETHING_ELSE
    assert len(calls) < 40 * once


@pytest.mark.parametrize(
    "context", [torch.autocast("cpu", torch.bfloat16), torch.no_grad(), torch.inference_mode()],
    ids=["autocast", "no_grad", "inference_mode"],
)  # fmt: skip
def test_it_does_not_matter_in_which_context_is_asked(context):
    state = torch.get_rng_state()
    with context:
        assert check.residual(Block).correct
        assert WRONG["skip halved"][1] in check.residual(WRONG["skip halved"][0]).message
        assert torch.equal(state, torch.get_rng_state())
        assert check.network(six_n_plus_two(8, width=4), like=six_n_plus_two(8, width=4)).correct


def test_double_precision_as_default_is_no_mistake():
    torch.set_default_dtype(torch.float64)
    try:
        assert check.residual(Block).correct
        assert WRONG["skip halved"][1] in check.residual(WRONG["skip halved"][0]).message
    finally:
        torch.set_default_dtype(torch.float32)


def test_an_interrupt_by_the_user_is_no_mistake_of_the_block():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            check.residual(written(lambda block, X: signal.raise_signal(signal.SIGINT)))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
