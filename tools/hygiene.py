"""The rules that a notebook of the book keeps, each a small function that says what breaks it."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .notebooks import chapters

# An import that takes the name of the package for its function.
PACKAGE_NAME = re.compile(r"from resnet\.models import (?:\([^)]*|[^\n(]*)\bresnet\b(?! as)")
WIDEST_LINE = 88  # characters of open code that the page's column holds
LONGEST_CELL = 18  # lines of open code, and fewer where the reader is new to it
LONGEST_EARLY_CELL = 14
EARLY = ("01", "02", "03")
LONGEST_WHOLE = 26  # lines of what is folded, and of a class, which is not cut in two
OPENING = "opening"  # the picture of a chapter's question, which has no number
FOLDED = {"set-up", "hide-input", "hide-cell"}
# What only reports stored results draws, too, if only a table.
STORED = re.compile(r"\bstored(?:_runs)?\(")
FEWEST_STRICT_CELLS = 4
LARGEST_FILE = 2_000_000  # bytes
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|Users|private|tmp)[/_]\w+|site-packages/")
RAW_MARKUP = {
    "a directive": re.compile(r"^\s*(?:`{3,}|~{3,}|:{3,})\{", re.MULTILINE),
    "a formula in a summary": re.compile(r"<summary>[^\n<]*\$"),
    "a role": re.compile(r"(?<!`)\{[a-z][\w:-]*\}`"),
    "a footnote": re.compile(r"\[\^\w+\]"),
    "a label": re.compile(r"^\([\w-]+\)=\s*$|\$\$\s*\([\w:-]+\)\s*$", re.MULTILINE),
    "an empty link": re.compile(r"\[\]\("),
    "an image file": re.compile(r"!\[[^\]]*\]\("),
}


def problems(path: Path) -> list[str]:
    """All that is wrong with one notebook, one sentence each."""
    notebook = nbformat.read(path, as_version=4)
    longest = LONGEST_EARLY_CELL if path.name.startswith(EARLY) else LONGEST_CELL
    found = [*of_file(path), *of_markdown(notebook), *of_figures(notebook)]
    found += [*of_folding(notebook), *of_open_code(notebook, longest)]
    for number, cell in enumerate(notebook.cells):
        found += [f"cell {number}: {problem}" for problem in of_cell(cell)]
    if path.stem[:2].isdecimal():  # the others are numbered where they stand in the book
        found += of_equations(notebook, chapter=int(path.stem[:2]))
    found += of_comparison(notebook)
    found += of_seed(notebook)
    return [f"{path.name}, {problem}" for problem in found]


def of_file(path: Path) -> Iterator[str]:
    if path.stat().st_size > LARGEST_FILE:
        yield f"{path.stat().st_size / 1e6:.1f} MB: figures too large"
    try:
        nbformat.validate(nbformat.read(path, as_version=4))
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {error.message}"
    metadata = nbformat.read(path, as_version=4).metadata
    if metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not python3, which every platform has"
    if "widgets" in metadata or "version" in metadata.get("language_info", {}):
        yield "metadata that changes from run to run: `make execute` removes it"


def of_cell(cell: NotebookNode) -> Iterator[str]:
    """What is wrong with one cell by itself."""
    if MACHINE_PATH.search(cell.source + str(cell.get("outputs", ""))):
        yield "a path of the machine where it ran"
    if cell.cell_type == "code":
        yield from of_code(cell)


def of_code(cell: NotebookNode) -> Iterator[str]:
    tags = cell.metadata.get("tags", [])
    if cell.execution_count is None:
        yield "never executed, so nbval compares nothing"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"a stored error: {output.ename}"
        if output.get("name") == "stderr":
            yield "stored warnings or messages (stderr)"
        for kind in output.get("data", {}):
            if kind.startswith("image/") and kind not in ("image/png", "image/svg+xml"):
                yield f"a figure stored as {kind}, not as PNG and SVG"
            if "widget" in kind:
                yield "a stored widget, for which the page would load scripts"
        if len({"image/png", "image/svg+xml"} & output.get("data", {}).keys()) == 1:
            yield "a figure stored as PNG alone or SVG alone: `make execute` stores both"
    if "nbval-ignore-output" in tags and not cell.metadata.get("nbval", {}).get("reason"):
        yield "its output is not compared, and no reason is given"
    if "nbval-skip" in tags:
        yield "never run by nbval"
    if PACKAGE_NAME.search(cell.source):
        yield "`resnet` becomes a function here, and the package has no name: say models.resnet"
    is_solution = cell.source.startswith("#@title Solution")
    if is_solution != ("hide-cell" in tags):
        yield "a solution has a first line and a tag that say so, or none of them"


def of_folding(notebook: NotebookNode) -> Iterator[str]:
    """Code that sets up or draws is folded: on the page, in Colab and in JupyterLab alike."""
    begun = False
    for number, cell in enumerate(notebook.cells):
        begun = begun or (cell.cell_type == "markdown" and "\n## " in f"\n{cell.source}")
        if cell.cell_type != "code":
            continue
        tags = set(cell.metadata.get("tags", []))
        if begun == bool({"set-up", OPENING} & tags):
            yield f"cell {number}: what stands before the first section, and no more, is set-up"
        if (has_picture(cell) or STORED.search(cell.source)) and not tags & FOLDED:
            yield f"cell {number}: code that draws is not folded: tag it hide-input"
        if "parameters" not in tags and len(folds(cell)) not in (0, 4):
            yield f"cell {number}: folded by {' and '.join(folds(cell))} alone"


def folds(cell: NotebookNode) -> list[str]:
    """By what a cell is folded: a tag for the page, a form for Colab, a flag for JupyterLab."""
    ways = {
        "its tag": bool(FOLDED & set(cell.metadata.get("tags", []))),
        "its title": cell.source.startswith("#@title "),
        "cellView": cell.metadata.get("cellView") == "form",
        "source_hidden": cell.metadata.get("jupyter", {}).get("source_hidden", False),
    }
    return [way for way, there in ways.items() if there]


def of_open_code(notebook: NotebookNode, longest: int) -> Iterator[str]:
    """No open cell is wider than its column, and only a class is longer than `longest`."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        lines = cell.source.splitlines()
        is_folded = bool(FOLDED & set(cell.metadata.get("tags", [])))
        most = LONGEST_WHOLE if is_folded or is_class(cell.source) else longest
        if len(lines) > most:
            yield f"cell {number}: more than {most} lines"
        if not is_folded and max(map(len, lines), default=0) > WIDEST_LINE:
            yield f"cell {number}: open code with more than {WIDEST_LINE} characters in a line"


def is_class(source: str) -> bool:
    """Whether a cell holds one class and nothing else."""
    body = ast.parse(source).body
    return len(body) == 1 and isinstance(body[0], ast.ClassDef)


def of_markdown(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)
        for name, pattern in RAW_MARKUP.items():
            whole = name in ("a directive", "a role")  # both are written with backticks
            if pattern.search(cell.source if whole else prose):
                yield f"cell {number}: {name} shows as raw text in Colab"


def of_figures(notebook: NotebookNode) -> Iterator[str]:
    """Every image has alt text, a caption and a name, and the text refers to it by number."""
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    names = []
    for number, cell in enumerate(notebook.cells):
        if not has_picture(cell):
            continue
        described = cell.metadata.get("mystnb", {})
        if not described.get("image", {}).get("alt"):
            yield f"cell {number}: a figure without alt text"
        if OPENING in cell.metadata.get("tags", []):
            continue
        name = described.get("figure", {}).get("name", "")
        names.append(name)
        if not described.get("figure", {}).get("caption") or not name.startswith("fig-"):
            yield f"cell {number}: a figure without caption or name"
        elif not re.search(rf"\[Figure \d+\.\d+\]\(#{name}\)", prose):
            yield f"cell {number}: no text refers to [Figure ...](#{name})"
    yield from (
        f"two figures are called {name}" for name in {n for n in names if names.count(n) > 1}
    )


def of_equations(notebook: NotebookNode, chapter: int) -> Iterator[str]:
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    tags = re.findall(r"\\tag\{([^}]*)\}", prose)
    expected = [f"{chapter}.{number}" for number in range(1, len(tags) + 1)]
    if tags != expected:
        yield f"equations are numbered {tags}, not {expected}"


def of_comparison(notebook: NotebookNode) -> Iterator[str]:
    strict = [cell for cell in notebook.cells if has_text(cell) and not is_ignored(cell)]
    if len(strict) < FEWEST_STRICT_CELLS:
        yield f"only {len(strict)} cells with compared output"


def has_picture(cell: NotebookNode) -> bool:
    return any("image/png" in out.get("data", {}) for out in cell.get("outputs", []))


def has_text(cell: NotebookNode) -> bool:
    """Whether a cell shows more than figures, which nbval does not compare."""
    return any("image/png" not in out.get("data", {}) for out in cell.get("outputs", []))


def of_seed(notebook: NotebookNode) -> Iterator[str]:
    """Bands are measured by other seeds in the cell tagged `parameters`, so there must be one."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    seeds = [cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])]
    live = any("within_band(" in cell.source for cell in code)
    if (live or seeds) and seeds != ["seed = 0"]:
        yield f"the cells tagged parameters hold {seeds}, not seed = 0 once"


def is_ignored(cell: NotebookNode) -> bool:
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


def ignored(path: Path) -> list[str]:
    """The cells of a notebook whose outputs nothing compares, each with its reason."""
    cells = nbformat.read(path, as_version=4).cells
    return [
        f"{path.name}, cell {number}: {cell.metadata.get('nbval', {}).get('reason')}"
        for number, cell in enumerate(cells)
        if cell.cell_type == "code" and is_ignored(cell)
    ]


def main(arguments: list[str]) -> int:
    """Prints what breaks a rule, then the cells that are not compared, with their reasons."""
    found = [problem for path in chapters() for problem in problems(path)]
    print(
        "\n".join(
            [*found, "Not compared:", *(line for path in chapters() for line in ignored(path))]
        )
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
