"""Measures what the laboratory shows from the start: rates, twenty seeds, and the same by `fit`.

`python -m tools laboratory --results` writes `laboratory/results.json` after each part and goes on
where it was stopped. Everything is seeded, so a second run gives the same numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import torch

from resnet.data import CLASS_NAMES, ImageSet
from resnet.models import Plain, residual_block, six_n_plus_two
from resnet.runtime.files import provenance, write_text
from resnet.training import fit

from .engine import SOURCES, Engine, Setting
from .laboratory_images import images

STORED = SOURCES / "results.json"
NETWORKS = {f"{kind}-{depth}": (depth, kind == "residual")
            for kind in ("plain", "residual") for depth in (8, 32)}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """How long to train, the rates to choose from, the seeds that choose, those that are
    shown, and those of `fit`."""

    images: int
    epochs: int
    rates: tuple[float, ...]
    choosing: range
    shown: range
    fitted: range


PLANS = {
    "quick": Plan(
        500, 6, (0.0125, 0.025, 0.05, 0.1, 0.2), range(101, 106), range(1, 21), range(1, 11)
    ),
    "patient": Plan(1000, 24, (0.025, 0.05, 0.1), range(101, 103), range(1, 6), range(0)),
}


def measure() -> None:
    """Sweep, then the seeds at the rate with the lowest mean training error, then `fit`."""
    held = json.loads(STORED.read_text("utf-8")) if STORED.exists() else {}
    held["provenance"] = provenance()
    for name, plan in PLANS.items():
        part = held.setdefault(name, {"images": plan.images, "epochs": plan.epochs})
        part |= {"choosing": [*plan.choosing], "seeds": [*plan.shown], "fitted": [*plan.fitted]}
        found = part.setdefault("networks", {})
        for network in NETWORKS:
            _train(found.setdefault(network, {"sweep": {}}), network, plan, held)
        for network in NETWORKS:
            errors = found[network].setdefault("fit_errors", [])
            for seed in plan.fitted[len(errors) :]:
                _add(errors, _fitted(network, found[network]["rate"], plan, seed), held)


def _train(found: dict, name: str, plan: Plan, held: dict) -> None:
    """Adds the runs of the engine that one network lacks, and stores after each."""
    for rate in plan.rates:
        errors = found["sweep"].setdefault(str(rate), [])
        for seed in plan.choosing[len(errors) :]:
            _add(errors, _trained(name, rate, plan, seed), held)
    found["rate"] = best_rate(found["sweep"])
    errors = found.setdefault("errors", [])
    for seed in plan.shown[len(errors) :]:
        _add(errors, _trained(name, found["rate"], plan, seed), held)


def _add(errors: list[float], error: float, held: dict) -> None:
    errors.append(round(error, 4))
    write_text(STORED, json.dumps(held, indent=1) + "\n")


def best_rate(sweep: dict[str, list[float]]) -> float:
    """The rate with the lowest mean error; of equals the lowest rate."""
    return float(min(sweep, key=lambda rate: (sum(sweep[rate]), float(rate))))


@cache
def _engine() -> Engine:
    return Engine()


def _trained(name: str, rate: float, plan: Plan, seed: int) -> float:
    depth, skip = NETWORKS[name]
    setting = Setting(depth, skip, rate, seed, images=plan.images, epochs=plan.epochs)
    return _engine().train(setting, *images(plan.images)).error


def _fitted(name: str, rate: float, plan: Plan, seed: int) -> float:
    """The same network on the same images by PyTorch, with weights and an order of its own."""
    depth, skip = NETWORKS[name]
    torch.manual_seed(seed)
    model = six_n_plus_two(depth, residual_block if skip else Plain, width=8)
    options = {"epochs": plan.epochs, "batch_size": 50, "learning_rate": rate, "seed": seed}
    history = fit(model, image_set(plan.images), **options, precision="float32", progress=False)
    return history.epochs[-1]["training_error"]


def image_set(count: int) -> ImageSet:
    """The laboratory's images as `fit` takes them: 15 shades become 255."""
    shades, labels = images(count)
    pixels = torch.tensor(shades * 17).view(-1, 1, *shades.shape[1:])
    scaled = pixels.double() / 255
    return ImageSet(
        images=pixels,
        labels=torch.tensor(labels).long(),
        class_names=CLASS_NAMES,
        mean=(float(scaled.mean()),),
        sd=(float(scaled.std(correction=0)),),
        source="the laboratory",
    )
