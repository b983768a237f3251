"""Curves from results: functions that take data and an axis, return the axis, never train."""

import math
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import as_file, files

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .results import History, mean_interval

# The book's palette; line style and marker tell the arms apart in grey, too.
INK, RULE = "#1f2933", "#d5dbe1"
RESIDUAL = {"color": "#175f9e", "linestyle": "-", "marker": "o"}
PLAIN = {"color": "#d9600f", "linestyle": (0, (5, 2)), "marker": "s"}
GROWN = {"color": "#2a8c6e", "linestyle": "-.", "marker": "^"}
REFERENCE = {"color": "#7b8794", "linestyle": ":", "marker": ""}


def use_book_style() -> None:
    """Fonts, colours and resolution of the book's figures, for all figures drawn from here on."""
    with as_file(files("resnet") / "assets" / "book.mplstyle") as path:
        plt.style.use(path)


def curves(
    histories: Iterable[History],
    column: str,
    axis: Axes,
    *,
    styles: Sequence[Mapping] | None = None,
) -> Axes:
    """One line a history: `column` over epochs, named at its right end in place of a legend."""
    histories = list(histories)
    lines = []
    for history, style in zip(histories, styles or [{}] * len(histories), strict=True):
        lines += axis.plot(history.column("epoch"), history.column(column), **style)
    axis.set_ylim(bottom=0, auto=None)  # a later, higher line still moves the top
    ends = [history.column(column)[-1] for history in histories]
    places = _apart(ends, distance=0.07 * axis.get_ylim()[1])
    for history, line, place in zip(histories, lines, places, strict=True):
        axis.annotate(
            history.label,
            (len(history.epochs), place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=line.get_color(),
        )
    axis.set_xlabel("epoch")
    axis.set_ylabel(column.replace("_", " "))
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.margins(x=0.02)
    return axis


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
        axis.annotate(
            name, (list(runs)[-1], means[-1]), xytext=(14, 0),
            textcoords="offset points", va="center", annotation_clip=False,
        )  # fmt: skip
    axis.set_xticks(sorted({depth for runs in arms.values() for depth in runs}))
    axis.set_ylabel("training error")
    axis.set_ylim(bottom=0, auto=None)  # a later, higher line still moves the top
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    return axis
