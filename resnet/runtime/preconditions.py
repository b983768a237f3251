"""One clear sentence, before any work, for settings that cannot be trained with."""

import math
import sys
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

LEAST = {
    "epochs": 1,
    "batch_size": 2,
    "processes": 1,
    "threads": 1,
    "accumulation": 1,
    "checkpoint_every": 1,
    "metrics": 1,
    "workers": 1,
    "image_size": 1,
    "resize": 1,
    "depth": 1,
}
FINITE = sys.float_info.max
SEEDS = 2**62  # torch takes 64 bits, and the seed of each epoch is made of this one


def check_settings(settings: Mapping[str, Any], called: Callable[[str], str] = str) -> None:
    """ValueError with one sentence for settings that cannot be trained with.

    What is missing or None was not asked for. `called` turns a keyword into what the user knows it
    by, such as an option.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    for name in LEAST.keys() & given.keys():
        reason = " for batch norm" if name == "batch_size" else ""
        words = f"at least {LEAST[name]}{reason}"
        _hold(called(name), given[name], words, Integral, LEAST[name])
    warm_up = ("from 0 to 1", 1)
    if str(given.get("schedule")).lower().startswith("steps"):
        warm_up = ("zero or more epochs", FINITE)
    for name, words, least, most in (
        ("learning_rate", "a positive number", math.ulp(0.0), FINITE),
        ("weight_decay", "zero or a positive number", 0, FINITE),
        ("warm_up", warm_up[0], 0, warm_up[1]),
        ("most_bad", "from 0 to 1", 0, 1),
        ("most_megapixels", "a positive number", math.ulp(0.0), FINITE),
    ):
        if name in given:
            _hold(called(name), given[name], words, Real, least, most)
    if "seed" in given:
        _hold(called("seed"), given["seed"], "a number of at most 62 bits", Integral, -SEEDS, SEEDS)
    if given.get("resize", math.inf) < given.get("image_size", 1):
        raise ValueError(
            f"{called('resize')} must be at least {called('image_size')}, {given['image_size']}, "
            f"not {given['resize']}"
        )
    _check_parts(given, called)


def _hold(
    called: str, value: Any, words: str, kind: type, least: float, most: float = FINITE
) -> None:
    if not isinstance(value, kind):
        words = f"{'a whole number' if kind is Integral else 'a number'}, {words}"
    elif least <= value <= most:
        return
    raise ValueError(f"{called} must be {words}, not {value}")


def _check_parts(given: Mapping[str, Any], called: Callable[[str], str]) -> None:
    batch_size, processes, accumulation = (
        given.get(name, default)
        for name, default in (("batch_size", 2), ("processes", 1), ("accumulation", 1))
    )
    parts = processes * accumulation
    if batch_size % parts or batch_size < 2 * parts:
        raise ValueError(
            f"{called('batch_size')} must give {processes} processes with {accumulation} passes "
            f"each as many images, two or more, and {batch_size} does not: "
            f"take a multiple of {parts}"
        )
