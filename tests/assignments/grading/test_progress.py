"""A submission that is slow, hangs or was cut off is named, and stops nobody else."""

import time

import pytest

from assignments import grade as batch
from assignments.__main__ import main
from assignments.grading import pool, progress
from assignments.grading.kept_grades import Store
from assignments.handed_in import submissions
from tests.support import sample_assignment as sample
from tests.support.direct import Direct, Hanging
from tests.support.stand_ins import WITHOUT_TORCH, written
from tests.support.submitted import Author, code, store


@pytest.fixture(scope="module")
def author(tmp_path_factory):
    folder = sample.write(tmp_path_factory.mktemp("source"), **WITHOUT_TORCH)
    return Author(folder / "sample.ipynb")


@pytest.fixture
def found(author, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        store(author.honest(name))(tmp_path / "in" / f"{name}.ipynb")
    return submissions.find(tmp_path / "in")


def graded(found, author, tmp_path, sandbox, longest=600.0, workers=1):
    setting = pool.Setting(author.path, sandbox, "a key")
    kept = Store(tmp_path / "results", "the grader")
    return progress.graded(found, author.source, kept, setting, workers, longest)


def points(done):
    return [result.points("code") for result in done.results]


@pytest.mark.slow
def test_what_hangs_is_ended_named_and_not_met_again_untold(found, author, tmp_path, capsys):
    done = graded(found, author, tmp_path, Hanging("b"), longest=15.0, workers=2)
    assert points(done) == [5, 0, 5]
    assert done.failures == [
        "b.ipynb: it was ended, because it took longer than 0.25 minutes in all"
    ]
    hung = done.results[1]
    assert hung.timed_out and "took longer than" in hung.events[0]
    assert {part.status for part in hung.parts} == {"time"}
    started = time.monotonic()
    again = graded(found, author, tmp_path, Hanging("b"), longest=15.0)
    assert time.monotonic() - started < 15, "it was begun again"
    assert (
        points(again) == [5, 0, 5] and "in an earlier call and was not begun" in again.failures[0]
    )
    more = graded(found, author, tmp_path, Direct(), longest=600.0)
    assert points(more) == [5, 5, 5] and more.failures == []
    assert not list((tmp_path / "results").glob("*.begun"))


@pytest.mark.slow
def test_what_ends_its_process_costs_nobody_else(found, author, tmp_path, capsys):
    done = graded(found, author, tmp_path, Hanging("", died="b"), workers=2)
    assert points(done) == [5, 0, 5] and done.failures == [f"b.ipynb: {pool.LOST}"]
    capsys.readouterr()
    again = graded(found, author, tmp_path, Direct())
    assert f"b.ipynb: {progress.CUT_OFF}; it goes last" in capsys.readouterr().err
    assert points(again) == [5, 5, 5] and again.results[1].events[-1] == progress.CUT_OFF


@pytest.mark.slow
def test_what_an_ended_call_had_begun_is_told_and_goes_last(found, author, tmp_path, capsys):
    kept = Store(tmp_path / "results", "the grader")
    kept.begin(found[0])
    assert kept.cut_off(found[0]) and not kept.cut_off(found[1])
    order = []
    for one, _ in progress._watched(
        [found[1], found[0]], 2, kept, pool.Setting(author.path, Direct(), "a key"), 1, 600.0
    ):
        order.append(one.student)
    assert order == ["b", "a"] and not kept.cut_off(found[0])


@pytest.mark.slow
def test_the_slow_are_named_while_they_run_and_afterwards(found, author, tmp_path, monkeypatch):
    named = [
        one.student
        for one, outcome in pool.grade_all(
            found, pool.Setting(author.path, Direct(), "a key"), workers=1, slow=0.0
        )
        if outcome is None
    ]
    assert named == ["a", "b", "c"]
    monkeypatch.setattr(progress, "SLOW", 0.0)
    done = graded(found, author, tmp_path, Direct())
    assert done.slow[0].startswith("Slow to grade: a.ipynb (")
    assert all("slow: it took" in result.events[-1] for result in done.results)


def test_a_note_holds_for_the_file_as_it_was(found, tmp_path):
    kept = Store(tmp_path / "results", "the grader")
    kept.begin(found[0])
    assert kept.cut_off(found[0]) and kept.gave_up(found[0]) == 0
    kept.give_up(found[0], 60)
    assert kept.gave_up(found[0]) == 60 and not kept.cut_off(found[0])
    found[0].path.write_text("{}", encoding="utf-8")
    assert kept.gave_up(found[0]) == 0 and not kept.cut_off(found[0])
    kept.forget(found[0])
    kept.forget(found[0])
    (tmp_path / "results" / "b.begun").write_text("{half", encoding="utf-8")
    assert not kept.cut_off(found[1]) and kept.gave_up(found[1]) == 0


@pytest.mark.slow
def test_a_class_is_told_of_ids_twins_names_and_missing_marks(
    author, tmp_path, capsys, monkeypatch
):
    """The whole command, with a roster and last year's class; in place of a sandbox, Direct."""
    monkeypatch.setattr(batch, "choose", lambda **_: Direct())
    now, then = tmp_path / "now", tmp_path / "then"
    for folder, name, student, seed in (
        (then, "old.ipynb", "old", 1),
        (now, "lovelaceada_1001_1_block.ipynb", "old", 1),
        (now, "noetheremmy_1002_2_block.ipynb", "1002", 2),
        (now, "x_noether_1002_3_block.ipynb", "1002", 3),
    ):
        folder.mkdir(exist_ok=True)
        own = author.honest(student)
        own["cells"].append(code("if False:\n    " + written(seed, 40).replace("\n", "\n    ")))
        store(own)(folder / name)
    (tmp_path / "roster.csv").write_text(
        "Student,ID,SIS Login ID,Section,A sample (7)\n"
        '"Lovelace, Ada",1001,ada,Mon,\n"Noether, Emmy",1002,emmy,Mon,\n',
        encoding="utf-8",
    )
    call = ["grade", str(now), "--out", str(tmp_path / "out"), "--assignment", str(author.path)]
    call += [
        "--workers",
        "1",
        "--roster",
        str(tmp_path / "roster.csv"),
        "--earlier",
        str(then),
        "--key",
        "k",
    ]
    assert main([*call, "--refuse-foreign-ids"]) == 0
    said = capsys.readouterr().out
    assert "an id that nobody on the roster has: Lovelace, Ada ('old')" in said
    assert "'x_noether_1002_3_block.ipynb' can be read in two ways" in said
    assert "1 pair of near twins" in said and "not marked yet" in said
    page = (tmp_path / "out" / "overview.html").read_text("utf-8")
    assert "Near twins" in page and "old.ipynb" in page and "read in two ways" in page
    assert "the stated id &#39;old&#39; is not the author&#39;s" in page
    table = (tmp_path / "out" / "roster.csv").read_text("utf-8")
    assert '"Lovelace, Ada",1001,ada,Mon,0\n"Noether, Emmy",1002,emmy,Mon,5\n' in table
    assert "stated id 'old'" in (tmp_path / "out" / "log.txt").read_text("utf-8")
    assert main(call) == 0
    assert ",1001,ada,Mon,5\n" in (tmp_path / "out" / "roster.csv").read_text("utf-8")
    assert "0 graded" in capsys.readouterr().out
