"""The comparisons: each side is what it says it is, and the numbers are what was timed."""

import json
import time

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import cost, peers, step, timing
from resnet.models import resnet18
from tests.tiny import image_set


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
    X, y = step.batch(8, 32)
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


def test_a_straight_line_is_found(monkeypatch):
    times = {x: [0.5 + 2.0 * x] * 3 for x in (1, 2, 4)}
    monkeypatch.setattr(cost, "interleaved", lambda calls, rounds: times)
    line = cost.series({})
    assert (line["slope"], line["intercept"]) == pytest.approx((2.0, 0.5))
    assert line["r_squared"] == pytest.approx(1)
    times[4] = [20.0] * 3
    assert cost.series({})["r_squared"] < 0.99
    assert cost.series({})["slope"] > 2.5


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
    assert "invalid choice: 'speed'" in capsys.readouterr().err
