"""Plots draw the data that they are given on the axis that they are given."""

from itertools import pairwise

import matplotlib

matplotlib.use("Agg")

import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection

from resnet import plots
from resnet.results import History

HISTORIES = [
    History(name, [{"epoch": k + 1, "training_error": v} for k, v in enumerate(values)])
    for name, values in (("one", [0.5, 0.25, 0.125]), ("other", [0.75, 0.5]))
]


@pytest.fixture
def axis():
    figure, axis = plt.subplots()
    yield axis
    plt.close(figure)


def test_curves_draw_the_column(axis):
    assert plots.curves(iter(HISTORIES), "training_error", axis) is axis
    for history, line in zip(HISTORIES, axis.lines, strict=True):
        assert line.get_xdata().tolist() == history.column("epoch")
        assert line.get_ydata().tolist() == history.column("training_error")
    assert [text.get_text() for text in axis.texts] == ["one", "other"]
    ends = [(len(h.epochs), h.last("training_error")) for h in HISTORIES]
    assert [tuple(text.xy) for text in axis.texts] == ends
    assert axis.yaxis.get_major_formatter()(0.25) == "25 %"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "training error")
    assert axis.get_ylim()[0] == 0
    assert all(tick == int(tick) for tick in axis.get_xticks())


def test_losses_are_no_per_cent(axis):
    history = History("one", [{"epoch": 1, "training_loss": 0.5}])
    plots.curves([history], "training_loss", axis)
    assert "%" not in axis.yaxis.get_major_formatter()(0.25)


def boxes(texts):
    texts[0].figure.canvas.draw()
    return [text.get_window_extent() for text in texts]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_names_stand_at_the_ends_of_their_lines_apart_and_in_order(axis, scale):
    ends = {"a": 0.5, "two\nlines": 0.51, "c": 0.52, "_hidden": 0.6, "far": 0.9}
    for name, end in ends.items():
        axis.plot([1, 2, 3], [0.1, 0.2, end], label=name)
    axis.set_yscale(scale)
    assert plots.name_lines(axis) is axis
    assert [text.get_text() for text in axis.texts] == ["a", "two\nlines", "c", "far"]
    found = boxes(axis.texts)
    for below, above in pairwise(found):
        assert below.y1 <= above.y0
    right = axis.transData.transform((3, 0.5))[0]
    assert all(box.x0 > right for box in found)
    colours = [line.get_color() for line in axis.lines if line.get_label() != "_hidden"]
    assert [text.get_color() for text in axis.texts] == colours


@pytest.mark.parametrize("words", ["Short", "A claim too long for one line of a figure " * 2])
def test_a_claim_stands_whole_over_its_figure(axis, words):
    with matplotlib.rc_context():
        plots.use_book_style()
        figure, _ = plt.subplots()
        plots.claim(figure, words)
        (box,) = boxes([figure._suptitle])
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        lines = figure._suptitle.get_text().split("\n")
        assert " ".join(lines).split() == words.split()
        assert min(map(len, lines)) > 0.6 * max(map(len, lines)), "no word alone in a line"
        plt.close(figure)


@pytest.mark.parametrize(
    ("value", "words"), [(0.01, "0.01"), (1, "1"), (1000, "1,000"), (1e4, "10⁴"), (1e-12, "10⁻¹²")]
)
def test_powers_of_ten_are_written_out_or_raised(axis, value, words):
    assert plots.in_powers(axis.xaxis).get_major_formatter()(value) == words
    assert axis.get_xscale() == "log" and axis.get_yscale() == "linear"


def test_styles_go_to_their_lines(axis):
    styles = [plots.RESIDUAL, plots.PLAIN]
    plots.curves(HISTORIES, "training_error", axis, styles=styles)
    for style, line, text in zip(styles, axis.lines, axis.texts, strict=True):
        assert line.get_color() == text.get_color() == style["color"]
        assert line.get_marker() == style["marker"]
    with pytest.raises(ValueError):
        plots.curves(HISTORIES, "training_error", axis, styles=styles[:1])


def test_means_are_a_line_and_the_range_a_shade(axis):
    runs = [[1.0, 4.0], [3.0, 2.0]]
    assert plots.means_over([1, 2], runs, axis, name="an arm", **plots.PLAIN) is axis
    (line,), (shade,) = axis.lines, axis.collections
    assert line.get_ydata().tolist() == [2.0, 3.0] and line.get_label() == "an arm"
    assert shade.get_datalim(axis.transData).extents.tolist() == [1, 1, 2, 4]
    with pytest.raises(ValueError):
        plots.means_over([1, 2], [[1.0, 2.0], [3.0]], axis, name="runs of other lengths")


def test_all_points_are_drawn_and_a_line_through_their_means(axis):
    values = {8: [0.25, 0.75], 20: [0.5, 1.0, 1.5]}
    plots.points_over_depth(values, axis, name="an arm", **plots.RESIDUAL)
    *points, means = axis.lines
    assert [line.get_ydata().tolist() for line in points] == list(values.values())
    assert all(line.get_linestyle() == "None" for line in points)
    assert all(abs(x - 8) < 1.5 for x in points[0].get_xdata())
    assert means.get_xdata().tolist() == [8, 20] and means.get_ydata().tolist() == [0.5, 1.0]
    assert list(axis.get_xticks()) == [8, 20]


def test_every_row_has_its_points_and_their_mean(axis):
    rows = {"first": [0.25, 0.75], "second": [0.5]}
    assert plots.points_in_rows(rows, axis, name="an arm", up=0.1, **plots.PLAIN) is axis
    *points, means = axis.lines
    assert [line.get_xdata().tolist() for line in points] == list(rows.values())
    assert [line.get_ydata().tolist() for line in points] == [[0.1, 0.1], [-0.9]]
    assert means.get_xdata().tolist() == [0.5, 0.5] and means.get_label() == "an arm"
    assert all(line.get_linestyle() == "None" for line in axis.lines)
    names = dict(zip(axis.get_yticks(), axis.get_yticklabels(), strict=True))
    assert {height: text.get_text() for height, text in names.items()} == {0: "first", -1: "second"}


def test_errors_by_depth_name_each_arm_at_its_deepest_mean(axis):
    arms = {"plain": {8: [0.1], 20: [0.2, 0.4]}, "residual": {8: [0.1], 20: [0.1]}}
    plots.errors_by_depth(arms, axis, styles=[plots.PLAIN, plots.RESIDUAL])
    assert [text.get_text() for text in axis.texts] == ["plain", "residual"]
    assert [text.xy[1] for text in axis.texts] == pytest.approx([0.3, 0.1])
    assert axis.get_ylabel() == "training error" and axis.get_ylim()[0] == 0


def test_intervals_are_bars_of_students_t_at_the_means(axis):
    plots.errors_by_depth({"plain": {8: [0.1, 0.2, 0.3], 20: [0.4, 0.4]}}, axis, intervals=True)
    (bars,) = (found for found in axis.collections if isinstance(found, LineCollection))
    (first, second) = (segment[:, 1].tolist() for segment in bars.get_segments())
    half = 4.303 * 0.1 / 3**0.5  # the tables' t of two degrees of freedom
    assert first == pytest.approx([0.2 - half, 0.2 + half], abs=1e-4)
    assert second == pytest.approx([0.4, 0.4])


def test_the_arms_can_be_told_apart_in_grey():
    styles = (plots.RESIDUAL, plots.PLAIN, plots.GROWN, plots.REFERENCE)
    assert len({str(style["linestyle"]) for style in styles}) == len(styles)
    assert len({style["marker"] for style in styles}) == len(styles)


def test_the_books_style_applies():
    with matplotlib.rc_context():
        plots.use_book_style()
        assert matplotlib.colors.to_rgba(matplotlib.rcParams["figure.facecolor"]) == (1, 1, 1, 1)
        assert matplotlib.rcParams["savefig.dpi"] != 100 or matplotlib.rcParams["figure.dpi"] != 100
