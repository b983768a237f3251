"""The stored files: each has its line in the README beside them, and `make results` fills them."""

import json

import pytest

from resnet import runs
from resnet.experiments import measures
from resnet.experiments.collecting import Grid
from resnet.experiments.settings import Setting
from tools import results


@pytest.fixture
def grids(monkeypatch, tmp_path):
    """One grid of two runs, and a folder of its own for what is stored."""
    settings = [Setting(8, "plain", seed, 0.05, epochs=1, training_images=70) for seed in (0, 1)]
    small = {"small": lambda: Grid("small", "Is it so?", settings, measures.ends)}
    monkeypatch.setattr(results, "GRIDS", small)
    monkeypatch.setattr(results, "STORED_GRIDS", ("small",))
    monkeypatch.setattr(results, "FOLDER", tmp_path / "stored")
    monkeypatch.setattr(results, "UNFINISHED", tmp_path / "unfinished")
    stored = tmp_path / "stored" / "grids" / "small.json"
    monkeypatch.setattr(runs, "stored_runs", lambda name: runs.read(stored))
    return stored


def call(*arguments):
    return results.main([*map(str, arguments), "--workers", "1"])


@pytest.mark.slow
def test_a_grid_is_filled_goes_on_and_is_repeated_elsewhere(grids, tmp_path, capsys):
    assert call("small", "--minutes", 0) == 130
    unfinished = tmp_path / "unfinished" / "small.json"
    assert len(runs.read(unfinished)) == 1 and "small is not whole yet" in capsys.readouterr().out
    assert not grids.exists(), "what is stored is whole"
    assert call("small") == 0
    assert len(runs.read(grids)) == 2 and not unfinished.exists()
    before = grids.read_bytes()
    assert call("--out", tmp_path / "anew") == 0
    assert "2 of 2 runs have the stored numbers" in capsys.readouterr().out
    assert grids.read_bytes() == before
    altered = before.replace(b'"training_error": 0.', b'"training_error": 1.', 1)
    assert altered != before
    grids.write_bytes(altered)
    assert call("--out", tmp_path / "anew") == 0
    assert "1 of 2 runs have the stored numbers" in capsys.readouterr().out


def test_without_names_everything_is_made_in_the_order_of_need(grids, monkeypatch):
    made = []
    monkeypatch.setattr(results.rates, "main", lambda arguments: made.append("rates"))
    monkeypatch.setattr(results.bands, "main", lambda arguments: made.append("bands"))
    monkeypatch.setattr(results, "fill", lambda name, options: made.append(name))
    assert call() == 0
    assert made == ["rates", "small", "bands"]


def test_unknown_results_are_refused(grids, capsys):
    with pytest.raises(SystemExit):
        call("large")
    assert "there is no result 'large': take rates, small, bands" in capsys.readouterr().err


def test_each_stored_file_has_a_line_in_the_readme_with_the_command_that_makes_it():
    folder = results.ROOT / "resnet" / "assets" / "results"
    files = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.json"))]
    text = (folder / "README.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert sorted(line.split("`")[1] for line in lines) == files
    assert all("`make " in line for line in lines)
    for line in lines:
        name, minutes = line.split("`")[1], line.rsplit("|", 2)[1].strip()
        if name.startswith("grids/"):
            held = json.loads((folder / name).read_text(encoding="utf-8"))["runs"]
            assert minutes == f"{sum(run['seconds'] for run in held) / 120:.0f}", line
