"""The overview of a class, one page for the instructor: totals, parts, mistakes, events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..handed_in.twins import Twins
from ..marking.marks import Agreement, Marks
from ..pages import facts, page, person, table, text
from ..tables import printable
from . import items
from .grades import Grade
from .histogram import histogram
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
    body = [
        "<main>",
        f"<h1>{text(seen.title)}: the class</h1>",
        facts(counts(seen)),
        *notes(seen),
        *near_twins(seen),
        *totals(seen),
        *parts(seen),
        *mistakes(seen),
        *markers(seen),
        *events(seen),
        "</main>",
    ]
    return page(f"{seen.title}: the class", body)


def counts(seen: Class) -> Iterable[tuple[str, str]]:
    """How many submissions there are, and of which kinds."""
    late = [grade for grade in seen.grades if grade.result.late]
    unusual = [grade for grade in seen.grades if grade.result.events]
    yield "Submissions", str(len(seen.grades))
    yield "Ran into a time limit", str(len(timed_out(seen)))
    yield "With events", str(len(unusual))
    yield "Late by file name", str(len(late))
    yield "Answers not marked yet", str(sum(len(grade.waiting) for grade in seen.grades))


def timed_out(seen: Class) -> list[Grade]:
    return [grade for grade in seen.grades if grade.result.timed_out]


def notes(seen: Class) -> Iterable[str]:
    """What an instructor should do something about."""
    told = [*seen.notes]
    late = [grade for grade in seen.grades if grade.result.late and not grade.adjustments]
    if late:
        names = "; ".join(grade.name for grade in late)
        told.append(f"Late, and nothing taken off, because no days are given: {names}.")
    if told:
        yield "<h2>To look at</h2>"
        yield '<ul class="parts">'
        yield from (f"<li>{text(note)}</li>" for note in told)
        yield "</ul>"


def near_twins(seen: Class) -> Iterable[str]:
    """Pairs with nearly the same code, and what that does and does not say."""
    if not seen.twins:
        return
    head = ("Submission", "and", "Alike", "Passages")
    rows = [(person(one.one), person(one.other), f"{100 * one.share:.0f} %", str(one.shared))
            for one in seen.twins[:MOST_TWINS]]  # fmt: skip
    yield "<h2>Near twins</h2>"
    yield table(head, rows, numbers=[2, 3])
    more = len(seen.twins) - MOST_TWINS
    yield (
        (f"<p>{more} further pairs are less alike.</p>" if more > 0 else "")
        + '<p class="muted">Alike: the share of the passages in the smaller own code that '
        "the other has, names, numbers, comments and layout aside. What the assignment gives "
        "out, its solution, and what much of the class wrote do not count. This is no proof: it "
        "says neither who wrote the code nor whether the two had one source, such as a text book "
        "or an assistant, and working together may have been allowed. Nor is a pair cleared that "
        "is not here: short copies, answers in words and what many copied are not seen.</p>"
    )


def totals(seen: Class) -> Iterable[str]:
    """The spread of the totals and their histogram."""
    values = [grade.total for grade in seen.grades]
    spread = items.spread(values)
    if spread is None:
        return
    yield "<h2>Totals</h2>"
    yield facts(
        [
            ("Mean", f"{spread.mean:.1f} of {printable(seen.of)} points"),
            ("Median", f"{spread.median:.1f}"),
            ("Sample SD", "–" if spread.sd is None else f"{spread.sd:.1f}"),
            ("n", str(spread.n)),
        ]
    )
    yield from histogram(values, seen.of)


def parts(seen: Class) -> Iterable[str]:
    """The parts with their statistics."""
    found = items.items(seen.grades)
    if found:
        head = ("Part", "Mean", "of", "SD", "Median", "n", "Share", "Discrimination")
        yield "<h2>Parts</h2>"
        yield table(head, map(part_row, found), numbers=range(1, len(head)))
        yield (
            '<p class="muted">Share: mean share of the points, high where a part is easy. '
            "Discrimination: correlation of the part with all others (the point-biserial where a "
            f"part is all or nothing), from {items.FEWEST} graded submissions on; near 0 a part "
            "hardly tells strong from weak submissions.</p>"
        )


def part_row(item: Item) -> tuple[str, ...]:
    spread = item.spread
    return (
        text(item.part.title),
        f"{spread.mean:.2f}",
        printable(item.part.of),
        "–" if spread.sd is None else f"{spread.sd:.2f}",
        printable(spread.median),
        str(spread.n),
        f"{100 * item.share:.0f} %",
        "–" if item.discrimination is None else f"{item.discrimination:.2f}".replace("-", "−"),
    )


def mistakes(seen: Class) -> Iterable[str]:
    """The recognised mistakes, the most common first."""
    found = items.mistakes(seen.grades)
    yield "<h2>Most common mistakes</h2>"
    if not found:
        yield "<p>No known mistake was recognised.</p>"
        return
    n = len(seen.grades)
    rows = [(text(name), str(count), f"{100 * count / n:.0f} %") for name, count in found]
    yield table(("Mistake", "Submissions", f"of {n}"), rows, numbers=[1, 2])


def markers(seen: Class) -> Iterable[str]:
    """How well the markers agree, and which answers a third should look at."""
    if seen.marks and seen.marks.agreements:
        head = ("Question", "Criterion", "Markers", "n", "Same mark", "Within one", "Kappa")
        yield "<h2>Agreement of the markers</h2>"
        yield table(head, map(agreement_row, seen.marks.agreements), numbers=[3, 4, 5, 6])
        yield (
            '<p class="muted">Kappa has quadratic weights: 1 for the same marks throughout, 0 for '
            "what chance would give.</p>"
        )
    if seen.marks and seen.marks.third_looks:
        yield "<h2>Answers for a third look</h2>"
        yield "<p>The markers differ by more than one point. Until then their mean counts.</p>"
        yield '<ul class="parts">'
        yield from (f"<li>{text(line)}</li>" for line in seen.marks.third_looks)
        yield "</ul>"


def agreement_row(one: Agreement) -> tuple[str, ...]:
    return (
        text(one.question),
        text(one.criterion),
        text(" and ".join(one.markers)),
        str(one.n),
        f"{100 * one.exact:.0f} %",
        f"{100 * one.within_one:.0f} %",
        "–" if one.kappa is None else f"{one.kappa:.2f}".replace("-", "−"),
    )


def events(seen: Class) -> Iterable[str]:
    """Submissions in which something was unusual; those that ran into a limit first."""
    unusual = [grade for grade in seen.grades if grade.result.events]
    if not unusual:
        return
    yield "<h2>Events</h2>"
    slow = timed_out(seen)
    ordered = [*slow, *(grade for grade in unusual if not grade.result.timed_out)]
    yield '<ul class="parts">'
    for grade in ordered:
        status = "time limit" if grade.result.timed_out else ""
        key = f'<span class="muted">{person(grade.result.student)}</span>'
        yield f'<li><div class="line"><span>{person(grade.name)} {key}</span>'
        yield f'<span class="status lost">{status}</span></div>'
        yield f'<div class="said">{text(chr(10).join(grade.result.events))}</div></li>'
    yield "</ul>"
