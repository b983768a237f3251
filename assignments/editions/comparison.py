"""Hidden tests for nbgrader, which has nothing of the grader: they bring the solution along.

nbgrader runs them in the student's own process. They are as safe as nbgrader is, and no safer.
"""

import hashlib
from pathlib import Path

from ..source import Check, Source

# It imports nothing of the grader, so that its text can stand in a hidden test.
REPEAT = Path(__file__).parents[1] / "grading" / "repeat.py"

# One string a cell of the solution, run in a namespace of their own; then the same observation
# of both. Exact types and shapes, as `values.same` of the grader.
COMPARISON = """

def _agree(ours, right):
    import numpy

    if type(ours) is not type(right):
        return False
    if isinstance(right, dict):
        return ours.keys() == right.keys() and all(_agree(ours[k], right[k]) for k in right)
    if isinstance(right, (list, tuple)):
        return len(ours) == len(right) and all(map(_agree, ours, right))
    if not isinstance(right, float) and not hasattr(right, "shape"):
        return ours == right
    if hasattr(right, "detach"):
        ours, right = ours.detach().cpu(), right.detach().cpu()
    ours, right = numpy.asarray(ours), numpy.asarray(right)
    if ours.shape != right.shape or ours.dtype.kind != right.dtype.kind:
        return False
    if right.dtype.kind != "f":
        return bool((ours == right).all())
    size = numpy.abs(right[numpy.isfinite(right)]).max(initial=0)
    return numpy.allclose(ours, right, rtol=0, atol={tolerance} * size, equal_nan=True)


def _expected(inputs):
    import contextlib

    space = {{"__name__": "__main__"}}
    for cell in {cells}:
        with contextlib.suppress(Exception):  # of what it has defined before, observe tells
            exec(cell, space)
        space.update({names})
    exec({observe}, space)
    return space["observe"](inputs)


def _seed():
    import hashlib

    drawn = hashlib.sha256(f"{salt} {{STUDENT.strip().casefold()}}".encode()).digest()
    return int.from_bytes(drawn[:4], "big") >> 1


_inputs = {inputs}
assert _agree({judged}(observe(_inputs){also}), {judged}(_expected(_inputs){also})), {message}
"""
TOLERANCE = 1e-4
HELD = """

def _held():
    import json

    space = {{"__name__": "repeat"}}
    exec({text!r}, space)
    return space["CHECKS"][{kind!r}](json.loads(json.dumps({results})), STUDENT)


_holds, _sentence = _held()
assert _holds, _sentence
"""
# nbgrader runs all cells in order, so where a check stands before the run there are no results yet.
BEFORE_THE_RUN = {"prediction": '{"prediction": PREDICTION, "reason": REASON}'}


def with_comparison(check: Check, source: Source, key: str) -> str:
    """The text of a test cell for nbgrader: what students see, then the hidden comparison.

    The same `key` gives the same random inputs for a student, another key gives others. Results
    that are held to a check of repeat.py are not compared with a solution's.
    """
    appended = held(check) if check.held else comparison(check, source, key)
    texts = [check.observe.strip("\n"), *([check.graders.strip("\n")] if check.graders else [])]
    hidden = "\n\n\n".join(texts) + "\n" + appended.rstrip("\n")
    begin, end = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
    return "\n".join([check.visible, "", begin, hidden, end])


def comparison(check: Check, source: Source, key: str) -> str:
    """What stands behind `observe`: an AssertionError where the solution gives something else."""
    given = ["STUDENT", "RESULTS"] if check.results else ["STUDENT"]
    needed = [source.task(name).solution for name in (*check.needs, check.task)]
    cells = [source.setup, *needed]
    judges, draws = ("def judged(" in check.graders), ("def inputs(" in check.graders)
    return COMPARISON.format(
        inputs="inputs(_seed())" if draws else "_seed()",
        judged="judged" if judges else "",
        also=", _inputs" if judges else "",
        tolerance=TOLERANCE,
        cells="[\n" + "".join(f"        {cell!r},\n" for cell in cells) + "    ]",
        names="{" + ", ".join(f'"{name}": {name}' for name in given) + "}",
        observe=repr(check.observe),
        salt=hashlib.sha256(f"{key}\n{check.id}".encode()).hexdigest()[:16],
        message=repr(f"{check.title}: this is not what the task asks for"),
    )


def held(check: Check) -> str:
    """What holds the results of long runs to the band or to a repetition."""
    results = BEFORE_THE_RUN.get(check.held, "RESULTS")
    return HELD.format(text=REPEAT.read_text("utf-8"), kind=check.held, results=results)
