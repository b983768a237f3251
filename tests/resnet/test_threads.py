"""How many threads a run takes: few where they would only wait, as asked, as before it stopped."""

import pytest
import torch
from torch import nn

from resnet import training
from resnet.models import resnet18, six_n_plus_two
from resnet.runtime.device import WORTH_ALL_THREADS, enough_threads
from resnet.trainer import loop
from tests.support.tiny import image_set, interrupt_after, network

LOOPS = pytest.mark.parametrize("module", [training, loop], ids=["fit", "trainer"])
IMAGES = image_set()


@pytest.fixture(autouse=True)
def two_threads():
    """As on a machine of two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def run(module=training, **settings):
    settings = {"precision": "float32", **settings}
    history = module.fit(
        network(), IMAGES, epochs=2, batch_size=8, device="cpu", progress=False, **settings
    )
    return history.provenance["device"]


@pytest.mark.parametrize(
    ("make", "batch_size", "enough"),
    [
        (lambda: six_n_plus_two(8), 64, 1),
        (lambda: six_n_plus_two(56), 64, 1),
        (lambda: six_n_plus_two(20), 512, 2),
        (lambda: six_n_plus_two(20, width=64), 64, 2),
        (resnet18, 64, 2),
        (resnet18, 8, 1),
    ],
)
def test_a_network_takes_all_threads_where_each_layer_has_work_for_them(make, batch_size, enough):
    work = training.work_per_layer(make(), image_set(side=28, classes=10))
    assert enough_threads(batch_size * work) == enough


def test_the_work_of_a_layer_is_counted():
    layers = [nn.Conv2d(1, 6, 3, 2, 1, bias=False), nn.Flatten(), nn.Linear(96, 4)]
    assert training.work_per_layer(nn.Sequential(*layers), IMAGES) == (16 * 9 * 6 + 96 * 4) / 2
    grouped = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 8, 3, padding=1, groups=2))
    assert training.work_per_layer(grouped, IMAGES) == (64 * 4 + 64 * 9 * 2 * 8) / 2


@LOOPS
def test_a_small_network_trains_on_one_thread_and_leaves_torch_as_it_was(module):
    seen = []
    module_step = nn.Conv2d.forward

    class Watching(nn.Conv2d):
        def forward(self, X):
            seen.append(torch.get_num_threads())
            return module_step(self, X)

    model = nn.Sequential(Watching(1, 4, 3), nn.Flatten(), nn.LazyLinear(4))
    model(torch.zeros(1, 1, 8, 8))
    settings = {"epochs": 1, "batch_size": 8, "device": "cpu", "progress": False}
    history = module.fit(model, IMAGES, precision="float32", **settings)
    assert history.provenance["device"].endswith(", 1 thread")
    assert seen[-1] == 1 and torch.get_num_threads() == 2
    seen.clear()
    module.fit(model, IMAGES, precision="float32", threads=3, **settings)
    assert seen[-1] == 3 and torch.get_num_threads() == 2


@LOOPS
def test_threads_are_put_back_after_an_error(module):
    with pytest.raises(ArithmeticError):
        run(module, learning_rate=1e30, threads=3)
    assert torch.get_num_threads() == 2


def test_a_large_network_takes_all_threads(monkeypatch):
    monkeypatch.setattr("resnet.runtime.device.WORTH_ALL_THREADS", 1)
    assert run().endswith(", 2 threads")
    assert WORTH_ALL_THREADS > 1


def test_the_line_of_the_self_test_says_how_many(capsys):
    training.fit(network(), IMAGES, epochs=1, device="cpu", label="tiny")
    assert ", 1 thread (self-test of a step: " in capsys.readouterr().out


@pytest.mark.slow
@LOOPS
def test_a_run_goes_on_with_the_threads_that_it_had(module, tmp_path, monkeypatch, capsys):
    path = tmp_path / "run.pt"
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4, loop=module)
        run(module, threads=2, checkpoint=path)
    assert run(module, checkpoint=path).endswith(", 2 threads")
    assert "differ" not in capsys.readouterr().out


def test_no_threads_are_refused():
    with pytest.raises(ValueError, match="threads must be at least 1, not 0"):
        run(threads=0)
