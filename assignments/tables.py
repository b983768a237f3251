"""Tables as spreadsheets write and read them, in which no student's cell becomes a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A spreadsheet takes a cell that begins so for a formula: with full-width and small signs too, and
# behind blanks and quotation marks. Where lists have semicolons or tabs, a cell goes on only to the
# next of these, whatever it is quoted with, and what stands behind begins another.
FORMULA = re.compile(
    r"""(?:^|(?<=[;\t\r\n；]))(?=['"’ \u00a0\u3000]*[=+\-@\t\r\n＝＋－＠﹦﹢﹣﹫])"""
)
GUARDED = re.compile(FORMULA.pattern.replace("(?=[", "'(?=[", 1))


class CourseFileError(ValueError):
    """A file of the course that cannot be used, said in one sentence."""


@dataclass(frozen=True)
class Row:
    """One row of a table: the line of the file that it begins on, and its cells by column."""

    line: int
    cells: dict[str, str]

    def exact(self, column: str) -> str:
        """The cell as `to_csv` was given it, with all its blanks; empty where there is none."""
        return unguarded(self.cells.get(column.casefold(), ""))

    def __getitem__(self, column: str) -> str:
        return self.exact(column).strip()


def guarded(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would take what follows for a formula."""
    return FORMULA.sub("'", text)


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return GUARDED.sub("", text)


def printable(number: float) -> str:
    """A number of points with at most two decimals and no needless zeros."""
    return f"{round(number, 2) + 0:g}" if abs(number) < 10_000 else f"{number:.2f}"


def to_csv(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> bytes:
    """A table in UTF-8 with the mark that Excel needs; texts are guarded, numbers are not."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in (head, *rows):
        writer.writerow(guarded(cell) if isinstance(cell, str) else printable(cell) for cell in row)
    return text.getvalue().encode("utf-8-sig", errors="replace")


def save(path: Path, content: bytes) -> None:
    """Writes a file of the course; CourseFileError where the system forbids it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise CourseFileError(
            f"cannot write {path}: {error.strerror or error}; is it open in another program?"
        ) from error


def load(path: Path) -> str:
    """The text of a file in UTF-8, or in Windows' western encoding, which older Excels write."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseFileError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read(path: Path, needed: Sequence[str], allowed: Sequence[str] = ()) -> list[Row]:
    """The rows of a table that has the columns `needed`, and no others than those and `allowed`.

    Commas, semicolons and tabs part the cells, whichever the first line holds most of. Rows
    without any text are left out. CourseFileError for another set of columns or a broken row.
    """
    text = load(path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        head = [name.strip().casefold() for name in next(lines, [])]
        check_head(path, head, needed, allowed)
        return list(rows_of(path, head, lines))
    except csv.Error as error:
        raise CourseFileError(f"{path}, line {lines.line_num}: {error}") from error


def check_head(path: Path, head: list[str], needed: Sequence[str], allowed: Sequence[str]) -> None:
    """CourseFileError where a column is missing, unknown or there twice."""
    for name in needed:
        if name.casefold() not in head:
            raise CourseFileError(f"{path} has no column {name!r}")
    known = {name.casefold() for name in (*needed, *allowed)}
    for name in filter(None, head):
        if name not in known:
            raise CourseFileError(f"{path} has a column {name!r} that is not known")
        if head.count(name) > 1:
            raise CourseFileError(f"{path} has the column {name!r} twice")


def rows_of(path: Path, head: list[str], lines: Any) -> Iterable[Row]:
    """Rows by column, names of columns in lower case."""
    before = lines.line_num
    for cells in lines:
        line, before = before + 1, lines.line_num
        if len(cells) > len(head) and any(map(str.strip, cells[len(head) :])):
            raise CourseFileError(f"{path}, line {line} has more cells than there are columns")
        row = {name: cell for name, cell in zip(head, cells, strict=False) if name}
        if any(map(str.strip, row.values())):
            yield Row(line, row)


def number(path: Path, row: Row, column: str) -> float:
    """The number in a cell, with a point or a comma; CourseFileError where it holds none."""
    text = row[column]
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e6:  # nan is not, either
        raise CourseFileError(f"{path}, line {row.line}: {text!r} in {column!r} is no number")
    return value
