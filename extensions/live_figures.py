"""Put the numbers of live figures on their pages, where `_static/live_figures.js` draws them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sphinx.application import Sphinx

# The book is rendered without the package installed.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from resnet.experiments.effects import path_shares  # noqa: E402
from resnet.runs import StoredRun, select, stored_runs  # noqa: E402

ARMS = ("plain", "residual")


@dataclass(frozen=True)
class LiveFigure:
    """A drawing of `kind` at the element that the CSS selector `place` finds.

    It stands on the pages whose HTML holds `mark`; `numbers` gives what it draws, as plain data.
    """

    kind: str
    mark: str
    place: str
    legend: str
    numbers: Callable[[], dict]


def errors_by_depth() -> dict:
    """Errors after each epoch, by arm, depth and seed."""
    runs = stored_runs("depth")
    depths = sorted({run.setting["depth"] for run in runs})
    names = ("training_error", "test_error")
    return {
        "depths": depths,
        "arms": {
            arm: {
                depth: {
                    name: _columns(select(runs, block=arm, depth=depth), name) for name in names
                }
                for depth in depths
            }
            for arm in ARMS
        },
    }


def placing() -> dict:
    """The same, and the depths at which the reader places a point."""
    return {"asked": [8, 20, 32, 56], **errors_by_depth()}


def subsets() -> dict:
    """Validation errors without each subset of the blocks, by arm, one a seed."""
    runs = stored_runs("subsets")
    names = runs[0].result["blocks"]
    return {
        "blocks": [_in_words(name) for name in names],
        "arms": {
            arm: {
                out: [run.result["error"][out] for run in _by_seed(select(runs, block=arm))]
                for out in runs[0].result["error"]
            }
            for arm in ARMS
        },
    }


def path_lengths() -> dict:
    """Shares of the gradient by path length, one row a seed, at the depths that were measured."""
    measured = {}
    for run in _by_seed(select(stored_runs("inside"), block="residual")):
        shares = measured.setdefault(run.setting["depth"] // 2 - 1, {"agree": [], "unrelated": []})
        for name, power in (("agree", 1.0), ("unrelated", 0.5)):
            found = path_shares(run.result["path_gradient"], power)
            shares[name].append([float(f"{share:.3g}") for share in found])
    return {"blocks": [3, 9, 15, 21, 27, 54], "measured": measured}


FIGURES = (
    LiveFigure(
        "guess",
        "tag_place-points",
        "div.cell.tag_place-points",
        "Place your points",
        placing,
    ),
    LiveFigure(
        "depth",
        'id="fig-depth"',
        "#fig-depth",
        "Errors at the depth that you choose",
        errors_by_depth,
    ),
    LiveFigure(
        "remove",
        'id="fig-subsets"',
        "#fig-subsets",
        "Errors without the blocks that you choose",
        subsets,
    ),
    LiveFigure(
        "paths",
        'id="fig-paths"',
        "#fig-paths",
        "Path lengths at the depth that you choose",
        path_lengths,
    ),
)


def _columns(runs: Iterable[StoredRun], name: str) -> list[list[float]]:
    return [[round(value, 4) for value in run.result[name]] for run in _by_seed(runs)]


def _by_seed(runs: Iterable[StoredRun]) -> list[StoredRun]:
    return sorted(runs, key=lambda run: run.setting["seed"])


def _in_words(name: str) -> str:
    """`stage2.1` as a reader counts: block 2 of stage 2."""
    stage, block = name.removeprefix("stage").split(".")
    return f"stage {stage}, block {int(block) + 1}"


def add_numbers(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Append the numbers of each live figure of the page; they work from the file system, too."""
    body = context.get("body", "")
    for figure in FIGURES:
        if figure.mark in body:
            about = {"kind": figure.kind, "place": figure.place, "legend": figure.legend}
            held = json.dumps({**about, **figure.numbers()}, separators=(",", ":"))
            context["body"] += (
                f'\n<script type="application/json" class="live-figure-data">{held}</script>'
            )


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", add_numbers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
