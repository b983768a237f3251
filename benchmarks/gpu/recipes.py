"""The recipe for one GPU of the chapter on scaling, on photographs that are made up here."""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy
from PIL import Image

from tools.environment import ROOT

from .sizes import Size

CHAPTER = ROOT / "chapters" / "07_scaling.ipynb"


def units(size: Size, data: str | None) -> Iterator[tuple[str, Callable[[], dict]]]:
    yield "one GPU", lambda: one_gpu(size)


def one_gpu(size: Size) -> dict:
    """Images per second of one epoch, decoding included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, count in (("train", size.photographs), ("val", size.photographs // 4)):
            photographs(folder / "photographs" / part, count, size.photograph_side)
        call = [sys.executable, *command(folder, size)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(call, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        history = json.loads((folder / "run" / "history.json").read_text(encoding="utf-8"))
    seconds = history["epochs"][0]["seconds"]
    return {
        "seconds": seconds,
        "images_per_second": size.photographs / seconds,
        "device": history["provenance"]["device"],
    }


def command(folder: Path, size: Size) -> list[str]:
    """The words of the chapter's first recipe, with other images and fewer epochs."""
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    recipe = re.search(r"```bash\n(python .*?)\n```", prose, re.DOTALL)[1].replace("\\\n", " ")
    words = shlex.split(recipe)[1:]
    others = {
        "--data": str(folder / "photographs"),
        "--depth": str(size.recipe_depth),
        "--epochs": "1",
        "--warm-up": "0",
        "--batch-size": str(min(256, size.photographs // 2)),
        "--out": str(folder / "run"),
    }
    for option, value in others.items():
        words[words.index(option) + 1] = value
    return [*words, "--image-size", str(size.photograph_side), "--device", size.device]


def photographs(folder: Path, count: int, side: int) -> None:
    """Noise in two classes as JPEG files, a little larger than they are seen."""
    generator = numpy.random.default_rng(count)
    for name in ("one", "other"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        rough = generator.integers(0, 256, (8, 8, 3), dtype=numpy.uint8)
        image = Image.fromarray(rough).resize((side * 8 // 7, side * 8 // 7), Image.BILINEAR)
        image.save(folder / ("one", "other")[number % 2] / f"{number}.jpg", quality=90)
