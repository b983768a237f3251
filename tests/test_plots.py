"""Plots draw the data that they are given on the axis that they are given."""

import matplotlib

matplotlib.use("Agg")

import pytest
from matplotlib import pyplot as plt

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
    assert [text.xy for text in axis.texts] == ends
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "training error")
    assert axis.get_ylim()[0] == 0
    assert all(tick == int(tick) for tick in axis.get_xticks())


def test_styles_go_to_their_lines(axis):
    styles = [plots.RESIDUAL, plots.PLAIN]
    plots.curves(HISTORIES, "training_error", axis, styles=styles)
    for style, line, text in zip(styles, axis.lines, axis.texts, strict=True):
        assert line.get_color() == text.get_color() == style["color"]
        assert line.get_marker() == style["marker"]
    with pytest.raises(ValueError):
        plots.curves(HISTORIES, "training_error", axis, styles=styles[:1])


def test_the_arms_can_be_told_apart_in_grey():
    styles = (plots.RESIDUAL, plots.PLAIN, plots.GROWN, plots.REFERENCE)
    assert len({str(style["linestyle"]) for style in styles}) == len(styles)
    assert len({style["marker"] for style in styles}) == len(styles)


def test_the_books_style_applies():
    with matplotlib.rc_context():
        plots.use_book_style()
        assert matplotlib.colors.to_rgba(matplotlib.rcParams["figure.facecolor"]) == (1, 1, 1, 1)
        assert matplotlib.rcParams["savefig.dpi"] != 100 or matplotlib.rcParams["figure.dpi"] != 100
