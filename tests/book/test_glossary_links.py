"""Each term is a link where a section first uses it, a frequent one where a page does."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import Tag

from tests.support.built_book import html_folder, pages, read
from tests.support.small_book import render

pytestmark = pytest.mark.slow  # renders pages
PAGE = """# Seeds of a page

**Bold seeds** and `seeds`, a [link of seeds](https://example.org).
A Batch norm, two batches, seeds and a batch norm; seeded seeds, a step, a nested batch.

## Below

Nested batches. Nested seeds.

### And below

- a nested batch

## Beside

Seeds, nested.
"""
GLOSSARY = """---
orphan: true
---

# Words

```{glossary}
batch
  Images, with a batch norm.

batch norm
  A norm.

nested
  Of sets.

seed
  A number.

step
  A change.
```
"""


def term_links(page: Path) -> list[Tag]:
    """The links to the glossary that nobody typed, in order."""
    return [term.parent for term in read(page).select("span.term")]


def test_the_first_use_in_running_text_is_linked_and_the_longer_term_wins(tmp_path: Path) -> None:
    out = render(tmp_path, {"index.md": PAGE, "words.md": GLOSSARY}, "extensions.glossary_links")
    found = [(link.text, link["href"]) for link in term_links(out / "index.html")]
    assert found == [
        ("Batch norm", "words.html#term-batch-norm"),
        ("batches", "words.html#term-batch"),
        ("seeds", "words.html#term-seed"),
        ("nested", "words.html#term-nested"),
        ("Nested", "words.html#term-nested"),
        ("nested", "words.html#term-nested"),
    ]
    assert term_links(out / "words.html") == []


@pytest.mark.parametrize("page", pages())
def test_no_section_of_the_book_links_a_term_twice(page: str) -> None:
    links = term_links(html_folder() / f"{page}.html")
    found = [(section_of(link), link["href"]) for link in links]
    assert len(found) == len(set(found))
    assert bool(found) == (page not in ("chapters/glossary", "chapters/bibliography"))


def section_of(link: Tag) -> str:
    """The part below the page's title."""
    return link.find_parents("section")[-2:][0]["id"]
