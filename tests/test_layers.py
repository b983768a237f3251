"""Imports run one way, by the contracts of pyproject.toml; torch stays out of what only reads."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import resnet

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("resnet", "assignments", "tools", "benchmarks")
# Imports that the contracts forbid: the file that gets one, its line, and what is said of it.
FORBIDDEN = [
    ("tools/clean.py", "from assignments import source", "tools.clean -> assignments.source"),
    ("resnet/plots.py", "import tools.book", "resnet.plots -> tools.book"),
    ("resnet/probes.py", "import d2l", "resnet.probes -> d2l"),
    ("resnet/models.py", "from .training import fit", "resnet.models -> resnet.training"),
    ("resnet/trainer/loop.py", "from ..experiments import grids", "-> resnet.experiments.grids"),
    ("assignments/sandbox/seccomp.py", "from ..reports import items", "-> assignments.reports"),
    ("resnet/check/changes.py", "from . import verdicts", "- .changes -> .verdicts"),
]
WITHOUT_TORCH = """
resnet resnet.results resnet.runs resnet.plots resnet.diagrams resnet.openings
resnet.runtime.files resnet.experiments.effects resnet.experiments.claims resnet.trainer.command
resnet.trainer.options resnet.__main__
"""


def contracts(folder: Path) -> subprocess.CompletedProcess:
    call = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    names = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(call, cwd=folder, env=names, capture_output=True, text=True)


def test_imports_run_as_the_contracts_say() -> None:
    done = contracts(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_forbidden_import_breaks_its_contract(tmp_path: Path) -> None:
    only_code = shutil.ignore_patterns("assets", "__pycache__", "*.ipynb")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=only_code)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line, _ in FORBIDDEN:
        code = (tmp_path / file).read_text(encoding="utf-8")
        (tmp_path / file).write_text(f"{code}\n{line}\n", encoding="utf-8")
    found = contracts(tmp_path).stdout
    assert "0 kept, 5 broken" in found
    assert [said for *_, said in FORBIDDEN if said not in found] == []


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


@pytest.mark.slow
def test_torch_stays_out() -> None:
    """One after the other in one process, which names the first that brings it."""
    code = f"""
import importlib, sys
for name in {WITHOUT_TORCH.split()}:
    importlib.import_module(name)
    if {{"torch", "torchvision"}} & {{*sys.modules}}:
        sys.exit(f"{{name}} imports torch")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


FACES = [path.parent for path in sorted((ROOT / "resnet").glob("**/__init__.pyi"))]
# Each as if it were the first that is imported; torch, the costly part, is loaded once.
OFFERED = """
import importlib, sys, torch
for name in sys.argv[1:]:
    for module in [each for each in sys.modules if each.split(".")[0] == "resnet"]:
        del sys.modules[module]
    face = importlib.import_module(name)
    print(*dir(face))
    [getattr(face, each) for each in dir(face)]
"""


@pytest.mark.slow  # loads all of the module in a process of its own
def test_a_face_offers_what_its_stub_says_and_nothing_else() -> None:
    names = [".".join(face.relative_to(ROOT).parts) for face in FACES]
    call = [sys.executable, "-c", OFFERED, *names]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for face, offered in zip(FACES, done.stdout.splitlines(), strict=True):
        stub = ast.parse((face / "__init__.pyi").read_text("utf-8"))
        imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
        assert offered.split() == sorted(each.name for node in imports for each in node.names)


def test_a_name_that_nobody_offers_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'resnet' has no attribute 'nothing'"):
        _ = resnet.nothing


@pytest.mark.slow  # loads torch in a process of its own
def test_a_name_stays_what_it_is_when_a_module_is_imported() -> None:
    """A module with the name of a function beside it would take its place."""
    code = (
        "import resnet, resnet.budgets as b; from resnet import budget; assert budget is b.budget"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
