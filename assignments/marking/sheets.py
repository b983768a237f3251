"""Writes the sheets for markers: answers by code, in an order that does not tell their authors.

    python -m assignments rubric SUBMISSIONS --out SHEETS

SHEETS/for-markers goes to the markers; SHEETS/key.csv, which tells whose answers they are, does
not. A later call with the same SHEETS adds what has come in since and keeps marks and codes.
"""

import contextlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from .. import source as sources
from ..gradebooks import filling as roster
from ..gradebooks import reading as gradebook
from ..handed_in import answers, notebook, submissions
from ..handed_in.submissions import Submission
from ..pages import page
from ..source import Source
from ..tables import CourseFileError, read, save, to_csv
from .anonymous import blacked, code
from .marks import KEY, KEY_COLUMNS, SHEETS
from .rubric import Question, questions

Notebooks = Mapping[Submission, notebook.Notebook]
Places = dict[tuple[str, str], str]  # codes by question and student


@dataclass(frozen=True)
class Author:
    """Whose notebook it is: the platform's key and name, and the ids that the notebook states."""

    student: str
    name: str
    stated_id: str
    stated: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """One answer in words, without its author's name, and its code."""

    question: str
    author: Author
    text: str
    code: str = ""


def write(
    folder: Path, out: Path, *, assignment: str | None, book: Path | None, secret: str
) -> list[str]:
    """Writes a sheet and a page a question, and the key; returns what to tell the instructor.

    `book` is the platform's gradebook, for full names. A key and sheets that are there already
    keep their codes, marks and comments. CourseFileError for any file that cannot be used.
    """
    source, read_notebooks = assigned(readable(submissions.find(folder)), assignment)
    found = list(all_answers(read_notebooks, source))
    found = named(found, book, source) if book else found
    found = list(coded(map(anonymous, found), known_codes(out / KEY), secret))
    for question in questions(source):
        own = sorted((one for one in found if one.question == question.id), key=by_code)
        model = next(part.text for part in source.prose if part.id == question.id)
        write_sheet(out / SHEETS / f"{question.id}.csv", question, own)
        html = sheet_page(source, question, sources.without_markers(model), own)
        save(out / SHEETS / f"{question.id}.html", html.encode("utf-8"))
    write_key(out / KEY, found)
    return [
        f"{source.title}: {len(found)} answers, {len(questions(source))} to a notebook at most.",
        f"For the markers: {out / SHEETS}",
        f"Only for you: {out / KEY}, which tells whose answers they are.",
    ]


def by_code(answer: Answer) -> str:
    return answer.code


def readable(found: Iterable[Submission]) -> Notebooks:
    """The notebooks that can be read, each student's newest last."""
    parsed = {}
    for one in chain.from_iterable(submissions.by_student(found).values()):
        with contextlib.suppress(notebook.UnreadableError):
            parsed[one] = notebook.parse(notebook.content(one.path))
    return parsed


def assigned(notebooks: Notebooks, name: str | None) -> tuple[Source, Notebooks]:
    """The assignment of that name or notebook, else the only one handed in; each newest one."""
    known = sources.names()
    path = Path(name) if name and name.endswith(".ipynb") else None
    if name and not path and name not in known:
        raise CourseFileError(f"there is no assignment {name!r}, only {', '.join(known)}")
    of = {}
    for source in map(sources.read, [path or name] if name else known):
        own = {
            one.student: (one, read_notebook)
            for one, read_notebook in notebooks.items()
            if answers.belongs(read_notebook, source)
        }
        of |= {source.name: (source, dict(own.values()))} if own else {}
    if len(of) != 1:
        which = ", ".join(of) or "none that is known"
        raise CourseFileError(f"name the assignment: there are notebooks of {which}")
    return next(iter(of.values()))


def all_answers(notebooks: Notebooks, source: Source) -> Iterable[Answer]:
    """Every answer that is not empty."""
    for one, read_notebook in notebooks.items():
        found = answers.find(read_notebook, source)
        stated = tuple(answers.stated_ids(found))
        author = Author(one.student, one.name, next(iter(stated), ""), stated)
        for question, said in answers.in_words(found, source).items():
            if said:
                yield Answer(question, author, said)


def named(found: Sequence[Answer], book: Path, source: Source) -> list[Answer]:
    """The answers with the names that the gradebook has for their authors."""
    authors = {answer.author.student: answer.author for answer in found}
    students = gradebook.read(book, source.title, source.points)
    rows = roster.matched(students, list(authors.values()))
    full = {key: known(one, rows.get(key)) for key, one in authors.items()}
    return [replace(answer, author=full[answer.author.student]) for answer in found]


def known(author: Author, row: gradebook.Student | None) -> Author:
    """The author with the gradebook's name; its ids and the file's own name are to be blacked."""
    if row is None:
        return author
    logins = [key.partition("@")[0] for key in row.keys]
    stated = (*author.stated, author.name, *row.keys, *logins)
    return replace(author, name=row.name or author.name, stated=stated)


def anonymous(answer: Answer) -> Answer:
    who = answer.author
    return replace(answer, text=blacked(answer.text, {who.student, who.name, *who.stated}))


def known_codes(key: Path) -> Places:
    """The codes of an earlier call."""
    rows = read(key, KEY_COLUMNS) if key.is_file() else ()
    return {(row["question"], row.exact("student")): row["code"] for row in rows}


def coded(found: Iterable[Answer], codes: Places, secret: str) -> Iterable[Answer]:
    """The answers with their codes; new ones come from the secret, or from one made up here."""
    secret = secret or secrets.token_hex(16)
    taken = set(codes.values())
    for answer in found:
        place = (answer.question, answer.author.student)
        own = codes.get(place) or code(secret, *place, taken)
        taken.add(own)
        yield replace(answer, code=own)


def write_key(path: Path, found: Iterable[Answer]) -> None:
    """The key with its earlier rows, also of answers that are no longer there."""
    rows = {row["code"]: row for row in read(path, KEY_COLUMNS)} if path.is_file() else {}
    kept = {code: [row.exact(name) for name in KEY_COLUMNS] for code, row in rows.items()}
    new = {one.code: [one.question, one.code, one.author.student, one.author.name] for one in found}
    save(path, to_csv(KEY_COLUMNS, sorted((kept | new).values())))


def write_sheet(path: Path, question: Question, found: Sequence[Answer]) -> None:
    """The sheet that a marker fills in; marks that it holds already stay."""
    columns = ["code", *(one.column for one in question.criteria), "comment"]
    rows = {row["code"]: row for row in read(path, columns)} if path.is_file() else {}
    kept = {code: [row.exact(name) for name in columns] for code, row in rows.items()}
    empty = {one.code: [one.code, *[""] * (len(columns) - 1)] for one in found}
    save(path, to_csv(columns, sorted((empty | kept).values())))


def sheet_page(source: Source, question: Question, model: str, found: Sequence[Answer]) -> str:
    """The answers, each under its code, beside what each mark asks."""
    title = f"{source.title}: {question.title}"
    shown = {"question": question, "model": model.strip(), "answers": found}
    return page("sheet.html", title=title, **shown)
