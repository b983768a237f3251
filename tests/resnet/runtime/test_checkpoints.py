"""Checkpoints: whole or absent, refused where damaged, never code."""

import pickle

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnet.runtime import checkpoints as checkpoint
from resnet.runtime.checkpoints import CheckpointError

STATE = {"weights": torch.arange(6.0).view(2, 3), "name": "a", "rows": [{"x": 0.1, "y": None}]}
MANY = settings(deadline=None, max_examples=25,
                suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


def test_what_is_saved_comes_back(tmp_path):
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, {"old": 1})
    checkpoint.save(str(path), STATE)
    loaded = checkpoint.load(path)
    assert torch.equal(loaded.pop("weights"), STATE["weights"])
    assert loaded == {k: v for k, v in STATE.items() if k != "weights"}
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_state_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, STATE)
    content = path.read_bytes()
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        checkpoint.save(path, {"function": lambda: None})
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_unwritable_places_are_named(tmp_path):
    (tmp_path / "file").write_text("a file is no folder")
    for path in (tmp_path / "missing" / "c.pt", tmp_path / "file" / "c.pt", tmp_path):
        with pytest.raises(OSError, match=f"cannot write {path}"):
            checkpoint.save(path, STATE)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@MANY
@given(cut=st.floats(0, 0.999))
def test_truncated_checkpoints_are_refused(tmp_path, cut):
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, STATE)
    content = path.read_bytes()
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(CheckpointError, match="checkpoint.pt is no checkpoint"):
        checkpoint.load(path)


@MANY
@given(content=st.binary(max_size=200) | st.text("{a}:1 é\n", max_size=60).map(str.encode))
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.txt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="other.txt is no checkpoint") as raised:
        checkpoint.load(path)
    assert "\n" not in str(raised.value)


class Payload:
    def __reduce__(self):
        return print, ("code has run",)


def test_code_in_a_checkpoint_is_not_run(tmp_path, capsys):
    torch.save({"model": Payload()}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="c.pt is no checkpoint"):
        checkpoint.load(tmp_path / "c.pt")
    assert "code has run" not in capsys.readouterr().out


def test_missing_files_stay_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt"):
        checkpoint.load(tmp_path / "none.pt")
    with pytest.raises(CheckpointError):
        checkpoint.load(tmp_path)
