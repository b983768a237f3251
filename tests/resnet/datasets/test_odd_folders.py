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
from tests.support.photographs import photos, picture, pixels, png_of_16_bits, rest, save

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


def in_cat(name, image=None, **options):
    """A maker of one further photograph in the class cat."""
    return lambda f: save(f / "train" / "cat" / name, image, **options)


def holding(name, content=b"no image"):
    """A maker of one further file in the class cat."""
    return lambda f: (f / "train" / "cat" / name).write_bytes(content)


def large(act, **options):
    """A maker of a large photograph to which `act` is done."""
    return lambda f: act(in_cat("new.jpg", picture((400, 300)), **options)(f))


def ended_by(content):
    return large(lambda path: path.write_bytes(path.read_bytes() + content))


def with_zeros(filling, share, **options):
    return large(lambda path: rest(path, filling, share), **options)


def spoilt(count, name="cat", part="train"):
    """A maker that spoils the first images of a class."""
    return lambda f: [(f / part / name / f"{k}.jpg").write_bytes(b"no image") for k in range(count)]


def emptied(part, name):
    return lambda f: [path.unlink() for path in (f / part / name).iterdir()]


def renamed(part, ending):
    """A maker that gives all images of the class cat another ending."""
    return lambda f: [p.rename(p.with_suffix(ending)) for p in (f / part / "cat").iterdir()]


def link(name, target):
    """A maker of a link in train, to a place seen from the photos."""
    return lambda f: (f / "train" / name).symlink_to(f / target)


def linked_folder(f, *names):
    for number in range(5):
        save(f.parent / "second camera" / f"{number}.jpg")
    for name in ("more", *names):
        link(f"dog/{name}", "../second camera")(f)


def linked_class(f):
    shutil.move(f / "train" / "cat", f.parent / "cats")
    link("cat", "../cats")(f)


def folders_of_programs(f):
    for name in ("@eaDir", "__MACOSX", "lost+found", ".ipynb_checkpoints"):
        save(f / "train" / name / "thumbnail.jpg")
    save(f / "train" / "cat" / "@eaDir" / "0.jpg" / "SYNOPHOTO_THUMB_M.jpg")


def of_equal_size(f):
    values = pixels()
    for part in ("train", "val"):
        values[0] = len(part)
        save(f / part / "cat" / "alike.ppm", values)


def deep(highest, count=2):
    """Grey images of 16 bits: one goes up to `highest`, the others are darker."""
    values = [(GREYS * highest // 39 // (1 + k)).astype(numpy.uint16) for k in range(count)]
    return lambda f: [in_cat(f"deep {k}.png", each)(f) for k, each in enumerate(values)]


def colours_of_16_bits(highest):
    values = numpy.stack([GREYS * highest // 39] * 3, axis=2)
    return lambda f: png_of_16_bits(f / "train" / "cat" / "colours.png", values)


def many_endings(f):
    for ending in ("jfif", "JPE", "tif", "avif", "webp", "gif", "bmp", "ppm", "pbm", "jp2"):
        image = picture().convert("1") if ending == "pbm" else picture()
        in_cat(f"photo.{ending}", image)(f)


def all_of(*makers):
    return lambda f: [make(f) for make in makers]


HALF_WHITE = numpy.concatenate([pixels((400, 300)), numpy.full((300, 400, 3), 255, numpy.uint8)])
FILM = numpy.random.default_rng(0).bytes(9000)


CASES = {
    # classes
    "nothing odd": (lambda f: None, Found(silent=("Left out", "Note", ";  "))),
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
        spoilt(2, "dog", "val"),
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
        all_of(spoilt(2), spoilt(2, "owl")),
        Refused(("train: 4 of 12 images are bad", "--most-bad"), SKIP),
    ),
    # what belongs to no class, or to other programs
    "folders of other programs": (
        folders_of_programs,
        Found(says=("folders of other programs: 5: ", "@eaDir", "__MACOSX", "lost+found")),
    ),
    "files of other programs": (
        all_of(holding("Thumbs.db"), holding(".DS_Store")),
        Found(says=("files of other kinds: 1: ", "Thumbs.db", "hidden files and folders: 1: ")),
    ),
    "a picture of the sensor": (
        holding("raw.CR2"),
        Found(says=("pictures .cr2, which Pillow cannot read here: 1: ", "raw.CR2")),
    ),
    "a class of nothing but raw pictures": (
        renamed("train", ".cr2"),
        Refused(("train/cat: a class without images",)),
    ),
    "a class of nothing but raw pictures, skipped": (
        renamed("train", ".cr2"),
        Refused(("nothing of class cat can be read, and no class is left out", "0.cr2"), SKIP),
    ),
    "a class of nothing but raw pictures in val": (
        renamed("val", ".heic"),
        Refused(("val: nothing of class cat can be read", "0.heic")),
    ),
    "a pipe": (
        lambda f: os.mkfifo(f / "train" / "cat" / "pipe.jpg"),
        Found(says=("pipes and devices: 1: ", "pipe.jpg")),
    ),
    # links
    "a linked folder": (linked_folder, Found(train=17)),
    "a folder linked twice": (
        lambda f: linked_folder(f, "once more"),
        Found(train=17, says=("links to folders that are read already", "dog/once more")),
    ),
    "a linked class": (linked_class, Found()),
    "links in circles": (
        all_of(link("dog/round", "train/dog"), link("dog/up", ".")),
        Found(says=("lie around the link: 2: ", "dog/round", "dog/up")),
    ),
    "a class linked into another": (
        link("cat/zoo", "train/owl"),
        Found(says=("read already", "cat/zoo")),
    ),
    "a linked photograph": (
        all_of(
            lambda f: save(f.parent / "elsewhere.jpg"), link("cat/linked.jpg", "../elsewhere.jpg")
        ),
        Found(train=13),
    ),
    "a broken link": (link("cat/gone.jpg", "../nowhere.jpg"), Refused(("gone.jpg: No such file",))),
    "a link to a folder that is gone": (
        link("cat/more", "../on another disk"),
        Found(says=("links that lead nowhere: 1: ", "cat/more")),
    ),
    # the same photograph twice
    "another of equal size and end": (of_equal_size, Found(13, 7, silent=("the same photo",))),
    # endings
    "many endings": (many_endings, Found(train=22)),
    "a PNG that is called JPG": (
        lambda f: in_cat("photo.png")(f).rename(f / "train/cat/photo.jpg"),
        Found(train=13),
    ),
    "a photograph with a name of two dots": (in_cat("my.cat.jpeg"), Found(train=13)),
    # whole or not
    "the rest is zeros": (with_zeros("zeros", 0.5), Refused(("new.jpg: ",))),
    "the last tenth is zeros": (with_zeros("zeros", 0.1), Refused(("new.jpg: ",))),
    "zeros and an end": (with_zeros("zeros and end", 0.5), Refused(("new.jpg: the r",))),
    "zeros, good quality": (
        with_zeros("zeros and end", 0.1, quality=95),
        Refused(("new.jpg: the rest",)),
    ),
    "zeros, progressive": (
        with_zeros("zeros and end", 0.1, progressive=True),
        Refused(("new.jpg: the rest of the file is zeros",)),
    ),
    "a white page, whose data are zeros": (
        in_cat("page.jpg", Image.new("RGB", (900, 900), "white"), optimize=True),
        Found(train=13),
    ),
    "a white half, whose data are zeros": (
        in_cat("sky.jpg", HALF_WHITE, optimize=True),
        Found(train=13),
    ),
    "zeros behind the end": (ended_by(bytes(5000)), Found(train=13)),
    "a film behind the end": (ended_by(FILM), Found(train=13)),
    "a film and zeros behind the end": (ended_by(FILM + bytes(5000)), Found(train=13)),
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
    "floats up to 1": (
        in_cat("floats.tif", numpy.float32(GREYS / 39)),
        Found(13, says=("(floats)", "white is 1,")),
    ),
    "floats below 0": (
        in_cat("floats.tif", numpy.float32(GREYS - 9)),
        Refused(("floats.tif: some of its values are below 0",)),
    ),
    "floats that are none": (
        in_cat("floats.tif", numpy.float32(numpy.where(GREYS, GREYS, numpy.nan))),
        Refused(("floats.tif: some of its values",)),
    ),
    "colours of 16 bits": (
        colours_of_16_bits(60_000),
        Found(train=13, says=("1 of more than 8 bits (16-bit colours)",)),
    ),
    "transparent": (
        all_of(*(in_cat(f"clear {k}.png", pixels(channels=4)) for k in range(2))),
        Found(train=14, says=("2 with transparency, laid on white",)),
    ),
    "print, Lab and palette": (
        all_of(
            in_cat("print.jpg", picture().convert("CMYK")),
            in_cat("lab.tif", Image.new("LAB", (40, 30))),
            in_cat("palette.png", picture().convert("P")),
        ),
        Found(15, says=("1 in CMYK", "1 in LAB", "1 with a palette")),
    ),
    "200 megapixels": (in_cat("wide.png", Image.new("1", (20_000, 10_000))), Found(train=13)),
    "more than 200 megapixels": (
        in_cat("wide.png", Image.new("1", (20_001, 10_000))),
        Refused(("wide.png: more pixels than --most-megapixels allows",)),
    ),
    "more megapixels, which are allowed": (
        in_cat("wide.png", Image.new("1", (20_001, 10_000))),
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
