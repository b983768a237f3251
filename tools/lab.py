"""Opens the chapters in JupyterLab, with the kernel of the book's environment."""

import subprocess
import sys

from .environment import ROOT


def main(arguments: list[str]) -> int:
    """Runs until it is stopped; what JupyterLab understands can be given, such as --no-browser."""
    call = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(ROOT / "chapters")]
    return subprocess.run([*call, *arguments]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
