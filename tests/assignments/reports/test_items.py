"""Statistics of a class, against SciPy, and its histogram."""

import re
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from assignments.pages import TEMPLATES
from assignments.reports import grades, items
from assignments.reports.items import binned, tenths
from tests.support.graded import a_class, mistaken, result, with_part


def test_statistics_are_those_of_scipy() -> None:
    given_grades = [grades.grade(one, 12) for one in a_class(40)]
    shape = items.items(given_grades)[0]
    points = [grade.result.parts[0].points for grade in given_grades]
    rest = [grade.earned - one for grade, one in zip(given_grades, points, strict=True)]
    right = [one == 3 for one in points]
    assert set(points) == {0, 3}
    assert shape.discrimination == pytest.approx(stats.pointbiserialr(right, rest).statistic)
    assert shape.share == pytest.approx(statistics.fmean(right))
    assert shape.spread.sd == pytest.approx(statistics.stdev(points)) and shape.spread.n == 40


def test_few_or_equal_results_have_no_discrimination() -> None:
    few = [grades.grade(one, 12) for one in a_class(9)]
    assert {item.discrimination for item in items.items(few)} == {None}
    half = [grades.grade(one, 12) for one in [*a_class(9), *[result()] * 9]]
    assert {one.discrimination for one in items.items(half)} == {None}
    same = with_part(result(), "prose-1-4", points=5, status="marked")
    assert {one.discrimination for one in items.items([grades.grade(same, 12)] * 20)} == {None}
    assert [item.part.id for item in items.items([grades.grade(result(), 12)])] == [
        "test-1-1-shape", "test-1-2-output"
    ]  # fmt: skip


def test_a_mistake_counts_once_a_submission() -> None:
    twice = with_part(mistaken(result()), "test-1-1-shape", mistake="no ReLU after the addition")
    given_grades = [grades.grade(one, 12) for one in (twice, mistaken(result("2")), result("3"))]
    assert items.mistakes(given_grades) == [("no ReLU after the addition", 2)]


@given(st.lists(st.floats(0, 30), min_size=1, max_size=40))
def test_every_total_is_in_one_column(values: list[float]) -> None:
    assert sum(binned(values, 30)) == len(values)
    assert binned([0, 2.99, 3, 30, 31], 30) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    picture = TEMPLATES.get_template("macros.html").module.histogram(tenths(values, 30), 30)
    heights = re.findall(r'class="column".*?height="([\d.]+)"', picture)
    assert len(heights) == sum(count > 0 for count in binned(values, 30))
