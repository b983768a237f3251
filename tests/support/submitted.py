"""Submissions as students hand them in, honest ones and others, each with what it must score.

    python -m tests.support.submitted FOLDER --copies 200      a class, honest to the last one

`cases_of_any` gives the class of the grader's tests, on an assignment without torch, and
`mistaken_cases` what a real one knows as mistakes. Attacks stand before the honest answer of a task
and keep it from being defined, so that this task earns nothing and all others earn everything.
"""

import argparse
import ast
import copy
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from assignments import source
from assignments.editions import writing as editions
from assignments.source import Mistake, Source
from tests.support import wild_answers

Notebook = dict
ODD_NAMES = ['O\'Neil, "Al"', "=cmd()", "🐍 Ünïcode", "<b>bold&", "-rf", "CON", "a\tb", "%s {0}"]
# Parts that name another task among their needs, and are right without it.
INDEPENDENT = {"test-1-3-values"}
STUDENT = "ab123"
# Parts of assignment 1 in which a known mistake does not show, so that they earn everything: the
# layers' check counts tensors, and blocks with F(X) = 0 hide what is wrong inside F. The rest hangs
# on the id, which is STUDENT. Their sheet: the third convolution has the stride, the shortcut is a
# projection with a stride and no batch norm. Their patients: no ReLU after the addition (its losses
# lie 0.53 apart, its errors 0.18), a rate too large, no statistics, a stage that stands still, no
# shortcut. So a wrong measure spoils no diagnosis but those of 1 (losses for errors), 2 (the last
# epoch for the extreme) and 4 (the largest change).
SPARED = {
    "stride on both convolutions": "1-1-stays",
    "projection without the stride": "1-1-stays",
    "no factor": "1-2-layers 1-3-identity 1-3-learns",
    "factor on the sum": "1-2-layers",
    "no activation after the addition": "1-2-layers 1-3-identity 1-3-learns",
    "activation before the addition": "1-2-layers 1-3-identity",
    "one activation everywhere": "1-2-layers 1-3-identity 1-3-learns",
    "activation at the end of the branch": "1-2-layers 1-3-identity",
    "nothing added": "1-2-layers",
    "addition in place": "1-2-changes 1-2-layers 1-3-identity 1-3-learns",
    "shortcut cut off from the gradient": "1-2-layers 1-3-identity",
    "batch norm and activation swapped": "1-3-identity 1-3-learns",
    "last batch norm not used": "1-2-layers",
    "stride on another convolution": "1-2-layers 1-2-stays 1-3-identity 1-3-learns",
    "stride on every convolution": "1-2-layers 1-2-stays 1-3-identity 1-3-learns",
    "padding forgotten": "1-2-layers",
    "no groups": "1-3-identity 1-3-learns",
    "biases the wrong way round": "1-3-identity 1-3-learns",
    "wrong width": "1-3-identity 1-3-learns",
    "shortcut not shrunk": "1-2-layers 1-2-stays 1-3-identity 1-3-learns",
    "stride and pooling confused": "1-2-layers 1-2-stays 1-3-identity 1-3-learns",
    "batch norm of the shortcut": "1-2-stays 1-3-identity 1-3-learns",
    "shortcut from another place": "1-2-layers 1-2-stays 1-3-identity 1-3-learns",
    "projection everywhere": "1-2-changes",
    "scale without shift": "1-3-values",
    "small instead of zero": "1-3-values",
    "the first convolution set to zero": "1-3-values",
    "the other kind of layer": "1-3-values",
    "everything set to zero": "1-3-learns 1-3-values",
    "frozen": "1-3-identity 1-3-values",
    "all values come back": "1-3-identity 1-3-learns",
    "ends left out": "1-3-identity 1-3-learns",
    "gap with the other sign": "1-4-weights 1-5-five 1-5-four 1-5-one 1-5-three 1-5-two",
    "losses instead of errors": "1-4-weights 1-5-five 1-5-four 1-5-three 1-5-two",
    "last epoch instead of the extreme": "1-4-weights 1-5-five 1-5-four 1-5-one 1-5-three",
    "change in units of the end": "1-4-curves 1-5-five 1-5-four 1-5-one 1-5-three 1-5-two",
    "difference of the norms": "1-4-curves 1-5-five 1-5-four 1-5-one 1-5-three 1-5-two",
    "largest change of a stage": "1-4-curves 1-5-five 1-5-one 1-5-three 1-5-two",
    "running means with their signs": "1-4-curves 1-5-five 1-5-four 1-5-one 1-5-three 1-5-two",
    "statistics before training": "1-4-curves 1-5-five 1-5-four 1-5-one 1-5-three 1-5-two",
}


@dataclass(frozen=True)
class Case:
    """One file: its name, what writes it, the points that each part must earn, and the log.

    `points` holds the parts that do not earn everything, by id; `events` are texts that the log
    must hold for it, `status` what some parts must be called, "mistake: NAME" for a known one.
    Without `counts` another file of the same student is the one that is graded.
    """

    file: str
    write: Callable[[Path], None]
    points: Mapping[str, float] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    status: Mapping[str, str] = field(default_factory=dict)
    counts: bool = True


class Author:
    """Writes notebooks of one assignment."""

    def __init__(self, path: Path):
        self.path = path
        self.source: Source = source.read(path)
        notebook = nbformat.read(path, as_version=4)
        self.outputs = {one.id: one.outputs for one in notebook.cells if one.cell_type == "code"}
        released = editions.student(notebook, self.source)
        self.released: Notebook = json.loads(nbformat.writes(released))

    def untouched(self, student: str) -> Notebook:
        """The released notebook with the student's id and nothing else."""
        notebook = copy.deepcopy(self.released)
        for one in notebook["cells"]:
            one["source"] = source.text(one)
        setup = cell(notebook, "setup")
        setup["source"] = setup["source"].replace('STUDENT = ""', f"STUDENT = {student!r}")
        return notebook

    def honest(self, student: str, **answers: str) -> Notebook:
        """All tasks solved and all long runs run; `answers` gives others by task, _ for -."""
        notebook = self.untouched(student)
        for task in self.source.tasks:
            text = answers.get(task.id.replace("-", "_"), task.solution)
            cell(notebook, task.id)["source"] = text
        for prose in self.source.prose:
            cell(notebook, prose.id)["source"] = f"{prose.line}\n\nBecause of the shortcut."
        for one in notebook["cells"]:
            if "not-graded" in one["metadata"].get("tags", ()):
                one["outputs"] = self.outputs[one["id"]]
        return notebook

    def lost(self, task: str) -> dict[str, float]:
        """No points for the parts of this task and for those that need it."""
        return {
            check.id: 0.0
            for check in self.source.checks
            if task == check.task or (task in check.needs and check.id not in INDEPENDENT)
        }

    def leaf(self) -> str:
        """The task on which the fewest parts depend."""
        return min((task.id for task in self.source.tasks), key=lambda name: len(self.lost(name)))

    def defined(self, task: str) -> list[str]:
        """The names that the solution of a task gives."""
        names: list[str] = []
        for node in ast.parse(self.source.task(task).solution).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.append(node.name)
            elif isinstance(node, ast.Assign):
                names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        return names


def cell(notebook: Notebook, name: str) -> dict:
    return next(one for one in notebook["cells"] if source.grade_id(one) == name)


def place(notebook: Notebook, name: str) -> int:
    return notebook["cells"].index(cell(notebook, name))


def code(text: str, **metadata: object) -> dict:
    return {"cell_type": "code", "source": text, "metadata": metadata, "outputs": [],
            "execution_count": None}  # fmt: skip


def store(notebook: Notebook) -> Callable[[Path], None]:
    text = json.dumps(notebook, indent=1)
    return lambda path: path.write_text(text, encoding="utf-8")


def before(author: Author, task: str, attack: str) -> str:
    """The honest answer with a text between its visible line and the rest."""
    line, rest = author.source.task(task).solution.split("\n", 1)
    return f"{line}\n{attack}\n{rest}"


def instead(author: Author, task: str, beginning: str, value: str) -> str:
    """The honest answer, of which every name is given another value at the end."""
    end = "\n".join(f"{name} = {value}" for name in author.defined(task))
    return f"{author.source.task(task).solution}\n\n{beginning}{end}\n"


def answered(author: Author, student: str, task: str, text: str) -> Callable[[Path], None]:
    return store(author.honest(student, **{task.replace("-", "_"): text}))


def honest_cases(author: Author) -> list[Case]:
    """Right, untouched, and without one of the tasks."""
    none = dict.fromkeys((check.id for check in author.source.checks), 0.0)
    missing = dict.fromkeys(none, "missing")
    cases = [
        Case("right.ipynb", store(author.honest("right"))),
        Case("untouched.ipynb", store(author.untouched("untouched")), none, status=missing),
    ]
    for task in author.source.tasks:
        lost, name = author.lost(task.id), f"without {task.id}"
        write = answered(author, name, task.id, task.released)
        cases.append(Case(f"{name}.ipynb", write, lost, status=dict.fromkeys(lost, "missing")))
    return cases


def mistaken_cases(author: Author) -> list[Case]:
    """Every mistake that the assignment knows."""
    together = enumerate(in_one_notebook(author))
    return [mistaken_case(author, f"mistakes {number}", each) for number, each in together]


def in_one_notebook(author: Author) -> list[list[Mistake]]:
    """All known mistakes, in as few notebooks as there can be if no part meets two of them."""
    waiting, groups = list(author.source.mistakes), []
    while waiting:
        group, met = [], set()
        for mistake in list(waiting):
            if not met & set(author.lost(mistake.task)):
                group.append(mistake)
                waiting.remove(mistake)
                met |= set(author.lost(mistake.task))
        groups.append(group)
    return groups


def mistaken_case(author: Author, name: str, mistakes: list[Mistake]) -> Case:
    """A notebook with these mistakes, one a task; what the table and SPARED leave of its parts."""
    texts, points, status = {}, {}, {}
    for mistake in mistakes:
        solution = author.source.task(mistake.task).solution
        texts[mistake.task.replace("-", "_")] = solution.replace(mistake.old, mistake.new)
        spared = {f"test-{part}" for part in SPARED.get(mistake.name, "").split()}
        for part in author.lost(mistake.task).keys() - spared:
            points[part] = mistake.points.get(part, 0)
            status[part] = f"mistake: {mistake.name}"
    write = store(author.honest(STUDENT, **texts))
    return Case(f"{name}.ipynb", write, points, status=status)


def cell_cases(author: Author) -> list[Case]:
    """Right answers in cells that are missing, split, reordered, doubled, changed or elsewhere."""
    first, last = author.source.tasks[0].id, author.source.tasks[-1].id
    setup, line = "setup", author.source.task(first).line
    solution = author.source.task(first).solution
    cases = []

    def case(name: str, change: Callable[[Notebook], None], *events: str, **also) -> None:
        notebook = author.honest(name)
        change(notebook)
        points, status = also.pop("points", {}), also.pop("status", {})
        cases.append(Case(f"{name}.ipynb", store(notebook | also), points, events, status))

    def remove(*names: str) -> Callable[[Notebook], None]:
        def change(notebook: Notebook) -> None:
            notebook["cells"] = [
                one for one in notebook["cells"] if source.grade_id(one) not in names
            ]

        return change

    def move(notebook: Notebook) -> None:
        notebook["cells"].reverse()

    def kind(name: str) -> Callable[[Notebook], None]:
        return lambda notebook: cell(notebook, first).update(cell_type=name)

    def split(metadata: dict) -> Callable[[Notebook], None]:
        def change(notebook: Notebook) -> None:
            rest = solution.split("\n", 1)[1]
            cell(notebook, first)["source"] = line
            notebook["cells"].insert(place(notebook, first) + 1, code(rest, **metadata))

        return change

    def double(text: str, behind: bool) -> Callable[[Notebook], None]:
        def change(notebook: Notebook) -> None:
            other = copy.deepcopy(cell(notebook, first)) | {"source": text}
            notebook["cells"].insert(place(notebook, first) + behind, other)

        return change

    def elsewhere(notebook: Notebook) -> None:
        cell(notebook, first)["source"] = author.source.task(first).released
        line, rest = author.source.tasks[1].solution.split("\n", 1)
        cell(notebook, author.source.tasks[1].id)["source"] = f"{line}\n{solution}\n{rest}"

    def helped(notebook: Notebook) -> None:
        cell(notebook, first)["source"] = before(author, first, "assert helper() == 1")
        notebook["cells"].insert(1, code("def helper():\n    return 1"))

    def altered(notebook: Notebook) -> None:
        for check in author.source.checks:
            cell(notebook, check.id)["source"] = (
                f"# {check.title}\ndef observe(seed):\n    return 1"
            )
        cell(notebook, first)["source"] = author.source.task(first).released

    def with_cell(text: str, **metadata: object) -> Callable[[Notebook], None]:
        return lambda notebook: notebook["cells"].append(code(text, **metadata))

    def in_setup(text: str) -> Callable[[Notebook], None]:
        return lambda notebook: cell(notebook, setup).update(
            source=cell(notebook, setup)["source"] + "\n" + text
        )

    tests = [check.id for check in author.source.checks]
    stub = author.source.task(first).released
    lost, nowhere = author.lost(first), dict.fromkeys(author.lost(last), "missing")
    case("cell missing", remove(last), f"{last}: its answer cell is missing",
         points=author.lost(last), status=nowhere)  # fmt: skip
    case("tests missing", remove(*tests), "missing test cells")
    case("setup missing", remove(setup), "states no student id")
    case("setup spoilt", in_setup("import torch as"))
    case("setup unnamed", lambda notebook: cell(notebook, setup).update(metadata={}))
    case("split", split({}), "counted as all cells run it")
    case("split as Jupyter does", split(cell(author.released, first)["metadata"]), "2 answer cells")
    case("reordered", move, "in another order")
    case("doubled", double(stub, False), f"{first}: 2 answer cells")
    case("doubled and spoilt", double(instead(author, first, "", "None"), True), "2 answer cells",
         points=lost)  # fmt: skip
    case("markdown", kind("markdown"), f"{first}: its answer cell is of the type markdown")
    case("raw", kind("raw"), f"{first}: its answer cell is of the type raw")
    case("elsewhere", elsewhere, "counted as all cells run it")
    case("helped", helped, "counted as all cells run it")
    case("altered tests", altered, "altered test cells", points=lost)
    case("magic", in_setup("%matplotlib inline\n!pip install nothing\n?print"))
    case("playground", with_cell("while True:\n    pass"))
    case("training", with_cell("while True:\n    pass", tags=["not-graded"]))
    leaf = author.leaf()

    def playing(notebook: Notebook) -> None:
        cell(notebook, leaf)["source"] = author.source.task(leaf).released
        notebook["cells"].append(code("while True:\n    pass"))

    case("playground and stub", playing, points=author.lost(leaf))
    case("not stated", in_setup('STUDENT = ""'))
    case("another's id", with_cell('STUDENT = "right"'), "states several student ids")
    case("odd id", lambda notebook: cell(notebook, setup).update(
        source=author.source.setup.replace('""', '"../../=cmd()|🐍"')))  # fmt: skip
    case("no id", lambda notebook: cell(notebook, setup).update(source=author.source.setup),
         "states no student id: graded for 'no id'")  # fmt: skip
    syntax = author.source.task(first).solution + "\ndef broken(:"
    case("syntax", lambda notebook: cell(notebook, first).update(source=syntax), points=lost,
         status=dict.fromkeys(lost, "error"))  # fmt: skip
    return cases


def format_cases(author: Author) -> list[Case]:
    """Right answers as other programs save them."""
    cases = []

    def case(name: str, notebook: Notebook, *events: str, change=lambda text: text) -> None:
        text = change(json.dumps(notebook, ensure_ascii=False)).encode("utf-8", "surrogatepass")
        cases.append(Case(f"{name}.ipynb", lambda path: path.write_bytes(text), {}, events))

    def bare(name: str, **metadata: object) -> Notebook:
        notebook = author.honest(name)
        notebook["cells"] = [one | {"metadata": dict(metadata)} for one in notebook["cells"]]
        return notebook | {"metadata": {}}

    found = "found by the task line"
    case("stripped", bare("stripped"), found)
    colab = bare("colab", id="x1", outputId="y2", colab={"base_uri": "https://example.org"})
    colab["metadata"] = {"colab": {"provenance": [], "toc_visible": True}, "accelerator": "GPU"}
    badge = {"cell_type": "markdown", "source": ["<a>Open in Colab</a>"], "metadata": {}}
    colab["cells"] = [badge, *(one | {"source": one["source"].splitlines(keepends=True)}
                               for one in colab["cells"])]  # fmt: skip
    case("colab", colab, "saved by Colab", found)
    vscode = bare("vscode", vscode={"languageId": "python"})
    case("vscode", vscode | {"nbformat_minor": 2}, "saved by VS Code", found)
    old = author.honest("old")
    cells = [{**one, "input": one["source"]} for one in old["cells"]]
    for one in cells:
        del one["source"]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    case("old", old, "the format 3")
    windows = author.honest("windows")
    for one in windows["cells"]:
        one["source"] = one["source"].replace("\n", "\r\n")
    case("windows", windows, change=lambda text: "\ufeff" + text)
    odd = author.honest("odd")
    odd["cells"] += [7, None, {}, {"cell_type": "code", "source": 3}, code("# half \ud800")]
    case("odd", odd, change=lambda text: text.replace("\ud800", "\\ud800"))
    return cases


def attack_cases(author: Author) -> list[Case]:
    """What must cost its author one task and nobody anything else."""
    task = author.leaf()
    lost, cases = author.lost(task), []

    def case(name: str, text: str, status: str | None = None) -> None:
        states = dict.fromkeys(lost, status) if status else {}
        write = answered(author, name, task, text)
        cases.append(Case(f"{name}.ipynb", write, lost, (), states))

    for name, (status, attack) in wild_answers.STOPPED.items():
        case(name, before(author, task, attack), status)
    for name, patch in wild_answers.PATCHES.items():
        case(f"patched {name}", instead(author, task, patch, "None"))
    secret = author.path.resolve()
    case("reading", before(author, task, wild_answers.TAKE.format(path=str(secret))), "error")
    case("writing", before(author, task, wild_answers.SPOIL.format(path=str(secret))), "error")
    case("search", before(author, task, wild_answers.SEARCH), "error")
    case("same", instead(author, task, wild_answers.SAME, "Same()"))
    case("pickled", instead(author, task, wild_answers.PICKLED, "Pickled()"))
    case("subclass", instead(author, task, wild_answers.SUBCLASS, "equal"))
    loop = "def endless(*arguments, **settings):\n    while True:\n        pass\n\n\n"
    case("loops when called", instead(author, task, loop, "endless"), "time")
    return cases + harmless_cases(author, task)


def harmless_cases(author: Author, task: str) -> list[Case]:
    """Wild things beside a right answer, which earns all there is."""
    cases = [
        Case(f"{name}.ipynb", answered(author, name, task, before(author, task, text)))
        for name, text in wild_answers.HARMLESS.items()
    ]
    exits = author.source.task(task).solution + "\n\nimport sys\nsys.exit(1)"
    return [*cases, Case("exits behind.ipynb", answered(author, "exits behind", task, exits))]


def file_cases(author: Author, other: Notebook) -> list[Case]:
    """Files that are no notebook of this assignment, or not the one that counts."""
    none = dict.fromkeys((check.id for check in author.source.checks), 0.0)

    def nothing(name: str, write: Callable[[Path], None], event: str) -> Case:
        return Case(name, write, none, (event,))

    def huge(path: Path) -> None:
        path.touch()
        os.truncate(path, 500_000_000)

    def text(content: str) -> Callable[[Path], None]:
        return lambda path: path.write_text(content, encoding="utf-8")

    def linked(path: Path) -> None:
        path.symlink_to("right.ipynb")

    older, newer = "twice_501_1_block.ipynb", "twice_501_2_block-1.ipynb"
    first = author.source.tasks[0].id
    spoilt = answered(author, "twice", first, author.source.task(first).released)
    return [
        nothing("not json.ipynb", text("<html>Sign in</html>"), "it is not JSON"),
        nothing("empty.ipynb", text(""), "it is not JSON"),
        nothing("deep.ipynb", text("[" * 1_000_000), "it is not JSON"),
        nothing("no notebook.ipynb", text('{"a": 1}'), "no list of cells"),
        nothing("no cells.ipynb", text('{"cells": []}'), "holds no answer cell"),
        nothing("huge.ipynb", huge, "500 MB"),
        nothing("linked.ipynb", linked, "symbolic link"),
        nothing("another.ipynb", store(other), "another assignment"),
        nothing("folder/essay.txt", text("I could not do it."), "it is not JSON"),
        Case(older, store(author.honest("twice")), counts=False),
        Case(newer, spoilt, author.lost(first), (f"counts, this one does not: {older}",)),
        Case("late_LATE_502_1_block.ipynb", store(author.honest("late")), {}, ("502_2_notes",)),
        Case("late_502_2_notes.ipynb", text('{"cells": []}'), counts=False),
        Case("same 1.ipynb", store(author.honest("shared")), {}, ("the same stated id as same 2",)),
        Case(
            "same 2.ipynb", store(author.honest("Shared ")), {}, ("the same stated id as same 1",)
        ),
    ]


def cases_of_any(author: Author, other: Notebook) -> list[Case]:
    """What does not depend on the assignment: formats, files, cells in odd places, attacks."""
    named = [Case(f"{name}.ipynb", store(author.honest(name))) for name in ODD_NAMES]
    honest = [*honest_cases(author), *mistaken_cases(author), *named]
    odd = [*format_cases(author), *file_cases(author, other), *cell_cases(author)]
    return [*honest, *odd, *attack_cases(author)]


def write(cases: list[Case], folder: Path) -> None:
    for case in cases:
        path = folder / case.file
        path.parent.mkdir(parents=True, exist_ok=True)
        case.write(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=200)
    parser.add_argument("--assignment", default="block")
    options = parser.parse_args()
    author = Author(source.FOLDER / f"{options.assignment}.ipynb")
    options.folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.copies):
        student = f"student{number:03}"
        store(author.honest(student))(options.folder / f"{student}.ipynb")


if __name__ == "__main__":
    main()
