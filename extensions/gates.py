"""Make a gate of each prediction: what follows it in its section opens when the choice is locked.

The source is plain: a paragraph that begins with **Predict.**, a `<details>` for each answer, and
the cells and the text that answer it. `_static/gates.js` makes the choice of it.
"""

import json
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ASKS = "Predict."
ANSWER = re.compile(r"<summary>([A-Z])\. (.+?)</summary>", re.DOTALL)
SUMMARIES = ("The account", "The answer in sixty words")  # which tell all outcomes of a page
PLACED = "tag_place-points"  # the cell whose live figure takes the prediction
RECORD = "gate-record"  # the element of a page that shows the reader's own answers
LONGEST_NAME = 48


def close(app: Sphinx, doctree: nodes.document) -> None:
    """Put each question with its answers into an element of class `gate`, and unfold outputs."""
    for question in list(doctree.findall(is_question)):
        around = question.parent
        start = around.index(question)
        length = held(around[start:])
        if not length:
            raise ExtensionError(f"{app.env.docname}: no answers below “{question.astext()}”")
        gate = nodes.container("", *around[start : start + length], classes=["gate"])
        gate["ids"] = [name_of(question)]
        question["classes"].append("gate-question")
        around[start : start + length] = [gate]
    for section in doctree.findall(nodes.section):
        if section[0].astext() in SUMMARIES:
            section["classes"].append("gate-summary")
    for cell in doctree.findall(nodes.container):
        if "tag_hide-output" in cell["classes"]:
            unfold(app, cell)


def is_question(node: nodes.Node) -> bool:
    """Whether a paragraph of a section asks for a prediction."""
    if not (isinstance(node, nodes.paragraph) and isinstance(node.parent, nodes.section)):
        return False
    strong = node.next_node(nodes.strong)
    return strong is not None and strong.astext() == ASKS and node.astext().startswith(ASKS)


def held(following: list[nodes.Node]) -> int:
    """How many nodes from a question on belong to it: up to its last answer, or its cell."""
    depth, length = 0, 0
    for number, node in enumerate(following, start=1):
        if PLACED in node.get("classes", []):
            return number
        if isinstance(node, nodes.raw):
            depth += node.astext().count("<details") - node.astext().count("</details")
            length = number
        elif depth == 0 and (length or not isinstance(node, nodes.paragraph)):
            break
    return length


def name_of(question: nodes.paragraph) -> str:
    """The place of a question on its page, which is also where a browser keeps the choice."""
    return nodes.make_id(question.astext())[:LONGEST_NAME].strip("-")


def unfold(app: Sphinx, cell: nodes.container) -> None:
    """Show an output that its gate holds back already; its code stays folded where it is."""
    if not is_behind_gate(cell):
        raise ExtensionError(f"{app.env.docname}: an output is held back, and no question above")
    cell["hide_mode"] = "input" if "tag_hide-input" in cell["classes"] else ""


def is_behind_gate(node: nodes.Node) -> bool:
    """Whether a question stands before the node, in its section or in one around it."""
    if isinstance(node, nodes.document):
        return False
    before = node.parent[: node.parent.index(node)]
    return any("gate" in each["classes"] for each in before) or is_behind_gate(node.parent)


def asked(app: Sphinx, page: str) -> list[dict]:
    """The questions of a page, each with its place, its words and its answers."""
    doctree = app.env.get_doctree(page)
    return [{"name": gate["ids"][0], **words(gate)} for gate in doctree.findall(is_gate)]


def words(gate: nodes.container) -> dict:
    """A question in words, the letters of its answers, and which is right: none for points."""
    letters, right = [], None
    for raw in gate.findall(nodes.raw):
        if match := ANSWER.search(raw.astext()):
            letters.append(match[1])
            explained = raw.next_node(nodes.paragraph, descend=False, siblings=True)
            right = match[1] if explained.astext().startswith("Right") else right
    question = " ".join(gate[0].astext().replace(r"\cdot", "·").replace("^2", "²").split())
    question = question.removeprefix(ASKS).strip()
    return {"question": question, "answers": letters, "right": right}


def add_record(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Give the page that shows the reader's record the questions of all others."""
    if RECORD not in context.get("body", ""):
        return
    pages = [
        {
            "page": other,
            "title": app.env.titles[other].astext(),
            "link": app.builder.get_relative_uri(page, other),
            "questions": questions,
        }
        for other in in_order(app)
        if (questions := asked(app, other))
    ]
    held = json.dumps(pages, separators=(",", ":")).replace("</", "<\\/")
    context["body"] += f'\n<script type="application/json" id="gate-questions">{held}</script>'


def name_first(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Tell the page's template where its text and its first question are: links lead there."""
    for name, places in (("text_begins", nodes.section), ("first_question", is_gate)):
        first = next(doctree.findall(places), None) if doctree is not None else None
        context[name] = first["ids"][0] if first is not None else ""


def is_gate(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and "gate" in node["classes"]


def in_order(app: Sphinx) -> list[str]:
    """All pages in the order of the table of contents."""
    root = app.config.root_doc
    listed = app.env.toctree_includes.get(root, [])
    return [root, *listed, *sorted(app.env.found_docs - {root, *listed})]


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", close)
    app.connect("html-page-context", add_record)
    app.connect("html-page-context", name_first)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
