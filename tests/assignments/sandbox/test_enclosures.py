"""Which sandbox is chosen, what is said where none works, and the exact words for containers."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import tomllib
import yaml

from assignments.sandbox import enclosures, remedies
from assignments.sandbox import kinds as sandbox
from assignments.sandbox.kinds import Bare, Bubblewrap, Container, Limits, NoSandboxError, choose
from tests.support.attacks import part
from tests.support.programs import need_program

ROOT = Path(__file__).resolve().parents[3]
CONTAINERFILE = (ROOT / "assignments" / "sandbox" / "Containerfile").read_text(encoding="utf-8")
# Stands in for docker: writes down its words, and runs the image's command on this machine.
DOCKER = """#!{python}
import json, os, sys
words = sys.argv[1:]
with open({log!r}, "a") as log: log.write(json.dumps(words) + "\\n")
if words[0] == "run":
    {refuse}
    settings = [words[i + 1] for i, word in enumerate(words) if word == "--env"]
    environment = dict(setting.split("=", 1) for setting in settings)
    environment |= {{"PYTHONPATH": {root!r}, "PATH": "/usr/bin:/bin"}}
    assert words[-2:] == ["python", "/course/child.py"]
    os.execve({python!r}, ["python", {child!r}], environment)
"""


def fake_docker(folder: Path, name: str = "docker", refuse: str = "pass", child: str = "") -> Path:
    """Makes it in a folder for PATH; where it writes its words, a line a call."""
    log = folder / f"{name}.log"
    child = child or str(enclosures.INSIDE / "child.py")
    text = DOCKER.format(python=sys.executable, log=str(log), root=str(ROOT), refuse=refuse,
                         child=child)  # fmt: skip
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return log


@pytest.fixture
def only(tmp_path: Path, monkeypatch) -> Path:
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_bubblewrap_is_taken_where_it_works() -> None:
    need_program("bwrap")
    need_program("setpriv")
    assert choose() == choose(unsafe=True) == Bubblewrap()


def test_without_bubblewrap_the_packages_are_named(only: Path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(NoSandboxError) as raised:
        choose()
    assert "sudo apt install bubblewrap util-linux" in str(raised.value)
    assert "--container docker" in str(raised.value) and "--unsafe" in str(raised.value)


def test_on_other_systems_the_container_is_named(monkeypatch) -> None:
    for system in ("darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        with pytest.raises(NoSandboxError, match="(?s)Linux alone.*docker build .*Containerfile"):
            choose()


@pytest.mark.parametrize("said", ["bwrap: setting up uid map: Permission denied", ""])
def test_where_bubblewrap_is_forbidden_the_profile_is_printed(
    only: Path, said: str, monkeypatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("bwrap", "setpriv"):
        (only / name).write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
        (only / name).chmod(0o755)
    with pytest.raises(NoSandboxError) as raised:
        choose()
    text = str(raised.value)
    assert (said or "exit status 1") in text
    for line in [*remedies.PROFILE.splitlines(), "sudo apparmor_parser --replace"]:
        assert line in text


def test_a_bubblewrap_without_effect_is_not_believed(only: Path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("bwrap", "setpriv"):
        (only / name).symlink_to(shutil.which("true", path=os.defpath))
    with pytest.raises(NoSandboxError, match="does not work here"):
        choose()


def test_the_workflow_loads_the_profile_that_is_printed() -> None:
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["jobs"]["test"]["steps"]
    [step] = [step["run"] for step in steps if "apparmor_parser" in step.get("run", "")]
    assert remedies.PROFILE in step and f"sudo tee {remedies.PROFILE_FILE} " in step
    assert f"sudo apparmor_parser --replace {remedies.PROFILE_FILE}" in step
    assert "bubblewrap" in text.partition("apparmor_parser")[0]


def test_unsafe_is_said_loudly_and_works(only: Path, capfd) -> None:
    chosen = choose(unsafe=True)
    assert chosen == Bare()
    assert "WARNING: NO SANDBOX" in capfd.readouterr().err
    parts = [part("a", "seen = sorted([3, 1])"), part("b", "while True: pass", seconds=1)]
    parts.append(part("c", "import resnet, os; seen = resnet.__name__ + os.environ['USER']"))
    first, second, third = chosen.run({"preload": [], "parts": parts}, Limits())
    assert (first.value, second.status) == ({"list": [1, 3]}, "time")
    assert third.value == "resnetstudent"


def test_the_words_for_a_container_and_what_it_gives(only: Path) -> None:
    log = fake_docker(only)
    chosen = choose(container="docker")
    assert chosen == Container("docker", "resnet-grader")
    [seen] = chosen.run({"preload": [], "parts": [part("a", "seen = (1, 2.5)")]}, Limits())
    assert (seen.status, seen.value) == ("ok", {"tuple": [1, 2.5]})
    words = json.loads(log.read_text().splitlines()[-1])
    name, user = (words[words.index(option) + 1] for option in ("--name", "--user"))
    assert re.fullmatch(r"resnet-grader-[0-9a-f]{16}", name)
    assert re.fullmatch(r"60\d{3}:60\d{3}", user)
    settings = [f"{key}={value}" for key, value in enclosures.ENVIRONMENT.items() if key != "PATH"]
    assert words == [
        *("run", "--rm", "--interactive", "--name", name, "--network", "none", "--read-only"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", user),
        *("--pids-limit", "40", "--memory", "2885681152", "--memory-swap", "2885681152"),
        *("--shm-size", "67108864"),
        *("--tmpfs", "/tmp:rw,nosuid,nodev,mode=1777,size=134217728", "--workdir", "/tmp"),
        *(word for setting in settings for word in ("--env", setting)),
        *("resnet-grader", "python", "/course/child.py"),
    ]


def test_docker_podman_or_an_image_can_be_named(only: Path) -> None:
    with pytest.raises(NoSandboxError, match="no podman here"):
        choose(container="podman")
    fake_docker(only, "podman")
    assert choose(container="podman") == Container("podman", "resnet-grader")
    assert choose(container="my/image:2") == Container("podman", "my/image:2")
    fake_docker(only)
    assert choose(container="my/image:2") == Container("docker", "my/image:2")


def test_a_container_that_does_not_start_is_explained(only: Path) -> None:
    fake_docker(only, refuse="sys.exit('Unable to find image')")
    with pytest.raises(NoSandboxError, match="(?s)Unable to find image.*docker build --tag"):
        choose(container="docker")


def test_an_old_image_is_not_used(only: Path, tmp_path: Path) -> None:
    for name in enclosures.CHILD_FILES:
        shutil.copy(enclosures.INSIDE / name, tmp_path)
    with (tmp_path / "part.py").open("a") as file:
        file.write("# of last year\n")
    fake_docker(only, child=str(tmp_path / "child.py"))
    with pytest.raises(NoSandboxError, match="another version of the course"):
        choose(container="docker")


def test_a_container_that_hangs_is_killed_by_its_name(only: Path, monkeypatch) -> None:
    log = fake_docker(only, refuse="import time; time.sleep(60)")
    monkeypatch.setattr(sandbox, "START_SECONDS", 1.0)
    with pytest.raises(sandbox.SandboxError):
        Container("docker").run({"preload": [], "parts": [part("a")]}, Limits())
    run, kill = map(json.loads, log.read_text().splitlines())
    assert kill == ["kill", run[run.index("--name") + 1]]


def test_what_cannot_be_imported_is_the_fault_of_no_student() -> None:
    need_program("bwrap")
    with pytest.raises(sandbox.SandboxError, match="ModuleNotFoundError"):
        choose().run({"preload": ["no_such_module"], "parts": [part("a")]}, Limits())


def test_the_image_holds_what_the_child_needs() -> None:
    copied = [line.split()[1:-1] for line in CONTAINERFILE.splitlines() if line.startswith("COPY")]
    names = [name for line in copied for name in line]
    assert all((ROOT / name).exists() for name in names)
    assert {
        "resnet",
        *(f"assignments/sandbox/inside/{name}" for name in enclosures.CHILD_FILES),
    } < set(names)
    assert set(names) & {".", "assignments"} == set()  # neither solutions nor tests
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert (
        "torch" in " ".join(project["project"]["dependencies"])
        and "-r /build/pyproject.toml" in CONTAINERFILE
    )
    [command] = re.findall(r"docker build .+", remedies.CONTAINER)
    assert f"#     {command}" in CONTAINERFILE and f" {sandbox.IMAGE} " in command
