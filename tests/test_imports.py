"""Imports run one way, torch stays out of what reads and draws, and files stay small."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import resnet

FOLDER = Path(resnet.__file__).parent
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
# What each part may know of its siblings.
MAY_KNOW = {
    "__init__": set(),
    "results": set(),
    "diagrams": set(),
    "document": set(),
    "models": {"document"},
    "data": set(),
    "device": set(),
    "checkpoint": set(),
    "identity": {"data", "results"},
    "kept_runs": {"checkpoint", "data", "device", "distributed", "identity", "results"},
    "plots": {"results"},
    "fashion_mnist": {"data"},
    "preconditions": set(),
    "growing": {"data"},
    "probes": {"models", "data", "device"},
    "distributed": set(),
    "descent": {"device"},
    "metrics": {"results"},
    "reporting": {"plots", "results"},
    "augmentation": {"data"},
    "cifar10": {"data", "fashion_mnist"},
    "crops": set(),
    "image_files": {"data"},
    "image_folder": {"crops", "distributed", "image_files"},
    "training": {"data", "descent", "device", "kept_runs", "preconditions", "results"},
    "trainer_loop": {
        "data",
        "descent",
        "device",
        "distributed",
        "kept_runs",
        "metrics",
        "preconditions",
        "results",
        "training",
    },
    "runs": {"results"},
    "effects": {"results", "runs"},
    "claims": {"batch_claims", "effects", "family_claims", "results", "runs"},
    "batch_claims": {"effects", "results", "runs"},
    "family_claims": {"effects", "results"},
    "variants": {"models"},
    "observing": set(),
    "changes": {"models"},
    "block_mistakes": {"changes"},
    "network_mistakes": {"block_mistakes", "models"},
    "check": {"block_mistakes", "models", "network_mistakes", "observing"},
    "experiments": {"data", "fashion_mnist", "models", "probes", "results", "training", "variants"},
    "measures": {"data", "experiments", "growing", "probes", "results", "runs", "training"},
    "inside": {"data", "experiments", "measures", "probes", "training"},
    "collecting": {"experiments", "results", "runs"},
    "large_batches": {"collecting", "experiments", "measures", "runs"},
    "grids": {
        "collecting",
        "experiments",
        "inside",
        "large_batches",
        "measures",
        "results",
        "runs",
    },
    "train_options": set(),
    "named_networks": {"experiments", "models"},
    "predicting": {"checkpoint", "crops", "data", "device", "image_files", "named_networks"},
    "trainer": set(FILES) - {"trainer", "__main__"},
    "torchvision_weights": {"models"},
    "coursework": set(),
    "coursework_axis": set(),
    "coursework_claims": {"coursework"},
    "coursework_block": {"coursework"},
    "coursework_block_checks": {"coursework_block"},
    "coursework_patients": {"coursework", "models", "results"},
    "coursework_network": {"coursework", "data", "models"},
    "coursework_degradation": {"coursework", "data", "experiments", "results", "runs", "training"},
    "coursework_degradation_checks": {
        "coursework_axis",
        "coursework_claims",
        "coursework_degradation",
    },
    "__main__": set(FILES) - {"__main__"},
}
WITHOUT_TORCH = [
    "resnet",
    "resnet.results",
    "resnet.runs",
    "resnet.claims",
    "resnet.plots",
    "resnet.diagrams",
    "resnet.trainer",
    "resnet.__main__",
]


def imported(source: str) -> tuple[set[str], set[str]]:
    """Names of the siblings and of the top-level packages that a file imports, anywhere in it."""
    siblings, packages = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = "resnet" if node.level else ""
            base = ".".join(part for part in (stem, node.module) if part)
            names = [base] if base != "resnet" else [f"resnet.{a.name}" for a in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            packages.add(first)
            if first == "resnet":
                siblings.add(rest.partition(".")[0] or "__init__")
    return siblings, packages


def test_imports_are_found_in_every_form():
    source = """
import torch.nn
from . import models
def f():
    from .data import ImageSet
    from resnet.training import fit
    import resnet.probes
from resnet import device
"""
    expected = {"models", "data", "training", "probes", "device"}
    assert imported(source) == (expected, {"torch", "resnet"})


@pytest.mark.parametrize("name", FILES)
def test_imports_run_one_way(name):
    siblings, packages = imported(FILES[name].read_text(encoding="utf-8"))
    assert siblings <= MAY_KNOW[name], f"{name} imports {siblings - MAY_KNOW[name]}"
    assert not packages & {"d2l", "tools", "tests", "chapters"}


@pytest.mark.parametrize("name", FILES)
def test_files_are_short(name):
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) < 300


def test_the_core_is_short():
    parts = ("models", "data", "training")
    lines = {name: len(FILES[name].read_text(encoding="utf-8").splitlines()) for name in parts}
    assert sum(lines.values()) <= 700, lines


@pytest.mark.parametrize(
    "name", [n for n in WITHOUT_TORCH if n.split(".")[-1] in (*FILES, "resnet")]
)
def test_torch_stays_out(name):
    code = f"import sys, {name}; sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_public_names_are_handed_on():
    for name in resnet.__all__:
        assert getattr(resnet, name).__name__ == name
        assert name in dir(resnet)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = resnet.nothing
