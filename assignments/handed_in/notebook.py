"""Reads a handed-in notebook, whatever the file holds, without running or importing any of it.

The JSON is read by hand and not validated, because a validator that raises would cost an honest
student everything for one odd field.
"""

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 20_000_000  # bytes of a notebook; an honest one with all its figures has one or two million
MOST_CELLS = 10_000  # the released notebooks have fifty or so
RESULTS_LIMIT = 1_000_000  # characters of a line of results


class UnreadableError(ValueError):
    """A file that is no notebook, or that must not be read; the text says why."""


@dataclass(frozen=True)
class Cell:
    """One cell as it was handed in: `kind` is code, markdown, raw or empty."""

    kind: str
    text: str
    grade_id: str = ""
    tags: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notebook:
    """The cells of a notebook, and what its metadata say of its assignment and its editor."""

    cells: tuple[Cell, ...]
    assignment: str = ""
    remarks: tuple[str, ...] = ()


def content(path: Path) -> bytes:
    """The bytes of a regular file of bearable size; UnreadableError for anything else."""
    try:
        about = os.lstat(path)
        if stat.S_ISLNK(about.st_mode):
            raise UnreadableError("it is a symbolic link, which is not followed")
        if stat.S_ISDIR(about.st_mode):
            raise UnreadableError("the folder holds no notebook")
        if not stat.S_ISREG(about.st_mode):
            raise UnreadableError("it is not an ordinary file")
        if about.st_size > LIMIT:
            size = f"{about.st_size / 1e6:.0f} MB"
            raise UnreadableError(f"it has {size}: at most {LIMIT / 1e6:.0f} MB are read")
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags), "rb") as file:
            return file.read(LIMIT + 1)
    except OSError as error:
        raise UnreadableError(f"it cannot be read: {error.strerror or error}") from error


def parse(data: bytes) -> Notebook:
    """The notebook of these bytes; UnreadableError where there is none."""
    try:
        whole = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise UnreadableError("it is not JSON, so not a notebook") from error
    cells = _cells(whole)
    if cells is None:
        raise UnreadableError("it is JSON, but not a notebook: it has no list of cells")
    if len(cells) > MOST_CELLS:
        raise UnreadableError(f"it has {len(cells):,} cells: at most {MOST_CELLS:,} are read")
    metadata = _table(whole.get("metadata"))
    about = _table(metadata.get("resnet_assignment")).get("name")
    remarks = []
    if not isinstance(whole.get("cells"), list):
        remarks.append("the notebook has the format 3 of before 2015")
    if "colab" in metadata:
        remarks.append("the notebook was saved by Colab")
    if any("vscode" in _table(_table(cell).get("metadata")) for cell in cells):
        remarks.append("the notebook was saved by VS Code")
    own = tuple(_cell(cell) for cell in cells if isinstance(cell, dict))
    return Notebook(own, about if isinstance(about, str) else "", tuple(remarks))


def one_line(text: str | None, limit: int = 300) -> str:
    """The text without line breaks and control characters, cut at the limit."""
    printable = (letter if letter.isprintable() else " " for letter in (text or "")[: 4 * limit])
    line = " ".join("".join(printable).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _cells(whole: Any) -> list | None:
    """The list of cells, of format 4 or of the first sheet of format 3."""
    if not isinstance(whole, dict):
        return None
    sheets = whole.get("worksheets")
    if not isinstance(whole.get("cells"), list) and isinstance(sheets, list) and sheets:
        whole = _table(sheets[0])
    return whole["cells"] if isinstance(whole.get("cells"), list) else None


def _cell(cell: Mapping[str, Any]) -> Cell:
    metadata = _table(cell.get("metadata"))
    name = _table(metadata.get("nbgrader")).get("grade_id")
    kind, tags = cell.get("cell_type"), metadata.get("tags")
    outputs = cell.get("outputs")
    return Cell(
        kind=kind if kind in ("code", "markdown", "raw") else "",
        text=_text(cell["source"] if "source" in cell else cell.get("input")),
        grade_id=name if isinstance(name, str) else "",
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        results=tuple(_result_lines(outputs if isinstance(outputs, list) else ())),
    )


def _result_lines(outputs: Iterable[Any]) -> Iterator[str]:
    for output in outputs:
        for line in _text(_table(output).get("text")).splitlines():
            if line.startswith("RESULTS ") and len(line) <= RESULTS_LIMIT:
                yield line.removeprefix("RESULTS ")


def _text(value: Any) -> str:
    """The text of a string or of a list of lines; lone surrogates as ?"""
    lines = value if isinstance(value, list) else [value]
    text = "".join(line for line in lines if isinstance(line, str))
    return text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
