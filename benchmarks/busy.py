"""The live part of chapters 1 and 2 while other programs keep cores busy.

Each run is a fresh Python that starts as a reader's own does, with nothing said about threads that
wait. As it was before, with all threads on every network, stands beside it on the quiet machine.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from statistics import median

from tools.bands import NOT_LIVE
from tools.environment import ROOT

from .timing import interleaved, origin, ratios, summary

ROUNDS = 5
CHAPTERS = ("01_degradation", "02_residual_block")
NEIGHBOURS = {"quiet": 0, "one busy process": 1, "two busy processes": 2}
GOALS = {"one busy process": 1.5, "two busy processes": 2.2}
BEFORE = "quiet, all threads"
SPIN = "while True: pass"
CHILD = """
import sys
from pathlib import Path
import torch
from tools.cells import run
before, changes, *without = sys.argv[2:]
if before == "before":
    from resnet import training
    training.enough_threads = lambda work: torch.get_num_threads()
exec(changes)
for _ in run(Path(sys.argv[1]), frozenset(without)):
    pass
"""


def run(changes: str = "", rounds: int = ROUNDS) -> dict:
    """Seconds of each chapter in each company, in turn; `changes` is code to run before each."""
    found = {}
    for chapter in CHAPTERS:
        calls = {name: beside(count, chapter, changes) for name, count in NEIGHBOURS.items()}
        calls[BEFORE] = beside(0, chapter, changes, "before")
        found[chapter] = interleaved(calls, rounds)
        for name, seconds in found[chapter].items():
            times = ratios(seconds, found[chapter]["quiet"])
            goal = f", goal {GOALS[name]}" if name in GOALS else ""
            print(f"{chapter:18} {name:20} {summary(seconds, ' s')}, quiet {summary(times)}{goal}")
    return {
        "seconds": found,
        "goals": GOALS,
        "quiet_over_before": {
            chapter: median(ratios(seconds["quiet"], seconds[BEFORE]))
            for chapter, seconds in found.items()
        },
        "provenance": origin(),
    }


def beside(count: int, chapter: str, changes: str, how: str = "now") -> Callable[[], None]:
    """A call that runs a chapter's live part while so many processes do nothing but turn."""

    def call() -> None:
        with busy(count), tempfile.TemporaryDirectory() as folder:
            live_part(chapter, changes, how, folder)

    return call


def live_part(chapter: str, changes: str, how: str, folder: str) -> None:
    """The cells that numbers come from, in a fresh Python that stands in an empty folder."""
    path = ROOT / "chapters" / f"{chapter}.ipynb"
    told = ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in told}
    environment |= {"RESNET_BUDGET": "cpu", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", CHILD, str(path), how, changes, *sorted(NOT_LIVE)]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{chapter} failed: {done.stderr[-2000:]}")


@contextlib.contextmanager
def busy(count: int, *before: str) -> Iterator[list[subprocess.Popen]]:
    """So many processes that keep a core each busy, as a browser or a virus scanner may.

    `before` are the words of a command that starts them elsewhere, such as on one core.
    """
    call = [*before, sys.executable, "-c", SPIN]
    processes = [subprocess.Popen(call) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
