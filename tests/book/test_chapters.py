"""What a chapter defines and the package also holds is the same, as syntax trees."""

import ast
import copy
from pathlib import Path

import nbformat
import pytest
import torch
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

from resnet.models import Plain, residual_block
from resnet.training import batches, fit
from tests.support.tiny import image_set, network

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("[0-9]*.ipynb"))
EXPECTED = {"01": "Plain", "02": "Residual", "03": "resnet_block", "08": "post_norm"}

TAUGHT = [ROOT / "resnet", ROOT / "resnet" / "family", ROOT / "resnet" / "experiments"]

# Short names that a chapter gives to a step of its own, and the package to something else.
HOMONYMS = {("01", "ends"), ("01", "train"), ("03", "network")}


class Bare(ast.NodeTransformer):
    """Takes off what may differ: docstrings and annotations."""

    def visit(self, node):
        node = self.generic_visit(node)
        if hasattr(node, "returns"):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node


def bare(node: ast.AST) -> str:
    return ast.unparse(Bare().visit(node))


def definitions(source: str) -> dict[str, list[str]]:
    """Every top-level class and function of a source, stripped, by name."""
    found: dict[str, list[str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.setdefault(node.name, []).append(bare(node))
    return found


def package() -> dict[str, list[str]]:
    """What each name of the package means, in whichever of its files."""
    found: dict[str, list[str]] = {}
    for path in [each for folder in TAUGHT for each in sorted(folder.glob("*.py"))]:
        source = path.read_text(encoding="utf-8")
        for key, texts in definitions(source).items():
            found.setdefault(key, []).extend(texts)
    return found


def shared(chapter: Path) -> list[tuple[str, str]]:
    """Definitions of a chapter, name and text, whose name the package holds, too."""
    pairs, held = [], package()
    for cell in nbformat.read(chapter, as_version=4).cells:
        if cell.cell_type == "code":
            for name, texts in definitions(cell.source).items():
                pairs += [(name, text) for text in texts if name in held]
    return pairs


@pytest.mark.parametrize("number", EXPECTED)
def test_what_a_chapter_defines_is_what_the_package_holds(number):
    (chapter,) = [path for path in CHAPTERS if path.name.startswith(number)]
    pairs = shared(chapter)
    assert EXPECTED[number] in [name for name, _ in pairs]
    held = package()
    for name, text in [pair for pair in pairs if (number, pair[0]) not in HOMONYMS]:
        assert text in held[name], f"{chapter.name} and the package differ in {name}"


def test_only_docstrings_annotations_and_layout_may_differ():
    one = 'def f(x: int, y: str = "a") -> int:\n    """What."""\n    return (x +\n            1)'
    assert definitions(one) == definitions("def f(x, y='a'):\n    # why\n    return x + 1")
    for other in ("def f(x, y='a'): return x + 2", "def f(x, y='b'): return x + 1",
                  "def f(x, z='a'): return x + 1", "def g(x, y='a'): return x + 1"):  # fmt: skip
        assert definitions(one) != definitions(other)
    (block,) = package()["Residual"]
    assert block != block.replace("self.residual(X) + self.shortcut(X)", "self.residual(X)")
    assert definitions(block) == {"Residual": [block]}


def loop_of_chapter_1() -> str:
    cells = nbformat.read(CHAPTERS[0], as_version=4).cells
    (source,) = (cell.source for cell in cells if cell.source.startswith("def train("))
    return source


def gap(source: str, block) -> float:
    """The largest difference between weights that a loop and `fit` leave, after ten steps."""
    names = {"torch": torch, "F": F, "OneCycleLR": OneCycleLR, "batches": batches, "seed": 3}
    exec(source, names)
    images, by_hand = image_set(80), network(block)
    by_fit = copy.deepcopy(by_hand)
    names["train"](by_hand, images, epochs=2, learning_rate=0.05, batch_size=16)
    options = {"device": "cpu", "precision": "float32", "progress": False}
    fit(by_fit, images, epochs=2, learning_rate=0.05, batch_size=16, seed=3, **options)
    pairs = zip(by_hand.parameters(), by_fit.parameters(), strict=True)
    return max((one - other).abs().max().item() for one, other in pairs)


@pytest.mark.slow
@pytest.mark.parametrize("block", [Plain, residual_block])
def test_the_loop_that_chapter_1_shows_is_the_one_of_fit(block):
    source = loop_of_chapter_1()
    assert len(source.splitlines()) <= 14
    assert gap(source, block) < 1e-4
    for old, new in (
        ("nesterov=True", "nesterov=False"),
        ("weight_decay=1e-4", "weight_decay=1e-1"),
        ("            schedule.step()", ""),
        ("            optimizer.zero_grad()\n", ""),
        ("seed, epoch):", "seed, 0):"),
    ):
        assert gap(source.replace(old, new), block) > 1e-3, old
