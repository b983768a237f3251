"""Odd and hostile answers to the course's assignments: none earns what it did not do.

And no feedback names a mistake that was not made.
"""

import copy
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from assignments import source
from assignments.grading.one import grade_one
from assignments.grading.reference import Reference
from assignments.grading.repeat import CHECKS, repeated_arm
from assignments.handed_in.submissions import Submission
from assignments.result import Result
from assignments.source import Source
from resnet.course import degradation as course
from resnet.course.degradation import ARMS, seeds
from tests.support import thieves
from tests.support.attacks import sandbox
from tests.support.submitted import Author, cell, in_one_notebook, store

__all__ = ["sandbox"]

AUTHORS = {name: Author(source.FOLDER / f"{name}.ipynb") for name in source.names()}
STUDENT = "ab123"
STUB = None  # in place of an answer's text: the cell as it was handed out
GONE = ""  # the cell was deleted
REVERSED = ('history.last("validation_error") - history.last("training_error")',
            'history.last("training_error") - history.last("validation_error")')  # fmt: skip
BEFORE = ('end["stem.1.running_var"]', 'start["stem.1.running_var"]')
DOUBLED = ('float(end["stage3.0.bn2.weight"].abs().max())', "12.5")
POPULATION = ("/ (n - 1)", "/ n")
BY_POSITION = (
    "return {seed: ones[seed] - others[seed] for seed in ones if seed in others}",
    "return {s: a - b for s, a, b in zip(ones, ones.values(), others.values())}",
)
OF_THE_STEM = ('patient.outputs["stem"][0]', 'patient.outputs["stem"][1]')
WITHOUT_STRIDE = (
    "nn.Conv2d(input_channels, num_channels, 3, stride=strides, padding=1)",
    "nn.Conv2d(input_channels, num_channels, 3, padding=1)",
)
ONE_LAYER = """
class Block(nn.Module):
    def __init__(self, input_channels, num_channels, strides=1):
        super().__init__()
        self.only = nn.Conv2d(input_channels, num_channels, 1)

    def forward(self, X):
        return {"ReLU6": F.relu6, "Hardtanh": F.hardtanh}.get(
            specification(STUDENT).last, F.relu)(X + self.only(X))
"""
PREPARED = """
def prepare(block):
    for parameter in block.only.parameters():
        nn.init.zeros_(parameter)
    return block
"""
COMES_BACK = """
def comes_back(x):
    bounds = {"ReLU6": (0, 6), "Hardtanh": (-1, 1)}
    low, high = bounds.get(specification(STUDENT).last, (0, float("inf")))
    return (x >= low) & (x <= high)
"""
MUTATED = (
    ONE_LAYER.replace("class Block", "class Mine").replace(
        "super().__init__()", "nn.Module.__init__(self)"
    )
    + "\n\nBlock.__init__, Block.forward = Mine.__init__, Mine.forward\n"
)
SHORT_CUT = """
def prepare(block):
    solved(block)
    block.forward = lambda X: X
    return block
"""
NOTHING_DRAWN = """
import resnet.course.axis as reading

reading.nearest = lambda found, value: float(value)
reading.heights = lambda axis, place: []
reading.heights_among = lambda points, place: []
reading.words = lambda axis: "\\n".join(f"arm {number}" for number in range(1_000))
reading.drawn = lambda axis: {
    "points": [], "texts": [reading.words(axis)], "vertical": "training error"
}
reading._points = lambda axis: iter(())


def draw(errors, axis):
    axis.set_ylabel("training error")
    return axis
"""
EVERY_INTERVAL = """
def draw(errors, axis):
    for place, by_seed in enumerate(errors.values()):
        values = list(by_seed.values())
        mean, low, high = t_interval(values)
        for share in range(1, 16):
            axis.vlines(place, mean - (mean - low) * share / 10, mean + (high - mean) * share / 10)
        axis.plot([place] * (len(values) + 1), [*values, mean], "o")
    axis.set_xticks(range(len(errors)), list(errors))
    axis.set_ylabel("training error")
    return axis
"""
T_INTERVAL = AUTHORS["degradation"].source.task("task-3-4").solution.partition("def t_interval")
VERDICT = AUTHORS["degradation"].source.task("task-3-5").solution.partition("\n")[2]
HIDDEN_VERDICTS = """
import resnet.course.degradation_claims as given

told, before = [], given._differences


def _differences(drawn, size, verdict):
    told.append(verdict)
    return before(drawn, size, verdict)


given._differences = _differences


def judge(claim, runs):
    return (told.pop(0) if told else NOT_DECIDED), (0.01, 0.02)
"""


def edited(name: str, task: str, *changes: tuple[str, str]) -> str:
    """The solution of a task with some of its text replaced."""
    text = AUTHORS[name].source.task(task).solution
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def headed(name: str, task: str, text: str) -> str:
    return f"{AUTHORS[name].source.task(task).line}\n{text}"


def answer(task: str, text: str) -> dict:
    """A text as the answer to a task."""
    return {task: headed({"1": "block", "2": "network", "3": "degradation"}[task[5]], task, text)}


def parts(names: str, points: float, called: str | None) -> dict:
    """What each of several parts earns, and is called."""
    return {f"test-{name}": (points, called) for name in names.split()}


SOLVED_3 = AUTHORS["block"].source.task("task-1-3").solution
SOLVED_8 = AUTHORS["degradation"].source.task("task-3-8").solution
IDENTITY = PREPARED + COMES_BACK
LEARNT = "1-3-identity 1-3-learns"
NO_BLOCK = parts("1-2-layers 1-2-stays 1-2-changes", 0, None)
CLAIMS = "3-6-claims 3-6-few"
PAIRS = "1-5-one 1-5-two 1-5-three 1-5-four 1-5-five"
# By name: answers by task, and what every part earns and is called that is not right; a word that
# is no status is the name of a mistake, None any status but right.
CASES: dict[str, tuple[dict, dict]] = {
    "one diagnosis and no others": (
        answer("task-1-5", 'DIAGNOSES = {2: ("images not normalised", "stem variance")}'),
        parts(PAIRS, 0, "wrong"),
    ),
    "no diagnosis": (answer("task-1-5", "DIAGNOSES = {}"), parts(PAIRS, 0, "wrong")),
    "diagnoses that are no pairs": (
        answer("task-1-5", "DIAGNOSES = dict.fromkeys(range(1, 6), 7)"),
        parts(PAIRS, 0, "error"),
    ),
    "another block behind a stub": (
        {"task-1-2": STUB, **answer("task-1-3", ONE_LAYER + IDENTITY)},
        NO_BLOCK | parts(LEARNT, 0, "missing"),
    ),
    "another block and none of one's own": (
        {"task-1-2": GONE, **answer("task-1-3", ONE_LAYER + IDENTITY)},
        NO_BLOCK | parts(LEARNT, 0, "missing"),
    ),
    "another block behind a right one": (
        answer("task-1-3", ONE_LAYER + IDENTITY),
        parts(LEARNT, 0, "error"),
    ),
    "a stub that a later cell fills": (
        {"task-1-2": STUB, **answer("task-1-3", MUTATED + IDENTITY)},
        NO_BLOCK | parts(LEARNT, 0, None),
    ),
    "a block of one layer": (
        {**answer("task-1-2", ONE_LAYER), **answer("task-1-3", IDENTITY)},
        NO_BLOCK | parts("1-3-identity", 0, "wrong"),
    ),
    "a forward that passes its input on": (
        {"task-1-3": SOLVED_3 + "\n\nsolved = prepare\n" + SHORT_CUT},
        parts(LEARNT, 0, "wrong"),
    ),
    "sizes that two mistakes have in common": (
        {"task-1-1": edited("block", "task-1-1", WITHOUT_STRIDE)},
        parts("1-1-changes", 0, "error"),
    ),
    "a key error in every block": (
        answer("task-1-2", "class Block(nn.Module):\n    def __init__(self, *a):\n        {}[1]"),
        parts(f"1-2-layers 1-2-stays 1-2-changes {LEARNT}", 0, "error"),
    ),
    "a known mistake": (
        {"task-1-4": edited("block", "task-1-4", REVERSED)},
        parts("1-4-curves", 0, "gap with the other sign"),
    ),
    "a known mistake beside an unknown one in another part": (
        {"task-1-4": edited("block", "task-1-4", REVERSED, DOUBLED)},
        parts("1-4-curves 1-4-weights", 0, "wrong"),
    ),
    "a known mistake beside an unknown one in the same part": (
        {"task-1-4": edited("block", "task-1-4", REVERSED, OF_THE_STEM)},
        parts("1-4-curves", 0, "wrong"),
    ),
    "two known mistakes": (
        {"task-1-4": edited("block", "task-1-4", REVERSED, BEFORE)},
        parts("1-4-curves", 0, "gap with the other sign")
        | parts("1-4-weights", 0, "statistics before training"),
    ),
    "mistakes of two tasks": (
        {
            "task-3-3": edited("degradation", "task-3-3", POPULATION),
            "task-3-4": edited("degradation", "task-3-4", BY_POSITION),
        },
        parts("3-3-spread", 1, "population instead of sample SD")
        | parts("3-4-differences", 0, "pairs by position")
        | parts("3-4-interval", 3, "population instead of sample SD")
        | parts(CLAIMS, 0, "wrong")
        | parts("3-8-intervals", 2, "population instead of sample SD"),
    ),
    "nothing drawn": (
        answer("task-3-8", NOTHING_DRAWN),
        parts("3-8-points 3-8-intervals 3-8-labels", 0, "wrong"),
    ),
    "every interval there is": (
        answer("task-3-8", EVERY_INTERVAL),
        parts("3-8-intervals", 0, "wrong"),
    ),
    "an interval that a later answer defines, and rightly": (
        {
            "task-3-4": STUB,
            "task-3-6": STUB,
            "task-3-8": f"{SOLVED_8}\n\ndef t_interval{T_INTERVAL[2]}",
        },
        parts(f"3-4-differences {CLAIMS}", 0, "missing"),
    ),
    "an interval that a later answer spoils": (
        {"task-3-8": f"{SOLVED_8}\n\ndef t_interval(values):\n    return 0.1, 0.0, 0.2\n"},
        {},
    ),
    "a verdict that a later answer defines, and wrongly": (
        {
            "task-3-5": STUB,
            "task-3-6": edited("degradation", "task-3-6")
            + "\n\ndef verdict(low, high):\n    return SUPPORTED\n",
        },
        parts("3-5-verdict", 0, None) | parts(CLAIMS, 0, "missing"),
    ),
    "a verdict that a later answer defines, and rightly": (
        {"task-3-5": STUB, "task-3-6": edited("degradation", "task-3-6") + "\n\n" + VERDICT},
        {},
    ),
    "verdicts told by the runs' maker": (
        answer("task-3-6", HIDDEN_VERDICTS),
        parts(CLAIMS, 0, "wrong"),
    ),
    "a width found in a frame": (
        answer("task-2-4", thieves.WIDTH),
        parts("2-4-search 2-4-own", 0, None),
    ),
    "a rectangle found in a frame": (
        answer("task-2-6", thieves.RECTANGLE),
        parts("2-6-influence 2-6-support", 0, None),
    ),
}
# Those that stand in one notebook: of tasks that do not meet, because a notebook takes seconds.
TOGETHER = (
    ("another block behind a stub", "one diagnosis and no others",
     "sizes that two mistakes have in common"),
    ("another block and none of one's own", "no diagnosis"),
    ("another block behind a right one", "diagnoses that are no pairs"),
    ("a stub that a later cell fills", "a known mistake"),
    ("a block of one layer", "a known mistake beside an unknown one in another part"),
    ("a forward that passes its input on",
     "a known mistake beside an unknown one in the same part"),
    ("a key error in every block", "two known mistakes"),
    ("mistakes of two tasks",),
    ("nothing drawn", "a verdict that a later answer defines, and wrongly"),
    ("every interval there is", "a verdict that a later answer defines, and rightly"),
    ("an interval that a later answer defines, and rightly",),
    ("an interval that a later answer spoils", "verdicts told by the runs' maker"),
    ("a width found in a frame", "a rectangle found in a frame"),
)  # fmt: skip


REFERENCES: dict[tuple, Reference] = {}


def reference(about: Source, student: str, key: str, results: dict | None = None) -> Reference:
    """What is right and what each mistake gives, found once for all answers with one id and key."""
    place = about.name, len(about.checks), student, key, json.dumps(results)
    return REFERENCES.setdefault(place, Reference(about, student, key, results))


@pytest.fixture
def graded(sandbox, tmp_path, monkeypatch) -> Callable[..., Result]:
    monkeypatch.setattr("assignments.grading.one.Reference", reference)

    def grade(name: str, answers: dict, key: str = "a key", held: bool = False) -> Result:
        """The result of these answers; what is held to a check of the grader's, or all else."""
        author, path = AUTHORS[name], tmp_path / f"{STUDENT}.ipynb"
        texts = {
            task.replace("-", "_"): author.source.task(task).released if text is STUB else text
            for task, text in answers.items()
        }
        notebook = author.honest(STUDENT, **texts)
        for task in (task for task, text in answers.items() if text == GONE):
            notebook["cells"].remove(cell(notebook, task))
        store(notebook)(path)
        checks = tuple(one for one in author.source.checks if bool(one.held) == held)
        handed_in = Submission(path, STUDENT, "Ada", False, path.name)
        return grade_one(handed_in, replace(author.source, checks=checks), sandbox, key)

    return grade


def differences(result: Result, expected: dict) -> list:
    """All parts in code that did not come out as they must."""
    found = []
    for part in (part for part in result.parts if part.kind == "code"):
        points, called = expected.get(part.id, (part.of, "right"))
        status = part.mistake or part.status
        if part.points != points or (status != called if called else status == "right"):
            found.append((part, points, called))
    return found


def assignment(answers: Iterable[str]) -> str:
    """The one that has these tasks."""
    (name,) = (name for name, author in AUTHORS.items()
               if set(answers) <= {task.id for task in author.source.tasks})  # fmt: skip
    return name


def test_each_case_is_tried_once() -> None:
    assert sorted(name for names in TOGETHER for name in names) == sorted(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("names", TOGETHER, ids=" and ".join)
def test_an_odd_answer_gets_what_it_deserves(graded, names: tuple[str, ...]) -> None:
    answers, expected = {}, {}
    for own_answers, own_parts in map(CASES.get, names):
        assert not answers.keys() & own_answers.keys() and not expected.keys() & own_parts.keys()
        answers, expected = answers | own_answers, expected | own_parts
    assert not differences(graded(assignment(answers), answers), expected)


# Each attack in the tasks where it could find most: a notebook takes several seconds, and all
# attacks in all tasks, which are tried where EVERY_ATTACK is set, take half an hour.
SEEN_IN = {
    "block": {"torch": ("task-1-1", "task-1-2", "task-1-4"), "the rest": ("task-1-3", "task-1-5")},
    "network": {"frames": ("task-2-2", "task-2-4", "task-2-6"), "resnet": ...},
    "degradation": {"matplotlib": ("task-3-8",), "numpy": ("task-3-3", "task-3-4"), "memory": ...},
}
HIDING = [("block", "torch"), ("network", "resnet")]
EVERY = [(name, attack) for name in AUTHORS for attack in thieves.ATTACKS]


def thefts() -> list[tuple[str, dict[str, str]]]:
    """Assignments, each with the attack on each of its tasks."""
    tasks = {name: [task.id for task in author.source.tasks] for name, author in AUTHORS.items()}
    if os.environ.get("EVERY_ATTACK"):
        return [(name, dict.fromkeys(tasks[name], attack)) for name, attack in EVERY]
    return [
        (name, dict.fromkeys(tasks[name], [*own][-1])
         | {task: attack for attack, of in own.items() if of is not ... for task in of})
        for name, own in SEEN_IN.items()
    ]  # fmt: skip


def test_each_attack_and_each_assignment_is_tried() -> None:
    tried = [set(own.values()) for _, own in thefts()]
    assert set.union(*tried) == {*thieves.ATTACKS} and {name for name, _ in thefts()} == {*AUTHORS}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "attacks"), thefts())
def test_no_attack_earns_a_point_in_any_part(graded, name: str, attacks: dict[str, str]) -> None:
    answers = {
        task.id: headed(name, task.id, thieves.thieving(task, thieves.ATTACKS[attacks[task.id]]))
        for task in AUTHORS[name].source.tasks
    }
    parts = [part for part in graded(name, answers).parts if part.kind == "code"]
    assert parts and not [part for part in parts if part.points]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "attack"), EVERY if os.environ.get("EVERY_ATTACK") else HIDING)
def test_no_attack_hides_a_mistake(graded, name: str, attack: str) -> None:
    about, answers = AUTHORS[name].source, {}
    for mistake in in_one_notebook(AUTHORS[name])[0]:
        text = about.task(mistake.task).solution.replace(mistake.old, mistake.new)
        answers[mistake.task] = f"{text}\n\n{thieves.ATTACKS[attack]}"
    parts = {part.id: part for part in graded(name, answers).parts}
    for task in answers:
        own = [parts[check.id] for check in about.checks if check.task == task and not check.held]
        assert any(part.points < part.of for part in own), task


# Results of long runs that nobody made


def made_up(results: dict, change: Callable[[dict, int], dict]) -> dict:
    """The results with every run changed."""
    made = copy.deepcopy(dict(results))
    made["runs"] = [run | change(run, number) for number, run in enumerate(made["runs"])]
    return made


def flat(run: dict, number: int) -> dict:
    middle = round(course.band(run["arm"]).mean * 1500) / 1500
    return {"training_loss": [1.0] * 6, "training_error": [middle] * 6}


def level(run: dict, number: int) -> dict:
    middle = round(course.band(run["arm"]).mean * 1500) / 1500
    return {"training_loss": [1 + number / 100 + e / 1e4 for e in range(6)],
            "training_error": [middle] * 6}  # fmt: skip


def alike(run: dict, number: int) -> dict:
    return {"training_loss": [2 - e / 10 for e in range(6)]}


def borrowed(run: dict, number: int) -> dict:
    own = [one for one in course.stored("band") if one.arm == run["arm"]][number % 3].result
    images = {"training_error": 1500, "validation_error": 1000}
    whole = {name: [round(x * n) / n for x in own[name]] for name, n in images.items()}
    return {"training_loss": own["training_loss"], **whole}


def too_high(run: dict, number: int) -> dict:
    return {"training_loss": [3 + number / 1000 - e / 10 for e in range(6)]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (flat, "are equal to the last digit"),
        (alike, "are equal to the last digit"),
        (level, "does not change from epoch to epoch"),
        (borrowed, "comes with the package"),
    ],
)
def test_results_without_variation_and_those_of_others_are_refused(change, says: str) -> None:
    results = made_up(AUTHORS["degradation"].source.results, change)
    for name in ("band", "repeat"):
        passed, sentence = CHECKS[name](results, STUDENT)
        assert not passed and says in sentence


def test_losses_are_held_to_the_band_as_well() -> None:
    results = made_up(AUTHORS["degradation"].source.results, too_high)
    passed, sentence = CHECKS["band"](results, STUDENT)
    assert not passed and "outside the band" in sentence


def test_nobody_knows_before_which_arm_is_repeated() -> None:
    chosen = [repeated_arm(STUDENT, str(key)) for key in range(200)]
    assert {arm: 70 < chosen.count(arm) < 130 for arm in course.REPEATED} == {
        "plain-8": True, "residual-8": True
    }  # fmt: skip
    assert repeated_arm(" AB123 ", "key") == repeated_arm(STUDENT, "key")
    assert set(course.REPEATED) < set(ARMS)


@pytest.mark.slow
@pytest.mark.parametrize("arm", course.REPEATED)
def test_first_epochs_of_one_arm_do_not_stand_for_the_others(graded, monkeypatch, arm) -> None:
    """The runs of the arm that was not made are another seed's, as somebody would make them up."""
    key = next(str(n) for n in range(99) if repeated_arm(STUDENT, str(n)) == arm)
    author = AUTHORS["degradation"]
    results = copy.deepcopy(dict(author.source.results))
    runs = {run["seed"]: run for run in results["runs"] if run["arm"] == arm}
    assert CHECKS["band"](results, STUDENT)[0]
    assert not differences(graded("degradation", {}, key, held=True), {})
    one, two, three = seeds(STUDENT)
    runs[one]["seed"], runs[two]["seed"], runs[three]["seed"] = two, three, one
    printed = {"output_type": "stream", "name": "stdout",
               "text": ["RESULTS " + json.dumps(results) + "\n"]}  # fmt: skip
    monkeypatch.setattr(author, "outputs", dict.fromkeys(author.outputs, [printed]))
    found = graded("degradation", {}, key, held=True)
    assert not differences(found, {"test-3-2-repeat": (0, "wrong")})
