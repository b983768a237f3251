"""The prose keeps its voice: plain words, short sentences, one way with units."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import nbformat
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tests.support.built_book import ROOT, pages

READ = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
WRITTEN = re.compile(r"\{(?:glossary|figure|admonition|note|tip|warning)\}")
LONGEST = 45  # words of a sentence
TYPICAL = 20

# What must not occur, what to say instead, and where it was met.
WORDS = [
    (r"\bforet[eo]l\w*", "predict", "as equation (7.2) foretells"),
    (r"\bbut for\b", "except for", "level, but for one run"),
    (r"\bin place of\b", "instead of", "14.0 in place of 12.7"),
    (r"\bbeside\b", "besides, next to", "the bar beside it"),
    (r"\bhand(?:s|ed|ing)? on\b(?! exp| lab)", "pass on", "what a block hands on"),
    (r"train(?:s|ed|ing)? on(?=[.,;:)?]|$| (?:alike|even|for|from a|in between|when)\b)",
     "keep training, fine-tune", "both are trained on alike"),
    (r"\bcut off\b", "set aside, held out", "validation images are cut off"),
    (r"\bsuch that\b", "so that", "chosen such that it fits"),
    (r"\bstands? (?:behind|beside|in front)\b", "follow, precede", "a norm stands behind it"),
    (r"the one of (?:two|three|four|six) with", "the best of three by", "the one of three with"),
    (r"\bfor each \w+ by itself", "separately for each", "chosen for each depth by itself"),
    (r", too\b", "also, or nothing", "gone on 20,000 images, too"),
    (r"starter of processes", "launcher", "a starter of processes"),
    (r"\b(?:the|this) document(?:'s)?\b|\boriginal text", "the block of Dive into Deep Learning",
     "the document's block"),
    (r"\b(?:images|bytes|blocks|factor|runs?|seeds|numbers|points|steps|parameters) an? "
     r"(?:second|layer|class|seed|stage|channel|block|depth|image|run|step)\b(?! time)",
     "per second, per layer", "180 images a second"),
    (r"^What it (?:shows|does not show)\.", "a full sentence", "What it shows. That it is."),
    (r"\d ?x ?\d|\d×\d", "3 × 3", "a 3x3 kernel"),
    (r"\d(?: )?%", "a space that does not break before %", "5 % of them"),
    (r"\b(?:normaliz|initializ|optimiz|regulariz|generaliz|behavior|neighbor|color|gray)\w*",
     "British spelling", "the initialization"),
]  # fmt: skip
ALLOWED = [
    "It is trained on 3,000 images, and a hands-on lab follows.",
    "An error of 5&nbsp;% and a kernel of 3 × 3 weights.",
    "Choosing the best would use these images a second time.",
    "Too much of it, or too little, stands in the way.",
    "So that it fits, the standard is the behaviour of its neighbours.",
]


def found(prose: str) -> list[str]:
    """The words of a text that must not occur, each with what to say instead."""
    return [
        f"{match[0]!r}: say {instead!r}"
        for pattern, instead, _ in WORDS
        for match in re.finditer(pattern, prose, re.IGNORECASE | re.MULTILINE)
    ]


@functools.cache
def sources(page: str) -> list[str]:
    """The Markdown of a page, by cells where it is a notebook."""
    path = ROOT / page
    if not path.suffix:
        (path,) = (each for end in (".md", ".ipynb") if (each := Path(f"{path}{end}")).exists())
    if path.suffix == ".md":
        return [path.read_text(encoding="utf-8")]
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


def blocks(source: str, rows: bool = False) -> Iterator[str]:
    """The running text of a page: paragraphs, entries of lists and what directives hold.

    Code and formulas have one letter each; headings, and unless `rows` tables, are left out.
    """
    tokens = READ.parse(source)
    for before, token in zip([Token("", "", 0), *tokens], tokens, strict=False):
        if token.type == "fence" and WRITTEN.match(token.info):
            yield from blocks(re.sub(r"^(?::.*| {2})", "", token.content, flags=re.MULTILINE), rows)
        if token.type == "html_block":
            yield from re.findall(r"<summary>(?:[A-Z1-9]\. )?(.+?)</summary>", token.content)
        if token.type == "inline" and (before.type == "paragraph_open" or rows):
            yield "".join(map(written, token.children))


def written(token: Token) -> str:
    if token.type in ("code_inline", "math_inline"):
        return "X"
    return {"softbreak": " ", "html_inline": " "}.get(token.type, token.content)


def sentences(source: str) -> Iterator[int]:
    """The length of each sentence in words; a formula that stands alone ends one."""
    for block in blocks(source):
        for sentence in re.split(r"(?<=[.!?])[)”\"]? (?=[\"“(]?[A-Z0-9])(?<!et al\. )", block):
            if words := [word for word in sentence.split() if re.search(r"\w", word)]:
                yield len(words)


WRITTEN_PAGES = [*pages(), "README.md", "CONTRIBUTING.md", "assignments/sources/oral.md"]


@pytest.mark.parametrize("page", WRITTEN_PAGES)
def test_a_page_has_no_word_that_reads_as_translated(page: str) -> None:
    prose = [block for source in sources(page) for block in blocks(source, rows=True)]
    assert found("\n".join(prose)) == []


@pytest.mark.parametrize("page", WRITTEN_PAGES)
def test_the_sentences_of_a_page_are_short(page: str) -> None:
    lengths = [length for source in sources(page) for length in sentences(source)]
    assert max(lengths, default=0) <= LONGEST
    assert median(lengths or [0]) < TYPICAL


@pytest.mark.parametrize(("pattern", "instead", "met"), WORDS, ids=lambda value: value[:30])
def test_each_word_is_found_where_it_was_met(pattern: str, instead: str, met: str) -> None:
    assert [each for each in found(met) if each.endswith(f": say {instead!r}")]


@pytest.mark.parametrize("sentence", ALLOWED)
def test_another_sense_of_a_word_is_allowed(sentence: str) -> None:
    assert found(sentence) == []


def test_sentences_are_counted_as_a_reader_counts_them() -> None:
    page = (
        "# A title\n\nHe et al. 2015 found $x^2 = 1$ in all. Why? (We ask.)\n\n- one `a b` entry\n"
    )
    assert list(sentences(page)) == [8, 1, 2, 3]
    assert list(
        sentences("```{glossary}\nword\n  It is. So it is.\n```\n\n| a | b |\n|---|---|\n| c | d |")
    )


PARTS = """# beside `beside`

- beside

<details>
<summary>A. beside</summary>

beside $beside$

</details>

| beside |
|---|
| beside |

```{glossary}
word
  beside
```

```python
beside
```
"""


def test_all_that_a_reader_reads_is_read_and_no_code() -> None:
    assert len(found("\n".join(blocks(PARTS, rows=True)))) == 7
