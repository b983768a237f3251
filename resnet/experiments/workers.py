"""A worker per core: many small networks side by side, each on one thread."""

import functools
import math
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import islice
from typing import Any

import torch

from ..runtime.device import same_threads_afterwards
from ..runtime.processes import follow_parent
from .settings import Setting, train


def run_grid(
    settings: Iterable[Setting],
    workers: int = 1,
    threads: int = 1,
    measure: Callable[[Setting], Any] = train,
    minutes: float = math.inf,
) -> Iterator[tuple[Setting, Any]]:
    """Measures every setting, `workers` at a time, and yields each with its result as it ends.

    Small networks gain little from a second thread, so a worker a core with one thread each is the
    fastest; the results are the same to the last bit for any number of workers. After so many
    `minutes` nothing more is begun. `measure` must be a function of a module.
    """
    # The longest first, so that no core waits long for the last one.
    waiting = iter(sorted(settings, key=lambda setting: setting.cost, reverse=True))
    deadline = time.monotonic() + 60 * minutes
    if workers == 1:
        for setting in waiting:
            yield setting, _alone(measure, setting, threads)
            if time.monotonic() > deadline:
                return
        return
    before = set(multiprocessing.active_children())
    # Forked children would inherit the locks of torch's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=follow_parent) as pool:
        begin = functools.partial(pool.submit, _alone, measure, threads=threads)
        running = {begin(setting=setting): setting for setting in islice(waiting, workers)}
        try:
            while running:
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    setting = running.pop(done)
                    following = next(waiting, None) if time.monotonic() < deadline else None
                    if following is not None:
                        running[begin(setting=following)] = following
                    yield setting, done.result()
        finally:
            # Ctrl-C or an error: what still runs is lost anyway, so nobody should wait for it.
            for child in set(multiprocessing.active_children()) - before if running else ():
                child.terminate()


@same_threads_afterwards()
def _alone(measure: Callable[[Setting], Any], setting: Setting, threads: int) -> Any:
    torch.set_num_threads(threads)
    return measure(setting)
