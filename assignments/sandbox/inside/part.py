"""One part of a submission in a process of its own: limits, cells, observation, answer.

The file goes into the sandbox beside child.py, whose fork calls `become`.
"""

import base64
import contextlib
import ctypes
import json
import linecache
import os
import platform
import random
import re
import resource
import signal
import sys
import types
from typing import Any

from encoding import TooLargeError, encode, type_name

ERRORS, ERROR_LENGTH = 10, 300
# Cell magics before Python; the cells of all others hold something else.
HARMLESS_MAGIC = re.compile(r"\s*%%(time|timeit|capture|prun)\b.*")
IPYTHON_LINE = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2}\s*)$", re.MULTILINE)
# Those of Python's start, which makes exceptions of them, and those that cannot be changed.
IGNORED_STILL = {signal.SIGPIPE, signal.SIGXFSZ, signal.SIGKILL, signal.SIGSTOP}
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38


def become(job: dict, writing: int, conditions: dict) -> None:
    """In the fork: gives up what it has of the supervisor, runs the code, answers, ends.

    `job` is a part as `Sandbox.run` gets it, `writing` the descriptor of the pipe for the answer.
    """
    own = os.getpid()
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    pipe = os.dup2(writing, 3, inheritable=False)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    for each in signal.valid_signals() - IGNORED_STILL:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _limit(conditions["limits"], job["seconds"])
    answer = {"status": "died", "errors": ["the filter of system calls was refused"]}
    if _filtered(conditions["filters"]) or not conditions["filter_needed"]:
        answer = _perform(job)
    rest = memoryview(json.dumps(answer).encode())
    while rest and os.getpid() == own:  # a fork that the code left behind comes here as well
        rest = rest[os.write(pipe, rest) :]
    os._exit(0)


def _limit(limits: dict, seconds: float) -> None:
    for name, most in {
        "DATA": limits["memory_bytes"],  # not AS: a CUDA build of torch maps gigabytes of code
        "NPROC": limits["processes"],
        "FSIZE": limits["file_bytes"],
        "NOFILE": 256,
        "CORE": 0,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
    }.items():
        with contextlib.suppress(AttributeError, OSError, ValueError):  # macOS lacks some
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    # A process may use more of several processors than the time that passes; SIGXCPU tells why.
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, int(seconds) + 4))


def _filtered(filters: dict[str, str]) -> bool:
    """Installs the filter of system calls; whether the kernel took it."""
    if sys.platform != "linux":
        return False
    program = base64.b64decode(filters.get(platform.machine(), ""))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("lines", ctypes.c_char_p)]

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # the fork's own: torch and others read /proc/self
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if not program:
        return False
    return prctl(PR_SET_SECCOMP, 2, ctypes.byref(Program(len(program) // 8, program)), 0, 0) == 0


def _perform(job: dict) -> dict:
    """Runs a part's cells and its observation in one namespace; what came of it, as plain JSON."""
    space, errors = _namespace(job["seed"]), []
    space.update(job["names"])
    for number, source in enumerate(job["cells"], 1):
        try:
            _execute(source, f"<cell {number}>", space)
        except BaseException as error:  # whatever it is, later cells get their turn
            errors.append(described(error))
        space.update(job["names"])
    answer = {"status": "error", "errors": errors}
    try:
        exec(compile(job["observe"], "<what the grader looks at>", "exec"), space)
        answer |= {"value": encode(space["observe"](job["seed"])), "status": "ok"}
    except TooLargeError as error:
        answer["status"] = "output"
        errors.append(described(error))
    except BaseException as error:
        errors.append(described(error))
    if answer["status"] == "error" and any(map(_is_of_memory, errors)):
        answer["status"] = "memory"
    answer["errors"] = errors if len(errors) <= ERRORS else [*errors[: ERRORS - 1], errors[-1]]
    return answer


def _namespace(seed: int) -> dict[str, Any]:
    """An empty `__main__`, in which the name that Jupyter gives in addition does nothing."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    module.display = lambda *shown, **settings: None
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    return module.__dict__


def _execute(source: str, name: str, space: dict[str, Any]) -> None:
    """Runs one cell; lines for IPython count as nothing, where without them it is no Python."""
    try:
        code = compile(source, name, "exec")
    except SyntaxError:
        source = HARMLESS_MAGIC.sub("", source, count=1) if HARMLESS_MAGIC.match(source) else source
        if source.lstrip().startswith("%%"):
            return
        code = compile(IPYTHON_LINE.sub(r"\1pass", source), name, "exec")
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    exec(code, space)


def described(error: BaseException) -> str:
    """An error's type and text on one line, whatever its own `__str__` does."""
    try:
        text = str.__str__(str(error))  # not that of a subclass
    except BaseException:
        text = "its text cannot be shown"
    text = " ".join(text[:ERROR_LENGTH].split())
    return f"{type_name(type(error))}: {text}"[:ERROR_LENGTH].removesuffix(": ")


def _is_of_memory(error: str) -> bool:
    return bool(re.match(r"MemoryError|\w+: .*(can't allocate|not enough) memory", error))
