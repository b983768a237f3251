"""Every command of the book's keepers: `python -m tools NAME`, which the Makefile only calls.

Nothing beyond the standard library is imported here, so that any Python from 3.11 on can start it
on a fresh machine; the command itself runs in `.venv`, which is made or renewed first.
"""

from __future__ import annotations  # so that an older Python gets as far as the refusal

import os
import subprocess
import sys
from dataclasses import dataclass

from . import environment


@dataclass(frozen=True)
class Command:
    """What follows `python -m`, the packages it needs, and one line of help."""

    words: str
    requirements: str | None
    help: str


BOOK, ALL = "requirements-book.txt", "requirements.txt"
COMMANDS = {
    "book": Command(
        "tools.book", BOOK, "render the book and print where it is (--all: from nothing)"
    ),
    "serve": Command("tools.serve", None, "show the rendered book on this machine (--port N)"),
    "lab": Command(
        "jupyterlab --notebook-dir chapters",
        ALL,
        "open the chapters in JupyterLab, to run and change them",
    ),
    "pdf": Command("tools.pdf", ALL, "print the whole book into one PDF, through Chromium"),
    "slides": Command("tools.slides", BOOK, "make slides of two lectures from the chapters"),
    "publish": Command(
        "tools.publish", BOOK, "make the site and the notebooks that are put online"
    ),
    "assignments": Command(
        "assignments build", ALL, "make the course: for students, markers, nbgrader"
    ),
    "release": Command(
        "tools.release", BOOK, "pack both into one archive, the same for one commit"
    ),
    "as-on-colab": Command(
        "tools.as_on_colab", ALL, "run stamped notebooks as on Colab [chapter ...]"
    ),
    "links": Command("tools.links", BOOK, "ask for every address outside that a page links to"),
    "test": Command(
        "tools.check --whole", ALL, "everything: unit tests, hygiene, the book, each notebook once"
    ),
    "check": Command(
        "tools.check", ALL, "what a contributor runs while working: lint and fast tests"
    ),
    "test-elsewhere": Command(
        "tools.elsewhere", ALL, "repeat under AVX2 and with the other Pythons"
    ),
    "execute": Command(
        "tools.execute", ALL, "run the notebooks and store what they print [chapter ...]"
    ),
    "bands": Command("tools.bands", ALL, "repeat the live values over seeds and store their bands"),
    "results": Command(
        "tools.results", ALL, "measure all that is stored, hours: a stopped one goes on"
    ),
    "rates": Command("tools.rates", ALL, "choose each network's learning rate, with other seeds"),
    "claims": Command("tools.claims", ALL, "renew the table and the picture of claims"),
    "bench": Command(
        "benchmarks", ALL, "time the module beside d2l and torchvision (--full: two hours)"
    ),
    "gpu": Command(
        "benchmarks.gpu", None, "measure what needs a GPU, in ten minutes, by this Python's torch"
    ),
    "picture": Command("tools.picture", ALL, "draw the opening picture from the stored bands"),
    "mutants": Command("tools.mutants", ALL, "show that the unit tests catch wrong blocks"),
    "embed": Command("tools.embed", ALL, "write the embedded images from the full Fashion-MNIST"),
    "laboratory": Command(
        "tools.laboratory", ALL, "build what trains in the page (--results: its runs, too)"
    ),
    "clean": Command("tools.clean", None, "remove what was built (--all: the environment, too)"),
}


def main(arguments: list[str]) -> int:
    """Runs one command and returns its exit status; without a name it lists them all."""
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        print(usage())
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        print(f"tools: there is no command {name!r}\n\n{usage()}", file=sys.stderr)
        return 2
    command = COMMANDS[name]
    try:
        python = environment.prepare(command.requirements) if command.requirements else None
        call = [python or sys.executable, "-m", *command.words.split(), *rest]
        # A thread that waits must not spin on a core that another worker or program needs, and
        # a kernel may load torch before the module could say so.
        passive = {"OMP_WAIT_POLICY": "passive", **os.environ}
        return subprocess.run(call, cwd=environment.ROOT, env=passive).returncode
    except environment.SetupError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def usage() -> str:
    lines = [f"  {name:<16}{command.help}" for name, command in COMMANDS.items()]
    return "\n".join(["make NAME, or python -m tools NAME [options]:", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
