"""Imports run one way, by the contracts of pyproject.toml; torch stays out of what only reads."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import resnet

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("resnet", "assignments", "tools", "benchmarks")
# One import that each contract forbids: the file that gets it, the line, the contract's name.
FORBIDDEN = [
    ("tools/clean.py", "from assignments import source", "knows nothing of what is built on it"),
    ("resnet/plots.py", "import tools.book", "knows nothing of what is built on it"),
    ("resnet/probes.py", "import d2l", "nothing that a reader has not installed"),
    ("resnet/models.py", "from .training import fit", "Inside the module"),
    ("resnet/trainer/descent.py", "from ..experiments import grids", "Inside the module"),
    ("assignments/sandbox/seccomp.py", "from ..reports import items", "Inside the course"),
    ("resnet/check/changes.py", "from . import verdicts", "No circle anywhere"),
]
WITHOUT_TORCH = [
    "resnet",
    "resnet.results",
    "resnet.runs",
    "resnet.plots",
    "resnet.diagrams",
    "resnet.openings",
    "resnet.runtime.files",
    "resnet.experiments.effects",
    "resnet.experiments.claims",
    "resnet.trainer.command",
    "resnet.trainer.options",
    "resnet.__main__",
]


def contracts(folder: Path) -> subprocess.CompletedProcess:
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [command, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def test_imports_run_as_the_contracts_say() -> None:
    done = contracts(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("file", "line", "contract"), FORBIDDEN)
def test_a_forbidden_import_breaks_its_contract(
    file: str, line: str, contract: str, tmp_path: Path
) -> None:
    only_code = shutil.ignore_patterns("assets", "__pycache__", "*.ipynb")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=only_code)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a", encoding="utf-8") as code:
        code.write(f"\n{line}\n")
    done = contracts(tmp_path)
    assert done.returncode and re.search(rf"{contract}.* BROKEN", done.stdout), done.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "chapters").glob("*.ipynb")), ids=lambda p: p.stem)
def test_chapters_know_the_top_and_the_faces_of_rooms(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        for node in ast.walk(ast.parse(cell.source)) if cell.cell_type == "code" else ():
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                first, *rest = name.split(".")
                assert first not in ("assignments", "tools", "tests"), name
                assert first != "resnet" or len(rest) < 2, f"{name} is inside of a room"


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_torch_stays_out(name: str) -> None:
    code = f"import sys, {name}; sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


ROOMS = [path.parent for path in sorted((ROOT / "resnet").glob("**/__init__.pyi"))]


@pytest.mark.slow  # a process for each face
@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_face_offers_what_its_stub_says_and_nothing_else(room: Path) -> None:
    package = ".".join(room.relative_to(ROOT).parts)
    code = f"import {package} as face; print(*dir(face)); [getattr(face, n) for n in dir(face)]"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    stub = ast.parse((room / "__init__.pyi").read_text("utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    assert done.stdout.split() == sorted(each.name for node in imports for each in node.names)


def test_a_name_that_nobody_offers_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'resnet' has no attribute 'nothing'"):
        _ = resnet.nothing


def test_a_name_stays_what_it_is_when_a_module_is_imported() -> None:
    """A module with the name of a function beside it would take its place."""
    code = (
        "import resnet, resnet.budgets as b; from resnet import budget; assert budget is b.budget"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
