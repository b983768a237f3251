"""The drawn house is the one that the contracts hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import tomllib

from extensions import house
from tests.support.built_book import ROOT, rendered

PACKAGES = ("resnet", "assignments")


def contract(package: str) -> list[list[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found = [c for c in contracts["tool"]["importlinter"]["contracts"] if "containers" in c]
    (own,) = (c for c in found if c["containers"] == [package])
    return [re.findall(r"\w+", layer) for layer in own["layers"]]


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_each_floor_has_the_modules_of_its_layer_with_what_they_say(package: str) -> None:
    drawn = rendered("chapters/how_it_is_built").select("ol.house")[PACKAGES.index(package)]
    boxes = [floor.select(":scope > li") for floor in drawn.select(":scope > * > ul")]
    assert [[box.text.split()[0].strip("/") for box in row] for row in boxes] == contract(package)
    for box in (box for row in boxes for box in row):
        name, _, words = " ".join(box.text.split()).partition(" ")
        path = ROOT / package / (f"{name}__init__.py" if name.endswith("/") else f"{name}.py")
        said = ast.get_docstring(ast.parse(path.read_text("utf-8"))).split("\n\n")[0]
        assert letters(words) == letters(said) != "", name
        assert ("room" in box.get("class", [])) == name.endswith("/")


def letters(text: str) -> str:
    """Without quotes, dashes and line breaks, which the page sets in its own way."""
    return re.sub(r"[^\w ]", "", " ".join(text.split()))


def test_a_change_of_the_contract_changes_the_house(tmp_path: Path, monkeypatch) -> None:
    contracts = tmp_path / "pyproject.toml"
    head = "[[tool.importlinter.contracts]]\ncontainers = "
    contracts.write_text(f'{head}["a"]\nlayers = ["top", "left | right"]\n{head}["b"]\n')
    monkeypatch.setattr(house, "CONTRACTS", contracts)
    assert house.layers("a") == [["top"], ["left", "right"]]


def test_those_who_want_to_contribute_find_the_page() -> None:
    for name in ("CONTRIBUTING.md", "chapters/conclusion.md"):
        assert "how_it_is_built.md)" in (ROOT / name).read_text("utf-8"), name
