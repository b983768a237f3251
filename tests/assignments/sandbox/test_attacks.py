"""Attacks, really run: what has to be stopped stops alone, and other parts keep their values."""

import pytest

from assignments.sandbox.kinds import Bubblewrap, Limits
from tests.support.attacks import SMALL, attacked, part, sandbox, shown

pytestmark = pytest.mark.slow  # each test starts processes

__all__ = ["sandbox"]

CATCH_ALL = """
import signal
for number in signal.valid_signals():
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True:
    try:
        while True: pass
    except BaseException: pass
"""
FORK_BOMB = """
import os
while True:
    try: os.fork()
    except BaseException: pass
"""
SHARED_MEMORY = """
import mmap
held = []
while True:
    held.append(mmap.mmap(-1, 1 << 24))
    held[-1].write(bytes(1 << 24))
"""
MEMORY_OF_MANY = """
import os, time
for _ in range(10):
    if os.fork() == 0: break
held = bytearray(b'x' * (100 << 20))
time.sleep(60)
"""
MANY_FILES = """
import os
for place in ("/tmp", "/dev/shm"):
    try:
        for number in range(10**7): os.close(os.open(f"{place}/{number}", os.O_CREAT))
    except OSError: pass
import time
time.sleep(60)
"""
INTO_EVERY_DESCRIPTOR = """
import os, json
line = json.dumps({"id": "after", "status": "", "payload": "{}", "seconds": 0, "last": False})
for number in range(256):
    for _ in range(100):
        try: os.write(number, b"\\n" + line.encode() + b"\\n")
        except OSError: break
"""
INTO_THE_PIPE = """
import os
while True: os.write(3, b"x" * 65536)
"""
DRIPPING = """
import os, time
while True: os.write(3, b"x"); time.sleep(0.0001)
"""
HELD_PIPE = """
import os, time
if os.fork() == 0:
    time.sleep(60)
seen = 1
"""
STOPPED = {
    "endless loop": ("while True: pass", "time"),
    "endless loop that catches all": (CATCH_ALL, "time"),
    "fork bomb": (FORK_BOMB, "time"),
    "sleeping in C": ("import time; time.sleep(1e6)", "time"),
    "shared memory": (SHARED_MEMORY, "memory"),
    "memory of many processes": (MEMORY_OF_MANY, "memory"),
    "files without end": (MANY_FILES, "output"),
    "output into the pipe": (INTO_THE_PIPE, "output"),
    "output drop by drop": (DRIPPING, "time"),
    "forged lines": (INTO_EVERY_DESCRIPTOR, "died"),
    "os._exit": ("import os; os._exit(0)", "died"),
    "a fault": ("import ctypes; ctypes.string_at(0)", "died"),
    "abort": ("import os; os.abort()", "died"),
    "a closed pipe": ("import os; os.closerange(0, 256); seen = 1", "died"),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPPED)
def test_what_has_to_be_stopped_stops_alone(sandbox, name: str) -> None:
    code, status = STOPPED[name]
    seconds = 1 if status == "time" else 20
    assert attacked(sandbox, code, seconds=seconds).status == status


def test_a_process_that_holds_the_pipe_does_not_hold_the_answer_back(sandbox) -> None:
    seen = attacked(sandbox, HELD_PIPE, seconds=10)
    assert shown(seen) == 1


RAISING = {
    "sys.exit": ("import sys; sys.exit('bye')", "SystemExit: bye"),
    "a private exception": ("class E(BaseException):\n  def __str__(self): 1 / 0\nraise E",
                            "E: its"),
    "memory": ("held = bytearray(3 << 30)", "MemoryError"),
    "memory of a file": ("import os; os.memfd_create('x')", "PermissionError"),
    "a signal to all": ("import os; os.kill(-1, 9)", "PermissionError"),
    "a signal to the supervisor": ("import os; os.kill(os.getppid(), 9)", "PermissionError"),
    "a signal to its thread": ("import os, ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
                               "if libc.tgkill(os.getppid(), os.getppid(), 9):\n"
                               "    raise OSError(ctypes.get_errno(), 'refused')",
                               "PermissionError"),
    "limits of the supervisor": ("import resource, os\n"
                                 "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
                                 "PermissionError"),
    "more processes": ("import resource as r; r.setrlimit(r.RLIMIT_NPROC, (99, 99))", "ValueError"),
    "a session of its own": ("import os\nif os.fork() == 0:\n    try: os.setsid()\n"
                             "    except OSError: os._exit(1)\n    os._exit(0)\n"
                             "if os.wait()[1]: raise PermissionError", "PermissionError"),
    "the machine around": ("import socket; socket.socket(40, 1)", "PermissionError"),
    "a long file": ("open('/tmp/x', 'wb').write(bytes(5 << 20))", "OSError: [Errno 27]"),
    "a null byte": ("x = '\0'", "SyntaxError|ValueError"),
    "lone surrogates": ("x = '\ud800'", "UnicodeEncodeError"),
    "a long text": ("raise ValueError('long' * 10**7)", "ValueError: long"),
    "an error's text of its own": ("class T(str):\n  def __getitem__(s, i): return 'x' * 10**9\n"
                                   "class E(Exception):\n  def __str__(self): return T('short')\n"
                                   "raise E", "E: short"),
}  # fmt: skip


@pytest.mark.parametrize("name", RAISING)
def test_what_fails_in_one_cell_spares_the_next(sandbox, name: str) -> None:
    code, errors = RAISING[name]
    seen = attacked(sandbox, code, "seen = 'later'")
    assert shown(seen) == "later" and len(seen.errors) == 1
    assert seen.errors[0].startswith(tuple(errors.split("|"))) and len(seen.errors[0]) <= 300
    seen.errors[0].encode()


DEEP = {
    "brackets": "(" * 100_000,
    "a deep tree": "x = " + "-" * 50_000 + "1",
    "recursion in C": "import sys; sys.setrecursionlimit(10**9)\n"
                      "class A: pass\nA.__repr__ = lambda self: repr(self)\nrepr(A())",
}  # fmt: skip


@pytest.mark.parametrize("name", DEEP)
def test_what_overwhelms_python_ends_in_an_error_or_with_the_part(sandbox, name: str) -> None:
    seen = attacked(sandbox, DEEP[name], "seen = 'later'")
    assert seen.status == "died" or (shown(seen) == "later" and len(seen.errors) == 1)


def test_signals_that_can_be_sent_do_nothing_to_the_supervisor(sandbox) -> None:
    code = "import os, ctypes; tgkill = ctypes.CDLL(None).tgkill\n"
    code += "seen = [tgkill(os.getppid(), os.getppid(), n) for n in range(1, 32)]"
    answers = shown(attacked(sandbox, code))
    assert [number for number, answer in enumerate(answers, 1) if answer] == [9, 19]


@pytest.mark.parametrize(
    "code", ["import os; os.kill(-1, 9)", "import os; os.kill(os.getppid(), 9)"]
)
def test_without_the_filter_a_dead_supervisor_is_followed_by_another(sandbox, code: str) -> None:
    assert attacked(Bubblewrap(filtered=False), code).status == "died"


DAEMON = """
import os, time
for _ in range(2):
    try: os.setsid()
    except OSError: pass
    if os.fork():
        break
else:
    while True: time.sleep(0.01)
seen = 1
"""
NEIGHBOURS = "import os; seen = [p for p in os.listdir('/proc') if p.isdigit()]"


@pytest.mark.parametrize("filtered", [True, False])
def test_daemons_are_gone_before_the_next_part(sandbox, filtered: bool) -> None:
    parts = [part("bomb", FORK_BOMB, seconds=1), part("daemon", DAEMON), part("next", NEIGHBOURS)]
    seen = Bubblewrap(filtered).run({"preload": [], "parts": parts}, SMALL)
    assert [one.status for one in seen] == ["time", "ok", "ok"]
    processes = [int(number) for number in shown(seen[2])]
    assert len(processes) == 3  # the namespace's first, the supervisor, the part itself
    assert max(processes) > 4  # it was not a new sandbox that made them few


def test_processes_are_counted_also_as_root(sandbox) -> None:
    code = "import os, time\nseen = 0\ntry:\n    while seen < 1000:\n"
    code += "        if os.fork() == 0: time.sleep(60)\n        seen += 1\nexcept OSError: pass"
    assert 20 <= shown(attacked(sandbox, code)) < Limits().processes
