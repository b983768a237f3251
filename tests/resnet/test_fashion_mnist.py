"""Where Fashion-MNIST comes from; the network is a server of this test's own."""

import gzip
import hashlib
import shutil
import struct

import numpy
import pytest
import torch

from resnet import fashion_mnist
from resnet.data import DataError, embedded
from tests.support.programs import QuietHandler, missing, served

RESOURCES = [f"{name}.gz" for name in fashion_mnist.IDX_FILES]


def idx(array):
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def write_idx_files(folder, packed=True):
    """Four small IDX files; returns their hashes in the manner of `fashion_mnist.IDX_FILES`."""
    random, table = numpy.random.default_rng(0), {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (_, header) in fashion_mnist.IDX_FILES.items():
        count = 40 if name.startswith("train") else 20
        labels = (numpy.arange(count) % 10).astype(numpy.uint8)
        images = random.integers(0, 256, (count, 28, 28), dtype=numpy.uint8)
        content = idx(images if "images" in name else labels)
        table[name] = (hashlib.sha256(content).hexdigest(), header)
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return table


@pytest.fixture
def server(tmp_path, monkeypatch):
    """torchvision's own download code, pointed at a local folder, which is returned."""
    from torchvision.datasets import FashionMNIST

    folder = tmp_path / "served"
    monkeypatch.setattr(fashion_mnist, "IDX_FILES", write_idx_files(folder))
    md5 = [hashlib.md5((folder / name).read_bytes()).hexdigest() for name in RESOURCES]
    monkeypatch.setattr(FashionMNIST, "resources", list(zip(RESOURCES, md5, strict=True)))
    with served(folder) as address:
        monkeypatch.setattr(FashionMNIST, "mirrors", [f"{address}/"])
        yield folder


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No source but those that a test sets up."""
    monkeypatch.delenv("RESNET_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def cached(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache").rglob("*") if p.is_file())


def test_sources_are_tried_in_order(tmp_path, monkeypatch, server, capsys):
    """From the last to the first: each is added and then wins."""
    training, _ = fashion_mnist.load_fashion_mnist()
    assert training.source == str(fashion_mnist.cache_folder()) and len(training) == 40
    shutil.rmtree(server)
    assert fashion_mnist.load_fashion_mnist()[0].source == str(fashion_mnist.cache_folder()), (
        "not fetched twice"
    )
    write_idx_files(tmp_path / "debian")
    assert fashion_mnist.load_fashion_mnist()[0].source == str(tmp_path / "debian")
    write_idx_files(tmp_path / "environment", packed=False)
    monkeypatch.setenv("RESNET_DATA", str(tmp_path / "environment"))
    assert fashion_mnist.load_fashion_mnist()[0].source == str(tmp_path / "environment")
    write_idx_files(tmp_path / "given" / "FashionMNIST" / "raw")
    assert fashion_mnist.load_fashion_mnist(str(tmp_path / "given"))[0].source == str(
        tmp_path / "given"
    )
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Fashion")]
    ends = [str(fashion_mnist.cache_folder())] * 2 + ["debian", "environment", "given"]
    assert len(lines) == 5
    assert all(line.endswith(end) for line, end in zip(lines, ends, strict=True))


def test_packed_and_unpacked_files_hold_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "IDX_FILES", write_idx_files(tmp_path / "packed"))
    write_idx_files(tmp_path / "plain", packed=False)
    for one, other in zip(
        fashion_mnist.read_folder(tmp_path / "packed"),
        fashion_mnist.read_folder(tmp_path / "plain"),
        strict=True,
    ):
        assert torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)
    training, test = fashion_mnist.read_folder(tmp_path / "packed")
    expected = numpy.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=numpy.uint8)
    assert numpy.array_equal(training.images[:, 0].numpy(), expected)
    assert training.labels.tolist() == [k % 10 for k in range(40)]
    assert len(test) == 20 and test.mean == training.mean and test.sd == training.sd


def test_without_a_network_the_embedded_images_serve(tmp_path, monkeypatch, capsys):
    from torchvision.datasets import FashionMNIST

    monkeypatch.setattr(FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])
    training, _ = fashion_mnist.load_fashion_mnist()
    assert len(training) == 6000
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and said[0].startswith("Fashion-MNIST cannot be downloaded (")
    assert "the subset that comes with the package" in said[1]
    assert not fashion_mnist.cache_folder().exists() and cached(tmp_path) == []


def test_a_broken_download_leaves_no_cache(tmp_path, server, capsys):
    served = server / RESOURCES[2]
    served.write_bytes(served.read_bytes()[:-20])
    assert len(fashion_mnist.load_fashion_mnist()[0]) == 6000
    assert "cannot be downloaded" in capsys.readouterr().out
    assert cached(tmp_path) == [] and not fashion_mnist.cache_folder().exists()


def test_a_download_that_is_cut_off_leaves_no_cache(tmp_path, server, monkeypatch):
    def cut(self, source, target):
        target.write(source.read()[:100])

    monkeypatch.setattr(QuietHandler, "copyfile", cut)
    assert len(fashion_mnist.load_fashion_mnist()[0]) == 6000
    assert cached(tmp_path) == [] and not fashion_mnist.cache_folder().exists()


def test_an_altered_download_is_refused_after_torchvision_took_it(tmp_path, server, monkeypatch):
    name = "t10k-labels-idx1-ubyte"
    table = {**fashion_mnist.IDX_FILES, name: ("0" * 64, 8)}
    monkeypatch.setattr(fashion_mnist, "IDX_FILES", table)
    with pytest.raises(DataError, match=f"{name} is not Fashion-MNIST's file.*fetch it anew"):
        fashion_mnist.load_fashion_mnist()
    assert cached(tmp_path) == [] and not fashion_mnist.cache_folder().exists()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, OSError])
def test_an_interrupted_download_leaves_no_cache(tmp_path, server, monkeypatch, kind):
    def stop(*_, **__):
        raise kind("stopped")

    monkeypatch.setattr(fashion_mnist.shutil, "move", stop)
    with pytest.raises(kind):
        fashion_mnist.download(fashion_mnist.cache_folder())
    assert cached(tmp_path) == [] and not fashion_mnist.cache_folder().exists()


def test_folders_without_data(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="there is no folder .*nowhere: name one"):
        fashion_mnist.load_fashion_mnist(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no train-images-idx3-ubyte or .*: get all four"):
        fashion_mnist.load_fashion_mnist(tmp_path)
    monkeypatch.setenv("RESNET_DATA", str(tmp_path / "of-the-environment"))
    with pytest.raises(DataError, match="of-the-environment"):
        fashion_mnist.load_fashion_mnist()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=() if "t10k" in each else pytest.mark.slow)
        for each in fashion_mnist.IDX_FILES
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_files_are_named(tmp_path, monkeypatch, name, packed):
    monkeypatch.setattr(fashion_mnist, "IDX_FILES", write_idx_files(tmp_path, packed))
    path = tmp_path / (f"{name}.gz" if packed else name)
    whole = path.read_bytes()
    middle = len(whole) // 2
    altered = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    for content in (whole[:-9], whole[:middle], b"", b"<html>no</html>", altered, whole + b"\0x"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"{path.name} .*fetch it anew") as raised:
            fashion_mnist.read_folder(tmp_path)
        assert "\n" not in str(raised.value)
    path.unlink()
    with pytest.raises(DataError, match=f"holds no {name}"):
        fashion_mnist.read_folder(tmp_path)
    path.mkdir()
    with pytest.raises(DataError, match=f"{path.name} cannot be read"):
        fashion_mnist.read_folder(tmp_path)


@pytest.mark.slow
def test_debians_package_is_the_whole_of_fashion_mnist(monkeypatch):
    monkeypatch.undo()
    if not fashion_mnist.DEBIAN_FOLDER.is_dir():
        missing("Debian's package dataset-fashion-mnist is not installed")
    training, test = fashion_mnist.read_folder(fashion_mnist.DEBIAN_FOLDER)
    assert (len(training), len(test)) == (60_000, 10_000)
    assert training.labels.bincount().tolist() == [6_000] * 10
    small, _ = embedded()
    wanted = {image.numpy().tobytes() for image in small.images}
    assert wanted <= {image.numpy().tobytes() for image in training.images}
