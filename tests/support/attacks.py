"""Runs an attack between two honest parts, which must keep what they deserve."""

import sys
from pathlib import Path

import pytest

from assignments.grading import values
from assignments.sandbox.kinds import Bubblewrap, Limits, NoSandboxError, PartSeen, choose
from tests.support.programs import missing, need_program

SMALL = Limits(
    memory_bytes=256 << 20, folder_bytes=8 << 20, file_bytes=4 << 20, shared_bytes=1 << 20
)
LOOK = "def observe(seed):\n    return seen"


def part(name: str, *cells: str, observe: str = LOOK, seconds: float = 5) -> dict:
    job = {"id": name, "cells": ["", *cells], "observe": observe, "names": {"STUDENT": "ab123"}}
    return job | {"seed": 22, "seconds": seconds}


# Empty, but for the way to Python where the environment itself lies below /tmp.
THERE = [Path(sys.prefix).parts[2]] if sys.prefix.startswith("/tmp/") else []
HONEST = ("seen = [len(STUDENT), sorted([3, 1.5])]", "import os; seen.append(os.listdir('/tmp'))")
DESERVED = [5, [1.5, 3], THERE]


@pytest.fixture(scope="module")
def sandbox() -> Bubblewrap:
    need_program("bwrap")
    need_program("setpriv")
    try:
        return choose()
    except NoSandboxError as error:
        missing(str(error))


def attacked(
    sandbox: Bubblewrap, *cells: str, limits: Limits = SMALL, preload: tuple = (), **settings
) -> PartSeen:
    """What came of an attack, between two honest parts that must get what they deserve."""
    parts = [part("before", *HONEST), part("attack", *cells, **settings), part("after", *HONEST)]
    before, seen, after = sandbox.run({"preload": [*preload], "parts": parts}, limits)
    for name, honest in (("before", before), ("after", after)):
        assert (honest.id, honest.status, honest.errors) == (name, "ok", ())
        assert values.decode(honest.value) == DESERVED
    assert seen.id == "attack" and len(seen.errors) <= 10
    return seen


def shown(seen: PartSeen) -> object:
    """What an attack reports of itself, which must have come to its end."""
    assert seen.status == "ok", seen
    return values.decode(seen.value)
