"""Folders of images as people have them: what is read, and what is named, skipped or refused."""

import io
import os
import random
import shutil
import sys

import numpy
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from resnet import __main__ as command
from resnet import training
from resnet.data import DataError
from resnet.datasets import augmentation, crops, image_files
from resnet.datasets.image_files import BadImageError
from resnet.datasets.image_folder import load_image_folder
from tests.support.photographs import cut_off, pixels, png_of_16_bits
from tests.support.tiny import image_set

SIZES = {"size": 16, "workers": 2}


def photo(path, seed=0, size=(40, 30), mode="RGB", **options):
    """A noisy image, brighter by `seed`, in the format of its file's ending."""
    channels = {"RGB": 3, "L": 1, "CMYK": 4}[mode]
    noise = numpy.random.default_rng(seed).integers(0, 99, (*size[::-1], channels), numpy.uint8)
    pixels = noise + numpy.uint8(20 * (seed % 7))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.squeeze() if mode == "L" else pixels, mode=mode).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes with seven and three whole images each."""
    for part, count in (("train", 7), ("val", 3)):
        for name in ("Äpfel", "梨 b"):
            for number in range(count):
                photo(tmp_path / part / name / f"{number}.jpg", number)
    return tmp_path


def corrupt(path):
    """A damage in the middle of a PNG, which its first and last bytes do not tell."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(content)


def make_bad(folder):
    """One file of each kind of trouble; returns a part of what each is named by."""
    first = folder / "train" / "Äpfel"
    cut_off(photo(first / "truncated ü.jpg", size=(200, 200)))
    (first / "text.jpg").write_text("no image")
    (first / "empty.png").touch()
    png_of_16_bits(first / "huge.png", pixels(channels=1)[..., None], said=(30_000, 30_000))
    (first / "loop.jpg").symlink_to("loop.jpg")
    os.close(os.open(os.fsencode(first) + b"/\xff\xfe.jpg", os.O_CREAT))
    (folder / "train" / "leer").mkdir()
    cut_off(photo(folder / "val" / "梨 b" / "cut.png"), 0.9)
    return {
        "truncated ü.jpg: image file is truncated",
        "text.jpg: not an image",
        "empty.png: not an image",
        "huge.png: more pixels than --most-megapixels allows",
        "loop.jpg: ",
        "\\xff\\xfe.jpg: not an image",
        "leer: a class without images",
        "cut.png: ",
    }


def test_classes_are_folders_and_images_are_theirs(folder):
    training_part, validation = load_image_folder(folder, **SIZES)
    assert training_part.class_names == validation.class_names == ("Äpfel", "梨 b")
    assert (len(training_part), len(validation)) == (14, 6)
    assert training_part.labels.tolist() == [0] * 7 + [1] * 7
    X, y = validation.batch(slice(2, 4))
    assert X.shape == (2, 3, 16, 16) and X.dtype == torch.float32 and y.tolist() == [0, 1]


def test_bad_files_are_named_before_training_and_refused(folder, capsys):
    faults = make_bad(folder)
    with pytest.raises(DataError, match=r"named above: 8; .*--bad-images skip") as raised:
        load_image_folder(folder, **SIZES)
    assert "\n" not in str(raised.value)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Bad: ")]
    assert len(said) == len(faults)
    for part in faults:
        assert sum(part in line for line in said) == 1, part


def test_bad_files_are_named_counted_and_skipped(folder, capsys):
    make_bad(folder)
    for name in (".DS_Store", "._0.jpg", "Thumbs.db", "notes.txt"):
        (folder / "train" / "Äpfel" / name).write_text("not an image")
    (folder / "train" / ".cache").mkdir()
    images, validation = load_image_folder(folder, **SIZES, bad_images="skip")
    assert (len(images), len(validation)) == (14, 6)
    assert images.class_names == ("leer", "Äpfel", "梨 b"), "an empty class keeps its number"
    *_, last = capsys.readouterr().out.splitlines()
    assert "14 images in train and 6 in val; skipped: 8; files of other kinds: 2" in last


def damage_behind_the_check(folder):
    """Images of which two are damaged after they were looked at, one of them in validation."""
    for number, part in ((3, "train"), (1, "val")):
        path = folder / part / "Äpfel" / f"{number}.png"
        photo(path, size=(64, 64))
        corrupt(path)
        assert image_files.fault(path) is None
    return [f"Äpfel{os.sep}3.png", f"Äpfel{os.sep}1.png"]


def test_damage_that_is_met_in_mid_epoch_is_named_and_refused(folder):
    damage_behind_the_check(folder)
    images, validation = load_image_folder(folder, **SIZES)
    for part, name in ((images, "3.png"), (validation, "1.png")):
        with pytest.raises(BadImageError, match=f"Äpfel.{name}: "):
            list(part.batches([torch.arange(len(part))], None if part is validation else 0))
    images.files[0].unlink()
    with pytest.raises(BadImageError, match=r"0.jpg: No such file"):
        list(images.batches([torch.arange(3)], 0))


def test_damage_that_is_met_in_mid_epoch_is_named_and_skipped(folder, capsys):
    damage_behind_the_check(folder)
    images, validation = load_image_folder(folder, **SIZES, bad_images="skip")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
    options = {"epochs": 2, "batch_size": 5, "precision": "float32", "device": "cpu"}
    history = training.fit(model, images, validation, **options)
    assert history.settings["image_size"] == 16 and len(history.epochs) == 2
    said = capsys.readouterr().out
    for name in ("3.png", "1.png"):
        assert said.count(f"{name}: ") == 1, "named once"
    assert sorted(name[-5:] for name in {**images.bad, **validation.bad}) == ["1.png", "3.png"]
    seen = [y for _, y in validation.batches([torch.arange(7)])]
    assert len(validation) == 7 and len(seen[0]) == 6, "and not counted"
    order = [torch.arange(len(images))]
    ((whole, labels),) = images.batches(order, 4)
    assert len(labels) == len(images), "the next image stands in"
    halves = list(images.batches([order[0][0::2], order[0][1::2]], 4))
    for start, (X, y) in enumerate(halves):
        assert torch.equal(X, whole[start::2]) and torch.equal(y, labels[start::2])


def test_crops_depend_on_seed_epoch_and_index_alone(folder):
    def cropped(indices, epoch, **options):
        images, _ = load_image_folder(folder, **{**SIZES, **options})
        ((X, _),) = images.batches([torch.tensor(indices)], epoch)
        return X

    one = cropped([1, 5, 9], 2)
    assert torch.equal(one, cropped([9, 1, 5], 2)[[1, 2, 0]])
    assert torch.equal(one, cropped([1, 5, 9], 2, workers=5))
    for other in (cropped([1, 5, 9], 3), cropped([1, 5, 9], 2, seed=1)):
        assert not torch.equal(one, other)


def test_random_crops_are_of_the_same_sizes_as_torchvisions():
    draw = random.Random(0)
    boxes = [crops.at_random(400, 300, draw) for _ in range(2000)]
    assert all(0 <= a < c <= 400 and 0 <= b < d <= 300 for a, b, c, d in boxes)
    torch.manual_seed(0)
    image = torch.zeros(3, 300, 400)
    theirs = [v2.RandomResizedCrop(9).make_params([image]) for _ in range(2000)]
    ours = torch.tensor([[d - b, c - a, b, a] for a, b, c, d in boxes]).double()
    theirs = torch.tensor([[p[k] for k in ("height", "width", "top", "left")] for p in theirs])
    torch.testing.assert_close(ours.mean(0), theirs.double().mean(0), rtol=0.04, atol=2.0)


@pytest.mark.parametrize("size", [(30_000, 1), (1, 30_000), (1, 1), (3, 2)])
def test_crops_of_extreme_images_stay_inside(size):
    draw = random.Random(1)
    for box in (*(crops.at_random(*size, draw) for _ in range(50)), crops.at_centre(*size, 7 / 8)):
        assert 0 <= box[0] < box[2] <= size[0] and 0 <= box[1] < box[3] <= size[1]
        assert crops.cut(Image.new("RGB", size), box, 8).shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: [shutil.rmtree(f / p / "Äpfel") for p in ("train", "val")], "two classes"),
        (
            lambda f: [path.unlink() for path in (f / "val").rglob("*.jpg")],
            "none to validate on",
        ),
    ],
)
def test_folders_that_cannot_be_trained_on(folder, spoil, words):
    spoil(folder)
    with pytest.raises(DataError, match=words):
        load_image_folder(folder, **SIZES)


@pytest.mark.parametrize("options", [{"size": 0}, {"size": 32, "resize": 16}, {"workers": 0}])
def test_sizes_that_make_no_sense(folder, options):
    with pytest.raises(ValueError, match="images need a size"):
        load_image_folder(folder, **options)


@pytest.mark.parametrize("options", [{"most_bad": 1.0}, {"most_bad": -0.1}, {"most_pixels": 0}])
def test_bounds_that_make_no_sense(folder, options):
    with pytest.raises(ValueError, match="the share of bad images"):
        load_image_folder(folder, **options)


def damaged_behind_the_check(folder, part, name, count):
    """Replaces the first images of a class by ones that are found bad when they are decoded."""
    for number in range(count):
        (folder / part / name / f"{number}.jpg").unlink()
        path = photo(folder / part / name / f"{number}.png", number, size=(64, 64))
        corrupt(path)


@pytest.mark.parametrize(
    ("part", "count", "words"),
    [
        ("train", 5, "train: 5 of 14 images are bad by now, and .* no more than 30%"),
        ("val", 2, "val: 2 of 6 images are bad by now"),
        ("val", 3, "no image of class Äpfel can be decoded"),
    ],
)
def test_skipping_has_a_bound_in_mid_epoch(folder, part, count, words):
    damaged_behind_the_check(folder, part, "Äpfel", count)
    most = {"most_bad": 0.9} if "class" in words else {}
    parts = load_image_folder(folder, **SIZES, bad_images="skip", **most)
    images, epoch = (parts[0], 0) if part == "train" else (parts[1], None)
    with pytest.raises(BadImageError, match=words):
        list(images.batches([torch.arange(len(images))], epoch))


def test_what_was_bad_before_counts_in_mid_epoch(folder):
    damaged_behind_the_check(folder, "train", "Äpfel", 2)
    for name in ("2.jpg", "3.jpg"):
        (folder / "train" / "梨 b" / name).write_text("no image")
    images, _ = load_image_folder(folder, **SIZES, bad_images="skip")
    list(images.batches([torch.arange(len(images))], 0))
    (folder / "train" / "梨 b" / "6.jpg").write_text("no image")
    with pytest.raises(BadImageError, match="train: 5 of 14 images are bad by now"):
        list(images.batches([torch.arange(len(images))], 1))


def test_without_augmentation_training_sees_the_centre(folder):
    images, _ = load_image_folder(folder, **SIZES, augment=False)
    order = [torch.arange(len(images))]
    seen = [X for epoch in (None, 0, 1) for X, _ in images.batches(order, epoch)]
    assert torch.equal(seen[0], seen[1]) and torch.equal(seen[0], seen[2])
    assert images.settings()["augment"] is False


def test_a_digest_is_of_files_sizes_and_classes_in_order(folder, tmp_path_factory):
    def digests(place):
        return [part.digest() for part in load_image_folder(place, **SIZES)]

    first = digests(folder)
    elsewhere = tmp_path_factory.mktemp("moved") / "photos"
    shutil.copytree(folder, elsewhere)
    assert digests(elsewhere) == first and first[0] != first[1]
    image = elsewhere / "train" / "Äpfel" / "0.jpg"
    whole = image.read_bytes()
    image.write_bytes(whole + b"\0")
    assert digests(elsewhere)[0] != first[0] and digests(elsewhere)[1] == first[1]
    image.write_bytes(whole)
    assert digests(elsewhere) == first
    image.rename(image.with_name("another.jpg"))
    assert digests(elsewhere)[0] != first[0]
    image.with_name("another.jpg").rename(image)
    for part in ("train", "val"):
        (elsewhere / part / "梨 b").rename(elsewhere / part / "梨")
    assert digests(elsewhere)[0] != first[0] and digests(elsewhere)[1] != first[1]


def test_a_class_may_be_spelt_with_combining_characters(folder):
    (folder / "val" / "Äpfel").rename(folder / "val" / "A\u0308pfel")
    images, validation = load_image_folder(folder, **SIZES)
    assert validation.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert image_files.fault(folder / "val" / "A\u0308pfel" / "0.jpg") is None
    validation.batch(slice(6))


def test_the_command_line_refuses_in_one_sentence_on_any_screen(folder, monkeypatch):
    make_bad(folder)
    screens = [io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2)]
    for name, screen in zip(("stdout", "stderr"), screens, strict=True):
        monkeypatch.setattr(sys, name, screen)
    assert command.main(["train", "--data", str(folder), "--image-size", "16"]) == 1
    for screen in screens:
        screen.seek(0)
    out, error = (screen.read() for screen in screens)
    assert "text.jpg: not an image" in out and "truncated \\xfc.jpg" in out
    *_, last = error.splitlines()
    assert last.startswith("resnet: ") and "has faults, named above: 8" in last


def test_the_command_line_trains_on_what_is_left(folder, capsys):
    make_bad(folder)
    arguments = f"train --data {folder} --image-size 16 --bad-images skip --depth 8 --epochs 1"
    arguments += (
        " --batch-size 6 --accumulation 2 --schedule steps --warm-up 0.5 --precision float32"
    )
    assert command.main(arguments.split()) == 0
    assert "residual-8 on cpu" in capsys.readouterr().out


# ----------------------------------------------------------------- images on the device


def test_shifts_and_flips_depend_on_seed_epoch_and_index_alone():
    images = image_set(20, channels=3, side=12)
    varied = augmentation.augmented(images, seed=3)
    ((whole, y),) = varied.batches([torch.arange(20)], 1)
    assert torch.equal(y, images.labels) and not torch.equal(whole, images.batch(slice(None))[0])
    ((part, _),) = varied.batches([torch.tensor([7, 2])], 1)
    assert torch.equal(part, whole[[7, 2]])
    ((other, _),) = varied.batches([torch.arange(20)], 2)
    assert not torch.equal(whole, other)
    for plain in (varied.batches([torch.arange(20)]), [varied.batch(slice(None))]):
        assert torch.equal(next(iter(plain))[0], images.batch(slice(None))[0])


def test_what_is_shifted_is_the_image():
    images = image_set(200, side=12)
    ((moved, _),) = augmentation.augmented(images, 0).batches([torch.arange(200)], 0)
    X, _ = images.batch(slice(None))
    padded = torch.nn.functional.pad(X, (4, 4, 4, 4))
    for image, result in zip(padded, moved, strict=True):
        windows = [image[:, a : a + 12, b : b + 12] for a in range(9) for b in range(9)]
        assert any(torch.equal(result, w) or torch.equal(result, w.flip(2)) for w in windows)
