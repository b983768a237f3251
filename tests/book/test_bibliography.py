"""Every work that the book links has its entry, which says where, and what links say is so."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from pybtex.database import Entry, parse_file
from pybtex.richtext import Text

from tests.support.built_book import ROOT, article, html_folder, pages, read, rendered
from tests.support.small_book import render

BIBLIOGRAPHY = "chapters/bibliography"
LIBRARIES = ("https://arxiv.org/", "https://doi.org/")
TYPED = re.compile(r"\[([^][\n]+) (\d{4})[a-z]?\]\((https://(?:arxiv|doi)\.org/[^)]+)\)")
SMALL = {
    "index.md": """# Start

See {cite:t}`one` and [a part](https://example.org/book/two.html).

## Below

Again [One 2001](https://arxiv.org/abs/0101.00001).

```{toctree}
works
```
""",
    "works.md": "# Works\n\n```{bibliography}\n:all:\n```\n",
    "works.bib": """@article{one, author = {One, A.}, title = {First}, journal = {J}, year = {2001},
  eprint = {0101.00001}, archiveprefix = {arXiv}}
@misc{two, author = {Two, B.}, title = {Second}, year = {2002}, url = {https://example.org/book}}
@misc{three, author = {Three, C.}, title = {Third}, year = {2003}, keywords = {further reading}}
""",
}
SETTINGS = "bibtex_bibfiles = ['works.bib']\nbibtex_cite_id = 'bib-{key}'\n"
# An arXiv link without an entry, further reading that is cited, and an entry that nothing cites.
MISTAKEN = {
    **SMALL,
    "index.md": SMALL["index.md"]
    .replace("0101.00001", "0101.00002")
    .replace("`one`", "`one,three`"),
    "works.bib": SMALL["works.bib"]
    + "@misc{four, author = {Four, D.}, title = {T}, year = {2004}}",
}


def bibliography(folder: Path, pages: dict[str, str]) -> BeautifulSoup:
    out = render(folder, pages, "sphinxcontrib.bibtex extensions.bibliography", SETTINGS)
    return read(out / "works.html")


@pytest.mark.slow
def test_an_entry_leads_back_to_the_sections_that_cite_or_link_it(tmp_path: Path) -> None:
    page = bibliography(tmp_path, SMALL)
    found = {each["id"]: each.select_one(".cited-in") for each in page.select(".citation")}
    words = {name: back.text for name, back in found.items()}
    assert words == {
        "bib-one": "Cited in: Start; Start, Below",
        "bib-two": "Cited in: Start",
        "bib-three": "Further reading.",
    }
    links = [link["href"] for link in found["bib-one"].select("a")]
    assert links == ["index.html#start", "index.html#below"]


@pytest.mark.slow
def test_the_build_refuses_each_mistake(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        bibliography(tmp_path, MISTAKEN)
    said = refused.value.stderr
    assert "https://arxiv.org/abs/0101.00002 has no entry in references.bib" in said
    assert sorted(re.findall(r"references.bib: (\w+) must either be cited or", said)) == [
        "four",
        "three",
    ]


@functools.cache
def works() -> dict[str, Entry]:
    """The entries by the addresses of their works."""
    entries = parse_file(ROOT / "references.bib").entries.values()
    return {
        start + entry.fields[field]: entry
        for entry in entries
        for field, start in (("eprint", LIBRARIES[0] + "abs/"), ("doi", LIBRARIES[1]))
        if field in entry.fields
    }


def names(entry: Entry) -> str:
    """The authors of a work as the text gives them."""
    last = [" ".join([*each.prelast_names, *each.last_names]) for each in entry.persons["author"]]
    words = f"{last[0]} et al." if len(last) > 2 else " and ".join(last)
    return str(Text.from_latex(words))


def test_links_give_the_authors_and_the_year_of_their_works() -> None:
    sources = [ROOT / "intro.md", *sorted((ROOT / "chapters").glob("*.[mi][dp]*"))]
    found = [link for path in sources for link in TYPED.findall(path.read_text("utf-8"))]
    assert len(found) > 50
    for words, year, address in found:
        entry = works()[address]
        assert (words, year) == (names(entry), entry.fields["year"]), address


def keys(tag: Tag) -> set[str]:
    """The works that a part of a page cites or links."""
    links = tag.select("a[href]")
    typed = {link["href"].partition("#bib-")[2] for link in links} - {""}
    marks = {name for link in links for name in link.get("class", ()) if name.startswith("cites-")}
    return typed | {mark.removeprefix("cites-") for mark in marks}


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in pages() if page != BIBLIOGRAPHY])
def test_each_link_to_a_work_is_known_by_its_entry(page: str) -> None:
    known = {
        entry["id"].removeprefix("bib-") for entry in article(BIBLIOGRAPHY).select("[id^=bib-]")
    }
    assert keys(article(page)) <= known
    links = [link for link in article(page).select("a[href]") if link["href"].startswith(LIBRARIES)]
    assert [link["href"] for link in links if "cites-" not in " ".join(link.get("class", ()))] == []


@pytest.mark.slow
def test_each_way_back_leads_to_a_section_that_cites_the_work() -> None:
    entries = rendered(BIBLIOGRAPHY).select(".citation")
    assert len(entries) == len(parse_file(ROOT / "references.bib").entries)
    for entry in entries:
        back = entry.select_one(".cited-in")
        assert back.text == "Further reading." or back.select("a")
        for link in back.select("a"):
            parts = urlsplit(link["href"])
            page = read((html_folder() / "chapters" / parts.path).resolve())
            (section,) = page.select(f"section[id='{parts.fragment}']")
            assert entry["id"].removeprefix("bib-") in keys(section), link


@pytest.mark.slow
def test_no_section_that_cites_a_work_is_left_out() -> None:
    entries = rendered(BIBLIOGRAPHY).select(".citation")
    named = {entry["id"].removeprefix("bib-"): entry.select(".cited-in a") for entry in entries}
    for page in pages():
        for key in keys(article(page)) if page != BIBLIOGRAPHY else ():
            ends = {urlsplit(link["href"]).path.split("/")[-1] for link in named[key]}
            assert f"{page.split('/')[-1]}.html" in ends, f"{key} does not lead back to {page}"
