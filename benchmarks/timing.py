"""Timing that a noisy machine disturbs little: contenders in turn, several rounds, medians."""

import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from resnet.runtime.files import provenance


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contender in each round; one call before the first round warms it up.

    The order turns from round to round, so that what slows the machine down meets all alike.
    """
    for call in contenders.values():
        call()
    names, seconds = list(contenders), {name: [] for name in contenders}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            started = time.perf_counter()
            contenders[name]()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def ratios(slower: list[float], faster: list[float]) -> list[float]:
    """How many times as long one contender took as another, round by round."""
    return [a / b for a, b in zip(slower, faster, strict=True)]


def summary(values: list[float], unit: str = "") -> str:
    """Median and range for the screen, such as `2.10 (1.95 to 2.21)`."""
    low, middle, high = min(values), statistics.median(values), max(values)
    digits = max(0, 2 - math.floor(math.log10(abs(middle)))) if middle else 2
    return f"{middle:.{digits}f}{unit} ({low:.{digits}f} to {high:.{digits}f}, n = {len(values)})"


def in_child(code: str, *arguments: str) -> str:
    """What a fresh Python prints last when it runs `code`."""
    call = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(call, check=True, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1]


def origin() -> dict:
    """Where the numbers come from: versions, processor, threads and instruction set."""
    return provenance(
        threads=torch.get_num_threads(),
        cores=os.cpu_count(),
        instruction_set=torch.backends.cpu.get_cpu_capability(),
        onednn_limit=os.environ.get("ONEDNN_MAX_CPU_ISA"),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    )
