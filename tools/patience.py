"""How long a limit is on this machine, now: what it is on a quiet one, times one measured step."""

import functools
import statistics
import time

STEP = 0.04  # seconds of the step below where the limits were chosen, while nothing else ran


def patient(seconds: float) -> float:
    """A limit of so many seconds, longer where a step of training takes longer."""
    return seconds * slowness()


@functools.cache
def slowness() -> float:
    """How many times `STEP` a step takes here, at least once; measured once, in under a second."""
    return max(1.0, step_seconds() / STEP)


def step_seconds() -> float:
    """Median of a few steps of a small network, with what else runs here."""
    import torch  # here, because most commands need neither torch nor a limit
    from torch.nn import functional as F

    from resnet.models import six_n_plus_two
    from resnet.runtime.device import same_threads_afterwards

    with torch.random.fork_rng(devices=[]), same_threads_afterwards():
        torch.set_num_threads(1)
        model, X, y = six_n_plus_two(8), torch.randn(64, 1, 28, 28), torch.arange(64) % 10
        times = []
        for _ in range(6):
            started = time.perf_counter()
            F.cross_entropy(model(X), y).backward()
            times.append(time.perf_counter() - started)
    return statistics.median(times[1:])
