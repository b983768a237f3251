"""The usual mistakes with a residual block: their names, and what each of them does.

`check` recognises a mistake by its effect: a learner's block that does the same as the reference
with one of these changes has that mistake. A new mistake is one entry here and its sentence in
`mistakes`.
"""

from functools import partial

import torch
from torch.nn import functional as F

from . import changes
from .changes import branch, first_half, forward, sums
from .mistakes import told

# Y is what the branch puts out, S the shortcut, X the input of the block.
BLOCK = told(
    (
        ("no ReLU after the addition", sums(lambda Y, S: Y + S)),
        ("ReLU before the addition", sums(lambda Y, S: F.relu(Y) + S)),
        ("ReLU before and after the addition", sums(lambda Y, S: F.relu(F.relu(Y) + S))),
        ("ReLU on the skip", sums(lambda Y, S: F.relu(Y + F.relu(S)))),
        ("ReLU on the skip alone", sums(lambda Y, S: Y + F.relu(S))),
        ("ReLU on branch and skip", sums(lambda Y, S: F.relu(Y) + F.relu(S))),
        (
            "ReLU before the first convolution",
            forward(lambda block, X: F.relu(block.residual(F.relu(X)) + block.shortcut(X))),
        ),
        ("no skip", forward(lambda block, X: F.relu(block.residual(X)))),
        (
            "no ReLU between the convolutions",
            branch(lambda block, X: block.bn2(block.conv2(block.bn1(block.conv1(X))))),
        ),
        ("batch norm after the addition", forward(changes.norm_after_addition)),
        (
            "batch norm after the ReLU",
            branch(lambda block, X: block.bn2(block.conv2(block.bn1(F.relu(block.conv1(X)))))),
        ),
        ("one batch norm for both convolutions", changes.share_norm),
        (
            "one batch norm used twice",
            branch(lambda block, X: block.bn1(block.conv2(first_half(block, X)))),
        ),
        (
            "batch norms swapped",
            branch(lambda block, X: block.bn1(block.conv2(F.relu(block.bn2(block.conv1(X)))))),
        ),
        ("no first batch norm", partial(changes.remove, names=("bn1",))),
        ("no second batch norm", partial(changes.remove, names=("bn2",))),
        ("no batch norm", partial(changes.remove, names=("bn1", "bn2"))),
        ("stride on both convolutions", partial(changes.strides, first=True, second=True)),
        ("stride on the second convolution", partial(changes.strides, first=False, second=True)),
        ("no stride in the branch", partial(changes.strides, first=False, second=False)),
        ("projection without the stride", changes.projection_stride),
        ("no projection", changes.no_projection),
        ("projection not used", forward(lambda block, X: F.relu(block.residual(X) + X))),
        ("projection everywhere", changes.projection_always),
        ("batch norm on the projection", changes.projection_norm),
        ("3x3 projection", changes.projection_kernel),
        ("3x3 projection", changes.projection_kernel_first),
        ("pre-activation", changes.pre_activation),
        (
            "pre-activation with a projection behind it",
            partial(changes.pre_activation, projects_activated=True),
        ),
        ("pre-activation with a last ReLU", partial(changes.pre_activation, last=F.relu)),
        ("padding forgotten", partial(changes.paddings, first=0, second=0)),
        (
            "padding of the first convolution forgotten",
            partial(changes.paddings, first=0, second=1),
        ),
        (
            "padding of the second convolution forgotten",
            partial(changes.paddings, first=1, second=0),
        ),
        ("no biases", partial(changes.no_biases, names=("conv1", "conv2", "conv3"))),
        ("no biases in the branch", partial(changes.no_biases, names=("conv1", "conv2"))),
        ("addition in place on the input", forward(changes.add_to_input)),
        ("input changed before the shortcut is taken", forward(changes.add_twice)),
        ("ReLU in place on the input", forward(changes.relu_in_place)),
        ("shortcut from behind the first convolution", forward(changes.shortcut_from_the_middle)),
        ("concatenation instead of addition", sums(lambda Y, S: F.relu(torch.cat([Y, S], 1)))),
        ("concatenation, shortcut first", sums(lambda Y, S: F.relu(torch.cat([S, Y], 1)))),
        ("product instead of sum", sums(lambda Y, S: F.relu(Y * S))),
        ("difference instead of sum", sums(lambda Y, S: F.relu(Y - S))),
        ("difference the other way round", sums(lambda Y, S: F.relu(S - Y))),
        ("1x1 kernels", partial(changes.kernel, size=1)),
        ("5x5 kernels", partial(changes.kernel, size=5)),
        ("layers not registered", changes.unregistered),
    )
)
