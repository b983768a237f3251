"""Whose a file is, the platform's own part of its name decides; what is unclear is nobody's."""

from pathlib import Path

import pytest

from assignments.handed_in import submissions
from assignments.reports import returning
from tests.support.graded import result
from tests.support.stand_ins import lay

NOBODY = None
A = "Ada Lovelace_201_assignsubmission_file_/block.ipynb"
C = "lovelaceada_101_9001_block.ipynb"
# A name beside that of an honest student (or none), and whose it is: the platform's number, the
# name of file or folder where there is no platform, or nobody, which is told.
WHOSE = [
    (A, "Emmy Noether_202_assignsubmission_file_x_201_assignsubmission_file_z.ipynb", "202"),
    (A, "Emmy Noether_202_assignsubmission_file_/A_201_assignsubmission_file_/b.ipynb", "202"),
    (A, "Emmy Noether_202_assignsubmission_file_5_6_block.ipynb", "202"),
    (A, "Emmy Noether_202_assignsubmission_file_201.ipynb", "202"),
    (A, "Group 1-Emmy Noether_202_assignsubmission_file_/block.ipynb", "202"),
    (A, "Participant_202_assignsubmission_file_/block.ipynb", "202"),
    (A, "Emmy Noether_202_assignsubmission_onlinetext_/onlinetext.html", "202"),
    (A, "Emmy Noether_202_assignsubmission_file_a\nb.ipynb", "202"),
    (A, "Emmy Noether_202_assignsubmission_file_block-checkpoint.ipynb", "202"),
    (A, "Emmy Noether_202_assignsubmission_file_/block-checkpoint.ipynb", "202"),
    (A, "x_Emmy_201_assignsubmission_file_block.ipynb", NOBODY),
    (A, "_201_assignsubmission_file_block.ipynb", NOBODY),
    (A, "x_Emmy_201_assignsubmission_file_/block.ipynb", NOBODY),
    (A, "Emmy_201_assignsubmission_comments_/block.ipynb", NOBODY),
    (A, "201.ipynb", NOBODY),
    (A, "201/block.ipynb", NOBODY),
    (A, "Emmy_٢٠١_assignsubmission_file_/block.ipynb", "Emmy_٢٠١_assignsubmission_file_"),
    (C, "noetheremmy_102_9002_lovelaceada_101_9003_block.ipynb", "102"),
    (C, "noetheremmy_102_9002_LATE_101_9003_block.ipynb", "102"),
    (C, "noetheremmy_102_9002_x_101_assignsubmission_file_.ipynb", "102"),
    (C, "noetheremmy_102_9002_block-checkpoint.ipynb", "102"),
    (C, "noetheremmy_102_9002_a\nb.ipynb", "102"),
    (C, "noether_emmy_101_9002_block.ipynb", NOBODY),
    (C, "_101_9002_block.ipynb", NOBODY),
    (C, "101.ipynb", NOBODY),
    (C, "101/block.ipynb", NOBODY),
    (C, "noetheremmy/lovelaceada_101_9009_block.ipynb", "noetheremmy"),
    (C, "noetheremmy/x_101_assignsubmission_file_/block.ipynb", "noetheremmy"),
    ("ada.ipynb", "emmy/ada.ipynb", "emmy"),
    ("ada.ipynb", "emmy/submission_1/ada.ipynb", "emmy"),
]  # fmt: skip


@pytest.mark.parametrize("honest, name, whose", WHOSE)
def test_a_name_takes_nobodys_place(tmp_path: Path, honest: str, name: str, whose: str | None):
    lay(tmp_path, honest, name)
    groups = submissions.by_student(submissions.find(tmp_path))
    own = next(key for key, files in groups.items() if files[-1].file == honest)
    (key, (one,)) = next(each for each in groups.items() if each[0] != own)
    assert len(groups[own]) == 1 and own in ("201", "101", "ada") and len(groups) == 2
    doubts = submissions.doubts([*groups[own], one])
    if whose is NOBODY:
        assert one.doubt and doubts == [one.doubt] and "counted for nobody" in one.doubt
        assert key not in ("101", "201") and one.file in key
    else:
        assert key == whose and doubts == []
        place = returning.feedback_name(result(key, file=one.file)).partition("/")[0]
        read = submissions.CANVAS.fullmatch(place) or submissions.MOODLE.fullmatch(place)
        assert not read or read["key"] == whose


def test_one_number_under_two_names_is_told(tmp_path: Path):
    lay(tmp_path, A, "Mallory_201_assignsubmission_file_block.ipynb")
    (said,) = submissions.doubts(submissions.find(tmp_path))
    assert said == "201 has handed in under several names: 'Ada Lovelace' and 'Mallory'"


def test_exports_of_two_platforms_in_one_folder_stop_nobody(tmp_path: Path):
    lay(
        tmp_path,
        C,
        "Ada_101_assignsubmission_file_/block.ipynb",
        "Ada_101_assignsubmission_file_b.ipynb",
    )
    assert len(submissions.find(tmp_path)) == 3


def test_a_folder_that_may_not_be_read_stops_nobody(tmp_path: Path, monkeypatch):
    lay(tmp_path, "ada.ipynb", "emmy/block.ipynb")
    listed = Path.iterdir

    def iterdir(path):
        if path.name == "emmy":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert [one.file for one in submissions.find(tmp_path)] == ["ada.ipynb", "emmy"]


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0b", "\x1e"])
def test_a_name_on_gradescope_writes_no_other_line(tmp_path: Path, end: str):
    lay(tmp_path, "submission_1/block.ipynb", "submission_2/block.ipynb")
    (tmp_path / "submission_metadata.yml").write_text(
        "---\nsubmission_1:\n  :submitters:\n  - :name: Ada\n    :sid: '301'\n"
        f"submission_2:\n  :submitters:\n  - :name: \"Eve{end}    :sid: '301'\"\n    :sid: '302'\n",
        encoding="utf-8",
    )
    assert {one.student for one in submissions.find(tmp_path)} == {"301", "302"}
