"""The tests: the fast ones beside lint while working, all of them before a change is sent."""

import os
import subprocess
import sys

from .environment import ROOT

# One worker per core. A file stays in one worker, as tests/support/sharing.py says, and the longest
# comes first: xdist keeps the order of tests/support/workers.py.
SHARED_OUT = ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"  # which images of systems set, to stay small


def main(arguments: list[str]) -> int:
    """Lint, then pytest: what is not marked slow, or with `--whole` everything."""
    whole = "--whole" in arguments
    rest = [argument for argument in arguments if argument != "--whole"]
    lint = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT).returncode
    layout = subprocess.run([sys.executable, "-m", "ruff", "format", "--check", "."], cwd=ROOT)
    choice = [] if whole else ["-m", "not slow"]
    call = [sys.executable, "-m", "pytest", *SHARED_OUT, *choice, *rest]
    # Each worker would compile all tests and the module anew, a third of its start.
    kept = {name: set_to for name, set_to in os.environ.items() if name != NO_BYTECODE}
    tests = subprocess.run(call, cwd=ROOT, env=kept).returncode
    return tests or lint or layout.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
