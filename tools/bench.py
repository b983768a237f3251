"""The comparisons with d2l and torchvision, in the environment of the book."""

import subprocess
import sys

from .environment import ROOT


def main(arguments: list[str]) -> int:
    """Hands everything to `python -m benchmarks`."""
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
