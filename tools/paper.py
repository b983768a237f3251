"""Turns the rendered pages into one document for paper: all unfolded, answers at the end."""

import copy
import posixpath
import re
from pathlib import Path
from urllib.parse import urldefrag

from bs4 import BeautifulSoup, Tag

from .elements import element

ANSWERS = "answers-and-solutions"
DROPPED = ("a.headerlink", "script", "button")


def compose(site: Path, pages: list[str], cover: str) -> BeautifulSoup:
    """One document from the pages of a site: cover, contents, pages in order, answers.

    `pages` are names without suffix, `cover` is the HTML of the first page. The document belongs
    into the folder `site`, whose style sheets and pictures it uses. Links between the pages lead
    to their places in the document.
    """
    with_formulas = (page for page in pages if "_static/mathjax/" in _text(site, page))
    paper = _frame(site, next(with_formulas, pages[0]))
    article = paper.select_one("article")
    article.append(BeautifulSoup(cover, "html.parser"))
    contents = element("nav", classes="paper-contents")
    article.append(contents)
    title = element("h1", "Answers and solutions")
    answers = element("section", title, classes="paper-page", id=ANSWERS)
    for page in pages:
        part = _page(site, page, pages)
        _move_answers(part, answers, page)
        article.append(part)
    article.append(answers)
    _list_contents(paper, contents)
    return paper


def _text(site: Path, page: str) -> str:
    return (site / f"{page}.html").read_text(encoding="utf-8")


def _frame(site: Path, page: str) -> BeautifulSoup:
    """An empty document with the style sheets and the formula setter of a page, in light mode."""
    paper = BeautifulSoup(_text(site, page), "html.parser")
    paper.html["data-theme"] = "light"
    for script in paper.head.find_all("script"):
        if "mathjax" not in str(script).lower():
            script.decompose()
    for node in paper.head.select("link[rel=preload], link[rel=prev], link[rel=next]"):
        node.decompose()
    for node in paper.head.find_all(["link", "script"]):
        name = "src" if node.name == "script" else "href"
        if name in node.attrs:
            node[name] = _from_top(page, node[name])
    frame = '<main class="bd-main"><div class="bd-content"><div class="bd-article-container">'
    frame += '<article class="bd-article paper"></article></div></div></main>'
    paper.body.clear()
    paper.body.append(BeautifulSoup(frame, "html.parser"))
    return paper


def _page(site: Path, page: str, pages: list[str]) -> Tag:
    """The article of a page with names, links and pictures that fit the one document."""
    html = BeautifulSoup(_text(site, page), "html.parser")
    article = html.select_one("article.bd-article")
    for node in article.select(", ".join(DROPPED)):
        node.decompose()
    for node in article.select("[id]:not(svg [id])"):
        node["id"] = anchor(page, node["id"])
    for link in article.select("a[href]"):
        link["href"] = _within(page, link["href"], pages) or link["href"]
    for picture in article.select("img"):
        picture["src"] = _from_top(page, picture["src"])
    for fold in article.select("div.cell:not(.tag_hide-cell) details.hide"):
        fold.summary.decompose()
        fold.unwrap()
    return element("section", *article.contents, classes="paper-page", id=anchor(page))


def anchor(page: str, name: str = "") -> str:
    """The name of a place in the document, which no other page has."""
    return f"{page.rpartition('/')[2]}--{name}" if name else page.rpartition("/")[2]


def _within(page: str, address: str, pages: list[str]) -> str | None:
    """The address within the document, for a link to one of its pages; None for other links."""
    if re.match(r"[a-z]+:", address):
        return None
    path, name = urldefrag(address)
    target = _from_top(page, path).removesuffix(".html") if path else page
    return f"#{anchor(target, name)}" if target in pages else None


def _from_top(page: str, path: str) -> str:
    """A path that a page names, as seen from the top of the site."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path))


def _move_answers(part: Tag, answers: Tag, page: str) -> None:
    """Leaves the handle of each fold where it is, with a link to what it hid, now at the end."""
    folds = [fold for fold in part.select("details, div.cell.tag_hide-cell") if _outermost(fold)]
    if not folds:
        return
    answers.append(element("h2", part.h1.get_text()))
    last = None
    for number, fold in enumerate(folds, start=1):
        here, there = anchor(page, f"fold-{number}"), anchor(page, f"answer-{number}")
        heading = fold.find_previous(["h2", "h3"])
        if heading is not last and heading is not None:
            answers.append(element("h3", heading.get_text()))
            last = heading
        words = _handle(fold)
        answer = element("div", _line(words, here, "back"), classes="paper-answer", id=there)
        hidden = copy.copy(fold)
        for inner in [hidden, *hidden.select("details")]:
            if inner.name == "details":
                inner.summary.decompose()
        for inner in hidden.select("details"):
            inner.unwrap()
        answer.extend(list(hidden.contents) if hidden.name == "details" else [hidden])
        answers.append(answer)
        line = _line(words, there, "answer")
        line["id"] = here
        fold.replace_with(line)


def _outermost(fold: Tag) -> bool:
    return not any(
        outer.name == "details" or "tag_hide-cell" in outer.get("class", [])
        for outer in fold.parents
        if outer.name
    )


def _handle(fold: Tag) -> str:
    """What stands on a fold, such as an answer to choose or the word Hint."""
    return "Solution" if fold.name == "div" else " ".join(fold.summary.get_text().split())


def _line(words: str, target: str, says: str) -> Tag:
    link = element("a", says, href=f"#{target}")
    return element("p", f"{words} ", link, classes="paper-fold")


def _list_contents(paper: BeautifulSoup, contents: Tag) -> None:
    """The titles of the pages, each with a place for the number of the sheet that it is on."""
    rows = element("ul")
    for part in paper.select("section.paper-page"):
        link = element("a", part.h1.get_text(), href=f"#{part['id']}")
        sheet = element("span", classes="sheet", **{"data-of": part["id"]})
        rows.append(element("li", link, sheet))
    contents.extend([element("h1", "Contents"), rows])
