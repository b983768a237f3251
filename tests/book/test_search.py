"""What a reader looks for is found: the page that explains it first, at the section that does."""

from typing import Any

import pytest

from extensions.formula_words import in_words
from extensions.search import parts
from tests.support.built_book import chapters, html_folder
from tests.support.visits import listen

# A query, the page that must come first, and words of a section that must be offered there.
FIRST = [
    ("degradation", "glossary", "degradation"),
    ("vanishing gradient", "misconceptions", "vanishing"),
    ("overfitting", "glossary", "overfitting"),
    ("initialisation", "glossary", "He initialisation"),
    ("He initialization", "glossary", "He initialisation"),
    ("skip connection", "glossary", "shortcut"),
    ("residual connections", "glossary", "shortcut"),
    ("shortcut", "glossary", "shortcut"),
    ("batch normalization", "glossary", "batch norm"),
    ("residual block", "glossary", "residual block"),
    ("identity", "glossary", "identity"),
    ("ResNet-18", "03_resnet", "ResNet-18"),
    ("parameters of ResNet-18", "03_resnet", "ResNet-18"),
    ("multiply-adds", "03_resnet", "Multiply-adds"),
    ("shattered gradients", "glossary", "shattered gradients"),
    ("loss landscape", "04_why_it_works", "loss"),
    ("paths", "glossary", "path"),
    ("projection shortcut", "glossary", "projection"),
    ("pre-activation", "glossary", "pre-activation"),
    ("bottleneck", "glossary", "bottleneck"),
    ("ResNeXt", "misconceptions", "ResNeXt"),
    ("transformers", "08_heirs", "transformer"),
    ("transfer learning", "practice", ""),
    ("all-reduce", "glossary", "all-reduce"),
    ("DDP", "glossary", "data parallelism"),
    ("large batches", "practice", "batch"),
    ("bfloat16", "measured", "step"),
    ("learning rate", "glossary", "learning rate"),
    ("ensemble", "misconceptions", "ensemble"),
    ("fit", "api", "fit"),
    ("six_n_plus_two", "api", "six_n_plus_two"),
    ("evaluate", "api", "evaluate"),
    ("resnet18", "api", "resnet18"),
    ("colab", "intro", "Run it, at home or in Colab"),
]


def test_each_section_and_name_is_found_by_itself_and_without_code() -> None:
    found = dict(
        parts(
            "chapters/a",
            "<nav>menu</nav><article class='bd-article'><section id='top'><h1>Top</h1><p>start</p>"
            "<section id='part'><h2>Part<a class='headerlink'>#</a></h2><p>a &lt; b</p>"
            "<div class='cell_input'>import torch</div><div class='gate'><p>Predict.</p>"
            "<details><summary>A</summary>Right.</details></div></section><dl><dt id='m.fit'>"
            "<span class='descname'>fit</span>(model)</dt><dd>trains</dd></dl></section></article>",
        )
    )
    assert set(found) == {f"chapters/a.html#{place}" for place in ("top", "part", "m.fit")}
    top, part, fit = (found[f"chapters/a.html#{place}"] for place in ("top", "part", "m.fit"))
    assert ">Top</h1>" in top and "start" in top and "a &lt; b" not in top and "trains" not in top
    assert ">Part</h1>" in part and "a &lt; b" in part and "torch" not in part
    assert "Predict." in part and "Right." not in part, "no answer is given away"
    assert ">fit</h1>" in fit and "trains" in fit and "model" not in fit
    assert list(parts("chapters/a", "<p>a page without a text</p>")) == []


def test_formulas_stand_in_it_as_words_or_not_at_all() -> None:
    ((_, found),) = parts(
        "chapters/a",
        "<article class='bd-article'><section id='top'><h1>Top</h1><p>For "
        r"<span class='math'>\(X_k \ge 10^{-7}\)</span> and "
        r"<span class='math'>\(\sqrt{a + b}\)</span></p>"
        r"<div class='math'>\[\frac{1}{2}\]</div></section></article>",
    )
    assert "For Xₖ ≥ 10⁻⁷ and …" in found
    assert "\\" not in found and "frac" not in found


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (r"\mathcal{F}_{56}", "F₅₆"),
        (r"\mathcal{F}_d", "F_d"),
        (r"(2/3)^{55} \approx 2 \cdot 10^{-10}", "(2/3)⁵⁵ ≈ 2 · 10⁻¹⁰"),
        (r"T(X)\, H(X) + \operatorname{ReLU}(F(X))", "T(X) H(X) + ReLU(F(X))"),
        (r"1/\sqrt{L}", "1/√L"),
        (r"f^*", "…"),
        (r"\binom{n}{m}", "…"),
    ],
)
def test_a_formula_reads_without_being_set(formula: str, words: str) -> None:
    assert in_words(formula) == words


@pytest.fixture(scope="module")
def page(browser: Any, address: str) -> Any:
    opened = browser.new_page()
    complaints: list[str] = []
    listen(opened, complaints)
    opened.goto(f"{address}/search.html?q=residual")
    opened.locator("#search-results > li").nth(len(chapters()) - 1).wait_for()
    yield opened
    assert complaints == []
    opened.close()


def ask(page: Any, query: str) -> str:
    """What the status line says once it speaks of the query."""
    page.locator(".bd-search-container input").fill(query)
    page.wait_for_function(
        "query => document.getElementById('search-status').textContent.includes(`“${query}”`)",
        arg=query,
    )
    return page.locator("#search-status").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize(("query", "first", "section"), FIRST, ids=[row[0] for row in FIRST])
def test_the_page_that_explains_it_comes_first(
    page: Any, query: str, first: str, section: str
) -> None:
    ask(page, query)
    best = page.locator("#search-results > li").first
    link = best.locator("a").first.get_attribute("href")
    assert f"/{first}.html" in link
    assert section.lower() in best.inner_text().lower()
    address, _, anchor = link.partition("#")
    there = page.context.request.get(page.evaluate("href => new URL(href, location).href", address))
    assert there.ok and (not anchor or f'id="{anchor}"' in there.text())


@pytest.mark.slow
def test_no_excerpt_shows_the_source_of_a_formula(page: Any) -> None:
    for query in ("identity", "variance", "gradient of the loss"):
        ask(page, query)
        shown = page.locator("#search-results").inner_text()
        assert "\\" not in shown and "operatorname" not in shown


@pytest.mark.slow
def test_what_the_book_calls_otherwise_is_said(page: Any) -> None:
    assert "“shortcut”, the book’s word for “skip connections”" in ask(page, "skip connections")


@pytest.mark.slow
def test_both_loops_of_a_name_come_first(page: Any) -> None:
    """`fit` and its namesake, the loop for many devices."""
    ask(page, "fit")
    links = page.locator("#search-results > li a").all()[:2]
    found = [link.get_attribute("href").rpartition("/")[2] for link in links]
    assert sorted(found) == ["api.html#resnet.trainer.fit", "api.html#resnet.training.fit"]


@pytest.mark.slow
def test_nothing_found_says_where_else_to_look(page: Any) -> None:
    assert "glossary" in ask(page, "東京")
    assert page.locator("#search-results > li").count() == 0


@pytest.mark.slow
def test_pages_opened_as_files_say_why_they_cannot_be_searched(browser: Any) -> None:
    opened = browser.new_page()
    opened.goto(f"{html_folder().as_uri()}/search.html?q=residual")
    opened.get_by_text("Pages opened as files cannot be searched").wait_for()
    opened.close()
