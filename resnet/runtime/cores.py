"""A network on each core: small networks that train at the same time, in threads."""

import ctypes
import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

import torch

from .device import same_threads_afterwards

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


@same_threads_afterwards()
def side_by_side(train: Callable[[Key], Result], keys: Iterable[Key]) -> dict[Key, Result]:
    """What `train` returns for each key, as many calls at a time as torch has threads.

    A small network gains little from a second thread, and two networks gain a core each. The
    numbers are those of one thread. With a GPU the calls come one after another. Draw random
    weights before: all threads draw from torch's one generator.
    Ctrl-C ends the calls that run as it would end `fit`, begins no other, and is raised again;
    so is the first error of a call.
    """
    at_once = 1 if torch.cuda.is_available() else torch.get_num_threads()
    if at_once > 1:
        torch.set_num_threads(1)
    running: set[int] = set()

    def call(key: Key) -> Result:
        running.add(threading.get_ident())
        try:
            return train(key)
        finally:
            running.discard(threading.get_ident())

    with ThreadPoolExecutor(at_once) as pool:
        waiting = {key: pool.submit(call, key) for key in keys}
        try:
            for future in as_completed(waiting.values()):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for thread in tuple(running):
                _interrupt(thread)
            raise
    return {key: future.result() for key, future in waiting.items()}


def _interrupt(thread: int) -> None:
    """Ctrl-C in a thread: Python itself sends it to the main one alone."""
    set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
    set_exception(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))
