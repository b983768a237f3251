"""Each row of the table in CONTRIBUTING.md: the same folder read by torchvision and by us."""

import re
import shutil
import warnings
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image, ImageCms
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS, pil_loader
from torchvision.transforms import v2

from resnet.data import DataError
from resnet.datasets.image_files import BadImageError, read
from resnet.datasets.image_folder import load_image_folder
from resnet.datasets.listing import readable
from tests.support.photographs import (
    cut_off,
    photos,
    picture,
    pixels,
    png_of_16_bits,
    rest,
    save,
)

PAGE = Path(__file__).resolve().parents[3] / "CONTRIBUTING.md"
CAT = Path("train") / "cat"


def ours(folder, **options):
    return load_image_folder(folder, size=16, workers=1, **options)


def theirs(folder, part="train"):
    return ImageFolder(folder / part)


def same_files(folder):
    training, _ = ours(folder)
    return training.files == tuple(Path(path) for path, _ in theirs(folder).samples)


def same_pixels(path):
    return numpy.array_equal(read(path), pil_loader(path))


def classes(folder, said):
    training, _ = ours(folder)
    assert list(training.class_names) == theirs(folder).classes
    assert training.labels.tolist() == theirs(folder).targets


def order(folder, said):
    for name in ("b/2.jpg", "b/10.jpg", "a/z/1.jpg", "Z.jpg"):
        save(folder / CAT / name)
    assert same_files(folder)


def eight_bits(folder, said):
    for name, image in (("new.jpg", picture()), ("grey.jpg", picture().convert("L")),
                        ("new.png", picture()), ("grey.png", picture().convert("L"))):  # fmt: skip
        assert same_pixels(save(folder / CAT / name, image))


def other_modes(folder, said):
    for name, mode in (("print.jpg", "CMYK"), ("palette.png", "P"), ("black.png", "1")):
        assert same_pixels(save(folder / CAT / name, picture().convert(mode)))
    ours(folder)
    assert "1 in CMYK" in said() and same_files(folder)


def frames(folder, said):
    image = save(folder / CAT / "pages.tif", picture(), save_all=True, append_images=[picture()])
    assert same_pixels(image)
    ours(folder)
    assert "1 of several frames: the first is read" in said()


def profiles(folder, said):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = picture()
    path = save(folder / CAT / "profile.png", plain, icc_profile=profile)
    assert same_pixels(path) and numpy.array_equal(read(path), plain)


def orientation(folder, said):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(folder / CAT / "phone.jpg", exif=exif)
    assert pil_loader(path).size == (40, 30) and read(path).size == (30, 40)


def deep(folder, said):
    values = numpy.linspace(0, 4000, 1200).reshape(30, 40).astype(numpy.uint16)
    path = save(folder / CAT / "deep.png", values)
    assert (numpy.asarray(pil_loader(path)) == 255).mean() > 0.9
    training, _ = ours(folder)
    assert numpy.asarray(read(path, training.whites)).max() == round(4000 * 255 / 4095)


def deep_colours(folder, said):
    assert same_pixels(png_of_16_bits(folder / CAT / "full.png", pixels().astype(int) * 257))
    path = png_of_16_bits(folder / CAT / "low.png", pixels().astype(int) * 16)
    assert numpy.asarray(pil_loader(path)).max() < 16
    with pytest.raises(BadImageError, match="16 bits per channel"):
        read(path)


def transparency(folder, said):
    path = save(folder / CAT / "clear.png", Image.new("RGBA", (9, 9), (200, 0, 0, 0)))
    assert pil_loader(path).getpixel((0, 0)) == (200, 0, 0)
    assert read(path).getpixel((0, 0)) == (255, 255, 255)


def endings(folder, said):
    assert len(IMG_EXTENSIONS) == 9 and set(IMG_EXTENSIONS) < readable()
    for name in ("new.jfif", "new.gif", "new.avif"):
        save(folder / CAT / name)
    (folder / CAT / "new.cr2").write_bytes(b"as the sensor saw it")
    assert (len(theirs(folder)), len(ours(folder)[0])) == (12, 15)
    assert "new.cr2" in said()


def programs(folder, said):
    save(folder / "train" / "@eaDir" / "0.jpg")
    save(folder / "train" / ".ipynb_checkpoints" / "0.jpg")
    (folder / CAT / "._0.jpg").write_bytes(b"of macOS")
    assert len(theirs(folder).classes) == 5 and len(theirs(folder)) == 15
    training, _ = ours(folder)
    assert len(training.class_names) == 3 and len(training) == 12
    assert "other programs: 2: " in said()


def no_class(folder, said):
    save(folder / "train" / "stray.jpg")
    assert same_files(folder) and "stray.jpg" in said()


def links(folder, said):
    (folder / CAT / "round").symlink_to(folder / CAT)
    save(folder.parent / "more" / "0.jpg")
    (folder / CAT / "more").symlink_to(folder.parent / "more")
    assert len(theirs(folder)) > 100 and len(ours(folder)[0]) == 13


def class_missing(folder, said):
    shutil.rmtree(folder / "val" / "cat")
    assert theirs(folder).class_to_idx["dog"] == 1 and theirs(folder, "val").targets[0] == 0
    _, validation = ours(folder)
    assert validation.labels[0] == 1 and "val has no image of 1 of 3 classes: cat" in said()


def class_empty(folder, said):
    for path in (folder / CAT).iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError):
        theirs(folder)
    with pytest.raises(DataError):
        ours(folder)
    assert len(ours(folder, bad_images="skip")[0]) == 8


def damaged(folder, said):
    cut_off(save(folder / CAT / "cut.jpg", picture((400, 300))))
    with pytest.raises(OSError, match="truncated"):
        list(theirs(folder))
    with pytest.raises(DataError):
        ours(folder)
    assert "cut.jpg: image file is truncated" in said()
    assert len(ours(folder, bad_images="skip")[0]) == 12


def broken_off(folder, said):
    rest(save(folder / CAT / "new.jpg", picture((400, 300))), "end")
    assert pil_loader(folder / CAT / "new.jpg").getpixel((399, 299)) == (128, 128, 128)
    training, _ = ours(folder)
    with pytest.raises(BadImageError, match="new.jpg: the rest of the picture is missing"):
        list(training.batches([torch.arange(len(training))], 0))


def megapixels(folder, said):
    path = save(folder / CAT / "wide.png", Image.new("1", (100, 100)))
    large = save(folder / CAT / "large.png", Image.new("1", (150, 100)))
    limit = Image.MAX_IMAGE_PIXELS
    try:
        Image.MAX_IMAGE_PIXELS = 7000  # for 89 million, so that the test takes a moment
        with pytest.warns(Image.DecompressionBombWarning):
            pil_loader(path)
        with pytest.raises(Image.DecompressionBombError):
            pil_loader(large)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read(large).size == (150, 100)
        with pytest.raises(BadImageError, match="--most-megapixels"):
            read(large, most_pixels=14_999)
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def twice(folder, said):
    shutil.copy(folder / CAT / "0.jpg", folder / "val" / "cat" / "again.jpg")
    assert (len(theirs(folder)), len(theirs(folder, "val"))) == (12, 7)
    ours(folder)
    assert "the same photographs in train and val: 1" in said()


def resizing(folder, said):
    smooth = numpy.add.outer(numpy.arange(90), numpy.arange(121)).astype(numpy.uint8)
    save(folder / "val" / "cat" / "0.jpg", smooth, quality=100)
    _, validation = load_image_folder(folder, size=28, resize=32)
    steps = v2.Compose([v2.Resize(32), v2.CenterCrop(28), v2.ToImage()])
    expected = steps(pil_loader(validation.files[0]))
    X, _ = validation.batch(slice(1))
    mean, sd = (torch.tensor(v).view(3, 1, 1) for v in (validation.mean, validation.sd))
    found = (X[0] * sd + mean) * 255
    off = (found - expected).abs()
    assert 0 < off.mean() < 2 and off.max() < 7, "of 255 steps of brightness"


def random_crops(folder, said):
    training, _ = ours(folder)
    again, _ = ours(folder)
    order = [torch.tensor([5, 3])]
    for epoch in (0, 7):
        torch.rand(1)  # draws from torch's generator, which does not matter
        ((X, _),), ((Y, _),) = training.batches(order, epoch), again.batches(order, epoch)
        assert torch.equal(X, Y)


ROWS = {
    "classes": classes,
    "the order of files": order,
    "8-bit JPEG and PNG, grey or in colour": eight_bits,
    "CMYK, palettes, black and white": other_modes,
    "several frames": frames,
    "colour profiles": profiles,
    "EXIF orientation": orientation,
    "16 bits, grey": deep,
    "16 bits, in colour": deep_colours,
    "transparency": transparency,
    "endings": endings,
    "hidden files and folders, folders of other programs": programs,
    "images in no class": no_class,
    "linked folders": links,
    "a class that validation lacks": class_missing,
    "an empty class": class_empty,
    "a damaged file": damaged,
    "a JPEG that breaks off before its end mark": broken_off,
    "more than 89 megapixels": megapixels,
    "the same photograph in training and validation": twice,
    "resizing for validation": resizing,
    "random crops": random_crops,
}


def test_each_row_of_the_table_is_tried():
    section = (
        PAGE.read_text("utf-8").split("## How folders of images are read")[1].split("\n## ")[0]
    )
    rows = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)
    assert rows[1:] == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_table_is_true(tmp_path, capsys, row):
    ROWS[row](photos(tmp_path / "photos"), lambda: capsys.readouterr().out)
