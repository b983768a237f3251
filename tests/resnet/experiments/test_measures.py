"""What grids measure, on networks and images small enough for a moment."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from resnet import probes, training
from resnet.experiments import measures, settings
from resnet.experiments.settings import Setting
from tests.support.tiny import plain_numbers, small_parts, through

SMALL = Setting(8, "residual", 0, 0.05, epochs=1, training_images=130)


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    small_parts(monkeypatch)


@pytest.fixture
def shallow(monkeypatch):
    """The deep networks of a grid are no deeper than they must be."""
    monkeypatch.setattr(measures, "GROWN_DEPTH", 14)
    monkeypatch.setattr(measures, "chosen_rate", lambda grid, **setting: 0.05)


def test_curves_end_where_the_network_by_hand_does():
    found, (model, _) = measures.curves(SMALL), settings.trained(SMALL)
    assert set(found) == set(measures.COLUMNS)
    for part, images in zip(("training", "validation"), settings.grid_images(SMALL), strict=True):
        X, y = images.batch(slice(None))
        with torch.inference_mode():
            scores = model.eval()(X)
        (loss,), (error,) = found[f"{part}_loss"], found[f"{part}_error"]
        assert loss == pytest.approx(F.cross_entropy(scores, y).item(), rel=1e-4)
        assert error == pytest.approx((scores.argmax(1) != y).float().mean().item(), abs=1e-6)


def test_the_errors_of_the_classes_make_the_whole_error():
    found = measures.classes(SMALL)
    _, watched = settings.grid_images(SMALL)
    shares = [(watched.labels == k).float().mean().item() for k in range(10)]
    assert list(found["class_error"]) == list(watched.class_names)
    whole = sum(
        share * error for share, error in zip(shares, found["class_error"].values(), strict=True)
    )
    assert whole == pytest.approx(found["validation_error"][-1], abs=1e-6)


def test_ends_are_the_ends_of_the_curves():
    curves, found = measures.curves(SMALL), measures.ends(SMALL)
    assert found == pytest.approx({name: values[-1] for name, values in curves.items()}, rel=1e-5)
    assert measures.ends(replace(SMALL, learning_rate=1e30)) == {"diverged": True}


def test_adam_keeps_its_rate_and_ends_where_steps_by_hand_do():
    setting = Setting(2, "post-norm", 0, 0.01, epochs=2, training_images=100)
    images, model = settings.grid_images(setting)[0], settings.build(setting)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for epoch in range(2):
        for order in training.batches(100, 64, seed=0, epoch=epoch):
            X, y = images.batch(order)
            optimizer.zero_grad()
            F.cross_entropy(model(X), y).backward()
            optimizer.step()
    found = measures.ends_by_adam(setting)
    for part, held in zip(("training", "validation"), settings.grid_images(setting), strict=True):
        score = training.evaluate(model, held)
        ours = found[f"{part}_loss"], found[f"{part}_error"]
        assert ours == pytest.approx((score.loss, score.error), rel=1e-4)
    assert measures.ends_by_adam(replace(setting, learning_rate=1e30)) == {"diverged": True}


@pytest.mark.parametrize("batch_norm", [True, False])
def test_at_initialisation_looks_at_the_untrained_network(batch_norm):
    setting = replace(SMALL, batch_norm=batch_norm, epochs=0)
    found = measures.at_initialisation(setting)
    assert plain_numbers(found)
    images, _ = settings.grid_images(setting)
    norms = probes.gradient_norms(settings.build(setting), *images.batch(slice(256)))
    assert found["gradient_norm"] == pytest.approx(dict(norms), rel=1e-4)
    assert len(found["gradient_norm"]) == 7 + 2  # two projections
    assert len(found["forward_scale"]) == 3
    assert found["gradient_correlation"]["0"] == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize(("block", "starts"), [("plain", 1), ("residual", 2)])
def test_the_solution_holds_what_the_shallow_network_found(block, starts):
    found = measures.solution(replace(SMALL, block=block))
    assert plain_numbers(found)
    assert found["grown"] == found["shallow"] and found["largest_difference"] < 1e-4
    names = ["random", "zero_scale"][:starts]
    expected = {f"{name}{end}" for name in names for end in ("", "_further", "_learning_rate")}
    assert set(found) - {"shallow", "grown", "largest_difference", "grown_further"} == expected


def test_responses_are_those_of_the_trained_network():
    found = measures.curves_and_responses(SMALL)
    assert plain_numbers(found)
    model, history = settings.trained(SMALL)
    X, _ = settings.grid_images(SMALL)[0].batch(slice(measures.PROBED_IMAGES))
    assert found["responses"] == pytest.approx(probes.responses(model, X), rel=1e-4)
    assert set(found["forward_scale"]) == {"stage1.0", "stage2.0", "stage3.0"}
    assert found["training_error"] == pytest.approx(history.column("training_error"), rel=1e-4)


def test_renewed_batch_norm_has_the_statistics_of_all_images():
    model, _ = settings.trained(SMALL)
    images, _ = settings.grid_images(SMALL)
    few = images.subset(slice(64))
    probes.renew_batch_norm(model, few)
    with torch.inference_mode():
        features = model.stem[0](few.batch(slice(None))[0])
    torch.testing.assert_close(model.stem[1].running_mean, features.mean(dim=(0, 2, 3)))


@pytest.mark.slow
def test_training_on_starts_three_ways_and_never_sees_the_other_classes(monkeypatch):
    monkeypatch.setattr(measures, "TRANSFER_EPOCHS", 1)
    monkeypatch.setattr(measures, "TRANSFER_IMAGES", 20)
    monkeypatch.setattr(measures, "TRANSFER_RATES", (0.01, 1e30))
    seen = []

    def watched(batches):
        seen.append(set())
        for X, y in batches:
            seen[-1] |= set(y.tolist())
            yield X, y

    through(monkeypatch, training, watched)
    found = measures.transfer(SMALL)
    assert plain_numbers(found)
    assert seen[0] == set(range(5)) and all(part <= set(range(5, 10)) for part in seen[1:])
    starts = set(found) - {"learning_rates"}
    assert starts == {"random", "pretrained", "pretrained, frozen"}
    assert all(set(found[start]) == {"2", "32"} for start in starts)
    assert all(len(errors) == 2 for start in starts for errors in found[start].values())
    assert found["random"]["2"][1] is None, "a run that diverged is no number"


def test_a_frozen_network_computes_in_train_mode_what_it_computed_in_eval_mode():
    model, _ = settings.trained(SMALL)
    X, _ = settings.grid_images(SMALL)[0].batch(slice(8))
    frozen = measures.frozen_batch_norm(model)
    with torch.inference_mode():
        assert torch.allclose(frozen.train()(X), model.eval()(X), atol=1e-5)
    assert not any("bn" in name for name, _ in frozen.named_parameters())
