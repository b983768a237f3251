"""The book on paper, printed once for all tests that read it, in whichever worker they run."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock

from tests.support.built_book import html_folder
from tests.support.workers import SHARED_FOLDER
from tools import pdf


def printed_book() -> Path:
    """The PDF of the rendered pages; it needs Chromium."""
    site = Path(os.environ[SHARED_FOLDER]) / "paper"
    book = site / "book.pdf"
    with FileLock(f"{site}.lock"):
        if not book.exists():
            shutil.copytree(html_folder(), site, dirs_exist_ok=True)
            with ThreadPoolExecutor(1) as other:  # Playwright runs once a thread
                other.submit(pdf.print_book, site, pdf.pages(), book).result()
    return book
