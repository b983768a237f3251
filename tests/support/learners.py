"""Blocks as learners write them, right and wrong, and the words that `check` must find for each.

Every block has layers of its own names, made by `layers`, so that nothing is known by name.
"""

import math
import sys

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Layers that a test's `forward` puts together: `F(X)` is the branch, `S(X)` the shortcut."""

    def __init__(self, c_in, c_out, use_1x1conv=False, strides=1, norm=None, side=1):
        super().__init__()
        self.a = nn.Conv2d(c_in, c_out, 3, strides, 1)
        self.b = nn.Conv2d(c_out, c_out, 3, padding=1)
        self.c = nn.Conv2d(c_in, c_out, side, strides, side // 2) if use_1x1conv else None
        self.na, self.nb = (nn.BatchNorm2d(c_out, **(norm or {})) for _ in range(2))

    def middle(self, X):
        return F.relu(self.na(self.a(X)))

    def F(self, X):
        return self.nb(self.b(self.middle(X)))

    def S(self, X):
        return X if self.c is None else self.c(X)

    def forward(self, X):
        return F.relu(self.F(X) + self.S(X))


def written(forward, base=Block, **settings):
    """A block with another `forward`, or with other layers."""

    class MyBlock(base):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named, **settings)

    if forward is not None:
        MyBlock.forward = forward
    return MyBlock


def changed(change):
    """A block to which something is done at the end of its constructor."""

    class MyBlock(Block):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            change(self)

    return MyBlock


class PreActivated(Block):
    def __init__(self, c_in, c_out, **named):
        super().__init__(c_in, c_out, **named)
        self.na = nn.BatchNorm2d(c_in)

    def forward(self, X):
        return self.b(F.relu(self.nb(self.a(F.relu(self.na(X)))))) + self.S(X)


class PreActivatedAsPublished(PreActivated):
    def forward(self, X):
        Y = F.relu(self.na(X))
        return self.b(F.relu(self.nb(self.a(Y)))) + (X if self.c is None else self.c(Y))


def freeze(*names):
    def change(block):
        for name in names:
            for parameter in getattr(block, name).parameters():
                parameter.requires_grad = False

    return change


def freeze_all(block):
    block.requires_grad_(False)


def without_gradient(block, X):
    with torch.no_grad():
        return F.relu(block.F(X) + block.S(X))


def half_without_gradient(block, X):
    with torch.no_grad():
        Y = block.middle(X)
    return F.relu(block.nb(block.b(Y)) + block.S(X))


def detached_weight(block, X):
    Y = F.conv2d(block.middle(X), block.b.weight.detach(), block.b.bias.detach(), padding=1)
    return F.relu(block.nb(Y) + block.S(X))


def bfloat16_inside(block, X):
    with torch.autocast("cpu", torch.bfloat16):
        return F.relu(block.F(X) + block.S(X))


def half_precision_images(block, X):
    return F.relu(block.F(X.half()) + block.S(X))


def added_in_place(block, X):
    Y = block.F(X)
    X = block.S(X)
    X += Y
    return F.relu(X)


def added_in_place_with_add_(block, X):
    Y = block.F(X)
    return F.relu_(block.S(X).add_(Y))


def too_late(block, X):
    Y = block.F(X)
    X += 1
    return F.relu(Y + block.S(X))


def leaves(block, X):
    sys.exit(3)


def interrupts(block, X):
    raise KeyboardInterrupt


def returns_nothing(block, X):
    F.relu(block.F(X) + block.S(X))


def last_relu_where_projected(block, X):
    Y = block.F(X) + block.S(X)
    return Y if block.c is None else F.relu(Y)


class Leaving(Block):
    def __init__(self, *arguments, **named):
        raise SystemExit


class WithoutSuper(nn.Module):
    def __init__(self, c_in, c_out, use_1x1conv=False, strides=1):
        self.a = nn.Conv2d(c_in, c_out, 3, strides, 1)


class WithoutForward(nn.Module):
    def __init__(self, c_in, c_out, use_1x1conv=False, strides=1):
        super().__init__()

    def foward(self, X):
        return X


class OtherArguments(nn.Module):
    def __init__(self, channels):
        super().__init__()


def wide_first(block):
    block.a = nn.Conv2d(block.a.in_channels, 9, 3, block.a.stride, 1)


def narrow_norm(block):
    block.nb = nn.BatchNorm2d(5)


def relu_of(activation):
    return lambda block, X: activation(
        block.nb(block.b(activation(block.na(block.a(X))))) + block.S(X)
    )


def last(activation):
    return lambda block, X: activation(block.F(X) + block.S(X))


def joined(*parts):
    return lambda block, X: F.relu(torch.cat([getattr(block, part)(X) for part in parts], 1))


def normed_by_function(block, X, momentum):
    """Batch norm as a function, with a momentum that no layer shows."""

    def norm(layer, Y):
        statistics = layer.running_mean, layer.running_var
        return F.batch_norm(Y, *statistics, layer.weight, layer.bias, layer.training, momentum)

    Y = norm(block.nb, block.b(F.relu(norm(block.na, block.a(X)))))
    return F.relu(Y + block.S(X))


def counting_twice(block, X):
    block.na.num_batches_tracked += block.training
    return F.relu(block.F(X) + block.S(X))


def branch_in_bfloat16(block, X):
    with torch.autocast("cpu", torch.bfloat16):
        Y = block.F(X)
    return F.relu(Y.float() + block.S(X))


def two_mistakes(block, X):
    Y = block.F(X)
    return Y + X if block.c is None else F.relu(F.relu(Y) + block.S(X))


class Unregistered(Block):
    """One convolution is in a list, where no optimiser finds it."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.hidden = [self.b]
        del self.b

    def F(self, X):
        return self.nb(self.hidden[0](self.middle(X)))


def as_buffer(block):
    """Weights that belong to the state of the block, but not to its parameters."""
    weight = block.b.weight.detach()
    del block.b.weight
    block.b.register_buffer("weight", weight)


def twice_trained(block):
    block.na.momentum = 0.9


# What a learner wrote, and words of the sentence that must come.
WRONG = {
    "all parameters frozen": (changed(freeze_all), "All parameters are frozen"),
    "one convolution frozen": (changed(freeze("a")), "a.weight and a.bias are frozen"),
    "batch norms frozen": (changed(freeze("na", "nb")), "na.weight, na.bias, nb.weight and"),
    "forward without gradient": (written(without_gradient), "passes no gradient"),
    "result detached": (
        written(lambda b, X: F.relu(b.F(X) + b.S(X)).detach()), "passes no gradient"
    ),
    "shortcut detached": (
        written(lambda b, X: F.relu(b.F(X) + b.S(X).detach())), "The shortcut passes no gradient"
    ),
    "input of the shortcut detached": (
        written(lambda b, X: F.relu(b.F(X) + b.S(X.detach()))), "The shortcut passes no gradient"
    ),
    "branch detached": (
        written(lambda b, X: F.relu(b.F(X).detach() + b.S(X))), "The branch passes no gradient"
    ),
    "input of the branch detached": (
        written(lambda b, X: F.relu(b.F(X.data) + b.S(X))), "The branch passes no gradient"
    ),
    "first half without gradient": (written(half_without_gradient), "before the second conv"),
    "weights detached": (written(detached_weight), "No gradient reaches b"),
    "bfloat16 inside": (written(bfloat16_inside), "autocast"),
    "images in half precision": (written(half_precision_images), "float16"),
    "returns double precision": (
        written(lambda b, X: F.relu(b.F(X) + b.S(X)).double()), "float64, expected float32"
    ),
    "momentum 0.9": (written(None, norm={"momentum": 0.9}), "momentum is 0.9"),
    "momentum of one norm": (changed(twice_trained), "momentum of na is 0.9"),
    "momentum none": (written(None, norm={"momentum": None}), "momentum is None"),
    "epsilon 0.0001": (written(None, norm={"eps": 1e-4}), "epsilon is 0.0001, expected 1e-05"),
    "epsilon 0.001": (written(None, norm={"eps": 1e-3}), "epsilon is 0.001"),
    "ReLU6": (written(relu_of(F.relu6)), "ReLU6"),
    "ReLU6 at the end": (written(last(lambda Y: Y.clamp(0, 6))), "ReLU6"),
    "leaky ReLU": (written(relu_of(F.leaky_relu)), "leaky ReLU"),
    "leaky ReLU of 0.3": (written(relu_of(lambda Y: F.leaky_relu(Y, 0.3))), "leaky ReLU"),
    "leaky ReLU at the end": (written(last(lambda Y: torch.max(Y, 0.1 * Y))), "leaky ReLU"),
    "GELU": (written(relu_of(F.gelu)), "GELU"),
    "skip halved": (written(lambda b, X: F.relu(b.F(X) + 0.5 * b.S(X))), "0.5 times the shortcut"),
    "branch scaled": (written(lambda b, X: F.relu(0.1 * b.F(X) + b.S(X))), "0.1 times the branch"),
    "averaged": (written(lambda b, X: F.relu((b.F(X) + b.S(X)) / 2)), "average"),
    "divided by a root": (
        written(lambda b, X: F.relu((b.F(X) + b.S(X)) / math.sqrt(2))), "0.7071 times the branch"
    ),
    "ReLU on the skip": (written(lambda b, X: F.relu(b.F(X) + F.relu(b.S(X)))), "ReLU on the skip"),
    "ReLU on both, none at the end": (
        written(lambda b, X: F.relu(b.F(X)) + F.relu(b.S(X))), "ReLU after the addition is missing"
    ),
    "pre-activation": (PreActivated, "pre-activation"),
    "pre-activation as published": (PreActivatedAsPublished, "pre-activation"),
    "3x3 projection": (written(None, side=3), "3x3"),
    "3x3 projection first": (written(lambda b, X: F.relu(b.S(X) + b.F(X)), side=3), "3x3"),
    "difference": (written(lambda b, X: F.relu(b.F(X) - b.S(X))), "The shortcut is subtracted"),
    "difference turned round": (
        written(lambda b, X: F.relu(b.S(X) - b.F(X))), "The branch is subtracted"
    ),
    "concatenated": (written(joined("F", "S")), "are concatenated"),
    "concatenated, shortcut first": (written(joined("S", "F")), "are concatenated"),
    "added in place": (written(added_in_place), "changes the input itself"),
    "added in place with add_": (written(added_in_place_with_add_), "changes the input itself"),
    "no ReLU without projection": (
        written(last_relu_where_projected), "MyBlock(4, 4): The ReLU after the addition is missing"
    ),
    "ends the program": (written(leaves), "ends the program"),
    "ends the program at once": (Leaving, "ends the program"),
    "interrupts": (written(interrupts), "KeyboardInterrupt"),
    "returns nothing": (written(returns_nothing), "its return is missing"),
    "without super": (WithoutSuper, "super().__init__()"),
    "without forward": (WithoutForward, "no method forward"),
    "other arguments": (OtherArguments, "num_channels, use_1x1conv=False, strides=1"),
    "channels do not fit": (changed(wide_first), "na takes 4 channels and gets 9"),
    "norm does not fit": (changed(narrow_norm), "nb takes 5 channels and gets 4"),
    "added where nothing fits": (
        written(lambda b, X: F.relu(b.F(X)[:, :, 1:] + b.S(X))),
        "(4, 4, 10, 9) and (4, 4, 11, 9) cannot be added",
    ),
    "a pixel too few": (written(lambda b, X: F.relu(b.F(X) + b.S(X))[:, :, 1:]), "shape"),
    "another output": (
        written(lambda b, X: F.relu(b.F(X) + b.S(X)) * 1.7 + 0.1), "output in eval mode differs"
    ),
    "no numbers": (
        written(lambda b, X: F.relu(b.F(X) + b.S(X)) / 0 * 0), "output in eval mode differs"
    ),
    "another output in train mode": (
        written(lambda b, X: F.relu(b.F(X) + b.S(X)) * (1 + 0.3 * b.training)),
        "output in train mode differs",
    ),
    "another gradient": (
        written(lambda b, X: F.relu(b.F(X) + b.S(X) + 0.5 * (X - X.detach()).mean())),
        "gradient of the input differs",
    ),
    "another momentum, by function": (
        written(lambda b, X: normed_by_function(b, X, 0.3)), "running_mean of na differs by up to"
    ),
    "a batch counted twice": (
        written(counting_twice), "num_batches_tracked of na differs by up to 1: 2.0000"
    ),
    "bfloat16 in the branch": (written(branch_in_bfloat16), "MyBlock: The block computes in bfl"),
    "another mistake for each call": (
        written(two_mistakes),
        "after the addition is missing: the block returns F(X) + X, and the sum goes through a "
        "ReLU. MyBlock(4, 6, use_1x1conv=True) and MyBlock(4, 6, use_1x1conv=True, strides=2):",
    ),
    "one layer not registered": (Unregistered, "that the module does not know of"),
    "weights as a buffer": (changed(as_buffer), "b.weight is frozen"),
    "weights detached for good": (changed(lambda b: b.a.weight.detach_()), "a.weight is frozen"),
    "changes its input": (written(too_late), "changed in place"),
}  # fmt: skip


class InSequential(nn.Module):
    def __init__(self, c_in, c_out, use_1x1conv=False, strides=1):
        super().__init__()
        self.skip = nn.Sequential()
        if use_1x1conv:
            self.skip.append(nn.Conv2d(c_in, c_out, 1, strides))
        self.body = nn.Sequential(
            nn.Sequential(nn.Conv2d(c_in, c_out, 3, strides, 1), nn.BatchNorm2d(c_out)),
            nn.ReLU(inplace=True),
            nn.Sequential(nn.Conv2d(c_out, c_out, 3, 1, 1), nn.BatchNorm2d(c_out)),
        )

    def forward(self, X):
        return nn.functional.relu_(self.body(X).add_(self.skip(X)))


class RawParameters(nn.Module):
    """Weights of its own instead of layers, used with torch's functions."""

    def __init__(self, c_in, c_out, use_1x1conv=False, strides=1):
        super().__init__()
        self.strides = strides
        self.w1 = nn.Parameter(torch.randn(c_out, c_in, 3, 3))
        self.b1 = nn.Parameter(torch.zeros(c_out))
        self.w2 = nn.Parameter(torch.randn(c_out, c_out, 3, 3))
        self.b2 = nn.Parameter(torch.zeros(c_out))
        self.norms = nn.ModuleDict({name: nn.BatchNorm2d(c_out) for name in "ab"})
        if use_1x1conv:
            self.w3 = nn.Parameter(torch.randn(c_out, c_in, 1, 1))
            self.b3 = nn.Parameter(torch.zeros(c_out))
        self.projects = use_1x1conv

    def forward(self, X):
        S = F.conv2d(X, self.w3, self.b3, self.strides) if self.projects else X
        Y = F.relu(self.norms["a"](F.conv2d(X, self.w1, self.b1, self.strides, 1)))
        return F.relu(S + self.norms["b"](F.conv2d(Y, self.w2, bias=self.b2, padding=1)))


class Lazy(Block):
    def __init__(self, c_in, c_out, use_1x1conv=False, strides=1):
        nn.Module.__init__(self)
        self.a, self.na = nn.LazyConv2d(c_out, 3, strides, 1), nn.LazyBatchNorm2d()
        self.b, self.nb = nn.LazyConv2d(c_out, 3, 1, 1), nn.LazyBatchNorm2d()
        self.c = nn.LazyConv2d(c_out, 1, strides) if use_1x1conv else None


def interleaved(block, X):
    """The projection runs between a convolution and its batch norm."""
    Y = block.a(X)
    S = block.S(X)
    Y = block.na(Y)
    Y = block.b(F.relu(Y))
    return F.relu(block.nb(Y) + S)


def in_a_loop(block, X):
    Y = X
    for convolution, norm, activation in [(block.a, block.na, F.relu), (block.b, block.nb, None)]:
        Y = norm(convolution(Y))
        Y = Y if activation is None else activation(Y)
    return (Y + block.S(X)).relu()


def added_to_the_branch(block, X):
    Y = block.F(X)
    Y += block.S(X)
    return F.relu(Y, inplace=True)


# Right blocks, however they are written.
RIGHT = {
    "as it is": Block,
    "in Sequential, all in place": InSequential,
    "weights without layers": RawParameters,
    "projection between": written(interleaved),
    "in a loop": written(in_a_loop),
    "added to the branch in place": written(added_to_the_branch),
    "clamped": written(relu_of(lambda Y: Y.clamp(min=0))),
    "maximum": written(relu_of(lambda Y: torch.maximum(Y, torch.zeros_like(Y)))),
    "masked": written(relu_of(lambda Y: Y * (Y > 0))),
    "where": written(relu_of(lambda Y: torch.where(Y > 0, Y, torch.zeros(())))),
    "modules of ReLU": written(relu_of(nn.ReLU(inplace=True))),
    "shortcut first": written(lambda b, X: F.relu(torch.add(b.S(X), b.F(X)))),
    "with alpha": written(lambda b, X: F.relu(torch.add(b.F(X), b.S(X), alpha=1))),
    "summed": written(lambda b, X: torch.stack([b.F(X), b.S(X)]).sum(0).relu()),
    "half the parameters' bits": changed(lambda block: block.half()),
    "in double precision": changed(lambda block: block.double()),
    "input copied": written(lambda b, X: Block.forward(b, X.clone())),
    "channels last": changed(lambda block: block.to(memory_format=torch.channels_last)),
    "autocast switched off": written(
        torch.autocast("cpu", enabled=False)(lambda b, X: Block.forward(b, X))
    ),
    "layers that learn their shapes": Lazy,
    "built in eval mode": changed(lambda block: block.eval()),
}
