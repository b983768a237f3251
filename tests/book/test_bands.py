"""The stored bands are those of the chapters as they stand, and each can be missed."""

import math
import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from operator import sub, truediv
from pathlib import Path

import nbformat
import pytest

from resnet.experiments.effects import live
from resnet.results import Band, band, stored
from resnet.runs import select, stored_runs
from tools import bands
from tools.notebooks import chapters
from tools.patience import patient

BANDS = stored("bands")["bands"]
COMPARED = ("_gap", "_ratio")  # how the names of comparisons end


def asserted_names() -> set[str]:
    sources = "\n".join(cell.source for path in chapters() for cell in bands.live_cells(path))
    return set(re.findall(r"within_band\(\s*f?\"([^\"{]+)\"", sources))


def test_names_in_chapters_are_the_stored_ones() -> None:
    assert asserted_names() == set(BANDS)


@pytest.mark.parametrize("path", bands.with_live_values(chapters()), ids=lambda path: path.stem)
def test_values_were_made_by_the_code_in_the_chapter(path: Path) -> None:
    assert stored("bands")["code"][path.stem] == bands.code_hash(path), "repeat `make bands`"


@pytest.mark.parametrize("name", BANDS)
def test_the_same_seeds_on_each_machine(name: str) -> None:
    runs = [(run["machine"], run["seed"]) for run in BANDS[name]["values"]]
    assert sorted(runs) == sorted((m, s) for m in bands.MACHINES for s in bands.SEEDS)


@pytest.mark.parametrize("name", [name for name in BANDS if not name.endswith(COMPARED)])
def test_shuffled_labels_fall_outside(name: str) -> None:
    assert not band(name).holds(BANDS[name]["controls"]["labels"])


# Errors of which the book says that one is the higher: each band, and the arm that it must lack.
DIFFER = [
    ("01.plain_56_training_error", "01.plain_20_training_error"),
    ("01.plain_20_training_error", "01.plain_8_training_error"),
    ("01.random_56_after_training_error", "01.grown_56_after_training_error"),
    ("01.plain_56_training_error", "02.residual_56_training_error"),
    ("01.plain_20_training_error", "02.residual_56_training_error"),
]


@pytest.mark.parametrize(("name", "other"), DIFFER + [pair[::-1] for pair in DIFFER])
def test_a_band_excludes_the_other_arm(name: str, other: str) -> None:
    assert not band(name).holds(band(other).mean)
    inside = sum(map(band(name).holds, band(other).values))
    assert inside <= len(band(other).values) / 20, "more than a run in twenty"


def of_one_arm(values: Iterable[float], gap: Callable[[float, float], float]) -> list[float]:
    """What a gap would be if both of its arms were this one, with two seeds each."""
    return [gap(one, other) for one, other in permutations(values, 2)]


def without_difference() -> dict[str, list[float]]:
    """For each gap: one of its arms beside itself, from all pairs of seeds."""

    def untrained(grid: str, block: str) -> list[dict]:
        runs = select(stored_runs(grid), block=block, depth=56, batch_norm=True)
        return [run.result for run in runs]

    def likeness(grid: str, block: str) -> list[float]:
        return [each["gradient_correlation"]["1"] for each in untrained(grid, block)]

    norms = [list(each["gradient_norm"].values()) for each in untrained("initial", "plain")]
    errors = {name: list(live(name).values()) for name in BANDS}
    plain, grown = errors["01.plain_20_training_error"], errors["01.grown_56_after_training_error"]
    growth = [math.log10(each[0] / each[-1]) for each in norms]
    return {
        "01.plain_56_over_plain_20_ratio": of_one_arm(plain, truediv),
        "01.random_over_grown_ratio": of_one_arm(grown, truediv),
        "01.gradient_batch_norm_minus_none_gap": of_one_arm(growth, sub),
        "04.correlation_56_gap": of_one_arm(likeness("initial", "residual"), sub),
        "05.correlation_56_gap": of_one_arm(likeness("initial-variants", "option-a"), sub),
    }


@pytest.mark.parametrize("name", [name for name in BANDS if name.endswith(COMPARED)])
def test_one_arm_beside_itself_falls_outside_the_band_of_a_gap(name: str) -> None:
    found = without_difference()[name]
    assert len(found) >= 20 and not any(map(band(name).holds, found))
    assert not band(name).holds(1 if name.endswith("_ratio") else 0)


@pytest.mark.parametrize("name", BANDS)
def test_a_band_holds_its_own_runs_and_is_not_negative(name: str) -> None:
    assert all(map(band(name).holds, band(name).values)) and band(name).low > 0


@pytest.mark.parametrize("shift", [0.0, 0.02])
def test_the_control_of_a_ratio_catches_arms_that_do_not_differ(shift: float) -> None:
    """Where plain-56 were plain-20, nearly all that one arm gives beside itself would be inside."""
    errors = list(live("01.plain_20_training_error").values())
    same = Band("01.x_ratio", tuple(of_one_arm([error + shift for error in errors], truediv)))
    found = of_one_arm(errors, truediv)
    assert sum(map(same.holds, found)) > 0.9 * len(found)


def test_imports_comments_and_layout_are_no_other_code(chapter: Path) -> None:
    before = bands.code_hash(chapter)
    notebook = nbformat.read(chapter, as_version=4)
    notebook.cells[0].source = "from resnet import within_band  # from its home or the face"
    nbformat.write(notebook, chapter)
    assert bands.code_hash(chapter) == before
    notebook.cells[2].source = notebook.cells[2].source.replace("2 * seed", "3 * seed")
    nbformat.write(notebook, chapter)
    assert bands.code_hash(chapter) != before


def test_a_control_that_shuffled_nothing_is_refused(chapter: Path, monkeypatch) -> None:
    monkeypatch.setattr("resnet.results.within_band", None)
    monkeypatch.setattr("resnet.budgets.images", None)
    with pytest.raises(bands.ChapterChanged, match="nobody shuffled"):
        bands.live_values(chapter, seed=4, shuffled=True)


@pytest.fixture
def chapter(tmp_path: Path) -> Path:
    """A notebook whose live value is its seed, with cells that a run leaves out."""
    cells = [
        nbformat.v4.new_code_cell("from resnet.results import within_band"),
        nbformat.v4.new_code_cell("seed = 0", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell('print(within_band("09.seed_gap", 2 * seed, "cpu"))'),
        nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["hide-cell"]}),
    ]
    path = tmp_path / "09_example.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_run_takes_the_seed_and_returns_the_live_values(chapter: Path, monkeypatch) -> None:
    monkeypatch.setattr("resnet.results.within_band", None)
    assert bands.live_values(chapter, seed=4, shuffled=False) == {"09.seed_gap": 8.0}


def test_a_stopped_run_goes_on_with_what_is_missing(chapter: Path) -> None:
    store = {"code": {}, "bands": {}}
    runs = list(bands.wanted(chapter, store))
    assert len(runs) == 21
    for run in runs[:5]:
        bands.keep(store, run, {"09.seed": float(run.seed)})
    left = list(bands.wanted(chapter, store))
    assert left == runs[5:]
    assert len(list(bands.wanted(chapter, store, seeds=5))) == 11 - 5


def test_changed_code_drops_its_values_and_no_others(chapter: Path) -> None:
    values = {"values": [], "controls": {}}
    store = {"code": {}, "bands": {"09.seed_gap": values, "01.other": values}}
    bands.forget_other_code(store, chapter)
    assert list(store["bands"]) == ["01.other"]


def test_shuffled_labels_are_no_control_of_a_comparison(chapter: Path) -> None:
    store = {"code": {}, "bands": {}}
    values = {"09.x_gap": 0.5, "09.x_error": 0.9}
    bands.keep(store, bands.Run(chapter, 1, "native", control=True), values)
    controls = {name: band["controls"] for name, band in store["bands"].items()}
    assert controls == {"09.x_gap": {}, "09.x_error": {"labels": 0.9}}
    assert all(band["values"] == [] for band in store["bands"].values())


@pytest.fixture
def runs(chapter: Path, monkeypatch, tmp_path: Path) -> list[bands.Run]:
    """The runs of `chapter` that an empty store in a folder of its own lacks."""
    monkeypatch.setattr(bands, "STORE", tmp_path / "bands.json")
    store = bands.read_store()
    bands.forget_other_code(store, chapter)
    bands.write_store(store)
    return list(bands.wanted(chapter, store))


def test_every_run_is_stored_as_it_ends(runs, monkeypatch) -> None:
    monkeypatch.setattr(bands, "_in_child", lambda run: {"09.seed_gap": float(run.seed)})
    bands.collect(runs, workers=2)
    assert len(bands.read_store()["bands"]["09.seed_gap"]["values"]) == 20


def test_what_is_stored_meanwhile_is_kept(runs, monkeypatch) -> None:
    """Two chapters may be collected at once, by two commands."""

    def meanwhile(run: bands.Run) -> dict[str, float]:
        store = bands.read_store()
        bands.keep(store, bands.Run(run.chapter, 1, "native"), {"08.other": 1.0})
        bands.write_store(store)
        return {"09.seed_gap": 2.0}

    monkeypatch.setattr(bands, "_in_child", meanwhile)
    bands.collect(runs[:1], workers=1)
    assert set(bands.read_store()["bands"]) == {"08.other", "09.seed_gap"}


def test_a_failed_run_ends_the_others(runs, monkeypatch) -> None:
    tried, told = [], threading.Event()

    def fails(run: bands.Run) -> dict[str, float]:
        tried.append(run)
        if len(tried) == 2:
            told.wait(timeout=patient(60))
        raise RuntimeError("diverged")

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            told.set()
            super().shutdown(wait=True)

    monkeypatch.setattr(bands, "_in_child", fails)
    monkeypatch.setattr(bands, "ThreadPoolExecutor", Pool)
    with pytest.raises(RuntimeError, match="diverged"):
        bands.collect(runs, workers=1)
    assert len(tried) <= 2 < len(runs) and bands.read_store()["bands"] == {}


def test_values_of_a_chapter_that_changes_meanwhile_are_not_kept(
    chapter: Path, runs, monkeypatch
) -> None:
    def changes(run: bands.Run) -> dict[str, float]:
        notebook = nbformat.read(chapter, as_version=4)
        notebook.cells[2].source += "; other = 1"
        nbformat.write(notebook, chapter)
        return {"09.seed_gap": 1.0}

    monkeypatch.setattr(bands, "_in_child", changes)
    with pytest.raises(bands.ChapterChanged, match="09_example.ipynb was changed"):
        bands.collect(runs[:1], workers=1)
    assert bands.read_store()["bands"] == {}
