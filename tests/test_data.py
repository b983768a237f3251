"""Image sets and where they come from; the network is a server of this test's own."""

import gzip
import hashlib
import http.server
import shutil
import struct
import threading
from functools import partial

import numpy
import pytest
import torch
from conftest import missing
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet import data
from resnet.data import DataError, ImageSet
from tests.tiny import image_set

RESOURCES = [f"{name}.gz" for name in data.IDX_FILES]


def idx(array):
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def write_idx_files(folder, packed=True):
    """Four small IDX files; returns the table of their hashes, as `data.IDX_FILES` has it."""
    random, table = numpy.random.default_rng(0), {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (_, header) in data.IDX_FILES.items():
        count = 40 if name.startswith("train") else 20
        labels = (numpy.arange(count) % 10).astype(numpy.uint8)
        images = random.integers(0, 256, (count, 28, 28), dtype=numpy.uint8)
        content = idx(images if "images" in name else labels)
        table[name] = (hashlib.sha256(content).hexdigest(), header)
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return table


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """torchvision's own download code, pointed at a local folder, which is returned."""
    from torchvision.datasets import FashionMNIST

    folder = tmp_path / "served"
    monkeypatch.setattr(data, "IDX_FILES", write_idx_files(folder))
    served = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    md5 = [hashlib.md5((folder / name).read_bytes()).hexdigest() for name in RESOURCES]
    monkeypatch.setattr(FashionMNIST, "mirrors", [f"http://127.0.0.1:{served.server_port}/"])
    monkeypatch.setattr(FashionMNIST, "resources", list(zip(RESOURCES, md5, strict=True)))
    yield folder
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No source but those that a test sets up."""
    monkeypatch.delenv("RESNET_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "DEBIAN_FOLDER", tmp_path / "debian")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def cached(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache").rglob("*") if p.is_file())


def test_sources_are_tried_in_order(tmp_path, monkeypatch, server, capsys):
    """From the last to the first: each is added and then wins."""
    training, _ = data.load_fashion_mnist()
    assert training.source == str(data.cache_folder()) and len(training) == 40
    shutil.rmtree(server)
    assert data.load_fashion_mnist()[0].source == str(data.cache_folder()), "not fetched twice"
    write_idx_files(tmp_path / "debian")
    assert data.load_fashion_mnist()[0].source == str(tmp_path / "debian")
    write_idx_files(tmp_path / "environment", packed=False)
    monkeypatch.setenv("RESNET_DATA", str(tmp_path / "environment"))
    assert data.load_fashion_mnist()[0].source == str(tmp_path / "environment")
    write_idx_files(tmp_path / "given" / "FashionMNIST" / "raw")
    assert data.load_fashion_mnist(str(tmp_path / "given"))[0].source == str(tmp_path / "given")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Fashion")]
    ends = [str(data.cache_folder())] * 2 + ["debian", "environment", "given"]
    assert len(lines) == 5
    assert all(line.endswith(end) for line, end in zip(lines, ends, strict=True))


def test_packed_and_unpacked_files_hold_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "IDX_FILES", write_idx_files(tmp_path / "packed"))
    write_idx_files(tmp_path / "plain", packed=False)
    for one, other in zip(
        data.read_folder(tmp_path / "packed"), data.read_folder(tmp_path / "plain"), strict=True
    ):
        assert torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)
    training, test = data.read_folder(tmp_path / "packed")
    expected = numpy.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=numpy.uint8)
    assert numpy.array_equal(training.images[:, 0].numpy(), expected)
    assert training.labels.tolist() == [k % 10 for k in range(40)]
    assert len(test) == 20 and test.mean == training.mean and test.sd == training.sd


def test_without_a_network_the_embedded_images_serve(tmp_path, monkeypatch, capsys):
    from torchvision.datasets import FashionMNIST

    monkeypatch.setattr(FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])
    training, _ = data.load_fashion_mnist()
    assert len(training) == 6000
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and said[0].startswith("Fashion-MNIST cannot be downloaded (")
    assert "the subset that comes with the package" in said[1]
    assert not data.cache_folder().exists() and cached(tmp_path) == []


def test_a_broken_download_leaves_no_cache(tmp_path, server, capsys):
    served = server / RESOURCES[2]
    served.write_bytes(served.read_bytes()[:-20])
    assert len(data.load_fashion_mnist()[0]) == 6000
    assert "cannot be downloaded" in capsys.readouterr().out
    assert cached(tmp_path) == [] and not data.cache_folder().exists()


def test_a_download_that_is_cut_off_leaves_no_cache(tmp_path, server, monkeypatch):
    def cut(self, source, target):
        target.write(source.read()[:100])

    monkeypatch.setattr(Quiet, "copyfile", cut)
    assert len(data.load_fashion_mnist()[0]) == 6000
    assert cached(tmp_path) == [] and not data.cache_folder().exists()


def test_an_altered_download_is_refused_after_torchvision_took_it(tmp_path, server, monkeypatch):
    name = "t10k-labels-idx1-ubyte"
    table = {**data.IDX_FILES, name: ("0" * 64, 8)}
    monkeypatch.setattr(data, "IDX_FILES", table)
    with pytest.raises(DataError, match=f"{name} is not Fashion-MNIST's file.*fetch it anew"):
        data.load_fashion_mnist()
    assert cached(tmp_path) == [] and not data.cache_folder().exists()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, OSError])
def test_an_interrupted_download_leaves_no_cache(tmp_path, server, monkeypatch, kind):
    def stop(*_, **__):
        raise kind("stopped")

    monkeypatch.setattr(data.shutil, "move", stop)
    with pytest.raises(kind):
        data.download(data.cache_folder())
    assert cached(tmp_path) == [] and not data.cache_folder().exists()


def test_folders_without_data(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="there is no folder .*nowhere: name one"):
        data.load_fashion_mnist(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no train-images-idx3-ubyte or .*: get all four"):
        data.load_fashion_mnist(tmp_path)
    monkeypatch.setenv("RESNET_DATA", str(tmp_path / "of-the-environment"))
    with pytest.raises(DataError, match="of-the-environment"):
        data.load_fashion_mnist()


@pytest.mark.parametrize("name", list(data.IDX_FILES))
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_files_are_named(tmp_path, monkeypatch, name, packed):
    monkeypatch.setattr(data, "IDX_FILES", write_idx_files(tmp_path, packed))
    path = tmp_path / (f"{name}.gz" if packed else name)
    whole = path.read_bytes()
    middle = len(whole) // 2
    altered = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    for content in (whole[:-9], whole[:middle], b"", b"<html>no</html>", altered, whole + b"\0x"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"{path.name} .*fetch it anew") as raised:
            data.read_folder(tmp_path)
        assert "\n" not in str(raised.value)
    path.unlink()
    with pytest.raises(DataError, match=f"holds no {name}"):
        data.read_folder(tmp_path)
    path.mkdir()
    with pytest.raises(DataError, match=f"{path.name} cannot be read"):
        data.read_folder(tmp_path)


def test_debians_package_is_the_whole_of_fashion_mnist(monkeypatch):
    monkeypatch.undo()
    if not data.DEBIAN_FOLDER.is_dir():
        missing("Debian's package dataset-fashion-mnist is not installed")
    training, test = data.read_folder(data.DEBIAN_FOLDER)
    assert (len(training), len(test)) == (60_000, 10_000)
    assert training.labels.bincount().tolist() == [6_000] * 10
    small, _ = data.embedded()
    wanted = {image.numpy().tobytes() for image in small.images}
    assert wanted <= {image.numpy().tobytes() for image in training.images}


# ----------------------------------------------------------------- the embedded images


def test_the_embedded_images_are_stratified_and_normalised():
    training, test = data.embedded()
    assert training.labels.bincount().tolist() == [600] * 10
    assert test.labels.bincount().tolist() == [200] * 10
    assert tuple(training.images.shape[1:]) == (1, 28, 28)
    X, y = training.batch(slice(None))
    assert X.dtype == torch.float32 and torch.equal(y, training.labels)
    assert X.mean().item() == pytest.approx(0, abs=1e-4)
    assert X.std().item() == pytest.approx(1, abs=1e-4)
    assert test.mean == training.mean and test.sd == training.sd
    seen = {image.numpy().tobytes() for image in training.images}
    assert not any(image.numpy().tobytes() in seen for image in test.images)


def test_the_first_images_of_the_embedded_set_hold_every_class():
    """Chapters take a slice off its split, so the order must not be by class."""
    training, _ = data.split(data.embedded()[0], 1000)
    share = training.subset(slice(3000)).labels.bincount(minlength=10) / 3000
    assert share.min() > 0.08 and share.max() < 0.12


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no archive", None])
def test_a_damaged_embedded_file(tmp_path, monkeypatch, content):
    whole = (data.files("resnet") / "assets" / "fashion_mnist_subset.npz").read_bytes()
    (tmp_path / "assets").mkdir()
    damaged = tmp_path / "assets" / "fashion_mnist_subset.npz"
    damaged.write_bytes(whole[: len(whole) // 2] if content is None else content)
    monkeypatch.setattr(data, "files", lambda _: tmp_path)
    with pytest.raises(DataError, match="fashion_mnist_subset.npz is damaged, install"):
        data.embedded()
    altered = bytearray(whole)
    altered[len(whole) // 2] ^= 255
    damaged.write_bytes(altered)
    with pytest.raises(DataError, match="fashion_mnist_subset.npz is damaged, install"):
        data.embedded()


# ----------------------------------------------------------------- image sets and splits


@settings(deadline=None, max_examples=40)
@given(count=st.integers(2, 60), seed=st.integers(0, 2**31), share=st.floats(0, 1))
def test_split_is_disjoint_and_exhaustive(count, seed, share):
    held_out = min(max(1, int(share * count)), count - 1)
    images = ImageSet(
        torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).clone(),
        torch.zeros(count, dtype=torch.int64), ("one",), (0.5,), (0.5,), "a test",
    )  # fmt: skip
    training, validation = data.split(images, held_out, seed)
    parts = [part.images.flatten().tolist() for part in (training, validation)]
    assert len(validation) == held_out
    assert sorted(parts[0] + parts[1]) == list(range(count))
    again, _ = data.split(images, held_out, seed)
    assert torch.equal(again.images, training.images)


def test_another_seed_splits_otherwise():
    one, other = (data.split(image_set(50), 20, seed)[1].images for seed in (0, 1))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("held_out", [-1, 0, 24, 25])
def test_splits_that_leave_nothing(held_out):
    with pytest.raises(DataError, match=f"hold out {held_out} of 24"):
        data.split(image_set(24), held_out)


def test_a_batch_is_normalised_by_channel():
    images = image_set(6, channels=2)
    images = data.replace(images, mean=(0.1, 0.4), sd=(0.5, 0.2))
    rows = torch.tensor([4, 1])
    X, y = images.batch(rows)
    for channel, (mean, sd) in enumerate(zip(images.mean, images.sd, strict=True)):
        expected = (images.images[rows, channel] / 255 - mean) / sd
        torch.testing.assert_close(X[:, channel], expected)
    assert y.tolist() == images.labels[rows].tolist()
    assert images.images.dtype == torch.uint8


def test_subsets_and_devices_keep_the_rest():
    images = image_set(10)
    part = images.subset(torch.tensor([7, 2])).to("cpu")
    assert torch.equal(part.images, images.images[[7, 2]])
    assert (part.class_names, part.mean, part.source) == (
        images.class_names, images.mean, images.source)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": torch.zeros(4, 1, 8, 8)}, "uint8 .*not torch.float32 of shape"),
        (
            {"images": torch.zeros(4, 8, 8, dtype=torch.uint8)},
            r"not torch.uint8 of shape \(4, 8, 8",
        ),
        ({"images": torch.zeros(0, 1, 8, 8, dtype=torch.uint8)}, "from a test is empty"),
        ({"labels": torch.zeros(3, dtype=torch.int64)}, r"4 images .*shape \(3,\)"),
        ({"labels": torch.zeros(4)}, "int64 labels, not torch.float32"),
        ({"labels": torch.tensor([0, 1, 4, 2])}, "labels run from 0 to 4, outside 0 to 3"),
        ({"labels": torch.tensor([0, -1, 3, 2])}, "labels run from -1 to 3, outside 0 to 3"),
        ({"mean": (0.1, 0.2, 0.3)}, "1 channels need as many means and SDs, not 3 and 1"),
    ],
)
def test_what_is_no_image_set(change, words):
    with pytest.raises(DataError, match=words) as raised:
        data.replace(image_set(4), **change)
    assert isinstance(raised.value, ValueError)


def test_an_empty_subset_is_refused():
    with pytest.raises(DataError, match="empty"):
        image_set(4).subset(slice(4, None))
