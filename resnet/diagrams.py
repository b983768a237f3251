"""The drawn figures: function classes, blocks and networks, computed and not traced.

Every function returns its figure and never shows it. None is wider than lets its letters be read on
a phone.
"""

from collections.abc import Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch

INK, BLUE, ORANGE, GREY = "#1f2933", "#175f9e", "#c2530a", "#66727e"
GREEN = "#1f7358"
DASHED = (0, (3, 1.5))
PALE = {"residual": "#dbe8f3", "plain": "#fbe5d6", "third": "#d8ece4", "neutral": "#eef1f4"}
SUBSCRIPTS = "₀₁₂₃"

# Centre, half axes and tilt in degrees of each region, from the smallest function class up.
WANDERING = (
    ((-1.05, -0.75), (0.36, 0.26), 10),
    ((-0.55, -0.35), (0.62, 0.40), 35),
    ((-1.25, 0.10), (0.88, 0.60), -25),
)
NESTED = (
    ((-1.05, -0.75), (0.36, 0.26), 10),
    ((-0.90, -0.58), (0.72, 0.50), 25),
    ((-0.72, -0.38), (1.12, 0.78), 30),
)
TARGET = (0.75, 0.55)
NAMES_WANDERING = ((-1.15, -0.80), (-0.41, -0.54), (-1.50, 0.25))
NAMES_NESTED = ((-1.10, -0.78), (-1.20, -0.36), (-1.10, 0.06))


def nearest_point(region: tuple, target: tuple[float, float] = TARGET) -> numpy.ndarray:
    """The point of an ellipse (centre, half axes, tilt) with the smallest distance to `target`."""
    boundary = outline(region)
    return boundary[numpy.hypot(*(boundary - numpy.asarray(target)).T).argmin()]


def outline(region: tuple, points: int = 7200) -> numpy.ndarray:
    """Points (n, 2) on the boundary of an ellipse."""
    centre, half_axes, tilt = region
    angle, turn = numpy.linspace(0, 2 * numpy.pi, points), numpy.deg2rad(tilt)
    circle = numpy.stack([numpy.cos(angle), numpy.sin(angle)], axis=1) * half_axes
    rotation = [[numpy.cos(turn), numpy.sin(turn)], [-numpy.sin(turn), numpy.cos(turn)]]
    return circle @ numpy.asarray(rotation) + centre


def function_classes() -> Figure:
    """Classes that wander beside nested ones, each with its member closest to the target."""
    figure, axes = plt.subplots(1, 2, figsize=(4.8, 2.2), constrained_layout=True)
    titles = ("not nested:\nmay move away", "nested: can\nonly come closer")
    cases = ((WANDERING, NAMES_WANDERING), (NESTED, NAMES_NESTED))
    for axis, title, (regions, names) in zip(axes, titles, cases, strict=True):
        _draw_classes(axis, regions, names)
        axis.set_title(title, loc="center")
    return figure


def _draw_classes(axis: Axes, regions: Sequence[tuple], names: Sequence[tuple]) -> None:
    for region in reversed(regions):
        centre, half_axes, tilt = region
        patch = Ellipse(centre, 2 * half_axes[0], 2 * half_axes[1], angle=tilt)
        fill = plt.matplotlib.colors.to_rgba(BLUE, 0.12)  # deeper where several overlap
        patch.set(facecolor=fill, edgecolor=BLUE, linewidth=1.4)
        axis.add_patch(patch)
    for number, region in enumerate(regions, start=1):
        near = nearest_point(region)
        axis.plot(*zip(near, TARGET, strict=True), color=GREY, linestyle=":", linewidth=1.2)
        axis.plot(*near, "o", color=ORANGE, markersize=6)
        name = f"F{SUBSCRIPTS[number]}"
        axis.text(*names[number - 1], name, ha="center", va="center", style="italic")
    axis.plot(*TARGET, "*", color=INK, markersize=13)
    axis.text(TARGET[0], TARGET[1] + 0.12, "f*", ha="center", va="bottom", style="italic")
    axis.set(xlim=(-2.35, 1.1), ylim=(-1.35, 0.95), aspect="equal")
    axis.axis("off")


def plain_and_residual() -> Figure:
    """A plain block beside a residual one: the same layers, and one addition."""
    figure, axes = plt.subplots(1, 2, figsize=(4.8, 4.2), constrained_layout=True)
    for axis, skip in zip(axes, (False, True), strict=True):
        _draw_block(axis, skip=skip)
    axes[0].set_title("plain block", loc="center")
    axes[1].set_title("residual block", loc="center")
    return figure


def residual_blocks(channels: int = 64, side: int = 14) -> Figure:
    """The residual block without and with the 1x1 convolution, with the shapes of its tensors."""
    figure, axes = plt.subplots(1, 2, figsize=(4.8, 4.5), constrained_layout=True)
    stays, halved = f"{channels} x {side} x {side}", side_after(side, 3, 2, 1)
    shapes = ((stays, stays), (stays, f"{2 * channels} x {halved} x {halved}"))
    for axis, projects, shape in zip(axes, (False, True), shapes, strict=True):
        _draw_block(axis, skip=True, projects=projects, shapes=shape)
    axes[0].set_title("shapes stay", loc="center")
    axes[1].set_title("shapes change", loc="center")
    return figure


def _draw_block(
    axis: Axes, *, skip: bool, projects: bool = False, shapes: tuple[str, str] | None = None
) -> None:
    """One block from the input X at the top to the output Y at the bottom."""
    layers = ["3x3 conv", "batch norm", "ReLU", "3x3 conv", "batch norm"]
    heights = [4.5, 3.75, 3.1, 2.45, 1.8]
    for place, (layer, height) in enumerate(zip(layers, heights, strict=True)):
        kind = "neutral" if layer in ("batch norm", "ReLU") else "residual" if skip else "plain"
        strides = projects and place == 0
        words = f"{layer}\nstride 2" if strides else layer
        box(axis, 0, height, words, kind, width=1.6, height=0.72 if strides else 0.46)
    ends = [5.5, *heights]
    for place, (above, below) in enumerate(pairwise(ends)):
        arrow(axis, (0, above - (0.36 if place == 1 else 0.23)), (0, below + 0.23))
    _draw_end(axis, skip)
    if skip:
        _draw_shortcut(axis, projects)
    names = shapes or ("", "")
    axis.text(0, 5.35, f"X   {names[0]}".rstrip(), ha="center", va="bottom", style="italic")
    sum_of_both = "F(X) + W₃∗X" if projects else "F(X) + X"
    formula = f"Y = ReLU({sum_of_both if skip else 'H(X)'})"
    axis.text(0, -0.42, names[1] or formula, ha="center", va="top")
    if names[1]:
        axis.text(0, -0.8, formula, ha="center", va="top")
    axis.text(-1.06, 3.1, "F(X)" if skip else "H(X)", ha="right", va="center")
    line(axis, [-0.9, -1.0, -1.0, -0.9], [4.75, 4.75, 1.58, 1.58], color=GREY, width=1.2)
    axis.set(xlim=(-1.8, 2.4), ylim=(-1.15, 5.8))
    axis.axis("off")


def _draw_end(axis: Axes, skip: bool) -> None:
    """The addition, where there is one, and the last ReLU."""
    if skip:
        arrow(axis, (0, 1.57), (0, 1.33))
        plus(axis, 0, 1.15)
        arrow(axis, (0, 0.97), (0, 0.68))
    else:
        arrow(axis, (0, 1.57), (0, 0.68))
    box(axis, 0, 0.45, "ReLU", "neutral")
    arrow(axis, (0, 0.22), (0, -0.36))


def _draw_shortcut(axis: Axes, projects: bool) -> None:
    """The way around the layers, through the 1x1 convolution where shapes change."""
    line(axis, [0, 1.7, 1.7], [5.1, 5.1, 1.15])
    arrow(axis, (1.7, 1.15), (0.2, 1.15), color=BLUE, width=2.2)
    if projects:
        box(axis, 1.7, 3.1, "1x1 conv\nstride 2", "third", width=1.34, height=0.8)
    else:
        axis.text(1.82, 3.1, "X", ha="left", va="center", color=BLUE)


def side_after(side: int, kernel: int, strides: int, padding: int) -> int:
    """The side of a map behind a convolution or pooling: floor((S + 2p - k) / s) + 1."""
    return (side + 2 * padding - kernel) // strides + 1


def resnet18_shapes(image_size: int = 28) -> list[tuple[str, int, int]]:
    """Name, channels and side of each part of the document's ResNet-18, from strides alone."""
    side = side_after(side_after(image_size, 7, 2, 3), 3, 2, 1)
    shapes = [("b1", 64, side), ("b2", 64, side)]
    for name, channels in (("b3", 128), ("b4", 256), ("b5", 512)):
        side = side_after(side, 3, 2, 1)
        shapes.append((name, channels, side))
    return shapes


def resnet18_overview(image_size: int = 28, num_classes: int = 10) -> Figure:
    """ResNet-18 from image to scores: stem, four stages of two blocks, head, all shapes beside."""
    figure, axis = plt.subplots(figsize=(4.6, 7.0), constrained_layout=True)
    axis.text(0, 14.35, f"image  1 x {image_size} x {image_size}", ha="center", va="bottom")
    height, above = 13.6, 14.3
    for name, channels, side in resnet18_shapes(image_size):
        words = {"b1": ["7x7 conv, stride 2", "3x3 max-pool, stride 2"]}
        rows = words.get(name, ["residual block", "residual block"])
        axis.text(-2.15, height - 0.57, name, ha="right", va="center", fontweight="bold")
        shape = f"{channels} x {side} x {side}"
        axis.text(2.55, height - 0.57, shape, ha="left", va="center")
        for row, text in enumerate(rows):
            box(axis, 0, height, text, "neutral" if name == "b1" else "residual", width=3.4)
            arrow(axis, (0, above), (0, height + 0.24))
            if name != "b1":
                _arc(axis, height, projects=row == 0 and name != "b2")
            above, height = height - 0.24, height - 1.15
        height -= 0.25
    box(axis, 0, height, "average pool, linear", "neutral", width=3.4)
    arrow(axis, (0, above), (0, height + 0.24))
    axis.text(-2.15, height, "head", ha="right", va="center", fontweight="bold")
    axis.text(2.55, height, f"{num_classes} scores", ha="left", va="center")
    line(axis, [-2.2, -1.5], [height - 0.85] * 2, width=1.8)
    axis.text(-1.35, height - 0.85, "identity", va="center")
    line(axis, [0.5, 1.2], [height - 0.85] * 2, color=GREEN, width=1.8, style=DASHED)
    axis.text(1.35, height - 0.85, "1x1 conv, stride 2", va="center")
    axis.set(xlim=(-3.2, 4.4), ylim=(height - 1.1, 14.8))
    axis.axis("off")
    return figure


def _arc(axis: Axes, height: float, projects: bool) -> None:
    """A shortcut around the block that stands at `height`."""
    top, bottom = height + 0.46, height - 0.35
    color, style = (GREEN, DASHED) if projects else (BLUE, "-")
    line(axis, [0, 2.1, 2.1, 0.2], [top, top, bottom, bottom], color=color, width=1.8, style=style)
    arrow(axis, (0.2, bottom), (0.04, bottom), color=color, width=1.8)


def inception_and_residual() -> Figure:
    """GoogLeNet's block of four branches beside the residual block, both from top to bottom."""
    figure, axes = plt.subplots(
        1, 2, figsize=(4.8, 2.9), width_ratios=(3.3, 1.5), constrained_layout=True
    )
    _draw_inception(axes[0])
    _draw_two_layers(axes[1])
    axes[0].set_title("inception block: four\nbranches, six widths to choose", loc="center")
    axes[1].set_title("residual block:\none width", loc="center")
    for axis in axes:
        axis.set_ylim(-0.65, 3.1)
        axis.axis("off")
    return figure


def _draw_inception(axis: Axes) -> None:
    branches = (["1x1"], ["1x1", "3x3"], ["1x1", "5x5"], ["max-pool", "1x1"])
    for place, branch in zip((-3, -1, 1, 3), branches, strict=True):
        for height, name in zip((1.9, 1.0), branch, strict=False):
            box(axis, place, height, name, "neutral", width=1.75)
        arrow(axis, (0, 2.9), (place, 2.14))
        if len(branch) == 2:
            arrow(axis, (place, 1.66), (place, 1.24))
            arrow(axis, (place, 0.76), (place * 0.35, 0.34))
        else:  # around the branches beside it
            line(axis, [place, place], [1.66, 0.1], color=INK, width=1.2)
            arrow(axis, (place, 0.1), (-1.5, 0.1))
    box(axis, 0, 0.1, "concatenate", "neutral", width=3.0)
    arrow(axis, (0, -0.14), (0, -0.6))
    axis.set_xlim(-4.0, 4.0)


def _draw_two_layers(axis: Axes) -> None:
    for height in (1.9, 1.0):
        box(axis, 0, height, "3x3", "residual", width=1.5)
    for start, end in ((2.9, 2.14), (1.66, 1.24), (0.76, 0.3), (-0.1, -0.6)):
        arrow(axis, (0, start), (0, end))
    plus(axis, 0, 0.1)
    line(axis, [0, 1.25, 1.25], [2.6, 2.6, 0.1])
    arrow(axis, (1.25, 0.1), (0.3, 0.1), color=BLUE, width=2.2)
    axis.set_xlim(-1.3, 1.6)


def box(
    axis: Axes,
    x: float,
    y: float,
    text: str,
    kind: str,
    width: float = 1.9,
    height: float = 0.46,
) -> None:
    """A box with rounded corners around its centre, with words in it."""
    corner = (x - width / 2, y - height / 2)
    patch = FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.08")
    patch.set(facecolor=PALE[kind], edgecolor=INK, linewidth=1.0)
    axis.add_patch(patch)
    axis.text(x, y, text, ha="center", va="center_baseline", linespacing=1.1)


def line(
    axis: Axes,
    x: Sequence[float],
    y: Sequence[float],
    color: str = BLUE,
    width: float = 2.2,
    style: str | tuple = "-",
) -> None:
    """A way that turns at each of the points."""
    axis.plot(x, y, color=color, linewidth=width, linestyle=style, zorder=0)


def arrow(
    axis: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    color: str = INK,
    width: float = 1.2,
) -> None:
    """A straight way that ends in a tip."""
    style = {"arrowstyle": "-|>", "mutation_scale": 9, "shrinkA": 0, "shrinkB": 0}
    axis.add_patch(FancyArrowPatch(start, end, color=color, linewidth=width, **style))


def plus(axis: Axes, x: float, y: float) -> None:
    """The sign of an addition, in a circle."""
    axis.plot(x, y, "o", markersize=15, markerfacecolor="white", markeredgecolor=INK)
    axis.text(x, y, "+", ha="center", va="center_baseline", fontsize=13)
