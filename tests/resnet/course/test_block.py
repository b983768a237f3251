"""Assignment 1: many sheets, checks that find what they say, mistakes that show."""

from dataclasses import replace

import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from assignments import source
from assignments.grading import values
from assignments.grading.reference import Reference
from resnet.course import block
from resnet.course.block import (
    ACTIVATIONS,
    BRANCHES,
    CHANGES,
    ORDERS,
    STAYS,
    behaviour,
    fill,
    specification,
    tensors,
)
from tests.support.solved_block import SOURCE, executed

IDS = ["id0", *(pytest.param(f"id{k}", marks=pytest.mark.slow) for k in range(1, 6))]
NOTEBOOK = nbformat.read(source.FOLDER / "block.ipynb", 4)


# The sheets


def test_there_are_millions_of_sheets_and_the_notebook_says_how_many():
    assert (len(set(BRANCHES)), len(set(ORDERS)), len(set(ACTIVATIONS))) == (89, 13, 27)
    rest = (block.WIDTHS, block.GROUPS, block.FACTORS, block.POOLINGS, block.NORMS)
    assert tuple(map(len, rest)) == (2, 2, 10, 3, 2)
    many = f"{89 * 13 * 27 * 2 * 2 * 10 * 3 * 2:,} different"
    assert any(many in cell.source for cell in NOTEBOOK.cells)


def test_a_sheet_follows_from_the_id_and_few_are_met_twice():
    assert specification(" AB123 ") == replace(specification("ab123"), student="AB123")
    with pytest.raises(ValueError, match="no student id"):
        specification(" ")
    sheets = [replace(specification(f"student {number}"), student="") for number in range(1000)]
    assert len(set(sheets)) >= 999


def test_no_sheet_is_a_block_of_the_book():
    for number in range(300):
        sheet = specification(str(number))
        assert sheet.kernels not in {(3, 3), (1, 3, 1)}
        assert sheet.inner != sheet.last and sheet.factor != 1 and sheet.groups > 1
        assert len(str(sheet).splitlines()) == 15
        assert max(map(len, str(sheet).splitlines())) <= 100


# The source notebook


@pytest.mark.parametrize("student", IDS)
def test_the_notebook_runs_with_its_solutions(student, capsys):
    """All code cells in order, visible checks and hidden observations included."""
    texts = [
        cell.source
        for cell in NOTEBOOK.cells
        if cell.cell_type == "code"
        and "not-graded" not in cell.metadata.get("tags", [])
        and cell.id != "setup"
    ]
    space = executed(student, texts)
    assert list(space["DIAGNOSES"]) == [1, 2, 3, 4, 5]
    assert f"Specification for {student}" in capsys.readouterr().out


def test_the_curves_can_be_drawn(monkeypatch):
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()))
    executed("id0", [cell.source for cell in NOTEBOOK.cells if cell.id == "curves"])
    assert [len(axis.lines) for axis in shown[0].axes] == [5, 5, 5]
    plt.close("all")


# Blocks written by hand from two sheets, in other styles than the solution's


class InPieces(nn.Module):
    """The sheet of id9: a Sequential, other names, the shortcut computed first."""

    def __init__(self, before, after, s=1):
        super().__init__()
        inside = after // 2
        if (before, s) != (after, 1):
            self.side = nn.Sequential(
                nn.MaxPool2d(s), nn.Conv2d(before, after, 1), nn.BatchNorm2d(after)
            )
        self.rest = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Conv2d(before, inside, 3, s, 1),
            nn.LeakyReLU(0.1, inplace=True),
            nn.BatchNorm2d(inside),
            nn.Conv2d(inside, inside, 5, padding="same", groups=4),
            nn.LeakyReLU(0.1),
            nn.BatchNorm2d(inside),
            nn.Conv2d(inside, after, 5, padding=2),
        )

    def forward(self, images):
        first = F.leaky_relu(images, 0.1)
        skip = self.side(first) if hasattr(self, "side") else images
        return F.elu(torch.add(skip, self.rest(first), alpha=0.6))


class Functional(nn.Module):
    """The sheet of id2: functions wherever there are no parameters, layers written in any order."""

    def __init__(self, c, d, strides=1):
        super().__init__()
        self.side = None
        if strides > 1 or c != d:
            self.side = nn.ModuleList([nn.BatchNorm2d(d), nn.Conv2d(c, d, 1)])
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(2 * d, d, 5, strides, 2, groups=2), nn.Conv2d(c, 2 * d, 3, padding=1)]
        )
        self.norms = nn.ModuleDict({"b": nn.BatchNorm2d(2 * d), "a": nn.BatchNorm2d(c)})
        self.strides = strides
        self.factor = nn.Buffer(torch.tensor(0.25)) if hasattr(nn, "Buffer") else 0.25

    def forward(self, x):
        y = self.convolutions[1](F.elu(self.norms["a"](x)))
        y = self.convolutions[0](F.elu(self.norms["b"](y)))
        if self.side is not None:
            x = self.side[0](self.side[1](F.avg_pool2d(x, self.strides)))
        return (x + y * self.factor).clamp(-1, 1)


def last_layer_to_zero(block):
    layer = block.rest[-1] if isinstance(block, InPieces) else block.convolutions[0]
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return block


def last_norm_to_zero(block):
    """As good for the sheet of id9, whose activation has a slope at zero and so lets it learn."""
    for tensor in (block.rest[-2].weight, block.rest[-2].bias, block.rest[-1].bias):
        nn.init.zeros_(tensor)
    return block


@pytest.mark.parametrize(
    "student, block, prepare, apply",
    [
        pytest.param("id9", InPieces, last_layer_to_zero, F.elu, marks=pytest.mark.slow),
        pytest.param("id9", InPieces, last_norm_to_zero, F.elu, marks=pytest.mark.slow),
        ("id2", Functional, last_layer_to_zero, F.hardtanh),
    ],
)
def test_another_style_gets_full_marks(student, block, prepare, apply):
    reference = Reference(SOURCE, student, key="any")
    space = executed(student, [])
    space |= {"Block": block, "prepare": prepare, "comes_back": lambda x: apply(x) == x}
    for check in SOURCE.checks:
        if check.task in ("task-1-2", "task-1-3"):
            exec(check.visible, space)
            text = f"{check.observe}\nseen = observe({reference.seed(check)})"
            exec(text, space)
            seen = values.decode(values.encode(space["seen"]))
            assert reference.compared(check, seen).same(reference.right(check)), check.id


def test_behaviour_is_that_of_the_weights_and_not_of_their_names():
    one, other = (behaviour(InPieces(*CHANGES), CHANGES[0], seed) for seed in (1, 1))
    assert all(torch.equal(one[name], other[name]) for name in one)
    third = behaviour(InPieces(*CHANGES), CHANGES[0], 2)
    assert not one.pop("input changed by").any() and not third["input changed by"].any()
    assert not any(torch.equal(one[name], third[name]) for name in one)
    assert all(bool(each.all()) for each in fill(InPieces(*STAYS), 3).parameters())
    assert "2 weight (16, 6, 1, 1)" not in tensors(InPieces(*CHANGES))
    assert "1 weight (16, 6, 1, 1)" in tensors(InPieces(*CHANGES))
