"""The drawn figures: geometry that is computed, text that is legible, and the same bytes twice."""

import io
from itertools import combinations, pairwise

import matplotlib
import matplotlib.pyplot as plt
import numpy
import pytest
import torch
from matplotlib.text import Text

from resnet import diagrams
from resnet.models import resnet18
from resnet.plots import use_book_style
from resnet.probes import output_shapes

matplotlib.use("Agg")
DRAWINGS = (
    diagrams.function_classes,
    diagrams.plain_and_residual,
    diagrams.residual_blocks,
    diagrams.resnet18_overview,
    diagrams.inception_and_residual,
)


@pytest.fixture(autouse=True)
def book_style():
    with plt.rc_context():
        use_book_style()
        yield
        plt.close("all")


def inside(points: numpy.ndarray, region: tuple) -> numpy.ndarray:
    """Whether points lie in an ellipse, by its equation."""
    centre, half_axes, tilt = region
    turn = numpy.deg2rad(tilt)
    x, y = (points - numpy.asarray(centre)).T
    along = x * numpy.cos(turn) + y * numpy.sin(turn)
    across = -x * numpy.sin(turn) + y * numpy.cos(turn)
    return (along / half_axes[0]) ** 2 + (across / half_axes[1]) ** 2 <= 1 + 1e-9


def distance(region: tuple) -> float:
    return float(numpy.hypot(*(diagrams.nearest_point(region) - numpy.asarray(diagrams.TARGET))))


def test_nested_classes_contain_each_other_and_come_closer():
    for smaller, larger in pairwise(diagrams.NESTED):
        assert inside(diagrams.outline(smaller), larger).all()
        assert distance(larger) < distance(smaller)


def test_classes_that_are_not_nested_can_move_away():
    first, second, third = diagrams.WANDERING
    assert not inside(diagrams.outline(first), second).all()
    assert not inside(diagrams.outline(second), third).all()
    assert distance(second) < distance(third)


@pytest.mark.parametrize("region", diagrams.NESTED + diagrams.WANDERING)
def test_nearest_points_lie_on_the_boundary_and_nothing_is_nearer(region):
    near = diagrams.nearest_point(region)
    assert inside(near[None], region).all()
    assert not inside((near + 1e-3 * (near - numpy.asarray(region[0])))[None], region).any()
    grid = numpy.stack(numpy.meshgrid(*[numpy.linspace(-3, 3, 301)] * 2), axis=-1).reshape(-1, 2)
    within = grid[inside(grid, region)]
    to_target = numpy.hypot(*(within - numpy.asarray(diagrams.TARGET)).T)
    assert to_target.min() >= distance(region) - 1e-6


def test_no_class_holds_the_target():
    target = numpy.asarray([diagrams.TARGET])
    assert not any(inside(target, region).any() for region in diagrams.NESTED + diagrams.WANDERING)


@pytest.mark.parametrize("image_size", [28, 32, 96, 224])
def test_shapes_in_the_overview_are_those_of_the_network(image_size):
    real = output_shapes(resnet18(), torch.zeros(1, 1, image_size, image_size))
    for name, channels, side in diagrams.resnet18_shapes(image_size):
        assert real[name] == (1, channels, side, side)


@pytest.mark.parametrize("draw", DRAWINGS, ids=lambda draw: draw.__name__)
def test_text_stays_apart_and_inside(draw):
    figure = draw()
    figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
    texts = [text for text in texts if text.axes and not text.axes.axison]
    boxes = {text: text.get_window_extent() for text in texts}
    assert len(boxes) > 4
    for one, other in combinations(boxes, 2):
        assert not boxes[one].shrunk(0.9, 0.9).overlaps(boxes[other]), (one, other)
    for text, box in boxes.items():
        assert box.x0 >= 0 and box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text


@pytest.mark.parametrize("draw", DRAWINGS, ids=lambda draw: draw.__name__)
def test_text_is_legible_on_a_phone(draw):
    """A phone shows a figure about 330 CSS pixels wide: 7 of them are the least for a letter."""
    figure = draw()
    scale = 330 / (figure.get_figwidth() * 96)
    sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text().strip()]
    assert min(sizes) * 96 / 72 * scale >= 7


@pytest.mark.parametrize("draw", DRAWINGS, ids=lambda draw: draw.__name__)
def test_drawing_twice_gives_the_same_bytes(draw):
    pictures = []
    for _ in range(2):
        buffer = io.BytesIO()
        draw().savefig(buffer, format="png")
        pictures.append(buffer.getvalue())
    assert pictures[0] == pictures[1]
