"""Wrong and odd folders of images: how many images and classes are found, and what must be said."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image, ImageFile

from resnet.data import DataError
from resnet.datasets import duplicates, listing
from resnet.datasets.image_folder import load_image_folder
from tests.support.photographs import cut_off, photos, picture, pixels, png_of_16_bits, rest, save

TRAIN, VAL = 12, 6  # images of three classes in `photos`
GREYS = numpy.tile(numpy.arange(40), (30, 1))


@dataclass(frozen=True)
class Found:
    """What is read in the end; words that must be said, and words that must not."""

    train: int = TRAIN
    val: int = VAL
    classes: tuple[str, ...] = ("cat", "dog", "owl")
    says: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """Words of the refusal, and of what is said before it."""

    words: tuple[str, ...]
    options: dict = field(default_factory=dict)


SKIP = {"bad_images": "skip"}


# ----------------------------------------------------------------- what is made


def in_train(name, **options):
    """A maker of one further photograph in the class cat."""
    return lambda f: save(f / "train" / "cat" / name, **options)


def file_in_train(name, content=b"no image"):
    def make(f):
        path = f / "train" / "cat" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return make


def in_cat(act, name="new.jpg", **options):
    """A maker of a photograph to which `act` is done."""
    return lambda f: act(save(f / "train" / "cat" / name, picture((400, 300)), **options))


def spoilt(count, name="cat"):
    """A maker that spoils so many of the four training images of a class."""

    def make(f):
        for number in range(count):
            (f / "train" / name / f"{number}.jpg").write_bytes(b"no image")

    return make


def emptied(part, name):
    return lambda f: [path.unlink() for path in (f / part / name).iterdir()]


def linked_folder(f):
    for number in range(5):
        save(f.parent / "second camera" / f"{number}.jpg")
    (f / "train" / "dog" / "more").symlink_to(f.parent / "second camera")


def linked_twice(f):
    linked_folder(f)
    (f / "train" / "dog" / "once more").symlink_to(f.parent / "second camera")


def linked_class(f):
    shutil.move(f / "train" / "cat", f.parent / "cats")
    (f / "train" / "cat").symlink_to(f.parent / "cats")


def loop(f):
    (f / "train" / "dog" / "round").symlink_to(f / "train" / "dog")
    (f / "train" / "dog" / "up").symlink_to(f)


def link_into_a_class(f):
    (f / "train" / "cat" / "zoo").symlink_to(f / "train" / "owl")


def linked_photograph(f):
    (f / "train" / "cat" / "linked.jpg").symlink_to(save(f.parent / "elsewhere.jpg"))


def broken_link(f):
    (f / "train" / "cat" / "gone.jpg").symlink_to(f.parent / "nowhere.jpg")


def folders_of_programs(f):
    for name in ("@eaDir", "__MACOSX", "lost+found", ".ipynb_checkpoints"):
        save(f / "train" / name / "thumbnail.jpg")
    save(f / "train" / "cat" / "@eaDir" / "0.jpg" / "SYNOPHOTO_THUMB_M.jpg")


def twins(f):
    shutil.copy(f / "train" / "cat" / "1.jpg", f / "val" / "dog" / "twin.jpg")


def of_equal_size(f):
    values = pixels()
    for part in ("train", "val"):
        values[0] = len(part)
        save(f / part / "cat" / "alike.ppm", values)


def deep(highest, count=2):
    """Grey images of 16 bits: one goes up to `highest`, the others are darker."""

    def make(f):
        for number in range(count):
            values = GREYS * highest // 39 // (1 + number)
            save(f / "train" / "cat" / f"deep {number}.png", values.astype(numpy.uint16))

    return make


def floats(values):
    return lambda f: save(f / "train" / "cat" / "floats.tif", numpy.float32(values))


def colours_of_16_bits(highest):
    values = numpy.stack([GREYS * highest // 39] * 3, axis=2)
    return lambda f: png_of_16_bits(f / "train" / "cat" / "colours.png", values)


def transparent(f):
    for number in range(2):
        save(f / "train" / "cat" / f"clear {number}.png", pixels(channels=4))


def animated(f):
    frames = [picture() for _ in range(3)]
    for name in ("moves.gif", "pages.tif", "moves.webp"):
        save(f / "train" / "cat" / name, frames[0], save_all=True, append_images=frames[1:])


def many_kinds(f):
    save(f / "train" / "cat" / "print.jpg", picture().convert("CMYK"))
    save(f / "train" / "cat" / "lab.tif", Image.new("LAB", (40, 30)))
    save(f / "train" / "cat" / "palette.png", picture().convert("P"))


def many_endings(f):
    for ending in ("jfif", "JPE", "tif", "avif", "webp", "gif", "bmp", "ppm", "pbm", "jp2"):
        image = picture().convert("1") if ending == "pbm" else picture()
        save(f / "train" / "cat" / f"photo.{ending}", image)


def another_content(f):
    save(f / "train" / "cat" / "photo.png").rename(f / "train" / "cat" / "photo.jpg")


def white_page(f):
    save(f / "train" / "cat" / "page.jpg", Image.new("RGB", (900, 900), "white"), optimize=True)


def sky(f):
    values = numpy.full((600, 400, 3), 255, numpy.uint8)
    values[:300] = pixels((400, 300))
    save(f / "train" / "cat" / "sky.jpg", values, optimize=True)


def grey_page(f):
    save(f / "train" / "cat" / "page.jpg", Image.new("RGB", (900, 900), (128, 128, 128)))


def padded(path):
    path.write_bytes(path.read_bytes() + bytes(5000))


def with_a_film(path):
    path.write_bytes(path.read_bytes() + numpy.random.default_rng(0).bytes(9000))


def with_a_padded_film(path):
    with_a_film(path)
    padded(path)


def wide_open(f):
    save(f / "train" / "cat" / "wide.png", Image.new("1", (20_000, 10_000)))


def too_wide(f):
    save(f / "train" / "cat" / "wide.png", Image.new("1", (20_001, 10_000)))


def link_to_a_lost_folder(f):
    (f / "train" / "cat" / "more").symlink_to(f.parent / "on another disk")


def pipe(f):
    os.mkfifo(f / "train" / "cat" / "pipe.jpg")


def nothing(f):
    pass


CASES = {
    # classes
    "nothing odd": (nothing, Found(silent=("Left out", "Note", ";  "))),
    "a class that val has not": (
        lambda f: shutil.rmtree(f / "val" / "cat"),
        Found(val=4, says=("Note: val has no image of 1 of 3 classes: cat",)),
    ),
    "a class that is empty in val": (
        emptied("val", "owl"),
        Found(val=4, says=("val has no image of 1 of 3 classes: owl",)),
    ),
    "a class that is empty in train": (
        emptied("train", "owl"),
        Refused(("train/owl: a class without images", "--bad-images skip")),
    ),
    "a class that train has not": (
        lambda f: shutil.rmtree(f / "train" / "dog"),
        Refused(("classes that train has not: dog",)),
    ),
    "all of a class is bad": (
        spoilt(4),
        Refused(("class cat are bad (4)", "no whole class"), SKIP),
    ),
    "all of a class is bad in val": (
        lambda f: [path.write_bytes(b"") for path in (f / "val" / "dog").iterdir()],
        Refused(("val: all images of class dog are bad (2)",), SKIP),
    ),
    "three of twelve are bad": (
        spoilt(3),
        Found(train=9, says=("Skipped: ", "cat/2.jpg: not an image", "skipped: 3"), options=SKIP),
    ),
    "three of twelve, and a tenth may be": (
        spoilt(3),
        Refused(("3 of 12 images are bad", "no more than 10%"), {**SKIP, "most_bad": 0.1}),
    ),
    "four of twelve are bad": (
        lambda f: (spoilt(2)(f), spoilt(2, "owl")(f)),
        Refused(("train: 4 of 12 images are bad", "--most-bad"), SKIP),
    ),
    # what belongs to no class, or to other programs
    "an image in no class": (
        lambda f: save(f / "train" / "stray.jpg"),
        Found(says=("Left out: images in no class: 1: ", "train/stray.jpg")),
    ),
    "folders of other programs": (
        folders_of_programs,
        Found(says=("folders of other programs: 5: ", "@eaDir", "__MACOSX", "lost+found")),
    ),
    "files of other programs": (
        lambda f: (file_in_train("Thumbs.db")(f), file_in_train(".DS_Store")(f)),
        Found(says=("files of other kinds: 1: ", "Thumbs.db", "hidden files and folders: 1: ")),
    ),
    "a picture of the sensor": (
        file_in_train("raw.CR2"),
        Found(says=("pictures .cr2, which Pillow cannot read here: 1: ", "raw.CR2")),
    ),
    "a class of nothing but raw pictures": (
        lambda f: [path.rename(path.with_suffix(".cr2")) for path in (f / "train/cat").iterdir()],
        Refused(("train/cat: a class without images",)),
    ),
    "a class of nothing but raw pictures, skipped": (
        lambda f: [path.rename(path.with_suffix(".cr2")) for path in (f / "train/cat").iterdir()],
        Refused(("nothing of class cat can be read, and no class is left out", "0.cr2"), SKIP),
    ),
    "a class of nothing but raw pictures in val": (
        lambda f: [path.rename(path.with_suffix(".heic")) for path in (f / "val/cat").iterdir()],
        Refused(("val: nothing of class cat can be read", "0.heic")),
    ),
    "an empty class, skipped": (emptied("train", "owl"), Found(8, options=SKIP)),
    "a pipe": (pipe, Found(says=("pipes and devices: 1: ", "pipe.jpg"))),
    # links
    "a linked folder": (linked_folder, Found(train=17)),
    "a folder linked twice": (
        linked_twice,
        Found(train=17, says=("links to folders that are read already", "dog/once more")),
    ),
    "a linked class": (linked_class, Found()),
    "links in circles": (loop, Found(says=("lie around the link: 2: ", "dog/round", "dog/up"))),
    "a class linked into another": (link_into_a_class, Found(says=("read already", "cat/zoo"))),
    "a linked photograph": (linked_photograph, Found(train=13)),
    "a broken link": (broken_link, Refused(("gone.jpg: No such file",))),
    "a link to a folder that is gone": (
        link_to_a_lost_folder,
        Found(says=("links that lead nowhere: 1: ", "cat/more")),
    ),
    # the same photograph twice
    "one photograph in both parts": (
        twins,
        Found(val=7, says=("Note: the same photographs in train and val: 1: ", "twin.jpg")),
    ),
    "another of equal size and end": (of_equal_size, Found(13, 7, silent=("the same photo",))),
    # endings
    "many endings": (many_endings, Found(train=22)),
    "a PNG that is called JPG": (another_content, Found(train=13)),
    "a photograph with a name of two dots": (in_train("my.cat.jpeg"), Found(train=13)),
    # whole or not
    "cut off": (in_cat(cut_off), Refused(("new.jpg: image file is truncated",))),
    "an empty file": (file_in_train("empty.png", b""), Refused(("empty.png: not an image",))),
    "a page of HTML": (file_in_train("page.jpg", b"<html>"), Refused(("page.jpg: not an",))),
    "the rest is zeros": (in_cat(lambda p: rest(p, "zeros")), Refused(("new.jpg: ",))),
    "the last tenth is zeros": (in_cat(lambda p: rest(p, "zeros", 0.1)), Refused(("new.jpg: ",))),
    "zeros and an end": (in_cat(lambda p: rest(p, "zeros and end")), Refused(("new.jpg: the r",))),
    "zeros, good quality": (
        in_cat(lambda p: rest(p, "zeros and end", 0.1), quality=95),
        Refused(("new.jpg: the rest",)),
    ),
    "zeros, progressive": (
        in_cat(lambda p: rest(p, "zeros and end", 0.1), progressive=True),
        Refused(("new.jpg: the rest of the file is zeros",)),
    ),
    "a white page, whose data are zeros": (white_page, Found(train=13)),
    "a white half, whose data are zeros": (sky, Found(train=13)),
    "a grey page": (grey_page, Found(train=13)),
    "zeros behind the end": (in_cat(padded), Found(train=13)),
    "a film behind the end": (in_cat(with_a_film), Found(train=13)),
    "a film and zeros behind the end": (in_cat(with_a_padded_film), Found(train=13)),
    # depth and colour
    "16 bits of which 8 are used": (
        deep(178),
        Found(train=14, says=("2 of more than 8 bits (integers), in which white is 255,",)),
    ),
    "16 bits of which 12 are used": (deep(3000), Found(14, says=("white is 4,095, the least",))),
    "all 16 bits": (
        deep(65_000, 3),
        Found(train=15, says=("3 of more than 8 bits (integers)", "white is 65,535")),
    ),
    "floats up to 1": (floats(GREYS / 39), Found(13, says=("(floats)", "white is 1,"))),
    "floats below 0": (floats(GREYS - 9), Refused(("floats.tif: some of its values are below 0",))),
    "floats that are none": (
        floats(numpy.where(GREYS, GREYS, numpy.nan)),
        Refused(("floats.tif: some of its values",)),
    ),
    "dark colours of 16 bits": (
        colours_of_16_bits(4000),
        Refused(("colours.png: 16 bits per channel of which no more than 4,095 is used",)),
    ),
    "colours of 16 bits": (
        colours_of_16_bits(60_000),
        Found(train=13, says=("1 of more than 8 bits (16-bit colours)",)),
    ),
    "transparent": (transparent, Found(train=14, says=("2 with transparency, laid on white",))),
    "several frames": (animated, Found(15, says=("3 of several frames: the first is read",))),
    "print, Lab and palette": (
        many_kinds,
        Found(15, says=("1 in CMYK", "1 in LAB", "1 with a palette")),
    ),
    "200 megapixels": (wide_open, Found(train=13)),
    "more than 200 megapixels": (
        too_wide,
        Refused(("wide.png: more pixels than --most-megapixels allows",)),
    ),
    "more megapixels, which are allowed": (
        too_wide,
        Found(13, options={"most_pixels": 201_000_000}),
    ),
}


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("case", CASES)
def test_a_folder_is_read_right_or_what_is_wrong_is_said(tmp_path, capsys, case):
    make, outcome = CASES[case]
    make(photos(tmp_path / "photos"))
    options = {"size": 16, "workers": 1, **outcome.options}
    if isinstance(outcome, Refused):
        with pytest.raises(DataError) as raised:
            load_image_folder(tmp_path / "photos", **options)
        said = f"{capsys.readouterr().out}{raised.value}"
        assert all(word in said for word in outcome.words), said
        assert "\n" not in str(raised.value)
        return
    training, validation = load_image_folder(tmp_path / "photos", **options)
    said = capsys.readouterr().out
    assert (len(training), len(validation)) == (outcome.train, outcome.val), said
    assert training.class_names == outcome.classes
    assert all(word in said for word in outcome.says), said
    assert not any(word in said for word in outcome.silent), said
    if "megapixels" not in case:
        ((X, _),) = training.batches([torch.arange(len(training))], 0)
        assert X.isfinite().all()


@pytest.mark.parametrize(
    ("place", "options", "words"),
    [
        ("train/cat/private", {}, "cat/private: a folder that cannot be listed: Permission denied"),
        ("train/owl", SKIP, "train: nothing of class owl can be read"),
        ("val/owl", SKIP, "val: nothing of class owl can be read"),
        ("val", SKIP, "val cannot be listed: Permission denied"),
    ],
)
def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path, monkeypatch, capsys, place, options, words
):
    photos(tmp_path)
    save(tmp_path / "train" / "cat" / "private" / "0.jpg")
    scan = os.scandir

    def forbidden(folder):
        if tmp_path / place == Path(folder):
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(listing.os, "scandir", forbidden)
    with pytest.raises(DataError) as raised:
        load_image_folder(tmp_path, size=16, **options)
    assert words in f"{capsys.readouterr().out}{raised.value}"


def test_ordinary_photographs_are_not_decoded_before_training(tmp_path, monkeypatch):
    photos(tmp_path)

    def never(*arguments):
        raise AssertionError("this would take as long as an epoch")

    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    monkeypatch.setattr(duplicates, "content_digest", never)
    assert len(load_image_folder(tmp_path, size=16)[0]) == TRAIN


def test_the_usual_formats_are_tried_first():
    """Pillow asks the readers it knows one by one, and there are about forty."""
    code = "from resnet.datasets.listing import readable; from PIL import Image; readable(); "
    code += "print(Image.ID.index('JPEG'), Image.ID.index('PNG'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert max(map(int, done.stdout.split())) < 6
