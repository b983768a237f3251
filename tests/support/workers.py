"""In which order the workers of a run take the tests, and the folder that they have in common."""

from __future__ import annotations

import pytest

# The variable that names the folder: workers inherit it from the process that starts them.
SHARED_FOLDER = "RESNET_TESTS_FOLDER"
NOTEBOOK_RUNS = "test_chapter_repeats_what_it_stores"


def longest_first(items: list[pytest.Item]) -> None:
    """The browser and then the notebooks take minutes; files of fast tests fill up the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: rank(item, slow))


def rank(item: pytest.Item, slow: set) -> int:
    if "browser" in item.fixturenames:
        return 0
    if item.originalname == NOTEBOOK_RUNS:
        return 1
    return 2 if item.path in slow else 3
