"""Chapters 1 to 7 on the GPU's budget, their code run without Jupyter."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.environment import ROOT

from .sizes import Size

SMALL = """
from dataclasses import replace
from resnet import budgets
budgets.CPU = budgets.GPU = replace(
    budgets.CPU, training_images=64, validation_images=64, depth_epochs=1, further_epochs=1,
    network_epochs=1)
"""
CHILD = """
import sys
from pathlib import Path
exec(sys.argv[2])
from tools.cells import run
for cell, printed in run(Path(sys.argv[1])):
    print(printed, end="", flush=True)
"""


def units(size: Size, data: str | None) -> Iterator[tuple[str, Callable[[], dict]]]:
    """A chapter each; what it needs and is not installed ends it with that sentence."""
    for number in size.chapters:
        (path,) = (ROOT / "chapters").glob(f"{number}_*.ipynb")
        yield path.stem, lambda path=path: executed(path, size)


def executed(path: Path, size: Size) -> dict:
    """Seconds of a chapter from top to bottom, and how it ended."""
    budget = "cpu" if size.device == "cpu" else "gpu"
    environment = {**os.environ, "RESNET_BUDGET": budget, "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-c", CHILD, str(path), SMALL if size.small_chapters else ""]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True)
    last = (done.stderr.strip().splitlines() or [""])[-1] if done.returncode else ""
    return {"seconds": time.perf_counter() - started, "ended": not done.returncode, "error": last}
