"""How the workers of a run share the tests, and the folder that they have in common."""

from __future__ import annotations

import pytest

# The variable that names the folder: workers inherit it from the process that starts them.
SHARED_FOLDER = "RESNET_TESTS_FOLDER"
NOTEBOOK_RUNS = "test_chapter_repeats_what_it_stores"


def share_out(items: list[pytest.Item]) -> None:
    """Groups the tests for `--dist loadgroup`, and puts the longest groups first.

    A group stays in one worker: the browser, torchrun, and otherwise a file, so that what a file
    builds is built once. Each notebook is a group of its own.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=lambda item: rank(item, slow))


def group(item: pytest.Item) -> str:
    if "browser" in item.fixturenames:
        return "browser"
    if item.originalname == NOTEBOOK_RUNS:
        return item.callspec.id
    return item.path.stem


def rank(item: pytest.Item, slow: set) -> int:
    """The browser and then the notebooks take minutes; files of fast tests fill up the end."""
    if "browser" in item.fixturenames:
        return 0
    if item.originalname == NOTEBOOK_RUNS:
        return 1
    return 2 if item.path in slow else 3
