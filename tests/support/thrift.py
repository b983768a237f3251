"""What is not marked slow is cheap: a rule by measurement, for all tests."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

LIMIT = 5.0  # seconds of CPU, on a machine that does the reference work in the time below
REFERENCE = 0.1


def seconds() -> float:
    """CPU time of this process and of the children that it has waited for: load leaves it alone."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@functools.cache
def allowed() -> float:
    """The limit on this machine: a slower one has more, by a piece of work that both have done."""
    begun = time.process_time()
    sum(number * number for number in range(1_500_000))
    return LIMIT * max(1.0, (time.process_time() - begun) / REFERENCE)


class Thrift:
    """A plugin that fails each test which takes long and does not say so.

    Counted are the call and the fixtures made for this test alone. What a session, a module or a
    class shares is paid once, by whichever test comes first, and so is left out.
    """

    def __init__(self, allowed: Callable[[], float] = allowed) -> None:
        self.allowed = allowed
        self.begun = self.shared = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        begun, before = seconds(), self.shared
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":  # one that it asks for is within its time
                self.shared = before + seconds() - begun

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        self.begun, self.shared = seconds(), 0.0
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        result = yield
        spent = seconds() - self.begun - self.shared
        if not item.get_closest_marker("slow") and spent > self.allowed():
            pytest.fail(
                f"took {spent:.1f} seconds of CPU, more than {self.allowed():.1f}: "
                "make it cheaper, or mark it slow",
                pytrace=False,
            )
        return result
