"""Finds what students handed in, in a folder as a platform exports it.

Canvas gives files `namefamily_LATE_USER_FILE_block.ipynb`, Moodle folders (or files)
`Name_NUMBER_assignsubmission_file_`, Gradescope folders `submission_NUMBER` beside
`submission_metadata.yml`, nbgrader `submitted/STUDENT/block/block.ipynb`. Anything else is taken as
`STUDENT.ipynb` or `STUDENT/any.ipynb`. No symbolic link is followed.

Whose a file is, the platform's own part of its name decides, which comes first. A name that could
be read in two ways is counted for nobody.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

# The name has no underscore: Moodle's export (mod/assign) writes blanks for them, and Canvas's has
# letters alone. So the first number is the platform's, whatever a student calls a file.
CANVAS = re.compile(
    r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<key>[0-9]+)_(?P<number>[0-9]+)_(?P<file>.+)", re.DOTALL
)
MOODLE = re.compile(
    r"(?P<name>[^_]+)_(?P<key>[0-9]+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.DOTALL
)
TWICE = re.compile(r".*_[0-9]+_(?:[0-9]+_.+|assignsubmission_.*)", re.DOTALL)
GRADESCOPE, GRADESCOPE_TABLE = re.compile(r"submission_(?P<key>[0-9]+)"), "submission_metadata.yml"
IGNORED = re.compile(r"\..*|__.*|~.*|desktop\.ini|Thumbs\.db", re.DOTALL)
CHECKPOINT = "-checkpoint.ipynb"  # Jupyter's copies, which count where there is nothing else
DEPTH = 6


@dataclass(frozen=True)
class Submission:
    """One file of one student.

    `student` is the platform's id, else the name of file or folder; `file` is the path inside the
    export, as text; `place` orders the files of one student, the newest last. `doubt` says why a
    file is counted for nobody: its `student` is then the name of the file itself.
    """

    path: Path
    student: str
    name: str
    late: bool
    file: str
    place: tuple = ()
    doubt: str = ""


class SubmissionsError(ValueError):
    """A folder that is not there or holds nothing that could be graded."""


def find(folder: str | Path) -> list[Submission]:
    """Every file that a student handed in, by student and age; SubmissionsError where none is.

    A student's folder without any notebook stands for itself, so that it is named and not lost.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SubmissionsError(f"there is no folder {folder}")
    top = _inner(folder)
    known = _gradescope_students(top / GRADESCOPE_TABLE)
    _refuse_several(top)
    found: list[Submission] = []
    others: list[tuple[str, Submission]] = []
    for path in _entries(top):
        is_folder = path.is_dir() and not path.is_symlink()
        own = list(_in_folder(path, folder, known) if is_folder else _alone(path, folder))
        if _known(path.name) or path.name in known:
            found += own
        else:
            others += [(path.name, one) for one in own]
    taken = {one.student for one in found}
    found += [_doubted(one, name, taken) for name, one in others]
    if not found:
        raise SubmissionsError(f"{folder} holds no notebook")
    return sorted(found, key=lambda one: (natural(one.student), one.place))


def doubts(found: Iterable[Submission]) -> list[str]:
    """What an instructor should look at in the names, a sentence each."""
    said = [one.doubt for one in found if one.doubt]
    for student, own in by_student(found).items():
        names = sorted({one.name for one in own})
        if len(names) > 1:
            whose = " and ".join(map(repr, names[:5]))
            said.append(f"{student} has handed in under several names: {whose}")
    return list(dict.fromkeys(said))


def _doubted(one: Submission, name: str, taken: Collection[str]) -> Submission:
    """The submission, for nobody where the name at the top is, or holds, a platform's number."""
    if one.student in taken:
        why = f"the platform has given {one.student!r} to another file"
    elif TWICE.fullmatch(name):
        why = f"{readable(name)!r} can be read in two ways"
    else:
        return one
    doubt = f"{one.file}: {why}, so it is counted for nobody"
    return replace(one, student=f"{one.file} (whose?)", name=one.file, doubt=doubt)


def _refuse_several(top: Path) -> None:
    """SubmissionsError where every folder is an export itself, which would pass for a student.

    Every folder, so that no student stops the class by the names of two files.
    """
    folders = [path for path in _entries(top) if path.is_dir() and not path.is_symlink()]
    if folders and all(_is_export(path) for path in folders):
        names = ", ".join(readable(path.name) for path in folders[:5])
        raise SubmissionsError(f"{top} holds exports and no submissions: give one of {names}")


def _is_export(place: Path) -> bool:
    matches = [_known(path.name) for path in _entries(place)]
    return not _known(place.name) and len({match["key"] for match in matches if match}) > 1


def by_student(found: Iterable[Submission]) -> dict[str, list[Submission]]:
    """The files of each student, the newest last."""
    groups: dict[str, list[Submission]] = {}
    for one in sorted(found, key=lambda one: (natural(one.student), one.place)):
        groups.setdefault(one.student, []).append(one)
    return groups


def natural(name: str) -> tuple:
    """A key that sorts block.ipynb before block-2.ipynb and that before block-10.ipynb."""
    words = re.split(r"(\d{1,18})", name.removesuffix(".ipynb"))
    return tuple(int(word) if index % 2 else word for index, word in enumerate(words))


def readable(name: str) -> str:
    """A file's name as text that can be written anywhere, also where its bytes are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _inner(folder: Path) -> Path:
    """The folder itself, or the only one in it: an unpacked archive, nbgrader's `submitted`."""
    for _ in range(DEPTH):
        entries = list(_entries(folder))
        inner = entries[0] if len(entries) == 1 else folder / "submitted"
        wraps = inner.name == "submitted" or any(
            _known(path.name) or path.name == GRADESCOPE_TABLE for path in _entries(inner)
        )
        if inner.is_symlink() or not inner.is_dir() or not wraps:
            return folder
        folder = inner
    return folder


def _known(name: str) -> re.Match | None:
    return CANVAS.fullmatch(name) or MOODLE.fullmatch(name) or GRADESCOPE.fullmatch(name)


def _alone(path: Path, folder: Path) -> Iterator[Submission]:
    """A file at the top: of Canvas or Moodle, else a notebook named after its student."""
    name = path.name
    if match := CANVAS.fullmatch(name):
        late = match["late"] is not None
        place = (_rank(path), int(match["number"][:18]), natural(match["file"]))
        yield _submission(path, folder, match["key"], match["name"], late, place)
    elif match := MOODLE.fullmatch(name):
        place = (_rank(path), 0, natural(match["file"]))
        yield _submission(path, folder, match["key"], match["name"], False, place)
    elif name.endswith(".ipynb") and not name.endswith(CHECKPOINT):
        student = name.removesuffix(".ipynb")
        yield _submission(path, folder, student, student, False, (1, 0, natural(name)))


def _in_folder(
    place: Path, folder: Path, known: dict[str, list[tuple[str, str]]]
) -> Iterator[Submission]:
    """The files of one student's folder: its notebooks, else all, else the folder itself."""
    match = MOODLE.fullmatch(place.name) or GRADESCOPE.fullmatch(place.name)
    key = match["key"] if match else place.name
    name = match.groupdict().get("name", key) if match else key
    files = list(_files(place, DEPTH))
    notebooks = [path for path in files if path.name.endswith(".ipynb")]
    saved = [path for path in notebooks if not path.name.endswith(CHECKPOINT)]
    files = saved or notebooks or files or [place]
    for student, called in known.get(place.name, [(key, name)]):
        for path in files:
            order = (_rank(path), 0, natural(path.relative_to(place).as_posix()))
            yield _submission(path, folder, student, called, False, order)


def _submission(
    path: Path, folder: Path, student: str, name: str, late: bool, place: tuple
) -> Submission:
    file = readable(path.relative_to(folder).as_posix())
    return Submission(path, readable(student), readable(name), late, file, place)


def _rank(path: Path) -> int:
    """Notebooks count before any other file, however new that is."""
    return int(path.name.endswith(".ipynb"))


def _entries(folder: Path) -> Iterator[Path]:
    """What is in a folder, in order; nothing where it may not be read, as archives can have it."""
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        paths = []
    yield from (path for path in paths if not IGNORED.fullmatch(path.name))


def _files(folder: Path, depth: int) -> Iterator[Path]:
    for path in _entries(folder):
        if path.is_symlink() or not path.is_dir():
            yield path
        elif depth:
            yield from _files(path, depth - 1)


def _gradescope_students(table: Path) -> dict[str, list[tuple[str, str]]]:
    """Who handed in each folder, as (id or address, name), from Gradescope's own table.

    All in it is read as text, for an id may begin with zeros, and no object is made of it. A name
    may hold a letter that YAML forbids, and costs nobody else the table.
    SubmissionsError where it is no table.
    """
    if table.is_symlink() or not table.is_file():
        return {}
    try:
        text = yaml.reader.Reader.NON_PRINTABLE.sub(
            "\N{REPLACEMENT CHARACTER}", table.read_text("utf-8", "replace")
        )
        read = yaml.load(text, Loader=yaml.CBaseLoader)
        return {
            folder: [_submitter(one, folder) for one in about[":submitters"]]
            for folder, about in read.items()
            if about[":submitters"]
        }
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise SubmissionsError(f"{table} is not as Gradescope writes it: export it anew") from error


def _submitter(one: Mapping[str, str], folder: str) -> tuple[str, str]:
    return one.get(":sid") or one.get(":email") or folder, one.get(":name", folder)
