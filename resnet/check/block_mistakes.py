"""The usual mistakes with a residual block: a name, the sentence for a learner, and what they do.

`check` recognises a mistake by its effect: a learner's block that does the same as the reference
with one of these changes has that mistake. A new mistake is one entry more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from . import changes


@dataclass(frozen=True)
class Mistake:
    """A name, the sentence that a learner reads, and the change that makes a reference wrong."""

    name: str
    sentence: str
    change: Callable[[nn.Module], None]


PRE_ACTIVATED = (
    "Batch norm and ReLU come before each convolution: that is pre-activation (He et al. 2016). "
    "The document's block has them behind the convolution, and a ReLU after the addition."
)

BLOCK = (
    Mistake(
        "no ReLU after the addition",
        "The ReLU after the addition is missing: the block returns F(X) + X, and the sum goes "
        "through a ReLU.",
        changes.forward(lambda block, X: block.residual(X) + block.shortcut(X)),
    ),
    Mistake(
        "ReLU before the addition",
        "The last ReLU stands before the addition: it belongs behind it, or the branch could only "
        "add and never take away.",
        changes.forward(lambda block, X: F.relu(block.residual(X)) + block.shortcut(X)),
    ),
    Mistake(
        "ReLU before and after the addition",
        "There is a ReLU too many: the branch ends with batch norm, and only the sum goes through "
        "a ReLU.",
        changes.forward(lambda block, X: F.relu(F.relu(block.residual(X)) + block.shortcut(X))),
    ),
    Mistake(
        "ReLU on the skip",
        "There is a ReLU on the skip: it must carry the input as it is, and only the sum goes "
        "through a ReLU.",
        changes.forward(lambda block, X: F.relu(block.residual(X) + F.relu(block.shortcut(X)))),
    ),
    Mistake(
        "ReLU on the skip alone",
        "The ReLU after the addition is missing; there is one on the skip, which must carry the "
        "input as it is.",
        changes.forward(lambda block, X: block.residual(X) + F.relu(block.shortcut(X))),
    ),
    Mistake(
        "ReLU on branch and skip",
        "The ReLU after the addition is missing; there is one on each summand, and so neither can "
        "take anything away.",
        changes.forward(lambda block, X: F.relu(block.residual(X)) + F.relu(block.shortcut(X))),
    ),
    Mistake(
        "ReLU before the first convolution",
        "The branch begins with a ReLU: it belongs behind the batch norm.",
        changes.forward(lambda block, X: F.relu(block.residual(F.relu(X)) + block.shortcut(X))),
    ),
    Mistake(
        "no skip",
        "Nothing is added: this is the plain block, without its skip.",
        changes.forward(lambda block, X: F.relu(block.residual(X))),
    ),
    Mistake(
        "no ReLU between the convolutions",
        "The ReLU between the two convolutions is missing: without it the branch is a linear map "
        "in eval mode.",
        changes.branch(lambda block, X: block.bn2(block.conv2(block.bn1(block.conv1(X))))),
    ),
    Mistake(
        "batch norm after the addition",
        "The second batch norm stands behind the addition: it belongs before it, or the skip is "
        "scaled too.",
        changes.forward(
            lambda block, X: F.relu(
                block.bn2(block.conv2(changes.first_half(block, X)) + block.shortcut(X))
            )
        ),
    ),
    Mistake(
        "batch norm after the ReLU",
        "The first batch norm stands behind the ReLU: the order is convolution, batch norm, ReLU.",
        changes.branch(lambda block, X: block.bn2(block.conv2(block.bn1(F.relu(block.conv1(X)))))),
    ),
    Mistake(
        "one batch norm for both convolutions",
        "One batch norm serves both convolutions: each needs its own scale, shift and running "
        "statistics.",
        changes.share_norm,
    ),
    Mistake(
        "one batch norm used twice",
        "The first batch norm is used twice and the second never: each convolution needs its own.",
        changes.branch(lambda block, X: block.bn1(block.conv2(changes.first_half(block, X)))),
    ),
    Mistake(
        "batch norms swapped",
        "The batch norms are swapped: bn1 belongs behind conv1 and bn2 behind conv2.",
        changes.branch(lambda block, X: block.bn1(block.conv2(F.relu(block.bn2(block.conv1(X)))))),
    ),
    Mistake(
        "no first batch norm",
        "The batch norm behind the first convolution is missing.",
        changes.remove("bn1"),
    ),
    Mistake(
        "no second batch norm",
        "The batch norm behind the second convolution is missing.",
        changes.remove("bn2"),
    ),
    Mistake("no batch norm", "Both batch norms are missing.", changes.remove("bn1", "bn2")),
    Mistake(
        "stride on both convolutions",
        "Both 3x3 convolutions have the stride: only the first may, or the branch shrinks the map "
        "twice and the shortcut once.",
        changes.strides(1, 1),
    ),
    Mistake(
        "stride on the second convolution",
        "The stride stands on the second convolution: it belongs on the first.",
        changes.strides(0, 1),
    ),
    Mistake(
        "no stride in the branch",
        "No 3x3 convolution has the stride: the first must have it, as the projection does.",
        changes.strides(0, 0),
    ),
    Mistake(
        "projection without the stride",
        "The 1x1 convolution of the shortcut lacks the stride: it must shrink the map as the "
        "branch does.",
        changes.projection_stride,
    ),
    Mistake(
        "no projection",
        "The shortcut has no 1x1 convolution: with use_1x1conv=True it needs one, to bring the "
        "input to the shape of the branch.",
        changes.no_projection,
    ),
    Mistake(
        "projection not used",
        "The 1x1 convolution is built but not used: the shortcut adds the input as it is.",
        changes.forward(lambda block, X: F.relu(block.residual(X) + X)),
    ),
    Mistake(
        "projection everywhere",
        "The shortcut has a 1x1 convolution also without use_1x1conv: there it must be the input "
        "itself.",
        changes.projection_always,
    ),
    Mistake(
        "batch norm on the projection",
        "The projection has a batch norm: so has the paper's block, but the document's has a bare "
        "1x1 convolution.",
        changes.projection_norm,
    ),
    Mistake(
        "3x3 projection",
        "The projection is 3x3: it must be a 1x1 convolution, which mixes channels and no pixels.",
        changes.projection_kernel(before=False),
    ),
    Mistake(
        "3x3 projection",
        "The projection is 3x3: it must be a 1x1 convolution, which mixes channels and no pixels.",
        changes.projection_kernel(before=True),
    ),
    Mistake("pre-activation", PRE_ACTIVATED, changes.pre_activation(nn.Identity())),
    Mistake(
        "pre-activation with a projection behind it",
        PRE_ACTIVATED,
        changes.pre_activation(nn.Identity(), projects_activated=True),
    ),
    Mistake(
        "pre-activation with a last ReLU",
        PRE_ACTIVATED,
        changes.pre_activation(F.relu),
    ),
    Mistake(
        "padding forgotten",
        "The 3x3 convolutions lack their padding of 1: each takes a pixel off every side, and the "
        "sum no longer fits.",
        changes.paddings(0, 0),
    ),
    Mistake(
        "padding of the first convolution forgotten",
        "The first 3x3 convolution lacks its padding of 1.",
        changes.paddings(0, 1),
    ),
    Mistake(
        "padding of the second convolution forgotten",
        "The second 3x3 convolution lacks its padding of 1.",
        changes.paddings(1, 0),
    ),
    Mistake(
        "no biases",
        "The convolutions have no biases: batch norm takes a bias away, so nothing is lost, but "
        "the document's block has them and the weights of one must fit the other.",
        changes.no_biases("conv1", "conv2", "conv3"),
    ),
    Mistake(
        "no biases in the branch",
        "The 3x3 convolutions have no biases: batch norm takes a bias away, so nothing is lost, "
        "but the document's block has them and the weights of one must fit the other.",
        changes.no_biases("conv1", "conv2"),
    ),
    Mistake(
        "addition in place on the input",
        "The addition changes the input itself (X += ...): whoever else holds it, another skip for "
        "one, gets the sum. Write Y + X into a new tensor.",
        changes.forward(changes.add_to_input),
    ),
    Mistake(
        "input changed before the shortcut is taken",
        "The input is changed in place (X += ...) before the shortcut reads it, so the branch is "
        "added twice.",
        changes.forward(changes.add_twice),
    ),
    Mistake(
        "ReLU in place on the input",
        "A ReLU in place changes the input before the shortcut reads it: the skip loses every "
        "negative value.",
        changes.forward(changes.relu_in_place),
    ),
    Mistake(
        "shortcut from behind the first convolution",
        "The shortcut starts behind the first convolution: it must carry the block's input.",
        changes.forward(
            lambda block, X: F.relu(
                block.bn2(block.conv2(changes.first_half(block, X))) + changes.first_half(block, X)
            )
        ),
    ),
    Mistake(
        "concatenation instead of addition",
        "The branch and the shortcut are concatenated: a residual block adds them (DenseNet "
        "concatenates).",
        changes.forward(
            lambda block, X: F.relu(torch.cat([block.residual(X), block.shortcut(X)], 1))
        ),
    ),
    Mistake(
        "concatenation, shortcut first",
        "The shortcut and the branch are concatenated: a residual block adds them (DenseNet "
        "concatenates).",
        changes.forward(
            lambda block, X: F.relu(torch.cat([block.shortcut(X), block.residual(X)], 1))
        ),
    ),
    Mistake(
        "product instead of sum",
        "The branch and the shortcut are multiplied: a residual block adds them.",
        changes.forward(lambda block, X: F.relu(block.residual(X) * block.shortcut(X))),
    ),
    Mistake(
        "difference instead of sum",
        "The shortcut is subtracted: a residual block adds it.",
        changes.forward(lambda block, X: F.relu(block.residual(X) - block.shortcut(X))),
    ),
    Mistake(
        "difference the other way round",
        "The branch is subtracted from the shortcut: a residual block adds them.",
        changes.forward(lambda block, X: F.relu(block.shortcut(X) - block.residual(X))),
    ),
    Mistake("1x1 kernels", "The branch has 1x1 convolutions: they must be 3x3.", changes.kernel(1)),
    Mistake("5x5 kernels", "The branch has 5x5 convolutions: they must be 3x3.", changes.kernel(5)),
    Mistake(
        "layers not registered",
        "The block has no parameters that an optimiser would find: make the layers attributes of "
        "the module, or keep them in nn.Sequential or nn.ModuleList, not in a Python list.",
        changes.unregistered,
    ),
)
