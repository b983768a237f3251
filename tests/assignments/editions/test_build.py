"""What students, instructors and nbgrader are given, and what the build refuses to give."""

import os
import re
import zipfile
from pathlib import Path

import matplotlib
import nbformat
import pytest

from assignments import source
from assignments.__main__ import main as command
from assignments.editions import build, proving
from assignments.editions import writing as editions
from tests.support import sample_assignment as sample
from tools.stamping import archive

REPOSITORY = "https://github.com/Someone/deep-book"
ONLINE = editions.Address(
    REPOSITORY, archive(REPOSITORY, "c0ffee"), "https://someone.github.io/deep-book/"
)
SECRETS = (
    "3 * x",
    "x) + 1",
    "secret",
    "observe",
    "MARK",
    "BEGIN",
    "END",
    "wrong factor",
    "names a",
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    return sample.write(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def built(sources: Path, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("built")
    build.build([source.read("sample", sources)], out, sources)
    return out


def cells(path: Path) -> dict[str, nbformat.NotebookNode]:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    found = {cell.id: cell for cell in notebook.cells}
    assert len(found) == len(notebook.cells)
    return found


def test_students_get_stubs_and_no_trace_of_what_is_hidden(built: Path) -> None:
    path = built / "student" / "sample.ipynb"
    text = path.read_text(encoding="utf-8")
    assert not [secret for secret in SECRETS if secret in text]
    given = cells(path)
    stub = "    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert given["task-9-1"].source == sample.SCALED.partition("    ###")[0] + stub
    assert given["prose-9-3"].source == "**Answer to task 9.3.**\n\nYOUR ANSWER HERE"
    assert given["test-9-1-values"].source == sample.SCALED_CHECK.partition("\n\n###")[0]
    assert given["test-9-1-values"].metadata.nbgrader.points == 3
    assert all(not cell.get("outputs") for cell in given.values())
    assert all("resnet" not in cell.metadata for cell in given.values())


def test_an_output_that_students_need_is_kept(sources: Path) -> None:
    notebook = nbformat.read(sources / "sample.ipynb", as_version=4)
    (setup,) = (cell for cell in notebook.cells if cell.id == "setup")
    setup.metadata["tags"] = [editions.KEPT]
    edition = editions.student(notebook, source.read("sample", sources))
    with_output = [cell.id for cell in edition.cells if cell.get("outputs")]
    assert with_output == ["setup"]


@pytest.mark.parametrize("name", source.names())
def test_no_line_of_a_solution_or_a_hidden_test_reaches_students(name: str) -> None:
    notebook = nbformat.read(source.FOLDER / f"{name}.ipynb", as_version=4)
    read = source.read(name)
    edition = editions.student(notebook, read)
    shown, hidden = set(map(str.strip, editions.SETUP.splitlines())), set()
    for cell in notebook.cells:
        inside = False
        for line in map(str.strip, cell.source.splitlines()):
            inside = inside or "### BEGIN" in line
            (hidden if inside else shown).add(line)
            inside = inside and "### END" not in line
    given = {line.strip() for cell in edition.cells for line in cell.source.splitlines()}
    assert hidden and not (hidden - shown) & given
    said = {mistake.sentence for mistake in read.mistakes}
    for entry in read.rubric:
        for criterion in entry["criteria"]:
            said.update(criterion["anchors"].values())
    text = "\n".join(cell.source for cell in edition.cells)
    assert said and not [sentence for sentence in said if sentence in text]


@pytest.mark.parametrize("name", source.names())
def test_what_follows_an_answer_in_words_is_released_as_it_is_written(name: str) -> None:
    """The grader takes any other text there for a part of the answer."""
    notebook = nbformat.read(source.FOLDER / f"{name}.ipynb", as_version=4)
    behind = False
    for cell in notebook.cells:
        behind = behind or source.grade_id(cell).startswith("prose-")
        if behind and cell.cell_type == "markdown":
            assert not editions.PAGE_LINK.search(cell.source)


def test_cells_that_are_graded_cannot_be_deleted_nor_checks_be_edited(built: Path) -> None:
    given = cells(built / "student" / "sample.ipynb")
    fixed = {name for name, cell in given.items() if not cell.metadata.get("deletable", True)}
    read_only = {name for name, cell in given.items() if not cell.metadata.get("editable", True)}
    checks = {"test-9-1-values", "test-9-2-layer"}
    assert fixed == checks | {"task-9-1", "task-9-2", "prose-9-3"} and read_only == checks


def test_without_a_repository_no_link_leads_anywhere(built: Path) -> None:
    text = (built / "student" / "sample.ipynb").read_text(encoding="utf-8")
    assert "http" not in text and "colab" not in text
    code = [c for c in cells(built / "student" / "sample.ipynb").values() if c.cell_type == "code"]
    assert code[0].source == editions.SETUP and "pip install ." in code[0].source


def test_links_to_pages_lead_to_the_site_or_are_plain_words(sources: Path) -> None:
    notebook = nbformat.read(sources / "sample.ipynb", as_version=4)
    notebook.cells[0].source = "See [chapter 1](01_degradation.ipynb), [it](glossary.md#term-a)."
    read = source.read("sample", sources)
    offline = editions.student(notebook, read).cells[0].source
    assert offline == "See chapter 1, it."
    online = editions.student(notebook, read, ONLINE).cells[1].source
    assert f"({ONLINE.site}chapters/01_degradation.html)" in online


def test_with_a_repository_a_notebook_installs_the_module_and_opens_in_colab(
    sources: Path, tmp_path: Path
) -> None:
    build.students(source.read("sample", sources), tmp_path, sources, ONLINE)
    given = cells(tmp_path / "sample.ipynb")
    assert ONLINE.module in given["install"].source and "-m" in given["install"].source
    colab = "https://colab.research.google.com/github/Someone/deep-book/blob/notebooks/"
    assert (
        given["colab"].source == f"[Open this notebook in Colab]({colab}assignments/sample.ipynb)"
    )
    links = re.findall(r"https?://[^\s\")]+", (tmp_path / "sample.ipynb").read_text("utf-8"))
    assert all("Someone/deep-book" in link for link in links)


def test_colab_opens_from_github_alone() -> None:
    assert editions.colab("https://gitlab.com/Someone/deep-book", "sample") == ""
    assert editions.colab("", "sample") == ""


def test_the_archive_has_the_notebook_what_to_do_and_the_licences(built: Path) -> None:
    with zipfile.ZipFile(built / "student" / "sample.zip") as packed:
        content = {name: packed.read(name) for name in packed.namelist()}
    files = ("LICENSE", "LICENSE-TEXT", "README.txt", "sample.ipynb")
    assert sorted(content) == [f"sample/{name}" for name in files]
    notebook = (built / "student" / "sample.ipynb").read_bytes()
    assert content["sample/sample.ipynb"] == notebook
    assert b"says how to install it" in content["sample/README.txt"]


def test_the_same_source_gives_the_same_bytes(built: Path, sources: Path, tmp_path: Path) -> None:
    build.build([source.read("sample", sources)], tmp_path, sources)
    files = [path.relative_to(built) for path in sorted(built.rglob("*")) if path.is_file()]
    assert len(files) == 10
    for name in files:
        assert (built / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_the_instructor_reads_solutions_mistakes_and_rubric(built: Path) -> None:
    given = cells(built / "instructor" / "sample.ipynb")
    assert given["task-9-1"].source == sample.SCALED
    assert given["test-9-2-layer"].source == sample.LAYER_CHECK
    assert "The factor is two and should be three." in given["task-9-1-note"].source
    assert "still earns 1 for test-9-1-values" in given["task-9-1-note"].source
    assert "| evidence | 4 | names a \\| figure |" in given["prose-9-3-note"].source
    assert "with the answers task-9-1" in given["test-9-2-layer-note"].source


def hidden_test(sources: Path, name: str, key: str = "") -> str:
    read = source.read("sample", sources)
    notebook = nbformat.read(sources / "sample.ipynb", as_version=4)
    edition = editions.for_nbgrader(notebook, read, key)
    (cell,) = (cell for cell in edition.cells if cell.id == name)
    return cell.source


def passes(sources: Path, scaled: str, name: str = "test-9-1-values", student: str = "ab") -> bool:
    """Whether nbgrader's hidden test accepts this body of `scaled`."""
    space: dict = {"__name__": "__main__"}
    exec(sample.SETUP.replace('""', f'"{student}"'), space)
    exec(f"def scaled(x):\n    {scaled}\n", space)
    exec(sample.LAYER, space)
    try:
        exec(hidden_test(sources, name), space)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("name", ["test-9-1-values", "test-9-2-layer"])
def test_nbgrader_compares_with_the_solution(sources: Path, name: str) -> None:
    assert passes(sources, "return 3 * x", name)
    assert passes(sources, "return x + x + x", name)
    assert not passes(sources, "return 2 * x", name)
    assert not passes(sources, "return 3.001 * x", name)


def test_nbgrader_takes_no_other_type_shape_or_object(sources: Path) -> None:
    assert not passes(sources, "return (3 * x).double().long()")
    assert not passes(sources, "return (3 * x).reshape(1, -1)[0][:2]")
    equal = "type('Equal', (), {'__eq__': lambda *_: True, 'shape': (5,)})()"
    assert not passes(sources, f"return torch.ones(2) if len(x) == 2 else {equal}")


def test_hidden_tests_for_nbgrader_differ_by_student_and_key(sources: Path) -> None:
    def drawn(student: str, key: str) -> int:
        space: dict = {"STUDENT": student}
        text = hidden_test(sources, "test-9-1-values", key)
        exec(text[text.index("def _seed") : text.index("assert _agree")], space)
        return space["_seed"]()

    assert drawn("ab", "") == drawn(" AB ", "")
    assert len({drawn("ab", ""), drawn("cd", ""), drawn("ab", "key")}) == 3


def test_solutions_pass_and_stubs_fail_their_visible_checks(sources: Path) -> None:
    read = source.read("sample", sources)
    notebook = nbformat.read(sources / "sample.ipynb", as_version=4)
    checks = {"test-9-1-values", "test-9-2-layer"}
    assert proving.outcomes(notebook, read, (), checks) == dict.fromkeys(checks, "")
    failed = proving.outcomes(notebook, read, ("task-9-1",), {"test-9-1-values"})
    assert failed == {"test-9-1-values": "NotImplementedError: "}
    assert not list(proving.problems(notebook, read))


def run(arguments: list[str], capsys) -> tuple[int, str]:
    status = command(["build", *arguments])
    return status, capsys.readouterr().err


def test_the_command_builds_everything(sources: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    status, said = run(["--out", str(tmp_path / "out"), "--sources", str(sources)], capsys)
    assert (status, said) == (0, "")
    found = {path.relative_to(tmp_path / "out").as_posix() for path in tmp_path.rglob("*.*")}
    assert {
        "student/sample.ipynb",
        "student/sample.zip",
        "instructor/oral.md",
        "instructor/sample.ipynb",
        "nbgrader/nbgrader_config.py",
        "nbgrader/source/sample/sample.ipynb",
        "concepts/canvas-before.zip",
        "concepts/moodle-after.xml",
    } <= found


PASSING_STUB = sample.SCALED_CHECK.replace("assert scaled(torch", "assert (torch")
FAILING = sample.SCALED_CHECK.replace("== (2,)", "== (3,)")
CHANGING = sample.SCALED_CHECK.replace("torch.manual_seed(seed)", "torch.seed()")
UNMARKED = sample.LAYER.replace("###", "#")


@pytest.mark.parametrize(
    ("replaced", "sentence"),
    [
        ({"SCALED_CHECK": PASSING_STUB}, "the stub of task-9-1 passes the visible check"),
        ({"SCALED_CHECK": FAILING}, "the solution fails the visible check test-9-1-values"),
        ({"SCALED_CHECK": CHANGING}, "the solution gets 0 of 3 for test-9-1-values"),
        ({"LAYER": UNMARKED}, "task-9-2 has no solution between markers"),
    ],
)
def test_what_is_not_fit_is_refused_in_a_sentence(replaced, sentence, tmp_path, capsys) -> None:
    folder = sample.write(tmp_path / "sources", **replaced)
    (tmp_path / "out").mkdir()
    status, said = run(["--out", str(tmp_path / "out"), "--sources", str(folder)], capsys)
    assert status == 1 and sentence in said and len(said.splitlines()) == 1, said
    assert not list((tmp_path / "out").iterdir())


def test_a_course_that_is_kept_in_the_folder_stays(sources: Path, tmp_path: Path) -> None:
    kept = tmp_path / "nbgrader" / "gradebook.db"
    kept.parent.mkdir()
    kept.touch()
    build.build([source.read("sample", sources)], tmp_path, sources)
    assert kept.exists()


def test_a_folder_without_an_assignment_is_refused(tmp_path: Path, capsys) -> None:
    assert run(["--sources", str(tmp_path)], capsys)[0] == 1
    assert run(["nowhere", "--sources", str(tmp_path)], capsys)[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", source.names())
def test_an_assignment_is_fit_and_trying_it_leaves_backend_and_style_as_they_were(name) -> None:
    """Left behind they would reach other notebooks, also those run in processes begun here."""
    read = source.read(name)
    notebook = nbformat.read(source.FOLDER / f"{name}.ipynb", as_version=4)
    style = {name: value for name, value in matplotlib.rcParams.items() if "backend" not in name}
    backend = os.environ.get("MPLBACKEND")
    assert not list(proving.problems(notebook, read))
    assert os.environ.get("MPLBACKEND") == backend
    assert {name: matplotlib.rcParams[name] for name in style} == style
