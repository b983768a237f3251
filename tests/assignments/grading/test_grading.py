"""The grader gives each submission of the fixture exactly what it deserves, and survives them."""

import functools
import hashlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import pytest

from assignments import grade as batch
from assignments import source
from assignments.__main__ import main
from assignments.grading.one import grade_one
from assignments.grading.reference import Outcome, Reference, modules
from assignments.handed_in.submissions import Submission
from assignments.result import Result
from assignments.sandbox.kinds import Bare, NoSandboxError, PartSeen, choose
from tests.support import sample_assignment as sample
from tests.support import submitted
from tests.support.direct import Direct
from tests.support.programs import missing
from tests.support.stand_ins import OTHER, WITHOUT_TORCH
from tests.support.submitted import STUDENT, Author, answered, cell, code, store

ROOT = Path(__file__).parents[3]
ALONE = ["--workers", "1"]  # each loads torch, which takes seconds


@pytest.fixture(scope="session")
def sandboxed():
    """Skips where no sandbox works, as on a server before its AppArmor profile is loaded."""
    try:
        return choose()
    except NoSandboxError as error:
        missing(str(error).splitlines()[0])


def grade(folder, out, path, *options, **settings):
    call = [sys.executable, "-m", "assignments", "grade", str(folder), "--out", str(out)]
    call += ["--assignment", str(path), *options]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, **settings)


def stored(out):
    """The stored results by file."""
    results = [Result.from_json(json.dumps(json.loads(path.read_text("utf-8"))["result"]))
               for path in (out / "results").glob("*.json")]  # fmt: skip
    return {result.file: result for result in results}


def digests(*folders):
    files = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files if path.is_file() and path.stat().st_size < 10**8}  # fmt: skip


def hurried(path):
    """An assignment whose parts have three seconds, so that endless ones end soon."""
    notebook = json.loads(path.read_text("utf-8"))
    for one in notebook["cells"]:
        if "resnet" in one["metadata"]:
            one["metadata"]["resnet"]["seconds"] = 3
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return Author(path)


def of_the_course(folder):
    """One submission of each kind to assignment 1."""
    folder.mkdir()
    for ending in ("ipynb", "toml"):
        shutil.copy(source.FOLDER / f"block.{ending}", folder)
    author = hurried(folder / "block.ipynb")
    return [*submitted.honest_cases(author)[:3], *submitted.mistaken_cases(author)[:3]]


def of_any(folder):
    """All there is, on an assignment without torch, so that each child starts at once."""
    path = sample.write(folder, **WITHOUT_TORCH) / "sample.ipynb"
    return submitted.cases_of_any(hurried(path), OTHER)


def events_of(log, file):
    """The lines of the log that stand below the one of this file."""
    _, _, rest = log.partition(f"({file}): ")
    lines = rest.splitlines()[1:]
    ends = [number for number, line in enumerate(lines) if not line.startswith("    ")]
    return "\n".join(lines[: ends[0]] if ends else lines)


@pytest.mark.slow
@pytest.mark.parametrize("make, fewest", [(of_the_course, 6), (of_any, 80)])
def test_each_submission_gets_exactly_what_it_deserves_and_twice_the_same(
    tmp_path, sandboxed, make, fewest
):
    """Every third is graded a second time, as if its result had been lost."""
    folder, out = tmp_path / "in", tmp_path / "out"
    cases = make(tmp_path / "source")
    (path,) = (tmp_path / "source").glob("*.ipynb")
    assert len({case.file for case in cases}) == len(cases) >= fewest
    submitted.write(cases, folder)
    before = digests(folder, tmp_path / "source")
    done = grade(folder, out, path)
    assert done.returncode == 0, done.stdout + done.stderr
    first, log = stored(out), (out / "log.txt").read_text("utf-8")
    wrong = [line for case in cases for line in differences(case, first, log, path)]
    assert not wrong, "\n".join(wrong)
    for result in sorted((out / "results").glob("*.json"))[::3]:
        if not json.loads(result.read_text("utf-8"))["result"]["timed_out"]:  # these take seconds
            result.unlink()
    assert grade(folder, out, path).returncode == 0
    assert {file: plain(result) for file, result in stored(out).items()} == {
        file: plain(result) for file, result in first.items()
    }
    assert digests(folder, tmp_path / "source") == before


@pytest.mark.slow
def test_each_known_mistake_earns_what_the_table_says(tmp_path, monkeypatch):
    """And without a task all others earn everything. For one id, what is right is found once."""
    author = Author(source.FOLDER / "block.ipynb")
    found = functools.cache(lambda student: Reference(author.source, student, "a key"))
    monkeypatch.setattr(
        "assignments.grading.one.Reference", lambda _, student, *key: found(student)
    )
    cases = [*submitted.honest_cases(author), *submitted.mistaken_cases(author)]
    made = [name.removeprefix("mistake: ") for case in cases for name in case.status.values()]
    assert {mistake.name for mistake in author.source.mistakes} <= {*made}
    submitted.write(cases, tmp_path)
    graded = {}
    for case in cases:
        handed_in = Submission(tmp_path / case.file, STUDENT, "Ada", False, case.file)
        graded[case.file] = grade_one(handed_in, author.source, Direct(), "a key")
    wrong = [line for case in cases for line in differences(case, graded, "", author.path)]
    assert not wrong, "\n".join(wrong)


def plain(result):
    """What must not change from one time to the next; which limit is met first may."""
    parts = [(part.id, part.points, part.mistake) for part in result.parts]
    return result.student, result.stated_id, result.late, parts


def differences(case, results, log, path):
    """A line for everything in which a case did not come out as it must."""
    if not case.counts:
        if case.file in results:
            yield f"{case.file}: counted"
        return
    if case.file not in results:
        yield f"{case.file}: not graded"
        return
    about, result = source.read(path), results[case.file]
    parts = {part.id: part for part in result.parts if part.kind == "code"}
    for check in about.checks:
        expected, part = case.points.get(check.id, check.points), parts[check.id]
        called = f"mistake: {part.mistake}" if part.mistake else part.status
        status = case.status.get(check.id, called)
        if (part.points, called) != (expected, status):
            yield f"{case.file}: {check.id}: {part}, expected {expected} {status}"
    for event in case.events:
        if event not in events_of(log, case.file):
            yield f"{case.file}: no event {event!r}, only {events_of(log, case.file)!r}"


@dataclass(frozen=True)
class Saying:
    """Says the same of every part."""

    status: str
    value: object = None
    name: str = "saying"

    def run(self, job, limits):
        return [PartSeen(part["id"], self.status, self.value, (), 1) for part in job["parts"]]


@pytest.fixture
def author(tmp_path):
    return Author(sample.write(tmp_path / "source", **WITHOUT_TORCH) / "sample.ipynb")


@pytest.fixture
def graded(author, tmp_path):
    """Grades a notebook of the sample."""

    def grade(notebook, sandbox=None, about=None):
        path = tmp_path / "ab123.ipynb"
        store(notebook)(path)
        one = Submission(path, "ab123", "Ada", False, path.name)
        return grade_one(one, about or author.source, sandbox or Direct(), "a key")

    return grade


def parts_of(result):
    return {part.id: part for part in result.parts}


SCALED = "# Task 9.1: a scaled input\n"


@pytest.mark.parametrize(
    "text, points, status, message",
    [
        ("def scaled(x):\n    return 3 * x", 3, "right", ""),
        ("scaled = lambda x: x + x + x", 3, "right", ""),
        (
            "def scaled(x):\n    return 2 * x",
            1,
            "mistake",
            "The factor is two and should be three.",
        ),
        ("def scaled(x):\n    return 4 * x", 0, "wrong", "Your code ran, and what it gives is not"),
        ("def scaled(x):\n    return 3 * y", 0, "error", "NameError: name 'y' is not defined"),
        ("def scaled(x)\n    return 3 * x", 0, "error", "SyntaxError: expected ':'"),
        (
            "def scaled(x):\n    raise NotImplementedError()",
            0,
            "missing",
            "Not attempted: the cell",
        ),
        ("", 0, "error", "NameError: name 'scaled'"),
    ],
)
def test_a_part_earns_its_points_and_says_why(author, graded, text, points, status, message):
    part = parts_of(graded(author.honest("ab123", task_9_1=SCALED + text)))["test-9-1-values"]
    assert (part.points, part.of, part.status) == (points, 3, status)
    assert message in part.message
    assert part.mistake == ("the wrong factor" if status == "mistake" else "")


LOOKS_ALIKE = """
[[mistake]]
task = "task-9-2"
name = "two thirds"
sentence = "The layer takes two thirds of the scaled input."
old = "scaled(x) + 1"
new = "scaled(x) * 2 / 3 + 1"
"""


@pytest.mark.parametrize(
    "task, name", [("task-9-1", "the wrong factor"), ("task-9-2", "two thirds")]
)
def test_of_two_mistakes_that_look_alike_in_a_part_the_one_that_explains_more_is_told(
    tmp_path, graded, task, name
):
    rows = "\n[[rubric]]"
    table = sample.TABLE.replace(rows, LOOKS_ALIKE + rows)
    other = Author(sample.write(tmp_path / "alike", **WITHOUT_TORCH, TABLE=table) / "sample.ipynb")
    mistake = next(one for one in other.source.mistakes if one.name == name)
    text = other.source.task(task).solution.replace(mistake.old, mistake.new)
    result = graded(other.honest("ab123", **{task.replace("-", "_"): text}), about=other.source)
    assert parts_of(result)["test-9-2-layer"].mistake == name
    assert parts_of(result)["test-9-1-values"].mistake == (name if task == "task-9-1" else "")


def test_a_part_that_needs_another_says_which(author, graded):
    stub = author.source.task("task-9-1").released
    part = parts_of(graded(author.honest("ab123", task_9_1=stub)))["test-9-2-layer"]
    assert (part.points, part.status) == (0, "missing")
    assert part.message.startswith("This part needs another. Not attempted: the cell '# Task 9.1")
    notebook = author.honest("ab123")
    notebook["cells"].remove(cell(notebook, "task-9-1"))
    part = parts_of(graded(notebook))["test-9-1-values"]
    assert part.message == "No cell begins with '# Task 9.1: a scaled input'."


@pytest.mark.parametrize(
    "status, called, word",
    [
        ("time", "time", "stopped after 10 s"),
        ("memory", "memory", "more memory"),
        ("died", "died", "ended the process"),
        ("output", "error", "too large"),
    ],
)
def test_a_part_that_was_stopped_says_so(author, graded, status, called, word):
    result = graded(author.honest("ab123"), Saying(status))
    assert {(part.points, part.status) for part in result.parts if part.kind == "code"} == {
        (0, called)
    }
    assert all(word in part.message for part in result.parts if part.kind == "code")
    assert result.timed_out == (status == "time")
    assert sum("test-9-1-values: " in event for event in result.events) == 1


@pytest.mark.parametrize("value", [None, True, {"other": "Same"}, {"dict": 3}, {"array": []}, []])
def test_what_a_child_makes_up_earns_nothing(author, graded, value):
    result = graded(author.honest("ab123"), Saying("ok", value))
    assert {part.status for part in result.parts if part.kind == "code"} == {"wrong"}


def test_answers_in_words_wait_for_a_marker(author, graded):
    assert parts_of(graded(author.honest("ab123")))["prose-9-3"].status == "to mark"
    assert parts_of(graded(author.untouched("ab123")))["prose-9-3"].status == "missing"
    assert [part.id for part in graded(author.untouched("ab123")).parts] == [
        "test-9-1-values", "test-9-2-layer", "prose-9-3"
    ]  # fmt: skip


def test_each_student_course_and_part_has_other_random_numbers(author):
    checks = author.source.checks
    seeds = {
        Reference(author.source, student, key).seed(check)
        for student in ("ab123", "cd456")
        for key in ("one", "two")
        for check in checks
    }
    assert len(seeds) == 8 and all(0 <= seed < 2**31 for seed in seeds)
    same = (Reference(author.source, name, "one").seed(checks[0]) for name in ("ab123", " AB123 "))
    assert len(set(same)) == 1


def test_errors_are_alike_in_kind_and_numbers():
    one = Outcome(error="RuntimeError: The size of a (4) must match b (6) at x")
    assert one.same(Outcome(error="RuntimeError: The size of ours (6) must match theirs (4) at y"))
    assert not one.same(Outcome(error="RuntimeError: The size of a (4) must match b (5) at x"))
    assert not one.same(Outcome(error="ValueError: The size of a (4) must match b (6) at x"))
    assert not one.same(Outcome(None)) and not Outcome(None).same(one)


@pytest.mark.parametrize(
    "answer, points, status, message",
    [
        ((True, "It holds."), 3, "right", ""),
        ((False, "It does not."), 0, "wrong", "It does not."),
        (ValueError, 0, "wrong", "missing or incomplete"),
        (None, 0, "missing", "no line of results"),
    ],
)
def test_stored_results_are_held_to_a_check_of_the_graders(
    author, graded, monkeypatch, answer, points, status, message
):
    def check(results, student):
        assert (results, student) == ({"a": 1}, "ab123")
        if answer is ValueError:
            raise ValueError("nonsense")
        return answer

    monkeypatch.setattr("assignments.grading.judging.CHECKS", {"a check": check})
    first, *rest = author.source.checks
    about = replace(author.source, checks=(replace(first, held="a check"), *rest))
    notebook = author.honest("ab123")
    if answer is not None:
        printed = {"output_type": "stream", "name": "stdout", "text": ['RESULTS {"a": 1}\n']}
        notebook["cells"].append(code("# Run 9.1") | {"outputs": [printed]})
    part = parts_of(graded(notebook, about=about))["test-9-1-values"]
    assert (part.points, part.status) == (points, status) and message in part.message


# The batch


@pytest.fixture
def handed_in(author, tmp_path):
    """A folder with six honest submissions."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        store(author.honest(f"s{number}"))(folder / f"s{number}.ipynb")
    return folder


def times(out):
    return {path.name: path.stat().st_mtime_ns for path in (out / "results").glob("*.json")}


@pytest.mark.slow
def test_only_what_changed_is_graded_again(author, handed_in, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(batch, "choose", lambda **_: Direct())
    out, toml = tmp_path / "out", author.path.with_suffix(".toml")
    call = ["grade", str(handed_in), "--out", str(out), "--assignment", str(author.path)]
    call += ALONE

    def graded(*options):
        assert main([*call, *options]) == 0
        return int(re.search(r"(\d+) graded", capsys.readouterr().out)[1])

    assert graded() == 6
    first = times(out)
    assert graded() == 0 and times(out) == first
    write = answered(author, "s3", "task-9-1", author.source.task("task-9-1").released)
    write(handed_in / "s3.ipynb")
    (handed_in / "s4.ipynb").unlink()
    (out / "results" / "s5.json").write_text("{half", encoding="utf-8")
    assert graded() == 2
    assert {name for name, when in times(out).items() if when != first[name]} == {
        "s3.json", "s5.json"
    }  # fmt: skip
    table = (out / "grades.csv").read_text("utf-8")
    assert "s3" in table and "s4" not in table
    assert graded("--key", "another") == 5
    toml.write_text(toml.read_text("utf-8") + "\n", encoding="utf-8")
    assert graded("--key", "another") == 0
    other = toml.read_text("utf-8").replace('"test-9-1-values" = 1', '"test-9-1-values" = 2')
    toml.write_text(other, encoding="utf-8")
    assert graded("--key", "another") == 5


def children(process):
    """The processes below one, by number."""
    found, waiting = [], [process]
    while waiting:
        path = Path(f"/proc/{waiting.pop()}")
        for task in path.glob("task/*/children"):
            own = [int(number) for number in task.read_text().split()]
            found, waiting = found + own, waiting + own
    return found


@pytest.mark.slow
@pytest.mark.parametrize("how, status", [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_stopped_grader_leaves_nothing_and_goes_on_where_it_stopped(
    author, handed_in, tmp_path, sandboxed, how, status
):
    out = tmp_path / "out"
    call = [sys.executable, "-m", "assignments", "grade", str(handed_in), "--out", str(out)]
    call += ["--assignment", str(author.path), *ALONE]
    # Whatever starts the tests may have had it ignored, as shells do in the background.
    heeded = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    with subprocess.Popen(
        call, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=heeded
    ) as running:
        while len(list((out / "results").glob("*.json"))) < 2 and running.poll() is None:
            time.sleep(0.02)
        below = children(running.pid)
        running.send_signal(how)
        said = running.communicate()[1]
    assert below and running.returncode == status
    assert (how == signal.SIGKILL) or "Stopped: the same command goes on." in said
    assert "Traceback" not in said
    assert gone(below), "a worker outlives the grader"
    first = times(out)
    done = grade(handed_in, out, author.path, *ALONE)
    assert f"{6 - len(first)} graded" in done.stdout and 2 <= len(first) < 6
    assert len(stored(out)) == 6
    assert all(times(out)[name] == when for name, when in first.items())


def gone(processes):
    """Whether they all end within ten seconds."""
    for _ in range(200):
        if not any(Path(f"/proc/{number}").exists() for number in processes):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_a_failing_grader_is_no_fault_of_the_students(author, handed_in, tmp_path, sandboxed):
    broken = author.path.read_text("utf-8").replace("return 3 * x", "return 3 * z")
    author.path.write_text(broken, encoding="utf-8")
    toml = author.path.with_suffix(".toml")
    toml.write_text(toml.read_text("utf-8").replace("* x", "* z"), encoding="utf-8")
    done = grade(handed_in, tmp_path / "out", author.path, *ALONE)
    assert done.returncode == 1 and not times(tmp_path / "out")
    assert "not graded: s0.ipynb: SolutionError: the solution of test-9-1-values" in done.stderr
    assert "grade it again" in (tmp_path / "out" / "log.txt").read_text("utf-8")


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["nowhere", "--out", "out"], "there is no folder nowhere"),
        (["in", "--out", "out", "--assignment", "chess"], "there is no assignment 'chess'"),
        (["in", "--out", "out", "--assignment", "no.ipynb"], "cannot read no.ipynb"),
        (["in", "--out", "out"], "no submission is of an assignment: name it"),
        (["in", "--out", "in/s0.ipynb"], "no submission is of an assignment: name it"),
        (["in", "--out", "out", "--longest", "0"], "--longest takes minutes, more than 0"),
        (["in", "--out", "out", "--longest", "nan"], "--longest takes minutes, more than 0"),
    ],
)
def test_a_wrong_call_gets_a_sentence(handed_in, monkeypatch, capsys, options, sentence):
    monkeypatch.chdir(handed_in.parent)
    assert main(["grade", *options]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("name", source.names())
def test_the_assignment_is_the_one_most_handed_in(handed_in, name):
    author = Author(source.FOLDER / f"{name}.ipynb")
    store(author.untouched("s7"))(handed_in / "s7.ipynb")
    found = batch.submissions.find(handed_in)
    assert batch.assignment(None, found) == author.path
    assert batch.assignment(name, found) == author.path


def test_an_assignment_that_nobody_handed_in_is_refused(handed_in):
    author = Author(source.FOLDER / "block.ipynb")
    store(author.untouched("s7"))(handed_in / "s7.ipynb")
    with pytest.raises(source.SourceError, match="no submission is of the assignment 'network'"):
        batch.assignment("network", batch.submissions.find(handed_in))


def test_the_key_is_drawn_once_a_folder(tmp_path):
    key = batch.course_key(None, tmp_path)
    assert batch.course_key(None, tmp_path) == key and len(key) == 32
    assert batch.course_key("given", tmp_path) == "given"


def test_the_log_has_a_line_a_sentence_whatever_a_name_holds(author):
    result = Result("a\nb", "", "x\r\ny.ipynb", "sample", "", False, (), ("one\ntwo\x1b[31m",))
    assert batch.log([result]).splitlines() == [
        "a b (x y.ipynb): 0 of 0 points for code",
        "    one two [31m",
    ]


# The assignments of the course


@pytest.mark.slow
@pytest.mark.parametrize("student", [STUDENT, "Zoë, 1", "random"])
@pytest.mark.parametrize("name", source.names())
def test_each_known_mistake_shows_and_no_two_look_alike(name, student):
    student += f" {random.randrange(10**9)}" if student == "random" else ""
    about = source.read(name)
    reference = Reference(about, student, "a key", about.results)
    for task in about.tasks:
        checks = [check for check in about.checks if check.task == task.id and not check.held]
        seen = {"right": [reference.right(check) for check in checks]}
        for check in checks:
            for mistake, outcome in reference.mistaken(check):
                if mistake.task == task.id:
                    seen.setdefault(mistake.name, []).append(outcome)
        for (one, ours), (two, theirs) in combinations(seen.items(), 2):
            alike = all(a.same(b) for a, b in zip(ours, theirs, strict=True))
            assert not alike, f"{student}, {task.id}: {one!r} looks like {two!r}"


@pytest.mark.slow
@pytest.mark.parametrize("name", source.names())
def test_a_solution_gets_everything_and_the_stub_nothing(name, tmp_path):
    author = Author(source.FOLDER / f"{name}.ipynb")
    student = author.source.results.get("student", "ab123")
    path = tmp_path / "ab123.ipynb"
    for notebook, full in ((author.honest(student), True), (author.untouched(student), False)):
        store(notebook)(path)
        result = grade_one(Submission(path, "a", "a", False, "a"), author.source, Bare(), "a key")
        for part in result.parts:
            assert part.kind == "prose" or part.points == (part.of if full else 0), part
            assert full or part.status == "missing", part


def test_a_child_imports_once_what_the_assignment_needs(tmp_path):
    assert modules(source.read("sample", sample.write(tmp_path))) == ["torch", "torch.nn"]
