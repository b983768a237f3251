"""What a mistake is, and the sentences that a learner reads of the usual ones, by their names."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import nn

Change = Callable[[nn.Module], None]


@dataclass(frozen=True)
class Mistake:
    """A name, the sentence that a learner reads, and the change that makes a reference wrong."""

    name: str
    sentence: str
    change: Change


def told(changes: Iterable[tuple[str, Change]]) -> tuple[Mistake, ...]:
    """The mistakes of these names and changes with their sentences, in the same order."""
    return tuple(Mistake(name, SENTENCES[name], change) for name, change in changes)


SENTENCES: dict[str, str] = {
    # Of a block's layers and of their order.
    "no ReLU after the addition": "The ReLU after the addition is missing: the block returns F(X) "
    "+ X, and the sum goes through a ReLU.",
    "ReLU before the addition": "The last ReLU stands before the addition: it belongs behind it, "
    "or the branch could only add and never take away.",
    "ReLU before and after the addition": "There is a ReLU too many: the branch ends with batch "
    "norm, and only the sum goes through a ReLU.",
    "ReLU on the skip": "There is a ReLU on the skip: it must carry the input as it is, and only "
    "the sum goes through a ReLU.",
    "ReLU on the skip alone": "The ReLU after the addition is missing; there is one on the skip, "
    "which must carry the input as it is.",
    "ReLU on branch and skip": "The ReLU after the addition is missing; there is one on each "
    "summand, and so neither can take anything away.",
    "ReLU before the first convolution": "The branch begins with a ReLU: it belongs behind the "
    "batch norm.",
    "no skip": "Nothing is added: this is the plain block, without its skip.",
    "no ReLU between the convolutions": "The ReLU between the two convolutions is missing: without "
    "it the branch is a linear map in eval mode.",
    "batch norm after the addition": "The second batch norm stands behind the addition: it belongs "
    "before it, or the skip is scaled too.",
    "batch norm after the ReLU": "The first batch norm stands behind the ReLU: the order is "
    "convolution, batch norm, ReLU.",
    "one batch norm for both convolutions": "One batch norm serves both convolutions: each needs "
    "its own scale, shift and running statistics.",
    "one batch norm used twice": "The first batch norm is used twice and the second never: each "
    "convolution needs its own.",
    "batch norms swapped": "The batch norms are swapped: bn1 belongs behind conv1 and bn2 behind "
    "conv2.",
    "no first batch norm": "The batch norm behind the first convolution is missing.",
    "no second batch norm": "The batch norm behind the second convolution is missing.",
    "no batch norm": "Both batch norms are missing.",
    "stride on both convolutions": "Both 3x3 convolutions have the stride: only the first may, or "
    "the branch shrinks the map twice and the shortcut once.",
    "stride on the second convolution": "The stride stands on the second convolution: it belongs "
    "on the first.",
    "no stride in the branch": "No 3x3 convolution has the stride: the first must have it, as the "
    "projection does.",
    "projection without the stride": "The 1x1 convolution of the shortcut lacks the stride: it "
    "must shrink the map as the branch does.",
    "no projection": "The shortcut has no 1x1 convolution: with use_1x1conv=True it needs one, to "
    "bring the input to the shape of the branch.",
    "projection not used": "The 1x1 convolution is built but not used: the shortcut adds the input "
    "as it is.",
    "projection everywhere": "The shortcut has a 1x1 convolution also without use_1x1conv: there "
    "it must be the input itself.",
    "batch norm on the projection": "The projection has a batch norm: so has the paper's block, "
    "but the document's has a bare 1x1 convolution.",
    "3x3 projection": "The projection is 3x3: it must be a 1x1 convolution, which mixes channels "
    "and no pixels.",
    **dict.fromkeys(
        (
            "pre-activation",
            "pre-activation with a projection behind it",
            "pre-activation with a last ReLU",
        ),
        "Batch norm and ReLU come before each convolution: that is pre-activation (He et al. "
        "2016). The document's block has them behind the convolution, and a ReLU after the "
        "addition.",
    ),
    "padding forgotten": "The 3x3 convolutions lack their padding of 1: each takes a pixel off "
    "every side, and the sum no longer fits.",
    "padding of the first convolution forgotten": "The first 3x3 convolution lacks its padding of "
    "1.",
    "padding of the second convolution forgotten": "The second 3x3 convolution lacks its padding "
    "of 1.",
    "no biases": "The convolutions have no biases: batch norm takes a bias away, so nothing is "
    "lost, but the document's block has them and the weights of one must fit the other.",
    "no biases in the branch": "The 3x3 convolutions have no biases: batch norm takes a bias away, "
    "so nothing is lost, but the document's block has them and the weights of one must fit the "
    "other.",
    "addition in place on the input": "The addition changes the input itself (X += ...): whoever "
    "else holds it, another skip for one, gets the sum. Write Y + X into a new tensor.",
    "input changed before the shortcut is taken": "The input is changed in place (X += ...) before "
    "the shortcut reads it, so the branch is added twice.",
    "ReLU in place on the input": "A ReLU in place changes the input before the shortcut reads it: "
    "the skip loses every negative value.",
    "shortcut from behind the first convolution": "The shortcut starts behind the first "
    "convolution: it must carry the block's input.",
    "concatenation instead of addition": "The branch and the shortcut are concatenated: a residual "
    "block adds them (DenseNet concatenates).",
    "concatenation, shortcut first": "The shortcut and the branch are concatenated: a residual "
    "block adds them (DenseNet concatenates).",
    "product instead of sum": "The branch and the shortcut are multiplied: a residual block adds "
    "them.",
    "difference instead of sum": "The shortcut is subtracted: a residual block adds it.",
    "difference the other way round": "The branch is subtracted from the shortcut: a residual "
    "block adds them.",
    "1x1 kernels": "The branch has 1x1 convolutions: they must be 3x3.",
    "5x5 kernels": "The branch has 5x5 convolutions: they must be 3x3.",
    "layers not registered": "The block has no parameters that an optimiser would find: make the "
    "layers attributes of the module, or keep them in nn.Sequential or nn.ModuleList, not in a "
    "Python list.",
    # Of a block's gradients, statistics and factors.
    "shortcut without gradient": "The shortcut passes no gradient on (detach, .data or no_grad): "
    "the outputs are right, and what the skip is for is lost.",
    "input of the shortcut without gradient": "The shortcut passes no gradient on to the input "
    "(detach, .data or no_grad): what the skip is for is lost.",
    "branch without gradient": "The branch passes no gradient on (detach, .data or no_grad): none "
    "of its layers learns.",
    "input of the branch without gradient": "The branch passes no gradient on to the input "
    "(detach, .data or no_grad): earlier blocks get theirs through the skip alone.",
    "no gradient through the first convolution": "The gradient ends at the first batch norm "
    "(detach, .data or no_grad): the first convolution does not learn.",
    "no gradient through the first half of the branch": "The gradient ends before the second "
    "convolution (detach, .data or no_grad): the first convolution and its batch norm do not "
    "learn.",
    "no gradient through the second convolution": "The gradient ends at the second batch norm "
    "(detach, .data or no_grad): no convolution of the branch learns.",
    "no gradient at all": "The block passes no gradient on (detach, .data or no_grad): neither it "
    "nor what comes before it learns.",
    "batch norm always in train mode": "Batch norm takes the statistics of the batch in eval mode "
    "too: the answer for an image then depends on its neighbours in the batch.",
    "batch norm always in eval mode": "Batch norm takes its running statistics in train mode too, "
    "and so never learns them: does the block call eval() on itself?",
    "batch norm without running statistics": "Batch norm keeps no running statistics "
    "(track_running_stats=False), so eval mode has nothing to use.",
    "average instead of sum": "Branch and shortcut are averaged: a residual block adds them.",
    # Of a whole network.
    "no max pooling in the stem": "The stem lacks its max pooling: all later maps are four times "
    "as large as they should be.",
    "stem without stride": "The first convolution lacks its stride of 2.",
    "3x3 stem": "The first convolution is 3x3: the stem of this network is 7x7 (3x3 is the stem "
    "for small images).",
    "stem without batch norm": "The stem lacks its batch norm.",
    "stem without ReLU": "The stem lacks its ReLU.",
    "first stage halves": "The first stage halves the map: the stem has shrunk it already, so "
    "first_block=True.",
    "no stage halves": "No stage halves its map: the first block of every later stage has "
    "strides=2.",
    "last stage does not halve": "The last stage does not halve its map: its first block has "
    "strides=2.",
    "a block too few in each stage": "Each stage has a block too few.",
    "a block too many in each stage": "Each stage has a block too many.",
    "widths not doubled": "All stages have the width of the first: each later one has twice the "
    "channels of the one before.",
    "one block object used again": "A stage holds the same block object more than once ([block] * "
    "n), so the layers share their weights: make a new block each time.",
    "softmax at the end": "The network ends with a softmax: cross-entropy takes the scores "
    "themselves and would apply a second one.",
    "log-softmax at the end": "The network ends with a log-softmax: cross-entropy takes the scores "
    "themselves.",
    "ReLU at the end": "The network ends with a ReLU: scores may be negative.",
    "max pooling in the head": "The head takes the maximum of each map: it should take the mean.",
    "no pooling in the head": "The head lacks its global average pooling, so the linear layer gets "
    "a number for every pixel.",
    "no flattening in the head": "The head does not flatten: behind the pooling the shape is (N, "
    "C, 1, 1), and the linear layer takes (N, C).",
    "1000 classes": "The last layer has 1000 classes, ImageNet's number.",
    "three input channels": "The first convolution takes three channels: these images have one.",
    "no biases anywhere": "The convolutions have no biases: batch norm takes them away, but the "
    "weights of this network and the document's must fit each other.",
}
