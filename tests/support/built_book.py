"""The book as rendered, built once for all tests that read it, in whichever worker they run."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag
from filelock import FileLock

from tests.support.workers import SHARED_FOLDER
from tools.book import build

ROOT = Path(__file__).resolve().parents[2]
# Said to a page before it loads: otherwise outcomes wait for the reader's predictions.
SHOW_ALL = "localStorage.setItem('show all outcomes', 'yes')"


@functools.cache
def html_folder() -> Path:
    """Where every page is rendered, with warnings as errors: by the worker that asks first."""
    folder = Path(os.environ[SHARED_FOLDER])
    begun = folder / "begun"
    with FileLock(folder / "lock"):
        if not begun.exists():
            begun.touch()  # before it may fail, or every test would try again
            build(folder, everything=True)
    return folder / "_build" / "html"


@functools.cache
def chapters() -> tuple[str, ...]:
    """Names of the numbered chapters, in order, without suffix."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    numbered = [part for part in parts if part.get("numbered")]
    return tuple(chapter["file"] for part in numbered for chapter in part["chapters"])


@functools.cache
def pages() -> tuple[str, ...]:
    """Names of all pages of the table of contents, in order, without suffix."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    return (contents["root"], *listed)


@functools.cache
def read(path: Path) -> BeautifulSoup:
    """Take apart a rendered page, once."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def rendered(page: str) -> BeautifulSoup:
    """A page of the table of contents, by its name there."""
    return read(html_folder() / f"{page}.html")


def article(page: str) -> Tag:
    """The text of a page, without what stands around it."""
    (text,) = rendered(page).select("article.bd-article")
    return text
