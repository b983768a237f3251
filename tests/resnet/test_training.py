"""The training loop against a naive one, against itself after a break, and against bad input."""

import functools
import json
import math
import statistics
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet import training
from resnet.data import DataError, embedded
from resnet.models import Plain, resnet18
from resnet.results import Band, History
from resnet.runtime import checkpoints
from resnet.runtime.device import candidates, choose
from resnet.runtime.self_test import fastest
from resnet.training import TrainingDiverged, check_images, evaluate, fit
from tests.support.tiny import image_set, interrupt_after, network, plain_numbers, through

QUIET = {"progress": False, "device": "cpu", "precision": "float32", "batch_size": 8}
CLOCKS = ("seconds",)


def run(model=None, images=None, validation=None, **options):
    """A short run and its model."""
    model = model or network()
    history = fit(model, images or image_set(), validation, **{**QUIET, "epochs": 3, **options})
    return model, history


def numbers(history):
    return [{k: v for k, v in row.items() if k not in CLOCKS} for row in history.epochs]


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_equal_weights(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def one_cycle(step, steps, peak):
    """Smith and Topin's cycle with torch's defaults: cosine from peak / 25 up, then down."""
    low, turn = peak / 25, 0.3 * steps - 1
    start, end, share = low, peak, step / turn if turn > 0 else 1
    if step > turn:
        start, end, share = peak, low / 1e4, (step - turn) / (steps - 1 - turn)
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def test_the_loop_is_sgd_with_momentum_by_hand():
    images, peak, decay, seed = image_set(24), 0.05, 1e-3, 5
    ours, _ = run(images=images, epochs=1, learning_rate=peak, weight_decay=decay, seed=seed)
    theirs = network().train()
    order = torch.randperm(24, generator=torch.Generator().manual_seed(seed))
    velocity = [torch.zeros_like(p) for p in theirs.parameters()]
    for step in range(3):
        rows = order[8 * step : 8 * step + 8]
        X = (images.images[rows] / 255 - 0.4) / 0.25
        scores = theirs(X)
        loss = -scores.log_softmax(dim=1)[torch.arange(8), images.labels[rows]].mean()
        gradients = torch.autograd.grad(loss, list(theirs.parameters()))
        rate = one_cycle(step, 3, peak)
        with torch.no_grad():
            for p, g, v in zip(theirs.parameters(), gradients, velocity, strict=True):
                g = g + decay * p
                v.mul_(0.9).add_(g)
                p -= rate * (g + 0.9 * v)
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)


def test_every_image_is_seen_once_an_epoch_in_another_order():
    for seed in (0, 1):
        orders = [torch.cat(training.batches(30, 8, seed, epoch)).tolist() for epoch in range(3)]
        assert all(sorted(order) == list(range(30)) for order in orders)
        assert orders[0] != orders[1] != orders[2]


def test_a_rest_of_one_image_sits_out_and_a_rest_of_two_does_not():
    assert [len(b) for b in training.batches(25, 8, 0, 0)] == [8, 8, 8]
    assert [len(b) for b in training.batches(26, 8, 0, 0)] == [8, 8, 8, 2]
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(1, 4))
    _, history = run(model, image_set(25))
    assert len(history.epochs) == 3


def test_the_same_seed_gives_the_same_and_another_does_not():
    (one, first), (two, second), (other, third) = run(seed=1), run(seed=1), run(seed=2)
    assert_equal_weights(weights(one), weights(two))
    assert numbers(first) == numbers(second) != numbers(third)
    assert not torch.equal(one.head[2].weight, other.head[2].weight)


def test_random_numbers_drawn_elsewhere_change_nothing():
    one, _ = run()
    torch.rand(5)
    state = torch.get_rng_state()
    two, _ = run()
    assert torch.equal(torch.get_rng_state(), state), "the caller's generator is left alone"
    assert_equal_weights(weights(one), weights(two))


def test_rows_of_the_history():
    validation = image_set(9, seed=1)
    model, history = run(validation=validation, label="a name", epochs=4)
    assert history.label == "a name" and not history.interrupted
    assert history.column("epoch") == [1, 2, 3, 4]
    for part, images in (("training", image_set()), ("validation", validation)):
        score = evaluate(model, images)
        assert history.last(f"{part}_loss") == score.loss
        assert history.last(f"{part}_error") == score.error
    assert history.last("learning_rate") == pytest.approx(0.02 / 25 / 1e4, rel=1e-3)
    assert history.settings["seed"] == 0 and history.settings["training_images"] == 24
    assert history.provenance["source"] == "a test" and "float32" in history.provenance["device"]


@pytest.mark.slow
def test_training_learns():
    model, history = run(network(Plain), image_set(64), epochs=12, learning_rate=0.1)
    assert history.last("training_error") < 0.2 < evaluate(network(Plain), image_set(64)).error


@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_evaluate_is_the_direct_computation(batch_size):
    model, images = network().train(), image_set(23)
    before = weights(model)
    score = evaluate(model, images, batch_size=batch_size)
    assert model.training
    assert_equal_weights(before, weights(model))
    X, y = images.batch(slice(None))
    with torch.inference_mode():
        scores = model.eval()(X)
    assert score.loss == pytest.approx(F.cross_entropy(scores, y).item(), rel=1e-5)
    assert score.error == pytest.approx((scores.argmax(1) != y).float().mean().item(), abs=1e-7)
    evaluate(model, images)
    assert not model.training


@pytest.mark.parametrize(
    ("precision", "steps"),
    [("float32", 2), *(pytest.param(*each, marks=pytest.mark.slow) for each in (
        ("bfloat16", 2), ("float32", 0), ("float32", 3), ("float32", 7), ("float16", 7)))],
)  # fmt: skip
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path, monkeypatch, precision, steps):
    options = {"validation": image_set(9, seed=1), "precision": precision}
    whole, expected = run(**options)
    path = tmp_path / "checkpoint.pt"
    with monkeypatch.context() as patch:
        interrupt_after(patch, steps)
        _, history = run(checkpoint=path, **options)
    assert history.interrupted and len(history.epochs) == steps // 3
    assert numbers(history) == numbers(expected)[: steps // 3]
    model, history = run(checkpoint=path, **options)
    assert not history.interrupted
    if precision == "float16":
        assert checkpoints.load(path)["scaler"]["scale"] > 1
    assert numbers(history) == numbers(expected)
    assert_equal_weights(weights(model), weights(whole))
    again, finished = run(checkpoint=path, **options)
    assert numbers(finished) == numbers(expected)
    assert_equal_weights(weights(again), weights(whole))
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.slow
def test_a_lost_runtime_goes_on_from_the_folder_that_the_environment_names(tmp_path, monkeypatch):
    whole, expected = run()
    monkeypatch.setenv("RESNET_CHECKPOINTS", str(tmp_path / "kept"))
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4)
        run()
    run(network(seed=9)), run(learning_rate=0.01)  # other runs keep their own
    with monkeypatch.context() as patch:
        interrupt_after(patch, 6)  # of nine steps the first three are not taken again
        model, history = run()
    assert numbers(history) == numbers(expected)
    assert_equal_weights(weights(model), weights(whole))
    assert len(list((tmp_path / "kept").iterdir())) == 3


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The checkpoint of a run that has ended; no test may change it."""
    path = tmp_path_factory.mktemp("finished") / "checkpoint.pt"
    run(checkpoint=path)
    return path


def test_a_crash_while_saving_leaves_the_last_checkpoint(finished, monkeypatch):
    content = finished.read_bytes()

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints.os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(finished, {"epoch": 2})
    assert finished.read_bytes() == content
    assert [file.name for file in finished.parent.iterdir()] == ["checkpoint.pt"]


def test_a_resume_elsewhere_says_that_bits_will_differ(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    run(checkpoint=path)
    capsys.readouterr()
    run(checkpoint=path)
    assert "differ" not in capsys.readouterr().out
    run(checkpoint=path, threads=2)
    said = capsys.readouterr().out
    assert "1 thread," in said and "2 threads" in said and "will differ" in said


@pytest.mark.parametrize("other", [{"depth": 14}, {"width": 5}, {"block": Plain}])
def test_a_checkpoint_of_another_model_leaves_this_one_alone(finished, other):
    model = network(**other, seed=3)
    before = weights(model)
    with pytest.raises(checkpoints.CheckpointError, match="another model"):
        run(model, checkpoint=finished)
    assert_equal_weights(weights(model), before)


@pytest.mark.parametrize(
    "other", [{"epochs": 4}, {"seed": 1}, {"learning_rate": 0.3}, {"images": image_set(32)}]
)
def test_a_checkpoint_of_another_run_names_what_differs(finished, other):
    name = next(iter(other)).replace("images", "training_images")
    with pytest.raises(checkpoints.CheckpointError, match=f"other settings: {name}"):
        run(checkpoint=finished, **other)


def test_a_file_of_something_else_is_no_checkpoint_of_a_run(tmp_path):
    torch.save(network().state_dict(), tmp_path / "weights.pt")
    with pytest.raises(checkpoints.CheckpointError, match="something else"):
        run(checkpoint=tmp_path / "weights.pt")


def test_a_checkpoint_that_cannot_be_written_fails_before_the_first_step(tmp_path, monkeypatch):
    interrupt_after(monkeypatch, 0, AssertionError("a step was taken"))
    path = tmp_path / "missing" / "checkpoint.pt"
    with pytest.raises(OSError, match="cannot write .*missing.checkpoint.pt"):
        run(checkpoint=path)
    assert not path.parent.exists()


def test_a_loss_that_is_not_finite_keeps_the_history(monkeypatch):
    taken = []

    def poisoned(batches):
        for X, y in batches:
            taken.append(1)
            yield X * math.nan if len(taken) == 5 else X, y

    through(monkeypatch, training, poisoned)
    with pytest.raises(
        TrainingDiverged, match="a name: the loss became nan in epoch 2.*smaller"
    ) as e:
        run(label="a name")
    assert e.value.history.column("epoch") == [1]
    assert isinstance(e.value, ArithmeticError)


class Exploding(nn.Module):
    """Its scores are no numbers in eval mode, or its weights after so many steps."""

    def __init__(self, where, after=6):
        super().__init__()
        self.where, self.after, self.steps = where, after, 0
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))

    def forward(self, X):
        scores = self.layers(X)
        if self.training and torch.is_grad_enabled():
            self.steps += 1
            if self.where == "gradient" and self.steps == self.after:
                scores.register_hook(lambda gradient: gradient * math.inf)
            if self.where == "loss" and self.steps == self.after:
                return scores * math.nan
        elif self.where == "scores" and self.steps >= self.after:
            return scores * math.nan
        return scores


@pytest.mark.parametrize("score_training", [True, False])
@pytest.mark.parametrize(
    ("where", "after", "words"),
    [
        ("loss", 6, "the loss became nan in epoch 2"),
        ("gradient", 5, "the loss became nan in epoch 2"),
        ("gradient", 6, "(the loss became nan|weights are no longer finite) at the end of epoch 2"),
        ("scores", 4, "the loss became nan at the end of epoch 2"),
    ],
)
def test_a_run_that_ends_without_numbers_has_diverged(
    tmp_path, where, after, words, score_training
):
    if where == "scores" and not score_training:
        options = {"validation": image_set(8), "score_training": False}
    else:
        options = {"score_training": score_training}
    with pytest.raises(TrainingDiverged, match=words) as raised:
        run(Exploding(where, after), epochs=2, checkpoint=tmp_path / "c.pt", **options)
    history = raised.value.history
    assert history.column("epoch") == [1]
    assert plain_numbers(json.loads(history.to_json())["epochs"])
    assert plain_numbers(json.loads(checkpoints.load(tmp_path / "c.pt")["history"])["epochs"])


def test_a_history_with_a_number_that_json_does_not_know_is_not_written(tmp_path):
    history = History("a name", [{"training_loss": math.nan}])
    with pytest.raises(ValueError, match="JSON"):
        history.save(tmp_path / "history.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": -1}, "epochs must be at least 1, not -1"),
        ({"epochs": math.nan}, "epochs must be a whole number, at least 1, not nan"),
        ({"epochs": 2.0}, "epochs must be a whole number, at least 1, not 2.0"),
        ({"batch_size": math.inf}, "batch_size must be a whole number, .*not inf"),
        ({"batch_size": -8}, "batch_size must be at least 2 for batch norm, not -8"),
        ({"learning_rate": -0.1}, "learning_rate must be a positive number, not -0.1"),
        ({"learning_rate": "0.1"}, "learning_rate must be a number, a positive number, not 0.1"),
        ({"weight_decay": math.nan}, "weight_decay must be zero or a positive number, not nan"),
        ({"weight_decay": -1e-4}, "weight_decay must be zero or a positive number, not -0.0001"),
        ({"seed": 2**63}, "seed must be a number of at most 62 bits, not 92"),
        ({"seed": 0.5}, "seed must be a whole number, a number of at most 62 bits, not 0.5"),
        ({"learning_rate": math.nan}, "learning_rate must be a positive number, not nan"),
        ({"device": "abacus"}, "abacus"),
        ({"layout": "spiral"}, "layout must be one of contiguous, channels_last, not 'spiral'"),
        ({"precision": "int4"}, "float32, bfloat16, float16, not 'int4'"),
    ],
)
def test_settings_that_cannot_be_trained_with(options, words):
    model = network()
    before = weights(model)
    with pytest.raises(ValueError, match=words):
        run(model, **options)
    assert_equal_weights(weights(model), before)


@pytest.mark.parametrize("part", ["images", "validation"])
@pytest.mark.parametrize(
    ("images", "words"),
    [
        (image_set(channels=3), r"cannot take images of shape \(3, 8, 8\).*1 channels"),
        (image_set(classes=5), r"5 classes, but outputs \(2, 4\)"),
        (image_set(side=2), "images of 2x2 are too small for the model's strides"),
    ],
)
def test_images_that_do_not_fit_the_model(part, images, words):
    model = network().train()
    before = weights(model)
    with pytest.raises(DataError, match=words):
        run(model, **{part: images})
    assert_equal_weights(weights(model), before)
    assert model.training
    assert not any(layer._forward_pre_hooks for layer in model.modules())


def test_images_too_small_for_resnet18():
    with pytest.raises(DataError, match="16x16 are too small"):
        check_images(resnet18(), image_set(2, side=16))
    check_images(resnet18(), image_set(2, side=28))


def test_one_image_cannot_be_trained_on():
    with pytest.raises(DataError, match="two images or more"):
        run(images=image_set().subset(slice(1)))
    check_images(network(), image_set().subset(slice(1)))


def test_the_progress_bar_can_be_switched_off(capsys):
    run()
    assert capsys.readouterr().err == ""
    run(progress=True, label="a name")
    assert "a name, epoch 3 of 3" in capsys.readouterr().err


def test_classes_that_outputs_name_beyond_the_images_are_allowed():
    few = replace(image_set(classes=2), class_names=("one", "two"))
    assert len(run(images=few)[1].epochs) == 3


def test_without_a_precision_a_self_test_chooses_and_says_so(capsys, monkeypatch):
    monkeypatch.setattr(training, "fastest", lambda model, X, y, places, steps: places[-1])
    model, history = run(network(width=8), precision=None, progress=True)
    chosen = f"{candidates(model, choose('cpu'))[-1].describe()}, 1 thread"
    assert history.provenance["device"] == chosen
    assert f"model: {chosen}" in capsys.readouterr().out


def test_the_self_test_leaves_model_and_generator_alone():
    images = image_set()
    model, state = network(width=8), torch.get_rng_state()
    before = weights(model)
    place = fastest(model, *images.batch(slice(8)), candidates(model, choose("cpu")), 9)
    assert_equal_weights(before, weights(model))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(" ms" in part for part in place.reason.split(", "))


def wide_network(seed=0):
    """Eight channels and more, for which channels_last is safe on every CPU."""
    return network(seed=seed, width=8, num_classes=10, stem_strides=2)


@functools.cache
def errors_on_real_images(precision, layout):
    """Training error of a narrow network on 400 embedded images, five seeds."""
    images = embedded()[0].subset(slice(400))
    options = {"precision": precision, "layout": layout, "epochs": 4, "batch_size": 16}
    runs = [run(wide_network(seed), images, seed=seed, **options) for seed in range(5)]
    return tuple(history.last("training_error") for _, history in runs)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_fast_paths_end_within_the_spread_of_plain_float32(precision):
    band = Band("plain float32", errors_on_real_images("float32", "contiguous"))
    found = errors_on_real_images(precision, "channels_last")
    assert band.mean < 0.6, "it learns"
    assert all(band.holds(error) for error in found)
    assert abs(sum(found) / 5 - band.mean) < 2 * statistics.stdev(band.values)


def test_channels_last_is_the_same_network():
    layouts = ("contiguous", "channels_last")
    one, other = (run(network(width=8), layout=layout)[1] for layout in layouts)
    assert one.last("training_loss") == pytest.approx(other.last("training_loss"), rel=1e-3)


def test_a_resumed_run_keeps_the_precision_that_a_self_test_had_chosen(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        run(network(width=8), precision="bfloat16", layout="channels_last", checkpoint=path)
    monkeypatch.setattr(training, "fastest", None)  # not asked again
    _, history = run(network(width=8), precision=None, checkpoint=path)
    assert "bfloat16, channels_last" in history.provenance["device"]
    assert len(history.epochs) == 3


def test_what_is_not_scored_is_an_empty_column():
    _, history = run()
    assert history.column("validation_loss") == history.column("validation_error") == [None] * 3
    _, history = run(validation=image_set(8), score_training=False)
    assert history.column("training_error") == [None] * 3
    assert None not in history.column("validation_error")
