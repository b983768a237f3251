"""Checks the links to the outside; the tests need no network and leave this to a weekly run."""

import subprocess
import sys
import tempfile

from .book import JUPYTER_BOOK
from .environment import ROOT


def main(arguments: list[str]) -> int:
    """Asks for each address that a page links to; exit status 1 where one does not answer."""
    with tempfile.TemporaryDirectory(prefix="links-") as folder:
        call = [sys.executable, "-c", JUPYTER_BOOK, "build", ".", "--all", "--builder", "linkcheck"]
        return int(subprocess.run([*call, "--path-output", folder], cwd=ROOT).returncode != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
