"""Limits grow with the machine's slowness, and no test or tool has one that does not."""

import ast
from pathlib import Path

import pytest

from tools import patience

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {"timeout", "set_default_timeout", "settimeout"}
NO_WAITING = "server.settimeout(0)"


@pytest.fixture
def steps(monkeypatch):
    """What a step takes, to be set by the test; it is measured anew."""
    patience.slowness.cache_clear()
    yield lambda seconds: monkeypatch.setattr(patience, "step_seconds", lambda: seconds)
    patience.slowness.cache_clear()


@pytest.mark.parametrize(("times", "limit"), [(0.2, 600), (1, 600), (5, 3000)])
def test_a_limit_is_as_many_times_as_long_as_a_step(steps, times, limit):
    steps(times * patience.STEP)
    assert patience.patient(600) == pytest.approx(limit)


def test_the_step_is_measured_once(steps, monkeypatch):
    calls = []
    monkeypatch.setattr(patience, "step_seconds", lambda: calls.append(1) or 1.0)
    assert patience.patient(1) == patience.patient(1) and calls == [1]


def test_a_step_is_a_step():
    assert patience.step_seconds() > 0


def bare_limits(code: str) -> list[str]:
    """Limits in the code that are numbers, and so the same on every machine."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            named = getattr(node.func, "attr", "")
            given = [each.value for each in node.keywords if each.arg in LIMITS]
            given += node.args[:1] if named in LIMITS else []
            found += [ast.unparse(node) for each in given if isinstance(each, ast.Constant)]
    return found


def test_bare_limits_are_found():
    assert bare_limits("process.wait(timeout=60)") and bare_limits("page.set_default_timeout(9)")
    assert not bare_limits("process.wait(timeout=patient(60))")


def test_no_limit_is_the_same_on_every_machine():
    rooms = ("tools", "tests", "benchmarks")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    texts = [path.read_text("utf-8") for path in files]
    limited = [text for text in texts if any(name in text for name in LIMITS)]
    found = {call for text in limited for call in bare_limits(text)}
    assert found == {NO_WAITING}
