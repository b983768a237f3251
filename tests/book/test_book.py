"""The rendered book: numbers, links and marks, as the files of the site have them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.built_book import ROOT, Element, chapters, html_folder, pages, read

TYPED = re.compile(r"\[Figure (\d+\.\d+)\]\((?:[\w./]*)#([\w-]+)\)")
TAG = re.compile(r"\\tag\{([^}]*)\}")
RAW_MARKS = re.compile(r"\{[a-z:]+\}`|```|^:::|\$\$|\]\(#|<details|</summary", re.MULTILINE)
FETCHING = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src"}
LINK_KINDS_THAT_LOAD = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}


def rendered(page: str):
    return read(html_folder() / f"{page}.html")


def site_files() -> list[Path]:
    """Every file that a reader opens; the theme leaves templates of its own in `_static`."""
    files = html_folder().rglob("*.html")
    return sorted(path for path in files if "_static" not in path.relative_to(html_folder()).parts)


def source(page: str) -> Path:
    return next(path for end in (".ipynb", ".md") if (path := ROOT / f"{page}{end}").exists())


def markdown(page: str) -> str:
    """What the author typed, code aside."""
    text = source(page).read_text(encoding="utf-8")
    if source(page).suffix == ".md":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def figure_numbers() -> dict[str, str]:
    """The number that the page shows under each figure, by the figure's name."""
    numbers = {}
    for page in pages():
        for caption in rendered(page).all("span", "caption-number"):
            figure = next(e for e in reversed(caption.within) if e.tag == "figure")
            numbers[figure.attributes["id"]] = caption.text.removeprefix("Figure ").strip()
    return numbers


@pytest.mark.parametrize("page", pages())
def test_each_page_of_the_contents_is_rendered(page: str) -> None:
    (title,) = [h for h in rendered(page).all("h1") if "bd-article" in classes_around(h)]
    assert len(title.text.strip("# \n")) > 3


def classes_around(element: Element) -> set[str]:
    return {name for outer in element.within for name in outer.classes()}


def test_chapters_are_numbered_from_one_and_the_other_pages_not_at_all() -> None:
    for page in pages():
        numbers = [
            number.text.strip(". \xa0")
            for number in rendered(page).all("span", "section-number")
            if "bd-article" in classes_around(number)
        ]
        expected = [str(chapters().index(page) + 1)] if page in chapters() else []
        assert numbers == expected, page


@pytest.mark.parametrize("page", chapters())
def test_each_figure_of_a_chapter_is_numbered_in_order(page: str) -> None:
    chapter = chapters().index(page) + 1
    shown = [c.text.strip() for c in rendered(page).all("span", "caption-number")]
    assert shown == [f"Figure {chapter}.{n}" for n in range(1, len(shown) + 1)]
    drawn = [image for image in rendered(page).all("img") if "cell_output" in classes_around(image)]
    assert len(shown) == len(drawn) > 0, "every drawn figure has a caption and a name"


@pytest.mark.parametrize("page", pages())
def test_typed_figure_numbers_are_the_rendered_ones(page: str) -> None:
    for number, name in TYPED.findall(markdown(page)):
        assert figure_numbers().get(name) == number, f"{page} types Figure {number} for #{name}"


def test_each_figure_is_mentioned_where_it_stands() -> None:
    for page in chapters():
        mentioned = {name for _, name in TYPED.findall(markdown(page))}
        here = {f.attributes["id"] for f in rendered(page).all("figure") if "id" in f.attributes}
        assert here <= mentioned, f"{page}: no text refers to {sorted(here - mentioned)}"


@pytest.mark.parametrize("page", chapters())
def test_equations_carry_the_number_of_their_chapter_in_order(page: str) -> None:
    chapter = chapters().index(page) + 1
    typed = TAG.findall(markdown(page))
    assert typed == [f"{chapter}.{n}" for n in range(1, len(typed) + 1)]
    shown = [
        tag for formula in rendered(page).all("div", "math") for tag in TAG.findall(formula.text)
    ]
    assert shown == typed


@pytest.mark.parametrize("page", pages())
def test_equations_that_the_text_names_exist(page: str) -> None:
    exist = {tag for chapter in chapters() for tag in TAG.findall(markdown(chapter))}
    named = set(re.findall(r"[Ee]quations? \(?(\d+\.\d+)\)?", markdown(page)))
    assert named <= exist


@pytest.mark.parametrize("page", pages())
def test_no_markup_is_left_raw(page: str) -> None:
    code = {"pre", "code", "script", "style"}
    hidden = "".join(e.text for e in rendered(page).elements if e.tag in code)
    (article,) = rendered(page).all("article", "bd-article")
    found = [m.group() for m in RAW_MARKS.finditer(article.text) if m.group() not in hidden]
    assert not found


@pytest.mark.parametrize("page", pages())
def test_each_image_says_what_one_sees(page: str) -> None:
    for image in rendered(page).all("img"):
        if "bd-article" in classes_around(image):
            words = image.attributes.get("alt", "").split()
            assert len(words) >= 5, image.attributes.get("src")
            assert not image.attributes["alt"].endswith(".png")


@pytest.mark.parametrize("page", chapters())
def test_a_chapter_closes_with_sixty_words_and_one_of_its_figures(page: str) -> None:
    answer, figure = markdown(page).split("## The answer in sixty words\n\n")[1].split("\n\n")[:2]
    assert 55 <= len(answer.split()) <= 62
    (name,) = re.findall(r"^In one figure: \[Figure [\d.]+\]\(#([\w-]+)\)", figure)
    assert name in {each.attributes.get("id") for each in rendered(page).all("figure")}


@pytest.mark.parametrize("page", pages())
def test_no_role_or_label_misleads(page: str) -> None:
    (article,) = rendered(page).all("article", "bd-article")
    for element in rendered(page).elements:
        if article in element.within:
            assert element.attributes.get("role") not in ("list", "doc-biblioentry")
            assert element.tag != "summary" or "aria-label" not in element.attributes


def test_folded_cells_say_what_they_hold() -> None:
    handles = [h.text.split("\n") for p in chapters() for h in rendered(p).all("summary")]
    shown = {line.strip() for lines in handles for line in lines}
    assert {"Show the code", "Show the set-up", "Show the solution"} <= shown
    assert not any("{type}" in line for line in shown)


def internal_links() -> list[tuple[Path, str]]:
    return [
        (path, link.attributes["href"])
        for path in site_files()
        for link in read(path).all("a")
        if "href" in link.attributes and not urlsplit(link.attributes["href"]).scheme
    ]


def test_each_internal_link_and_anchor_exists() -> None:
    dead = [f"{path.name}: {href}" for path, href in internal_links() if is_dead(path, href)]
    assert not dead
    assert len(internal_links()) > 10 * len(pages())


def is_dead(path: Path, href: str) -> bool:
    parts = urlsplit(href)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists() or html_folder().resolve() not in (target, *target.resolve().parents):
        return True
    anchor = unquote(parts.fragment)
    return bool(anchor) and target.suffix == ".html" and anchor not in read(target).anchors()


def is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).netloc)


def test_no_page_fetches_from_third_parties() -> None:
    for path in site_files():
        for element in read(path).elements:
            address = element.attributes.get(FETCHING.get(element.tag, ""), "")
            kinds = set(element.attributes.get("rel", "").split())
            loads = element.tag != "link" or kinds & LINK_KINDS_THAT_LOAD
            assert not (loads and is_elsewhere(address)), f"{path.name} loads {address}"
            assert not is_elsewhere(element.attributes.get("srcset", "")), path.name


def test_no_style_sheet_in_use_fetches_from_third_parties() -> None:
    sheets = {
        (path.parent / urlsplit(link.attributes["href"]).path).resolve()
        for path in site_files()
        for link in read(path).all("link")
        if link.attributes.get("rel") == "stylesheet"
    }
    assert any(sheet.name == "book.css" for sheet in sheets)
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", text), sheet.name


@pytest.mark.parametrize("page", pages())
def test_scripts_that_the_book_does_not_need_are_gone(page: str) -> None:
    scripts = [
        script.attributes.get("src", "") + script.text for script in rendered(page).all("script")
    ]
    for unwanted in ("fontawesome", "thebe", "require", "html-manager", "hypothes", "utteranc"):
        assert not any(unwanted in script for script in scripts)


def test_formulas_are_set_by_the_site_itself() -> None:
    with_formulas = [page for page in pages() if rendered(page).all("span", "math")]
    assert set(chapters()) <= set(with_formulas)
    for page in with_formulas:
        (script,) = [
            address
            for element in rendered(page).all("script")
            if "mathjax" in (address := element.attributes.get("src", ""))
        ]
        assert ((html_folder() / f"{page}.html").parent / script.split("?")[0]).exists()


def test_no_link_leads_to_a_repository_that_is_not_set() -> None:
    for page in pages():
        around = [
            link.attributes.get("href", "")
            for link in rendered(page).all("a")
            if "bd-article" not in classes_around(link)
        ]
        assert not [address for address in around if is_elsewhere(address)]
