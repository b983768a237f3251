"""Each room says what is in it, who may import it and where its tests are, and says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib

from tests.support.programs import tracked

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("resnet", "assignments")
ROOMS = [
    path.parent.relative_to(ROOT)
    for package in PACKAGES
    for path in sorted((ROOT / package).glob("*/__init__.py"))
]


def readme(room: Path) -> str:
    return (ROOT / room / "README.md").read_text("utf-8")


def files(room: Path) -> set[str]:
    """What git tracks or would track in a room, except what every room has."""
    names = {Path(name).relative_to(room).as_posix() for name in tracked(room)}
    return {name for name in names if not name.endswith(("__init__.py", "README.md"))}


def above(room: Path) -> list[str]:
    """The modules of the layers over a room, by the contract of its package."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    (own,) = (each for each in contracts if each.get("containers") == [room.parts[0]])
    floors = [re.findall(r"\w+", layer) for layer in own["layers"]]
    (place,) = (number for number, floor in enumerate(floors) if room.name in floor)
    return [name for floor in floors[:place] for name in floor]


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_room_lists_its_files(room: Path) -> None:
    listed = re.findall(r"^\| `(.+?)` \| (?=\S)", readme(room), re.MULTILINE)
    assert sorted(listed) == sorted(files(room))


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_room_says_who_may_import_it(room: Path) -> None:
    names = ", ".join(f"`{name}`" for name in above(room))
    should = f"Inside `{room.parts[0]}` it may be imported by {names}."
    assert should in readme(room), f"{room}/README.md should say: {should}"


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_room_says_where_its_tests_are(room: Path) -> None:
    assert f"`tests/{room.as_posix()}/`" in readme(room)
    assert list((ROOT / "tests" / room).glob("test_*.py"))
