"""No observation holds, computes or receives what is right where students' code runs."""

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from assignments import source
from assignments.grading import values
from assignments.grading.one import Plan, _job
from assignments.grading.reference import Reference
from assignments.source import Check, Source
from tests.support import thieves
from tests.support.direct import inside

pytestmark = pytest.mark.slow  # each test starts processes

KEYS = [f"key {number}" for number in range(5)]
WATCHED = "<what the grader looks at>"
SOURCES = {name: source.read(name) for name in source.names()}
CHECKS = [(name, check) for name, about in SOURCES.items() for check in about.checks
          if not check.held]  # fmt: skip


def pieces(value: Any) -> Iterator[Any]:
    """The parts of an expected value that nothing else is likely to equal."""
    if type(value) in (int, float, str):
        if abs(value) > 5 if type(value) is int else value % 1 if type(value) is float else value:
            yield value
    elif isinstance(value, values.Array):
        if len(set(value.numbers)) > 1:
            yield value
    elif type(value) in (list, tuple, dict):
        inner = list(value.values() if type(value) is dict else value)
        found = [piece for one in inner for piece in pieces(one)]
        yield from found
        if found and len(inner) > 1:
            yield value


def plain(value: Any) -> Any:
    """A local as it would leave the sandbox; None for a namespace and for what cannot leave."""
    if type(value) is dict and "__builtins__" in value:
        return None
    try:
        return values.decode(values.encode(value))
    except (ValueError, RuntimeError):
        return None


def locals_of(job: dict) -> list[tuple[str, Any]]:
    """Locals of the stack where students' code is called, and of the observation at any time."""
    found, known = [], {}

    def note(frame) -> None:
        for name, value in list(frame.f_locals.items()):
            if known.get((frame.f_code, name)) is not value:
                known[frame.f_code, name] = value
                found.append((f"{frame.f_code.co_name}: {name}", plain(value)))

    def look(frame, event: str, _: object) -> None:
        place = frame.f_code.co_filename
        if frame.f_code.co_name == "<module>":  # its names are those that the setup gives
            return
        if place == WATCHED:
            note(frame)
        elif place.startswith("<cell") and event == "call":
            while frame := frame.f_back:
                if frame.f_code.co_filename == WATCHED or "assignments" in frame.f_code.co_filename:
                    note(frame)
        elif "/resnet/course/" in place and event == "return":
            note(frame)

    main = sys.modules["__main__"]
    sys.setprofile(look)
    try:
        inside()._perform(job)
    finally:
        sys.setprofile(None)
        sys.modules["__main__"] = main
    return found


def given(inputs: Any) -> Iterator[Any]:
    """Everything within the inputs, which cannot be kept from who is to work with them."""
    yield inputs
    for one in inputs.values() if type(inputs) is dict else inputs if type(inputs) is list else ():
        yield from given(one)


def holders(about: Source, check: Check, key: str) -> set[str]:
    """The names that hold a piece of what is expected, of which the inputs know nothing."""
    reference = Reference(about, "ab123", key, about.results)
    allowed = list(given(reference.inputs(check)))
    expected = [piece for piece in pieces(reference.right(check).value) if piece not in allowed]
    tasks = [about.task(name) for name in (*check.needs, check.task)]
    cells = tuple(thieves.thieving(task, thieves.NOTHING) for task in tasks)
    job = _job(Plan(check, cells, len(check.needs), check.needs), reference)
    with contextlib.redirect_stdout(None):
        seen = locals_of(job)
    return {name for name, value in seen for piece in expected if values.same(value, piece)}


def always(about: Source, check: Check) -> set[str]:
    """The names that hold it whatever is drawn, and not by chance; most hold nothing at once."""
    found = holders(about, check, KEYS[0])
    for key in KEYS[1:]:
        found = found and found & holders(about, check, key)
    return found


@pytest.mark.parametrize(("name", "check"), CHECKS, ids=[check.id for _, check in CHECKS])
def test_no_name_of_an_observation_holds_what_is_right(name: str, check: Check) -> None:
    assert not always(SOURCES[name], check)


OLD = {
    "test-2-4-search": '''
def observe(seed: int) -> dict:
    """As it was: the width from which the budgets were made is there to be read."""
    source, found, given = random.Random(seed), [], specification(STUDENT)
    for _ in range(4):
        square, line, right = source.randint(5, 50), source.randint(1, 99), source.randint(6, 60)

        def count(design):
            w = design.widths[0] // given.base.widths[0]
            return square * w**2 + line * w

        exact = count(given.design(right))
        budgets = (exact, exact - 1, exact + 1, exact + source.randint(2, 2 * square))
        found.append([largest_width(replace(given, budget=each), count) for each in budgets])
    return {"widths": found}
''',
    "test-3-8-intervals": '''
def observe(seed: int) -> dict:
    """As it was: what should be drawn is computed where it is drawn."""
    from resnet.course.axis import fresh_axis, heights, nearest
    from resnet.course.degradation_claims import hidden_errors
    from resnet.results import mean_interval

    axis, errors = fresh_axis(), hidden_errors(seed)
    draw(errors, axis)
    found = []
    for place, by_seed in enumerate(errors.values()):
        mean, half = mean_interval(by_seed.values())
        there = heights(axis, place)
        found.append([nearest(there, height) for height in (mean - half, mean, mean + half)])
    return {"intervals": found}
''',
}


@pytest.mark.parametrize(("name", "check"), [one for one in CHECKS if one[1].id in OLD])
def test_observations_that_held_it_are_found(name: str, check: Check) -> None:
    from dataclasses import replace

    old = replace(check, observe=OLD[check.id], graders="")
    names = always(SOURCES[name], old)
    assert names & {"observe: right", "observe: mean"}


@pytest.mark.parametrize(("name", "check"), CHECKS, ids=[check.id for _, check in CHECKS])
def test_what_the_grader_draws_and_compares_stays_with_it(name: str, check: Check) -> None:
    reference = Reference(SOURCES[name], "ab123", "a key", SOURCES[name].results)
    sent = json.dumps(_job(Plan(check, ()), reference))
    assert "def judged(" not in sent and "def inputs(" not in sent
