"""The chapters beside busy programs: what is run, beside what, and what is made of the seconds."""

import os
import subprocess
import sys

import pytest

from benchmarks import busy

SMALL = """
from dataclasses import replace
from resnet import budgets, results
budgets.CPU = replace(budgets.CPU, training_images=64, validation_images=64,
                      depth_epochs=1, further_epochs=1)
results.within_band = lambda name, value, *rest: name
"""


@pytest.mark.parametrize("count", [0, 2])
def test_neighbours_are_busy_and_end(count):
    with busy.busy(count) as processes:
        assert len(processes) == count
        assert all(process.poll() is None for process in processes)
    assert all(process.poll() is not None for process in processes)


def test_neighbours_end_where_the_chapter_fails():
    with pytest.raises(ValueError), busy.busy(1) as processes:
        raise ValueError
    assert processes[0].poll() is not None


def test_the_chapter_starts_as_a_readers_own(monkeypatch, tmp_path):
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    seen = []

    def run(words, *, env, **_):
        seen.append(env)
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr(busy.subprocess, "run", run)
    busy.live_part("01_degradation", "", "now", str(tmp_path))
    assert "OMP_WAIT_POLICY" not in seen[0] and "OMP_NUM_THREADS" not in seen[0]
    assert seen[0]["RESNET_BUDGET"] == "cpu"


@pytest.mark.slow
@pytest.mark.parametrize(("how", "threads"), [("now", "1 thread"), ("before", "3 threads")])
def test_both_ways_differ_in_the_threads(how, threads, tmp_path):
    """Of a chapter with one training, on a machine on which torch takes three threads."""
    show = "import torch; torch.set_num_threads(3)\n"
    show += "import tools.cells, resnet.training\n"
    show += "from tests.support.tiny import network, image_set\n"
    show += "torch.set_num_threads(3)\n"
    show += "history = resnet.training.fit(network(), image_set(), epochs=1, device='cpu',"
    show += " precision='float32', progress=False)\n"
    show += "print(history.provenance['device']); sys.exit()\n"
    call = [sys.executable, "-c", busy.CHILD, "no chapter", how, show]
    environment = {**os.environ, "PYTHONPATH": str(busy.ROOT)}
    done = subprocess.run(call, env=environment, capture_output=True, text=True)
    assert done.stdout.strip().endswith(threads), done.stderr


def test_all_is_stored_in_turn(monkeypatch):
    order = []
    monkeypatch.setattr(busy, "live_part", lambda *words: order.append(words[:3]))
    monkeypatch.setattr(busy, "origin", dict)
    found = busy.run(rounds=2)
    assert set(found["seconds"]) == set(busy.CHAPTERS)
    for seconds in found["seconds"].values():
        assert {name: len(times) for name, times in seconds.items()} == dict.fromkeys(
            [*busy.NEIGHBOURS, busy.BEFORE], 2
        )
    assert len(order) == 2 * 4 * 3 and {how for _, _, how in order} == {"now", "before"}


@pytest.mark.slow
@pytest.mark.parametrize("chapter", busy.CHAPTERS)
def test_the_live_part_runs_without_jupyter(chapter, tmp_path):
    busy.live_part(chapter, SMALL, "now", str(tmp_path))
