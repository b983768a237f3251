"""Every chapter runs alone, without network, under strict nbval; and the checks can fail."""

import base64
import io
import re
import socket
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbformat import v4
from PIL import Image, ImageChops

from resnet.plots import use_book_style
from tests.support.programs import need_sandbox
from tools.altered_digits import with_one_digit_altered
from tools.execute import execute, lighter, normalised
from tools.notebooks import chapters, chosen, strict, without_network


@pytest.mark.slow
@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_chapter_repeats_what_it_stores(path: Path) -> None:
    """Once, and in the same run every compared digit is altered and caught."""
    said = strict(path)
    altered, cells = re.search(r"(\d+) altered digits in (\d+) cells", said).groups()
    assert int(cells) >= 4 and int(altered) >= 20


@pytest.mark.slow
def test_no_network_where_notebooks_run(tmp_path: Path) -> None:
    """A server on this machine that any child reaches is out of reach there."""
    sandbox = need_sandbox(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        reach = f"import socket; socket.create_connection({server.getsockname()!r}, timeout=5)"
        call = [sys.executable, "-c", reach]
        assert subprocess.run(call, stderr=subprocess.DEVNULL).returncode == 0
        cut = subprocess.run([*sandbox, *call], capture_output=True, text=True)
        assert cut.returncode != 0 and "ConnectionRefusedError" in cut.stderr


def test_a_forbidden_sandbox_is_none(tmp_path: Path, monkeypatch) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho Permission denied >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert without_network(tmp_path) == []


@pytest.mark.slow
def test_notebooks_can_write_to_their_folder_alone(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir(), other.mkdir()
    sandbox = need_sandbox(mine)
    for folder, works in ((mine, True), (other, False)):
        write = [sys.executable, "-c", f"open({str(folder / 'file')!r}, 'w')"]
        done = subprocess.run([*sandbox, *write], stderr=subprocess.DEVNULL)
        assert (done.returncode == 0) is works


def notebook(*sources: str) -> nbformat.NotebookNode:
    kernel = {"name": "python3", "display_name": "Python 3"}
    cells = [v4.new_code_cell(source) for source in sources]
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.mark.slow
def test_a_figure_is_stored_for_the_page_too_and_the_same_each_time(tmp_path: Path) -> None:
    style = "from resnet.plots import use_book_style\nuse_book_style()\nprint(7)"
    draw = "import matplotlib.pyplot as plt\nplt.figure(figsize=(4, 3)).subplots()\nplt.show()"
    one, other = (normalised(execute(notebook(style, draw))) for _ in range(2))
    (shown,) = one.cells[1].outputs
    assert set(shown.data) == {"image/png", "image/svg+xml", "text/plain"}
    assert shown.data["image/svg+xml"].startswith("<svg") and "metadata" not in str(shown.data)
    assert other.cells[1].outputs == [shown]
    nbformat.write(one, tmp_path / "drawn.ipynb")
    assert "in 2 cells, each caught" in strict(tmp_path / "drawn.ipynb")


@pytest.mark.slow
def test_a_wrong_stored_digit_fails(tmp_path: Path) -> None:
    alone = "import os\nprint(set(os.listdir()) - {'small.ipynb'})"
    made = normalised(execute(notebook("print(41 + 1)", alone)))
    path = tmp_path / "small.ipynb"
    nbformat.write(made, path)
    assert "2 altered digits in 1 cells, each caught" in strict(path)
    made.cells[0].outputs[0].text = "43\n"
    nbformat.write(made, path)
    with pytest.raises(AssertionError, match="42"):
        strict(path)


def test_every_digit_of_every_text_is_altered() -> None:
    data = {"text/plain": "x", "text/html": "<b>17</b>", "image/png": "99"}
    outputs = [
        v4.new_output("stream", text="4 of 5"),
        v4.new_output("execute_result", data=data),
    ]
    wrong = list(with_one_digit_altered(outputs))
    assert [one[0]["text"] for one in wrong] == ["5 of 5", "4 of 6", "4 of 5", "4 of 5"]
    assert [one[1]["data"]["text/html"] for one in wrong[2:]] == ["<b>27</b>", "<b>18</b>"]
    assert {one[1]["data"]["image/png"] for one in wrong} == {"99"}


def test_normalised_notebooks_hold_nothing_that_changes() -> None:
    made = notebook("1")
    made.metadata["widgets"] = {"state": 1}
    made.cells[0].metadata["execution"] = {"iopub.status.busy": "2026"}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "random"}}
    made.cells[0].outputs = [v4.new_output("display_data", data=view)]
    clean = normalised(made)
    assert "widgets" not in clean.metadata
    assert clean.cells[0].outputs == [] and clean.cells[0].metadata == {}


def test_pictures_are_stored_light_and_look_the_same() -> None:
    use_book_style()
    figure, axis = plt.subplots()
    for k in range(12):
        axis.fill_between(range(20), [k + x * x / 99 for x in range(20)], alpha=0.2)
    drawn = io.BytesIO()
    figure.savefig(drawn)
    plt.close(figure)
    before = base64.b64encode(drawn.getvalue()).decode()
    after = lighter(before)
    assert len(after) < 0.6 * len(before) and lighter(after) == after
    images = [Image.open(io.BytesIO(base64.b64decode(each))) for each in (before, after)]
    apart = ImageChops.difference(*(image.convert("RGB") for image in images))
    assert max(high for _, high in apart.getextrema()) <= 10, "of 255"
    assert images[1].convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_chapters_are_chosen_by_a_part_of_their_name() -> None:
    assert [path.stem for path in chosen(["03"])] == ["03_resnet"]
    assert chosen([]) == chapters() != []
    with pytest.raises(ValueError, match="no chapter is called 99"):
        chosen(["99"])
