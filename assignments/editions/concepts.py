"""The concept questions for before and after the course, as Canvas and Moodle import them."""

import html
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import tomllib

from tools.packing import pack

from ..source import FOLDER

SOURCE = FOLDER / "concepts.toml"
QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
CANVAS = "http://canvas.instructure.com/xsd/cccv1p0"
PACKAGE = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
META = "associatedcontent/imscc_xmlv1p1/learning-application-resource"


@dataclass(frozen=True)
class Choice:
    """One answer; a wrong one has the `misconception` that gives it, a heading's anchor."""

    text: str
    because: str
    right: bool = False
    misconception: str = ""


@dataclass(frozen=True)
class Question:
    """A question with its choices, and the names of the figures that support the right one."""

    id: str
    text: str
    shown: tuple[str, ...]
    choices: tuple[Choice, ...]

    def ident(self, choice: Choice) -> str:
        return f"{self.id}-{'abcdefgh'[self.choices.index(choice)]}"


@dataclass(frozen=True)
class Occasion:
    """When the questions are asked: only afterwards do answers come with their explanation."""

    name: str
    title: str
    explains: bool


OCCASIONS = (Occasion("before", "before the course", False), Occasion("after", "afterwards", True))


def questions(source: Path = SOURCE) -> tuple[Question, ...]:
    """All questions of the file; TypeError where one has an unknown or a missing entry."""
    found = tomllib.loads(source.read_text(encoding="utf-8"))["question"]
    return tuple(
        Question(
            choices=tuple(Choice(**choice) for choice in entry.pop("choice")),
            shown=tuple(entry.pop("shown")),
            **entry,
        )
        for entry in found
    )


def title(occasion: Occasion, source: Path = SOURCE) -> str:
    whole = tomllib.loads(source.read_text(encoding="utf-8"))["title"]
    return f"{whole}, {occasion.title}"


def export(out: Path) -> list[Path]:
    """Writes an archive for Canvas and a file for Moodle for each occasion into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for occasion in OCCASIONS:
        written.append(pack(canvas(occasion), out / f"canvas-{occasion.name}.zip"))
        written.append(out / f"moodle-{occasion.name}.xml")
        written[-1].write_bytes(moodle(occasion))
    return written


def canvas(occasion: Occasion) -> dict[str, bytes]:
    """The files of a QTI 1.2 package, by name: manifest, quiz settings, questions."""
    name = f"concepts-{occasion.name}"
    return {
        "imsmanifest.xml": _bytes(_manifest(name)),
        f"{name}/assessment_meta.xml": _bytes(_settings(name, occasion)),
        f"{name}/{name}.xml": _bytes(_assessment(name, occasion)),
    }


def moodle(occasion: Occasion) -> bytes:
    """The questions in Moodle's XML, in a category of their own."""
    quiz = Element("quiz")
    category = SubElement(SubElement(quiz, "question", type="category"), "category")
    SubElement(category, "text").text = f"$course$/top/{title(occasion)}"
    for question in questions():
        quiz.append(_moodle_question(question, occasion.explains))
    return _bytes(quiz)


def marked_up(text: str) -> str:
    """The text as HTML: *X* becomes a variable, `X` code, all else stays what it is."""
    escaped = html.escape(text, quote=False)
    escaped = re.sub(r"\*(.+?)\*", r"<em>\1</em>", escaped)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escaped)


def _moodle_question(question: Question, explains: bool) -> Element:
    element = Element("question", type="multichoice")
    _moodle_text(element, "name", question.id.replace("-", " "))
    _moodle_text(element, "questiontext", _paragraph(question.text), format="html")
    settings = {"defaultgrade": "1", "penalty": "0", "hidden": "0", "single": "true"}
    settings |= {"shuffleanswers": "true", "answernumbering": "abc"}
    for name, value in settings.items():
        SubElement(element, name).text = value
    for choice in question.choices:
        fraction = "100" if choice.right else "0"
        answer = SubElement(element, "answer", fraction=fraction, format="html")
        SubElement(answer, "text").text = _paragraph(choice.text)
        if explains:
            _moodle_text(answer, "feedback", _paragraph(choice.because), format="html")
    return element


def _moodle_text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(SubElement(parent, tag, attributes), "text").text = text


def _manifest(name: str) -> Element:
    manifest = Element("manifest", {"identifier": f"{name}-manifest", "xmlns": PACKAGE})
    metadata = SubElement(manifest, "metadata")
    SubElement(metadata, "schema").text = "IMS Content"
    SubElement(metadata, "schemaversion").text = "1.1.3"
    SubElement(manifest, "organizations")
    resources = SubElement(manifest, "resources")
    quiz = SubElement(resources, "resource", identifier=name, type="imsqti_xmlv1p2")
    SubElement(quiz, "file", href=f"{name}/{name}.xml")
    SubElement(quiz, "dependency", identifierref=f"{name}-meta")
    meta = {"identifier": f"{name}-meta", "type": META, "href": f"{name}/assessment_meta.xml"}
    SubElement(SubElement(resources, "resource", meta), "file", href=meta["href"])
    return manifest


def _settings(name: str, occasion: Occasion) -> Element:
    """A practice quiz: what is asked twice to measure learning is not for marks."""
    quiz = Element("quiz", {"identifier": name, "xmlns": CANVAS})
    entries = {
        "title": title(occasion),
        "shuffle_answers": "true",
        "quiz_type": "practice_quiz",
        "points_possible": f"{len(questions())}.0",
        "show_correct_answers": str(occasion.explains).lower(),
        "allowed_attempts": "1",
    }
    for tag, text in entries.items():
        SubElement(quiz, tag).text = text
    return quiz


def _assessment(name: str, occasion: Occasion) -> Element:
    whole = Element("questestinterop", xmlns=QTI)
    assessment = SubElement(whole, "assessment", ident=name, title=title(occasion))
    section = SubElement(assessment, "section", ident="root_section")
    for question in questions():
        section.append(_item(question, name, occasion.explains))
    return whole


def _item(question: Question, name: str, explains: bool) -> Element:
    # What is imported twice under one identifier, Canvas takes for a new version of the first.
    ident = f"{name}-{question.id}"
    item = Element("item", ident=ident, title=question.id.replace("-", " "))
    fields = {
        "question_type": "multiple_choice_question",
        "points_possible": "1",
        "original_answer_ids": ",".join(map(question.ident, question.choices)),
    }
    metadata = SubElement(SubElement(item, "itemmetadata"), "qtimetadata")
    for label, entry in fields.items():
        field = SubElement(metadata, "qtimetadatafield")
        SubElement(field, "fieldlabel").text = label
        SubElement(field, "fieldentry").text = entry
    presentation = SubElement(item, "presentation")
    _material(presentation, question.text)
    response = SubElement(presentation, "response_lid", ident="response1", rcardinality="Single")
    render = SubElement(response, "render_choice")
    for choice in question.choices:
        _material(SubElement(render, "response_label", ident=question.ident(choice)), choice.text)
    item.append(_processing(question, explains))
    for choice in question.choices if explains else ():
        feedback = SubElement(item, "itemfeedback", ident=f"{question.ident(choice)}_fb")
        _material(SubElement(feedback, "flow_mat"), choice.because)
    return item


def _processing(question: Question, explains: bool) -> Element:
    processing = Element("resprocessing")
    score = {"maxvalue": "100", "minvalue": "0", "varname": "SCORE", "vartype": "Decimal"}
    SubElement(SubElement(processing, "outcomes"), "decvar", score)
    for choice in question.choices if explains else ():
        condition = _condition(processing, question.ident(choice), goes_on="Yes")
        link = f"{question.ident(choice)}_fb"
        SubElement(condition, "displayfeedback", feedbacktype="Response", linkrefid=link)
    for choice in question.choices:
        if choice.right:
            condition = _condition(processing, question.ident(choice), goes_on="No")
            SubElement(condition, "setvar", action="Set", varname="SCORE").text = "100"
    return processing


def _condition(processing: Element, ident: str, goes_on: str) -> Element:
    condition = SubElement(processing, "respcondition", {"continue": goes_on})
    variable = SubElement(condition, "conditionvar")
    SubElement(variable, "varequal", respident="response1").text = ident
    return condition


def _material(parent: Element, text: str) -> None:
    material = SubElement(parent, "material")
    SubElement(material, "mattext", texttype="text/html").text = _paragraph(text)


def _paragraph(text: str) -> str:
    return f"<p>{marked_up(text)}</p>"


def _bytes(root: Element) -> bytes:
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
