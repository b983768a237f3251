"""What students' code cannot see, write, reach or become, as root and as an ordinary user."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assignments.grading import values
from assignments.sandbox.enclosures import ENVIRONMENT
from assignments.sandbox.kinds import PartSeen
from tests.support.attacks import DESERVED, HONEST, attacked, part, sandbox, shown
from tests.support.programs import need_program
from tools.patience import patient

__all__ = ["sandbox"]

ROOT = Path(__file__).resolve().parents[3]
FORK_BOMB = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
# Runs a job as another user, whose Python has the standard library alone.
RUNNER = """
import dataclasses, json, sys
from assignments.sandbox.kinds import Bubblewrap, Limits, choose
job = json.load(sys.stdin)
seen = choose().run(job, Limits())
seen += Bubblewrap(filtered=False).run(job | {"parts": job["parts"][:1]}, Limits())
print(json.dumps([dataclasses.astuple(one) for one in seen]))
"""


WHO = """
import os
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
keys = "Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp".split()
seen = {key: status[key].split() for key in keys}
seen["map"] = open("/proc/self/uid_map").read().split()
seen["user namespace"] = os.system("unshare --user true") != 0
"""


def without_rights(seen: dict) -> bool:
    none = ["0" * 16]
    rights = [seen[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")]
    return rights == [none] * 5 and seen["NoNewPrivs"] == ["1"] and seen["Seccomp"] == ["2"]


def test_as_root_the_kernel_itself_takes_the_child_for_another_user(sandbox) -> None:
    if os.geteuid() != 0:
        pytest.skip("for root alone")
    seen = shown(attacked(sandbox, WHO))
    assert seen["map"] == Path("/proc/self/uid_map").read_text().split()  # no number is translated
    assert len(set(seen["Uid"])) == 1 and 60_000 <= int(seen["Uid"][0]) < 61_000
    assert seen["Gid"] == seen["Uid"] and seen["Groups"] == []
    assert without_rights(seen) and seen["user namespace"]


@pytest.fixture
def readable() -> Iterator[Path]:
    """A copy of the grader where any user can read it."""
    with tempfile.TemporaryDirectory() as name:
        for package in ("assignments", "resnet"):
            shutil.copytree(ROOT / package, Path(name) / package)
        subprocess.run(["chmod", "-R", "a+rX", name], check=True)
        yield Path(name)


def test_an_ordinary_user_is_protected_as_well(sandbox, readable: Path) -> None:
    python, user = need_program("/usr/bin/python3"), 65534
    codes = [WHO, FORK_BOMB, "import os; os.kill(-1, 9)", *LOOKS, WRITES]
    parts = [part(str(number), code, seconds=2) for number, code in enumerate(codes)]
    job = {"preload": [], "parts": [*parts, part("after", *HONEST)]}
    command = [python, "-c", RUNNER]
    if os.geteuid() == 0:
        words = ["--reuid", str(user), "--regid", str(user), "--clear-groups"]
        command = ["setpriv", *words, *command]
    done = subprocess.run(command, input=json.dumps(job), cwd=readable, text=True,
                          capture_output=True, timeout=patient(120))  # fmt: skip
    assert done.returncode == 0, done.stderr
    who, bomb, kill, *looks, writes, after, unfiltered = [
        PartSeen(*one) for one in json.loads(done.stdout)
    ]
    assert without_rights(shown(who)) and shown(who)["user namespace"]
    assert shown(unfiltered)["user namespace"]  # bubblewrap forbids them as well
    assert (bomb.status, kill.status, after.status) == ("time", "error", "ok")
    assert all(shown(look) == [] for look in looks) and shown(writes) == []
    assert values.decode(after.value) == [*DESERVED[:2], []]


LOOKS = [
    # the descriptors, memory and variables of the supervisor
    """
import os
seen, above = [], f"/proc/{os.getppid()}"
for name in ("fd/0", "fd/1", "fd/2", "mem", "environ", "maps", "root/etc"):
    try: os.listdir(f"{above}/{name}") if "root" in name else open(f"{above}/{name}").close()
    except OSError: continue
    seen.append(name)
try: seen += os.listdir(f"{above}/fd")
except OSError: pass
""",
    # one's own: nothing but an empty device and the pipe
    """
import os
seen = [os.readlink(f"/proc/self/fd/{n}") for n in range(4)]
seen = [] if seen[:3] == ["/dev/null"] * 3 and seen[3].startswith("pipe:") else seen
seen += [n for n in range(4, 256) if os.path.exists(f"/proc/self/fd/{n}")]
""",
    # accounts, homes and everything that is the machine's
    """
import os
names = ["etc/shadow", "etc/passwd", "home", "var", "run", "srv", "mnt", "etc/hosts", "boot", "sys"]
seen = [name for name in names if os.path.exists(f"/{name}")]
seen += [name for name in os.listdir("/course") if name not in
         ("resnet", "child.py", "part.py", "encoding.py", "__pycache__")]
""",
]
WRITES = """
import os, sys
seen = []
places = ["/", "/dev", "/course", "/course/resnet", "/usr", "/etc", "/proc", sys.prefix, "/root"]
for place in places:
    try: open(f"{place}/x", "w").close()
    except OSError: continue
    seen.append(place)
for name in ("/course/child.py", "/course/resnet/models.py", sys.executable, os.__file__):
    try: open(name, "a").close()
    except OSError: continue
    seen.append(name)
"""


@pytest.mark.parametrize("code", [*LOOKS, WRITES])
def test_nothing_of_others_is_to_be_seen_and_nothing_to_be_written(sandbox, code: str) -> None:
    assert shown(attacked(sandbox, code)) == []


def test_neither_repository_nor_submissions_nor_variables_are_there(
    sandbox, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "other.ipynb").write_text("{}")
    monkeypatch.setenv("GRADING_KEY", "secret")
    code = f"import os, sys; seen = [os.path.exists({str(tmp_path)!r}), dict(os.environ),"
    code += f"os.listdir({str(ROOT)!r}) if os.path.exists({str(ROOT)!r}) else []]"
    submission, variables, repository = shown(attacked(sandbox, code))
    assert not submission and set(repository) <= {Path(sys.prefix).name}
    assert set(variables) <= {*ENVIRONMENT, "PWD", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONPATH"}


def test_there_is_no_network(sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        address = server.getsockname()
        code = f"import socket; socket.create_connection({address!r}, 2)"
        [error] = attacked(sandbox, code, "seen = 1").errors
        assert error.startswith(("ConnectionRefusedError", "OSError"))
        with pytest.raises(BlockingIOError):
            server.accept()
