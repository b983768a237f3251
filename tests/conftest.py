"""What all tests share: system programs that some of them need."""

import os
import shutil

import pytest


def need_program(name: str) -> str:
    """The path of a system program; without it the test is skipped, on a server (`CI`) it fails."""
    path = shutil.which(name)
    if path is None:
        reason = f"the program {name} is not installed"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return path
