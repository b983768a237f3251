"""Runs stamped notebooks as on Colab: each alone, in a fresh environment that has torch already."""

import argparse
import contextlib
import functools
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import nbformat
from packaging.requirements import Requirement

from .elsewhere import VENVS
from .environment import ROOT, interpreter
from .notebooks import CELL_SECONDS, chosen
from .patience import patient
from .stamping import stamp

TORCH = {
    "newest": ["torch", "torchvision"],
    "oldest": ["torch==2.5.*", "torchvision==0.20.*"],  # the lower ends in pyproject.toml
    "installed": [],
}
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=int(sys.argv[2]), kernel_name="python3").execute()
"""


def main(arguments: list[str]) -> int:
    """One environment for each chapter, so that each setup cell has to install."""
    parser = argparse.ArgumentParser(prog="python -m tools as-on-colab", description=__doc__)
    parser.add_argument("chapter", nargs="*", help="part of a file's name (default: all)")
    parser.add_argument("--torch", choices=TORCH, default="newest")
    parser.add_argument("--python", default=sys.executable, help="an interpreter, 3.10 to 3.13")
    chosen_here = parser.parse_args(arguments)
    failed = []
    VENVS.mkdir(exist_ok=True)  # several GB, too much for a /tmp that is kept in memory
    try:
        for chapter in chosen(chosen_here.chapter):
            if not alone(chapter, chosen_here.python, chosen_here.torch):
                failed.append(chapter.name)
    except (ValueError, subprocess.CalledProcessError) as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    print(f"Failed: {', '.join(failed)}" if failed else "Ran from top to bottom, as on Colab.")
    return 1 if failed else 0


def alone(chapter: Path, python: str, torch: str) -> bool:
    """Runs one chapter's stamped copy in an empty folder; says how long and whether it passed."""
    with tempfile.TemporaryDirectory(prefix="colab-", dir=VENVS) as folder, served() as archive:
        there = prepare(Path(folder) / "environment", python, torch)
        notebook = Path(folder) / "content" / chapter.name
        notebook.parent.mkdir()
        nbformat.write(stamp(nbformat.read(chapter, as_version=4), archive), notebook)
        start = time.monotonic()
        environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        call = [str(there), "-c", RUN, notebook.name, f"{patient(CELL_SECONDS):.0f}"]
        passed = subprocess.run(call, cwd=notebook.parent, env=environment).returncode == 0
    says = "ran" if passed else "FAILED"
    print(f"{chapter.name}: {says}, {time.monotonic() - start:.0f} s, {python}, torch {torch}")
    return passed


def prepare(folder: Path, python: str, torch: str) -> Path:
    """A new environment with torch and what runs a notebook, and without the module."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    there = interpreter(folder)
    if torch == "installed":
        link(["torch", "torchvision"], there)
    pip = [there, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "ipykernel", "nbclient", *TORCH[torch]], check=True)
    return there


def link(names: list[str], there: Path) -> None:
    """Links installed distributions and all they require, for the same version of Python."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    call = [there, "-c", ask]
    target = Path(subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip())
    for name in sorted(required(names)):
        here = distribution(name)
        for part in {path.parts[0] for path in here.files or []} - {"..", "__pycache__"}:
            if not (target / part).exists():
                (target / part).symlink_to(here.locate_file(part))


def required(names: list[str]) -> set[str]:
    """The installed distributions among these and what they require, extras included."""
    found, seen, waiting = set(), set(), [Requirement(name) for name in names]
    while waiting:
        asked = waiting.pop()
        if (name := str(asked)) in seen:
            continue
        seen.add(name)
        with contextlib.suppress(PackageNotFoundError):
            wanted = [Requirement(text) for text in distribution(asked.name).requires or []]
            found.add(asked.name)
            extras = [{"extra": extra} for extra in ("", *asked.extras)]
            waiting += [
                one for one in wanted
                if not one.marker or any(one.marker.evaluate(extra) for extra in extras)
            ]  # fmt: skip
    return found


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address, on this machine, of an archive of the commit that is checked out."""
    with tempfile.TemporaryDirectory() as folder:
        call = ["git", "archive", "--prefix=book/", "-o", f"{folder}/book.zip", "HEAD"]
        subprocess.run(call, cwd=ROOT, check=True)
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/book.zip"
            server.shutdown()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
