"""Eight seeds of one small network at once, against one after another: the same steps for all."""

from collections.abc import Callable, Iterator

import torch

from resnet.data import embedded
from resnet.models import residual_block, six_n_plus_two
from resnet.runtime.device import choose

from ..timing import interleaved, ratios
from .sizes import Size
from .together import Together

RATE, BATCH_SIZE = 0.02, 64


def units(size: Size, data: str | None) -> Iterator[tuple[str, Callable[[], dict]]]:
    yield f"{size.seeds} seeds", lambda: at_once(size)


def at_once(size: Size) -> dict:
    """Seconds of so many steps of all seeds, either way, in turn."""
    alone = [networks([seed], size) for seed in range(size.seeds)]
    together = networks(list(range(size.seeds)), size)
    calls = {
        "one after another": lambda: [steps(each, size) for each in alone],
        "at once": lambda: steps(together, size),
    }
    seconds = interleaved(calls, size.rounds)
    return {
        "seconds": seconds,
        "gain": ratios(seconds["one after another"], seconds["at once"]),
        "seeds": size.seeds,
        "steps": size.seed_steps,
        "precision": str(together.precision),
    }


def networks(seeds: list[int], size: Size) -> Together:
    """Residual-20 from each of these seeds, with a batch for each."""
    place = choose(size.device)
    X, y = embedded()[0].subset(slice(BATCH_SIZE * len(seeds))).batch(slice(None))
    X = X.view(len(seeds), -1, *X.shape[1:]).to(place.device)
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(six_n_plus_two(20, residual_block).to(place.device))
    found = Together(models, X, y.view(len(seeds), -1).to(place.device), place.precision)
    found.capture()
    return found


def steps(networks: Together, size: Size) -> None:
    for _ in range(size.seed_steps):
        networks.step(RATE)
    networks.losses.tolist()  # waits for the device
