"""What runs students' code: with part.py and encoding.py it stands alone in the sandbox.

It reads lines of JSON: first the conditions, then one part at a time, each only when the one
before is done, so that no part's code can find the tests of a later one. What is slow to import it
imports once; each part then runs in a fork. The fork may do what it likes: it has no way to the
grader but a pipe of its own, and nothing of it is left when its part is over. The lines of the
answer are written here, by the supervisor, in whose process no student's code ever runs.
"""

import contextlib
import ctypes
import gc
import hashlib
import importlib
import json
import os
import re
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import part

FILES = ("child.py", "part.py", "encoding.py")
TICK = 0.02  # seconds between two looks at what a part uses
CROWD = 10_000  # files in the temporary folders, whose inodes no size limits
PLACES = ("/tmp", "/dev/shm")
PR_SET_DUMPABLE = 4


def main() -> None:
    """Answers the conditions and then each part with one line of JSON."""
    lines = sys.stdin.buffer
    answer = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what imports may print
    conditions = json.loads(lines.readline())
    for each in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(each, signal.SIG_IGN)
    _say(answer, _prepare(conditions))
    empty = _contents()
    while line := lines.readline():
        seen = _supervise(json.loads(line), conditions)
        # Files that a part leaves would be found by the next: that one gets a fresh sandbox.
        seen["last"] = conditions["alone"] and not (_alone() and _contents() == empty)
        _say(answer, seen)
        if seen["last"]:
            break
    os._exit(0)  # leaving torch in an orderly way takes a while


def _say(answer: Any, message: dict) -> None:
    rest = memoryview(json.dumps(message).encode() + b"\n")
    while rest:
        rest = rest[answer.write(rest) :]


def _prepare(conditions: dict) -> dict:
    """Imports what is slow, once, and closes this process to the eyes of its forks."""
    # In its own process namespace this is one of the first; a wrong claim would end other programs.
    conditions["alone"] = conditions["alone"] and os.getpid() < 10
    try:
        for name in conditions["preload"]:
            importlib.import_module(name)
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
    except Exception as error:
        return {"failed": part.described(error)}
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    gc.collect()
    gc.freeze()  # so that no collection in a fork copies pages it has no need of
    return {"ready": _digest()}


def _digest() -> str:
    """Tells versions of these files apart, for an image may hold old ones."""
    texts = [Path(__file__).with_name(name).read_bytes() for name in FILES]
    return hashlib.sha256(b"".join(texts)).hexdigest()


def _supervise(job: dict, conditions: dict) -> dict:
    """Runs one part in a fork, and ends all that it started, however it ends."""
    started = time.monotonic()
    reading, writing = os.pipe()
    fork = os.fork()
    if fork == 0:
        try:
            part.become(job, writing, conditions)
        finally:
            os._exit(1)
    os.close(writing)
    os.set_blocking(reading, False)
    with contextlib.suppress(OSError):
        os.setpgid(fork, fork)  # here too: the fork may not have come so far
    payload = bytearray()
    status = _follow(fork, reading, started + job["seconds"], conditions, payload)
    _end(fork, conditions["alone"])
    if status == "ended":
        _read(reading, payload)
        status = "" if payload else "died"
    os.close(reading)
    text = "" if status else payload.decode("ascii", "replace")
    seconds = round(time.monotonic() - started, 3)
    return {"id": job["id"], "status": status, "payload": text, "seconds": seconds}


def _follow(fork: int, reading: int, deadline: float, conditions: dict, payload: bytearray) -> str:
    """Collects what a fork writes until it ends or goes too far; the word for that."""
    limits, next_look = conditions["limits"], 0.0
    while True:
        open_still = _read(reading, payload) if select.select([reading], [], [], TICK)[0] else True
        if len(payload) > limits["output_bytes"]:
            return "output"
        now = time.monotonic()
        if now > deadline:
            return "time"
        if conditions["alone"] and now > next_look:
            next_look = now + TICK
            if excess := _excess(limits["memory_bytes"]):
                return excess
        found, how = os.waitpid(fork, os.WNOHANG)
        if found:
            return _way_of_ending(how)
        if not open_still:
            time.sleep(TICK / 20)  # the pipe is closed, and the fork about to end


def _read(reading: int, payload: bytearray) -> bool:
    """Adds what lies in the pipe, a megabyte at most; False where nobody can write to it."""
    try:
        piece = os.read(reading, 1 << 20)
    except BlockingIOError:
        return True
    payload += piece
    return bool(piece)


def _way_of_ending(how: int) -> str:
    if os.WIFSIGNALED(how):
        return "time" if os.WTERMSIG(how) == signal.SIGXCPU else "died"
    return "ended"


def _excess(memory: int) -> str:
    """The word for what a part uses beyond its limits, which the kernel does not enforce."""
    if _files() > CROWD:
        return "output"
    own, used = _memory("self"), 0
    for process in _others():
        with contextlib.suppress(OSError, ValueError):
            used += max(0, _memory(process) - own)  # it shares the supervisor's pages
    return "memory" if used > memory else ""


def _memory(process: str) -> int:
    """Bytes of a process that no file stands behind, and those of its page tables."""
    text = Path(f"/proc/{process}/status").read_text()
    return 1024 * sum(map(int, re.findall(r"(?:RssAnon|RssShmem|VmPTE):\s*(\d+) kB", text)))


def _others() -> list[str]:
    """All processes of this namespace but the first, which keeps it, and this one."""
    here = {"1", str(os.getpid())}
    return [name for name in os.listdir("/proc") if name.isdigit() and name not in here]


def _files() -> int:
    return sum(seen.f_files - seen.f_ffree for seen in map(os.statvfs, PLACES))


def _contents() -> list[tuple[int, int]]:
    """Blocks and files in use in the temporary folders, where there are such."""
    places = [os.statvfs(place) for place in PLACES if os.path.isdir(place)]
    return [(seen.f_blocks - seen.f_bfree, seen.f_files - seen.f_ffree) for seen in places]


def _end(fork: int, alone: bool) -> None:
    """Kills what a part started; alone in its namespace also what has left its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # -1 is everybody but the first and this one, at one moment, so that no fork slips through
        os.kill(-1, signal.SIGKILL) if alone else os.killpg(fork, signal.SIGKILL)
    patience = time.monotonic() + 5
    while time.monotonic() < patience:
        try:
            found, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            if not alone or _alone():
                return
            found = 0
        if not found:
            time.sleep(TICK / 20)


def _alone() -> bool:
    return not _others()


if __name__ == "__main__":
    main()
