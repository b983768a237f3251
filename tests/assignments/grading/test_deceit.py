"""Odd and hostile answers to the course's assignments: none earns what it did not do.

And no feedback names a mistake that was not made.
"""

import copy
import json
import os
from collections.abc import Callable

import pytest

from assignments import source
from assignments.grading.one import grade_one
from assignments.grading.repeat import CHECKS, repeated_arm
from assignments.handed_in.submissions import Submission
from assignments.result import Result
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


def in_block(task: str, text: str) -> dict:
    return {task: headed("block", task, text)}


def in_degradation(task: str, text: str) -> dict:
    return {task: headed("degradation", task, text)}


def in_network(task: str, text: str) -> dict:
    return {task: headed("network", task, text)}


SOLVED_3 = AUTHORS["block"].source.task("task-1-3").solution
IDENTITY = PREPARED + COMES_BACK
LOST = {"test-1-3-identity": (0, "missing"), "test-1-3-learns": (0, "missing")}
WRONG = {"test-1-3-identity": (0, "wrong"), "test-1-3-learns": (0, "wrong")}
NO_BLOCK = {f"test-1-2-{part}": (0, None) for part in ("layers", "stays", "changes")}
FIGURE = {f"test-3-8-{part}": (0, "wrong") for part in ("points", "intervals", "labels")}
# By name: the assignment, answers by task, and what every part earns and is called that is not
# right; a word that is no status is the name of a mistake, None any status but right.
CASES: dict[str, tuple[str, dict, dict]] = {
    "one diagnosis and no others": (
        "block",
        in_block("task-1-5", 'DIAGNOSES = {2: ("images not normalised", "stem variance")}'),
        {f"test-1-5-{n}": (0, "wrong") for n in ("one", "two", "three", "four", "five")},
    ),
    "no diagnosis": (
        "block",
        in_block("task-1-5", "DIAGNOSES = {}"),
        {f"test-1-5-{n}": (0, "wrong") for n in ("one", "two", "three", "four", "five")},
    ),
    "diagnoses that are no pairs": (
        "block",
        in_block("task-1-5", "DIAGNOSES = dict.fromkeys(range(1, 6), 7)"),
        {f"test-1-5-{n}": (0, "error") for n in ("one", "two", "three", "four", "five")},
    ),
    "another block behind a stub": (
        "block",
        {"task-1-2": STUB, **in_block("task-1-3", ONE_LAYER + IDENTITY)},
        NO_BLOCK | LOST,
    ),
    "another block and none of one's own": (
        "block",
        {"task-1-2": GONE, **in_block("task-1-3", ONE_LAYER + IDENTITY)},
        NO_BLOCK | LOST,
    ),
    "another block behind a right one": (
        "block",
        in_block("task-1-3", ONE_LAYER + IDENTITY),
        {"test-1-3-identity": (0, "error"), "test-1-3-learns": (0, "error")},
    ),
    "a stub that a later cell fills": (
        "block",
        {"task-1-2": STUB, **in_block("task-1-3", MUTATED + IDENTITY)},
        NO_BLOCK | {name: (0, None) for name in LOST},
    ),
    "a block of one layer": (
        "block",
        {**in_block("task-1-2", ONE_LAYER), **in_block("task-1-3", IDENTITY)},
        NO_BLOCK | {"test-1-3-identity": (0, "wrong")},
    ),
    "a forward that passes its input on": (
        "block",
        {"task-1-3": SOLVED_3 + "\n\nsolved = prepare\n" + SHORT_CUT},
        WRONG,
    ),
    "sizes that two mistakes have in common": (
        "block",
        {"task-1-1": edited("block", "task-1-1", WITHOUT_STRIDE)},
        {"test-1-1-changes": (0, "error")},
    ),
    "a key error in every block": (
        "block",
        in_block("task-1-2", "class Block(nn.Module):\n    def __init__(self, *a):\n        {}[1]"),
        {f"test-1-2-{part}": (0, "error") for part in ("layers", "stays", "changes")}
        | {name: (0, "error") for name in LOST},
    ),
    "a known mistake": (
        "block",
        {"task-1-4": edited("block", "task-1-4", REVERSED)},
        {"test-1-4-curves": (0, "gap with the other sign")},
    ),
    "a known mistake beside an unknown one in another part": (
        "block",
        {"task-1-4": edited("block", "task-1-4", REVERSED, DOUBLED)},
        {"test-1-4-curves": (0, "wrong"), "test-1-4-weights": (0, "wrong")},
    ),
    "a known mistake beside an unknown one in the same part": (
        "block",
        {"task-1-4": edited("block", "task-1-4", REVERSED, (
            'patient.outputs["stem"][0]', 'patient.outputs["stem"][1]'))},
        {"test-1-4-curves": (0, "wrong")},
    ),
    "two known mistakes": (
        "block",
        {"task-1-4": edited("block", "task-1-4", REVERSED, BEFORE)},
        {
            "test-1-4-curves": (0, "gap with the other sign"),
            "test-1-4-weights": (0, "statistics before training"),
        },
    ),
    "mistakes of two tasks": (
        "degradation",
        {
            "task-3-3": edited("degradation", "task-3-3", POPULATION),
            "task-3-4": edited("degradation", "task-3-4", BY_POSITION),
        },
        {
            "test-3-3-spread": (1, "population instead of sample SD"),
            "test-3-4-differences": (0, "pairs by position"),
            "test-3-4-interval": (3, "population instead of sample SD"),
            "test-3-6-claims": (0, "wrong"),
            "test-3-6-few": (0, "wrong"),
            "test-3-8-intervals": (2, "population instead of sample SD"),
        },
    ),
    "nothing drawn": ("degradation", in_degradation("task-3-8", NOTHING_DRAWN), {
        **FIGURE}),
    "every interval there is": (
        "degradation",
        in_degradation("task-3-8", EVERY_INTERVAL),
        {"test-3-8-intervals": (0, "wrong")},
    ),
    "an interval that a later answer defines, and rightly": (
        "degradation",
        {
            "task-3-4": STUB,
            "task-3-6": STUB,
            "task-3-8": edited("degradation", "task-3-8")
            + "\n\ndef t_interval" + T_INTERVAL[2],
        },
        {
            "test-3-4-differences": (0, "missing"),
            "test-3-6-claims": (0, "missing"),
            "test-3-6-few": (0, "missing"),
        },
    ),
    "an interval that a later answer spoils": (
        "degradation",
        {"task-3-8": edited("degradation", "task-3-8")
         + "\n\ndef t_interval(values):\n    return 0.1, 0.0, 0.2\n"},
        {},
    ),
    "a verdict that a later answer defines, and wrongly": (
        "degradation",
        {
            "task-3-5": STUB,
            "task-3-6": edited("degradation", "task-3-6")
            + "\n\ndef verdict(low, high):\n    return SUPPORTED\n",
        },
        {
            "test-3-5-verdict": (0, None),
            "test-3-6-claims": (0, "missing"),
            "test-3-6-few": (0, "missing"),
        },
    ),
    "a verdict that a later answer defines, and rightly": (
        "degradation",
        {"task-3-5": STUB, "task-3-6": edited("degradation", "task-3-6") + "\n\n" + VERDICT},
        {},
    ),
    "verdicts told by the runs' maker": (
        "degradation",
        in_degradation("task-3-6", HIDDEN_VERDICTS),
        {"test-3-6-claims": (0, "wrong"), "test-3-6-few": (0, "wrong")},
    ),
    "a width found in a frame": (
        "network",
        in_network("task-2-4", thieves.WIDTH),
        {"test-2-4-search": (0, None), "test-2-4-own": (0, None)},
    ),
    "a rectangle found in a frame": (
        "network",
        in_network("task-2-6", thieves.RECTANGLE),
        {"test-2-6-influence": (0, None), "test-2-6-support": (0, None)},
    ),
}  # fmt: skip


@pytest.fixture
def graded(sandbox, tmp_path) -> Callable[..., Result]:
    def grade(name: str, answers: dict, key: str = "a key") -> Result:
        author, path = AUTHORS[name], tmp_path / f"{STUDENT}.ipynb"
        texts = {
            task.replace("-", "_"): author.source.task(task).released if text is STUB else text
            for task, text in answers.items()
        }
        notebook = author.honest(STUDENT, **texts)
        for task in (task for task, text in answers.items() if text == GONE):
            notebook["cells"].remove(cell(notebook, task))
        store(notebook)(path)
        handed_in = Submission(path, STUDENT, "Ada", False, path.name)
        return grade_one(handed_in, author.source, sandbox, key)

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


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_an_odd_answer_gets_what_it_deserves(graded, name: str) -> None:
    assignment, answers, expected = CASES[name]
    assert not differences(graded(assignment, answers), expected)


# Each attack where it could find most. A notebook takes half a minute of a core, so that all pairs,
# which are tried where EVERY_ATTACK is set, take as long as all other tests together.
EARNING = {
    "frames": "network",
    "memory": "degradation",
    "torch": "block",
    "numpy": "degradation",
    "matplotlib": "degradation",
    "resnet": "network",
    "the rest": "block",
}
HIDING = {"torch": "block", "resnet": "network"}


def pairs(usual: dict[str, str]) -> list[tuple[str, str]]:
    """Assignment and attack."""
    everything = [(name, attack) for name in AUTHORS for attack in thieves.ATTACKS]
    chosen = [(name, attack) for attack, name in usual.items()]
    assert set(chosen) <= set(everything)
    return everything if os.environ.get("EVERY_ATTACK") else chosen


def test_each_attack_and_each_assignment_is_tried() -> None:
    assert set(EARNING) == set(thieves.ATTACKS) and set(EARNING.values()) == set(AUTHORS)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "attack"), pairs(EARNING))
def test_no_attack_earns_a_point_in_any_part(graded, name: str, attack: str) -> None:
    answers = {
        task.id: headed(name, task.id, thieves.thieving(task, thieves.ATTACKS[attack]))
        for task in AUTHORS[name].source.tasks
    }
    held = {check.id for check in AUTHORS[name].source.checks if check.held}
    earned = [part for part in graded(name, answers).parts
              if part.kind == "code" and part.id not in held and part.points]  # fmt: skip
    assert not earned


@pytest.mark.slow
@pytest.mark.parametrize(("name", "attack"), pairs(HIDING))
def test_no_attack_hides_a_mistake(graded, name: str, attack: str) -> None:
    about = AUTHORS[name].source
    for mistakes in in_one_notebook(AUTHORS[name])[:2]:
        answers = {}
        for mistake in mistakes:
            text = about.task(mistake.task).solution.replace(mistake.old, mistake.new)
            answers[mistake.task] = f"{text}\n\n{thieves.ATTACKS[attack]}"
        parts = {part.id: part for part in graded(name, answers).parts}
        for task in answers:
            own = [parts[check.id] for check in about.checks if check.task == task]
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


@pytest.mark.parametrize("arm", course.REPEATED)
def test_first_epochs_of_one_arm_do_not_stand_for_the_others(graded, arm: str) -> None:
    """The runs of the arm that was not made are another seed's, as somebody would make them up."""
    key = next(str(n) for n in range(99) if repeated_arm(STUDENT, str(n)) == arm)
    results = json.loads(json.dumps(dict(AUTHORS["degradation"].source.results)))
    runs = {run["seed"]: run for run in results["runs"] if run["arm"] == arm}
    assert CHECKS["band"](results, STUDENT)[0]
    author = AUTHORS["degradation"]
    parts = {part.id: part for part in graded("degradation", {}, key).parts}
    assert parts["test-3-2-repeat"].points == 3
    one, two, three = seeds(STUDENT)
    runs[one]["seed"], runs[two]["seed"], runs[three]["seed"] = two, three, one
    printed = {"output_type": "stream", "name": "stdout",
               "text": ["RESULTS " + json.dumps(results) + "\n"]}  # fmt: skip
    before, place = author.outputs, next(name for name, own in author.outputs.items() if own)
    author.outputs = before | dict.fromkeys(before, [printed]) if place else before
    try:
        parts = {part.id: part for part in graded("degradation", {}, key).parts}
    finally:
        author.outputs = before
    assert (parts["test-3-2-band"].points, parts["test-3-2-repeat"].points) == (2, 0)
