"""The command lines that start the child: under bubblewrap, in a container, or bare.

What the child sees is chosen here: Python, the packages of this environment, the package `resnet`
and its own three files, at /course, read-only; an empty /tmp; and nothing of anybody else's.
"""

import itertools
import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from .limits import Limits

INSIDE = Path(__file__).resolve().parent / "inside"
PACKAGE = Path(__file__).resolve().parents[2] / "resnet"
CHILD_FILES = ("child.py", "part.py", "encoding.py")
COURSE = "/course"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "USER": "student",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
    "CUDA_VISIBLE_DEVICES": "",
    "RESNET_BUDGET": "cpu",
}
# For each run another user, because the kernel counts processes by user. Debian leaves these
# numbers unused, and they exist also where only the first 65,536 do.
FIRST_USER, USERS = 60_000, 1_000
_RUNS = itertools.count()


def bubblewrap_command(limits: Limits) -> list[str]:
    """bwrap and all its words; as root the child gets a user of its own, without any rights.

    As root there is no user namespace: the mounts need root, because an interpreter may lie where
    others cannot go, and a process limit binds only whom the kernel itself takes for another.
    """
    words = ["bwrap", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    words += ["--unshare-all"] if os.geteuid() else [f"--unshare-{kind}" for kind in
              ("ipc", "pid", "net", "uts", "cgroup-try")]  # fmt: skip
    words += ["--unshare-user", "--disable-userns"] if os.geteuid() else [
        word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")
    ]  # fmt: skip
    # First the empty folder, because Python itself may lie below /tmp and is mounted into it.
    words += _empty(limits.folder_bytes, "/tmp")
    words += [*_system(), *_python(), *_course(), "--proc", "/proc", "--dev", "/dev"]
    words += _empty(limits.shared_bytes, "/dev/shm")
    words += ["--chdir", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/"]
    for name, value in (ENVIRONMENT | _libraries()).items():
        words += ["--setenv", name, value]
    without_rights = [] if os.geteuid() else _without_rights(str(_user()))
    return [*words, *without_rights, sys.executable, f"{COURSE}/child.py"]


def container_command(program: str, image: str, name: str, limits: Limits) -> list[str]:
    """docker or podman and all its words; the image brings Python and the course's files."""
    user, files = str(_user()), limits.folder_bytes + limits.shared_bytes
    words = [program, "run", "--rm", "--interactive", "--name", name, "--network", "none"]
    words += ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    words += ["--user", f"{user}:{user}", "--pids-limit", str(limits.processes + 8)]
    # The imported torch takes half a gigabyte, once; files in memory count as well.
    memory = str(limits.memory_bytes + (512 << 20) + files)
    words += ["--memory", memory, "--memory-swap", memory, "--shm-size", str(limits.shared_bytes)]
    words += ["--tmpfs", f"/tmp:rw,nosuid,nodev,mode=1777,size={limits.folder_bytes}"]
    words += ["--workdir", "/tmp"]
    for setting in ENVIRONMENT.items():
        if setting[0] != "PATH":
            words += ["--env", "=".join(setting)]
    return [*words, image, "python", f"{COURSE}/child.py"]


def bare_command(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Python and the child in an empty folder, and its variables: nothing is out of its reach."""
    for name in CHILD_FILES:
        shutil.copy(INSIDE / name, folder)
    shutil.copytree(PACKAGE, folder / "resnet", ignore=_caches)
    (folder / "home").mkdir()
    places = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "home")}
    environment = ENVIRONMENT | _libraries() | places
    return [sys.executable, str(folder / "child.py")], environment


_caches = shutil.ignore_patterns("__pycache__")


def _empty(size: int, place: str) -> list[str]:
    return ["--perms", "1777", "--size", str(size), "--tmpfs", place]


def _user() -> int:
    return FIRST_USER + (os.getpid() * 7 + next(_RUNS)) % USERS


def _without_rights(user: str) -> list[str]:
    words = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs"]
    return [*words, "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"]


def _system() -> Iterator[str]:
    """Programs and libraries, and of /etc what finds libraries alone."""
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = f"/{name}"
        if os.path.islink(path):
            yield from ("--symlink", os.readlink(path), path)
        elif os.path.isdir(path):
            yield from ("--ro-bind", path, path)
    for path in ("/etc/ld.so.cache", "/etc/alternatives"):
        yield from ("--ro-bind-try", path, path)


def _python() -> Iterator[str]:
    """The interpreter and its packages, where /usr does not hold them."""
    prefixes = {sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parents[1])}
    paths = [os.path.join(prefix, part) for prefix in sorted(prefixes)
             for part in ("bin", "lib", "lib64", "pyvenv.cfg")]  # fmt: skip
    paths += [path for path in _packages() if not path.startswith(tuple(prefixes))]
    for path in paths:
        if os.path.exists(path) and not path.startswith("/usr/"):
            yield from _parents(path)
            yield from ("--ro-bind", path, path)


def _packages() -> list[str]:
    """Folders of installed packages, a user's own among them."""
    places = [*site.getsitepackages(), site.getusersitepackages()]
    return [path for path in places if path in sys.path]


def _course() -> Iterator[str]:
    yield from _parents(f"{COURSE}/resnet")
    yield from ("--ro-bind", str(PACKAGE), f"{COURSE}/resnet")
    for name in CHILD_FILES:
        yield from ("--ro-bind", str(INSIDE / name), f"{COURSE}/{name}")


def _parents(path: str) -> Iterator[str]:
    """The folders above a mount, which bubblewrap itself would open to root alone."""
    for parent in reversed(Path(path).parents):
        if str(parent) != "/":
            yield from ("--perms", "0755", "--dir", str(parent))


def _libraries() -> dict[str, str]:
    """Where Python's own shared library and a user's packages lie, if not where one looks."""
    own = [path for path in _packages() if path == site.getusersitepackages()]
    folder = sysconfig.get_config_var("LIBDIR") or ""
    shared = sysconfig.get_config_var("Py_ENABLE_SHARED") and not folder.startswith("/usr/")
    found = {"LD_LIBRARY_PATH": folder} if shared else {}
    return found | ({"PYTHONPATH": own[0]} if own else {})
