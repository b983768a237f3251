"""The drawn figures: geometry that is computed, text that is legible, and the same bytes twice."""

import io
from functools import partial
from itertools import combinations, pairwise

import matplotlib
import matplotlib.pyplot as plt
import numpy
import pytest
import torch
from matplotlib.patches import Ellipse, Rectangle
from matplotlib.text import Text

from resnet import diagrams, openings
from resnet.models import FAMILY, Residual, resnet18
from resnet.plots import use_book_style
from resnet.probes import output_shapes

matplotlib.use("Agg")
DRAWINGS = (
    diagrams.function_classes,
    diagrams.plain_and_residual,
    diagrams.residual_blocks,
    diagrams.resnet18_overview,
    diagrams.inception_and_residual,
    partial(openings.shallow_and_deep, numpy.zeros((6, 28, 28))),
    openings.doing_nothing,
    openings.narrowing,
    openings.one_block_out,
    openings.three_shortcuts,
    partial(openings.five_networks, {d: counts for d, (_, counts) in FAMILY.items()}, (50,)),
    openings.ring,
    openings.less_work,
)


def name(draw) -> str:
    return getattr(draw, "func", draw).__name__


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


def test_the_picture_shows_these_regions_and_these_nearest_points():
    axes = diagrams.function_classes().axes
    for axis, regions in zip(axes, (diagrams.WANDERING, diagrams.NESTED), strict=True):
        drawn = [patch for patch in axis.patches if isinstance(patch, Ellipse)]
        assert len(drawn) == len(regions)
        for patch, region in zip(drawn[::-1], regions, strict=True):
            knots = patch.get_path().vertices[::3]  # between them stand control points
            edge = patch.get_patch_transform().transform(knots)
            assert inside(0.99 * edge + 0.01 * numpy.asarray(region[0]), region).all()
            assert not inside(1.05 * edge - 0.05 * numpy.asarray(region[0]), region).any()
        lower, upper = numpy.array([axis.get_xlim(), axis.get_ylim()]).T
        edges = numpy.concatenate([diagrams.outline(region) for region in regions])
        assert (edges > lower + 0.03).all() and (edges < upper - 0.03).all()  # nothing is clipped
        dots = [line.get_xydata()[0] for line in axis.lines if line.get_marker() == "o"]
        assert numpy.allclose(dots, [diagrams.nearest_point(region) for region in regions])


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


def test_only_the_residual_block_adds():
    plain, residual = diagrams.plain_and_residual().axes
    assert "+" not in words(plain)
    assert words(residual).count("+") == 1
    layers = [
        [word for word in words(axis) if "conv" in word or word in ("batch norm", "ReLU")]
        for axis in (plain, residual)
    ]
    assert layers[0] == layers[1]


@pytest.mark.parametrize(("channels", "side"), [(64, 14), (16, 7)])
def test_shapes_at_the_blocks_are_those_of_the_module(channels, side):
    same, projecting = diagrams.residual_blocks(channels, side).axes
    X = torch.zeros(1, channels, side, side)
    blocks = (Residual(channels, channels), Residual(channels, 2 * channels, True, strides=2))
    for axis, block in zip((same, projecting), blocks, strict=True):
        shown = [word.split("   ")[-1] for word in words(axis) if " x " in word]
        ends = [X, block.eval()(X)]
        assert shown == [" x ".join(map(str, end.shape[1:])) for end in ends]
        assert any("1x1" in word for word in words(axis)) == (block.conv3 is not None)


@pytest.mark.parametrize("image_size", [28, 96])
def test_the_overview_shows_the_blocks_and_shortcuts_of_the_network(image_size):
    network = resnet18()
    real = output_shapes(network, torch.zeros(1, 1, image_size, image_size))
    figure = diagrams.resnet18_overview(image_size)
    shown = [word for word in words(figure) if " x " in word and "image" not in word]
    stages = ("b1", "b2", "b3", "b4", "b5")
    assert shown == [" x ".join(map(str, real[name][1:])) for name in stages]
    (axis,) = figure.axes
    blocks = [block for block in network.modules() if isinstance(block, Residual)]
    assert words(figure).count("residual block") == len(blocks)
    arcs = [line for line in axis.lines if len(line.get_xdata()) == 4]
    arcs.sort(key=lambda line: -line.get_ydata()[0])
    drawn = [line.get_linestyle() == "--" for line in arcs]
    assert drawn == [block.conv3 is not None for block in blocks]


def test_no_class_holds_the_target():
    target = numpy.asarray([diagrams.TARGET])
    assert not any(inside(target, region).any() for region in diagrams.NESTED + diagrams.WANDERING)


@pytest.mark.parametrize("image_size", [28, 32, 96, 224])
def test_shapes_in_the_overview_are_those_of_the_network(image_size):
    real = output_shapes(resnet18(), torch.zeros(1, 1, image_size, image_size))
    for name, channels, side in diagrams.resnet18_shapes(image_size):
        assert real[name] == (1, channels, side, side)


@pytest.mark.parametrize("draw", DRAWINGS, ids=name)
def test_text_is_legible_on_a_phone_and_stays_apart_and_inside(draw):
    """A phone shows a figure 328 CSS pixels wide: 9 of them are the least for a letter."""
    figure = draw()
    texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
    scale = 328 / (figure.get_figwidth() * 96)
    assert min(text.get_fontsize() for text in texts) * 96 / 72 * scale >= 9
    figure.canvas.draw()
    texts = [text for text in texts if text.axes and not text.axes.axison]
    boxes = {text: text.get_window_extent() for text in texts}
    assert len(boxes) > 1
    for one, other in combinations(boxes, 2):
        assert not boxes[one].shrunk(0.9, 0.9).overlaps(boxes[other]), (one, other)
    for text, box in boxes.items():
        assert box.x0 >= 0 and box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWINGS, ids=name)
def test_drawing_twice_gives_the_same_bytes(draw):
    pictures = []
    for _ in range(2):
        buffer = io.BytesIO()
        draw().savefig(buffer, format="png", dpi=40)
        pictures.append(buffer.getvalue())
    assert pictures[0] == pictures[1]


def bars(figure) -> int:
    return len([patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)])


def test_openings_draw_as_many_layers_blocks_and_epochs_as_they_say():
    assert bars(openings.shallow_and_deep(numpy.zeros((6, 28, 28)))) == 8 + 56
    counts = {depth: counts for depth, (_, counts) in FAMILY.items()}
    assert bars(openings.five_networks(counts, (50,))) == sum(map(sum, counts.values()))
    assert bars(openings.less_work((28, 3), (96, 10))) == 13
    maps = openings.narrowing(28).axes[0].patches[::2]
    heights = [patch.get_height() for patch in maps if isinstance(patch, Rectangle)]
    sides = [28, *(side for _, _, side in diagrams.resnet18_shapes(28))]
    assert numpy.allclose(heights, [height * heights[0] / 28 for height in sides])
