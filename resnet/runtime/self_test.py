"""Which place takes the least time for a training step: a self-test on parts of a batch."""

import copy
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .device import Place

# A place is worth leaving plain float32 for if it takes less than this share of its time.
WORTHWHILE = 0.9
# A place that takes so many times the best one's time, and as much more per image, is given up.
HOPELESS = 1.3
FIRST_PIXELS, GROWTH, TURNS = 8 * 28 * 28, 4, 3
# What the self-test may take: a second, or this share of the run if that is longer.
SECONDS, SHARE = 1.0, 0.02


def fastest(model: nn.Module, X: Tensor, y: Tensor, places: list[Place], steps: int) -> Place:
    """The place where a training step on the batch X, y takes the least time.

    Few images do not tell: what a step costs at any size differs between places, and so does what
    each image adds. Copies of `model` therefore take steps in turn on growing parts of the batch,
    and the line through the last two parts predicts the whole. The test ends with the batch, where
    one place is left, or where a larger part would take it beyond both a second and 2 % of the
    run's `steps`. The first place is kept unless another needs less than nine tenths of its time.
    """
    trials = [Trial(model, place) for place in places]
    left, spent, counts = trials, 0.0, parts(X)
    for count, following in zip(counts, [*counts[1:], None], strict=True):
        spent += in_turn(left, X[:count], y[:count])
        best = min(left, key=lambda trial: trial.predicted(len(X)))
        left = [trial for trial in left if not trial.is_hopeless(best)]
        if following is None or len(left) == 1:
            break
        more = TURNS * sum(trial.predicted(following) for trial in left)
        if spent + more > max(SECONDS, SHARE * steps * best.predicted(len(X))):
            break
    seconds = {trial: trial.predicted(len(X)) for trial in trials}
    if trials[0] in left and seconds[best] > WORTHWHILE * seconds[trials[0]]:
        best = trials[0]
    others = ", ".join(
        f"{' '.join(trial.place.names().values())} {1000 * each:.1f} ms"
        for trial, each in seconds.items()
    )
    return replace(best.place, reason=f"self-test of a step: {others}")


def parts(X: Tensor) -> list[int]:
    """How many images of the batch are tried: fewer of larger ones, then more, at last all."""
    count, found = max(2, FIRST_PIXELS // X[0, 0].numel()), []
    while count < len(X):
        found.append(count)
        count *= GROWTH
    return [*found, len(X)]


class Trial:
    """A copy of the model at one place, and the least seconds of a step on each part."""

    def __init__(self, model: nn.Module, place: Place):
        self.place = place
        self.model = copy.deepcopy(model).train().to(
            place.device, memory_format=place.memory_format
        )  # fmt: skip
        self.seconds: dict[int, float] = {}

    def step(self, X: Tensor, y: Tensor) -> float:
        """Takes one step but for its descent, and returns its seconds."""
        started = time.perf_counter()
        X = X.contiguous(memory_format=self.place.memory_format)
        with self.place.arithmetic():
            loss = F.cross_entropy(self.model(X), y)
        loss.backward()
        loss.item()
        if self.place.device.type == "cuda":
            torch.cuda.synchronize()
        taken = time.perf_counter() - started
        self.seconds[len(X)] = min(taken, self.seconds.get(len(X), taken))
        return taken

    def per_image(self) -> float:
        """Seconds that another image adds, by the last two parts, or by the only one."""
        (fewer, less), (more, longer) = [(0, 0.0), *self.seconds.items()][-2:]
        return max(0.0, longer - less) / (more - fewer)

    def predicted(self, count: int) -> float:
        """Seconds of a step on `count` images."""
        more, longer = list(self.seconds.items())[-1]
        return longer + self.per_image() * (count - more)

    def is_hopeless(self, best: "Trial") -> bool:
        """Whether it is slower than `best` and falls further behind with every image."""
        count = list(best.seconds)[-1]
        behind = self.seconds[count] > HOPELESS * best.seconds[count]
        return len(self.seconds) > 1 and behind and self.per_image() > HOPELESS * best.per_image()


def in_turn(trials: list[Trial], X: Tensor, y: Tensor) -> float:
    """Some steps of each on the same images, the order turning; all seconds together."""
    return sum(trial.step(X, y) for number in range(TURNS) for trial in _turned(trials, number))


def _turned(trials: list[Trial], number: int) -> Iterator[Trial]:
    first = number % len(trials)
    yield from trials[first:] + trials[:first]
