"""The tables of the written pages hold what is stored, and the picture shows it."""

import math
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from PIL import Image

from resnet.results import stored
from tools import picture
from tools.hygiene import FOLDED
from tools.notebooks import chapters

ROOT = Path(__file__).resolve().parents[2]
READING = re.compile(r"about (\d+) minutes to read, (\d+) minutes? to run on two CPU cores")
FOLDED_AWAY = re.compile(r"<details>.*?</details>", re.DOTALL)
LONGEST_READING = 45  # minutes
MEASURED = {
    "plain, 8 layers: training error": "01.plain_8_training_error",
    "plain, 20 layers: training error": "01.plain_20_training_error",
    "plain, 56 layers: training error": "01.plain_56_training_error",
    "plain, 20 grown to 56, trained further: training error": "01.grown_56_after_training_error",
    "plain, 56 trained further: training error": "01.random_56_after_training_error",
    "residual, 20 layers: training error": "02.residual_20_training_error",
    "residual, 56 layers: training error": "02.residual_56_training_error",
    "ResNet-18: training error": "03.resnet18_training_error",
    "ResNet-18: validation error": "03.resnet18_validation_error",
    "ResNet-18: test error": "03.resnet18_test_error",
}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def opening(chapter: Path) -> list[str]:
    """The paragraphs of a chapter above its first section: title, question, and so on."""
    cells = nbformat.read(chapter, as_version=4).cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return prose.split("\n\n## ")[0].split("\n\n")


def question(chapter: Path) -> str:
    """What a chapter asks: the last paragraph of its first cell that is a question."""
    first = nbformat.read(chapter, as_version=4).cells[0].source.split("\n\n")
    return [part.strip("*") for part in first if part.strip("*").endswith("?")][-1]


def minutes(chapter: Path) -> int:
    """The measured time to run, in whole minutes, rounded up."""
    return math.ceil(stored("times")[chapter.stem]["seconds"] / 60)


def reading_minutes(chapter: Path) -> int:
    """Minutes to read a chapter, to the nearest five; its exercises say their own.

    150 words a minute, 4 seconds a line of open code, 45 seconds a figure, a minute a prediction.
    The answers belong to that minute, and what else is folded away is not counted.
    """
    cells = before_exercises(nbformat.read(chapter, as_version=4).cells)
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    prose = FOLDED_AWAY.sub("", prose.partition("\n## Exercises\n")[0])
    figures = sum("figure" in cell.metadata.get("mystnb", {}) for cell in cells)
    lines = sum(len(cell.source.splitlines()) for cell in cells if is_open(cell))
    seconds = 60 / 150 * len(prose.split()) + 4 * lines + 45 * figures
    return 5 * round((seconds / 60 + prose.count("**Predict.**")) / 5)


def before_exercises(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells up to that in which the exercises begin."""
    (last,) = (k for k, cell in enumerate(cells) if "\n## Exercises\n" in cell.source)
    return cells[: last + 1]


def is_open(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and not FOLDED & set(cell.metadata.get("tags", []))


def chapter_rows() -> list[str]:
    """What the table of chapters should say."""
    rows = []
    for chapter in chapters():
        title = opening(chapter)[0].removeprefix("# ")
        reading = READING.search("\n".join(opening(chapter)))[1]
        link = f"[{title}](chapters/{chapter.name})"
        rows.append(
            f"| {link} | {question(chapter)} | {reading}&nbsp;min | {minutes(chapter)}&nbsp;min |"
        )
    return rows


def measured_rows() -> list[str]:
    """What the table of measured numbers should say."""
    rows = []
    for words, name in MEASURED.items():
        runs = stored("bands")["bands"][name]["values"]
        values = [100 * run["value"] for run in runs]
        mean = math.fsum(values) / len(values)
        extent = f"{min(values):.1f} to {max(values):.1f}&nbsp;%"
        seeds = {run["seed"] for run in runs}
        rows.append(f"| {words} | {mean:.1f}&nbsp;% | {extent} | {len(seeds)} |")
    return rows


def table(page: str, first: str) -> list[str]:
    """The rows of the table whose head begins with the word `first`."""
    rows = re.search(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text(page), re.MULTILINE)[1]
    return rows.splitlines()


@pytest.mark.parametrize("page", ["intro.md", "README.md"])
def test_table_of_chapters_has_their_questions_and_times(page: str) -> None:
    expected = chapter_rows()
    assert table(page, "Chapter") == expected, "it should be:\n" + "\n".join(expected)


@pytest.mark.parametrize("chapter", chapters(), ids=lambda path: path.stem)
def test_a_chapter_opens_in_ninety_words(chapter: Path) -> None:
    first = nbformat.read(chapter, as_version=4).cells[0].source
    assert len(first.split()) <= 90 + len(opening(chapter)[0].split())


@pytest.mark.parametrize("chapter", chapters(), ids=lambda path: path.stem)
def test_a_chapter_says_how_long_it_reads_and_that_is_a_lesson_at_most(chapter: Path) -> None:
    said = int(READING.search("\n".join(opening(chapter)))[1])
    assert said == reading_minutes(chapter) <= LONGEST_READING


def test_minutes_to_read_count_words_code_figures_and_predictions(tmp_path: Path) -> None:
    """Each of the four kinds, ten minutes of it alone, and what is not counted."""
    words, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    drawn = {"mystnb": {"figure": {}}}
    exercises = words("Last.\n\n## Exercises\n\n" + "word " * 3000)
    hidden = [
        words("<details>\n<summary>A. Yes</summary>\n\n" + "word " * 3000 + "\n\n</details>"),
        code("x = 1\n" * 900, metadata={"tags": ["hide-input"]}),
    ]
    solution = code("x = 1\n" * 900)
    kinds = {
        "words": [words("word " * 1500)],
        "code": [code("x = 1\n" * 150)],
        "figures": [code("", metadata={**drawn, "tags": ["hide-input"]}) for _ in range(13)],
        "predictions": [words("**Predict.** Which?") for _ in range(10)],
    }
    for kind, cells in kinds.items():
        path = tmp_path / f"{kind}.ipynb"
        held = [*hidden, *cells, exercises, solution]
        nbformat.write(nbformat.v4.new_notebook(cells=held), path)
        assert reading_minutes(path) == 10, kind


@pytest.mark.parametrize("chapter", chapters(), ids=lambda path: path.stem)
def test_a_chapter_says_how_long_it_runs(chapter: Path) -> None:
    said = READING.search("\n".join(opening(chapter)))
    assert int(said[2]) == minutes(chapter)
    assert ("minutes" if minutes(chapter) > 1 else "minute") + " to run" in said[0]


def test_the_conclusion_has_the_stored_numbers() -> None:
    expected = measured_rows()
    found = table("chapters/conclusion.md", "Measured, at the end of training")
    assert found == expected, "it should be:\n" + "\n".join(expected)


def test_the_opening_picture_shows_the_stored_runs() -> None:
    arms = picture.measured(stored("bands"))
    picture.check(arms)
    drawn = Image.open(picture.TARGET)
    assert drawn.text["Source"] == picture.fingerprint(arms), "repeat `make picture`"
    assert drawn.convert("RGBA").getextrema()[3] == (255, 255), "its ground is opaque"


@pytest.mark.parametrize("page", ["intro.md", "README.md"])
def test_the_caption_says_how_many_seeds(page: str) -> None:
    arms = picture.measured(stored("bands"))
    said = int(re.search(r"(\d+) seeds at each depth, each on two instruction sets", text(page))[1])
    assert {len(runs) for arm in arms.values() for runs in arm.values()} == {2 * said}


def test_the_questions_of_the_misconceptions_are_questions() -> None:
    headings = re.findall(r"^## (.*)$", text("chapters/misconceptions.md"), re.MULTILINE)
    assert all(heading.endswith("?") for heading in headings)
    for part in ("**Often said.**", "**What is true.**", "**Where to see it.**"):
        assert text("chapters/misconceptions.md").count(part) == len(headings) >= 8


def test_the_commands_that_the_pages_name_exist() -> None:
    from tools.__main__ import COMMANDS

    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "intro.md"):
        named = re.findall(r"(?:\bmake|python -m tools) ([a-z-]+)", "\n".join(code(page)))
        assert set(named) <= set(COMMANDS), page


def code(page: str) -> list[str]:
    """All that a page sets as code, in the line or in blocks."""
    return re.findall(r"```.*?```|`[^`\n]+`", text(page), re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_between_files_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", text(page)):
        assert (ROOT / target).exists(), target


def test_one_version_everywhere() -> None:
    version = re.search(r'^__version__ = "(.*)"', text("resnet/__init__.py"), re.MULTILINE)[1]
    assert f"\nversion: {version}\n" in text("CITATION.cff")
    assert re.search(r"^## \[(\d.*)\]", text("CHANGELOG.md"), re.MULTILINE)[1] == version
