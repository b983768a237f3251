"""Names of the files that go back to students, as each platform takes them in bulk.

Moodle wants the folders of its own export, `Full name_NUMBER_assignsubmission_file_`, and cuts
their names at underscores; Canvas knows a returned file by the numbers of student and file that
stand between underscores in the name it was exported under.
"""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from ..handed_in.submissions import CANVAS, MOODLE
from ..result import Result

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # names of Windows' devices
LONGEST = 150  # bytes of one name, for file systems that take no more than 255 in a whole


def feedback_names(results: Iterable[Result]) -> dict[str, str]:
    """The file of feedback of each student, by the result's `student`, below one folder."""
    taken: set[str] = set()
    return {result.student: apart(feedback_name(result), taken) for result in results}


def feedback_name(result: Result) -> str:
    """Where the platform from which the file came looks for what goes back.

    By names of the platform alone: a student's own folder may be called like another's.
    """
    for place in PurePosixPath(result.file).parts:
        found = MOODLE.fullmatch(place)
        if found and found["key"] == result.student:
            name = safe(found["name"])
            return f"{name}_{found['key']}_assignsubmission_file_/feedback.html"
    place = PurePosixPath(result.file)
    found = CANVAS.fullmatch(place.name)
    if found and found["key"] == result.student:
        return f"{safe(place.stem)}.html"
    return f"{safe(result.student)}.html"


def folder_names(results: Iterable[Result]) -> dict[str, str]:
    """A folder of its own for each student, by the result's `student`."""
    taken: set[str] = set()
    return {result.student: apart(safe(result.student), taken) for result in results}


def safe(name: str) -> str:
    """The name without what a file system, an archive or a reader would stumble over."""
    name = unicodedata.normalize("NFC", name)
    name = "".join("-" if unsafe(letter) else letter for letter in name)
    name = name.encode("utf-8", "ignore")[:LONGEST].decode("utf-8", "ignore")
    name = re.sub(r"^[.~\s]+|[.\s]+$", "", name)
    return f"{name}-" if RESERVED.fullmatch(name.partition(".")[0]) else name or "nameless"


def unsafe(letter: str) -> bool:
    """Separators, wild cards, and letters that cannot be seen or turn the text around."""
    return letter in '<>:"/\\|?*' or unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Cn"}


def apart(name: str, taken: set[str]) -> str:
    """The name, or one with a number where another has it, also in other case."""
    ending = ".html" if name.endswith(".html") else ""
    number, free = 1, name
    while same_file(free) in taken:
        number += 1
        free = f"{name.removesuffix(ending)}-{number}{ending}"
    taken.add(same_file(free))
    return free


def same_file(name: str) -> str:
    """What file systems that do not tell case or forms of letters apart take a name for."""
    return unicodedata.normalize("NFKC", name).casefold()
