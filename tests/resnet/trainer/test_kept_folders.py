"""`--out` with folders of images: which run the same folder goes on with, and which it refuses."""

import json
import shutil

import numpy
import pytest
from PIL import Image

from resnet import __main__ as command
from resnet.datasets.image_folder import load_image_folder


def photos(folder, classes=("cat", "dog"), count=6):
    for part, seed in (("train", 0), ("val", 1)):
        for label, name in enumerate(classes):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                drawn = numpy.random.default_rng([seed, label, number])
                pixels = drawn.integers(0, 60, (20, 20, 3)) + 150 * label
                Image.fromarray(pixels.astype(numpy.uint8)).save(
                    folder / part / name / f"{number}.bmp"
                )
    return folder


def train(data, out, *options):
    return command.main(
        ["train", "--data", str(data), "--out", str(out), "--image-size=16", "--depth=8",
         "--batch-size=4", "--epochs=1",
         "--precision=float32", *options]
    )  # fmt: skip


def add_file(folder):
    name = folder / "train" / "cat" / "0.bmp"
    (folder / "train" / "cat" / "9.bmp").write_bytes(name.read_bytes())


def swap(folder, part):
    """The classes change their names; all sizes stay."""
    (folder / part / "cat").rename(folder / "aside")
    (folder / part / "dog").rename(folder / part / "cat")
    (folder / "aside").rename(folder / part / "dog")


def rename(folder):
    for part in ("train", "val"):
        (folder / part / "cat").rename(folder / part / "bird")


FOLDERS = {  # what happens to the folder, further options, and the word; none where it is taken up
    "nothing": (None, (), None),
    "moved": (lambda folder: folder.rename(folder.with_name("moved")), (), None),
    "workers": (None, ("--workers=1",), None),
    "how often it is kept": (None, ("--checkpoint-every=1",), None),
    "accumulation": (None, ("--accumulation=2",), "accumulation (1 there, 2 here)"),
    "a file added": (add_file, (), "training files"),
    "a file removed": (lambda f: (f / "val" / "dog" / "2.bmp").unlink(), (), "validation files"),
    "a file renamed": (
        lambda f: (f / "train" / "dog" / "2.bmp").rename(f / "train" / "dog" / "x.bmp"),
        (),
        "training files",
    ),
    "classes renamed": (rename, (), "class names (cat, dog there, bird, dog here)"),
    "classes swapped": (lambda folder: swap(folder, "train"), (), "training batches"),
    "validation swapped": (lambda folder: swap(folder, "val"), (), "validation batches"),
    "block": (None, ("--block=plain",), "is of another model"),
    "resize": (None, ("--resize=20",), "settings: resize (18 there, 20 here)"),
    "image size": (None, ("--image-size=18",), "image_size (16 there, 18 here)"),
    "seed": (None, ("--seed=1",), "seed (0 there, 1 here)"),
    "epochs": (None, ("--epochs=2",), "epochs (1 there, 2 here)"),
    "schedule": (None, ("--schedule=steps",), "schedule"),
    "warm-up": (None, ("--warm-up=0.1",), "schedule"),
    "score-training": (None, ("--score-training",), "score_training (False there, True here)"),
}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    assert train(photos(folder / "photos"), folder / "out") == 0
    return folder


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(each, marks=pytest.mark.slow if place % 3 else ())
        for place, each in enumerate(FOLDERS)
    ],
)
def test_a_folder_with_another_run_is_refused(first, tmp_path, capsys, change):
    act, options, words = FOLDERS[change]
    data, out = photos(tmp_path / "photos"), tmp_path / "out"
    shutil.copytree(first / "out", out)
    if act:
        act(data)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    status = train(tmp_path / "moved" if change == "moved" else data, out, *options)
    said = capsys.readouterr()
    if words is None:
        assert status == 0 and "taken up from" in said.out
        return
    (error,) = [line for line in said.err.splitlines() if line.startswith("resnet: ")]
    assert status == 1 and words in error and "say --begin-anew" in error
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--block=plain",), ("--seed=1",)])
def test_another_run_may_begin_anew_and_has_the_folder_from_then_on(
    first, tmp_path, capsys, options
):
    shutil.copytree(first / "out", tmp_path / "out")
    for anew, taken_up in (("--begin-anew",), False), ((), True):
        assert train(first / "photos", tmp_path / "out", *anew, *options) == 0
        assert ("taken up" in capsys.readouterr().out) == taken_up


@pytest.mark.slow
def test_last_scales_of_zero_are_another_run(first, tmp_path, capsys):
    family = ("--network=family", "--depth=18", "--small-images")
    assert train(first / "photos", tmp_path, *family) == 0
    assert "ResNet-18 on cpu, float32" in capsys.readouterr().out
    assert train(first / "photos", tmp_path, *family, "--zero-scale") == 1
    assert "is of a run with other initial weights: name" in capsys.readouterr().err


def test_history_and_checkpoint_name_classes_and_files(first):
    history = json.loads((first / "out" / "history.json").read_text())
    assert history["provenance"]["class_names"] == ["cat", "dog"]
    images, validation = load_image_folder(first / "photos", size=16)
    kept = history["provenance"]["identity"]
    assert kept["training files"] == images.digest()["files"]
    assert kept["validation files"] == validation.digest()["files"]


def test_a_restarted_process_goes_on_though_told_to_begin_anew(
    first, tmp_path, capsys, monkeypatch
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoint.pt").write_bytes((first / "out" / "checkpoint.pt").read_bytes())
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert train(first / "photos", tmp_path / "out", "--begin-anew") == 0
    assert "taken up" in capsys.readouterr().out
