"""How the tests are run: what is not marked slow is cheap, and groups stay in one worker."""

from __future__ import annotations

import sys

import pytest

from tests.support import thrift
from tests.support.workers import NOTEBOOK_RUNS
from tools.check import SHARED_OUT
from tools.environment import ROOT

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


def test_no_worker_loads_what_takes_seconds_and_no_test_needs() -> None:
    assert "rfc3987_syntax.syntax_helpers" not in sys.modules, "see tests/support/imports.py"


BUILDER = """
import pytest
pytestmark = [{mark}]
@pytest.fixture(scope="module")
def built(request):
    with open("log", "a") as log:
        print("{name}", request.config.workerinput["workerid"], file=log)
@pytest.mark.parametrize("number", [1, 2])
def test_{name}(number, built{browser}): pass
"""
LONGEST_FIRST = [NOTEBOOK_RUNS.removeprefix("test_"), "page", "heavy", "fast"]


@pytest.mark.slow
def test_a_file_is_built_once_notebooks_are_spread_and_the_longest_comes_first(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LONGEST_FIRST:
        mark, browser = "" if name == "fast" else "pytest.mark.slow", ", browser" * (name == "page")
        code = BUILDER.format(name=name, mark=mark, browser=browser)
        pytester.makepyfile(**{f"test_{name}": code})
    pytester.makeconftest("import pytest\n@pytest.fixture(scope='session')\ndef browser(): pass\n")
    pytester.makeini("[pytest]\nmarkers = slow")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = pytester.runpytest_subprocess("-p", "tests.conftest", *SHARED_OUT, "-n", "2")
    done.assert_outcomes(passed=8)
    built = [line.split() for line in (pytester.path / "log").read_text().splitlines()]
    notebooks = LONGEST_FIRST[0]
    assert sorted(name for name, _ in built) == sorted([*LONGEST_FIRST, notebooks])
    assert len({worker for name, worker in built if name == notebooks}) == 2
    for each in ("gw0", "gw1"):
        ranks = [LONGEST_FIRST.index(name) for name, worker in built if worker == each]
        assert ranks == sorted(ranks)
