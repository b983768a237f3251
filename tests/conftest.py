"""What all tests share: system programs that some of them need, and the book in a browser."""

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.notebooks import without_network

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def need_program(name: str) -> str:
    """The path of a system program; without it the test is skipped, on a server (`CI`) it fails."""
    path = shutil.which(name)
    if path is None:
        missing(f"the program {name} is not installed")
    return path


def need_sandbox(folder: Path) -> list[str]:
    """The words that cut a command's network; as above where bubblewrap is missing or forbidden."""
    need_program("bwrap")
    words = without_network(folder)
    if not words:
        missing("bubblewrap is forbidden here, as AppArmor may do")
    return words


def missing(reason: str) -> None:
    """Skips the test for what the system lacks; on a server (`CI`) fails it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the rendered book is served."""
    from built_book import html_folder

    handler = functools.partial(QuietHandler, directory=str(html_folder()))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, headless."""
    need_program("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=BROWSER_ARGUMENTS
        )
        yield chromium
        chromium.close()
