"""Put the laboratory on pages that ask for it, with its stored runs; its engine stands apart."""

import json
import re
from pathlib import Path

from sphinx.application import Sphinx

from extensions.laboratory_picture import picture
from extensions.scripts import CHART, address, joined

LABORATORY = Path(__file__).resolve().parents[1] / "laboratory"
PLACE = re.compile(r'(<p data-laboratory="\w+">.*?)(</p>)', re.DOTALL)
# In this order, after what draws and asks.
PIECES = ("runs", "crew", "charts", "bench", "press")
PICTURES = 20  # images that are shown before any training


def script() -> str:
    """The pieces as one function that leaves no names on the page."""
    return joined([*CHART, *(LABORATORY / "page" / f"{name}.js" for name in PIECES)])


def style() -> str:
    return (LABORATORY / "page" / "laboratory.css").read_text("utf-8")


def parts() -> str:
    """A script that holds the engine, its images and what trains: read when a reader asks."""
    built = LABORATORY / "built"
    held = {kind: (built / f"{kind}.wasm").read_bytes().hex() for kind in ("simd", "scalar")}
    held["images"] = (built / "images.txt").read_text("utf-8")
    held["trainer"] = (LABORATORY / "page" / "trainer.js").read_text("utf-8")
    return f"window.laboratoryParts = {json.dumps(held)};\n"


FILES = {
    "laboratory.js": script,
    "laboratory.css": style,
    "laboratory_parts.js": parts,
}


def results() -> dict:
    """The stored errors and rates that the page shows, without the sweep behind them."""
    held = json.loads((LABORATORY / "results.json").read_text("utf-8"))
    del held["provenance"]
    return {
        name: {
            "images": plan["images"],
            "epochs": plan["epochs"],
            "networks": {
                network: {"rate": found["rate"], "errors": found["errors"]}
                for network, found in plan["networks"].items()
                if "errors" in found
            },
        }
        for name, plan in held.items()
    }


def add_laboratory(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Append script, style and stored runs to a page that has a place for them."""
    body = context.get("body", "")
    if not PLACE.search(body):
        return
    stored = results()
    drawn = picture(stored["quick"]["networks"])
    images = (LABORATORY / "built" / "images.txt").read_text("utf-8").split()[:PICTURES]
    held = json.dumps({"plans": stored, "pictures": images}, separators=(",", ":"))
    code, looks = (
        address(context, name, FILES[name]()) for name in ("laboratory.js", "laboratory.css")
    )
    context["body"] = PLACE.sub(lambda place: f"{place[1]}{drawn}{place[2]}", body) + (
        f'\n<link rel="stylesheet" href="{looks}">'
        f'\n<script type="application/json" class="laboratory-results">{held}</script>'
        f'\n<script defer src="{code}"></script>'
    )


def place_files(app: Sphinx, problem: Exception | None) -> None:
    """Beside the other files of the pages, once these are written."""
    if problem or app.builder.format != "html":
        return
    for name, made in FILES.items():
        (Path(app.outdir) / "_static" / name).write_text(made(), "utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", add_laboratory)
    app.connect("build-finished", place_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
