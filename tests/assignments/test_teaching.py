"""The pages for instructors say what the assignments and their commands are."""

import argparse
import re
from pathlib import Path

import pytest

from assignments import grade, source
from assignments.editions import build
from assignments.marking import command as marking

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [source.read(name) for name in ("block", "network", "degradation")]
TASKS = re.compile(r"(\d\.\d)(?: to (\d\.\d))?")


def text(page: str) -> str:
    return (ROOT / "chapters" / page).read_text(encoding="utf-8")


def rows(page: str, first: str) -> list[str]:
    """The rows of the table whose head begins with the column `first`."""
    found = re.search(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n?)+)", text(page), re.MULTILINE)
    assert found, f"{page} has no table {first!r}"
    return found[1].splitlines()


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def number(name: str) -> str:
    """2.4 for task-2-4 and prose-2-4."""
    return ".".join(name.split("-")[1:3])


def numbers(words: str) -> set[str]:
    """All tasks that words like `tasks 3.1, 3.3 to 3.5` name."""
    named = set()
    for first, last in TASKS.findall(words):
        places = range(int(first[2:]), int((last or first)[2:]) + 1)
        named |= {f"{first[0]}.{place}" for place in places}
    return named


def all_tasks() -> set[str]:
    return {number(part.id) for one in SOURCES for part in (*one.tasks, *one.prose)}


def assignment_row(one: source.Source) -> str:
    code = sum(check.points for check in one.checks)
    hours = f"{one.course['minutes'] / 60:g} hours"
    words = f"{one.points} | {code} | {one.points - code}"
    return f"| {one.title} (`{one.name}`) | {one.course['prerequisites']} | {hours} | {words} |"


def test_the_table_of_assignments_is_that_of_the_sources() -> None:
    expected = [assignment_row(one) for one in SOURCES]
    assert rows("teaching.md", "Assignment") == expected, "it should be:\n" + "\n".join(expected)


def test_each_part_has_its_learning_goal() -> None:
    goals = [
        (number(part), goal) for one in SOURCES for part, goal in one.course["concepts"].items()
    ]
    expected = [f"| {place} | {goal} |" for place, goal in goals]
    assert {place for place, _ in goals} == all_tasks()
    assert rows("teaching.md", "Task") == expected, "it should be:\n" + "\n".join(expected)


def test_each_part_has_five_oral_questions() -> None:
    sections = re.split(r"^## ", text("../assignments/sources/oral.md"), flags=re.MULTILINE)[1:]
    covered: list[str] = []
    for section in sections:
        title, _, rest = section.partition("\n")
        covered += sorted(numbers(title))
        table = [cells(row) for row in rest.splitlines() if row.startswith("|")][2:]
        assert len(table) == 5, title
        assert all(question.endswith((".", "?")) and answer for question, answer in table), title
    assert len(covered) == len(set(covered)) and set(covered) == all_tasks()


def test_each_part_has_a_judgement_of_what_an_assistant_solves() -> None:
    named = [numbers(cells(row)[0]) for row in rows("teaching.md", "Tasks")]
    assert sorted(place for places in named for place in places) == sorted(all_tasks())


@pytest.mark.parametrize("page", ["teaching.md", "../assignments/README.md"])
def test_the_commands_and_options_that_a_page_names_exist(page: str) -> None:
    from tools.__main__ import COMMANDS

    assert set(re.findall(r"`make ([a-z-]+)", text(page))) <= {*COMMANDS}
    parsers = {"grade": grade, "rubric": marking, "build": build}
    named = re.findall(r"python -m assignments (\w+)([^\n`]*)", text(page))
    assert named
    known = set()
    for command in parsers.values():
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        known |= {option for action in parser._actions for option in action.option_strings}
    for command, rest in named:
        assert command in parsers and set(re.findall(r"--[a-z][a-z-]*", rest)) <= known
    alone = set(re.findall(r"`(--[a-z][a-z-]*)", text(page)))
    assert alone <= known
