"""Grids from end to end: stopped and taken up again, damaged, filled by two at a time."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from filelock import FileLock

from resnet import __main__ as command
from resnet import runs
from resnet.experiments import collecting, grids, measures, settings
from resnet.experiments.grids import STORED_GRIDS
from resnet.experiments.settings import Setting
from tests.support.tiny import small_parts

SMALL = [Setting(8, "plain", seed, 0.05, epochs=1, training_images=70) for seed in (0, 1, 2)]


@pytest.fixture
def few_images(monkeypatch):
    small_parts(monkeypatch)


def grid(settings=SMALL, measure=measures.curves):
    return collecting.Grid("small", "Is it so?", list(settings), measure)


def results(path):
    return [(run.setting, run.result) for run in runs.read(path)]


def half(setting):
    return {"error": 0.5}


def explodes(setting):
    if setting.seed == 1:
        raise ArithmeticError("seed 1")
    return {"error": 0.5}


@pytest.mark.usefixtures("few_images")
def test_a_grid_fills_its_file_and_does_nothing_twice(tmp_path, monkeypatch):
    path = tmp_path / "small.json"
    held = collecting.collect(grid(), path, progress=False)
    assert runs.read(path) == sorted(held, key=lambda run: run.setting["seed"])
    first = held[0]
    assert len(first.result["training_error"]) == 1 and first.seconds > 0
    assert {"versions", "processor", "device", "instructions", "commit"} <= set(first.origin)
    monkeypatch.setattr(measures, "trained", None)
    assert len(collecting.collect(grid(), path, progress=False)) == 3


def test_runs_that_are_taken_up_are_counted_and_those_of_other_code_named(tmp_path, monkeypatch):
    path, said = tmp_path / "small.json", []
    monkeypatch.setattr(collecting, "_commit", lambda: "abc")
    held = collecting.collect(grid(SMALL[:2], half), path, progress=False, say=said.append)
    assert said == []
    collecting.collect(grid(measure=half), path, progress=False, say=said.append)
    dates = sorted(run.date for run in held)
    assert said == [f"{path} has 2 runs, from {dates[0]} to {dates[1]}"]
    monkeypatch.setattr(collecting, "_commit", lambda: "def")
    collecting.collect(grid(measure=half), path, progress=False, say=said.append)
    assert said[1].endswith("; 3 by other code or versions: abc")


def test_the_commit_is_marked_where_the_code_differs_and_not_the_results(tmp_path, monkeypatch):
    def git(*words):
        call = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", tmp_path, *words]
        return subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip()

    monkeypatch.setattr(
        collecting, "__file__", str(tmp_path / "resnet" / "experiments" / "collecting.py")
    )
    assert collecting._commit() is None, "outside of a checkout"
    results = tmp_path / "resnet" / "assets" / "results"
    results.mkdir(parents=True)
    for file in (results / "grid.json", tmp_path / "resnet" / "models.py"):
        file.write_text("before")
    git("init"), git("add", "."), git("commit", "-m", "one")
    head = git("rev-parse", "--short=12", "HEAD")
    (results / "grid.json").write_text("after")
    assert collecting._commit() == head
    (tmp_path / "resnet" / "models.py").write_text("after")
    assert collecting._commit() == f"{head}-dirty"


def test_what_ended_before_an_error_is_kept(tmp_path):
    path = tmp_path / "small.json"
    with pytest.raises(ArithmeticError, match="seed 1"):
        collecting.collect(grid(measure=explodes), path, progress=False)
    assert [setting["seed"] for setting, _ in results(path)] == [0]


def test_after_the_minutes_nothing_more_is_begun(tmp_path):
    path = tmp_path / "small.json"
    assert len(collecting.collect(grid(measure=half), path, minutes=0, progress=False)) == 1
    assert len(collecting.collect(grid(measure=half), path, progress=False)) == 3


def test_a_damaged_file_is_named_and_kept_aside(tmp_path):
    path, said = tmp_path / "small.json", []
    path.write_text("{")
    held = collecting.collect(grid(measure=half), path, progress=False, say=said.append)
    assert len(held) == 3 and len(said) == 1
    assert "small.json does not hold" in said[0] and "small.json.damaged-1" in said[0]
    assert (tmp_path / "small.json.damaged-1").read_text() == "{"


def test_a_file_of_another_grid_is_refused_and_runs_from_before_a_setting_are_its_default(
    tmp_path,
):
    path = tmp_path / "small.json"
    held = collecting.collect(grid(measure=half), path, progress=False)
    older = [replace(run, setting={**run.setting}) for run in held]
    assert all(run.setting.pop("stem_strides") == 2 for run in older)
    runs.write(path, "small", older)
    assert len(collecting.collect(grid(measure=None), path, progress=False)) == 3
    before = path.read_bytes()
    for other in ({"learning_rate": 0.1}, {"stem_strides": 1}):
        with pytest.raises(ValueError, match="holds 3 runs that grid small has not"):
            others = [replace(setting, **other) for setting in SMALL]
            collecting.collect(grid(others, half), path, progress=False)
    assert path.read_bytes() == before


def test_two_processes_never_fill_one_file(tmp_path):
    path = tmp_path / "small.json"
    with (
        FileLock(tmp_path / ".small.json.lock"),
        pytest.raises(RuntimeError, match="another process is filling"),
    ):
        collecting.collect(grid(measure=half), path, progress=False)
    assert not path.exists()


@pytest.mark.usefixtures("few_images")
def test_a_diverged_run_is_a_result(tmp_path):
    settings = [replace(SMALL[0], learning_rate=1e30)]
    (run,) = collecting.collect(grid(settings), tmp_path / "small.json", progress=False)
    assert run.result["diverged"] is True and run.result["training_error"] == []


@pytest.mark.usefixtures("few_images")
def test_the_watched_part_is_called_what_it_is():
    found = measures.curves(replace(SMALL[0], watch="test"))
    assert set(found) == {"training_loss", "training_error", "test_loss", "test_error",
                          "renewed_training_error"}  # fmt: skip
    assert 0 <= found["renewed_training_error"] <= 1


def test_training_images_are_those_of_the_choice_and_never_held_out_ones():
    chosen, _ = settings.grid_images(SMALL[0])
    reported, _ = settings.grid_images(replace(SMALL[0], watch="test"))
    assert (chosen.images == reported.images).all()
    for images in (5001, 6001):
        with pytest.raises(ValueError, match="more than there are"):
            settings.grid_images(replace(SMALL[0], training_images=images))
    everything, watched = settings.grid_images(
        replace(SMALL[0], training_images=6000, watch="test")
    )
    assert (len(everything), len(watched)) == (6000, 2000)


@pytest.mark.slow
def test_every_grid_has_runs_that_can_be_run():
    networks = {}
    for name, make in grids.GRIDS.items():
        described = make()
        assert described.name == name and described.question.endswith("?")
        assert len(set(described.settings)) == len(described.settings) > 0
        for one in described.settings:
            networks[one.depth, one.block, one.batch_norm, one.stem_strides] = one
            if one.data == "embedded":
                assert len(settings.grid_images(one)[0]) == one.training_images
    for setting in networks.values():
        with torch.inference_mode():
            scores = settings.build(setting).eval()(torch.zeros(1, 1, 28, 28))
        assert scores.shape == (1, 10)


def test_stored_runs_are_those_of_the_grid_and_no_seed_both_chooses_and_reports():
    for name in STORED_GRIDS:
        described, held = grids.GRIDS[name](), runs.stored_runs(name)
        assert collecting.missing(described, held) == [], name
        assert len(held) == len(described.settings), name
        for run in held:
            choosing = run.setting["seed"] in grids.CHOOSING
            assert choosing == name.endswith("-rates"), name
            assert not (choosing and run.setting["watch"] == "test"), name
            assert run.seconds > 0 and run.date and run.origin["commit"], name


def started(path, workers):
    call = [sys.executable, "-m", "resnet", "experiment", "trial", "--out", path]
    call += ["--workers", str(workers)]
    return subprocess.Popen(
        list(map(str, call)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
        # Tests that run in the background may ignore Ctrl-C; the command must not inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def wait_for_a_run(process, path):
    """Seconds until a run is in the file; without any the process ends some time."""
    started = time.monotonic()
    while process.poll() is None:
        if path.exists() and runs.read(path):
            return time.monotonic() - started
        time.sleep(0.01)
    pytest.fail(f"no run: {process.communicate()}")


def alive(group):
    """Whether a process of the group is left that is more than a name in the table."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    listed = subprocess.run(["ps", "-o", "stat=", "-g", str(group)], capture_output=True, text=True)
    return any(not line.startswith("Z") for line in listed.stdout.split())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The file of a grid that nobody stopped."""
    path = tmp_path_factory.mktemp("whole") / "whole.json"
    assert command.main(["experiment", "trial", "--out", str(path), "--workers", "1"]) == 0
    return path


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
@pytest.mark.parametrize(("name", "status"), [("SIGKILL", -9), ("SIGINT", 130)])
def test_a_stopped_grid_goes_on_and_ends_with_the_same_numbers(
    tmp_path, capsys, whole, name, status
):
    stopped = tmp_path / "stopped.json"
    process = started(stopped, workers=2)
    a_run = wait_for_a_run(process, stopped)
    process.send_signal(getattr(signal, name))
    said, _ = process.communicate(timeout=20 * a_run)
    assert process.returncode == status
    assert name == "SIGKILL" or "the same command goes on" in said
    deadline = time.monotonic() + 10 * a_run
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(process.pid), "workers outlive their parent"
    held = runs.read(stopped)
    assert 0 < len(held) < 4
    assert command.main(["experiment", "trial", "--out", str(stopped), "--workers", "1"]) == 0
    assert results(whole) == results(stopped) and len(results(whole)) == 4
    kept = [run for run in runs.read(stopped) if run.date in {one.date for one in held}]
    assert all(one in kept for one in held)
    printed = capsys.readouterr()
    assert "plain-8" in printed.out and "4 of 4 runs" in printed.out
    assert "left" in printed.err, "a bar over the whole grid with the time left"


def test_the_list_names_every_grid_with_its_question(capsys):
    assert command.main(["experiment", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n{name} " in said for name in grids.GRIDS) and "not measured" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["dance"], "unknown grid 'dance'"), (["trial", "--workers", "0"], "workers must be")],
)
def test_wrong_values_are_one_sentence(tmp_path, capsys, arguments, words):
    assert command.main(["experiment", *arguments, "--out", str(tmp_path / "x.json")]) == 1
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
