"""What is installed is what stands in the repository, and what is pinned agrees."""

import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.programs import tracked

ROOT = Path(__file__).resolve().parents[2]
ROOM = re.compile(r"resnet/\w+/README\.md")  # for those who read the repository
NAMED_BY_THE_USER = {"jupyter-book", "torch", "torchvision", "matplotlib", "d2l", "nbval"}


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    return {re.split("[=<>]", line)[0].lower(): line for line in wanted}


def test_every_direct_dependency_is_pinned() -> None:
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pins("requirements.txt").values())
    assert set(pins("requirements.txt")) >= NAMED_BY_THE_USER


def test_the_book_needs_a_part_of_it_with_equal_pins() -> None:
    book, whole = pins("requirements-book.txt"), pins("requirements.txt")
    assert book.items() <= whole.items()
    assert "torch" not in book


def test_constraints_agree() -> None:
    constraints = pins("constraints.txt")
    for name, line in pins("requirements.txt").items():
        assert constraints[name] == line


def test_constraints_hold_all_that_the_requirements_bring() -> None:
    """As installed here: what is not pinned would be another version next year."""
    waiting, brought = list(pins("requirements.txt")), set()
    while waiting:
        name = waiting.pop()
        if name in brought:
            continue
        brought.add(name)
        needed = [Requirement(line) for line in metadata.requires(name) or []]
        waiting += [
            canonicalize_name(one.name)
            for one in needed
            if one.marker is None or one.marker.evaluate({"extra": ""})
        ]
    lines = pins("constraints.txt").values()
    pinned = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines}
    installed = {name: metadata.version(name) for name in brought}
    assert {name: pinned.get(name) for name in brought} == installed


def test_the_embedded_images_bring_their_notice() -> None:
    notice = (ROOT / "resnet" / "assets" / "fashion_mnist_LICENSE.txt").read_text("utf-8")
    assert "Zalando SE" in notice
    assert "this permission notice shall be included in all" in notice


def test_the_module_takes_ranges_so_that_an_installed_torch_stays() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert all(">=" in line and "==" not in line for line in project["dependencies"])
    assert project["name"] == "resnet-by-experiment"


@pytest.mark.slow
def test_the_wheel_holds_the_tracked_files_of_the_module(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    # From a copy, because setuptools leaves files beside what it builds.
    copy = tmp_path / "copy"
    files = tracked(".")
    for name in files:
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    subprocess.run([*call, "--wheel-dir", str(tmp_path), str(copy)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    module = {name for name in files if name.startswith("resnet/")}
    assert inside == {name for name in module if not ROOM.fullmatch(name)}
    assert any(name.count("/") > 1 and name.endswith(".py") for name in inside)
