"""What all tests share: who runs them, what they may take, the book, served and in a browser."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

import resnet  # noqa: F401  before torch, whose threads then sleep while they wait
import tests.support.imports  # noqa: F401  before nbformat
from tests.support.programs import need_program, served
from tests.support.thrift import Thrift
from tests.support.workers import SHARED_FOLDER, longest_first

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no page reaches a third party
]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Thrift())
    if not hasattr(config, "workerinput"):  # the process that starts the workers, or the only one
        folder = tempfile.TemporaryDirectory(prefix="tests-")
        config.add_cleanup(folder.cleanup)
        os.environ[SHARED_FOLDER] = folder.name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.hookimpl(optionalhook=True)  # the module's tests also run where xdist is missing
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.support.sharing import Sharing

    return Sharing(config, log)


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the rendered book is served."""
    from tests.support.built_book import html_folder

    with served(html_folder()) as found:
        yield found


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
