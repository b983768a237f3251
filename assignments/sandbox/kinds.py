"""Runs students' code away from the grader: under bubblewrap, in a container, or, if told, bare.

Whatever that code does, the parts come back as `PartSeen`; what it gave is plain JSON.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from . import remedies, seccomp
from .enclosures import CHILD_FILES, INSIDE, bare_command, bubblewrap_command, container_command
from .exchange import Child
from .limits import Limits

IMAGE = "resnet-grader"
START_SECONDS = 120.0  # for importing torch on a busy machine
GRACE_SECONDS = 15.0  # what the supervisor may take beyond a part's own time
LONGEST_INTEGER = 400  # digits; longer ones take long to read
OWN_WORDS = ("ok", "error", "memory", "output")  # what a part may say of itself
PROBE = {"id": "probe", "cells": [], "observe": "def observe(seed):\n    return seed",
         "names": {}, "seed": 7, "seconds": 20}  # fmt: skip


class SandboxError(RuntimeError):
    """The sandbox itself does not start: the fault of no student."""


class NoSandboxError(SandboxError):
    """Neither bubblewrap nor a container works here; the text says what to do."""


@dataclass(frozen=True)
class PartSeen:
    """What came of one part: `value` is JSON that `values.decode` reads, or None.

    Behind an error it is what the part's `trace` saw on the way. `status` is ok, error (`errors`
    says which), time, memory, output (too much of it) or died.
    """

    id: str
    status: str
    value: Any
    errors: tuple[str, ...]
    seconds: float


class Sandbox(Protocol):
    """A way to run a job: a dict with `preload`, names of modules, and `parts`.

    Each part is a dict with id, cells (the course's setup first), observe, names, seed and seconds.
    It may have `inputs` for observe, in place of the seed, `answers`, the names that observe gets
    of the cells, and of these `kept`, those that only the first `settled` cells may define.
    """

    name: str

    def run(self, job: dict, limits: Limits) -> list[PartSeen]:
        """What came of each part, in order; SandboxError where the sandbox does not start."""
        ...


@dataclass(frozen=True)
class Bubblewrap:
    """Linux: a child without network, files and rights."""

    filtered: bool = True  # False only in tests, which show what holds without the filter
    name: str = "bubblewrap"

    def run(self, job: dict, limits: Limits) -> list[PartSeen]:
        """See `Sandbox.run`."""
        conditions = _conditions(job, limits, self.filtered, self.filtered)
        if os.geteuid() != 0:
            conditions["limits"]["processes"] += _counted_processes()
        return _run(job, limits, conditions, lambda: Child(bubblewrap_command(limits)))


@dataclass(frozen=True)
class Container:
    """Anywhere: a container of the image that assignments/sandbox/Containerfile makes."""

    program: str
    image: str = IMAGE
    name: str = "container"

    def run(self, job: dict, limits: Limits) -> list[PartSeen]:
        """See `Sandbox.run`."""
        return _run(job, limits, _conditions(job, limits), lambda: self._start(limits))

    def _start(self, limits: Limits) -> Child:
        name = f"{IMAGE}-{secrets.token_hex(8)}"
        kill = [self.program, "kill", name]  # the container outlives the program that started it
        command = container_command(self.program, self.image, name, limits)
        return Child(command, lambda: subprocess.run(kill, capture_output=True, timeout=30))


@dataclass(frozen=True)
class Bare:
    """No sandbox: the kernel's limits alone."""

    name: str = "none"

    def run(self, job: dict, limits: Limits) -> list[PartSeen]:
        """See `Sandbox.run`."""
        conditions = _conditions(job, limits) | {"alone": False}
        with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
            command, environment = bare_command(Path(folder))
            settings = {"env": environment, "cwd": environment["HOME"]}
            return _run(job, limits, conditions, lambda: Child(command, **settings))


def choose(unsafe: bool = False, container: str | None = None) -> Sandbox:
    """A sandbox that was seen to work; NoSandboxError, with the remedy, where none does.

    `container` is docker, podman, or the name of an image for whichever of them is installed.
    With `unsafe` students' code runs bare where nothing else works, and a warning says so.
    """
    if container is not None:
        return _container(container)
    problem = ""
    if sys.platform.startswith("linux") and shutil.which("bwrap") and shutil.which("setpriv"):
        problem = _problem(Bubblewrap())
        if not problem:
            return Bubblewrap()
    if not unsafe or not hasattr(os, "fork"):
        raise NoSandboxError(remedies.remedy(problem))
    print(remedies.WARNING, file=sys.stderr)
    return Bare()


def _container(container: str) -> Container:
    programs = [container] if container in ("docker", "podman") else ["docker", "podman"]
    found = [name for name in programs if shutil.which(name)]
    if not found:
        raise NoSandboxError(f"There is no {' or '.join(programs)} here.\n\n{remedies.CONTAINER}")
    sandbox = Container(found[0], IMAGE if container in programs else container)
    if problem := _problem(sandbox):
        raise NoSandboxError(remedies.container_remedy(problem))
    return sandbox


def _problem(sandbox: Sandbox) -> str:
    """Empty where the sandbox works, shown by a tiny job; else what it said."""
    try:
        [seen] = sandbox.run({"preload": [], "parts": [PROBE]}, Limits())
    except (SandboxError, OSError) as error:
        return str(error)
    return "" if seen.value == 7 else f"a tiny part gave {seen.status}: {' '.join(seen.errors)}"


def _conditions(
    job: dict, limits: Limits, filtered: bool = True, needed: bool = False
) -> dict[str, Any]:
    """The first line for the child; without a `needed` filter of system calls no part runs."""
    return {
        "preload": job["preload"],
        "limits": asdict(limits),
        "filters": seccomp.programs() if filtered else {},
        "filter_needed": needed,
        "alone": True,
    }


def _run(job: dict, limits: Limits, conditions: dict, start: Callable[[], Child]) -> list[PartSeen]:
    """Asks for the parts one by one; a child that is gone, or spoilt, is followed by a new one."""
    waiting, seen = list(job["parts"]), []
    deadline = time.monotonic() + limits.seconds
    while waiting:
        with contextlib.closing(start()) as child:
            _begin(child, conditions)
            spoilt = False
            while waiting and not spoilt:
                part = waiting.pop(0)
                seconds = min(part["seconds"], deadline - time.monotonic())
                if seconds <= 0:
                    seen.append(PartSeen(part["id"], "time", None, (), 0.0))
                    continue
                answer = child.ask(part | {"seconds": seconds}, seconds + GRACE_SECONDS)
                seen.append(_seen(part["id"], answer, "time" if child.late else "died"))
                spoilt = answer is None or answer["last"]
    return seen


def _begin(child: Child, conditions: dict) -> None:
    answer = child.ask(conditions, START_SECONDS)
    if answer is None:
        raise SandboxError(child.said())
    if "failed" in answer:
        raise SandboxError(f"Python does not start in the sandbox: {answer['failed']}")
    if answer["ready"] != _digest():
        raise SandboxError("the image holds another version of the course: build it anew")


def _digest() -> str:
    texts = [(INSIDE / name).read_bytes() for name in CHILD_FILES]
    return hashlib.sha256(b"".join(texts)).hexdigest()


def _seen(name: str, answer: dict | None, silent: str) -> PartSeen:
    """What a child's line tells; the payload in it was written by a student's code."""
    if answer is None:
        return PartSeen(name, silent, None, (), 0.0)
    if answer["status"]:
        return PartSeen(name, answer["status"], None, (), answer["seconds"])
    try:
        told = json.loads(answer["payload"], parse_int=_short_integer)
        status, value, errors = told["status"], told.get("value"), told["errors"]
        errors = tuple(_printable(error) for error in errors[:10])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError):
        return PartSeen(name, "died", None, (), answer["seconds"])
    status = status if status in OWN_WORDS else "died"
    value = value if status in ("ok", "error") else None
    return PartSeen(name, status, value, errors, answer["seconds"])


def _short_integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise ValueError("an integer of too many digits")
    return int(digits)


def _printable(text: str) -> str:
    """A text for a page: without lone surrogates, not longer than an error may be."""
    return text[:300].encode("utf-8", "backslashreplace").decode()


def _counted_processes() -> int:
    """Processes of this user that a limit in a namespace counts too: none from Linux 5.14 on."""
    release = tuple(int(number) for number in os.uname().release.split(".")[:2])
    if release >= (5, 14):
        return 0
    own = [path for path in Path("/proc").glob("[0-9]*") if _owner(path) == os.getuid()]
    return sum(len(list((path / "task").glob("*"))) for path in own)


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return -1
