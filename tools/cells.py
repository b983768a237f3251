"""Runs the code of a chapter with nothing but Python: no Jupyter, no kernel.

python -m tools.cells chapters/01_degradation.ipynb
"""

import ast
import contextlib
import io
import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cell:
    """A code cell, and the text that is stored under it; `compared` unless it varies by machine."""

    source: str
    tags: frozenset[str]
    stored: str

    @property
    def compared(self) -> bool:
        return "nbval-ignore-output" not in self.tags


def code_cells(path: Path) -> list[Cell]:
    """All code cells of a notebook, in order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        Cell("".join(cell["source"]), frozenset(cell["metadata"].get("tags", [])), _stored(cell))
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def run(path: Path, without: frozenset[str] = frozenset()) -> Iterator[tuple[Cell, str]]:
    """Runs the cells that have no tag of `without`, and yields each with what it has printed.

    Figures are drawn and not shown. What a cell raises ends the run.
    """
    import matplotlib

    matplotlib.use("Agg")
    warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in code_cells(path):
        if not cell.tags & without:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                _run(cell.source, namespace)
            yield cell, printed.getvalue()


def _run(source: str, namespace: dict[str, Any]) -> None:
    """As a notebook runs it: the value of a last expression is printed."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), namespace)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
        if value is not None:
            print(repr(value))


def _stored(cell: dict[str, Any]) -> str:
    texts = [
        output.get("text") or output["data"].get("text/plain", "")
        for output in cell["outputs"]
        if output["output_type"] == "execute_result" or output.get("name") == "stdout"
    ]
    return "".join("".join(text) for text in texts)


def main(arguments: list[str]) -> int:
    """Prints what the cells of the notebooks print; 1 where a compared text is another."""
    differ = 0
    for name in arguments:
        for cell, printed in run(Path(name)):
            print(printed, end="", flush=True)
            if cell.compared and printed.strip() != cell.stored.strip():
                differ += 1
                print(f"{name}: here the stored text is another:\n{cell.stored}", file=sys.stderr)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
