"""Put live figures on their pages: their script, and the numbers that it draws."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sphinx.application import Sphinx

from extensions import live_numbers as numbers
from extensions.scripts import CHART, LIVE, address, joined

SCRIPT = "live_figures.js"
# Sliders and lists, one file a figure, and at last the page that knows them all.
PIECES = (
    "sliders",
    "guess",
    "depth",
    "knob",
    "network",
    "remove",
    "paths",
    "compare",
    "published",
    "ring",
)


@dataclass(frozen=True)
class LiveFigure:
    """A drawing of `kind` at the element that the CSS selector `place` finds.

    It stands on the page that holds this element: a figure, `#fig-depth`, or a cell with a tag,
    `div.cell.tag_play-ring`. `numbers` gives what it draws, as plain data. `caption` says
    what is drawn; on the screen it stands where the picture has its own.
    """

    kind: str
    place: str
    legend: str
    numbers: Callable[[], dict]
    caption: str = ""

    @property
    def mark(self) -> str:
        """What the HTML of its page holds."""
        is_figure = self.place.startswith("#")
        return f'id="{self.place[1:]}"' if is_figure else self.place.rpartition(".")[2]


def compared(
    kind: str, place: str, shown: Callable[[], dict], what: str, images: str, rates: str
) -> LiveFigure:
    """Two kinds of `what` on `images` images, seed by seed; `rates` ends the caption."""
    caption = (
        f"Left, errors of the kinds of {what} after six epochs on {images} images; lines join the "
        "runs that share a seed. Right, the differences within these pairs, their mean and its "
        f"95 % t interval. Each kind at its own best rate{rates}."
    )
    return LiveFigure(kind, place, f"Two kinds of {what}, seed by seed", shown, caption)


FIGURES = (
    LiveFigure("guess", "div.cell.tag_place-points", "Place your points", numbers.placing),
    LiveFigure(
        "depth",
        "#fig-depth",
        "Errors at the depth that you choose",
        numbers.errors_by_depth,
        "Left, the errors of plain networks (squares, dashed) and residual ones (circles) after "
        "each epoch at one depth; right, at the end, over all depths. 20,000 images of "
        "Fashion-MNIST, each network at its own best of four peak rates, which for plain-8, "
        "plain-20 and residual-8 is the edge of the sweep. Five seeds pale, their means strong; "
        "crosses are your points.",
    ),
    LiveFigure(
        "knob",
        "#fig-knob",
        "A channel at the factors that you choose",
        numbers.knob,
        "One channel of a block in train mode, at 64 places. Left, what comes out over what goes "
        "in: on the dotted line the block is the identity. Right, the distance from it, equation "
        "(2.4), over each factor with the other one held. X and what the last convolution puts "
        "out are drawn at random; the rest is exact.",
    ),
    LiveFigure(
        "network",
        "#fig-resnet18-shares",
        "Build a residual network",
        numbers.family,
        "Parameters and multiply-adds of the network that you build, for colour images and 1,000 "
        "classes, by the formulas of its layers. The blocks are those of the paper: no biases, "
        "and batch norm on the projections.",
    ),
    LiveFigure(
        "remove",
        "#fig-subsets",
        "Errors without the blocks that you choose",
        numbers.subsets,
        "Networks of 20 layers, trained whole, without the blocks that you take out. The arcs are "
        "the shortcuts, which the plain network lacks; the two grey blocks change the shape and "
        "stay. Left, validation errors of 5 seeds and their mean; right, the means of all 128 "
        "choices, yours enlarged.",
    ),
    LiveFigure(
        "paths",
        "#fig-paths",
        "Path lengths at the depth that you choose",
        numbers.path_lengths,
        "Bars: share of each length among all paths, exact at any depth. Lines, where gradients "
        "were measured: share of each length among the gradients of a trained residual network, "
        "if all agree (circles) and if none do (triangles), 10 paths of each length, 5 seeds and "
        "their mean.",
    ),
    compared(
        "shortcuts",
        "#fig-shortcuts",
        numbers.shortcuts,
        "shortcut",
        "5,000",
        "; at 56 layers the rates of options A and B come from the lower edge of their sweep",
    ),
    compared(
        "insides",
        "#fig-inner",
        numbers.insides,
        "block",
        "5,000",
        "; at 56 layers those of option B and of the bottleneck come from the lower edge of their "
        "sweep, that of the last scales of zero from the upper one",
    ),
    LiveFigure(
        "published",
        "#fig-published",
        "Accuracy over the cost that you choose",
        numbers.published,
        "Top-1 accuracy on ImageNet's validation images as torchvision publishes it with its "
        "weights, one run each, over the measure of cost that you choose. Open marks: wide "
        "networks and ResNeXt. The ring is the network that you choose.",
    ),
    LiveFigure(
        "ring",
        "div.cell.tag_play-ring",
        "Play the ring all-reduce",
        dict,
        "Each device has its gradient in as many chunks as there are devices. A bar is as high as "
        "the number of gradients that its chunk sums, and blue when it has all of them. An arrow "
        "names the chunk that has just travelled.",
    ),
    compared(
        "transformers",
        "div.cell.tag_compare-transformers",
        numbers.transformers,
        "transformer",
        "2,000",
        ", which for 12 layers without shortcuts is the edge of the sweep",
    ),
)


def script() -> str:
    """What draws and asks, the figures, and the page."""
    return joined([*CHART, *(LIVE / f"{name}.js" for name in (*PIECES, "page"))])


def add_figures(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Append the numbers of each live figure of the page, and the script that draws them."""
    body = context.get("body", "")
    here = [figure for figure in FIGURES if figure.mark in body]
    for figure in here:
        about = {name: getattr(figure, name) for name in ("kind", "place", "legend", "caption")}
        held = json.dumps({**about, **figure.numbers()}, separators=(",", ":"))
        context["body"] += (
            f'\n<script type="application/json" class="live-figure-data">{held}</script>'
        )
    if here:
        context["body"] += f'\n<script defer src="{address(context, SCRIPT, script())}"></script>'


def place_script(app: Sphinx, problem: Exception | None) -> None:
    """Beside the other files of the pages, once these are written."""
    if not problem and app.builder.format == "html":
        (Path(app.outdir) / "_static" / SCRIPT).write_text(script(), "utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", add_figures)
    app.connect("build-finished", place_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
