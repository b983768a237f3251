"""One image at a time: turned, deep, transparent or damaged, and what becomes of its pixels."""

import base64
import hashlib
import io

import numpy
import pytest
import torch
from PIL import Image, ImageOps

from resnet.datasets import crops
from resnet.datasets import pixels as depths
from resnet.datasets.image_files import BadImageError, fault, read
from resnet.datasets.image_folder import load_image_folder
from tests.support.photographs import photos, picture, pixels, png_of_16_bits, rest, save

# A JPEG of 32 x 24 pixels, and digests of what version 0.1.0 made of it: its pixels, and its crops
# to 8 x 8 in training and in validation.
ORDINARY = base64.b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV01XKW3knDg3knMk4h;_zAQcl55)&sJ9v2`kDKRiEDJ?8BI!Zn>HbyrrEkIX6"
    "ModmpQ&KWMT47pHU`kO^PygEhLjevB4iga*CKVMXPc<zyPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%z"
    "Pft%zPft%zPft%zPf!2A01*fP7yuvx0TBQK5di}c0sq7R9{>OW1pxs80RaI300000000010s{mE1_uZU3Jd?l0JRVR"
    "0s#X90t5pE1q1{D00Dgg0s{a95d{(<F+m0sQDFxnaTGFvk)a49Lb1UWQqk}vGh%Xr2?`b$7#SKRCMPH<Dl|1VH#j*u"
    "LqtVJM@UIZQ&d$}S6EqEV`OD!XJ~0^b98lfcX)YvgM@{Khlq)al9QB`mY0~BnxdnmrKYE-sj9NGw6(UkxVgH*!^FkL"
    "$H>Xb($mz{*4NnC+Tr5k<mKk)=;`Y5^7Hid_V@Vt`v1fL9{~UZ0RaI40RaI40RR91000010s{mE1_uZU3Jd?l0JRYS"
    "0s#U91Oo&I1q1{D0Rndb0RjUN1O*{61`<J02Vrp&A~Jyp6he`qvB3!=Gg9ysVsg<679=#`CGi&+85$-hC@Cs6Ha9pq"
    "IzvQ7Mn_0VN>fx-R##YAT4Q8oW@l(=YIAgTc6WGrdV+(5g@%WSiHeewl$Dm3n3<ZQqok##r>Lo_va__cwzs&sy28W6"
    "#m2|T$;#5x)YaD4*xB0R<K*S$=jiF`^7Hid_V@Vt`v2Mh3<CiG0ucid06zepJCAz#Wk%=8QlwdqeD|#u66c{xnPxd_"
    "MVH^9=+c2|H?0;^eutw<2N?~=y>!u|bLZ*OFGD}Qdem^2JE_wwi^YuNt9n(}sY?v`EzK_9=FdWn2O?Cuk^caT1KWz>"
    "{{U*Q*2~LJ_&<s2Qlk`cw)Y)5uB;s!pFavk-?jN@Fn(jwy<AM*8j|GrrMK$N>NGCNV4IASTsT|;O7COTg)+ik7C1wJ"
    ">)xhSDpZq&4I|&H{{Sz~@;w?<65RjU"
)
PIXELS = "6599d81a496f4d8216cc65ad485427420a0636ce22b44388cf140042acfcd539"
CROPS = "cbe698d0c966f6a0b0a5d2f3412c3e4e00e65700142cb45b016f3653ffd70a8f"


def test_an_ordinary_photograph_is_read_as_ever(tmp_path):
    for part in ("train", "val"):
        for name in "ab":
            (tmp_path / part / name).mkdir(parents=True)
            (tmp_path / part / name / "0.jpg").write_bytes(ORDINARY)
    found = read(tmp_path / "train" / "a" / "0.jpg")
    assert hashlib.sha256(found.tobytes()).hexdigest() == PIXELS
    training, validation = load_image_folder(tmp_path, size=8, resize=10, seed=3, workers=1)
    whole = hashlib.sha256()
    mean, sd = (torch.tensor(v).view(1, 3, 1, 1) for v in (training.mean, training.sd))
    for part, epoch in ((training, 2), (validation, None)):
        ((X, _),) = part.batches([torch.arange(2)], epoch)
        whole.update((X * sd + mean).mul(255).round().to(torch.uint8).numpy().tobytes())
    assert whole.hexdigest() == CROPS


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp", "avif"])
@pytest.mark.parametrize("orientation", range(10))
def test_a_photograph_is_as_viewers_show_it(tmp_path, ending, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"turned.{ending}", picture(), exif=exif)
    with Image.open(path) as image:
        expected = ImageOps.exif_transpose(image).convert("RGB")
    assert numpy.array_equal(read(path), expected)


def test_of_other_modes_the_brightness_is_turned_as_well(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    values = numpy.arange(1200).reshape(30, 40).astype(numpy.uint16)
    path = save(tmp_path / "deep.png", values, exif=exif)
    assert read(path).size == (30, 40)
    grey = save(tmp_path / "grey.jpg", picture().convert("L"), exif=exif)
    assert read(grey).size == (30, 40) and read(grey).mode == "RGB"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_damaged_description_does_not_spoil_a_picture(tmp_path):
    image = picture()
    path = save(tmp_path / "photo.jpg", image, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    assert fault(path) is None and read(path).size == image.size


# ----------------------------------------------------------------- depth


@pytest.mark.parametrize(
    ("highest", "white"),
    [(1, 1), (178, 255), (900, 1023), (4095, 4095), (9000, 16383), (16384, 65535), (65535, 65535)],
)
def test_white_is_the_full_range_that_holds_all(tmp_path, highest, white):
    values = numpy.linspace(0, highest, 1200).reshape(30, 40).round()
    for name, kind in (("deep.png", numpy.uint16), ("deep.tif", numpy.int32)):
        found = numpy.asarray(read(save(tmp_path / name, values.astype(kind))))
        assert numpy.array_equal(found[..., 0], numpy.rint(values * 255 / white))


def test_all_images_of_a_folder_have_one_white(tmp_path):
    photos(tmp_path)
    values = numpy.full((30, 40), 3000, numpy.uint16)
    bright = save(tmp_path / "val" / "cat" / "bright.png", values)
    dark = save(tmp_path / "train" / "cat" / "dark.png", values // 20)
    training, validation = load_image_folder(tmp_path, size=16)
    assert training.whites == validation.whites == {"integers": 4095}
    assert training.settings()["whites"] == {"integers": 4095}
    seen = [read(path, training.whites).getpixel((0, 0))[0] for path in (bright, dark)]
    assert seen == [round(3000 * 255 / 4095), round(150 * 255 / 4095)]
    assert read(dark).getpixel((0, 0))[0] == 150, "alone it has a white of its own"
    index = training.files.index(dark)
    X, _ = training.batch(slice(index, index + 1))
    assert X[0, 0].mean() * training.sd[0] + training.mean[0] == pytest.approx(9 / 255, abs=1e-6)


def test_floats_have_a_white_of_one(tmp_path):
    values = numpy.linspace(0, 0.5, 1200, dtype=numpy.float32).reshape(30, 40)
    found = numpy.asarray(read(save(tmp_path / "floats.tif", values)))
    assert found.max() == round(0.5 * 255)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_colours_of_16_bits_are_read_if_they_use_them(tmp_path, channels):
    values = numpy.full((30, 40, channels), 65_535)
    values[..., : 1 if channels == 2 else 3] = 40_000
    found = read(png_of_16_bits(tmp_path / "colours.png", values))
    assert found.getpixel((0, 0)) == (40_000 // 256,) * 3
    values[..., : 1 if channels == 2 else 3] = 4000
    with pytest.raises(BadImageError, match=r"colours.png: 16 bits per channel .* 4,095 is used"):
        read(png_of_16_bits(tmp_path / "colours.png", values))


def test_a_pixmap_of_16_bits_that_uses_8_is_refused(tmp_path):
    path = tmp_path / "photo.ppm"
    path.write_bytes(b"P6 2 2 65535\n" + numpy.full(12, 200, ">u2").tobytes())
    with pytest.raises(BadImageError, match="photo.ppm: 16 bits per channel of which"):
        read(path)


@pytest.mark.parametrize("kind", [numpy.uint8, numpy.uint16])
def test_a_tiff_in_which_zero_is_white_is_turned_round(tmp_path, kind):
    path = save(tmp_path / "negative.tif", numpy.full((9, 9), 255, kind))
    content, zero_is_black = path.read_bytes(), b"\x06\x01\x03\0\x01\0\0\0\x01\0"
    assert content.count(zero_is_black) == 1
    path.write_bytes(content.replace(zero_is_black, zero_is_black[:-2] + b"\0\0"))
    assert read(path).getpixel((0, 0)) == (0, 0, 0)


def test_a_range_without_end_has_a_white(tmp_path):
    assert depths.white(depths.FLOATS, 1e12) == 1e12
    assert read(save(tmp_path / "black.png", numpy.zeros((9, 9), numpy.uint16))).getextrema() == (
        ((0, 0),) * 3
    )


# ----------------------------------------------------------------- transparency, colours, frames


def test_transparent_images_lie_on_white(tmp_path):
    values = numpy.zeros((2, 2, 4), numpy.uint8)
    values[0, 0, 3], values[0, 1, 3] = 255, 51
    found = numpy.asarray(read(save(tmp_path / "clear.png", values)))
    assert found[..., 0].tolist() == [[0, 204], [255, 255]]
    palette = picture().convert("P")
    clear = palette.getpixel((0, 0))
    path = save(tmp_path / "palette.png", palette, transparency=clear)
    assert read(path).getpixel((0, 0)) == (255, 255, 255)
    grey = save(tmp_path / "grey.png", pixels(channels=1) // 2, transparency=7)
    assert 255 in numpy.asarray(read(grey))
    deep = numpy.array([[7, 100]], numpy.uint16)
    path = save(tmp_path / "deep.png", deep, transparency=7)
    assert numpy.asarray(read(path))[0, :, 0].tolist() == [255, 100]


def test_what_is_opaque_is_left_as_it_is(tmp_path):
    values = pixels(channels=4)
    values[..., 3] = 255
    found = read(save(tmp_path / "opaque.png", values))
    assert numpy.array_equal(found, values[..., :3])


@pytest.mark.parametrize(
    ("name", "mode"),
    [("print.jpg", "CMYK"), ("print.tif", "CMYK"), ("lab.tif", "LAB"), ("palette.gif", "P"),
     ("black and white.png", "1"), ("grey.jpg", "L"), ("video.tif", "YCbCr")],
)  # fmt: skip
def test_other_colours_are_those_of_pillow(tmp_path, name, mode):
    image = Image.new("LAB", (9, 9), (120, 140, 90)) if mode == "LAB" else picture().convert(mode)
    path = save(tmp_path / name, image)
    with Image.open(path) as expected:
        assert expected.mode == mode
        assert numpy.array_equal(read(path), expected.convert("RGB"))


@pytest.mark.parametrize("name", ["moves.gif", "pages.tif", "moves.webp", "two.mpo", "moves.png"])
def test_of_several_frames_the_first_is_read(tmp_path, name):
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue", "lime")]
    path = save(tmp_path / name, frames[0], save_all=True, append_images=frames[1:])
    assert read(path).getpixel((32, 32)) == pytest.approx((255, 0, 0), abs=3)


# ----------------------------------------------------------------- whole or not


@pytest.mark.parametrize("quality", [50, 95])
def test_a_rest_of_grey_is_found_when_it_is_decoded(tmp_path, quality):
    path = save(tmp_path / "photo.jpg", picture((400, 300)), quality=quality)
    rest(path, "end")
    with pytest.raises(BadImageError, match=r"photo.jpg: the rest of the picture is missing"):
        read(path)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_picture_that_is_grey_all_over_is_whole(tmp_path, mode):
    image = Image.new("RGB", (400, 300), (128, 128, 128)).convert(mode)
    path = save(tmp_path / "grey.jpg", image, optimize=True)
    assert fault(path) is None and read(path).getpixel((9, 9)) == (128, 128, 128)


@pytest.mark.slow
@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_a_photograph_of_200_megapixels_is_read(tmp_path):
    path = save(tmp_path / "large.jpg", Image.new("L", (20_000, 10_000), 77))
    image = read(path)
    assert image.size == (20_000, 10_000)
    assert crops.cut(image, crops.at_centre(*image.size, 7 / 8), 8).unique().tolist() == [77]


def test_pillows_own_limit_is_raised_and_not_taken_away(tmp_path):
    read(save(tmp_path / "photo.jpg"))
    assert 200_000_000 < Image.MAX_IMAGE_PIXELS < 1_000_000_000


def test_an_image_that_is_read_can_be_used_when_its_file_is_gone(tmp_path):
    path = save(tmp_path / "photo.jpg")
    image = read(path)
    path.unlink()
    assert crops.cut(image, (0, 0, 40, 30), 8).shape == (3, 8, 8)
    image.save(io.BytesIO(), "PNG")
