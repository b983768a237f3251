"""The rendered book: numbers, links and marks, as the files of the site have them."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.built_book import ROOT, article, chapters, html_folder, pages, read, rendered

pytestmark = pytest.mark.slow  # needs the rendered book
TYPED = re.compile(r"\[Figure (\d+\.\d+)\]\((?:[\w./]*)#([\w-]+)\)")
TAG = re.compile(r"\\tag\{([^}]*)\}")
RAW_MARKS = re.compile(r"\{[a-z:]+\}`|```|^:::|\$\$|\]\(#|<details|</summary", re.MULTILINE)
FETCHING = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src"}
LINK_KINDS_THAT_LOAD = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}


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


@functools.cache
def figure_numbers() -> dict[str, str]:
    """The number that the page shows under each figure, by the figure's name."""
    captions = [c for page in pages() for c in rendered(page).select("figure span.caption-number")]
    return {c.find_parent("figure")["id"]: c.text.removeprefix("Figure ").strip() for c in captions}


@pytest.mark.parametrize("page", pages())
def test_each_page_of_the_contents_is_rendered(page: str) -> None:
    (title,) = article(page).select("h1")
    assert len(title.text.strip("# \n")) > 3


def test_chapters_are_numbered_from_one_and_the_other_pages_not_at_all() -> None:
    for page in pages():
        shown = article(page).select("span.section-number")
        numbers = [number.text.strip(". \xa0") for number in shown]
        expected = [str(chapters().index(page) + 1)] if page in chapters() else []
        assert numbers == expected, page


@pytest.mark.parametrize("page", chapters())
def test_each_figure_of_a_chapter_is_numbered_in_order(page: str) -> None:
    chapter = chapters().index(page) + 1
    shown = [c.text.strip() for c in rendered(page).select("span.caption-number")]
    assert shown == [f"Figure {chapter}.{n}" for n in range(1, len(shown) + 1)]
    drawn = rendered(page).select(".cell:not(.tag_opening) .cell_output .drawing")
    assert len(shown) == len(drawn) > 0, "every drawn figure has a caption and a name"


@pytest.mark.parametrize("page", pages())
def test_typed_figure_numbers_are_the_rendered_ones(page: str) -> None:
    for number, name in TYPED.findall(markdown(page)):
        assert figure_numbers().get(name) == number, f"{page} types Figure {number} for #{name}"


def test_each_figure_is_mentioned_where_it_stands() -> None:
    for page in chapters():
        mentioned = {name for _, name in TYPED.findall(markdown(page))}
        here = {figure["id"] for figure in rendered(page).select("figure[id]")}
        assert here <= mentioned, f"{page}: no text refers to {sorted(here - mentioned)}"


@pytest.mark.parametrize("page", chapters())
def test_equations_carry_the_number_of_their_chapter_in_order(page: str) -> None:
    chapter = chapters().index(page) + 1
    typed = TAG.findall(markdown(page))
    assert typed == [f"{chapter}.{n}" for n in range(1, len(typed) + 1)]
    formulas = rendered(page).select("div.math")
    assert [tag for formula in formulas for tag in TAG.findall(formula.text)] == typed


@pytest.mark.parametrize("page", pages())
def test_equations_that_the_text_names_exist(page: str) -> None:
    exist = {tag for chapter in chapters() for tag in TAG.findall(markdown(chapter))}
    named = set(re.findall(r"[Ee]quations? \(?(\d+\.\d+)\)?", markdown(page)))
    assert named <= exist


@pytest.mark.parametrize("page", pages())
def test_no_markup_is_left_raw(page: str) -> None:
    hidden = "".join(e.get_text() for e in rendered(page).select("pre, code, script, style"))
    found = [m.group() for m in RAW_MARKS.finditer(article(page).text) if m.group() not in hidden]
    assert not found


@pytest.mark.parametrize("page", pages())
def test_each_image_says_what_one_sees(page: str) -> None:
    for drawing in article(page).select(".drawing > svg"):
        words = drawing.get("aria-label", "")
        assert drawing["role"] == "img" and len(words.split()) >= 5, words


def test_the_address_of_the_site_leads_to_its_first_page_and_has_an_icon() -> None:
    """Or browsers ask for an icon that is not there."""
    entrance = read(html_folder() / "index.html")
    assert entrance.select_one("meta[http-equiv=refresh]")["content"] == f"0; url={pages()[0]}.html"
    assert (html_folder() / entrance.select_one("link[rel=icon]")["href"]).is_file()
    assert entrance.html["lang"] == "en" and entrance.title.text


@pytest.mark.parametrize("page", chapters())
def test_a_chapter_closes_with_sixty_words_and_one_of_its_figures(page: str) -> None:
    answer, figure = markdown(page).split("## The answer in sixty words\n\n")[1].split("\n\n")[:2]
    assert 55 <= len(answer.split()) <= 62
    (name,) = re.findall(r"^In one figure: \[Figure [\d.]+\]\(#([\w-]+)\)", figure)
    assert rendered(page).select(f"figure#{name}")


@pytest.mark.parametrize("page", pages())
def test_no_role_or_label_misleads(page: str) -> None:
    assert not article(page).select("[role=list], [role=doc-biblioentry], summary[aria-label]")


def test_folded_cells_say_what_they_hold() -> None:
    handles = [h.text.split("\n") for p in chapters() for h in rendered(p).select("summary")]
    shown = {line.strip() for lines in handles for line in lines}
    assert {"Show the code", "Show the set-up", "Show the solution"} <= shown
    assert not any("{type}" in line for line in shown)


def internal_links() -> list[tuple[Path, str]]:
    links = [(path, link["href"]) for path in site_files() for link in read(path).select("a[href]")]
    return [(path, href) for path, href in links if not urlsplit(href).scheme]


def test_each_internal_link_and_anchor_exists() -> None:
    links = internal_links()
    assert [f"{path.name}: {href}" for path, href in links if is_dead(path, href)] == []
    assert len(links) > 10 * len(pages())


def is_dead(path: Path, href: str) -> bool:
    parts = urlsplit(href)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists() or html_folder().resolve() not in (target, *target.resolve().parents):
        return True
    anchor = unquote(parts.fragment)
    return bool(anchor) and target.suffix == ".html" and anchor not in anchors(target)


@functools.cache
def anchors(path: Path) -> set[str]:
    """Everything a link may point to within a page."""
    named = {link["name"] for link in read(path).select("a[name]")}
    return named | {element["id"] for element in read(path).select("[id]")}


def is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).netloc)


def test_no_page_fetches_from_third_parties() -> None:
    for path in site_files():
        for element in read(path).select(", ".join(FETCHING)):
            address = element.get(FETCHING[element.name], "")
            loads = element.name != "link" or LINK_KINDS_THAT_LOAD.intersection(
                element.get("rel", ())
            )
            assert not (loads and is_elsewhere(address)), f"{path.name} loads {address}"
        for element in read(path).select("[srcset]"):
            assert not is_elsewhere(element["srcset"]), path.name


def test_no_style_sheet_in_use_fetches_from_third_parties() -> None:
    sheets = {
        (path.parent / urlsplit(link["href"]).path).resolve()
        for path in site_files()
        for link in read(path).select("link[rel=stylesheet]")
    }
    assert any(sheet.name == "book.css" for sheet in sheets)
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", text), sheet.name


@pytest.mark.parametrize("page", pages())
def test_scripts_that_the_book_does_not_need_are_gone(page: str) -> None:
    scripts = [
        script.get("src", "") + script.get_text() for script in rendered(page).select("script")
    ]
    for unwanted in ("fontawesome", "thebe", "require", "html-manager", "hypothes", "utteranc"):
        assert not any(unwanted in script for script in scripts)


def test_formulas_are_set_by_the_site_itself() -> None:
    with_formulas = [page for page in pages() if rendered(page).select("span.math")]
    assert set(chapters()) <= set(with_formulas)
    for page in with_formulas:
        (script,) = rendered(page).select("script[src*=mathjax]")
        assert ((html_folder() / f"{page}.html").parent / script["src"].split("?")[0]).exists()


def test_no_link_leads_to_a_repository_that_is_not_set() -> None:
    for page in pages():
        around = rendered(page).select("a[href]:not(.bd-article a)")
        assert [link["href"] for link in around if is_elsewhere(link["href"])] == []
