"""Runs the notebooks, each alone in an empty folder, and stores what they print."""

import base64
import io
import json
import os
import sys
import tempfile
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

from resnet.runtime.files import processor, write_text

from .drawings import lean
from .environment import ROOT
from .notebooks import CELL_SECONDS, SETTINGS, chosen
from .patience import patient

TIMES = ROOT / "resnet" / "assets" / "results" / "times.json"
WIDGETS = "application/vnd.jupyter.widget-view+json"
# A figure is stored twice: as PNG for Colab and JupyterLab, as SVG for the page.
FORMATS = [f"--InlineBackend.figure_formats={name}" for name in ("png", "svg")]


def main(arguments: list[str]) -> int:
    """Executes the chapters named, by default all, and stores outputs and measured seconds."""
    try:
        notebooks = chosen(arguments)
    except ValueError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    os.environ.update(SETTINGS)
    for path in notebooks:
        started = time.perf_counter()
        try:
            notebook = execute(nbformat.read(path, as_version=4))
        except CellExecutionError as error:
            print(f"tools: {path.name} is left as it was: {error}", file=sys.stderr)
            return 1
        seconds = time.perf_counter() - started
        write_text(path, nbformat.writes(normalised(notebook)) + "\n")
        store_time(path.stem, seconds)
        print(f"{path.name}: {seconds:.0f} s")
    return 0


def execute(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Runs all cells in a fresh kernel that stands in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        limit = round(patient(CELL_SECONDS))
        client = NotebookClient(
            notebook, timeout=limit, resources=resources, extra_arguments=FORMATS
        )
        return client.execute()


def normalised(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what changes from run to run, or would make the page load scripts: times, widgets."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if WIDGETS not in out.get("data", {})]
            for output in cell.outputs:
                if picture := output.get("data", {}).get("image/png"):
                    output.data["image/png"] = lighter(picture)
                if drawing := output.get("data", {}).get("image/svg+xml"):
                    output.data["image/svg+xml"] = lean(drawing)
    return notebook


def lighter(picture: str) -> str:
    """The same PNG in 256 colours, more than the eye finds in a chart, and a third of the size."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "P":
        return picture
    few = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True, dpi=image.info.get("dpi", (200, 200)))
    return base64.b64encode(written.getvalue()).decode()


def store_time(chapter: str, seconds: float) -> None:
    """Notes how long a chapter took, and on what."""
    times = json.loads(TIMES.read_text(encoding="utf-8")) if TIMES.exists() else {}
    times[chapter] = {
        "seconds": round(seconds, 1),
        "processor": processor(),
        "cores": os.cpu_count(),
    }
    write_text(TIMES, json.dumps(times, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
