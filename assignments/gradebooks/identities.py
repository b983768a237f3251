"""Whether the id that a notebook states is its author's, by the roster or the platform's name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..result import Result
from .reading import Roster, Student, same_name


@dataclass(frozen=True)
class Foreign:
    """A stated id that is not its author's; `owners` are those whose it is, where that is known.

    `alone` says that nothing but this id makes the author the student on the roster.
    """

    student: str
    label: str
    stated: str
    owners: tuple[str, ...] = ()
    alone: bool = False

    @property
    def sentence(self) -> str:
        if self.alone:
            return f"known by the stated id alone: {self.stated!r} is {self.owners[0]}"
        whose = f"is {' and '.join(self.owners)}" if self.owners else "is not the author's"
        return f"the stated id {self.stated!r} {whose}"


def forms(name: str) -> frozenset[str]:
    """How a name may be written: as it is, and turned around at its comma."""
    last, comma, first = name.partition(",")
    both = {same_name(name), same_name(first + last) if comma else same_name(name)}
    return frozenset(both - {""})


def foreign(
    results: Sequence[Result], rows: Mapping[str, Student], book: Roster | None
) -> list[Foreign]:
    """Every stated id that is not its author's; `rows` are the roster's, by the results' student.

    One without an id is not among them: it is graded for the platform's.
    """
    owners = _owners(results, book)
    found = []
    for one in results:
        row, stated = rows.get(one.student), _plain(one.stated_id)
        known = row is not None and _is_sure(one, row)
        if not stated or _is_own(one, row if known else None):
            continue
        label = row.label if row else f"{one.name or one.student} ({one.file})"
        whose = tuple(owner for owner in owners.get(stated, ()) if owner != one.student)
        found.append(Foreign(one.student, label, one.stated_id, whose, bool(row) and not known))
    return found


def _owners(results: Iterable[Result], book: Roster | None) -> dict[str, list[str]]:
    """Who has an id: on the roster, or as the platform calls those who handed in."""
    owners: dict[str, list[str]] = {}
    for student in book.students if book else ():
        for key in dict.fromkeys(map(_plain, student.keys)):
            owners.setdefault(key, []).append(student.label)
    for one in () if book else results:
        owners.setdefault(_plain(one.student), []).append(one.student)
    return owners


def _is_sure(one: Result, row: Student) -> bool:
    """Whether the platform's number or name makes it this student, and not what is stated."""
    return one.student in row.keys or bool(forms(one.name) & forms(row.name))


def _is_own(one: Result, row: Student | None) -> bool:
    """Whether what is stated is an id of the author, what stands before its @, or the name."""
    ids = {one.student, *(row.keys if row else ())}
    ids |= {key.partition("@")[0] for key in ids}
    names = forms(one.name) | (forms(row.name) if row else frozenset())
    return _plain(one.stated_id) in map(_plain, ids) or bool(forms(one.stated_id) & names)


def _plain(stated: str) -> str:
    return stated.strip().casefold()


def notes(found: Iterable[Foreign], with_roster: bool) -> Iterator[str]:
    """What an instructor should look at, a sentence a kind."""
    found = list(found)
    others = [one for one in found if one.owners and not one.alone]
    nobody = [f"{one.label} ({one.stated!r})" for one in found if not one.owners]
    alone = [f"{one.label} ({one.stated!r})" for one in found if one.alone]
    said = "; ".join(f"{one.label} ({one.stated!r} is {' and '.join(one.owners)})"
                     for one in others)  # fmt: skip
    if others:
        yield f"The notebook states the id of somebody else: {said}."
    if nobody and with_roster:
        yield f"The notebook states an id that nobody on the roster has: {'; '.join(nobody)}."
    elif nobody:
        yield (
            f"The notebook states an id that is not in the file's name: {'; '.join(nobody)}. Whose "
            "it is, --roster would tell."
        )
    if alone:
        yield f"Known by the id alone that the notebook states: {'; '.join(alone)}."


def told(results: Iterable[Result], found: Iterable[Foreign]) -> list[Result]:
    """The results with an event for each foreign id."""
    said = {one.student: one.sentence for one in found}
    return [
        replace(one, events=(*one.events, said[one.student])) if one.student in said else one
        for one in results
    ]


def refused(result: Result) -> Result:
    """The result without a point, and the sentence that tells its author why."""
    why = f"Not graded: the notebook states the id {result.stated_id!r}, which is not yours."
    parts = (replace(one, points=0, status="missing", mistake="", message=why)
             for one in result.parts)  # fmt: skip
    return replace(result, parts=tuple(parts), events=(*result.events, "graded for nothing"))
