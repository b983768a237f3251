"""A small assignment in the sources' format, for the tests: two tasks in code, one in words."""

from pathlib import Path

import nbformat
from nbformat import v4

SETUP = """\
# Setup
import torch
from torch import nn

STUDENT = ""  # your student id"""
SCALED = '''\
# Task 9.1: a scaled input
def scaled(x):
    """The input (N,) times the factor."""
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION'''
SCALED_CHECK = '''\
# Check 9.1: the values (3 points)
assert scaled(torch.ones(2)).shape == (2,), "scaled returns one number for each input"

### BEGIN HIDDEN TESTS
def observe(seed: int) -> dict:
    """What `scaled` makes of random numbers."""
    torch.manual_seed(seed)
    output = scaled(torch.randn(5))
    return {"output": output, "shape": tuple(output.shape), "for": STUDENT}
### END HIDDEN TESTS'''
LAYER = """\
# Task 9.2: a layer
### BEGIN SOLUTION
class Layer(nn.Module):
    def forward(self, x):
        return scaled(x) + 1
### END SOLUTION"""
LAYER_CHECK = '''\
# Check 9.2: the layer (2 points)
assert isinstance(Layer(), nn.Module)

### BEGIN HIDDEN TESTS
def observe(seed: int) -> dict:
    """The layer's output, its mean and its kind."""
    torch.manual_seed(seed)
    output = Layer()(torch.randn(4))
    return {"output": output.numpy(), "mean": output.mean().item(), "kind": "a layer"}
### END HIDDEN TESTS'''
PROSE = """\
**Answer to task 9.3.**

### BEGIN SOLUTION
The secret model answer.
### END SOLUTION"""
TABLE = """\
[[mistake]]
task = "task-9-1"
name = "the wrong factor"
sentence = "The factor is two and should be three."
old = "3 * x"
new = "2 * x"
points = { "test-9-1-values" = 1 }

[[rubric]]
question = "prose-9-3"
points = 4
criteria = [ { name = "evidence", points = 4, anchors = { 4 = "names a | figure", 0 = "none" } } ]

[course]
prerequisites = "chapter 1"
minutes = 10
concepts = { "task-9-1" = "scale" }
"""


def write(folder: Path, **replaced: str) -> Path:
    """Writes sample.ipynb and sample.toml; `replaced` gives other texts by the names above."""
    texts = {name: value for name, value in globals().items() if name.isupper()} | replaced
    cells = [
        v4.new_markdown_cell("# A sample\n\nTen minutes, after chapter 1, 9 points.", id="top"),
        _code(texts["SETUP"], "setup"),
        v4.new_markdown_cell("Write `scaled`.", id="ask-1"),
        _code(texts["SCALED"], "task-9-1", solution=True),
        _code(texts["SCALED_CHECK"], "test-9-1-values", points=3, task="task-9-1"),
        _code(texts["LAYER"], "task-9-2", solution=True),
        _code(
            texts["LAYER_CHECK"], "test-9-2-layer", points=2, task="task-9-2", needs=["task-9-1"]
        ),
        v4.new_markdown_cell("Why three?", id="ask-3"),
        v4.new_markdown_cell(
            texts["PROSE"], id="prose-9-3", metadata=_about("prose-9-3", solution=True, points=4)
        ),
    ]
    about = {"name": "sample", "title": "A sample", "points": 9, "version": 1}
    notebook = v4.new_notebook(cells=cells, metadata={"resnet_assignment": about})
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / "sample.ipynb")
    (folder / "sample.toml").write_text(texts["TABLE"], encoding="utf-8")
    return folder


def _code(source: str, name: str, **about: object) -> nbformat.NotebookNode:
    given = {key: about.pop(key) for key in ("task", "needs") if key in about}
    metadata = _about(name, **about) | ({"resnet": given} if given else {})
    output = v4.new_output("stream", text="the secret output\n")
    return v4.new_code_cell(source, id=name, metadata=metadata, outputs=[output])


def _about(name: str, solution: bool = False, points: int = 0) -> dict:
    about = {"grade_id": name, "schema_version": 3, "task": False, "solution": solution}
    about |= {"grade": bool(points), "locked": bool(points) and not solution}
    return {"nbgrader": about | ({"points": points} if points else {})}
