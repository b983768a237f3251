"""Slides of two lectures: all from the chapters, outcomes behind questions, legible from afar."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

from tests.support.built_book import ROOT, article, html_folder
from tests.support.colours import contrast
from tools import slides
from tools.book import BuildError
from tools.deck import opening, sections, slides_of, spoken

SVG = '<div class="drawing"><svg viewBox="0 0 350 {height}" style="a: b; min-width: 1px">'
SVG += '<text style="font-size: 10px">letters</text></svg></div>'
FIGURE = '<div class="cell {tags}"><details><div class="cell_input"><pre>plt.plot()</pre></div>'
FIGURE += f"</details><figure>{SVG}<figcaption><p>"
FIGURE += (
    '<span class="caption-number">Figure {number}</span> It shows.</p></figcaption></figure></div>'
)
PAGE = f"""<article><section><h1>1. One</h1><p>A puzzle.</p><p>A question?</p>
<div class="cell tag_opening">{SVG.format(height=100)}</div>
<section id="first"><h2>First<a class="headerlink" href="#first">#</a></h2>
<p>We see <a href="x.html">Figure 1</a>. It follows that</p><div class="math">\\[ a \\]</div>
<p>Consider this.</p>
<div class="gate"><p class="gate-question"><strong>Predict.</strong> Two. Or three? On the page.</p>
<details><summary>A. Two</summary><p>No, too few.</p></details>
<details><summary>B. Three</summary><p>Right. We count.</p></details></div>
<div class="cell tag_hide-output"><div class="cell_input"><pre>print(3)</pre></div>
<div class="cell_output"><pre>three</pre></div></div>
{FIGURE.format(height=300, number="1.1", tags="tag_hide-output")}
<p>It is <span class="unbroken"><i>three</i>.</span> More words.</p>
<p>This does not show four. Nor five.</p></section>
<section id="second"><h2>Second</h2><p>Only words.</p>
<div class="cell"><div class="cell_input"><pre>untold</pre></div></div></section>
<section id="third"><h2>Third</h2>{FIGURE.format(height=400, number="1.2", tags="")}
<div class="cell tag_slide"><div class="cell_input"><pre>told</pre></div></div></section>
<section class="gate-summary" id="answer"><h2>Answer</h2><p>In <a href="#first">short</a>. So.</p>
<p>In one figure: <a href="#first">1.1</a>.</p></section>
<section id="exercises"><h2>Exercises</h2></section></section></article>"""
ARTICLE = BeautifulSoup(PAGE, "html.parser").article


def made(last: str) -> list[Tag]:
    """The slides of the small page, from its opening to one of its sections."""
    parts = sections(ARTICLE, "first", last)
    return [
        slide.html()
        for slide in spoken([opening(ARTICLE), *(one for part in parts for one in slides_of(part))])
    ]


def shown(slide: Tag) -> list[str]:
    """The words of a slide's steps."""
    parts = slide.find_all(True, recursive=False)
    return [" ".join(part.get_text().split()) for part in parts if part.name != "aside"]


def test_slides_follow_the_page() -> None:
    assert [shown(slide) for slide in made("first")] == [
        ["1. One", "letters", "A question?"],
        ["First", r"It follows that\[ a \]"],
        ["First", "Consider this.", "Two. Or three?", "A. TwoB. Three", "B. Right. We count."],
        ["First", "three"],
        ["First", "letters", "Figure 1.1"],
        ["First", "It is three.", "This does not show four."],
    ]


def test_the_right_answer_waits_for_a_key_and_wrong_ones_are_explained_in_the_notes() -> None:
    question = made("first")[2]
    (answer,) = question.select(".fragment")
    assert answer.get_text() == "B. Right. We count."
    assert [item.get_text() for item in question.select("li.right")] == ["B. Three"]
    assert "No, too few." in question.aside.get_text()


def test_what_stands_below_an_outcome_waits_in_turn() -> None:
    *_, last = made("first")
    assert [step["class"][0] for step in last.find_all("div", recursive=False)] == [
        "step",
        "fragment",
    ]
    assert "More words." in last.aside.get_text()


def test_a_section_that_shows_nothing_is_in_the_notes_before() -> None:
    before = made("first")[-1].aside.get_text()
    after = made("second")[-1].aside.get_text()
    assert after == before + "SecondOnly words."


def test_a_picture_too_small_from_afar_is_left_out_and_tagged_code_is_shown() -> None:
    last = made("third")[-1]
    assert shown(last) == ["Third", "told"]
    assert "Figure 1.2 It shows." in last.aside.get_text()


def test_the_answer_of_a_chapter_is_shown_whole() -> None:
    assert shown(made("answer")[-1]) == ["Answer", "In short. So."]


def test_a_section_that_is_gone_is_named() -> None:
    with pytest.raises(BuildError, match="no section is called gone: .* tools/slides.py"):
        sections(ARTICLE, "first", "gone")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("decks") / "slides"
    slides.make(html_folder(), target)
    return target


def deck(folder: Path, lecture: str) -> list[Tag]:
    html = (folder / f"{lecture}.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser").select("section")


def used(lecture: str) -> list[Tag]:
    """The sections of the pages that a lecture is made of."""
    return [
        section
        for chapter, *names in slides.LECTURES[lecture]
        for section in sections(article(f"chapters/{chapter}"), *names)
    ]


def compact(text: str) -> str:
    return "".join(text.split())


@pytest.mark.slow
@pytest.mark.parametrize(("lecture", "questions"), [("lecture-1", 6), ("lecture-2", 6)])
def test_every_prediction_is_asked_and_its_right_answer_waits(
    lecture: str, questions: int, folder: Path
) -> None:
    asked = [slide for slide in deck(folder, lecture) if slide.select(".question")]
    gates = [gate for section in used(lecture) for gate in section.select(".gate")]
    assert len(asked) == len(gates) == questions
    for slide, gate in zip(asked, gates, strict=True):
        question = compact(slide.select_one(".question").get_text())
        assert question.endswith("?") and question in compact(gate.get_text())
        assert len(slide.select("li")) == len(gate.select("details"))
        right = [fold for fold in gate.select("details") if fold.p.get_text().startswith("Right")]
        assert [compact(fold.p.get_text()) for fold in right] == [
            compact(answer.get_text())[2:] for answer in slide.select(".fragment.answer")
        ]
        assert "Right" not in "".join(shown(slide)[:-1])


@pytest.mark.slow
@pytest.mark.parametrize("lecture", slides.LECTURES)
def test_figures_of_outcomes_are_behind_their_questions(lecture: str, folder: Path) -> None:
    places = {}
    for number, slide in enumerate(deck(folder, lecture)):
        for mark in slide.select(".question, .drawing + .label"):
            places[compact(mark.get_text())] = number
    outcomes = 0
    for section in used(lecture):
        for caption in section.select(".tag_hide-output .caption-number"):
            gate = caption.find_previous(class_="gate-question").get_text()
            (question,) = (place for words, place in places.items() if words in compact(gate))
            assert places[compact(caption.get_text())] > question
            outcomes += 1
    assert outcomes == {"lecture-1": 5, "lecture-2": 1}[lecture]


@pytest.mark.slow
@pytest.mark.parametrize("lecture", slides.LECTURES)
def test_every_word_is_from_the_chapters(lecture: str, folder: Path) -> None:
    pages = [article(f"chapters/{chapter}").get_text() for chapter, *_ in slides.LECTURES[lecture]]
    text = compact("".join(pages))
    for part in (
        part for slide in deck(folder, lecture)[1:] for part in slide.select("p, pre, li")
    ):
        words = compact(part.get_text())
        assert words in text or words[2:] in text, part


@pytest.mark.slow
def test_the_schedule_of_minutes_names_the_slides(folder: Path) -> None:
    text = (ROOT / "chapters" / "teaching.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) to (\d+) \| (.+?) \|", text, re.MULTILINE)
    headings = [
        [heading.get_text() for slide in deck(folder, lecture) for heading in slide.select("h2")]
        for lecture in slides.LECTURES
    ]
    assert [row[2] for row in rows] == [name for names in headings for name in dict.fromkeys(names)]
    assert all(before[1] == after[0] or after[0] == "0" for before, after in pairwise(rows))


OVERVIEW = """() => {
  const slide = Reveal.getCurrentSlide(), marked = slide.querySelector('.right');
  const before = marked && getComputedStyle(marked).backgroundColor;
  while (Reveal.availableFragments().next) Reveal.nextFragment();
  const inside = box => box.width === 0 || (box.left >= 0 && box.top >= 0
      && box.right <= innerWidth - 8 && box.bottom <= innerHeight - 4);
  const out = [], sizes = [], colours = new Set();
  const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, parent = text.parentElement;
    if (!text.data.trim() || !parent.checkVisibility() || parent.closest('.notes')) continue;
    const range = document.createRange(), turned = parent.getScreenCTM?.();
    range.selectNodeContents(text);
    if (!inside(range.getBoundingClientRect())) out.push(text.data);
    const scale = turned ? Math.hypot(turned.b, turned.d) : 1;
    sizes.push(parseFloat(getComputedStyle(parent).fontSize) * scale);
    if (!turned) colours.add(getComputedStyle(parent).color);
  }
  for (const formula of slide.querySelectorAll('.math:not(.notes *)'))
    sizes.push(parseFloat(getComputedStyle(formula).fontSize));
  for (const part of slide.querySelectorAll('.drawing svg, mjx-container > svg'))
    if (!part.closest('.notes') && !inside(part.getBoundingClientRect())) out.push(part.outerHTML);
  return { out, smallest: Math.min(...sizes), colours: [...colours],
           told: before, marked: marked && getComputedStyle(marked).backgroundColor,
           ground: getComputedStyle(document.body).backgroundColor,
           formulas: slide.querySelectorAll('.math').length
                     - slide.querySelectorAll('.math mjx-container').length }
}"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lecture", slides.LECTURES)
def test_slides_are_read_from_afar_without_a_network(
    lecture: str, scheme: str, folder: Path, browser: Any
) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 720})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / f"{lecture}.html").as_uri())
    page.wait_for_function("window.Reveal?.isReady()")
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(f"Reveal.slide({number})")
        found = page.evaluate(OVERVIEW)
        assert found["out"] == [] and found["formulas"] == 0, number + 1
        assert found["smallest"] >= 20, number + 1
        ground, *colours = map(rgb, (found["ground"], *found["colours"]))
        assert all(contrast(colour, ground) > 4.5 for colour in colours)
        assert found["told"] in (None, "rgba(0, 0, 0, 0)") and (
            found["marked"] != found["told"] or found["told"] is None
        )
    page.close()
    assert said == [] and all(address.startswith("file:") for address in asked)


def rgb(said: str) -> list[int]:
    """A colour as a browser says it."""
    return [int(part) for part in said.strip("rgb()").split(",")]


@pytest.mark.slow
def test_the_speaker_sees_the_notes(folder: Path, browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{(folder / 'lecture-1.html').as_uri()}#/1")
    page.wait_for_function("window.Reveal?.isReady()")
    with context.expect_page() as opened:
        page.keyboard.press("s")
    opened.value.wait_for_selector(".speaker-controls-notes .value p")
    assert "In 2015 four researchers" in opened.value.inner_text(".speaker-controls-notes .value")
    context.close()
