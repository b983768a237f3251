"""Image sets and their parts, and the images that come with the package."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet import data
from resnet.data import DataError, ImageSet
from tests.support.tiny import image_set

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
