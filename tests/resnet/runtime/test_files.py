"""Files are written whole or not at all; a result says where it came from."""

import json

import pytest

from resnet.results import History
from resnet.runtime import files


def test_unwritable_places_are_named_and_the_old_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "history.json"
    History("old").save(path)
    with pytest.raises(OSError, match="cannot write .*missing.history.json"):
        History("new").save(tmp_path / "missing" / "history.json")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match=f"cannot write {path}: No space left"):
        History("new").save(path)
    assert History.load(path).label == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["history.json"]


def test_provenance_is_plain_and_names_versions():
    origin = files.provenance(device="cpu, 2 threads")
    assert json.loads(json.dumps(origin)) == origin
    assert origin["device"] == "cpu, 2 threads" and origin["processor"]
    assert origin["versions"]["torch"][0].isdigit()
