"""The recipes of chapter 7: each is understood, and the one for two nodes joins two starters.

Neither GPUs nor a second machine are there: two starters on this one stand for two nodes.
"""

import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from torch.distributed.run import get_args_parser

from resnet.__main__ import parser
from resnet.results import History
from tools.patience import patient

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "chapters" / "07_scaling.ipynb"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
SMALL = {
    "--network family --depth 50 --zero-scale": "--network series --depth 8",
    "--data imagenet": "--data embedded --device cpu",
    "--epochs 90 --batch-size 2048": "--epochs 1 --batch-size 512",
    "--nproc-per-node 8": "--nproc-per-node 1",
}


def recipes() -> list[str]:
    """One GPU, one node, two nodes: each command in one line."""
    cells = nbformat.read(CHAPTER, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    blocks = re.findall(r"```bash\n(.*?)\n```", prose, re.DOTALL)
    return [block.replace("\\\n", " ") for block in blocks]


def test_each_recipe_is_understood_and_keeps_the_rule() -> None:
    processes = []
    for recipe in recipes():
        words = shlex.split(recipe)
        count = 1
        if words[0] == "torchrun":
            start = get_args_parser().parse_args(words[1:])
            assert start.module and start.training_script == "resnet"
            count = int(start.nnodes.split(":")[0]) * int(start.nproc_per_node)
            options = parser().parse_args(start.training_script_args)
        else:
            assert words[:3] == ["python", "-m", "resnet"]
            options = parser().parse_args(words[3:])
        processes.append(count)
        assert options.batch_size / count / options.accumulation == 128
        assert options.learning_rate == pytest.approx(0.1 * options.batch_size / 256)
        assert (options.schedule, options.warm_up, options.epochs) == ("steps", 5, 90)
    assert processes == [1, 8, 16]


@pytest.mark.slow
def test_two_starters_join_as_the_recipe_for_two_nodes_says(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    recipe = recipes()[2].replace("node0:29500", f"127.0.0.1:{port}")
    for large, small in SMALL.items():
        assert large in recipe
        recipe = recipe.replace(large, small)
    call = TORCHRUN + shlex.split(recipe)[1:]
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    nodes = [
        subprocess.Popen(call, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [node.communicate(timeout=patient(500))[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    history = History.load(tmp_path / "runs" / "resnet50" / "history.json")
    assert history.settings["processes"] == 2 and len(history.epochs) == 1
