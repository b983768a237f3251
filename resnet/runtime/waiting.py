"""What a thread does that waits for others; to be said before torch is loaded."""

import os
import sys


def wait_passively() -> None:
    """A thread that waits sleeps, instead of spinning on a core that another program needs.

    Torch's OpenMP (libgomp in its wheels for Linux, LLVM's or Intel's elsewhere) reads this as it
    is loaded, so nothing changes once torch is there. What the user has set stays.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
