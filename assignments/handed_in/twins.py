"""Near twins: submissions whose own code is nearly the same once names and layout are set aside.

Fingerprints by winnowing (Schleimer, Wilkerson and Aiken, SIGMOD 2003), as MOSS takes them: hashes
of a few tokens in a row, of which the least of each window counts, so that any passage of
TOKENS + WINDOW - 1 tokens that two notebooks share is seen. What the assignment gives out, its own
solution, and what much of the class writes alike belong to nobody. Answers in words are not read.
"""

import hashlib
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ..source import Source
from . import answers, notebook
from .submissions import Submission

TOKENS, WINDOW = 12, 4
LONGEST = 20_000  # tokens of one notebook; the solutions have about 2,000
FEWEST = (
    40  # shared fingerprints of a pair, about a dozen lines: three obvious ones are no evidence
)
SHARE = 0.5  # of the smaller one's own fingerprints
COMMON, COMMON_SHARE = 8, 0.2  # what more submissions than this have is common property

# Every alternative matches what it has begun, so that no text is read twice. Python's own tokenize
# gives up on code with an error in it, and its time grows with the square of some lines.
TOKEN = re.compile(
    r'''(?P<comment>\#[^\n]*)
    | (?P<text>[rbfuRBFU]{0,2}(?:"""(?:[^"\\]|\\.|"(?!""))*(?:""")?
        | \'\'\'(?:[^'\\]|\\.|'(?!\'\'))*(?:\'\'\')?
        | "(?:[^"\\\n]|\\.)*"? | '(?:[^'\\\n]|\\.)*'?))
    | (?P<number>\d[\w.]*)
    | (?P<name>\w+)
    | (?P<sign>\S)''',
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Print:
    """The fingerprints of one notebook's own code; `now` is False for one of an earlier year."""

    label: str
    marks: frozenset[int]
    now: bool = True


@dataclass(frozen=True)
class Twins:
    """Two notebooks, how many fingerprints they share, and that as a share of the smaller one."""

    one: str
    other: str
    shared: int
    share: float


def prints(found: Iterable[Submission], about: Source, now: bool = True) -> Iterator[Print]:
    """The fingerprints of each notebook of the assignment."""
    given = marks_of_source(about)
    for one in found:
        try:
            read = notebook.parse(notebook.content(one.path))
        except notebook.UnreadableError:
            continue
        if answers.belongs(read, about):
            yield Print(one.file, own_marks(read, about) - given, now)


def twins(all_prints: Sequence[Print]) -> list[Twins]:
    """The near twins of which at least one is of now, the most alike first."""
    count = Counter(mark for one in all_prints for mark in one.marks)
    most = max(COMMON, COMMON_SHARE * len(all_prints))
    own = [{mark for mark in one.marks if count[mark] <= most} for one in all_prints]
    holders: dict[int, list[int]] = {}
    for place, marks in enumerate(own):
        for mark in marks:
            holders.setdefault(mark, []).append(place)
    shared = Counter(pair for places in holders.values() for pair in combinations(places, 2))
    found = []
    for (one, other), number in shared.items():
        share = number / min(len(own[one]), len(own[other]))
        now = all_prints[one].now or all_prints[other].now
        if now and number >= FEWEST and share >= SHARE:
            labels = all_prints[one].label, all_prints[other].label
            found.append(Twins(*labels, number, share))
    return sorted(found, key=lambda pair: (-pair.share, -pair.shared, pair.one, pair.other))


def own_marks(read: notebook.Notebook, about: Source) -> frozenset[int]:
    """The fingerprints of the answers in code and of a student's further cells."""
    tasks, left = {task.id for task in about.tasks}, LONGEST
    marks: set[int] = set()
    for cell, label in answers.find(read, about).cells:
        if label in tasks or (not label and cell.kind == "code"):
            own = list(tokens(cell.text, left))
            left -= len(own)
            hashes = hashed(own)
            marks.update(min(hashes[at : at + WINDOW]) for at in windows(hashes))
    return frozenset(marks)


def marks_of_source(about: Source) -> frozenset[int]:
    """All hashes of what students are given and of the solutions, not the least ones alone."""
    texts = [about.setup, *about.plain, *(check.visible for check in about.checks)]
    texts += [text for task in about.tasks for text in (task.released, task.solution)]
    return frozenset(each for text in texts for each in hashed(list(tokens(text))))


def windows(hashes: Sequence[int]) -> range:
    return range(max(1, len(hashes) - WINDOW + 1) if hashes else 0)


def hashed(own: Sequence[str]) -> list[int]:
    """A number for each few tokens in a row."""
    rows = (" ".join(own[at : at + TOKENS]) for at in range(len(own) - TOKENS + 1))
    digests = (hashlib.blake2b(row.encode(), digest_size=8).digest() for row in rows)
    return [int.from_bytes(digest, "big") for digest in digests]


def tokens(text: str, most: int = LONGEST) -> Iterator[str]:
    """Python's tokens with names, numbers and texts by kind alone, without comments and docstrings.

    Keywords stay, and what is read from a module or an object: `nn.Conv2d`, and not `self.conv`.
    """
    before, last, end = "", "", 0
    for match in TOKEN.finditer(text):
        begins_line = end == 0 or "\n" in text[end : match.start()]
        kind, word, end = match.lastgroup, match[0], match.end()
        if kind == "comment" or (kind == "text" and begins_line):
            continue
        if most <= 0:
            return
        most -= 1
        if kind == "name" and not keyword.iskeyword(word):
            known = last == "." and before not in ("self", "cls")
            shown = word if known else "n"
        else:
            shown = {"text": "s", "number": "0"}.get(kind, word)
        before, last = last, word
        yield shown
