"""What several tests of the rendered pages need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(params=[1280, 360])
def shown(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Any]:
    """Opens the page of a live figure, wide by mouse or on a phone by touch."""
    from tests.support.live_figures import opened  # here: it brings Sphinx

    with opened(browser, address, request.param) as show:
        yield show
