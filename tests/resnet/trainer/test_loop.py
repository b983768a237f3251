"""The trainer's loop against `fit`: at one process the same, bit for bit."""

import functools

import pytest
import torch
from torch import nn

from resnet import training
from resnet.datasets.augmentation import augmented
from resnet.models import Plain, resnet
from resnet.trainer import loop as trainer_loop
from tests.support.tiny import image_set, interrupt_after, network

NETWORKS = {
    "plain": functools.partial(network, Plain, width=8),
    "residual": functools.partial(network, width=8),
    "dropout": lambda: nn.Sequential(nn.Dropout(0.2), network(width=8)),
    "ResNet-18, small": lambda: resnet(
        18, width=8, input_channels=1, num_classes=4, small_images=True
    ),
}
# A rest of one image, which sits out.
IMAGES, VALIDATION = augmented(image_set(25), 0), image_set(9, seed=1)
OPTIONS = {"epochs": 2, "batch_size": 8, "device": "cpu", "progress": False, "seed": 3}


def trained(loop, name, **options):
    """Weights and rows of a run from the same weights and random numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = NETWORKS[name]()
        history = loop.fit(model, IMAGES, VALIDATION, **{**OPTIONS, **options})
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history.epochs]
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}, rows


def assert_same(one, other):
    assert one[1] == other[1]
    assert all(torch.equal(one[0][name], other[0][name]) for name in one[0])


LAYOUTS, PRECISIONS = ("contiguous", "channels_last"), ("float32", "bfloat16", "float16")
PAIRS = [  # each name and each layout with each precision
    pytest.param(name, LAYOUTS[(i + j) % 2], kind, marks=[] if j == 0 else pytest.mark.slow)
    for i, name in enumerate(NETWORKS) for j, kind in enumerate(PRECISIONS)
]  # fmt: skip


@pytest.mark.parametrize(("name", "layout", "precision"), PAIRS)
def test_both_loops_are_equal_bit_for_bit(name, layout, precision):
    options = {"layout": layout, "precision": precision}
    one, other = (trained(loop, name, **options) for loop in (training, trainer_loop))
    assert len(one[1]) == 2
    assert_same(one, other)


@pytest.mark.parametrize("loop", [training, trainer_loop])
@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=() if each == "dropout" else pytest.mark.slow) for each in NETWORKS],
)
@pytest.mark.parametrize(
    "steps", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (None, 0, 4))]
)
def test_both_stay_equal_over_a_checkpoint_and_a_kill(tmp_path, monkeypatch, loop, name, steps):
    options = {"precision": "float32", "layout": "channels_last", "score_training": False}
    expected = trained(training, name, **options)
    options["checkpoint"] = tmp_path / "run.pt"
    if steps is not None:
        with monkeypatch.context() as patch, pytest.raises(SystemExit):
            interrupt_after(patch, steps, SystemExit, loop=loop)
            trained(loop, name, **options)
    assert_same(trained(loop, name, **options), expected)


def test_another_loop_would_be_noticed():
    """The comparison has teeth: another order of images, or another sum, gives other weights."""
    one = trained(training, "plain", precision="float32")
    other = trained(trainer_loop, "plain", precision="float32", accumulation=2)
    assert any(not torch.equal(one[0][name], other[0][name]) for name in one[0])
