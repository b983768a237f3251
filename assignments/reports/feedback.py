"""The page of feedback that one student gets: points by part, and what would have earned more.

It says nothing of hidden tests: all it shows of a part is the grader's sentence for the student.
"""

import re
from collections.abc import Iterable

from ..marking.marks import Marked
from ..pages import facts, page, person, text
from ..result import Part
from ..tables import printable
from .grades import Grade

STATUSES = {
    "right": "right",
    "mistake": "a known mistake",
    "wrong": "not right",
    "missing": "missing",
    "error": "stopped with an error",
    "time": "took too long",
    "memory": "took too much memory",
    "died": "ended before it had a result",
    "to mark": "not marked yet",
    "marked": "marked",
}


def feedback_page(grade: Grade, title: str) -> str:
    """The page as HTML; `title` is the assignment's."""
    body = [
        "<main>",
        f"<h1>{text(title)}</h1>",
        f'<p class="muted">Feedback for {whose(grade)}</p>',
        f'<p class="total">{printable(grade.total)} <small>of {printable(grade.of)} points</small>'
        "</p>",
        bar(grade.total, grade.of),
        facts(sums(grade)),
        *waiting(grade),
        *section("Code", grade, "code"),
        *section("Answers in words", grade, "prose"),
        *adjustments(grade),
        "</main>",
    ]
    return page(f"{title}: feedback for {grade.name}", body)


def whose(grade: Grade) -> str:
    """The name, and the platform's key where that is another."""
    key = grade.result.student
    return person(grade.name) + (f" ({person(key)})" if key != grade.name else "")


def bar(points: float, of: float) -> str:
    """A bar as a picture of points that stand in words beside it."""
    share = 100 * min(1.0, points / of) if of else 0
    return f'<span class="bar" aria-hidden="true"><span style="width: {share:.1f}%"></span></span>'


def sums(grade: Grade) -> Iterable[tuple[str, str]]:
    """Points by kind, and where the file came from."""
    for kind, name in (("code", "Code"), ("prose", "Answers in words")):
        of = sum(part.of for part in grade.result.parts if part.kind == kind)
        if of:
            yield name, f"{printable(grade.result.points(kind))} of {printable(of)} points"
    if grade.adjustments:
        yield "Adjustments", signed(grade.adjusted)
    yield "Id in the notebook", stated(grade)
    yield "File", f"<bdi>{text(grade.result.file)}</bdi>"


def stated(grade: Grade) -> str:
    """The id that the tasks were drawn from: a slip in it makes right answers wrong."""
    return person(grade.result.stated_id) if grade.result.stated_id else "none"


def signed(points: float) -> str:
    return f"{'−' if points < 0 else '+'}{printable(abs(points))} points"


def waiting(grade: Grade) -> Iterable[str]:
    count = len(grade.waiting)
    if count:
        answers = "one answer is" if count == 1 else f"{count} answers are"
        yield f"<p>The total will change: {answers} not marked yet.</p>"


def with_code(said: str) -> str:
    """A sentence as HTML, with what stands between backticks as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text(said))


def section(heading: str, grade: Grade, kind: str) -> Iterable[str]:
    """The parts of one kind, in the notebook's order."""
    parts = [part for part in grade.result.parts if part.kind == kind]
    if parts:
        yield f"<h2>{text(heading)}</h2>"
        yield '<ul class="parts">'
        for part in parts:
            yield from part_block(part, grade)
        yield "</ul>"


def part_block(part: Part, grade: Grade) -> Iterable[str]:
    """One part: its title, points and status, then what there is to say about it."""
    kept = part.points >= part.of or part.status in ("marked", "to mark")
    lost = "" if kept else " lost"
    earned = "–" if part.status == "to mark" else printable(part.points)
    points = f"{earned} of {printable(part.of)}"
    yield "<li>"
    yield f'<div class="line"><h3>{text(part.title)}</h3><span class="number">{points}</span></div>'
    yield f'<div class="status{lost}">{text(STATUSES[part.status])}</div>'
    if part.message:
        mark = " mistake" if part.status == "mistake" else ""
        yield f'<div class="said{mark}">{with_code(part.message)}</div>'
    if part.id in grade.marked:
        yield from rubric_block(grade.marked[part.id])
    if part.id in grade.regraded:
        yield f'<div class="said">{text(grade.regraded[part.id])}</div>'
    yield "</li>"


def rubric_block(marked: Marked) -> Iterable[str]:
    """What each criterion was given, with the anchor that it reached, and the markers' comments."""
    yield '<dl class="facts">'
    for criterion, points in zip(marked.question.criteria, marked.points, strict=True):
        given = f"{printable(points)} of {printable(criterion.points)}"
        yield f"<dt>{text(criterion.name)}, {given}</dt><dd>{text(criterion.anchor(points))}</dd>"
    yield "</dl>"
    for comment in marked.comments:
        yield f'<div class="said">{text(comment)}</div>'


def adjustments(grade: Grade) -> Iterable[str]:
    """What changed the total, with its reason."""
    if grade.adjustments:
        yield "<h2>Adjustments</h2>"
        yield '<ul class="parts">'
        for one in grade.adjustments:
            yield f'<li><div class="line"><span>{text(one.sentence)}</span>'
            yield f'<span class="number">{signed(one.points)}</span></div></li>'
        yield "</ul>"
