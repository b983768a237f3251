"""What the platforms export is found; what students hand in is read, whatever it holds."""

import json
import os

import pytest

from assignments import source
from assignments.handed_in import answers, notebook, submissions
from assignments.handed_in.notebook import UnreadableError
from assignments.handed_in.submissions import SubmissionsError
from tests.support import sample_assignment as sample
from tests.support.stand_ins import lay


@pytest.fixture
def about(tmp_path):
    return source.read("sample", sample.write(tmp_path / "sources"))


def found(folder):
    return [(one.student, one.name, one.late, one.file) for one in submissions.find(folder)]


def test_canvas(tmp_path):
    lay(
        tmp_path,
        "lovelaceada_101_9001_block.ipynb",
        "noetheremmy_LATE_102_9002_block-1.ipynb",
        "noetheremmy_102_8999_block.ipynb",
        "gaußcarl_103_9004_block final (2).ipynb",
        ".DS_Store",
    )
    assert found(tmp_path) == [
        ("101", "lovelaceada", False, "lovelaceada_101_9001_block.ipynb"),
        ("102", "noetheremmy", False, "noetheremmy_102_8999_block.ipynb"),
        ("102", "noetheremmy", True, "noetheremmy_LATE_102_9002_block-1.ipynb"),
        ("103", "gaußcarl", False, "gaußcarl_103_9004_block final (2).ipynb"),
    ]


def test_moodle(tmp_path):
    lay(
        tmp_path,
        "Ada Lovelace_201_assignsubmission_file_/block.ipynb",
        "Emmy Noether_202_assignsubmission_file_/my work/block.ipynb",
        "Emmy Noether_202_assignsubmission_file_/my work/figure.png",
        "Carl Gauß_203_assignsubmission_file_block.ipynb",
        "Nobody_204_assignsubmission_file_/essay.pdf",
        "__MACOSX/._block.ipynb",
    )
    assert [(one.student, one.name) for one in submissions.find(tmp_path)] == [
        ("201", "Ada Lovelace"),
        ("202", "Emmy Noether"),
        ("203", "Carl Gauß"),
        ("204", "Nobody"),
    ]


def test_nbgrader(tmp_path):
    lay(
        tmp_path,
        "submitted/ab123/block/block.ipynb",
        "submitted/ab123/block/timestamp.txt",
        "submitted/cd456/block/block.ipynb",
        "submitted/cd456/block/.ipynb_checkpoints/block-checkpoint.ipynb",
        "source/block/block.ipynb",
    )
    expected = [
        ("ab123", "ab123", False, "submitted/ab123/block/block.ipynb"),
        ("cd456", "cd456", False, "submitted/cd456/block/block.ipynb"),
    ]
    assert found(tmp_path) == expected


def test_gradescope(tmp_path):
    export = tmp_path / "assignment_77_export"
    lay(export, "submission_1/block.ipynb", "submission_2/block.ipynb", "submission_3/block.ipynb")
    (export / "submission_metadata.yml").write_text(
        "---\nsubmission_1:\n  :submitters:\n  - :name: Ada Lovelace\n    :sid: '301'\n"
        "    :email: ada@example.org\n  :created_at: 2026-01-01 10:00:00 Z\n"
        "submission_2:\n  :submitters:\n  - :name: Emmy Noether\n    :email: emmy@example.org\n"
        "  - :name: Carl Gauß\n    :sid: '303'\n    :email: carl@example.org\n  :score: 1.0\n",
        encoding="utf-8",
    )
    assert [(one.student, one.name) for one in submissions.find(tmp_path)] == [
        ("3", "3"),
        ("301", "Ada Lovelace"),
        ("303", "Carl Gauß"),
        ("emmy@example.org", "Emmy Noether"),
    ]


@pytest.mark.parametrize(
    ("text", "student", "name"),
    [
        ("  - :name: 'O''Neil: \"Al\"'\n    :sid: 0042\n", "0042", 'O\'Neil: "Al"'),
        ("  - :name: \"<b>\\u2028\"\n    :sid: '1'\n", "1", "<b>\u2028"),
        ("  - !ruby/object:User\n    :sid: 1e3\n", "1e3", "submission_1"),
    ],
)
def test_what_gradescope_writes_is_text_and_nothing_else(tmp_path, text, student, name):
    lay(tmp_path, "submission_1/block.ipynb", "submission_2/block.ipynb")
    table = tmp_path / "submission_metadata.yml"
    table.write_text(f"submission_1:\n  :submitters:\n{text}", encoding="utf-8")
    assert (student, name) in [(one.student, one.name) for one in submissions.find(tmp_path)]


@pytest.mark.parametrize("text", ["", "[1]", "submission_1: {", "submission_1: 3", "\x07"])
def test_a_table_that_gradescope_never_wrote_is_refused(tmp_path, text):
    lay(tmp_path, "submission_1/block.ipynb")
    (tmp_path / "submission_metadata.yml").write_text(text, encoding="utf-8")
    with pytest.raises(SubmissionsError, match="is not as Gradescope writes it"):
        submissions.find(tmp_path)


def test_plain_files_and_folders_named_after_students(tmp_path):
    lay(tmp_path, "ab123.ipynb", "cd456/block.ipynb", "cd456/block-10.ipynb", "notes.txt")
    lay(tmp_path, "cd456/block-2.ipynb")
    (tmp_path / "nothing").mkdir()
    groups = submissions.by_student(submissions.find(tmp_path))
    assert list(groups) == ["ab123", "cd456", "nothing"]
    assert [one.path.name for one in groups["cd456"]] == [
        "block.ipynb",
        "block-2.ipynb",
        "block-10.ipynb",
    ]


@pytest.mark.parametrize(
    "name", ['O\'Neil, "Al"', "=cmd()", "🐍", "a\nb", "-rf", "../x".strip("./")]
)
def test_any_name_is_taken_as_it_is(tmp_path, name):
    lay(tmp_path, f"{name}.ipynb")
    assert [one.student for one in submissions.find(tmp_path)] == [name]


def test_a_folder_of_exports_is_refused_and_a_students_files_stop_nobody(tmp_path):
    lay(tmp_path, "block/ada_1_11_block.ipynb", "block/emmy_2_12_block.ipynb")
    lay(tmp_path, "network/ada_1_21_network.ipynb", "network/emmy_2_22_network.ipynb")
    with pytest.raises(submissions.SubmissionsError, match="give one of block, network"):
        submissions.find(tmp_path)
    lay(tmp_path, "carl/block.ipynb")
    assert len(submissions.find(tmp_path)) == 5


def test_a_name_whose_bytes_are_no_text_can_be_written_down(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xff.ipynb")
    with open(path, "w") as file:
        file.write("{}")
    (one,) = submissions.find(tmp_path)
    assert one.student.encode() and one.file.encode() and one.path.exists()


def test_no_link_is_followed(tmp_path):
    secret = lay(tmp_path / "secret", "others.ipynb")
    handed_in = lay(tmp_path / "in", "ab123.ipynb")
    (handed_in / "cd456.ipynb").symlink_to(secret / "others.ipynb")
    (handed_in / "ef789").symlink_to(secret)
    paths = {one.student: one.path for one in submissions.find(handed_in)}
    assert paths.keys() == {"ab123", "cd456"}
    with pytest.raises(UnreadableError, match="symbolic link"):
        notebook.content(paths["cd456"])


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_folder_without_submissions_is_refused(tmp_path, make):
    make(tmp_path / "in")
    with pytest.raises(SubmissionsError, match="in"):
        submissions.find(tmp_path / "in")


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.ipynb"
    path.touch()
    os.truncate(path, 500_000_000)
    with pytest.raises(UnreadableError, match="500 MB: at most 20 MB"):
        notebook.content(path)


def test_what_is_no_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    for name, why in (("pipe.ipynb", "ordinary file"), ("", "no notebook"), ("no", "No such")):
        with pytest.raises(UnreadableError, match=why):
            notebook.content(tmp_path / name)


@pytest.mark.parametrize(
    "data, why",
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\x80\x02cposix\nsystem\n", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no list of cells"),
        (b'"cells"', "no list of cells"),
        (b'{"cells": {}}', "no list of cells"),
        (b'{"worksheets": [7]}', "no list of cells"),
    ],
)
def test_what_is_no_notebook_is_refused(data, why):
    with pytest.raises(UnreadableError, match=why):
        notebook.parse(data)


def test_odd_shapes_are_read_as_far_as_they_go():
    cells = [
        7,
        {},
        {"cell_type": "code", "source": ["a = 1\r\n", 2, "b = 2"], "metadata": None},
        {"cell_type": ["code"], "source": {"a": 1}, "outputs": "none"},
        {"cell_type": "code", "source": "half \ud800", "metadata": {"tags": [1, "not-graded"]}},
        {"cell_type": "code", "source": "", "metadata": {"nbgrader": {"grade_id": 3}}},
    ]
    read = notebook.parse(b"\xef\xbb\xbf" + json.dumps({"cells": cells, "metadata": 3}).encode())
    assert [cell.text for cell in read.cells] == ["", "a = 1\nb = 2", "", "half ?", ""]
    assert [cell.kind for cell in read.cells] == ["", "code", "", "code", "code"]
    assert read.cells[3].tags == ("not-graded",)


def test_the_format_of_before_2015_is_read():
    cells = [{"cell_type": "code", "input": "# Setup\nSTUDENT = 'ab'", "outputs": []}]
    read = notebook.parse(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode())
    assert read.cells[0].text == "# Setup\nSTUDENT = 'ab'"
    assert any("format 3" in remark for remark in read.remarks)


def cells_of(*texts, kind="code", **metadata):
    cells = [{"cell_type": kind, "source": text, "metadata": metadata} for text in texts]
    return notebook.parse(json.dumps({"cells": cells}).encode())


@pytest.mark.parametrize(
    "text, kind, name, label",
    [
        ("# Task 9.1: a scaled input\nx = 1", "code", "", "task-9-1"),
        ("# Task 9.1: a scaled input\nx = 1", "raw", "", "task-9-1"),
        ("%%time\n\n#task 9.1 (done)\nx = 1", "code", "", "task-9-1"),
        ("## Task 9.1\nWhat to do", "markdown", "", ""),
        ("x = 1", "code", "task-9-2", "task-9-2"),
        ("# Task 9.1: a scaled input\nx = 1", "code", "task-9-2", "task-9-1"),
        ("# Task 8.1: of another\nx = 1", "code", "", ""),
        ("# Check 9.2: the layer (2 points)\n", "code", "", "test-9-2-layer"),
        ("# Check 9.2: my own", "code", "", "test"),
        ("# Run 9.3: the grid\ntrain()", "code", "", "run"),
        ("# Run it\ntrain()", "code", "", ""),
        ("# Setup\nimport torch", "code", "", "setup"),
        ("**Answer to task 9.3.**\n\nBecause.", "markdown", "", "prose-9-3"),
        ("Because.", "markdown", "prose-9-3", "prose-9-3"),
        ("x = 1", "code", "test-8-1", ""),
    ],
)
def test_a_cell_is_known_by_its_visible_line_or_its_name(about, text, kind, name, label):
    read = cells_of(text, kind=kind, nbgrader={"grade_id": name})
    assert answers.find(read, about).cells[0][1] == label


@pytest.mark.parametrize(
    "texts, ids",
    [
        (['# Setup\nSTUDENT = "ab123"  # your student id'], ["ab123"]),
        (["# Setup\nSTUDENT: str = 'o\"neil, é'"], ['o"neil, é']),
        (["# Setup\nSTUDENT = 12345"], ["12345"]),
        (["# Setup\nSTUDENT = ab123"], ["ab123"]),
        (['# Setup\nSTUDENT = ""  # your student id'], []),
        (['x = 1\nSTUDENT = "later"', '# Setup\nSTUDENT = "ab123"'], ["ab123", "later"]),
        (['# Setup\nSTUDENT = ""', 'STUDENT = "AB"', 'STUDENT = "ab"'], ["AB"]),
        (['# Setup\nprint(STUDENT == "ab")'], []),
        (["# Setup\n" + "\n" * 100_000 + " STUDENT = 'ab'"], ["ab"]),
    ],
)
def test_the_stated_id_is_read_from_the_text(about, texts, ids):
    assert answers.stated_ids(answers.find(cells_of(*texts), about)) == ids


def test_the_id_is_put_into_every_line_that_states_one():
    text = 'STUDENT = ""  # yours\nif x:\n    STUDENT = other\nassert STUDENT == "x"'
    given = answers.with_id(text, 'a"b')
    assert given.splitlines()[0] == 'STUDENT = "a\\"b"  # yours'
    assert given.count('"a\\"b"') == 2 and given.endswith('STUDENT == "x"')


def test_an_answer_in_words_goes_on_in_further_cells(about):
    read = cells_of(
        "**Answer to task 9.3.**\n\nBecause.", "And so.", "Write `scaled`.", "No.", kind="markdown"
    )
    assert answers.in_words(answers.find(read, about), about) == {
        "prose-9-3": "Because.\n\nAnd so."
    }
    read = cells_of("**Answer to task 9.3.**\n\nYOUR ANSWER HERE", kind="markdown")
    assert answers.in_words(answers.find(read, about), about) == {"prose-9-3": ""}


def printed(*lines):
    outputs = [{"output_type": "stream", "name": "stdout", "text": [line]} for line in lines]
    cell = {"cell_type": "code", "source": "# Run 9.1\ntrain()", "outputs": outputs}
    return notebook.parse(json.dumps({"cells": [cell]}).encode())


@pytest.mark.parametrize(
    "lines, told",
    [
        (['trained\nRESULTS {"a": 1}\n', 'RESULTS {"a": 2, "b": [1.5]}'], {"a": 2, "b": [1.5]}),
        (['RESULTS {"a": NaN}'], {}),
        (["RESULTS [1]", "RESULTS " + "[" * 100_000], {}),
        (['RESULTS {"a": "' + "x" * 1_000_000 + '"}'], {}),
        (['RESULTS {"a": 1', 'x RESULTS {"a": 1}'], {}),
    ],
)
def test_results_are_strict_json_of_bearable_size(about, lines, told):
    assert answers.results(answers.find(printed(*lines), about)) == told


def test_what_all_cells_are_leaves_out_tests_and_long_runs(about):
    texts = ["x = 1", "# Setup\ny = 1", "# Check 9.1: the values\nz", "# Run 9.1\ntrain()"]
    texts += ["# Task 9.1: a scaled input\na", "# Task 9.2: a layer\nb"]
    seen = answers.find(cells_of(*texts), about)
    assert answers.whole(seen, about) == [texts[0], texts[1], texts[4], texts[5]]
    assert answers.whole(seen, about, ["task-9-2"]) == [texts[0], texts[1], texts[4]]
    tagged = answers.find(cells_of("train()", tags=["not-graded"]), about)
    assert answers.whole(tagged, about) == []
