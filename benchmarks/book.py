"""How long `make book` takes after a change of one page, in a copy of the tracked files."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.publish import copy_tracked

from .timing import origin, summary

ROUNDS = 5
PAGE = "chapters/conclusion.md"


def run() -> dict:
    """Seconds of a first build, and of builds that each find one page changed."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        copy_tracked(copy)
        whole = build(copy)
        seconds = []
        for number in range(ROUNDS):
            page = copy / PAGE
            page.write_text(page.read_text(encoding="utf-8") + f"\nNote {number}.\n", "utf-8")
            seconds.append(build(copy))
    print(f"all pages: {whole:.1f} s, one page changed: {summary(seconds, ' s')}")
    return {"whole": whole, "seconds": seconds, "provenance": origin()}


def build(folder: Path) -> float:
    """Seconds of what `make book` runs once its environment is there."""
    started = time.perf_counter()
    call = [sys.executable, "-m", "tools.book"]
    subprocess.run(call, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started
