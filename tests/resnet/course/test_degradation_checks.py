"""Assignment 3: what a student checks at once, and what a figure is seen to show."""

import pytest

from resnet.course import degradation_checks as checks
from resnet.course.axis import fresh_axis, heights, words
from resnet.course.degradation_claims import NOT_DECIDED
from resnet.results import mean_interval

STUDENT = "ab123"


@pytest.mark.parametrize(
    "draw",
    [
        lambda axis: axis.plot([0.9, 1.1], [0.2, 0.7], "o"),
        lambda axis: axis.scatter([1, 1], [0.2, 0.7]),
        lambda axis: axis.vlines(1, 0.2, 0.7),
        lambda axis: axis.errorbar(1, 0.45, 0.25),
        lambda axis: axis.bar(1, 0.5, bottom=0.2, width=0.3),
        lambda axis: axis.fill_between([0.8, 1.2], 0.2, 0.7),
        lambda axis: axis.plot(["a", "b"], [0.9, 0.2]) and axis.scatter(["b"], [0.7]),
    ],
)
def test_heights_are_read_however_they_were_drawn(draw) -> None:
    axis = fresh_axis()
    draw(axis)
    axis.axhline(0.4)
    assert {0.2, 0.7} <= set(heights(axis, 1)) <= {0.2, 0.45, 0.7}
    assert not set(heights(axis, 2.5))


def test_a_filled_column_does_not_hold_every_height() -> None:
    axis = fresh_axis()
    axis.plot([0] * 2_001, [height / 1_000 for height in range(2_001)])
    assert max(heights(axis, 0)) < 0.1


def test_names_are_read_from_axis_legend_and_texts() -> None:
    axis = fresh_axis()
    axis.set_xticks([0], ["one"])
    axis.plot([0], [1], label="two")
    axis.legend()
    axis.text(0, 0, "three")
    assert {"one", "two", "three"} <= set(words(axis).split("\n"))


def test_the_worked_numbers_of_the_checks_are_right() -> None:
    for arm, ends in checks.INTERVALS.items():
        mean, half = mean_interval(checks.TWO_ARMS[arm].values())
        assert ends == pytest.approx((mean - half, mean, mean + half), abs=1e-5)


@pytest.mark.parametrize(
    ("check", "answer", "says"),
    [
        (checks.check_spread, lambda v: (0.3, 0.216025), "divides by n - 1"),
        (
            checks.check_differences,
            lambda a, b: {7: -0.24, 8: -0.22, 9: -0.21},
            "ones minus others",
        ),
        (checks.check_differences, lambda a, b: {5: 0.1}, "seeds of both arms"),
        (checks.check_interval, lambda v: (0.223333, 0.2, 0.25), "lower end"),
        (checks.check_interval, lambda v: (0.223333, 0.185387, 0.261279), "One value"),
        (checks.check_verdict, lambda low, high: "supported", "contradicted"),
        (checks.check_judge, lambda c, r: (NOT_DECIDED, None), "'supported', not"),
        (checks.check_few, lambda c, r: ("supported", None), "One pair"),
        (checks.check_points, lambda e, axis: axis.plot([0], [0.5]), "is not drawn"),
        (checks.check_intervals, lambda e, axis: axis, "Nothing is drawn"),
        (checks.check_labels, lambda e, axis: axis.set_title(""), "named nowhere"),
        (checks.check_grid, lambda seeds: [], "no run of plain-8"),
    ],
)
def test_a_self_check_says_what_is_wrong(check, answer, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check(answer)


def test_a_self_check_of_what_is_not_written_says_so() -> None:
    def t_interval(values):
        raise NotImplementedError()

    with pytest.raises(AssertionError, match="`t_interval` is not written yet"):
        checks.check_interval(t_interval)
    with pytest.raises(AssertionError, match="no results yet"):
        checks.check_results(None, t_interval, STUDENT)
    with pytest.raises(AssertionError, match="needs one number"):
        checks.check_prediction(None, "")


@pytest.mark.parametrize("judged", [checks.check_spread, checks.check_interval, checks.check_grid])
def test_a_function_without_a_return_is_told_so(judged):
    with pytest.raises(AssertionError, match="gives back nothing"):
        judged(lambda *arguments: None)
