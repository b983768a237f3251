"""Put the laboratory on pages that ask for it, with its stored runs; its engine stands apart."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from sphinx.application import Sphinx

LABORATORY = Path(__file__).resolve().parents[1] / "laboratory"
MARK = "data-laboratory="
ON_PAGE = ("laboratory.js", "laboratory.css")


def parts() -> str:
    """A script that holds the engine, its images and what trains: read when a reader asks."""
    built = LABORATORY / "built"
    held = {kind: (built / f"{kind}.wasm").read_bytes().hex() for kind in ("simd", "scalar")}
    held["images"] = (built / "images.txt").read_text("utf-8")
    held["trainer"] = (LABORATORY / "trainer.js").read_text("utf-8")
    return f"window.laboratoryParts = {json.dumps(held)};\n"


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
    if MARK not in context.get("body", ""):
        return
    script, style = (
        f"{context['pathto'](f'_static/{name}', 1)}?v={digest(LABORATORY / name)}"
        for name in ON_PAGE
    )
    held = json.dumps(results(), separators=(",", ":"))
    context["body"] += (
        f'\n<link rel="stylesheet" href="{style}">'
        f'\n<script type="application/json" class="laboratory-results">{held}</script>'
        f'\n<script defer src="{script}"></script>'
    )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def place_files(app: Sphinx, problem: Exception | None) -> None:
    """Beside the other files of the pages, once these are written."""
    if problem or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for name in ON_PAGE:
        shutil.copyfile(LABORATORY / name, static / name)
    (static / "laboratory_parts.js").write_text(parts(), "utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", add_laboratory)
    app.connect("build-finished", place_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
