"""Live figures as a test meets them: opened, pressed and read on the rendered pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from extensions import live_figures
from tests.support.built_book import SHOW_ALL, html_folder, pages
from tests.support.visits import without_formulas
from tools.patience import patient

DATA = re.compile(r'<script type="application/json" class="live-figure-data">(.+?)</script>')


def numbers(page: str) -> dict[str, dict]:
    """What a page holds for its live figures, by kind."""
    html = (html_folder() / f"{page}.html").read_text(encoding="utf-8")
    return {held["kind"]: held for held in map(json.loads, DATA.findall(html))}


def page_of(kind: str) -> str:
    (page,) = (page for page in pages() if kind in numbers(page))
    return page


@contextmanager
def opened(browser: Any, address: str, width: int) -> Iterator[Any]:
    """A function that opens the page of a live figure with all outcomes open, at this width.

    On a phone, 360, fingers press. Fails at the end where a page has said an error.
    """
    viewport = {"width": width, "height": 800}
    context = browser.new_context(
        viewport=viewport, has_touch=width == 360, reduced_motion="reduce"
    )
    context.set_default_timeout(patient(15_000))
    context.add_init_script(SHOW_ALL)
    without_formulas(context)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)

    def show(kind: str) -> Any:
        page.goto(f"{address}/{page_of(kind)}.html", wait_until="load")
        legend = next(each.legend for each in live_figures.FIGURES if each.kind == kind)
        return page.get_by_role("group", name=legend, exact=True)

    yield show
    context.close()
    assert faults == []


def press(target: Any) -> None:
    """By finger on a phone, by mouse elsewhere."""
    if target.page.evaluate("navigator.maxTouchPoints"):
        target.tap()
    else:
        target.click()


def said(figure: Any) -> str:
    return figure.get_by_role("status").inner_text().replace("\u00a0", " ")


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"
