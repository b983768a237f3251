"""The self-test finds what is fastest for the whole batch, in little of the run's time."""

import time
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from resnet.models import residual_block, resnet18, six_n_plus_two
from resnet.runtime import self_test
from resnet.runtime.device import Place, candidates, choose, same_threads_afterwards

# Seconds of a step before its first image, and of each image, in the order of the candidates.
AMX = ((0.1, 0.0172), (0.1, 0.0167), (0.25, 0.0065))  # 96x96: bfloat16 wins from 17 images on
CLOSE = ((0.02, 0.00100), (0.02, 0.00095), (0.02, 0.00092))
OVERHEAD = ((0.01, 0.0010), (0.20, 0.00085), (0.20, 0.00080))  # channels_last wins from 1000 on


@dataclass
class Clock:
    """Time that passes only where a step is played, and what the self-test has had of it."""

    costs: tuple[tuple[float, float], ...]
    now: float = 0.0
    seen: int = 0


def play(monkeypatch, costs) -> tuple[Clock, list[Place]]:
    """Candidates whose steps take what `costs` says."""
    clock = Clock(costs)
    place = choose("cpu")
    places = [
        place,
        replace(place, memory_format=torch.channels_last),
        replace(place, precision=torch.bfloat16, memory_format=torch.channels_last),
    ]

    class Played(self_test.Trial):
        def step(self, X, y):
            start, each = costs[places.index(self.place)]
            taken = start + each * len(X)
            clock.now, clock.seen = clock.now + taken, max(clock.seen, len(X))
            self.seconds[len(X)] = taken
            return taken

    monkeypatch.setattr(self_test, "Trial", Played)
    return clock, places


def found(places, batch_size, side, steps) -> int:
    X = torch.zeros(1, 1, side, side).expand(batch_size, 1, side, side)
    best = self_test.fastest(nn.Identity(), X, torch.zeros(batch_size), places, steps)
    return places.index(best)


@pytest.mark.parametrize(
    ("costs", "batch_size", "side", "expected"),
    [
        (AMX, 256, 96, 2),
        (AMX, 64, 96, 2),
        (AMX, 8, 96, 0),
        (CLOSE, 256, 28, 0),
        (OVERHEAD, 256, 28, 0),
        (OVERHEAD, 4096, 28, 2),
        (((1.0, 0.1), (1.0, 0.08), (1.0, 0.5)), 64, 224, 1),
    ],
)
def test_it_is_right_for_the_batch_that_will_run(monkeypatch, costs, batch_size, side, expected):
    _, places = play(monkeypatch, costs)
    assert found(places, batch_size, side, steps=2350) == expected


@pytest.mark.parametrize("steps", [1, 100, 2350])
@pytest.mark.parametrize("costs", [AMX, CLOSE, OVERHEAD])
def test_it_takes_a_second_or_two_in_a_hundred_of_the_run(monkeypatch, costs, steps):
    clock, places = play(monkeypatch, costs)
    best = places[found(places, 256, 96, steps)]
    start, each = costs[places.index(best)]
    first = self_test.TURNS * sum(start + 2 * each for start, each in costs)
    allowed = max(self_test.SECONDS, self_test.SHARE * steps * (start + 256 * each))
    assert clock.now <= 1.1 * max(first, allowed)


def test_what_cannot_win_is_tried_no_longer(monkeypatch):
    clock, places = play(monkeypatch, ((0.01, 0.001), (0.1, 0.1), (0.1, 0.1)))
    assert found(places, 256, 28, steps=10**6) == 0
    assert clock.seen == 32, "one is left after two parts"


def test_parts_grow_from_few_images_to_all():
    sizes = {side: self_test.parts(torch.zeros(256, 1, side, side)) for side in (28, 96, 224)}
    assert sizes[28] == [8, 32, 128, 256]
    assert sizes[96] == sizes[224] == [2, 8, 32, 128, 256]
    assert self_test.parts(torch.zeros(2, 1, 8, 8)) == [2]


@pytest.mark.parametrize(("seconds", "expected"), [((1.0, 0.95, 0.92), 0), ((1.0, 0.8, 0.7), 2)])
def test_float32_is_left_for_something_clearly_faster(monkeypatch, seconds, expected):
    _, places = play(monkeypatch, tuple((0.0, each) for each in seconds))
    assert found(places, 16, 28, steps=100) == expected


NETWORKS = {
    "residual-8": lambda channels: six_n_plus_two(8, residual_block, input_channels=channels),
    "residual-20": lambda channels: six_n_plus_two(20, residual_block, input_channels=channels),
    "ResNet-18": lambda channels: resnet18(input_channels=channels),
}
TABLE = [
    ("residual-8", 28, 1, 64),
    ("residual-20", 28, 1, 128),
    ("ResNet-18", 28, 1, 16),
    ("ResNet-18", 28, 1, 48),
    ("residual-20", 32, 3, 64),
    ("ResNet-18", 32, 3, 24),
    ("residual-8", 96, 1, 32),
    ("ResNet-18", 96, 1, 4),
    ("ResNet-18", 96, 1, 16),
    ("residual-8", 224, 3, 8),
    ("ResNet-18", 224, 3, 4),
]


def measured(model, X, y, places) -> dict[Place, float]:
    """Processor seconds of a step, in turn, so that what else runs here meets all alike."""
    trials = [self_test.Trial(model, place) for place in places]
    seconds = {place: [] for place in places}
    for number in range(2):
        for trial in trials if number % 2 else trials[::-1]:
            started = time.process_time()
            trial.step(X, y)
            seconds[trial.place].append(time.process_time() - started)
    return {place: min(times) for place, times in seconds.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "side", "channels", "batch_size"), TABLE)
def test_the_choice_is_among_the_fastest_that_are_measured(name, side, channels, batch_size):
    """On one thread, whose processor time is what it would take if nothing else ran.

    In one of three tries: a shared processor changes its speed between choice and measurement.
    """
    model = NETWORKS[name](channels)
    X, y = torch.randn(batch_size, channels, side, side), torch.arange(batch_size) % 10
    places = candidates(model, choose("cpu"))
    seen = []
    with same_threads_afterwards():
        torch.set_num_threads(1)
        while len(seen) < 3:
            seconds = measured(model, X, y, places)
            chosen = self_test.fastest(model, X, y, places, steps=100)
            if seconds[chosen] <= 1.15 * min(seconds.values()):
                return
            seen.append((chosen.reason, seconds))
    pytest.fail(f"{seen}")
