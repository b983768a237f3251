"""Stored runs: written whole, read back, refused when damaged, selected and summed up."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet import runs
from resnet.runs import DamagedRunsError, StoredRun, best_rate_among, by_seed, read, select, summary

ORIGIN = {"versions": {"torch": "2"}, "commit": None}
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def run(block="plain", depth=8, seed=0, rate=0.1, origin=ORIGIN, **result):
    setting = {"block": block, "depth": depth, "seed": seed, "learning_rate": rate}
    return StoredRun(setting, result or {"error": 0.5}, 1.5, "2026-01-01", origin)


@given(st.lists(FINITE, max_size=3), FINITE, st.integers(0, 9))
def test_runs_go_to_disk_and_back(tmp_path_factory, curve, number, seed):
    path = tmp_path_factory.mktemp("runs") / "grid.json"
    held = [run(seed=seed, curve=curve, number=number), run("residual", origin={"commit": "f00"})]
    runs.write(path, "grid", held)
    assert read(path) == held
    assert list(path.parent.iterdir()) == [path]


def test_a_number_that_json_does_not_know_is_stored_as_none(tmp_path):
    numbers = {"curve": [0.5, math.nan], "inside": {"a": (math.inf, 1)}, "last": -math.inf}
    runs.write(tmp_path / "grid.json", "grid", [run(**numbers)])
    (held,) = read(tmp_path / "grid.json")
    assert held.result == {"curve": [0.5, None], "inside": {"a": [None, 1]}, "last": None}
    text = (tmp_path / "grid.json").read_text()
    assert "NaN" not in text and "Infinity" not in text and "-  " not in summary([held])


def test_a_file_does_not_depend_on_the_order_in_which_runs_ended(tmp_path):
    held = [run(seed=seed, block=block) for seed in (1, 0) for block in ("residual", "plain")]
    for name, order in (("one", held), ("other", held[::-1])):
        runs.write(tmp_path / name, "grid", order)
    assert (tmp_path / "one").read_text() == (tmp_path / "other").read_text()
    assert len((tmp_path / "one").read_text().split('"runs": [')[1].splitlines()) == 6


def test_no_file_is_no_run(tmp_path):
    assert read(tmp_path / "none.json") == []


def damages():
    """Every kind of damage that a disk, an editor or another program does."""
    good = {"origins": [{}], "runs": [{"setting": {"block": "plain", "depth": 8}, "result": {},
            "seconds": 1.0, "date": "", "origin": 0}]}  # fmt: skip
    yield ""
    yield json.dumps(good)[:-5]
    yield "[]"
    yield json.dumps({**good, "origins": []})
    yield json.dumps({"origins": [{}]})
    for change in ({"setting": {}}, {"setting": 3}, {"seconds": "long"}, {"result": 3}, {"new": 1}):
        yield json.dumps({**good, "runs": [{**good["runs"][0], **change}]})


@pytest.mark.parametrize("text", list(damages()))
def test_damaged_files_are_refused_by_name(tmp_path, text):
    (tmp_path / "depth.json").write_text(text)
    with pytest.raises(DamagedRunsError, match="depth.json does not hold the runs"):
        read(tmp_path / "depth.json")


def test_damaged_files_are_kept_aside_each_under_its_own_name(tmp_path):
    path = tmp_path / "depth.json"
    for text in ("one", "two"):
        path.write_text(text)
        aside = runs.keep_aside(path)
        assert aside.read_text() == text and not path.exists()
    assert {file.read_text() for file in tmp_path.iterdir()} == {"one", "two"}


def test_selecting_by_setting_and_by_seed():
    held = [run(depth=depth, seed=seed, error=[0.9, depth + seed / 10])
            for depth in (8, 20) for seed in (0, 1)]  # fmt: skip
    assert select(held, depth=20, seed=1) == [held[3]]
    assert by_seed(held, "error", depth=20) == {0: 20.0, 1: 20.1}
    with pytest.raises(ValueError, match="several runs of seed 0"):
        by_seed(held, "error")


def test_the_best_rate_is_that_of_the_lowest_mean_and_a_diverged_run_never_wins():
    held = [run(rate=0.1, error=0.2), run(rate=0.1, error=0.4), run(rate=0.5, error=0.25)]
    assert best_rate_among(held, "error") == 0.5
    held.append(run(rate=0.5, error=0.0, diverged=True))
    assert best_rate_among(held, "error", block="plain") == 0.1
    with pytest.raises(ValueError, match="no learning rate was tried"):
        best_rate_among(held, "error", block="residual")


def test_no_rate_is_chosen_where_a_run_diverged_at_each():
    held = [run(rate=0.1, error=0.2), run(rate=0.1, error=0.0, diverged=True)]
    held.append(run(rate=0.2, error=0.0, diverged=True))
    with pytest.raises(ValueError, match="diverged at every rate: try smaller ones"):
        best_rate_among(held, "error")
    held.append(run(rate=0.05, error=0.8))
    assert best_rate_among(held, "error") == 0.05


def test_the_summary_is_a_table_of_means_and_sample_sds():
    held = [run(seed=0, error=[0.9, 0.1]), run(seed=1, error=[0.9, 0.2])]
    held += [run("residual", rate=0.05, error=0.125, blocks={"1": 3}, diverged=True)]
    header, plain, residual = (line.split() for line in summary(held).splitlines())
    assert header == ["network", "rate", "n", "error"]
    assert plain == ["plain-8", "0.1", "2", "0.150", "(0.071)"]
    assert residual == ["residual-8", "0.05", "1,", "1", "diverged", "0.125"]


def test_what_the_package_lacks_is_a_file_not_found():
    with pytest.raises(FileNotFoundError):
        runs.stored_runs("no such grid")
