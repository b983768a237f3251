"""How the tests are run: what is not marked slow is cheap, and groups stay in one worker."""

from __future__ import annotations

import pytest

from tests.support import thrift
from tests.support.workers import share_out

pytest_plugins = ["pytester"]
# Each burns a quarter of a second of CPU, where a tenth is allowed.
COSTLY_AND_CHEAP = """
import subprocess, sys, time, pytest
WORK = "import time; end = time.process_time() + 0.25\\nwhile time.process_time() < end: pass"

@pytest.fixture
def own(): exec(WORK)
@pytest.fixture(scope="module")
def shared(): exec(WORK)
@pytest.fixture(scope="module")
def late(): exec(WORK)

def test_costly_call(): exec(WORK)
def test_costly_child(): subprocess.run([sys.executable, "-c", WORK])
def test_costly_fixture(own): pass
def test_costly_beside_what_is_shared(shared): exec(WORK)

def test_waiting(): time.sleep(0.25)
def test_what_is_shared(shared): pass
def test_what_is_asked_for_late(request): request.getfixturevalue("late")
@pytest.mark.slow
def test_marked_slow(own): exec(WORK)
"""


@pytest.mark.slow
def test_what_is_costly_and_not_marked_slow_fails_and_nothing_else(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(COSTLY_AND_CHEAP)
    ran = pytester.inline_run("-p", "no:cacheprovider", plugins=[thrift.Thrift(lambda: 0.1)])
    passed, _, failed = ran.listoutcomes()
    assert len(passed) == len(failed) == 4
    assert all("::test_costly" in each.nodeid for each in failed)
    assert all("make it cheaper, or mark it slow" in each.longreprtext for each in failed)


def test_a_slower_machine_allows_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for reference, factor in ((1e9, 1.0), (1e-9, 1000.0)):
        monkeypatch.setattr(thrift, "REFERENCE", reference)
        thrift.allowed.cache_clear()
        assert thrift.allowed() / thrift.LIMIT >= factor
    thrift.allowed.cache_clear()


GROUPED = """
import pytest
@pytest.mark.{}
@pytest.mark.parametrize("number", [1, 2])
def test_{}(number{}): pass
"""


@pytest.mark.slow
def test_the_longest_comes_first_and_what_belongs_together_stays_so(
    pytester: pytest.Pytester,
) -> None:
    fixtures = "import pytest\n@pytest.fixture(scope='session')\ndef browser(): pass\n"
    pytester.makeconftest(fixtures)
    pytester.makepyfile(
        test_a_fast=GROUPED.format("fast", "fast", ""),
        test_b_slow=GROUPED.format("slow", "slow", ""),
        test_c_runs=GROUPED.format("slow", "chapter_repeats_what_it_stores", ""),
        test_d_page=GROUPED.format("slow", "page", ", browser"),
        test_e_team=GROUPED.format("xdist_group('torchrun')", "team", ""),
    )
    items, _ = pytester.inline_genitems()
    share_out(items)
    groups = [item.get_closest_marker("xdist_group").args[0] for item in items]
    assert groups == ["browser"] * 2 + ["1", "2"] + ["test_b_slow"] * 2 + [
        *["test_a_fast"] * 2,
        *["torchrun"] * 2,
    ]
