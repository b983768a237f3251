"""The concept questions: well made, tied to the book, and the same in both exports."""

import re
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from assignments.editions import concepts
from tools.notebooks import chapters

ROOT = Path(__file__).resolve().parents[3]
QUESTIONS = concepts.questions()
QTI = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"
PACKAGE = "{http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1}"


def anchors() -> set[str]:
    """Those of the misconceptions, as the pages have them: lower case, dashes, no punctuation."""
    page = (ROOT / "chapters" / "misconceptions.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def figures() -> set[str]:
    named = set(re.findall(r":name: ([\w-]+)", (ROOT / "intro.md").read_text(encoding="utf-8")))
    for path in chapters():
        for cell in nbformat.read(path, as_version=4).cells:
            named.add(cell.metadata.get("mystnb", {}).get("figure", {}).get("name", ""))
    return named


def test_there_are_twelve_questions_with_four_choices_one_of_them_right() -> None:
    assert len(QUESTIONS) == len({question.id for question in QUESTIONS}) == 12
    for question in QUESTIONS:
        assert len(question.choices) == len({choice.text for choice in question.choices}) == 4
        assert sum(choice.right for choice in question.choices) == 1, question.id


def test_each_wrong_choice_has_a_misconception_and_each_explanation_is_there() -> None:
    known = anchors()
    assert len(known) >= 12
    for question in QUESTIONS:
        for choice in question.choices:
            assert choice.because.endswith("."), choice.text
            assert (choice.misconception in known) != choice.right, choice.text
            assert not (choice.right and choice.misconception)


def test_no_question_asks_for_one_misconception_twice() -> None:
    for question in QUESTIONS:
        named = [choice.misconception for choice in question.choices if not choice.right]
        assert len(set(named)) == 3, question.id


def test_right_answers_are_supported_by_figures_of_the_book() -> None:
    known = figures()
    for question in QUESTIONS:
        assert question.shown and set(question.shown) <= known, question.id


def test_neither_place_nor_length_gives_the_right_answer_away() -> None:
    places = Counter([c.right for c in question.choices].index(True) for question in QUESTIONS)
    assert set(places) == {0, 1, 2, 3} and max(places.values()) <= 4
    longest = shortest = 0
    for question in QUESTIONS:
        lengths = [len(choice.text) for choice in question.choices]
        (right,) = (len(choice.text) for choice in question.choices if choice.right)
        longest, shortest = longest + (right == max(lengths)), shortest + (right == min(lengths))
        assert max(lengths) <= 1.5 * min(lengths), question.id
    assert longest <= 4 and shortest <= 4


def of_canvas(archive: Path) -> dict[str, tuple[str, dict[str, bool], list[str]]]:
    """By question: its text, its choices and which of them scores, the explanations."""
    with zipfile.ZipFile(archive) as packed:
        manifest = ElementTree.fromstring(packed.read("imsmanifest.xml"))
        listed = [file.get("href") for file in manifest.iter(f"{PACKAGE}file")]
        assert sorted([*listed, "imsmanifest.xml"]) == sorted(packed.namelist())
        resources = {r.get("identifier"): r for r in manifest.iter(f"{PACKAGE}resource")}
        (quiz,) = (r for r in resources.values() if r.get("type") == "imsqti_xmlv1p2")
        assert quiz.find(f"{PACKAGE}dependency").get("identifierref") in resources
        (href,) = (file.get("href") for file in quiz.iter(f"{PACKAGE}file"))
        root = ElementTree.fromstring(packed.read(href))
    found = {}
    for item in root.iter(f"{QTI}item"):
        texts = {
            label.get("ident"): label.find(f".//{QTI}mattext").text
            for label in item.iter(f"{QTI}response_label")
        }
        scoring = [
            condition.find(f".//{QTI}varequal").text
            for condition in item.iter(f"{QTI}respcondition")
            if condition.find(f"{QTI}setvar") is not None
        ]
        assert len(texts) == 4 and set(scoring) <= set(texts)
        shown = {link.get("linkrefid") for link in item.iter(f"{QTI}displayfeedback")}
        feedback = {f.get("ident"): f.find(f".//{QTI}mattext").text
                    for f in item.iter(f"{QTI}itemfeedback")}  # fmt: skip
        assert shown == set(feedback)
        asked = item.find(f"{QTI}presentation/{QTI}material/{QTI}mattext").text
        choices = {text: ident in scoring for ident, text in texts.items()}
        found[item.get("ident")] = asked, choices, list(feedback.values())
    return found


def of_moodle(path: Path) -> dict[str, tuple[str, dict[str, bool], list[str]]]:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<?xml"), "Moodle takes a file for XML by its first characters"
    category, *rest = ElementTree.fromstring(text).findall("question")
    assert category.find("category/text").text.startswith("$course$/top/")
    found = {}
    for question in rest:
        assert question.get("type") == "multichoice" and question.find("single").text == "true"
        answers = question.findall("answer")
        choices = {a.find("text").text: a.get("fraction") == "100" for a in answers}
        assert {a.get("fraction") for a in answers} == {"0", "100"}
        feedback = [a.find("feedback/text").text for a in answers if a.find("feedback") is not None]
        asked = question.find("questiontext/text").text
        found[question.find("name/text").text] = asked, choices, feedback
    return found


@pytest.mark.parametrize("occasion", concepts.OCCASIONS, ids=lambda occasion: occasion.name)
def test_both_exports_have_the_questions_and_right_answers_of_the_file(occasion, tmp_path) -> None:
    concepts.export(tmp_path)
    exports = [
        of_canvas(tmp_path / f"canvas-{occasion.name}.zip"),
        of_moodle(tmp_path / f"moodle-{occasion.name}.xml"),
    ]
    for found in exports:
        assert len(found) == 12
        for question, (asked, choices, feedback) in zip(QUESTIONS, found.values(), strict=True):
            assert asked == f"<p>{concepts.marked_up(question.text)}</p>"
            expected = {f"<p>{concepts.marked_up(c.text)}</p>": c.right for c in question.choices}
            assert choices == expected
            explained = [f"<p>{concepts.marked_up(c.because)}</p>" for c in question.choices]
            assert feedback == (explained if occasion.explains else [])


def test_only_afterwards_answers_are_shown(tmp_path: Path) -> None:
    concepts.export(tmp_path)
    for name, shown in (("before", b"false"), ("after", b"true")):
        with zipfile.ZipFile(tmp_path / f"canvas-{name}.zip") as packed:
            settings = packed.read(f"concepts-{name}/assessment_meta.xml")
        assert b"<show_correct_answers>" + shown in settings


def test_importing_both_in_canvas_changes_neither(tmp_path: Path) -> None:
    concepts.export(tmp_path)
    before, after = (set(of_canvas(tmp_path / f"canvas-{n}.zip")) for n in ("before", "after"))
    assert not before & after


def test_text_becomes_html() -> None:
    assert concepts.marked_up("*F*(*X*) < 1 & `x`") == (
        "<em>F</em>(<em>X</em>) &lt; 1 &amp; <code>x</code>"
    )


def test_exports_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = concepts.export(tmp_path / "a"), concepts.export(tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
