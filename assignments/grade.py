"""Grades a folder of submissions and writes what the course needs of it.

A stopped command goes on where it stopped: each result is stored as it ends, and graded again only
where the submission, the assignment, the grader or the key has changed.
"""

import argparse
import secrets
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from resnet.runtime.files import write_text

from . import source
from .gradebooks import filling as roster
from .gradebooks import identities
from .gradebooks import reading as gradebook
from .grading import digests, progress
from .grading.kept_grades import Store
from .grading.pool import LONGEST, Setting
from .handed_in import notebook, submissions, twins
from .handed_in.answers import belongs
from .handed_in.submissions import Submission, SubmissionsError
from .reports import writing as reports
from .result import Result
from .sandbox.kinds import NoSandboxError, choose
from .source import Source, SourceError
from .tables import CourseFileError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submissions", type=Path, help="the folder as the platform exports it")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the grades")
    parser.add_argument("--assignment", help="its name, or its notebook; else what most handed in")
    parser.add_argument("--workers", type=int, default=2, help="submissions at a time (2)")
    parser.add_argument(
        "--longest", type=float, default=LONGEST / 60, metavar="MINUTES",
        help="that one submission may take in all before it is ended (10)",
    )  # fmt: skip
    parser.add_argument("--key", help="the course's secret for random inputs; else one is drawn")
    parser.add_argument("--roster", type=Path, help="the platform's gradebook, to be filled in")
    parser.add_argument(
        "--refuse-foreign-ids", action="store_true",
        help="give nothing for a notebook that states an id which is not its author's",
    )  # fmt: skip
    parser.add_argument(
        "--earlier", type=Path, action="append", default=[], metavar="FOLDER",
        help="submissions of an earlier year, to look for near twins in; may be given again",
    )  # fmt: skip
    parser.add_argument("--marks", type=Path, help="the folder of the markers' sheets")
    parser.add_argument("--adjustments", type=Path, help="days late, regrades and other points")
    parser.add_argument(
        "--late-percent-per-day", type=float, default=10.0, metavar="PERCENT",
        help="of what was earned, for each day late that the adjustments name (10)",
    )  # fmt: skip
    parser.add_argument(
        "--container", metavar="PROGRAM",
        help="run students' code in a container of docker or podman",
    )  # fmt: skip
    parser.add_argument("--unsafe", action="store_true", help="run students' code unprotected")


def run(options: argparse.Namespace) -> int:
    """0 where all were graded, 1 with a sentence where something was wrong, 130 after Ctrl-C."""
    try:
        return _graded(options)
    except (CourseFileError, NoSandboxError, SourceError, SubmissionsError, OSError) as error:
        print(f"assignments: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped: the same command goes on.", file=sys.stderr)
        return 130


def _graded(options: argparse.Namespace) -> int:
    if not options.longest > 0:
        raise CourseFileError("--longest takes minutes, more than 0")
    found = submissions.find(options.submissions)
    path = assignment(options.assignment, found)
    about = source.read(path)
    # Refused now, and not after hours.
    book = gradebook.read(options.roster, about.title, about.points) if options.roster else None
    earlier = [one for folder in options.earlier for one in submissions.find(folder)]
    sandbox = choose(unsafe=options.unsafe, container=options.container)
    options.out.mkdir(parents=True, exist_ok=True)
    key = course_key(options.key, options.out)
    setting = Setting(path, sandbox, key)
    counted, notes = choose_newest(found, about)
    store = Store(options.out / "results", digests.of_grader(path, key), digests.sentences(about))
    longest = 60 * options.longest
    done = progress.graded(counted, about, store, setting, options.workers, longest)
    rows = roster.matched(book, done.results) if book else {}
    foreign = identities.foreign(done.results, rows, book)
    results = identities.told(with_notes(done.results, notes), foreign)
    failures = [f"Not graded: {failure}." for failure in done.failures]
    doubts = [f"{doubt}." for doubt in submissions.doubts(found)]
    doubts += identities.notes(foreign, book is not None)
    write_text(options.out / "log.txt", log(results))
    alike = twins.twins([*twins.prints(counted, about), *twins.prints(earlier, about, now=False)])
    if alike:
        pairs = reports.counted(len(alike), "pair")
        doubts.append(f"{pairs} of near twins: overview.html says what that means.")
    told = reports.write(
        results,
        options.out,
        source=about,
        roster=options.roster,
        marks=options.marks,
        adjustments=options.adjustments,
        late_percent_per_day=options.late_percent_per_day,
        refused=[one.student for one in foreign] if options.refuse_foreign_ids else (),
        twins=alike,
        notes=[*failures, *done.slow, *doubts],
    )
    print("\n".join([*done.slow, *doubts, *told, f"Grades, feedback and log: {options.out}"]))
    for failure in done.failures:
        print(f"assignments: not graded: {failure}", file=sys.stderr)
    return 1 if done.failures else 0


def assignment(named: str | None, found: Iterable[Submission]) -> Path:
    """The source notebook that is named, else the one of which most submissions are.

    SourceError where there is no such assignment, or where no submission is of it.
    """
    if named and named.endswith(".ipynb"):
        return Path(named)
    known = source.names()
    if named and named not in known:
        raise SourceError(f"there is no assignment {named!r}: take {', '.join(known)}")
    sources = [source.read(name) for name in known]
    count = Counter(name for each in found for name in _names(each, sources))
    if named and count and named not in count:
        others = ", ".join(sorted(count))
        raise SourceError(f"no submission is of the assignment {named!r}: they are of {others}")
    if named:
        return source.FOLDER / f"{named}.ipynb"
    if not count:
        raise SourceError("no submission is of an assignment: name it with --assignment")
    return source.FOLDER / f"{count.most_common(1)[0][0]}.ipynb"


def course_key(given: str | None, out: Path) -> str:
    """The secret behind the random inputs: the one given, else the folder's own, drawn once."""
    if given is not None:
        return given
    path = out / "key.txt"
    if not path.exists():
        write_text(path, secrets.token_hex(16) + "\n")
    return path.read_text("utf-8").strip()


def choose_newest(
    found: Sequence[Submission], about: Source
) -> tuple[list[Submission], dict[str, list[str]]]:
    """The submission of each student that counts, and what is to be said of the others.

    It is the newest by the platform's number, else by name, among those of this assignment.
    """
    counted, notes = [], {}
    for student, own in submissions.by_student(found).items():
        fits = [one for one in own if _names(one, [about])] if len(own) > 1 else own
        counts = (fits or own)[-1]
        counted.append(counts)
        others = [one.file for one in own if one is not counts]
        notes[student] = [f"{counts.file} counts, this one does not: {file}" for file in others]
    return counted, notes


def with_notes(results: Iterable[Result], notes: dict[str, list[str]]) -> list[Result]:
    """The results with what only the whole batch shows: other files, the same id stated twice."""
    results = list(results)
    sharing: dict[str, list[str]] = {}
    for one in results:
        sharing.setdefault(one.stated_id.casefold(), []).append(one.student)
    full = []
    for one in results:
        same = [name for name in sharing[one.stated_id.casefold()] if name != one.student]
        also = list(notes.get(one.student, ()))
        if one.stated_id and same:
            also.append(f"the same stated id as {', '.join(same)}: {one.stated_id!r}")
        full.append(replace(one, events=(*one.events, *also)))
    return full


def log(results: Iterable[Result]) -> str:
    """A line a submission, and below it a line for everything unusual about it."""
    lines = []
    for one in results:
        of = sum(part.of for part in one.parts if part.kind == "code")
        who = notebook.one_line(f"{one.student} ({one.file})")
        lines.append(f"{who}: {one.points('code'):g} of {of:g} points for code")
        lines += [f"    {notebook.one_line(event, 500)}" for event in one.events]
    return "\n".join(lines) + "\n"


def _names(one: Submission, sources: Iterable[Source]) -> list[str]:
    """The assignments of which a file is a notebook."""
    try:
        read = notebook.parse(notebook.content(one.path))
    except notebook.UnreadableError:
        return []
    return [about.name for about in sources if belongs(read, about)]
