"""The picture of claims: each interval lies where its claim has it, over the side that it names."""

from __future__ import annotations

import json
import re
from math import asinh, sinh

import pytest
from docutils.nodes import make_id

from extensions.forest import DATA, ERRORS, POINTS, SHAPES, Axis, own_axis, strip
from resnet.experiments.claims import claims
from tests.support.built_book import ROOT, article

ROWS = {row["says"]: row for row in json.loads(DATA.read_text("utf-8"))}
PLACES = re.compile(r'class="interval [\w-]+" x1="([\d.]+)%" x2="([\d.]+)%".*?<svg x="([\d.]+)%"')
CLAIMED = re.compile(r'class="claimed" x="([\d.]+)%" width="([\d.]+)%"')
EACH = pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.says[:40])


def axis_of(row: dict) -> Axis:
    return ERRORS if row["unit"] == POINTS else own_axis(row)


def value_at(percent: str, axis: Axis) -> float:
    """What a reader takes from a place on an axis."""
    share = float(percent) / 100
    if axis is not ERRORS:
        return axis.low + share * (axis.high - axis.low)
    return sinh(asinh(axis.low) + share * (asinh(axis.high) - asinh(axis.low)))


@EACH
def test_an_interval_is_drawn_where_the_claim_has_it(claim) -> None:
    row = ROWS[claim.says]
    axis = axis_of(row)
    mean, half = claim.interval
    factor = 1 if claim.unit else 100
    places = PLACES.search(strip(row, axis)).groups()
    assert all(0 < float(place) < 100 for place in places)
    expected = [factor * value for value in (mean - half, mean + half, mean)]
    assert [value_at(place, axis) for place in places] == pytest.approx(
        expected, rel=0.005, abs=0.005
    )


@EACH
def test_a_claim_that_agrees_lies_on_the_side_that_it_names_and_no_other_does(claim) -> None:
    row = ROWS[claim.says]
    drawn = strip(row, axis_of(row))
    low, high, _ = map(float, PLACES.search(drawn).groups())
    start, width = map(float, CLAIMED.search(drawn).groups())
    inside = start <= low and high <= start + width + 0.01
    assert inside == claim.verdict.startswith(("agrees", "not above"))
    assert row["expected"] == claim.expected and claim.verdict in row["verdict"]


def test_each_verdict_can_be_told_without_colours() -> None:
    css = (ROOT / "_static" / "forest.css").read_text("utf-8")
    hollow = re.search(r"\.mark:is\((.*)\) \{ fill: var\(--pst-color-background\)", css)[1].split(
        ", "
    )
    seen = {(shape, f".{make_id(verdict)}" in hollow) for verdict, shape in SHAPES.items()}
    assert len(seen) == len(SHAPES) - 1, "`open` and `no difference found` look the same"
    assert {row["verdict"] for row in ROWS.values()} <= set(SHAPES)


def test_ticks_are_where_their_numbers_say() -> None:
    read = [value_at(ERRORS.place(tick), ERRORS) for tick in ERRORS.ticks]
    assert read == pytest.approx(ERRORS.ticks, rel=0.005, abs=0.005)


@pytest.mark.slow
def test_the_page_draws_every_claim_with_words_and_a_link_to_its_figure() -> None:
    forest = article("chapters/claims").select_one(".forest")
    shown = set()
    for item in forest.select("li"):
        says, number = item.p.text.replace("’", "'").rsplit(" Figure ", 1)
        row = ROWS[says]
        (link,) = item.select(f"a[href$='#{row['figure']}']")
        words = item.select_one("svg.strip")["aria-label"]
        assert words.startswith(f"{row['verdict']}: ") and row["unit"] in words
        assert re.fullmatch(r"\d\.\d+", number) and number in link.text
        shown.add(says)
    assert shown == set(ROWS)
