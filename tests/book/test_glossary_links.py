"""Each term is a link where a page first uses it, and only there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import Tag

from tests.support.built_book import html_folder, pages, read

pytestmark = pytest.mark.slow  # renders pages
ROOT = Path(__file__).resolve().parents[2]
PAGE = """# Seeds of a page

**Bold seeds** and `seeds`, a [link of seeds](https://example.org).
A Batch norm, two batches, seeds and a batch norm; seeded seeds, a step.

- a batch
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
    (tmp_path / "index.md").write_text(PAGE)
    (tmp_path / "words.md").write_text(GLOSSARY)
    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'extensions')!r})\n"
        "extensions = ['myst_parser', 'glossary_links']\n"
    )
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-m", "sphinx", "-qW", tmp_path, out], check=True)
    found = [(link.text, link["href"]) for link in term_links(out / "index.html")]
    assert found == [
        ("Batch norm", "words.html#term-batch-norm"),
        ("batches", "words.html#term-batch"),
        ("seeds", "words.html#term-seed"),
    ]
    assert term_links(out / "words.html") == []


@pytest.mark.parametrize("page", pages())
def test_no_page_of_the_book_links_a_term_twice(page: str) -> None:
    targets = [link["href"] for link in term_links(html_folder() / f"{page}.html")]
    assert len(targets) == len(set(targets))
    assert bool(targets) == (page not in ("chapters/glossary", "chapters/bibliography"))
