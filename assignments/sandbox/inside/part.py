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
from collections.abc import Callable
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
    """Runs a part's cells and its observation; what came of it, as plain JSON.

    The observation has a namespace of its own, made behind the setup and before any code of a
    student: names that such code changes later mean to it what they meant. It gets the `answers`
    alone (without such a list, all names), and of the earlier ones, `kept`, those of the first
    `settled` cells: a later cell that defines them anew spoils neither these nor itself.
    """
    space, errors, settled = _namespace(job["seed"]), [], job.get("settled", 1)
    _run(job, 0, 1, space, errors)
    watch, own = _watch(job["observe"], space)
    _run(job, 1, settled, space, errors)
    kept = {name: (space[name], _made_of(space[name]))
            for name in job.get("kept", ()) if name in space}  # fmt: skip
    if job.get("kept"):
        space = _module(space)  # earlier functions go on with the names of their own cells
    _run(job, settled, len(job["cells"]), space, errors)
    for name in job.get("kept", ()):
        space.pop(name, None)
    space |= {name: own for name, (own, parts) in kept.items() if _made_of(own) == parts}
    handed = job.get("answers", list(space))
    watch |= {name: space[name] for name in handed if name in space and name not in own}
    return _answer(job, watch, errors)


def _run(job: dict, start: int, end: int, space: dict[str, Any], errors: list[str]) -> None:
    """Executes some of a part's cells, behind each of which the given names are what they were."""
    space.update(job["names"])
    for number, source in enumerate(job["cells"][start:end], start + 1):
        try:
            _execute(source, f"<cell {number}>", space)
        except BaseException as error:  # whatever it is, later cells get their turn
            errors.append(described(error))
        space.update(job["names"])


def _made_of(value: Any) -> list[tuple[str, int]]:
    """What tells whether a function, or one of a class, was changed since."""
    own = getattr(value, "__dict__", {})
    parts = [(name, part) for name, part in own.items() if callable(part)]
    code = getattr(value, "__code__", None), getattr(value, "__defaults__", None)
    return sorted((name, id(part)) for name, part in (*parts, ("", code[0]), (" ", code[1])))


def _watch(observe: str, space: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """A namespace with the observation, and which of its names are the observation's own."""
    watch = dict(space)
    try:
        exec(compile(observe, "<what the grader looks at>", "exec"), watch)
    except BaseException as error:
        watch["observe"] = _raising(error)
    return watch, watch.keys() - space.keys() | {"observe"}


def _raising(error: BaseException) -> Callable[[Any], Any]:
    def observe(inputs: Any) -> Any:
        raise error

    return observe


def _answer(job: dict, watch: dict[str, Any], errors: list[str]) -> dict:
    """What the observation gives, or where it ends in an error, what could be seen on the way."""
    answer, inputs = {"status": "error", "errors": errors}, job.get("inputs", job["seed"])
    try:
        answer |= {"value": encode(watch["observe"](inputs)), "status": "ok"}
    except TooLargeError as error:
        answer["status"] = "output"
        errors.append(described(error))
    except BaseException as error:
        errors.append(described(error))
        with contextlib.suppress(BaseException):
            answer["value"] = encode(watch["trace"](inputs))
    if answer["status"] == "error" and any(map(_is_of_memory, errors)):
        answer["status"] = "memory"
    answer["errors"] = errors if len(errors) <= ERRORS else [*errors[: ERRORS - 1], errors[-1]]
    return answer


def _namespace(seed: int) -> dict[str, Any]:
    """An empty `__main__`, in which the name that Jupyter gives in addition does nothing."""
    space = _module({"display": lambda *shown, **settings: None})
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    return space


def _module(names: dict[str, Any]) -> dict[str, Any]:
    """The namespace of a new `__main__` that holds these names."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    module.__dict__.update(names)
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
