"""Text that names a formula by its number leads to it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.built_book import article, html_folder, pages, read
from tests.support.small_book import render

pytestmark = pytest.mark.slow  # renders pages
PAGES = {
    "index.md": """# Sums

$$a = b \\tag{1.1}$$

$$c = d \\tag{1.2}$$

By equation (1.1), equations 1.1 and 1.2, (1.2) and [the other](#equation-1-2), not (2.5).

```{toctree}
two
```
""",
    "two.md": "# More\n\n- **Equation 1.2** and `equation 1.2` are left, Equation 1.2 is not.\n",
}
SETTINGS = "myst_enable_extensions = ['dollarmath']\n"
NAMED = re.compile(r"\b(?:[Ee]quation|Figure)s? \(?\d\.\d|\(\d\.\d\)")
# Where a link would stand in a button, in a name or in code.
LEFT_OUT = ("summary", "label", "strong", "pre", "code", "h2", "h3", "script")


def test_each_number_is_a_link_to_its_formula_on_any_page(tmp_path: Path) -> None:
    out = render(tmp_path, PAGES, "extensions.equations", SETTINGS)
    page = read(out / "index.html")
    found = [(link.text, link["href"]) for link in page.select("p a[href*='#equation']")]
    assert found == [
        ("equation (1.1)", "#equation-1-1"),
        ("equations 1.1", "#equation-1-1"),
        ("1.2", "#equation-1-2"),
        ("(1.2)", "#equation-1-2"),
        ("the other", "#equation-1-2"),
    ]
    assert "c = d" in page.select_one("div.math#equation-1-2").text
    (link,) = read(out / "two.html").select("li a[href*='#equation']")
    assert (link.text, link["href"]) == ("Equation 1.2", "index.html#equation-1-2")


def test_a_number_without_a_formula_is_refused(tmp_path: Path) -> None:
    pages = {**PAGES, "two.md": "# More\n\nBy equation (1.3).\n"}
    with pytest.raises(subprocess.CalledProcessError):
        render(tmp_path, pages, "extensions.equations", SETTINGS)


@pytest.mark.parametrize("page", pages())
def test_the_book_links_each_number_to_the_formula_that_has_it(page: str) -> None:
    for link in article(page).select("a:has(> .equation)"):
        place = urlsplit(link["href"])
        other = (html_folder() / page).parent / place.path if place.path else f"{page}.html"
        (formula,) = read(html_folder() / other).select(f"#{place.fragment}")
        (number,) = re.findall(r"\d\.\d", link.text)
        assert f"\\tag{{{number}}}" in formula.text


@pytest.mark.parametrize("page", pages())
def test_the_book_names_no_formula_or_figure_without_a_link(page: str) -> None:
    outside = [
        words
        for words in article(page).find_all(string=NAMED)
        if not words.find_parent(["a", *LEFT_OUT])
        and not words.find_parent(class_=["math", "caption-number", "caption-text"])
        and not words.find_parent(id="reconstruct-without-looking")
    ]
    assert outside == []


@pytest.mark.parametrize("page", pages())
def test_what_ends_a_formula_stays_on_its_line(page: str) -> None:
    for formula in article(page).select("span.math"):
        after = str(formula.next_sibling or "")
        kept = "unbroken" in formula.parent.get("class", [])
        assert kept or not re.match("[.,:;?!)’”]", after), (formula, after)
