"""Takes apart a platform's own gradebook, Canvas's or Moodle's, each cell with its place.

Canvas exports `Student` (or `LastName` and `FirstName`), `ID`, `SIS User ID`, `SIS Login ID`,
`Section` and a column `Title (number)` an assignment; above the students stand rows with the
posting policy and the points possible. Moodle's grading worksheet has `Identifier` (Participant
and a number), `Full name`, `Email address`, `Grade`, `Maximum grade` and `Grade can be changed`.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..tables import CourseFileError

BOM = "\ufeff"
CANVAS_KEYS = ("id", "sis user id", "sis login id", "integration id")
MOODLE_KEYS = ("identifier", "id number", "email address")
CLOSED = ("EX", "N/A")  # Canvas: excused, and not assigned to this student


@dataclass(frozen=True)
class Cell:
    """One cell: what it says, and the part of the file's text that says it."""

    value: str
    start: int
    end: int
    quoted: bool


@dataclass(frozen=True)
class Student:
    """A row that stands for a student; `keys` are ids, the surest first, and may be empty."""

    name: str
    keys: tuple[str, ...]
    grade: Cell
    maximum: float
    closed: str = ""

    @property
    def label(self) -> str:
        return self.name or self.keys[0]


@dataclass(frozen=True)
class Roster:
    """A gradebook file taken apart; `text` is all of it, `comma` says that decimals have one."""

    path: Path
    platform: str
    text: str
    delimiter: str
    comma: bool
    students: tuple[Student, ...]


def read(path: str | Path, title: str, points: float) -> Roster:
    """The gradebook in a file, its students and the cells for the assignment of that title.

    `points` is what the assignment gives where the file does not say. CourseFileError, a sentence,
    for a file that is neither Canvas's nor Moodle's, or that holds no cell for the assignment.
    """
    path = Path(path)
    text = decoded(path)
    body = text.removeprefix(BOM)
    delimiter = max(",;\t", key=body.partition("\n")[0].count)
    rows = checked(path, text, parsed(path, text, delimiter))
    head = [cell.value.strip().casefold() for cell in rows[0]]
    if {"id", "section"} <= set(head) and ("student" in head or "lastname" in head):
        return canvas(path, text, delimiter, rows, title, points)
    if {"identifier", "grade", "grade can be changed"} <= set(head):
        return moodle(path, text, delimiter, rows, points)
    raise CourseFileError(
        f"{path} is neither Canvas's gradebook (columns Student, ID, Section) nor Moodle's grading "
        "worksheet (columns Identifier, Grade, Grade can be changed, exported in English)"
    )


def decoded(path: Path) -> str:
    """The text of the file, its byte order mark kept; CourseFileError where it is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise CourseFileError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CourseFileError(
            f"{path} is not in UTF-8: export it anew and do not save it"
        ) from error


def parsed(path: Path, text: str, delimiter: str) -> list[list[Cell]]:
    """Rows of cells with their places in the text, read as Python's csv module reads them.

    That module forgets the places, and with it cells would come back quoted in another way.
    """
    part = re.escape(delimiter)
    pattern = re.compile(
        rf'(?:"(?P<quoted>[^"]*(?:""[^"]*)*)"|(?P<plain>[^{part}\r\n]*))'
        rf"(?P<end>{part}|\r\n|\n|\r|\Z)"
    )
    rows: list[list[Cell]] = [[]]
    place = len(text) - len(text.removeprefix(BOM))
    while True:
        found = pattern.match(text, place)
        if found is None or (found["plain"] or "").startswith('"'):
            line = line_of(text, place)
            raise CourseFileError(f"{path}, line {line}: a quotation mark is not closed, or stray")
        quoted = found["quoted"] is not None
        value = found["quoted"].replace('""', '"') if quoted else found["plain"]
        rows[-1].append(Cell(value, place, found.start("end"), quoted))
        place = found.end()
        if found["end"] != delimiter:
            if place == len(text):
                return rows
            rows.append([])


def line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def checked(path: Path, text: str, rows: list[list[Cell]]) -> list[list[Cell]]:
    """The rows without empty ones; CourseFileError where one has not the head's number of cells."""
    rows = [row for row in rows if any(cell.value for cell in row)]
    for row in rows:
        if len(row) != len(rows[0]):
            line = line_of(text, row[0].start)
            raise CourseFileError(f"{path}, line {line}: {len(row)} cells, not {len(rows[0])}")
    return rows or [[]]


def canvas(
    path: Path, text: str, delimiter: str, rows: list[list[Cell]], title: str, points: float
) -> Roster:
    """Canvas's gradebook; the column of the assignment is known by its title."""
    head = [cell.value.strip() for cell in rows[0]]
    column = canvas_column(path, head, title)
    places = {name.casefold(): place for place, name in enumerate(head)}
    maximum, comma = points, False
    students = []
    for row in rows[1:]:
        if row[0].value.strip() == "Points Possible":
            comma = "," in row[column].value
            maximum = as_number(row[column].value) or points
        keys = tuple(row[places[key]].value.strip() for key in CANVAS_KEYS if key in places)
        if keys[0].isdecimal():  # rows above the students have no id
            cell = row[column]
            closed = cell.value.strip() if cell.value.strip() in CLOSED else ""
            students.append(Student(canvas_name(row, places), keys, cell, maximum, closed))
    return Roster(path, "Canvas", text, delimiter, comma, tuple(students))


def canvas_column(path: Path, head: Sequence[str], title: str) -> int:
    """Where the assignment's column stands: `Title (number)`, or the only one with that in it."""
    names = {
        place: same_name(found[1])
        for place, name in enumerate(head)
        if (found := re.fullmatch(r"(.*) \(\d+\)", name))
    }
    wanted = same_name(title)
    exact = [place for place, name in names.items() if name == wanted]
    places = exact or [place for place, name in names.items() if wanted in name]
    if len(places) != 1:
        many = f"{len(places)} columns" if places else "no column"
        raise CourseFileError(
            f"{path} has {many} for the assignment {title!r}: name it so in Canvas"
        )
    return places[0]


def canvas_name(row: list[Cell], places: Mapping[str, int]) -> str:
    if "student" in places:
        return row[places["student"]].value.strip()
    last, first = (row[places[name]].value.strip() for name in ("lastname", "firstname"))
    return f"{last}, {first}"


def moodle(path: Path, text: str, delimiter: str, rows: list[list[Cell]], points: float) -> Roster:
    """Moodle's grading worksheet, which is of one assignment."""
    places = {cell.value.strip().casefold(): place for place, cell in enumerate(rows[0])}
    comma, students = False, []
    for row in rows[1:]:
        said = {name: row[place].value.strip() for name, place in places.items()}
        keys = tuple(said[key] for key in MOODLE_KEYS if key in said)
        keys = (re.sub(r"\D", "", keys[0]), *keys[1:])
        comma = comma or "," in said.get("maximum grade", "")
        maximum = as_number(said.get("maximum grade", "")) or points
        closed = "" if said["grade can be changed"].casefold() in ("", "yes") else "locked"
        name = said.get("full name", "")
        students.append(Student(name, keys, row[places["grade"]], maximum, closed))
    return Roster(path, "Moodle", text, delimiter, comma, tuple(students))


def as_number(text: str) -> float:
    """A number of points, 0 where there is none."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return 0.0


def same_name(name: str) -> str:
    """A name without case, accents, spaces and signs, for comparing."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(filter(str.isalnum, plain)) or plain.strip()
