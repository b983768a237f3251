"""Prints the whole book into one PDF: through the browser, with links, outline and answers."""

import html
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader

from .book import BuildError, build
from .environment import ROOT
from .paper import compose

TARGET = ROOT / "_build" / "residual-networks-by-experiment.pdf"
STYLE = Path(__file__).with_name("paper.css")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FOOTER = (
    '<div style="width: 100%; text-align: center; font: 8pt sans-serif; color: #47535f">'
    '<span class="pageNumber"></span></div>'
)
PAPER = {
    "format": "A4",
    "outline": True,
    "tagged": True,
    "print_background": True,
    "display_header_footer": True,
    "header_template": "<span></span>",
    "footer_template": FOOTER,
    "margin": {"top": "20mm", "bottom": "20mm", "left": "26mm", "right": "26mm"},
}
UNSET = "document.querySelectorAll('.math:not(:has(mjx-container)), mjx-merror').length"
NUMBER_CONTENTS = """sheets => document.querySelectorAll('span.sheet').forEach(
  each => { each.textContent = sheets[each.dataset.of] })"""


class NoBrowserError(RuntimeError):
    """There is no Chromium to print with; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Writes `_build/residual-networks-by-experiment.pdf`; exit status 1 without a browser."""
    try:
        browser()
        with tempfile.TemporaryDirectory(prefix="pdf-") as folder:
            print_book(build(Path(folder)), pages(), TARGET)
    except (BuildError, NoBrowserError) as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    print(f"{TARGET}: {len(PdfReader(TARGET).pages)} pages, {TARGET.stat().st_size / 1e6:.1f} MB")
    return 0


def print_book(site: Path, names: list[str], target: Path) -> None:
    """Prints twice: the sheets of the first print are the numbers in the second one's contents."""
    paper = compose(site, names, cover())
    style = paper.new_tag("style")
    style.string = STYLE.read_text(encoding="utf-8")
    paper.head.append(style)
    paper.title.string = read("_config.yml")["title"]
    document = site / "paper.html"
    document.write_text(str(paper), encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened(document) as page:
        page.evaluate(NUMBER_CONTENTS, sheets(page.pdf(**PAPER)))
        target.write_bytes(page.pdf(**PAPER))


def sheets(pdf: bytes) -> dict[str, str]:
    """On which sheet each named place of a print is."""
    reader = PdfReader(BytesIO(pdf))
    places = reader.named_destinations.items()
    return {n.lstrip("/"): str(reader.get_destination_page_number(p) + 1) for n, p in places}


@contextmanager
def opened(document: Path) -> Iterator[Any]:
    """The document in a browser, once fonts and formulas are set; BuildError if some are not."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        page = chromium.new_page()
        page.goto(document.as_uri(), wait_until="load")
        page.evaluate("window.MathJax?.startup?.promise.then(() => document.fonts.ready)")
        if unset := page.evaluate(UNSET):
            raise BuildError(f"{unset} formulas of {document} are not set: render the book anew")
        yield page
        chromium.close()


def browser() -> str:
    """The path of Chromium or Chrome; NoBrowserError where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise NoBrowserError("to print the book, install Chromium (package chromium) or Chrome")
    return found


def read(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def pages() -> list[str]:
    """The names of all pages in the order of the table of contents."""
    contents = read("_toc.yml")
    listed = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    return [contents["root"], *listed]


def cover() -> str:
    """The first page: title, authors, state and licence, from the files that hold them."""
    settings, citation = read("_config.yml"), read("CITATION.cff")
    call = ["git", "log", "-1", "--format=%cs"]
    date = subprocess.run(call, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    state = f"Version {citation['version']}" + (f", {date}" if date else "")
    licence = BeautifulSoup(settings["html"]["extra_footer"], "html.parser").get_text().strip()
    return (
        '<section class="paper-cover">'
        f'<p class="title">{html.escape(settings["title"])}</p>'
        f"<p>{html.escape(settings['author'])}</p><p>{state}</p><p>{html.escape(licence)}</p>"
        "</section>"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
