"""A pytest plugin beside nbval: a stored output with one digit altered must not pass as equal.

It stands alone, because it is copied beside the folder where a notebook is tested.
"""

import copy
import re
import sys
from collections.abc import Iterator

import pytest

sys.modules["rfc3987_syntax"] = None  # a grammar of web addresses, which no notebook has: seconds
from nbval.plugin import IPyNbCell  # noqa: E402

altered = []


def pytest_itemcollected(item: pytest.Item) -> None:
    """The SVG that a stored figure has for the page is not drawn again."""
    if isinstance(item, IPyNbCell):
        for output in item.cell.outputs:
            output.get("data", {}).pop("image/svg+xml", None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """After a strictly compared cell has passed, alters each digit of its stored text in turn."""
    yield
    if not isinstance(item, IPyNbCell) or not item.options["check"]:
        return
    for wrong in with_one_digit_altered(item.cell.outputs):
        altered.append(item.name)
        if item.compare_outputs(copy.deepcopy(item.test_outputs), wrong):
            raise AssertionError(f"{item.name}: an altered digit passes as equal: {wrong}")


def with_one_digit_altered(outputs: list[dict]) -> Iterator[list[dict]]:
    """Copies of `outputs` in which one digit of one text is another."""
    for number, output in enumerate(outputs):
        keep = output.get("data", output)
        for key in ("text", "text/plain", "text/html", "text/latex", "text/markdown"):
            for digit in re.finditer(r"\d", keep.get(key, "")):
                wrong = copy.deepcopy(outputs)
                place = wrong[number].get("data", wrong[number])
                other = str((int(digit.group()) + 1) % 10)
                text = keep[key]
                place[key] = text[: digit.start()] + other + text[digit.end() :]
                yield wrong


def pytest_terminal_summary(terminalreporter) -> None:
    cells = len(set(altered))
    terminalreporter.write_line(f"{len(altered)} altered digits in {cells} cells, each caught")
