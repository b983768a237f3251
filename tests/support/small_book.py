"""A book of a few pages, rendered with some of this book's extensions alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def render(folder: Path, pages: dict[str, str], extensions: str, settings: str = "") -> Path:
    """Writes the files and renders them; returns where, raises CalledProcessError on a warning."""
    source = folder / "in"
    source.mkdir()
    for name, text in pages.items():
        (source / name).write_text(text, encoding="utf-8")
    (source / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"extensions = ['myst_parser', *{extensions.split()!r}]\n{settings}",
        encoding="utf-8",
    )
    call = [sys.executable, "-m", "sphinx", "-qW", "--keep-going", source, folder / "out"]
    subprocess.run(call, check=True, capture_output=True, text=True)
    return folder / "out"
