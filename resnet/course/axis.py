"""What a figure's axis shows, read from what was drawn on it, however it was drawn."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

ASIDE = 0.45  # how far from its arm's place something may stand
MOST_HEIGHTS = 60  # at one place: a filled column would show every value


def fresh_axis() -> Axes:
    """An empty axis that no window shows."""
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def heights(axis: Axes, place: float) -> list[float]:
    """The heights of all that is drawn near x = `place`: points, ends of lines, tops of bars.

    Lines across the whole axis do not count, and of more than 60 heights the lowest 60 do.
    """
    points = np.concatenate([np.empty((0, 2)), *_points(axis)])
    near = np.isfinite(points).all(axis=1) & (abs(points[:, 0] - place) < ASIDE)
    return np.unique(points[near, 1].round(9))[:MOST_HEIGHTS].tolist()


def _points(axis: Axes) -> Iterable[np.ndarray]:
    for line in axis.lines:
        if line.get_transform() == axis.transData:
            yield np.asarray(line.get_xydata(), dtype=float)
    for collection in axis.collections:
        if isinstance(collection, PathCollection):  # a scatter
            yield np.ma.filled(collection.get_offsets(), np.nan).astype(float)
        elif collection.get_transform() == axis.transData:
            yield from (path.vertices for path in collection.get_paths())
    for patch in axis.patches:
        if isinstance(patch, Rectangle):
            middle = patch.get_x() + patch.get_width() / 2
            yield np.array([[middle, patch.get_y()], [middle, patch.get_y() + patch.get_height()]])


def nearest(found: Iterable[float], value: float) -> float:
    """The one of `found` that is nearest to `value`, nan where there is none."""
    return min(found, key=lambda height: abs(height - value), default=float("nan"))


def words(axis: Axes) -> str:
    """All names on the axis: tick labels, legend, titles, and texts beside what is drawn."""
    axis.figure.canvas.draw()  # names of categories come with drawing alone
    legend = axis.get_legend()
    texts = [*axis.get_xticklabels(), *axis.texts, *(legend.get_texts() if legend else ())]
    return "\n".join([*(text.get_text() for text in texts), axis.get_title(), axis.get_xlabel()])
