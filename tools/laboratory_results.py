"""Measures what the laboratory shows from the start: rates, twenty seeds, and the same by `fit`.

`python -m tools laboratory --results` writes `laboratory/results.json` after each part and goes on
where it was stopped. Everything is seeded, so a second run gives the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

import torch

from resnet.data import CLASS_NAMES, ImageSet
from resnet.models import Plain, residual_block, six_n_plus_two
from resnet.runtime.files import provenance, write_text
from resnet.training import fit

from .engine import SOURCES, Engine, Setting
from .laboratory_images import images

STORED = SOURCES / "results.json"
AT_ONCE = 2  # processes


@dataclass(frozen=True)
class Plan:
    """Which depths to train and for how long, the rates to choose from, the seeds that choose,
    those that are shown, and those of `fit`."""

    depths: tuple[int, int]
    images: int
    epochs: int
    rates: tuple[float, ...]
    choosing: range
    shown: range
    fitted: range

    @property
    def networks(self) -> tuple[str, ...]:
        """Such as `plain-8`, the shallow one of each kind first."""
        return tuple(
            f"{kind}-{depth}" for kind, depth in product(("plain", "residual"), self.depths)
        )


RATES = (0.025, 0.05, 0.1, 0.2)
PLANS = {  # what the page shows first, less time and more layers, more of all
    "quick": Plan((8, 20), 500, 12, RATES, range(101, 104), range(1, 21), range(0)),
    "short": Plan((8, 32), 500, 6, (0.0125, *RATES), range(101, 106), range(1, 21), range(1, 11)),
    "patient": Plan(
        (8, 32), 1000, 24, (0.00625, 0.0125, *RATES), range(101, 103), range(1, 21), range(0)
    ),
}


def measure() -> None:
    """Sweep, then the seeds at the rate with the lowest mean training error, then `fit`."""
    held = json.loads(STORED.read_text("utf-8")) if STORED.exists() else {}
    held["provenance"] = provenance()
    with ProcessPoolExecutor(AT_ONCE) as pool:
        for name, plan in PLANS.items():
            part = held.setdefault(name, {"images": plan.images, "epochs": plan.epochs})
            part |= {"choosing": [*plan.choosing], "seeds": [*plan.shown], "fitted": [*plan.fitted]}
            found = part.setdefault("networks", {})
            add = partial(_add, pool.map, held)
            for network in plan.networks:
                _train(found.setdefault(network, {"sweep": {}}), network, plan, add)
            for network in plan.networks:
                errors = found[network].setdefault("fit_errors", [])
                add(errors, partial(_fitted, network, found[network]["rate"], plan), plan.fitted)


def _train(found: dict, name: str, plan: Plan, add: Callable) -> None:
    """Adds the runs of the engine that one network lacks."""
    for rate in plan.rates:
        errors = found["sweep"].setdefault(str(rate), [])
        add(errors, partial(_trained, name, rate, plan), plan.choosing)
    if found.get("rate") != (rate := best_rate(found["sweep"])):
        found |= {"rate": rate, "errors": [], "fit_errors": []}  # what is there had another rate
    add(found.setdefault("errors", []), partial(_trained, name, found["rate"], plan), plan.shown)


def _add(run: Callable, held: dict, errors: list[float], train: Callable, seeds: range) -> None:
    """Appends the error of each seed that is not there yet, and stores after each."""
    found: Iterable[float] = run(train, seeds[len(errors) :])
    for error in found:
        errors.append(round(error, 4))
        write_text(STORED, json.dumps(held, indent=1) + "\n")


def best_rate(sweep: dict[str, list[float]]) -> float:
    """The rate with the lowest mean error; of equals the lowest rate."""
    return float(min(sweep, key=lambda rate: (sum(sweep[rate]), float(rate))))


def kind_of(name: str) -> tuple[int, bool]:
    """The depth of a network, and whether it has skips."""
    kind, depth = name.split("-")
    return int(depth), kind == "residual"


@cache
def _engine() -> Engine:
    return Engine()


def _trained(name: str, rate: float, plan: Plan, seed: int) -> float:
    setting = Setting(*kind_of(name), rate, seed, images=plan.images, epochs=plan.epochs)
    return _engine().train(setting, *images(plan.images)).error


def _fitted(name: str, rate: float, plan: Plan, seed: int) -> float:
    """The same network on the same images by PyTorch, with weights and an order of its own."""
    depth, skip = kind_of(name)
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
