"""`assignments.source`: what it reads from a notebook and its table, and what it refuses."""

import json
import subprocess
import sys

import pytest

from assignments import source
from assignments.source import SourceError
from tests.support import sample_assignment as sample


@pytest.fixture
def read(tmp_path):
    return lambda **replaced: source.read("sample", sample.write(tmp_path, **replaced))


def test_a_source_is_read_with_all_that_is_graded(read):
    seen = read()
    assert (seen.name, seen.title, seen.points, seen.version) == ("sample", "A sample", 9, 1)
    assert seen.order == (
        "task-9-1", "test-9-1-values", "task-9-2", "test-9-2-layer", "prose-9-3"
    )  # fmt: skip
    check = seen.checks[1]
    assert (check.task, check.needs, check.points) == ("task-9-2", ("task-9-1",), 2)
    assert (check.title, check.seconds) == ("Check 9.2: the layer", source.SECONDS)
    assert seen.prose[0].title == "Answer to task 9.3"
    assert seen.mistakes[0].points == {"test-9-1-values": 1}


def test_solution_stub_and_hidden_test_are_told_apart(read):
    seen = read()
    task, check = seen.tasks[0], seen.checks[0]
    assert task.line == "# Task 9.1: a scaled input"
    assert task.solution.endswith('    """The input (N,) times the factor."""\n    return 3 * x')
    assert task.released.endswith("    # YOUR CODE HERE\n    raise NotImplementedError()")
    assert "observe" not in check.visible and check.visible.startswith("# Check 9.1")
    assert check.observe.startswith("def observe(seed: int)") and "###" not in check.observe


def replaced_mistake(old, new):
    return {"TABLE": sample.TABLE.replace(old, new)}


@pytest.mark.parametrize(
    "replaced, sentence",
    [
        ({"SCALED_CHECK": "# Check 9.1: none"}, "test-9-1-values has no `observe`"),
        ({"LAYER": sample.LAYER.replace("### ", "# ")}, "task-9-2 has no solution"),
        ({"LAYER": sample.LAYER.removesuffix("### END SOLUTION")}, "BEGIN SOLUTION` has no end"),
        ({"LAYER": "### END SOLUTION\n" + sample.LAYER}, "END SOLUTION` stands alone"),
        ({"LAYER": sample.SCALED}, "two cells begin with the line '# Task 9.1: a scaled input'"),
        ({"SETUP": "# Setup"}, "no line that begins with STUDENT ="),
        (replaced_mistake('"3 * x"', '"4 * x"'), "'the wrong factor': its old text must occur"),
        (replaced_mistake('"3 * x"', '"x"'), "'the wrong factor': its old text must occur once"),
        (replaced_mistake('"task-9-1"\nname', '"task-9-7"\nname'), "names a task or a part"),
        (replaced_mistake('"test-9-1-values" = 1', '"test-9" = 1'), "names a task or a part"),
        ({"TABLE": "[[mistake]]\nnonsense = 1"}, "unexpected keyword argument"),
        ({"TABLE": "[[mistake"}, "sample.ipynb: "),
    ],
)
def test_a_badly_written_source_is_refused_with_its_place(read, replaced, sentence):
    with pytest.raises(SourceError) as caught:
        read(**replaced)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("sample.ipynb: ")


def change(folder, edit):
    path = folder / "sample.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    edit(notebook)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def metadata(notebook, name):
    cells = (cell["metadata"] for cell in notebook["cells"] if source.grade_id(cell) == name)
    return next(cells)


@pytest.mark.parametrize(
    "edit, sentence",
    [
        (lambda n: n["metadata"]["resnet_assignment"].update(points=10), "9 points, its metadata"),
        (lambda n: metadata(n, "test-9-2-layer")["resnet"].update(needs=["task-9"]), "'task-9'"),
        (lambda n: metadata(n, "test-9-2-layer").pop("resnet"), "names no task"),
        (lambda n: metadata(n, "task-9-2")["nbgrader"].update(grade_id="task-9-1"), "two cells"),
        (lambda n: n["metadata"].pop("resnet_assignment"), "resnet_assignment"),
    ],
)
def test_metadata_that_do_not_fit_together_are_refused(tmp_path, edit, sentence):
    change(sample.write(tmp_path), edit)
    with pytest.raises(SourceError, match=sentence):
        source.read("sample", tmp_path)


def test_an_assignment_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match="cannot read .*nothing.ipynb"):
        source.read("nothing", tmp_path)


def test_results_are_read_from_the_stored_outputs(tmp_path):
    def tell(notebook):
        lines = ["trained\n", 'RESULTS {"a": 1}\n', 'RESULTS {"b": 2}\n']
        notebook["cells"][1]["outputs"] = [{"output_type": "stream", "text": lines}]

    change(sample.write(tmp_path), tell)
    assert source.read("sample", tmp_path).results == {"a": 1, "b": 2}


@pytest.mark.parametrize("name", source.names())
def test_each_assignment_of_the_course_is_well_written(name):
    seen = source.read(name)
    assert (seen.name, seen.points) == (name, 40 if name == "degradation" else 30)
    rubric = {table["question"]: table["points"] for table in seen.rubric}
    assert rubric == {part.id: part.points for part in seen.prose}
    for table in seen.rubric:
        assert sum(criterion["points"] for criterion in table["criteria"]) == table["points"]
        for criterion in table["criteria"]:
            assert {str(mark) for mark in range(criterion["points"] + 1)} <= {*criterion["anchors"]}
    for mistake in seen.mistakes:
        own = {check.id: check.points for check in seen.checks if check.task == mistake.task}
        left = {part: points for part, points in mistake.points.items() if part in own}
        assert all(0 < points <= own[part] for part, points in left.items()), mistake.name
        assert sum(left.values()) < sum(own.values()), mistake.name


def test_what_only_reads_needs_no_torch():
    code = (
        "import sys; from assignments import source, result; from assignments.grading import "
        "kept_grades; from assignments.handed_in import submissions, notebook, answers; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
