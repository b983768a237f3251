"""Curves from results: functions that take data and an axis, return the axis, never train."""

import math
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import as_file, files
from textwrap import wrap

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from .results import History, mean_interval

# The book's palette; line style and marker tell the arms apart in grey, too.
INK = "#1f2933"
LETTERS_AN_INCH = 10.5  # of a title
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
RESIDUAL = {"color": "#175f9e", "linestyle": "-", "marker": "o"}
PLAIN = {"color": "#c2530a", "linestyle": (0, (5, 2)), "marker": "s"}
GROWN = {"color": "#1f7358", "linestyle": "-.", "marker": "^"}
REFERENCE = {"color": "#66727e", "linestyle": ":", "marker": ""}


def use_book_style() -> None:
    """Fonts, colours and resolution of the book's figures, for all figures drawn from here on."""
    with as_file(files("resnet") / "assets" / "book.mplstyle") as path:
        plt.style.use(path)


def claim(figure: Figure, sentence: str) -> Figure:
    """What a figure shows, as its title: one sentence, in lines that its width holds."""
    width = int(LETTERS_AN_INCH * figure.get_figwidth())
    lines = wrap(sentence, width)
    while len(narrower := wrap(sentence, width - 1)) == len(lines):
        lines, width = narrower, width - 1  # no word alone in the last line
    figure.suptitle("\n".join(lines), x=0.01, ha="left")
    return figure


def in_per_cent(side: Axis, digits: int = 0) -> Axis:
    """Ticks of fractions from 0 to 1, written in per cent."""
    side.set_major_formatter(PercentFormatter(1, decimals=digits, symbol=" %"))
    return side


def in_powers(side: Axis) -> Axis:
    """A logarithmic axis whose exponents are as large as all other letters."""
    side.axes.set(**{f"{side.axis_name}scale": "log"})
    side.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    return side


def power_of_ten(value: float) -> str:
    """As a tick says it: 0.01, 1, 100, 10⁶."""
    exponent = round(math.log10(value))
    if -3 < exponent < 4:
        return f"{10.0**exponent:,g}"
    return f"10{str(exponent).translate(SUPERSCRIPTS)}"


def name_lines(axis: Axes) -> Axes:
    """Write the label of each line at its right end, in its colour, in place of a legend.

    To be called last: where names would overlap depends on all that is drawn.
    """
    axis.figure.draw_without_rendering()
    lines = [line for line in axis.lines if not line.get_label().startswith("_")]
    ends = [axis.transData.transform(line.get_xydata()[-1])[1] for line in lines]
    point, rows = axis.figure.dpi / 72, [line.get_label().count("\n") + 1 for line in lines]
    places = _apart(ends, 1.3 * max(rows) * plt.rcParams["font.size"] * point)
    for line, end, place in zip(lines, ends, places, strict=True):
        axis.annotate(
            line.get_label(),
            line.get_xydata()[-1],
            xytext=(9, (place - end) / point),
            textcoords="offset points",
            va="center",
            color=line.get_color(),
            annotation_clip=False,
        )
    return axis


def curves(
    histories: Iterable[History],
    column: str,
    axis: Axes,
    *,
    styles: Sequence[Mapping] | None = None,
) -> Axes:
    """One line a history: `column` over epochs, named at its right end in place of a legend."""
    histories = list(histories)
    for history, style in zip(histories, styles or [{}] * len(histories), strict=True):
        epochs, values = history.column("epoch"), history.column(column)
        axis.plot(epochs, values, label=history.label, **style)
    axis.set_ylim(bottom=0, auto=None)  # a later, higher line still moves the top
    axis.set(xlabel="epoch", ylabel=column.replace("_", " "))
    if column.endswith("_error"):
        in_per_cent(axis.yaxis)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.margins(x=0.02)
    return name_lines(axis)


def range_over(
    places: Sequence[float], runs: Iterable[Sequence[float]], axis: Axes, *, color: str
) -> Axes:
    """The range of several runs at each place, from the lowest to the highest, as a shade."""
    columns = list(zip(*runs, strict=True))
    low, high = ([edge(column) for column in columns] for edge in (min, max))
    axis.fill_between(places, low, high, color=color, alpha=0.18, linewidth=0)
    return axis


def means_over(
    places: Sequence[float], runs: Iterable[Sequence[float]], axis: Axes, *, name: str, **style
) -> Axes:
    """The mean of several runs at each place as a line, and their range as a shade."""
    runs = list(runs)
    means = [math.fsum(column) / len(column) for column in zip(*runs, strict=True)]
    (line,) = axis.plot(places, means, label=name, **style)
    return range_over(places, runs, axis, color=line.get_color())


def points_over_depth(
    values: Mapping[int, Sequence[float]], axis: Axes, *, name: str, **style
) -> Axes:
    """All values at each depth as points, and a line through their means."""
    for depth, found in values.items():
        apart = [depth + 2.4 * ((k + 0.5) / len(found) - 0.5) for k in range(len(found))]
        axis.plot(apart, found, **{**style, "linestyle": "", "alpha": 0.35, "markersize": 4})
    means = [math.fsum(found) / len(found) for found in values.values()]
    axis.plot(list(values), means, label=name, **{**style, "markersize": 7})
    axis.set_xticks(sorted(values))
    axis.set_xlabel("depth, layers with weights")
    return axis


def points_in_rows(
    rows: Mapping[str, Sequence[float]],
    axis: Axes,
    *,
    name: str | None = None,
    up: float = 0,
    **style,
) -> Axes:
    """One row a name, the first on top: all its values as points along x, and a mark at their mean.

    `up` moves the rows by so much, for arms that stand above each other.
    """
    for row, found in enumerate(rows.values()):
        heights = [-row + up] * len(found)
        axis.plot(found, heights, **{**style, "linestyle": "", "alpha": 0.35, "markersize": 4})
    means = [math.fsum(found) / len(found) for found in rows.values()]
    heights = [-row + up for row in range(len(rows))]
    axis.plot(means, heights, label=name, **{**style, "linestyle": "", "markersize": 8})
    axis.set_yticks([-row for row in range(len(rows))], list(rows))
    return axis


def _apart(values: Sequence[float], distance: float) -> list[float]:
    """Places for labels near `values`, in the same order, moved up where two would overlap."""
    places, lowest = [0.0] * len(values), -math.inf
    for index in sorted(range(len(values)), key=values.__getitem__):
        places[index] = lowest = max(values[index], lowest + distance)
    return places


def errors_by_depth(
    arms: Mapping[str, Mapping[int, Sequence[float]]],
    axis: Axes,
    *,
    styles: Sequence[Mapping] | None = None,
    intervals: bool = False,
) -> Axes:
    """All errors of each arm over depth as points, and a line through the means, named at its end.

    `arms` maps a name to {depth: errors of the runs}, errors being fractions from 0 to 1. With
    `intervals` a bar at each mean is its 95 % t interval.
    """
    for (name, runs), style in zip(arms.items(), styles or [{}] * len(arms), strict=True):
        points_over_depth(runs, axis, name=name, **style)
        line = axis.lines[-1]
        means = line.get_ydata()
        if intervals:
            halves = [mean_interval(errors)[1] for errors in runs.values()]
            axis.errorbar(
                line.get_xdata(), means, halves, fmt="none", ecolor=line.get_color(), capsize=5
            )
    axis.set_xticks(sorted({depth for runs in arms.values() for depth in runs}))
    axis.set_ylabel("training error")
    axis.set_ylim(bottom=0, auto=None)  # a later, higher line still moves the top
    in_per_cent(axis.yaxis)
    return name_lines(axis)
