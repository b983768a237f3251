"""The overview of a class, one page for the instructor: totals, parts, mistakes, events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..handed_in.twins import Twins
from ..marking.marks import Agreement, Marks
from ..pages import page, person
from ..tables import printable
from . import items
from .grades import Grade
from .items import Item

MOST_TWINS = 100


@dataclass(frozen=True)
class Class:
    """All grades of one assignment, and what merging and the roster left to say."""

    title: str
    of: float
    grades: Sequence[Grade]
    marks: Marks | None = None
    notes: Sequence[str] = ()
    twins: Sequence[Twins] = ()


def overview_page(seen: Class) -> str:
    """The page as HTML."""
    totals, n = [grade.total for grade in seen.grades], len(seen.grades)
    return page(
        "overview.html",
        seen=seen,
        notes=list(notes(seen)),
        twins=[twins_row(one) for one in seen.twins[:MOST_TWINS]],
        spread=items.spread(totals),
        tenths=items.tenths(totals, seen.of),
        parts=[part_row(item) for item in items.items(seen.grades)],
        fewest=items.FEWEST,
        mistakes=[(name, k, percent(k / n)) for name, k in items.mistakes(seen.grades)],
        agreements=[agreement_row(one) for one in (seen.marks.agreements if seen.marks else ())],
    )


def notes(seen: Class) -> Iterator[str]:
    """What an instructor should do something about."""
    yield from seen.notes
    late = [grade for grade in seen.grades if grade.result.late and not grade.adjustments]
    if late:
        names = "; ".join(grade.name for grade in late)
        yield f"Late, and nothing taken off, because no days are given: {names}."


def twins_row(one: Twins) -> tuple:
    """Two submissions with nearly the same code."""
    return person(one.one), person(one.other), percent(one.share), one.shared


def part_row(item: Item) -> tuple:
    """A part with its statistics."""
    seen, part = item.spread, item.part
    points = f"{seen.mean:.2f}", printable(part.of), decimals(seen.sd), printable(seen.median)
    return part.title, *points, seen.n, percent(item.share), decimals(item.discrimination)


def agreement_row(one: Agreement) -> tuple:
    """How well two markers agree in one criterion."""
    shares = percent(one.exact), percent(one.within_one)
    who = " and ".join(one.markers)
    return one.question, one.criterion, who, one.n, *shares, decimals(one.kappa)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def decimals(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")
