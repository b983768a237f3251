"""Draw each claim with its interval, by chapters, from what `make claims` stores: `{forest}`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from math import asinh
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from resnet.experiments.claim import MARGIN

DATA = Path(__file__).resolve().parents[1] / "_static" / "claims.json"
POINTS = "percentage points"
# A shape for each verdict, around the mean: colours alone would shut some readers out.
SHAPES = {
    "agrees": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "agrees, a hint": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "not above by a point": "M-4-4h8v8h-8z",
    "no difference found": "M0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
    "open": "M0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
    "contradicts": "M-4-4l8 8m0-8l-8 8",
}
ENDS = (1, 3, 6, 10, 30, 100)  # of an axis that one claim has for itself


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, in equal steps of whatever `stretch` makes of a value."""

    low: float
    high: float
    ticks: tuple[float, ...]
    stretch: Callable[[float], float] = float

    def place(self, value: float) -> float:
        """How far right a value lies, in per cent of the width."""
        start, end = self.stretch(self.low), self.stretch(self.high)
        return round(100 * (self.stretch(value) - start) / (end - start), 2)


# Nearly even up to a point, then a step for each factor: the effects go from 0.1 to 85 points.
ERRORS = Axis(-70, 160, (-30, -10, -3, -1, 0, 1, 3, 10, 30, 100), asinh)


def own_axis(row: dict) -> Axis:
    """For a claim that measures something else than errors: even, with zero in the middle."""
    end = next(end for end in ENDS if end >= max(abs(row["low"]), abs(row["high"])))
    return Axis(-1.1 * end, 1.1 * end, (-end, 0, end))


def strip(row: dict, axis: Axis) -> str:
    """One interval over the side of zero that the claim names, on lines for the ticks."""
    low, mean, high = (axis.place(row[name]) for name in ("low", "mean", "high"))
    start, end = claimed(row["expected"], axis)
    kind = nodes.make_id(row["verdict"])
    lines = [
        f'<line class="{"tick" if tick else "zero"}" x1="{x}%" x2="{x}%" y1="0" y2="100%"/>'
        for tick, x in zip(axis.ticks, map(axis.place, axis.ticks), strict=True)
    ]
    return (
        f'<svg class="strip" role="img" aria-label="{in_words(row)}">'
        f'<rect class="claimed" x="{start}%" width="{end - start:.2f}%" height="100%"/>'
        f"{''.join(lines)}"
        f'<line class="interval {kind}" x1="{low}%" x2="{high}%" y1="50%" y2="50%"/>'
        f'<svg x="{mean}%" y="50%">{mark(row["verdict"])}</svg></svg>'
    )


def claimed(expected: str, axis: Axis) -> tuple[float, float]:
    """The ends of the part of an axis where a claim puts its effect."""
    if expected == "above":
        return axis.place(0), 100
    return 0, axis.place(100 * MARGIN if expected == "not above" else 0)


def mark(verdict: str) -> str:
    return f'<path class="mark {nodes.make_id(verdict)}" d="{SHAPES[verdict]}"/>'


def in_words(row: dict) -> str:
    """What a strip shows, for those who do not see it."""
    mean, low, high = (f"{row[name]:+.3g}".replace("-", "−") for name in ("mean", "low", "high"))
    return f"{row['verdict']}: {mean} {row['unit']}, 95 % interval {low} to {high}"


def scale(axis: Axis) -> str:
    """The numbers of the ticks, which the words of each strip repeat."""
    words = [
        f'<text x="{axis.place(tick)}%" y="1em">{tick:+g}</text>'.replace("-", "−", 1)
        for tick in axis.ticks
    ]
    return f'<svg class="scale" aria-hidden="true">{"".join(words)}</svg>'.replace("+0<", "0<")


def legend(verdicts: set[str]) -> str:
    """What each shape means, of those that occur."""
    shown = [verdict for verdict in SHAPES if verdict in verdicts]
    keys = [f'<svg class="key">{mark(verdict)}</svg>{verdict}' for verdict in shown]
    return f'<p class="legend"><span>{"</span> <span>".join(keys)}</span></p>'


class Forest(SphinxDirective):
    """`{forest}`: a list of claims for each chapter, and one of those with an axis of their own."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(DATA))
        rows = json.loads(DATA.read_text("utf-8"))
        errors = [row for row in rows if row["unit"] == POINTS]
        others = [row for row in rows if row["unit"] != POINTS]
        whole = nodes.container(classes=["forest"])
        whole += raw(legend({row["verdict"] for row in rows}))
        for chapter, held in groupby(errors, lambda row: row["chapter"]):
            whole += self.head(f"[]({chapter}.ipynb)", scale(ERRORS))
            whole += nodes.bullet_list("", *(self.item(row, ERRORS) for row in held))
        whole += self.head("Other measures, each on an axis of its own")
        whole += nodes.bullet_list("", *(self.item(row, own_axis(row)) for row in others))
        return [whole]

    def head(self, words: str, drawn: str = "") -> nodes.container:
        return nodes.container("", self.paragraph(words), raw(drawn), classes=["forest-head"])

    def item(self, row: dict, axis: Axis) -> nodes.list_item:
        words = self.paragraph(f"{row['says']} {{numref}}`Figure %s <{row['figure']}>`")
        drawn = strip(row, axis)
        if axis is not ERRORS:
            drawn = f'<div>{drawn}{scale(axis)}<p class="unit">{row["unit"]}</p></div>'
        return nodes.list_item("", words, raw(drawn))

    def paragraph(self, words: str) -> nodes.paragraph:
        return nodes.paragraph("", "", *self.state.inline_text(words, self.lineno)[0])


def raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def setup(app: Sphinx) -> dict[str, object]:
    app.add_directive("forest", Forest)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
