"""What all tests share: the book, served and in a browser."""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import resnet  # noqa: F401  before torch, whose threads then sleep while they wait
from tests.support.programs import QuietHandler, need_program

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the rendered book is served."""
    from tests.support.built_book import html_folder

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
