"""CIFAR-10 from a small archive of the same form; the network is a server of this test's own."""

import hashlib
import io
import pickle
import tarfile

import numpy
import pytest

from resnet import __main__ as command
from resnet.data import DataError
from resnet.datasets import cifar10
from resnet.datasets.cifar10 import ARCHIVE, BELOW, load_cifar10
from tests.support.programs import served

NAMES = (*cifar10.TRAINING, "test_batch")


class Payload:
    def __reduce__(self):
        return print, ("code has run",)


def batch(seed):
    """One file of twelve images."""
    pixels = numpy.random.default_rng(seed).integers(0, 256, (12, 3072), dtype=numpy.uint8)
    return {"data": pixels, "labels": [k % 10 for k in range(12)], "batch_label": "a part"}


def packed(path, **changed):
    """The archive, with the contents of some files changed; returns its MD5."""
    with tarfile.open(path, "w:gz") as tar:
        for number, name in enumerate(NAMES):
            content = changed.get(name, pickle.dumps(batch(number), protocol=2))
            if content is not None:
                member = tarfile.TarInfo(f"{BELOW}/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    path = tmp_path / "served" / ARCHIVE
    path.parent.mkdir()
    monkeypatch.setattr(cifar10, "MD5", packed(path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.fixture
def server(archive, monkeypatch):
    """torchvision's own download code, pointed at the folder of the archive."""
    from torchvision.datasets import CIFAR10

    with served(archive.parent) as address:
        monkeypatch.setattr(CIFAR10, "url", f"{address}/{ARCHIVE}")
        yield archive


def cached(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_the_archive_is_fetched_once(tmp_path, server, capsys):
    training, test = load_cifar10()
    assert (len(training), len(test)) == (60, 12) and training.shape == (3, 32, 32)
    assert numpy.array_equal(training.images[12:24].reshape(12, -1).numpy(), batch(1)["data"])
    assert training.labels[:12].tolist() == batch(0)["labels"]
    X, _ = training.batch(slice(None))
    assert abs(X.mean((0, 2, 3))).max() < 1e-5
    assert X.std((0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-4)
    assert test.mean == training.mean and test.class_names[9] == "truck"
    server.unlink()
    load_cifar10()
    assert cached(tmp_path) == [ARCHIVE]
    assert capsys.readouterr().out.count("CIFAR-10: 60 training images from ") == 2


def test_another_archive_is_not_kept(tmp_path, server):
    whole = server.read_bytes()
    for content in (whole[:-20], whole + b"\0", b"<html>no</html>"):
        server.write_bytes(content)
        with pytest.raises(DataError, match=f"{ARCHIVE} is not CIFAR-10's archive.*fetch it anew"):
            load_cifar10()
        assert cached(tmp_path) == []


def test_without_a_network_it_says_what_to_do(tmp_path, archive, monkeypatch):
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:9/{ARCHIVE}")
    with pytest.raises(OSError, match=r"cannot be downloaded \(.*name its folder") as raised:
        load_cifar10()
    assert "\n" not in str(raised.value) and cached(tmp_path) == []


def test_packed_and_unpacked_folders_hold_the_same(tmp_path, archive):
    ones = load_cifar10(archive.parent)
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    for folder in (tmp_path, tmp_path / BELOW):
        assert cifar10.holds_cifar10(folder)
        for one, other in zip(ones, load_cifar10(folder), strict=True):
            assert (one.images == other.images).all() and (one.labels == other.labels).all()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps({"data": Payload(), "labels": []}), "builtins.print, which may run code"),
        (pickle.dumps({"data": numpy.zeros((2, 9), "u1"), "labels": [1, 2]}), r"shape \(2, 9\)"),
        (pickle.dumps(batch(0))[:-99], "cannot be read, fetch it anew"),
        (pickle.dumps([1]), "cannot be read, fetch it anew"),
        (b"", "cannot be read, fetch it anew"),
        (None, "lacks data_batch_2: fetch it anew"),
    ],
)
def test_damaged_files_are_named_and_run_no_code(archive, monkeypatch, capsys, content, words):
    monkeypatch.setattr(cifar10, "MD5", packed(archive, data_batch_2=content))
    with pytest.raises(DataError, match=f"data_batch_2.*{words}|{words}") as raised:
        load_cifar10(archive.parent)
    assert "\n" not in str(raised.value)
    assert "code has run" not in capsys.readouterr().out


def test_folders_without_it(tmp_path):
    with pytest.raises(DataError, match="there is no folder .*nowhere"):
        load_cifar10(tmp_path / "nowhere")
    with pytest.raises(DataError, match=f"holds neither {ARCHIVE} nor {BELOW}"):
        load_cifar10(tmp_path)


def test_the_command_line_knows_its_folder(archive, capsys):
    arguments = f"--data {archive.parent} --depth 8 --epochs 1 --batch-size 10 --precision float32"
    assert command.main(arguments.split()) == 0
    assert "CIFAR-10: 60 training images" in capsys.readouterr().out
