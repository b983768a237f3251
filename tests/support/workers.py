"""In which order the workers of a run take the tests, and the folder that they have in common."""

from __future__ import annotations

import pytest

# The variable that names the folder: workers inherit it from the process that starts them.
SHARED_FOLDER = "RESNET_TESTS_FOLDER"
NOTEBOOK_RUNS = "test_chapter_repeats_what_it_stores"


def longest_first(items: list[pytest.Item]) -> None:
    """Notebooks and then the browser take minutes; files of fast tests fill up the end.

    While one worker builds the book for the browser, the other has a notebook left.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: rank(item, slow))


def rank(item: pytest.Item, slow: set) -> int:
    if item.originalname == NOTEBOOK_RUNS:
        return 0
    if "browser" in item.fixturenames:
        return 1
    return 2 if item.path in slow else 3
