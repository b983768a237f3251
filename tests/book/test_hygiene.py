"""The rules for notebooks hold for every chapter, and each rule catches what breaks it."""

import base64
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from tools import hygiene
from tools.notebooks import chapters

PIXEL = base64.b64encode(b"not really a picture").decode()


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_chapter_keeps_the_rules(path: Path) -> None:
    assert hygiene.problems(path) == []


def code(
    source: str = "print(1)", outputs: list | None = None, **metadata
) -> nbformat.NotebookNode:
    printed = [v4.new_output("stream", name="stdout", text="1\n")]
    return v4.new_code_cell(
        source,
        outputs=printed if outputs is None else outputs,
        metadata=metadata,
        execution_count=1,
    )


def figure(*others: str, **mystnb) -> nbformat.NotebookNode:
    """A figure as PNG and as SVG, and as what else is named."""
    described = {"image": {"alt": "a line"}, "figure": {"caption": "A line.", "name": "fig-line"}}
    data = dict.fromkeys(("image/png", "image/svg+xml", *others), PIXEL)
    output = v4.new_output("display_data", data={**data, "text/plain": "<Figure>"})
    return folded("plt.show()", [output], mystnb={**described, **mystnb})


def unlike(kind: str) -> nbformat.NotebookNode:
    """A figure without one of its two forms."""
    cell = figure()
    del cell.outputs[0].data[kind]
    return cell


def opening(**mystnb) -> nbformat.NotebookNode:
    cell = figure(figure={}, **mystnb)
    cell.metadata.tags.append("opening")
    return cell


def folded(
    source: str = "x", outputs: list | None = None, tag: str = "hide-input", **metadata
) -> nbformat.NotebookNode:
    """Code that is folded on the page, in Colab and in JupyterLab."""
    ways = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": [tag]}
    return code(f"#@title Draw\n{source}", outputs, **{**ways, **metadata})


def without(cell: nbformat.NotebookNode, way: str) -> nbformat.NotebookNode:
    del cell.metadata[way]
    return cell


def written(folder: Path, *cells: nbformat.NotebookNode, **metadata) -> Path:
    """A notebook that keeps all rules but for `cells` and `metadata`."""
    sound = [
        v4.new_markdown_cell("# Title\n\n[Figure 1.1](#fig-line)\n\n$$ x \\tag{1.1} $$"),
        folded(outputs=[], tag="set-up"),
        v4.new_markdown_cell("## Section"),
        *(code() for _ in range(4)),
    ]
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = v4.new_notebook(cells=[*sound, *cells], metadata={"kernelspec": kernel, **metadata})
    nbformat.write(notebook, folder / "01_example.ipynb")
    return folder / "01_example.ipynb"


def test_sound_notebook_has_no_problems(tmp_path: Path) -> None:
    assert hygiene.problems(written(tmp_path, figure())) == []


BROKEN = {
    "more than 14 lines": code("x = 1\n" * 15),
    "more than 26 lines": folded("x = 1\n" * 26),
    "open code with more than 88": code(f"x = {'1' * 85}"),
    "code that draws is not folded": code("runs = stored_runs('depth')"),
    "no more, is set-up": folded(tag="set-up"),
    "folded by its tag and its title and source_hidden alone": without(folded(), "cellView"),
    "folded by its tag and its title and cellView alone": without(folded(), "jupyter"),
    "folded by its title and cellView and source_hidden alone": without(folded(), "tags"),
    "folded by its tag alone": code(tags=["hide-input"]),
    "a path of the machine": code("open('/home/somebody/data')"),
    "say models.resnet": code("from resnet.models import (\n    Plain, resnet,\n)"),
    "never executed": v4.new_code_cell("x = 1"),
    "a stored error": code(outputs=[v4.new_output("error", ename="E", evalue="", traceback=[])]),
    "stderr": code(outputs=[v4.new_output("stream", name="stderr", text="warning")]),
    "not as PNG": figure("image/jpeg"),
    "as PNG alone": unlike("image/svg+xml"),
    "or SVG alone": unlike("image/png"),
    "what stands before the first section": opening(),
    "a stored widget": figure("application/vnd.jupyter.widget-view+json"),
    "no reason is given": code(tags=["nbval-ignore-output"]),
    "never run by nbval": code(tags=["nbval-skip"]),
    "a solution has": folded(tag="hide-cell"),
    "a directive": v4.new_markdown_cell("```{note}\nhello\n```"),
    "a role": v4.new_markdown_cell("see {ref}`fig-line`"),
    "a formula in a summary": v4.new_markdown_cell("<details>\n<summary>in $F$</summary>"),
    "a footnote": v4.new_markdown_cell("so it is[^1]"),
    "a label": v4.new_markdown_cell("(here)=\n"),
    "an empty link": v4.new_markdown_cell("[](#fig-line)"),
    "an image file": v4.new_markdown_cell("![picture](image.png)"),
    "without alt text": figure(image={"alt": ""}),
    "without caption or name": figure(figure={"caption": "A line."}),
    "no text refers to": figure(figure={"caption": "A line.", "name": "fig-other"}),
    "a directive shows": v4.new_markdown_cell("````{note}\n```\nx\n```\n````"),
    "a label shows": v4.new_markdown_cell("$$\nx\n$$ (eq-x)"),
    "the cells tagged parameters hold []": code("within_band('01.x', x)"),
    "the cells tagged parameters hold ['seed = 1']": code("seed = 1", tags=["parameters"]),
    "equations are numbered": v4.new_markdown_cell("$$ x \\tag{1.3} $$"),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_each_rule_catches_what_breaks_it(problem: str, tmp_path: Path) -> None:
    found = hygiene.problems(written(tmp_path, BROKEN[problem]))
    assert any(problem in line for line in found), found


def test_what_may_be_longer_or_wider(tmp_path: Path) -> None:
    whole = code("class A:\n" + "    x = 1\n" * 25)
    wide = folded(f"x = {'1' * 99}\n" + "x = 1\n" * 15)
    later = written(tmp_path, code("x = 1\n" * 18), whole, wide).rename(tmp_path / "04_later.ipynb")
    assert [line for line in hygiene.problems(later) if "equations" not in line] == []
    found = hygiene.problems(written(tmp_path, code("class A:\n" + "    x = 1\n" * 25 + "x = 1")))
    assert any("more than 14 lines" in line for line in found)


def test_code_before_the_first_section_is_set_up(tmp_path: Path) -> None:
    path = written(tmp_path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata.tags = ["hide-input"]
    nbformat.write(notebook, path)
    assert any("no more, is set-up" in line for line in hygiene.problems(path))


def test_an_opening_picture_stands_first_and_has_alt_text_alone(tmp_path: Path) -> None:
    for cell, missing in ((opening(), False), (opening(image={"alt": ""}), True)):
        path = written(tmp_path, figure())
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.insert(2, cell)
        nbformat.write(notebook, path)
        found = hygiene.problems(path)
        assert any("without alt text" in line for line in found) == missing == bool(found)


def test_two_figures_of_one_name(tmp_path: Path) -> None:
    found = hygiene.problems(written(tmp_path, figure(), figure()))
    assert any("two figures are called fig-line" in line for line in found)


def test_too_few_compared_cells(tmp_path: Path) -> None:
    path = written(tmp_path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = notebook.cells[:5]
    nbformat.write(notebook, path)
    assert any("only 2 cells" in line for line in hygiene.problems(path))


def test_metadata_that_changes(tmp_path: Path) -> None:
    path = written(tmp_path, language_info={"name": "python", "version": "3.11.7"})
    assert any("changes from run to run" in line for line in hygiene.problems(path))


def test_other_kernel(tmp_path: Path) -> None:
    path = written(tmp_path, kernelspec={"name": "my-env", "display_name": "Mine"})
    assert any("the kernel is not python3" in line for line in hygiene.problems(path))


def test_figures_are_no_compared_output(tmp_path: Path) -> None:
    path = written(tmp_path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3:] = [figure() for _ in range(4)]
    nbformat.write(notebook, path)
    assert any("only 0 cells" in line for line in hygiene.problems(path))


def test_large_file(tmp_path: Path) -> None:
    path = written(tmp_path, code("x", [v4.new_output("stream", text="1" * 2_100_000)]))
    assert any("too large" in line for line in hygiene.problems(path))


def test_cells_that_are_not_compared_are_listed_with_their_reason(tmp_path: Path) -> None:
    cell = code(tags=["nbval-ignore-output"], nbval={"reason": "names the machine"})
    assert hygiene.ignored(written(tmp_path, cell)) == [
        "01_example.ipynb, cell 7: names the machine"
    ]
