"""The concept questions for before and after the course, as Canvas and Moodle import them."""

import html
import re
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import tomllib

from tools.packing import pack

from .. import pages
from ..source import FOLDER

SOURCE = FOLDER / "concepts.toml"


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

    @property
    def idents(self) -> list[str]:
        """A name for each choice."""
        return [f"{self.id}-{letter}" for letter, _ in zip("abcdefgh", self.choices, strict=False)]


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
        "imsmanifest.xml": _filled("canvas-manifest.xml", occasion),
        f"{name}/assessment_meta.xml": _filled("canvas-settings.xml", occasion),
        f"{name}/{name}.xml": _filled("canvas-questions.xml", occasion),
    }


def moodle(occasion: Occasion) -> bytes:
    """The questions in Moodle's XML, in a category of their own."""
    return _filled("moodle-questions.xml", occasion)


def marked_up(text: str) -> str:
    """The text as HTML: *X* becomes a variable, `X` code, all else stays what it is."""
    escaped = html.escape(text, quote=False)
    escaped = re.sub(r"\*(.+?)\*", r"<em>\1</em>", escaped)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escaped)


def _filled(template: str, occasion: Occasion) -> bytes:
    shown = {"name": f"concepts-{occasion.name}", "title": title(occasion)}
    shown |= {"explains": occasion.explains, "questions": questions()}
    return TEMPLATES.get_template(template).render(shown).encode()


def _escaped(value: object) -> str:
    return escape(str(value), {'"': "&quot;"})


def _paragraph(text: str) -> str:
    return f"<p>{marked_up(text)}</p>"


# The texts of questions are HTML, which XML escapes once more.
TEMPLATES = pages.TEMPLATES.overlay(autoescape=False, finalize=_escaped)
TEMPLATES.filters = pages.TEMPLATES.filters | {"paragraph": _paragraph}
