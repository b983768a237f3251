"""`python -m resnet`: what it prints, writes and refuses."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from resnet import __main__ as command
from resnet import data
from resnet.results import History
from resnet.trainer import loop as trainer_loop
from tests.support.photographs import photos
from tests.support.tiny import image_set, interrupt_after


@pytest.fixture
def small(monkeypatch):
    """A few images for the embedded ones, so that a run takes a moment."""
    images = image_set(48, classes=10, side=28)
    monkeypatch.setattr(data, "embedded", lambda: (images, images))


def call(*arguments):
    return command.main([str(argument) for argument in arguments])


@pytest.mark.usefixtures("small")
def test_a_run_prints_a_table_and_writes_its_files(tmp_path, capsys):
    folder = tmp_path / "runs" / "one"
    assert call("--depth", 8, "--block", "plain", "--epochs", 2, "--out", folder) == 0
    files = {"history.json", "curve.png", "checkpoint.pt"}
    assert {file.name for file in folder.iterdir()} == files
    history = History.load(folder / "history.json")
    assert history.label == "plain-8" and len(history.epochs) == 2
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr()
    chosen, *lines = said.out.splitlines()
    assert chosen.startswith("plain-8: ") and "self-test" in chosen
    assert lines[0].startswith("plain-8 on ") and "validation error" in lines[1]
    assert [line.split()[0] for line in lines[2:4]] == ["1", "2"]
    assert f"{history.last('training_error'):.4f}" in lines[3]
    assert "plain-8, epoch 2 of 2" in said.err, "a progress bar"


@pytest.mark.usefixtures("small")
def test_the_precision_can_be_fixed(capsys):
    assert call("--depth", 8, "--epochs", 1, "--precision", "float32") == 0
    assert "residual-8 on cpu, float32" in capsys.readouterr().out


@pytest.mark.usefixtures("small")
def test_nothing_is_written_without_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("train", "--depth", 8, "--epochs", 1) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_the_same_command_goes_on_after_ctrl_c(tmp_path, monkeypatch, capsys):
    # Left to itself each run would choose by its own clock, and other arithmetic has other digits.
    same = ("--precision", "float32")
    arguments = ("--depth", 8, "--epochs", 3, "--block", "basic", *same, "--out")
    assert call(*arguments, tmp_path / "whole") == 0
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1, loop=trainer_loop)
        assert call(*arguments, tmp_path / "broken") == 130
    assert "Stopped after 1 finished epoch" in capsys.readouterr().out
    kept = History.load(tmp_path / "broken" / "history.json")
    assert kept.interrupted and len(kept.epochs) == 1
    assert call(*arguments, tmp_path / "broken") == 0
    runs = [History.load(tmp_path / name / "history.json") for name in ("whole", "broken")]
    assert runs[0].column("training_loss") == runs[1].column("training_loss")


@pytest.mark.usefixtures("small")
def test_a_loss_that_is_not_finite_is_one_sentence(tmp_path, capsys):
    assert call("--depth", 8, "--epochs", 9, "--learning-rate", 1e30, "--out", tmp_path) == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("resnet: ")]
    assert len(error) == 1 and "the loss became" in error[0]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_another_model_in_the_same_folder_is_refused(tmp_path, capsys):
    assert call("--depth", 8, "--epochs", 1, "--out", tmp_path) == 0
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert call("--depth", 14, "--epochs", 1, "--out", tmp_path) == 1
    assert "the checkpoint is of another model" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--depth", "9"], "6n + 2"),
        (["--depth", "18", "--block", "plain"], "ResNet-18"),
        (["--depth", "50", "--small-images"], "are for --network family alone"),
        (["--network", "document"], "--depth 18, not 20"),
        (["--network", "family", "--depth", "34", "--block", "plain"], "--network series alone"),
        (["--network", "family"], "18, 34, 50, 101, 152, not 20"),
        (["--data", "no-such-folder"], "no-such-folder"),
        (["--depth", "8", "--batch-size", "10", "--accumulation", "3"], "multiple of 3"),
        (["--depth", "8", "--sync-batch-norm", "--device", "cpu"], "needs CUDA"),
    ],
)
def test_wrong_values_are_one_sentence(tmp_path, capsys, arguments, words):
    assert call(*arguments, "--out", tmp_path) == 1
    error = capsys.readouterr().err
    assert error.startswith("resnet: ") and words in error and len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def copied(folder, place):
    return shutil.copytree(folder / "photos" / "train" / place, folder / "originals")


def other_names(folder, *names):
    for part, name in zip(("val", "train"), names, strict=False):
        (folder / "photos" / part).rename(folder / "photos" / name)
    return folder / "photos"


@pytest.mark.parametrize(
    ("choose", "words"),
    [
        (lambda f: "", "--data names nothing: give a folder of images, or leave it out"),
        (lambda f: " ", "--data names nothing"),
        (lambda f: f / "phtos", "there is no folder {0}/phtos"),
        (lambda f: f / "photos/train/cat/0.jpg", "0.jpg is a file: --data takes a folder"),
        (lambda f: f, "holds no folder train, and {0}/photos does: take --data {0}/photos"),
        (
            lambda f: f / "photos/train",
            "{0}/photos/train is one part of {0}/photos: take --data {0}/photos",
        ),
        (
            lambda f: f / "photos/val/cat",
            "{0}/photos/val/cat is one class of {0}/photos: take --data {0}/photos",
        ),
        (lambda f: copied(f, "."), "divided by: python -m resnet split {0}/originals photos"),
        (lambda f: copied(f, "cat"), "it holds images, and no folder per class"),
        (
            lambda f: other_names(f, "validation"),
            "holds no folder val: ImageNet's layout is train/CLASS/*.jpg and val/CLASS",
        ),
        (lambda f: other_names(f, "validation"), "; if validation is meant, rename it"),
        (lambda f: other_names(f, "Val", "Train"), "; if Train, Val is meant, rename it"),
        (
            lambda f: (f / "new").mkdir() or f / "new",
            "nor does it hold the files of Fashion-MNIST or CIFAR-10",
        ),
    ],
)
def test_where_no_images_are_is_one_sentence_about_that(tmp_path, capsys, choose, words):
    photos(tmp_path / "photos", train=1, val=1)
    assert call("--depth", 8, "--data", choose(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.startswith("resnet: ") and words.format(tmp_path) in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "settings"),
    [
        ((), True),
        pytest.param(("--augment",), True, marks=pytest.mark.slow),
        (("--no-augment",), False),
    ],
)
def test_augmentation_of_a_folder_can_be_chosen(tmp_path, option, settings):
    photos(tmp_path / "photos", train=2, val=1)
    small = ("--image-size", 16, "--depth", 8, "--epochs", 1, "--batch-size", 2)
    same = ("--precision", "float32", "--out", tmp_path / "run")
    assert call("--data", tmp_path / "photos", *small, *same, *option) == 0
    assert History.load(tmp_path / "run" / "history.json").settings["augment"] is settings


def test_the_bounds_of_a_folder_can_be_chosen(tmp_path, capsys):
    photos(tmp_path / "photos", train=4, val=2)
    for number in range(2):
        (tmp_path / "photos" / "train" / "cat" / f"{number}.jpg").write_text("no image")
    small = ("--image-size", 16, "--depth", 8, "--epochs", 1, "--batch-size", 2)
    same = ("--data", tmp_path / "photos", *small, "--precision", "float32", "--bad-images", "skip")
    assert call(*same, "--most-bad", 0.1) == 1
    assert "train: 2 of 12 images are bad" in capsys.readouterr().err
    assert call(*same, "--most-megapixels", 0.001) == 1
    assert "more pixels than --most-megapixels allows" in capsys.readouterr().out
    assert call(*same) == 0
    assert "skipped: 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--epochs=0", "--epochs must be at least 1, not 0"),
        ("--epochs=-3", "--epochs must be at least 1, not -3"),
        ("--batch-size=1", "--batch-size must be at least 2 for batch norm, not 1"),
        ("--learning-rate=nan", "--learning-rate must be a positive number, not nan"),
        ("--learning-rate=inf", "--learning-rate must be a positive number, not inf"),
        ("--learning-rate=0", "--learning-rate must be a positive number, not 0.0"),
        ("--weight-decay=nan", "--weight-decay must be zero or a positive number, not nan"),
        ("--weight-decay=inf", "--weight-decay must be zero or a positive number, not inf"),
        ("--weight-decay=-1", "--weight-decay must be zero or a positive number, not -1.0"),
        ("--warm-up=nan", "--warm-up must be from 0 to 1, not nan"),
        ("--warm-up=5", "--warm-up must be from 0 to 1, not 5.0"),
        ("--schedule=steps --warm-up=-1", "--warm-up must be zero or more epochs, not -1.0"),
        ("--accumulation=0", "--accumulation must be at least 1, not 0"),
        ("--accumulation=3", "--batch-size must give 1 processes with 3 passes each"),
        ("--seed=9999999999999999999", "--seed must be a number of at most 62 bits"),
        ("--workers=0", "--workers must be at least 1, not 0"),
        ("--image-size=0", "--image-size must be at least 1, not 0"),
        ("--resize=100", "--resize must be at least --image-size, 224, not 100"),
        ("--checkpoint-every=0", "--checkpoint-every must be at least 1, not 0"),
        ("--metrics=-1", "--metrics must be at least 1, not -1"),
        ("--most-bad=nan", "--most-bad must be from 0 to 1, not nan"),
        ("--most-megapixels=0", "--most-megapixels must be a positive number, not 0.0"),
        ("--depth=-4", "--depth must be"),
    ],
)
def test_absurd_values_are_refused_by_the_options_name_before_anything_is_loaded(
    tmp_path, capsys, monkeypatch, arguments, words
):
    monkeypatch.setattr(data, "embedded", None)
    assert call("--depth", 8, *arguments.split(), "--out", tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert error.startswith(f"resnet: {words}") and len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_what_diverges_leaves_nothing_but_json(tmp_path, capsys):
    """At every step, the last included: the rates grow until the loss is no number."""
    for steps, rate in enumerate(("1e3", "1e8", "1e18", "1e25", "1e38")):
        out = tmp_path / str(steps)
        options = ("--epochs", 2, "--batch-size", 20, "--learning-rate", rate, "--warm-up", 0.5)
        status = call("--depth", 8, *options, "--precision=float32", "--metrics=1", "--out", out)
        said = capsys.readouterr()
        assert status == ("a smaller learning_rate" in said.err)
        text = "".join(f.read_text() for f in out.iterdir() if "json" in f.suffix)
        assert "NaN" not in text and "Infinity" not in text
    assert status == 1


def test_metrics_need_a_folder(capsys):
    for option in ("--metrics", "--tensorboard", "--checkpoint-every=5"):
        assert call("--depth", 8, option) == 1
        assert "need a folder: name one by --out" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_metrics_are_lines_of_json_and_go_to_tensorboard(tmp_path, monkeypatch, capsys):
    added = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            added.append((folder, purge_step))

        def add_scalar(self, name, value, step):
            added.append((name, step))

        def flush(self):
            pass

    arguments = ("--depth", 8, "--epochs", 1, "--batch-size", 8, "--out", tmp_path)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert call(*arguments, "--tensorboard") == 1
    assert "TensorBoard is not installed" in capsys.readouterr().err
    module = SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    (tmp_path / "metrics.jsonl").write_text('{"step": 3}\nof a run that')
    assert call(*arguments, "--tensorboard", "--metrics", 2) == 0
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    assert [row["step"] for row in rows] == [2, 4, 5]
    assert rows[-1]["epoch"] == 1 and rows[-1]["validation_error"] is not None
    assert added[0] == (tmp_path / "tensorboard", 1) and ("validation_error", 5) in added


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_schedule_of_steps(tmp_path):
    same = ("--depth", 8, "--epochs", 9, "--batch-size", 40, "--out", tmp_path)
    assert call(*same, "--schedule", "steps", "--warm-up", 2, "--learning-rate", 0.1) == 0
    rates = History.load(tmp_path / "history.json").column("learning_rate")
    assert rates == pytest.approx([0.05, 0.1, 0.1, *[0.01] * 3, *[0.001] * 2, 0.0001])
    assert call(*same, "--learning-rate", 0.1) == 1, "the checkpoint is of another schedule"


@pytest.mark.parametrize("arguments", [["--depth", "x"], ["--block", "odd"], ["dance"], ["--no"]])
def test_wrong_arguments(capsys, arguments):
    with pytest.raises(SystemExit) as exit:
        call(*arguments)
    assert exit.value.code == 2
    error = capsys.readouterr().err
    assert arguments[-1] in error and "Traceback" not in error


def test_an_unwritable_folder_is_named_before_training(tmp_path, capsys):
    (tmp_path / "file").write_text("a file")
    assert call("--depth", 8, "--out", tmp_path / "file" / "run") == 1
    error = capsys.readouterr().err
    assert error.startswith(f"resnet: cannot write to {tmp_path / 'file' / 'run'}")
    assert len(error.splitlines()) == 1


def run(*arguments, **options):
    call = [sys.executable, "-m", "resnet", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, **options)


def test_help_as_a_process():
    whole, train = run("--help"), run("train", "--help")
    assert whole.returncode == train.returncode == 0
    assert "python -m resnet" in whole.stdout and "Example:" in whole.stdout
    for option in ("--depth", "--block", "--epochs", "--seed", "--data", "--out"):
        assert option in train.stdout


@pytest.mark.slow
def test_the_embedded_images_and_an_error_as_a_process(tmp_path):
    done = run("--depth", 9)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "6n + 2" in done.stderr
    done = run("--depth", 8, "--epochs", 1, "--out", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    history = json.loads((tmp_path / "run" / "history.json").read_text("utf-8"))
    assert history["settings"]["training_images"] == 5000
    assert history["epochs"][0]["training_error"] < 0.6
