"""The program for a GPU, rehearsed on the CPU: its parts, what is stored, what goes on."""

import copy
import json
import subprocess

import pytest
import torch
from torch.nn import functional as F

from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu import cifar10, recipes
from benchmarks.gpu.sizes import FULL, REHEARSAL
from benchmarks.gpu.together import MOMENTUM, WEIGHT_DECAY, Together
from resnet.__main__ import parser
from tests.support.tiny import network


def test_networks_side_by_side_learn_as_each_does_alone():
    models = [network(seed=seed) for seed in (0, 1)]
    alone = copy.deepcopy(models)
    X, y = torch.randn(2, 8, 1, 8, 8), torch.arange(16).view(2, 8) % 4
    together = Together(models, X, y, torch.float32)
    assert not together.capture()
    settings = {"momentum": MOMENTUM, "weight_decay": WEIGHT_DECAY}
    optimizers = [torch.optim.SGD(model.parameters(), 0.1, **settings) for model in alone]
    for rate in (0.1, 0.1, 0.01):
        together.step(rate)
        for model, optimizer, images, labels in zip(alone, optimizers, X, y, strict=True):
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    for number, model in enumerate(alone):
        for kind in (model.named_parameters(), model.named_buffers()):
            for name, value in kind:
                stacked = {**together.weights, **together.buffers}[name]
                torch.testing.assert_close(stacked[number], value, atol=1e-4, rtol=1e-3)
    seen = [[(m.eval()(X[0]).argmax(1) != y[0]).float().mean().item()] for m in alone]
    assert together.errors([(X[0], y[0])]) == pytest.approx(sum(seen, []))


def test_a_batch_is_drawn_by_its_step_and_cut_out_of_the_image():
    pixels = torch.arange(3 * 32 * 32, dtype=torch.float32).view(1, 3, 32, 32).repeat(5, 1, 1, 1)
    padded = F.pad(pixels, 4 * (cifar10.PADDING,), value=-1)
    X, y = torch.zeros(2, 6, 3, 32, 32), torch.zeros(2, 6, dtype=torch.int64)
    networks = Together([network(), network()], X, y, torch.float32)
    cifar10.fill(networks, padded, torch.arange(5), step=3)
    first = X.clone()
    crops = {tuple(padded[0, :, r : r + 32, c : c + 32].flatten().tolist())
             for r in range(9) for c in range(9)}  # fmt: skip
    for image in first.flatten(0, 1):
        both = {tuple(each.flatten().tolist()) for each in (image, image.flip(-1))}
        assert both & crops
    cifar10.fill(networks, padded, torch.arange(5), step=4)
    assert not torch.equal(X, first)
    cifar10.fill(networks, padded, torch.arange(5), step=3)
    assert torch.equal(X, first)


def test_the_rates_are_those_of_the_paper():
    rates = [cifar10.rate(20, step, 64_000) for step in (0, 31_999, 32_000, 48_000)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001])
    assert [cifar10.rate(110, step, 64_000) for step in (399, 400)] == pytest.approx([0.01, 0.1])


@pytest.mark.slow
def test_a_network_that_is_stopped_goes_on(monkeypatch, tmp_path):
    monkeypatch.setattr(cifar10, "PARTS", tmp_path)
    monkeypatch.setattr(cifar10, "KEEP_EVERY", 0.0)
    images = cifar10.images(REHEARSAL, None)
    whole = cifar10.trained(8, "residual", *images, REHEARSAL)
    steps = []

    def stopped(*words):
        steps.append(words[-1])
        if len(steps) == 3:
            raise KeyboardInterrupt
        return fill(*words)

    fill = cifar10.fill
    monkeypatch.setattr(cifar10, "fill", stopped)
    with pytest.raises(KeyboardInterrupt):
        cifar10.trained(8, "residual", *images, REHEARSAL)
    again = cifar10.trained(8, "residual", *images, REHEARSAL)
    assert steps == [0, 1, 2, 2, 3]
    assert again["losses"] == pytest.approx(whole["losses"]) and again["errors"] == whole["errors"]
    assert list(tmp_path.iterdir()) == []


def test_the_recipe_is_that_of_the_chapter(tmp_path):
    words = recipes.command(tmp_path, FULL)
    options = parser().parse_args(words[2:])
    assert words[:2] == ["-m", "resnet"] and (options.depth, options.network) == (50, "family")
    assert options.batch_size == 256 and options.accumulation == 2 and options.zero_scale


@pytest.fixture
def options(tmp_path):
    return ["--rehearse", "--out", str(tmp_path / "gpu.json")]


def test_what_is_stored_is_not_measured_again(monkeypatch, options, tmp_path):
    measured = []

    def units(size, data):
        for name in ("one", "two"):
            yield name, lambda name=name: measured.append(name) or {"value": len(measured)}

    module = type("Part", (), {"units": staticmethod(units)})
    monkeypatch.setattr(gpu.importlib, "import_module", lambda *_: module)
    for _ in range(2):
        assert gpu.main(["seeds", "--inside", *options]) == 0
    assert measured == ["one", "two"]
    (found,) = json.loads((tmp_path / "gpu.json").read_text()).values()
    assert (
        found["seeds"]["two"]["value"] == 2 and "processor" in found["seeds"]["two"]["provenance"]
    )


def test_a_part_ends_at_its_limit_and_the_others_run(monkeypatch, options, capsys):
    called = []

    def run(call, **settings):
        called.append(call[3])
        if call[3] == "chapters":
            raise subprocess.TimeoutExpired(call, settings["timeout"])
        return subprocess.CompletedProcess(call, called[-1] == "speed")

    monkeypatch.setattr(gpu.subprocess, "run", run)
    assert gpu.main(options) == 1
    said = capsys.readouterr().out
    assert called == list(gpu.LIMITS) and sum(gpu.LIMITS.values()) <= 600
    assert "chapters   stopped after its" in said and "speed      failed" in said
    assert "seeds      ended" in said


def test_without_a_gpu_it_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 1
    assert "no GPU here; --rehearse" in capsys.readouterr().err


def test_an_unknown_part_is_refused():
    with pytest.raises(SystemExit):
        gpu.main(["part"])


@pytest.mark.slow
def test_all_parts_are_rehearsed(monkeypatch, options, tmp_path):
    """One in a process of its own, as all are on a GPU, the others here, where torch is loaded."""
    monkeypatch.setattr(cifar10, "PARTS", tmp_path)
    assert gpu.main(["seeds", *options]) == 0
    for part in gpu.LIMITS:
        assert gpu.main([part, "--inside", *options]) == 0
    (found,) = json.loads((tmp_path / "gpu.json").read_text()).values()
    assert set(found) == set(gpu.LIMITS) and all(found.values())
    assert all(chapter["ended"] for chapter in found["chapters"].values()), found["chapters"]
