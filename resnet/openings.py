"""The picture that opens each chapter: its question, drawn, and nothing of the answer.

Every function returns its figure and never shows it.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .diagrams import (
    BLUE,
    DASHED,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    arrow,
    box,
    line,
    plus,
    resnet18_shapes,
)
from .plots import claim

WIDTH = 4.8  # inches, as all figures


def shallow_and_deep(images: numpy.ndarray) -> Figure:
    """Six images (6, height, width) that go into 8 layers and into 56."""
    figure, axis = _canvas("Both learn from the same images. Which fits them better?", 1.75, 3.5)
    for number, image in enumerate(images):
        column, row = number % 2, number // 2
        place = (0.8 * column, 0.8 * column + 0.75, 2.3 - 0.8 * row, 3.05 - 0.8 * row)
        axis.imshow(image, cmap="gray", extent=place, interpolation="none", aspect="auto")
    for layers, height, color in ((8, 2.55, GREY), (56, 0.9, ORANGE)):
        start = 2.4
        arrow(axis, (1.65, 1.75), (start - 0.08, height))
        for layer in range(layers):
            corner = (start + 0.112 * layer, height - 0.4)
            axis.add_patch(Rectangle(corner, 0.075, 0.8, facecolor=color))
        end = start + 0.112 * layers
        arrow(axis, (end + 0.03, height), (end + 0.45, height))
        axis.text(end + 0.55, height, "?", va="center", fontsize=16, fontweight="bold")
        axis.text(start, height + 0.5, f"{layers} layers", va="bottom")
    return figure


def doing_nothing() -> Figure:
    """Two layers and a way around them, between equal inputs and outputs."""
    figure, axis = _canvas("What must the layers learn, for X to come out again?", 1.3, 2.4)
    axis.text(0.25, 0.8, "X", ha="center", va="center", style="italic", fontsize=12)
    for place, end in ((2.7, 1.9), (5.1, 4.3)):
        box(axis, place, 0.8, "3x3 conv", "residual", width=1.6, height=0.7)
        arrow(axis, (end - (1.4 if place < 3 else 0.8), 0.8), (end, 0.8))
    line(axis, [1.0, 1.0, 6.9], [0.8, 1.9, 1.9])
    arrow(axis, (6.9, 1.9), (6.9, 1.12), color=BLUE, width=2.2)
    arrow(axis, (5.9, 0.8), (6.6, 0.8))
    plus(axis, 6.9, 0.8)
    arrow(axis, (7.2, 0.8), (8.1, 0.8))
    axis.text(8.45, 0.8, "X ?", va="center", style="italic", fontsize=12)
    return figure


def narrowing(image_size: int = 28) -> Figure:
    """ResNet-18's maps in true proportion, with the channels of each stage beneath."""
    figure, axis = _canvas("Eleven million weights: in which part do most of them sit?", 1.75, 3.3)
    sides = [("image", 1, image_size), *resnet18_shapes(image_size)]
    place = 0.0
    for name, channels, side in sides:
        height, width = 2.4 * side / image_size, 0.1 if channels == 1 else 0.25 * (channels / 64)
        corner = (place, 1.9 - height / 2)
        axis.add_patch(Rectangle(corner, width, height, facecolor=PALE["residual"], edgecolor=INK))
        words = "image" if channels == 1 else f"{name}\n{channels}"
        axis.text(place + width / 2, 0.55, words, ha="center", va="top")
        end = place + width
        place = end + 1.0
        arrow(axis, (end + 0.15, 1.9), (place - 0.1, 1.9))
    axis.text(place, 1.9, "?", va="center", fontsize=16, fontweight="bold")
    return figure


def one_block_out(blocks: int = 13, gone: int = 6) -> Figure:
    """A plain and a residual chain of blocks, each without one of them."""
    question = "One block of a trained network is taken out. What becomes of the error?"
    figure, axis = _canvas(question, 1.75, 3.1)
    for height, kind in ((2.1, "plain"), (0.6, "residual")):
        axis.text(0, height + 0.62, kind, color=ORANGE if kind == "plain" else BLUE)
        for number in range(blocks):
            place = 0.35 + 0.76 * number
            edge = {"edgecolor": GREY, "linestyle": ":"} if number == gone else {"edgecolor": INK}
            face = "none" if number == gone else PALE[kind]
            axis.add_patch(Rectangle((place - 0.2, height - 0.2), 0.4, 0.4, facecolor=face, **edge))
            if number != gone:
                arrow(axis, (place - 0.55, height), (place - 0.2, height))
            if kind == "residual":
                ends = [place - 0.42, place - 0.42, place + 0.27, place + 0.27]
                line(axis, ends, [height, height + 0.4, height + 0.4, height], width=1.6)
    return figure


def three_shortcuts() -> Figure:
    """Chains of blocks whose shortcuts are the identity, a convolution where it must be, or all."""
    question = "Three kinds of shortcut, the same layers. Which one trains worst?"
    figure, axis = _canvas(question, 1.9, 3.9)
    for height, name, projects in ((2.9, "A", ()), (1.6, "B", (3,)), (0.3, "C", range(7))):
        axis.text(0, height, name, va="center", fontweight="bold")
        for number in range(7):
            place, wide = 1.3 + 1.25 * number, number > 2
            box(axis, place, height, "", "neutral", width=0.6, height=0.62 if wide else 0.4)
            arrow(axis, (place - 0.9, height), (place - 0.3, height))
            ends = [place - 0.55, place - 0.55, place + 0.5, place + 0.5]
            style = {"color": GREEN, "style": DASHED} if number in projects else {}
            line(axis, ends, [height, height + 0.6, height + 0.6, height], width=1.8, **style)
    axis.text(1.0, 3.75, "identity", color=BLUE)
    axis.text(5.2, 3.75, "1x1 convolution", color=GREEN)
    axis.set_ylim(-0.2, 4.3)
    return figure


def five_networks(counts: Mapping[int, Sequence[int]], bottlenecks: Sequence[int]) -> Figure:
    """The blocks of each network, stage by stage; those of `bottlenecks` have three layers."""
    question = "From 18 to 152 layers on one plan. How much more work is that?"
    figure, axis = _canvas(question, 1.9, 5.2)
    for row, (depth, stages) in enumerate(counts.items()):
        height, place = 4.5 - row, 1.1
        axis.text(0.7, height, depth, ha="right", va="center")
        color = ORANGE if depth in bottlenecks else BLUE
        for blocks in stages:
            for _ in range(blocks):
                axis.add_patch(Rectangle((place, height - 0.28), 0.11, 0.56, facecolor=color))
                place += 0.155
            place += 0.18
    axis.text(6.2, 4.5, "blocks of two layers", va="center", color=BLUE)
    axis.text(6.2, 3.5, "blocks of three", va="center", color=ORANGE)
    return figure


def ring(devices: int = 8) -> Figure:
    """Devices that hand their gradients on to the next."""
    figure, axis = _canvas("Twice as many devices: is training twice as fast?", 2.0, 4.0)
    angles = numpy.linspace(0, 2 * numpy.pi, devices, endpoint=False)
    places = numpy.stack([5 + 2.9 * numpy.cos(angles), 1.95 + 1.5 * numpy.sin(angles)], axis=1)
    for number, (place, after) in enumerate(
        zip(places, numpy.roll(places, -1, axis=0), strict=True)
    ):
        arrow(axis, place + 0.3 * (after - place), place + 0.7 * (after - place), color=BLUE)
        box(axis, *place, str(number + 1), "residual", width=0.8, height=0.6)
    axis.text(5, 1.95, "gradients\ntravel", ha="center", va="center")
    return figure


def heirs(names: Sequence[str] = ("DenseNet", "ConvNeXt", "transformer")) -> Figure:
    """One layer of each: a box, a way around it, and where both meet nothing but a question."""
    question = "Layer and shortcut meet in all three. What happens where they meet?"
    figure, axis = _canvas(question, 1.35, 2.6)
    for start, name in zip((0.0, 3.5, 7.0), names, strict=True):
        axis.text(start + 1.45, 2.35, name, ha="center", va="center")
        axis.text(start, 0.75, "X", ha="center", va="center", style="italic", fontsize=12)
        arrow(axis, (start + 0.2, 0.75), (start + 0.75, 0.75))
        box(axis, start + 1.2, 0.75, "F", "residual", width=0.9, height=0.7)
        arrow(axis, (start + 1.65, 0.75), (start + 2.1, 0.75))
        line(axis, [start + 0.45, start + 0.45, start + 2.4], [0.75, 1.75, 1.75])
        arrow(axis, (start + 2.4, 1.75), (start + 2.4, 1.1), color=BLUE, width=2.2)
        axis.text(start + 2.4, 0.72, "?", ha="center", va="center", fontsize=16, fontweight="bold")
        arrow(axis, (start + 2.65, 0.75), (start + 3.05, 0.75))
    return figure


def less_work(ours: tuple[int, int] = (28, 3), theirs: tuple[int, int] = (96, 10)) -> Figure:
    """Squares as large as the images (side in pixels, epochs), one an epoch."""
    figure, axis = _canvas("The same network and the same goal. How much less work?", 1.35, 2.4)
    for (side, epochs), height, name in ((theirs, 1.7, "d2l"), (ours, 0.45, "this book")):
        axis.text(0, height, name, va="center")
        width = 0.72 * side / 96
        for epoch in range(epochs):
            corner = (1.9 + 0.8 * epoch, height - width / 2)
            axis.add_patch(
                Rectangle(corner, width, width, facecolor=PALE["residual"], edgecolor=INK)
            )
    axis.text(4.5, 0.45, "one square an epoch, to scale", va="center", color=GREY)
    return figure


def _canvas(question: str, height: float, top: float) -> tuple[Figure, Axes]:
    """An empty plane, ten units wide, under a question."""
    figure, axis = plt.subplots(figsize=(WIDTH, height))
    claim(figure, question)
    axis.set(xlim=(-0.1, 10.1), ylim=(-0.1, top), aspect="auto")
    axis.axis("off")
    return figure, axis
