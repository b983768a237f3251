"""`check` tells which mistake a block or a network has; the learners' code here is its own."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet import check
from resnet.check.block_mistakes import BLOCK
from resnet.check.network_mistakes import NETWORK
from resnet.models import Residual, resnet18, six_n_plus_two


def mistaken(mistake):
    """The document's block with a mistake of the list made in it."""

    def build(*arguments, **settings):
        block = Residual(*arguments, **settings)
        mistake.change(block)
        return block

    return build


@pytest.mark.parametrize("mistake", BLOCK, ids=lambda mistake: mistake.name)
def test_each_mistake_of_a_block_is_named(mistake):
    verdict = check.residual(mistaken(mistake))
    assert not verdict.correct
    assert verdict.mistake == mistake.name


@pytest.mark.parametrize("mistake", NETWORK, ids=lambda mistake: mistake.name)
def test_each_mistake_of_a_network_is_named(mistake):
    net = resnet18()
    mistake.change(net)
    verdict = check.network(net)
    assert not verdict.correct
    assert verdict.mistake == mistake.name


class FromAddition(nn.Module):
    """Right, in another style: layers in a list, other names, the shortcut always a module."""

    def __init__(self, before, after, use_1x1conv=False, strides=1):
        super().__init__()
        self.way = nn.ModuleList(
            [nn.Conv2d(before, after, 3, strides, 1), nn.Conv2d(after, after, 3, padding=1)]
        )
        self.scales = nn.ModuleList([nn.BatchNorm2d(after) for _ in range(2)])
        self.side = nn.Conv2d(before, after, 1, strides) if use_1x1conv else nn.Identity()

    def forward(self, images):
        first = self.scales[0](self.way[0](images)).clamp(min=0)
        return torch.relu(torch.add(self.side(images), self.scales[1](self.way[1](first))))


class FromSequential(nn.Module):
    """Right, in another style: the branch in one piece, its projection written down first."""

    def __init__(self, c_in, c_out, use_1x1conv=False, strides=1):
        super().__init__()
        if use_1x1conv:
            self.projection = nn.Conv2d(c_in, c_out, kernel_size=1, stride=strides)
        self.branch = nn.Sequential(
            nn.Conv2d(c_in, c_out, kernel_size=3, padding="same" if strides == 1 else 1,
                      stride=strides),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(c_out, c_out, kernel_size=3, padding=1),
            nn.BatchNorm2d(c_out),
        )  # fmt: skip

    def forward(self, x):
        skip = self.projection(x) if hasattr(self, "projection") else x
        return F.relu(self.branch(x) + skip, inplace=True)


@pytest.mark.parametrize("block", [Residual, FromAddition, FromSequential])
def test_a_right_block_is_right_in_any_style(block):
    verdict = check.residual(block)
    assert verdict.correct
    assert repr(verdict) == f"{block.__name__} is right."


def as_stacked(before, after, strides=1):
    """A learner's block as `six_n_plus_two` builds it."""
    return FromSequential(before, after, use_1x1conv=before != after, strides=strides)


def test_a_right_network_is_right():
    assert check.network(resnet18()).correct
    assert check.network(six_n_plus_two(20, as_stacked), like=six_n_plus_two(20)).correct


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


def test_a_failure_is_told_as_it_is():
    verdict = check.network(None)
    assert not verdict.correct
    assert verdict.message.startswith("the network: building fails with TypeError")
