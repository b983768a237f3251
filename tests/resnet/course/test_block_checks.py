"""What the checks of assignment 1 say to a student whose block is not right."""

import re
from copy import deepcopy
from dataclasses import replace

import pytest
from torch import nn

from resnet.course.block import specification
from resnet.course.block_checks import check_changes, check_identity, check_layers, check_stays
from tests.support.solved_block import SOURCE, executed, solved


@pytest.mark.parametrize(
    "mistake, check, sentence",
    [
        ("no groups", "layers", "convolution 2: groups 1, the sheet says 4"),
        ("biases the wrong way round", "layers", "bias False, the sheet says True"),
        ("wrong width", "layers", "convolution 1: output channels 16, the sheet says 8"),
        ("padding forgotten", "stays", "Kernel size can't be greater"),
        ("last batch norm not used", "layers", "has 6 convolutions and batch norms and runs 5"),
        ("stride on another convolution", "layers", "convolution 1: stride"),
        (
            "batch norm of the shortcut",
            "layers",
            "run convolution; the sheet says convolution, batch norm",
        ),
        ("projection everywhere", "layers", "runs 4 convolutions in its branch"),
        ("addition in place", "stays", "changes its input in place"),
        ("nothing added", "stays", "an input between 0 and 1 should come back"),
        ("factor on the sum", "stays", "in train mode it is changed by up to 0."),
        ("shortcut not shrunk", "changes", "must match the size"),
    ],
)
def test_the_checks_say_what_is_wrong(mistake, check, sentence):
    task = SOURCE.task("task-1-2")
    found = next(each for each in SOURCE.mistakes if each.name == mistake and each.task == task.id)
    block = executed("id9", [task.solution.replace(found.old, found.new)])["Block"]
    with pytest.raises((AssertionError, RuntimeError), match=re.escape(sentence)):
        if check == "layers":
            check_layers(block, specification("id9"))
        else:
            {"stays": check_stays, "changes": check_changes}[check](block)


def test_the_order_of_the_layers_is_looked_at():
    space = solved("id9", "task-1-2")
    turned = replace(specification("id9"), order=("convolution", "activation", "batch norm"))
    with pytest.raises(AssertionError, match="run in the order batch norm, convolution, batch"):
        check_layers(space["Block"], turned)


def test_a_block_without_a_return_is_told_so():
    class Silent(nn.Conv2d):
        def __init__(self, channels, number, strides=1):
            super().__init__(channels, number, 1)

        def forward(self, X):
            super().forward(X)

    with pytest.raises(AssertionError, match="forward returns a NoneType, no tensor"):
        check_stays(Silent)


def test_layers_that_are_not_attributes_are_not_found():
    right = solved("id9", "task-1-2")["Block"]

    class Hidden(nn.Module):
        def __init__(self, *call):
            super().__init__()
            self.layers = [right(*call)]

        def forward(self, X):
            return self.layers[0](X)

    with pytest.raises(AssertionError, match="runs no layers of torch.nn"):
        check_layers(Hidden, specification("id9"))


def test_a_preparation_has_to_work_in_both_modes_and_on_the_block_itself():
    def last_layer_of_another_kind(block):  # which only train mode takes for a zero
        nn.init.zeros_(block.convolutions[-1].weight)
        nn.init.zeros_(block.norms[-1].bias)
        return block

    space = solved("id8", "task-1-2", "task-1-3")
    with pytest.raises(AssertionError, match="in eval mode ten prepared blocks change an input"):
        check_identity(last_layer_of_another_kind, space["Block"])
    with pytest.raises(AssertionError, match="change the block itself and return it"):
        check_identity(lambda block: space["prepare"](deepcopy(block)), space["Block"])
