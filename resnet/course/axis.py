"""What a figure's axis shows, read from what was drawn on it, however it was drawn."""

from collections.abc import Callable, Iterable
from importlib.util import find_spec, module_from_spec
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

ASIDE = 0.45  # how far from its arm's place something may stand
MOST_HEIGHTS = 60  # at one place: a filled column would show every value
MOST_OTHERS = 20  # beside the runs: whoever draws every interval there is has drawn none
MOST_CORNERS = 12  # of a filled shape; of one that is round only its ends count


def fresh_axis() -> Axes:
    """An empty axis that no window shows."""
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def own_reader() -> Callable[[Axes], dict[str, Any]]:
    """`drawn` of a copy of this module, which no later change of the module reaches."""
    spec = find_spec(__name__)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.drawn


def drawn(axis: Axes) -> dict[str, Any]:
    """All that is drawn on an axis, as plain data, and no verdict on it.

    `points` are [x, y] of points, ends of lines and tops of bars, `texts` all names, `vertical` is
    the name of the vertical axis. Lines across the whole axis do not count.
    """
    axis.figure.canvas.draw()  # names of categories come with drawing alone
    points = np.concatenate([np.empty((0, 2)), *_points(axis)])
    points = points[np.isfinite(points).all(axis=1)].round(9)
    return {
        "points": np.unique(points, axis=0).tolist(),
        "texts": list(_texts(axis)),
        "vertical": axis.get_ylabel(),
    }


def heights(axis: Axes, place: float) -> list[float]:
    """The heights of all that is drawn on an axis near x = `place`."""
    return heights_among(drawn(axis)["points"], place)


def heights_among(points: Iterable[tuple[float, float]], place: float) -> list[float]:
    """The heights of the points near x = `place`, each once; of more than 60 the lowest 60."""
    return sorted({y for x, y in points if abs(x - place) < ASIDE})[:MOST_HEIGHTS]


def _points(axis: Axes) -> Iterable[np.ndarray]:
    for line in axis.lines:
        if line.get_transform() == axis.transData:
            yield np.asarray(line.get_xydata(), dtype=float)
    for collection in axis.collections:
        if isinstance(collection, PathCollection):  # a scatter
            yield np.ma.filled(collection.get_offsets(), np.nan).astype(float)
        elif collection.get_transform() == axis.transData:
            yield from (_corners(path.vertices) for path in collection.get_paths())
    for patch in axis.patches:
        if isinstance(patch, Rectangle):
            middle = patch.get_x() + patch.get_width() / 2
            yield np.array([[middle, patch.get_y()], [middle, patch.get_y() + patch.get_height()]])


def _corners(vertices: np.ndarray) -> np.ndarray:
    """All points of a shape with few of them, else its lowest and its highest."""
    if len(vertices) <= MOST_CORNERS:
        return vertices
    return vertices[[vertices[:, 1].argmin(), vertices[:, 1].argmax()]]


def nearest(found: Iterable[float], value: float) -> float:
    """The one of `found` that is nearest to `value`, nan where there is none."""
    return min(found, key=lambda height: abs(height - value), default=float("nan"))


def words(axis: Axes) -> str:
    """All names on the axis: tick labels, legend, titles, and texts beside what is drawn."""
    return "\n".join(drawn(axis)["texts"])


def _texts(axis: Axes) -> Iterable[str]:
    legend = axis.get_legend()
    texts = [*axis.get_xticklabels(), *axis.texts, *(legend.get_texts() if legend else ())]
    yield from (text.get_text() for text in texts)
    yield from (axis.get_title(), axis.get_xlabel())
