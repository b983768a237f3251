"""`python -m resnet predict`: the classes of images by a network that train has stored."""

import json

import numpy
import pytest
import torch
from PIL import Image

from resnet import __main__ as command
from resnet.datasets.image_folder import load_image_folder
from resnet.runtime import checkpoints as checkpoint
from resnet.runtime.checkpoints import CheckpointError
from resnet.trainer import predicting

CLASSES = ("dark", "light", "middle")
ARGUMENTS = (
    "--image-size=16", "--batch-size=6", "--precision=float32", "--learning-rate=0.1",
    "--score-training", "--device=cpu",
)  # fmt: skip


def call(*arguments):
    return command.main([str(argument) for argument in arguments])


def photos(folder, classes=CLASSES, count=6):
    for part, first in (("train", 0), ("val", 100)):
        for name in classes:
            (folder / part / name).mkdir(parents=True)
            for number in range(first, first + count):
                drawn = numpy.random.default_rng(number)
                pixels = drawn.integers(0, 50, (24, 20 + number % 5, 3))
                pixels += {"dark": 0, "light": 200, "middle": 100}[name]
                image = Image.fromarray(pixels.astype(numpy.uint8))
                image.save(folder / part / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with photos and a run of a small network on them."""
    folder = tmp_path_factory.mktemp("predict")
    data = ("--data", photos(folder / "photos"), "--out", folder / "run")
    assert call("train", *data, *ARGUMENTS, "--depth", 8, "--epochs", 8) == 0
    return folder


def asked(capsys, *arguments):
    capsys.readouterr()
    assert call("predict", *arguments, "--device=cpu") == 0
    return capsys.readouterr().out


def test_predictions_are_those_of_validation(trained, capsys):
    """All images of val, by files and by a folder: the error is the history's own."""
    names = sorted((trained / "photos" / "val").rglob("*.png"))
    found = json.loads(asked(capsys, *names, "--json", "--from", trained / "run"))
    assert [row["file"] for row in found] == [str(name) for name in names]
    history = json.loads((trained / "run" / "history.json").read_text())
    wrong = [row["class"] != path.parent.name for row, path in zip(found, names, strict=True)]
    error = history["epochs"][-1]["validation_error"]
    assert sum(wrong) / len(wrong) == pytest.approx(error) and error < 0.4
    losses = [
        -numpy.log(row["probabilities"][path.parent.name])
        for row, path in zip(found, names, strict=True)
    ]
    assert numpy.mean(losses) == pytest.approx(history["epochs"][-1]["validation_loss"], rel=1e-4)
    for row in found:
        shares = list(row["probabilities"].values())
        assert sum(shares) == pytest.approx(1) and shares == sorted(shares, reverse=True)
        assert next(iter(row["probabilities"])) == row["class"]
    folder = asked(capsys, trained / "photos" / "val", "--json", "--from", trained / "run")
    assert json.loads(folder) == found


def test_the_table_names_classes_and_probabilities(trained, capsys):
    name = trained / "photos" / "val" / "dark" / "100.png"
    head, row = asked(capsys, name, "--from", trained / "run").splitlines()
    assert head == "residual-8 after 8 of 8 epochs"
    file, *cells = row.split("  ")
    assert file == str(name) and len(cells) == 3
    (answer,) = json.loads(asked(capsys, name, "--json", "--from", trained / "run"))
    assert cells == [f"{each} {share:.3f}" for each, share in answer["probabilities"].items()]


def test_pixels_are_those_that_validation_feeds(trained):
    _, validation = load_image_folder(trained / "photos", size=16)
    network = predicting.trained(trained / "run", "cpu")
    X, _ = validation.batch(slice(None))
    ours = torch.stack([network.pixels(path) for path in validation.files])
    assert torch.equal(ours, X)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--depth=14", "--block=plain"), marks=pytest.mark.slow),
        ("--depth=8", "--block=basic", "--resize=30"),
        pytest.param(
            ("--network=family", "--depth=18", "--small-images", "--zero-scale"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_any_network_is_built_again(trained, tmp_path, capsys, options):
    data = ("--data", trained / "photos", "--out", tmp_path)
    assert call("train", *data, *ARGUMENTS, "--epochs=1", *options) == 0
    found = json.loads(asked(capsys, trained / "photos" / "val", "--json", "--from", tmp_path))
    history = json.loads((tmp_path / "history.json").read_text())
    shares = [row["probabilities"][row["file"].split("/")[-2]] for row in found]
    losses = -numpy.log(shares)
    assert losses.mean() == pytest.approx(history["epochs"][-1]["validation_loss"], rel=1e-3)


def damaged(folder):
    (folder / "checkpoint.pt").write_bytes(b"PK" + bytes(90))


def of_something_else(folder):
    checkpoint.save(folder / "checkpoint.pt", {"weights": torch.ones(2)})


def of_another_network(folder):
    state = checkpoint.load(folder / "checkpoint.pt")
    state["about"]["network"]["depth"] = 14
    checkpoint.save(folder / "checkpoint.pt", state)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (damaged, "is no checkpoint that can be read"),
        (of_something_else, "holds no network that this version of train has stored"),
        (of_another_network, "holds no network that this version of train has stored"),
        (lambda folder: (folder / "checkpoint.pt").unlink(), "checkpoint.pt is missing"),
    ],
)
def test_a_run_that_cannot_be_asked_is_one_sentence(trained, tmp_path, capsys, act, words):
    (tmp_path / "checkpoint.pt").write_bytes((trained / "run" / "checkpoint.pt").read_bytes())
    act(tmp_path)
    capsys.readouterr()
    assert call("predict", trained / "photos" / "val", "--from", tmp_path) == 1
    said = capsys.readouterr()
    assert said.err.startswith("resnet: ") and words in said.err and "checkpoint.pt" in said.err
    assert len(said.err.splitlines()) == 1 and said.out == ""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("no image"), "no.png: not an image"),
        (lambda path: None, "no.png: No such file"),
        (lambda path: path.mkdir(), "no.png holds no image"),
    ],
)
def test_an_image_that_cannot_be_read_is_one_sentence(trained, tmp_path, capsys, make, words):
    make(tmp_path / "no.png")
    good = trained / "photos" / "val" / "dark" / "100.png"
    capsys.readouterr()
    assert call("predict", good, tmp_path / "no.png", "--from", trained / "run") == 1
    said = capsys.readouterr()
    assert said.err.startswith("resnet: ") and words in said.err
    assert len(said.err.splitlines()) == 1 and said.out == ""


def test_a_network_of_embedded_images_says_what_it_cannot_do(tmp_path):
    state = {
        "about": {
            "network": {"network": "series", "depth": 8, "block": "plain"},
            "class_names": ["a", "b"], "shape": [1, 28, 28], "resize": None,
        },
        "history": json.dumps({"epochs": [], "settings": {"epochs": 1}}),
    }  # fmt: skip
    network = predicting.named_networks.build(state["about"]["network"], 1, 2)
    checkpoint.save(tmp_path / "checkpoint.pt", {**state, "model": network.state_dict()})
    with pytest.raises(CheckpointError, match="not trained on a folder of images"):
        predicting.trained(tmp_path)


def test_a_folder_is_a_line_for_each_image(trained, capsys):
    folder = trained / "photos" / "val" / "dark"
    assert len(asked(capsys, folder, "--from", trained / "run").splitlines()) == 7
