"""Turns sections of the rendered pages into slides: what is shown, step by step, and the notes."""

import copy
import re
from dataclasses import dataclass, field

from bs4 import NavigableString, Tag

from .book import BuildError
from .elements import element

TAG = "tag_slide"  # a cell whose code or print is shown although it answers no prediction
OUTCOME = "tag_hide-output"
# What a slide of 1280 x 720 pixels leaves for a drawing, and its smallest letter there.
WIDTH, HEIGHT, LETTER = 1200, 672, 20
END = re.compile(r"[.?!:]\)? +(?=[A-Z(])")  # of a sentence; a colon ends what announces a formula
ASKED = re.compile(r"\?(?= |$)(?!.*\?)")  # the end of a question, before how to answer it
LARGEST = 28  # letters of code
STEPS = 3  # on one slide
FONT_SIZE = re.compile(r"font-size: ([\d.]+)px")
LIMITS = "This does not "


@dataclass
class Slide:
    """What is shown below a heading; `whole` says that a picture or a question fills it."""

    title: str
    shown: list[Tag] = field(default_factory=list)
    notes: list[Tag] = field(default_factory=list)
    whole: bool = False

    def show(self, *parts: Tag) -> None:
        """Adds one step: it waits for a key where something is shown before it."""
        self.shown.append(element("div", *parts, classes="fragment" if self.shown else "step"))

    def html(self) -> Tag:
        heading = [element("h2", self.title)] if self.title else []
        notes = element("aside", *self.notes, classes="notes")
        return element("section", *heading, *self.shown, notes)


def opening(article: Tag) -> Slide:
    """The first slide of a chapter: its title, its picture, and the question that it asks."""
    top = article.section
    puzzle, question = top.find_all("p", recursive=False)[:2]
    title = element("h1", words(top.h1))
    shown = [title, drawing(top.select_one(".tag_opening .drawing")), plain(question)]
    return Slide("", shown, [plain(puzzle)], whole=True)


def sections(article: Tag, first: str, last: str) -> list[Tag]:
    """The sections of a page from one heading's name to another's; BuildError where one is gone."""
    parts = article.section.find_all("section", recursive=False)
    names = [part["id"] for part in parts]
    for name in {first, last} - set(names):
        raise BuildError(f"no section is called {name}: change LECTURES in tools/slides.py")
    return parts[names.index(first) : names.index(last) + 1]


def slides_of(section: Tag) -> list[Slide]:
    """The slides of a section, in the order of the page."""
    made = [Slide(words(section.find(["h2", "h3"])))]
    for node in section.find_all(True, recursive=False)[1:]:
        if node.name == "section":
            made += slides_of(node)
        else:
            add(made, node)
    return made


def spoken(made: list[Slide]) -> list[Slide]:
    """The slides that show something; the notes of the others go to the one before."""
    told = made[:1]
    for slide in made[1:]:
        if slide.shown:
            told.append(slide)
        else:
            told[-1].notes += [element("h3", slide.title), *slide.notes]
    return told


def add(made: list[Slide], node: Tag) -> None:
    """Puts a part of a section on the last slide, or on a further one."""
    kinds = node.get("class", [])
    if "gate" in kinds:
        ask(free(made, whole=True), node)
    elif "math" in kinds:
        before = node.find_previous_sibling()
        lead = [cut(before, -1)] if before.name == "p" else []
        free(made).show(*lead, copy.copy(node))
    elif "cell" in kinds:
        show_cell(made, node)
    elif node.name in ("ul", "ol"):
        for item in node.find_all("li"):
            free(made).show(element("p", *plain(item).contents))
    elif node.name == "p" and words(node):
        if (statement := said(node)) is not None:
            free(made).show(statement)
        made[-1].notes.append(plain(node))


def said(paragraph: Tag) -> Tag | None:
    """What of a paragraph is shown: a chapter's answer, what an outcome says or does not, bold."""
    before = paragraph.find_previous_sibling()
    if "gate-summary" in paragraph.parent.get("class", []) and before.name == "h2":
        return plain(paragraph)
    if words(paragraph).startswith(LIMITS) or OUTCOME in before.get("class", []):
        return cut(paragraph, 0)
    bold = paragraph.contents[0]
    if bold.name == "strong" and bold.get_text().endswith("."):
        return element("p", plain(bold))
    return None


def free(made: list[Slide], whole: bool = False) -> Slide:
    """The last slide if there is room on it; `whole` asks for one on which nothing is yet."""
    last = made[-1]
    if last.whole or len(last.shown) == STEPS or (whole and last.shown):
        made.append(Slide(last.title))
    made[-1].whole = whole
    return made[-1]


def ask(slide: Slide, gate: Tag) -> None:
    """What leads to a question, its choices, and on a key press which is right and why."""
    before, folds = gate.find_previous_sibling(), gate.find_all("details")
    lead = [plain(before, "lead")] if before.name == "p" else []
    question = cut(gate.select_one(".gate-question"), 0, ASKED)
    question.strong.decompose()
    question["class"] = "question"
    choices = [element("ol", *(choice(fold) for fold in folds))] if folds else []
    slide.shown += [*lead, question, *choices, *(why(fold) for fold in folds if is_right(fold))]
    slide.notes += [why(fold) for fold in folds if not is_right(fold)]


def choice(fold: Tag) -> Tag:
    classes = "right" if is_right(fold) else ""
    return element("li", *plain(fold.summary).contents, classes=classes)


def why(fold: Tag) -> Tag:
    """The explanation of an answer, after its letter."""
    line = plain(fold.find("p"), "fragment answer" if is_right(fold) else "")
    line.insert(0, element("strong", f"{words(fold.summary)[0]}. "))
    return line


def is_right(fold: Tag) -> bool:
    return words(fold.find("p")).startswith("Right")


def show_cell(made: list[Slide], cell: Tag) -> None:
    """A figure on a slide of its own; code where it is tagged; what is printed as an outcome."""
    kinds = cell["class"]
    if cell.select_one("figure .drawing") is not None:
        return show_figure(made, cell.figure)
    code = cell.select(".cell_input pre") if TAG in kinds else []
    printed = cell.select(".cell_output pre") if {TAG, OUTCOME} & set(kinds) else []
    if code + printed:
        free(made).show(*(box(pre) for pre in code + printed))


def show_figure(made: list[Slide], figure: Tag) -> None:
    """The drawing, if its letters can be read from afar; its caption in the notes in any case."""
    if legible(figure.svg):
        label = element("p", words(figure.select_one(".caption-number")), classes="label")
        free(made, whole=True).shown += [drawing(figure.select_one(".drawing")), label]
    made[-1].notes.append(plain(figure.figcaption.p))


def legible(svg: Tag) -> bool:
    width, height = map(float, svg["viewbox"].split()[2:])
    smallest = min(map(float, FONT_SIZE.findall(str(svg))))
    return smallest * min(WIDTH / width, HEIGHT / height) >= LETTER


def drawing(picture: Tag) -> Tag:
    """A drawing without the sizes of its page, and reached by no key."""
    bare = copy.copy(picture)
    bare.attrs = {"class": "drawing"}
    bare.svg["style"] = bare.svg["style"].partition("; min-width")[0]
    return bare


def box(pre: Tag) -> Tag:
    """Code or print in letters as large as its longest line and its number of lines allow."""
    lines = pre.get_text().strip().splitlines()
    size = min(LARGEST, WIDTH / (0.61 * max(map(len, lines))), HEIGHT / (1.35 * len(lines)))
    shown = copy.copy(pre)
    shown["style"] = f"font-size: {max(LETTER, int(size))}px"
    return element("div", shown, classes="highlight")


def cut(paragraph: Tag, which: int, end: re.Pattern = END) -> Tag:
    """The first sentence of a paragraph (`which` 0) or its last (-1)."""
    part = plain(paragraph)
    pieces = [piece for piece in part.children if isinstance(piece, NavigableString)]
    places = [(piece, place.end()) for piece in pieces for place in end.finditer(piece)]
    if places:
        piece, place = places[which]
        for other in list(piece.next_siblings if which == 0 else piece.previous_siblings):
            other.extract()
        piece.replace_with(piece[:place].rstrip() if which == 0 else piece[place:])
    return part


def plain(node: Tag, classes: str = "") -> Tag:
    """A copy without the links, which lead nowhere from a slide."""
    bare = copy.copy(node)
    bare.attrs = {"class": classes} if classes else {}
    for mark in bare.select("a.headerlink"):
        mark.decompose()
    for link in bare.select("a, .unbroken"):
        link.unwrap()
    bare.smooth()
    return bare


def words(node: Tag) -> str:
    return " ".join(plain(node).get_text().split())
