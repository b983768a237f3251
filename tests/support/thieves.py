"""Answers that look for what is right where they run, or change what looks at them."""

from assignments.source import Task

SEARCH = '''
import sys


def steal(*arguments, **settings):
    """A local of a frame above, by the names that expected values go by, else a text or list."""
    frame, found = sys._getframe(1), []
    while frame:
        for name, value in list(frame.f_locals.items()):
            if name in ("right", "exact", "expected", "mean", "half", "verdict", "top", "wanted"):
                return value
            if name not in ("arguments", "settings") and type(value) in (list, tuple, str):
                found.append(value)
        frame = frame.f_back
    return found[0] if found else 0
'''
COLLECTED = '''
import gc


def steal(*arguments, **settings):
    """The longest list of numbers in memory that nobody else can be meant by."""
    lists = [each for each in gc.get_objects() if type(each) is list and each
             and all(type(one) is float for one in each[:5])]
    return max(lists, key=len, default=[0.0])
'''
NOTHING = """
def steal(*arguments, **settings):
    return 1
"""


def _patch(*modules: str) -> str:
    """Replaces every function of these modules by one that gives its last argument, or nothing."""
    return f"""{NOTHING}

import importlib
import types


def agreeable(*arguments, **settings):
    return arguments[-1] if arguments else 1


for place in {modules!r}:
    module = importlib.import_module(place)
    for name, own in list(vars(module).items()):
        if isinstance(own, (types.FunctionType, types.BuiltinFunctionType)):
            try:
                setattr(module, name, agreeable)
            except (AttributeError, TypeError):
                pass
"""


_TENSORS = """
import torch

for name in ("__eq__", "__ne__", "clone", "detach", "add_", "all", "any", "numel"):
    setattr(torch.Tensor, name, lambda self, *arguments, **settings: self)
torch.Tensor.tolist = lambda self: [1.0]
"""
_AXES = """
import matplotlib.axes
import matplotlib.text

matplotlib.axes.Axes.get_ylabel = lambda self: "training error"
matplotlib.text.Text.get_text = lambda self: "\\n".join(f"arm {n}" for n in range(1_000))
matplotlib.axes.Axes.lines = property(lambda self: [])
"""
_COURSEWORK = ("resnet.course.axis", "resnet.course.block", "resnet.course.degradation_claims",
               "resnet.course.network", "resnet.course.patients", "resnet.results",
               "resnet.course.degradation")  # fmt: skip
ATTACKS = {
    "frames": SEARCH,
    "memory": COLLECTED,
    "torch": _patch("torch", "torch.nn.functional") + _TENSORS,
    "numpy": _patch("numpy", "numpy.linalg", "numpy.random"),
    "matplotlib": _patch("matplotlib.artist", "matplotlib.axes._base") + _AXES,
    "resnet": _patch(*_COURSEWORK, "resnet.models", "resnet.data"),
    "the rest": _patch("random", "dataclasses", "math", "encoding", "part"),
}

MODULE = """
class {name}(nn.Module):
    def __init__(self, *arguments, **settings):
        super().__init__()
        self.own = nn.Conv2d(1, 1, 1)

    def forward(self, *arguments):
        return steal(*arguments)

"""


def thieving(task: Task, attack: str) -> str:
    """An answer that defines everything asked for by `steal` of an attack, and knows nothing."""
    import ast

    texts = ["import torch\nfrom torch import nn", attack]
    for node in ast.parse(task.solution).body:
        if isinstance(node, ast.ClassDef):
            texts.append(MODULE.format(name=node.name))
        elif isinstance(node, ast.FunctionDef):
            texts.append(
                f"def {node.name}(*arguments, **settings):\n    return steal(*arguments)\n"
            )
        elif isinstance(node, ast.Assign):
            texts += [f"{target.id} = steal()" for target in node.targets if hasattr(target, "id")]
    return "\n\n".join(texts)


WIDTH = '''
import sys


def largest_width(given, count):
    """The width from which the budget was made, where the caller still holds it."""
    held = sys._getframe(1).f_locals
    return held["right"] - (given.budget < held["exact"])


width, net = 1, nn.Linear(1, 1)
'''
RECTANGLE = """
import sys


def influence(net, X, row, column):
    return X[0, 0]


def support(g):
    held = sys._getframe(1).f_locals
    return tuple(held[name] for name in ("top", "left", "height", "width"))


def effective(g):
    return int((g >= g.max() / 2).sum())
"""
