"""The comparisons: each side is what it says it is, and the numbers are what was timed."""

import json
import math
import time
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from benchmarks import __main__ as command
from benchmarks import accuracy, book, cost, peers, recipe, scaling, step, taps, timing
from resnet.experiments.settings import FAST
from resnet.models import resnet18
from resnet.runtime.device import Place
from tests.support.tiny import image_set
from tools.publish import copy_tracked


class Recorder(TorchFunctionMode):
    """Notes the height of each kernel that a convolution is called with."""

    def __init__(self, heights):
        super().__init__()
        self.heights = heights

    def __torch_function__(self, function, types, arguments=(), options=None):
        if function is torch.conv2d:
            self.heights.append(arguments[1].shape[2])
        return function(*arguments, **(options or {}))


def test_contenders_run_in_turn_and_each_warms_up_once():
    calls = []
    contenders = {name: (lambda name=name: calls.append(name)) for name in "abc"}
    seconds = timing.interleaved(contenders, rounds=4)
    assert "".join(calls) == "abc" + "abc" + "bca" + "cab" + "abc"
    assert {name: len(times) for name, times in seconds.items()} == {"a": 4, "b": 4, "c": 4}


def test_a_contender_that_takes_longer_is_seen_to():
    seconds = timing.interleaved({"long": lambda: time.sleep(0.02), "short": lambda: None}, 3)
    assert min(timing.ratios(seconds["long"], seconds["short"])) > 1


def test_a_summary_has_median_range_and_count():
    assert timing.summary([2.0, 1.0, 4.0], " s") == "2.00 s (1.00 to 4.00, n = 3)"
    assert timing.summary([0.0123]) == "0.0123 (0.0123 to 0.0123, n = 1)"


def test_the_peer_is_the_documents_network():
    theirs, ours = peers.d2l_resnet18(), resnet18()
    names = theirs.state_dict()
    theirs.load_state_dict(dict(zip(names, ours.state_dict().values(), strict=True)))
    X = torch.randn(2, 1, 28, 28)
    torch.testing.assert_close(theirs.eval()(X), ours.eval()(X))


def test_a_step_of_each_peer_learns():
    X, y = step.batch(2, 32)
    for take in (peers.d2l_step(peers.d2l_resnet18()), peers.torchvision_step()):
        take(X, y)


def test_the_operations_of_a_step_are_those_of_the_formula():
    """1.9 GFLOP an image at 96x96: three passes of 318.7 million multiply-adds, less the stem's."""
    stem = 49 * 64 * 48**2
    assert step.floating_point_operations(torch.zeros(1, 1, 96, 96)) == 2 * (3 * 318_657_536 - stem)


@pytest.mark.slow
def test_the_peers_pipeline_delivers_the_images_enlarged():
    training, test = image_set(300, classes=10, side=28), image_set(60, classes=10, side=28)
    with peers.d2l_loaders(training, test) as (train_iter, test_iter):
        X, y = next(iter(train_iter))
        assert X.shape == (256, 1, 96, 96) and len(train_iter) == 2
        X, y = next(iter(test_iter))
    assert torch.equal(y, test.labels)
    assert X.mean() == pytest.approx(test.images.float().mean().item() / 255, abs=0.01)


@pytest.mark.parametrize(("kind", "height"), [(Place, 1), (taps.AllTaps, 3)])
def test_the_comparison_of_taps_has_both_sides(kind, height):
    heights = []
    place = kind(torch.device("cpu"), torch.float32, torch.contiguous_format)
    layer = nn.Conv2d(1, 1, 3, padding=1)
    with Recorder(heights), place.arithmetic():
        layer(torch.ones(1, 1, 1, 1))
    assert heights == [height]


def test_the_line_of_the_messages_is_found():
    sizes = [4 * 8**power for power in range(9)]
    found = scaling.line({size: [2e-4 + size / 1e9] * 2 + [1.0] for size in sizes})
    assert found["latency"] == pytest.approx(2e-4) and found["bandwidth"] == pytest.approx(1e9)


@pytest.mark.parametrize("name", command.APART)
def test_what_stands_apart_is_stored_in_a_file_of_its_own(name, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "STORED", tmp_path / "benchmarks.json")
    module = SimpleNamespace(run=lambda: {"a": 1})
    monkeypatch.setattr(command.importlib, "import_module", lambda *_: module)
    assert command.main([name, "--store"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.json"]


def test_the_copy_of_the_book_has_its_pages_and_no_environment(tmp_path):
    copy_tracked(tmp_path)
    assert (tmp_path / book.PAGE).exists() and (tmp_path / "_config.yml").exists()
    assert not (tmp_path / ".venv").exists() and not (tmp_path / ".git").exists()


def test_a_straight_line_is_found(monkeypatch):
    times = {x: [0.5 + 2.0 * x] * 3 for x in (1, 2, 4)}
    monkeypatch.setattr(cost, "interleaved", lambda calls, rounds: times)
    line = cost.series({})
    assert (line["slope"], line["intercept"]) == pytest.approx((2.0, 0.5))
    assert line["r_squared"] == pytest.approx(1)
    times[4] = [20.0] * 3
    assert cost.series({})["r_squared"] < 0.99
    assert cost.series({})["slope"] > 2.5


def test_the_factor_is_the_product_of_its_parts():
    row = {"d2l_step_28": 0.7, "d2l_step_96": 4.0, "d2l_ten_epochs": 10_000.0, "seconds": 250.0}
    parts = accuracy.part(row)
    assert math.prod(parts.values()) == pytest.approx(10_000 / 250)
    assert parts["epochs"] == pytest.approx(10 / FAST["epochs"])


def test_the_recipe_is_one_of_those_that_were_tried():
    assert (FAST["epochs"], FAST["learning_rate"]) in recipe.TRIED


def test_a_part_of_a_loader_is_timed_behind_its_first_batch():
    seen = []
    batches = [(number, None) for number in range(50)]
    seconds = accuracy.seconds_a_batch(batches, lambda X, y: seen.append(X))
    assert seen == list(range(1 + accuracy.BATCHES)) and seconds > 0


def test_results_are_added_and_not_replaced(tmp_path):
    path = tmp_path / "new" / "file.json"
    command.add(path, "native", "one", {"a": 1})
    command.add(path, "avx2", "one", {"a": 2})
    command.add(path, "native", "two", {"b": 3})
    held = json.loads(path.read_text())
    assert held == {"native": {"one": {"a": 1}, "two": {"b": 3}}, "avx2": {"one": {"a": 2}}}


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["speed"])
    assert "there is no comparison 'speed'" in capsys.readouterr().err


def test_without_a_name_the_short_ones_run(monkeypatch, tmp_path):
    ran = []

    def module(name, package):
        return SimpleNamespace(run=lambda: ran.append(name) or {})

    monkeypatch.setattr(command.importlib, "import_module", module)
    assert command.main(["--out", str(tmp_path / "file.json")]) == 0
    assert ran == [f".{name}" for name in command.SHORT]
    assert list(json.loads((tmp_path / "file.json").read_text())["native"]) == sorted(command.SHORT)


@pytest.mark.parametrize("library", step.LIBRARIES)
def test_both_products_are_the_same_product(library, monkeypatch):
    monkeypatch.setattr(step, "MATRIX", 64)
    torch.manual_seed(0)
    A, B = torch.randn(64, 64), torch.randn(64, 64)
    torch.manual_seed(0)
    assert step.product(torch.float32, library)() == pytest.approx((A @ B)[0, 0].item(), abs=1e-4)
