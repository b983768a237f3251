"""Runs answers of assignment 1 behind its setup, as a student's notebook does."""

from assignments import source

SOURCE = source.read("block")


def executed(student: str, texts: list[str]) -> dict:
    """The names after the setup and these texts, with a student's id from the setup on."""
    space = {"__name__": "__main__"}
    exec(SOURCE.setup, space)
    space["STUDENT"] = student
    for text in texts:
        exec(text, space)
    return space


def solved(student: str, *tasks: str) -> dict:
    return executed(student, [SOURCE.task(name).solution for name in tasks])
