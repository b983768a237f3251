"""The hidden functions of a check: which run beside students' code, and which in the grader alone.

`observe(inputs)` calls students' code and gives what that does; where it ends in an error,
`trace(inputs)` gives what could be seen on the way. Both hold nothing of what is right. In the
grader's own process run `inputs(seed)`, which draws what they get (without it, that is the seed
itself), and `judged(seen, inputs)`, which makes of plain data what is to be compared.
"""

import ast

GRADERS = ("inputs", "judged")


def apart(hidden: str) -> tuple[str, str]:
    """A hidden text without the functions of the grader's process, and these alone."""
    lines = hidden.split("\n")
    own = (node for node in ast.parse(hidden).body if getattr(node, "name", "") in GRADERS)
    places = {number for node in own for number in range(node.lineno - 1, node.end_lineno)}
    kept = [line for number, line in enumerate(lines) if number not in places]
    return "\n".join(kept).rstrip("\n"), "\n".join(lines[number] for number in sorted(places))
