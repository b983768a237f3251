"""The book on paper: one document with working links, all unfolded, answers at the end."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.support.built_book import html_folder
from tests.support.programs import need_program
from tools import pdf
from tools.book import BuildError
from tools.paper import ANSWERS, compose

HEAD = """<html data-theme="auto"><head><link rel="stylesheet" href="{up}_static/a.css"/>
<script src="{up}_static/mathjax/tex.js"></script><script src="{up}_static/other.js"></script>
</head><body><nav>menu</nav><article class="bd-article">"""
ONE = """<section id="one"><h1>1. One<a class="headerlink" href="#one">#</a></h1>
<p>See <a href="chapters/two.html#there">there</a>, <a href="chapters/two.html">two</a>,
<a href="#one">here</a>, <a href="https://example.org/x.html">outside</a>.</p>
<div class="cell tag_hide-output"><details class="hide"><summary>Show</summary>
<img src="_images/f.png"/></details></div></section></article></body></html>"""
TWO = """<section id="there"><h1>2. Two</h1><h2>Exercises</h2><h3>Exercise 1</h3>
<details><summary>Hint</summary><p>Think <a href="../one.html">back</a>.</p></details>
<div class="cell tag_hide-cell"><details class="hide"><summary>Show</summary><pre>x = 42</pre>
</details><div class="cell_output">printed</div></div>
<h3>Exercise 2</h3><details><summary>Solution</summary><p>Seven.</p>
<details><summary>More</summary><p>Inner.</p></details></details>
<div class="drawing"><svg><path id="d1-m"></path><use href="#d1-m"></use></svg></div>
<img src="../_images/g.png"/></section></article></body></html>"""


@pytest.fixture
def paper(tmp_path: Path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "one.html").write_text(HEAD.format(up="") + ONE)
    (tmp_path / "chapters" / "two.html").write_text(HEAD.format(up="../") + TWO)
    return compose(tmp_path, ["one", "chapters/two"], "<p>The cover</p>")


def test_links_between_pages_lead_within_the_document(paper: Any) -> None:
    links = [link["href"] for link in paper.select("#one a")]
    assert links == ["#two--there", "#two", "#one--one", "https://example.org/x.html"]
    names = {node["id"] for node in paper.select("[id]")}
    for link in paper.select("a[href^='#'], use"):
        assert link["href"][1:] in names, link
    assert len(names) == len(paper.select("[id]")), "each name once"


def test_pictures_and_sheets_are_found_from_the_top(paper: Any) -> None:
    assert [node["src"] for node in paper.select("img")] == ["_images/f.png", "_images/g.png"]
    assert [node["href"] for node in paper.select("link")] == ["_static/a.css"]
    assert [node["src"] for node in paper.select("script")] == ["_static/mathjax/tex.js"]
    assert paper.html["data-theme"] == "light"


def test_answers_stand_at_the_end_with_a_way_there_and_back(paper: Any) -> None:
    assert not paper.select("details, nav:not(.paper-contents), .headerlink")
    pages = [part.get_text(" ") for part in paper.select("section.paper-page")]
    assert [part["id"] for part in paper.select("section.paper-page")] == ["one", "two", ANSWERS]
    for hidden in ("Think", "x = 42", "printed", "Seven.", "Inner."):
        assert hidden not in pages[1] and hidden in pages[2], hidden
    assert [h.get_text() for h in paper.select(f"#{ANSWERS} h2, #{ANSWERS} h3")] == [
        "2. Two",
        "Exercise 1",
        "Exercise 2",
    ]
    for here in paper.select("#two .paper-fold"):
        there = paper.find(id=here.a["href"][1:])
        assert there.a["href"] == f"#{here['id']}"


def in_a_thread(work: Callable, *arguments: Any) -> Any:
    """Playwright runs once a thread, and tests have a browser."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(work, *arguments).result()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered pages with the whole book, printed from them."""
    need_program("chromium")
    folder = tmp_path_factory.mktemp("paper") / "site"
    shutil.copytree(html_folder(), folder)
    in_a_thread(pdf.print_book, folder, pdf.pages(), folder / "book.pdf")
    return folder


@pytest.fixture(scope="module")
def printed(site: Path) -> PdfReader:
    return PdfReader(BytesIO((site / "book.pdf").read_bytes()))


@pytest.mark.slow
def test_formulas_that_are_not_set_are_refused(paper: Any, tmp_path: Path) -> None:
    need_program("chromium")
    document, html = tmp_path / "paper.html", str(paper)
    document.write_text(html)
    in_a_thread(open_and_close, document)
    document.write_text(html.replace("The cover", '<span class="math">x</span>'))
    with pytest.raises(BuildError, match="1 formulas of .*paper.html are not set"):
        in_a_thread(open_and_close, document)


def open_and_close(document: Path) -> None:
    with pdf.opened(document):
        pass


@pytest.mark.slow
def test_every_link_within_the_printed_book_leads_somewhere(printed: PdfReader) -> None:
    within = 0
    for page in printed.pages:
        for note in page.get("/Annots") or []:
            target = note.get_object().get("/Dest")
            if target is not None:
                assert str(target) in printed.named_destinations, target
                within += 1
    assert within > 500


@pytest.mark.slow
def test_the_contents_name_the_sheets_on_which_the_pages_begin(printed: PdfReader) -> None:
    contents = printed.pages[1].extract_text()
    for name in ("Why shortcuts work", "Glossary", "Answers and solutions"):
        number = int(re.search(rf"{name}\s+(\d+)", contents)[1])
        assert name in printed.pages[number - 1].extract_text().replace("\n", " ")[:80]
        assert f"\n{number}" in printed.pages[number - 1].extract_text()[-8:]


@pytest.mark.slow
def test_the_outline_has_headings_and_nothing_else(site: Path, printed: PdfReader) -> None:
    titles = [str(entry.title) for entry in flat(printed.outline)]
    assert {"Contents", "Glossary", "Answers and solutions"} <= set(titles)
    assert sum(title.endswith("Why shortcuts work") for title in titles) >= 1
    found = re.findall(
        r"<h\d[^>]*>(.+?)</h\d>", (site / "paper.html").read_text("utf-8"), re.DOTALL
    )
    headings = {compact(unescape(re.sub(r"<[^>]+>", "", words))) for words in found}
    assert [title for title in titles if compact(title) not in headings] == []
    assert printed.metadata.title == "Residual networks by experiment"
    assert "Version" in printed.pages[0].extract_text()


def compact(words: str) -> str:
    return "".join(words.split())


def flat(outline: list) -> list:
    return [
        entry for each in outline for entry in (flat(each) if isinstance(each, list) else [each])
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chapter_on_paper_is_the_text_alone(scheme: str, browser: Any, address: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"{address}/chapters/01_degradation.html", wait_until="load")
    page.emulate_media(media="print", color_scheme=scheme)
    seen = page.evaluate("""() => {
        const shown = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility(
            { contentVisibilityAuto: true, visibilityProperty: true })).length
        return { around: shown('.bd-sidebar-primary, .bd-header-article, .prev-next-footer'),
                 title: shown('article h1'), answers: shown('article details > p'),
                 hidden: shown('article details.hide > summary'),
                 ground: getComputedStyle(document.body).backgroundColor }
    }""")
    page.close()
    assert seen["around"] == seen["hidden"] == 0
    assert seen["title"] == 1 and seen["answers"] > 10
    assert seen["ground"] == "rgb(255, 255, 255)"
