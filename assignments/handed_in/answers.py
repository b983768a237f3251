"""Finds the answers in a handed-in notebook: which cell is what, and what is unusual about it."""

import ast
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..source import TEXT_STUB, Check, Source, tidy
from .notebook import Cell, Notebook, one_line

# Whatever an editor puts before a cell's first line (`%%time`, `#@title`) leaves it among these.
FIRST_LINES = 3
INSTALLS = 'version("resnet-by-experiment")'  # the released notebook's first cell
NOT_GRADED = "not-graded"  # the tag of cells that train for minutes
MOST_IDS = 20  # stated ids that are looked at
MOST_NAMES = 3  # names of cells that a sentence for the log holds
KEY = re.compile(r"[#*\s]*(setup|task|check|run|answer to task)\b\s*(\d+\.\d+)?", re.IGNORECASE)
# No expression here goes back over what it has read, for a cell may hold a megabyte of brackets.
LINK = re.compile(r"\[([^\[\]]*)\]\([^)\[\]]*\)")
STATED = re.compile(
    r"""^(?P<head>[ \t]*STUDENT[ \t]*(?::[ \t]*str[ \t]*)?=[ \t]*)"""
    r"""(?P<value>"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|(?P<bare>[\w.@+-]+))""",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Found:
    """What was found in a notebook: each cell with its label, and sentences for the log.

    A label is "setup", the id of a task, a test cell or an answer in words, "test" and "run" for
    cells that never run, and empty for any other.
    """

    cells: tuple[tuple[Cell, str], ...]
    events: tuple[str, ...]

    def labelled(self, label: str) -> list[Cell]:
        return [cell for cell, own in self.cells if own == label]


def find(notebook: Notebook, source: Source) -> Found:
    """The label of each cell: by its visible first line, else by nbgrader's name of the cell.

    The line comes first because it is what a student sees: a copied cell keeps the other's name.
    """
    label = _labeller(source)
    cells = tuple((cell, label(cell)) for cell in notebook.cells)
    found = Found(cells, ())
    events = (*notebook.remarks, *_events(found, source))
    return Found(cells, events)


def belongs(notebook: Notebook, source: Source) -> bool:
    """Whether the notebook holds any answer cell of the assignment."""
    label, own = _labeller(source), {part.id for part in (*source.tasks, *source.prose)}
    return any(label(cell) in own for cell in notebook.cells)


def in_words(found: Found, source: Source) -> dict[str, str]:
    """Each answer in words, without its first line; empty where the stub was left, or deleted.

    Cells of text that a student put behind an answer belong to it.
    """
    lines = {part.id: part.line for part in source.prose}
    known = {LINK.sub(r"\1", text) for text in source.plain}  # editions have other links
    said: dict[str, list[str]] = {name: [] for name in lines}
    last = ""
    for cell, label in found.cells:
        last = label if label in lines else last if _continues(cell, label, known) else ""
        if last:
            said[last].append(_without_line(cell.text, lines[last]))
    texts = {name: "\n\n".join(pieces) for name, pieces in said.items()}
    return {name: text.replace(TEXT_STUB[0], "").strip() for name, text in texts.items()}


def stated_ids(found: Found) -> list[str]:
    """The first student ids that the code cells state, each once; that of the setup cell first."""
    code = [cell for cell, label in found.cells if cell.kind == "code" and label != "setup"]
    unique: dict[str, str] = {}
    for cell in [*found.labelled("setup"), *code]:
        for match in STATED.finditer(cell.text):
            stated = one_line(match["double"] or match["single"] or match["bare"], 100)
            unique.setdefault(stated.casefold(), stated)
    return [stated for stated in unique.values() if stated][:MOST_IDS]


def with_id(text: str, student: str) -> str:
    """The cell's text in which every line that states an id states this one."""
    return STATED.sub(lambda match: match["head"] + json.dumps(student), text)


def results(found: Found) -> dict[str, Any]:
    """What the lines `RESULTS {...}` of the stored outputs say, later ones over earlier ones."""
    told: dict[str, Any] = {}
    for cell, _ in found.cells:
        for line in cell.results:
            told |= _strict(line)
    return told


def alone(found: Found, names: Iterable[str]) -> list[str]:
    """The texts of the setup and of the named answers; of one cell or more for each of these."""
    return [cell.text for name in ("setup", *names) for cell in found.labelled(name)]


def whole(found: Found, source: Source, without: Iterable[str] = ()) -> list[str]:
    """The texts of all code cells in order, save test cells, long runs and the tasks `without`."""
    run = {"", "setup", *_tasks(source)} - set(without)
    return [cell.text for cell, label in found.cells if label in run and _is_code(cell, label)]


def elsewhere(found: Found, source: Source, check: Check, errors: Iterable[str]) -> bool:
    """Whether a cell that the part alone does not run may be what it lacks.

    That is any cell of the student's own, and another answer in which something is defined that
    the part's tasks ask for, or that an error of the part did not find.
    """
    own = {"setup", check.task, *check.needs}
    missed = {name for error in errors for name in re.findall(r"NameError: name '(\w+)'", error)}
    names = missed.union(*(defined(source.task(task).solution) for task in own - {"setup"}))
    binds = re.compile(
        rf"^[ \t]*(?:(?:def|class)[ \t]+)?(?:{'|'.join(names) or '(?!)'})\b", re.MULTILINE
    )
    return any(
        (not label and tidy(cell.text) not in source.plain) or (label and binds.search(cell.text))
        for cell, label in found.cells
        if label not in own and label in {"", *_tasks(source)} and _is_code(cell, label)
    )


def defined(text: str) -> set[str]:
    """The functions and classes at the top level of a text of the source, and what it assigns."""
    body = ast.parse(text).body
    named = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned = (target for node in body if isinstance(node, ast.Assign) for target in node.targets)
    return named | {target.id for target in assigned if isinstance(target, ast.Name)}


def _tasks(source: Source) -> set[str]:
    return {task.id for task in source.tasks}


def _is_code(cell: Cell, label: str) -> bool:
    """Whether a cell may run; one with a label also where its type was changed."""
    return bool(label) or (cell.kind == "code" and NOT_GRADED not in cell.tags)


def _strict(line: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    try:
        told = json.loads(line, parse_constant=refuse)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _labeller(source: Source) -> Callable[[Cell], str]:
    """What gives a cell its label. Cells of text need the whole line: headings look like it."""
    names = {"setup", *source.order}
    lines = {tidy(part.line): part.id for part in (*source.tasks, *source.prose)}
    keys = {_key(line): name for line, name in lines.items()}
    checks = {check.title.casefold(): check.id for check in source.checks}

    def label(cell: Cell) -> str:
        begin = [line.strip() for line in cell.text.lstrip().split("\n", 12) if line.strip()]
        for line in begin[:FIRST_LINES]:
            if line in lines:
                return lines[line]
            kind, number = _key(line)
            if cell.kind != "code" or not (number or kind == "setup"):
                continue
            if kind == "check":
                titles = (name for title, name in checks.items() if title in line.casefold())
                return next(titles, cell.grade_id if cell.grade_id in checks.values() else "test")
            if kind in ("run", "setup"):
                return kind
            if (kind, number) in keys:
                return keys[kind, number]
        if cell.grade_id in names:
            return cell.grade_id
        return "run" if INSTALLS in cell.text else ""

    return label


def _key(line: str) -> tuple[str, str]:
    match = KEY.match(line)
    return (match[1].casefold(), match[2] or "") if match else ("", "")


def _events(found: Found, source: Source) -> Iterator[str]:
    """What is unusual in a notebook, a sentence each, for the log."""
    seen = [label for _, label in found.cells]
    for task in source.tasks:
        cells = found.labelled(task.id)
        if not cells:
            yield f"{task.id}: its answer cell is missing"
        if len(cells) > 1:
            yield f"{task.id}: {len(cells)} answer cells, run in order, so that the last one counts"
        for kind in sorted({cell.kind for cell in cells} - {"code"}):
            yield f"{task.id}: its answer cell is of the type {kind or 'unknown'}: taken as code"
        others = sorted({cell.grade_id for cell in cells} - {task.id, ""})
        if others:
            yield f"{task.id}: its answer stands in {_cells_named(others)}"
    by_line = [task.id for task in source.tasks if _by_line(found.labelled(task.id))]
    if by_line:
        yield f"found by the task line, without nbgrader's metadata: {', '.join(by_line)}"
    first = [seen.index(name) for name in source.order if name in seen]
    if first != sorted(first):
        yield "the cells stand in another order than the released ones"
    yield from _events_of_tests(found, source)


def _cells_named(names: list[str]) -> str:
    first = ", ".join(one_line(name, 60) for name in names[:MOST_NAMES])
    more = f" and {len(names) - MOST_NAMES} others" if len(names) > MOST_NAMES else ""
    return f"a cell named {first}" if len(names) == 1 else f"cells named {first}{more}"


def _by_line(cells: list[Cell]) -> bool:
    return bool(cells) and not any(cell.grade_id for cell in cells)


def _events_of_tests(found: Found, source: Source) -> Iterator[str]:
    altered, missing = [], []
    for check in source.checks:
        cells = found.labelled(check.id)
        if not cells:
            missing.append(check.id)
        elif any(tidy(cell.text) != tidy(check.visible) for cell in cells):
            altered.append(check.id)
    if altered:
        yield f"altered test cells, which are not used: {', '.join(altered)}"
    if missing:
        yield f"missing test cells, which are not needed: {', '.join(missing)}"


def _continues(cell: Cell, label: str, known: Collection[str]) -> bool:
    """Whether a cell behind an answer in words is a further cell of text by the student."""
    return cell.kind == "markdown" and not label and LINK.sub(r"\1", tidy(cell.text)) not in known


def _without_line(text: str, line: str) -> str:
    first, _, rest = text.lstrip().partition("\n")
    return rest if first.strip() == line else text
