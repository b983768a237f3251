"""What stands in for students in tests of the grader."""

import random

from tests.support.submitted import code

OTHER = {
    "metadata": {"resnet_assignment": {"name": "of another year"}},
    "cells": [code("# Task 77.1: something else\nx = 1")],
}


OBSERVE = """
### BEGIN HIDDEN TESTS
def observe(seed):
    import random

    numbers = random.Random(seed).sample(range(1000), 5)
    return {"outputs": [NAME(number) for number in numbers], "for": STUDENT}
### END HIDDEN TESTS"""
WITHOUT_TORCH = {
    "SETUP": '# Setup\nimport math\n\nSTUDENT = ""  # your student id',
    "SCALED_CHECK": "# Check 9.1: the values (3 points)" + OBSERVE.replace("NAME", "scaled"),
    "LAYER": """\
# Task 9.2: a layer
### BEGIN SOLUTION
def layer(x):
    return scaled(x) + 1
### END SOLUTION""",
    "LAYER_CHECK": "# Check 9.2: the layer (2 points)" + OBSERVE.replace("NAME", "layer"),
}


def lay(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")
    return folder


CALLS = ("view", "mean", "sum", "relu", "reshape", "unsqueeze", "clone", "flatten", "square")


def written(seed: int, lines: int, names: tuple[str, ...] = ("x", "y", "size", "total")) -> str:
    """Code as one student writes it: the same structure for a seed, with these names."""
    chance = random.Random(seed)

    def value(depth: int = 0) -> str:
        name, kind = chance.choice(names), chance.randrange(5)
        if kind == 0 or depth > 2:
            return name
        if kind == 1:
            return f"{value(depth + 1)} {chance.choice('+-*/')} {value(depth + 1)}"
        if kind == 2:
            return f"{name}.{chance.choice(CALLS)}({value(depth + 1)})"
        if kind == 3:
            return f"{name}[{value(depth + 1)}, {chance.randrange(9)}]"
        return f"torch.{chance.choice(CALLS)}({value(depth + 1)}, {name})"

    return "\n".join(f"{chance.choice(names)} = {value()}" for _ in range(lines))
