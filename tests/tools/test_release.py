"""The archive of a release: the same bytes for the same files, and none of a dirty tree."""

import os
import zipfile
from pathlib import Path

import pytest

from tools import release
from tools.packing import pack


def filled(folder: Path, names: list[str], mode: int, moment: int) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(mode)
        os.utime(path, (moment, moment))
    return folder


def test_order_times_and_modes_of_files_leave_no_trace(tmp_path: Path) -> None:
    names = [f"site/{number * 7 % 31}.html" for number in range(31)] + ["notebooks/01.ipynb"]
    first = filled(tmp_path / "one", names, 0o600, 1_700_000_000)
    second = filled(tmp_path / "other", names[::-1], 0o755, 1_750_000_000)
    date = (2026, 9, 21, 14, 13, 20)
    packed = pack(release.contents(first), tmp_path / "book.zip", date)
    again = pack(release.contents(second), tmp_path / "x" / "book.zip", date)
    assert packed.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        assert archive.namelist() == sorted(names)


def test_a_dirty_tree_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(release, "changed_files", lambda: True)
    assert release.main([]) == 1
    assert "no commit holds" in capsys.readouterr().err
