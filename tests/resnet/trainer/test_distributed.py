"""Two processes under `torchrun`: against one process, against a kill, and as the README says."""

import functools
import inspect
import json
import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from torch import nn

from resnet import __main__ as command
from resnet.results import History
from resnet.runtime import checkpoints as checkpoint
from resnet.runtime import distributed
from resnet.runtime.descent import OneCycle, Steps
from resnet.trainer import loop as trainer_loop
from tests.support.team_work import QUIET
from tests.support.tiny import image_set, interrupt_after, network

ROOT = Path(__file__).resolve().parents[3]
TORCHRUN = f"{shlex.quote(sys.executable)} -m torch.distributed.run"
# Small enough for a test: behind the README's own options, so that these win.
SMALL = (
    "--network series --depth 8 --epochs 2 --image-size 24 --batch-size 8 "
    "--checkpoint-every 2 --metrics 1"
)
CLASSES = ("Kätzchen", "perro ñ", "狗")


def shell(command: str, folder: Path) -> subprocess.CompletedProcess:
    """Runs what a reader types, from within `folder`."""
    names = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = re.sub(r"^torchrun", lambda _: TORCHRUN, command, flags=re.MULTILINE)
    python = shlex.quote(sys.executable)
    command = re.sub(r"^python ", lambda _: f"{python} ", command, flags=re.MULTILINE)
    return subprocess.run(
        command, shell=True, cwd=folder, env=names, capture_output=True, text=True
    )


def readme(name: str) -> str:
    """The commands behind the comment `name` in the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(rf"<!-- {name} -->\n```bash\n(.*?)\n```", text, re.DOTALL)[1]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What two processes found about themselves and about one."""
    path = tmp_path_factory.mktemp("team") / "found.pt"
    call = f"torchrun --standalone --nproc-per-node 2 -m tests.support.team_work measure {path}"
    done = shell(call, ROOT)
    assert done.returncode == 0, done.stderr
    return checkpoint.load(path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder in which the README's commands made photos, and what the run of two printed."""
    folder = tmp_path_factory.mktemp("own")
    random = numpy.random.default_rng(0)
    for label, name in enumerate(CLASSES):
        (folder / "originals" / name).mkdir(parents=True)
        for number in range(10):
            pixels = random.integers(0, 60, (30 + number, 40, 3), dtype=numpy.uint8)
            pixels[..., label] += 150
            Image.fromarray(pixels).save(folder / "originals" / name / f"no. {number}.jpg")
    (folder / "originals" / CLASSES[0] / "no. 8.jpg").write_text("no image")
    assert shell(readme("photos"), folder).returncode == 0
    done = shell(f"{readme('two processes')} {SMALL}", folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_gradients_of_two_are_those_of_one_on_the_joined_batch(measured):
    assert measured["size"] == 2
    for name in ("1 passes", "3 passes", "two passes alone"):
        assert measured[f"gradient, {name}"] < 1e-6
    assert measured["loss, 1 passes"] < 1e-6 and measured["loss, 3 passes"] < 1e-6


@pytest.mark.slow
def test_weights_are_equal_on_all_processes_and_those_of_one(measured):
    one, other = measured["digests"]
    assert one == other
    assert measured["weights"] < 1e-6, "two passes of one process see the same parts of a batch"


@pytest.mark.slow
def test_validation_counts_each_image_once(measured):
    assert measured["seen"] == [12, 11]
    joint, alone = measured["scores"]
    for ours, theirs in zip(joint, alone, strict=True):
        assert ours["error"] == theirs["error"]
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-6)


@pytest.mark.slow
def test_what_fails_in_the_first_process_ends_all_with_one_sentence(measured):
    (first, sharing), (second, also) = measured["errors"]
    assert first[:2] == second[:2] and first[0] == "OSError" and "cannot write" in first[1]
    assert (first[2], second[2]) == (False, True)
    assert sharing == also and "2 processes with 1 passes" in sharing[1]


@pytest.mark.slow
def test_the_readme_leads_from_images_of_ones_own_to_a_run_of_two(photos):
    folder, said = photos
    assert sorted(path.name for path in (folder / "photos" / "val").iterdir()) == sorted(CLASSES)
    # Of 24 and 6, of which the bad one is wherever its content led it.
    assert re.search("3 classes, (23 images in train and 6|24 images in train and 5) in val; "
                     "skipped: 1", said)  # fmt: skip
    assert re.search(f"Skipped: photos/(train|val)/{CLASSES[0]}/no. 8.jpg: not an image", said)
    assert said.count("residual-8 on cpu") == 1, "the second process is silent"
    out = folder / "runs" / "photos"
    names = {"checkpoint.pt", "curve.png", "history.json", "metrics.jsonl"}
    assert {path.name for path in out.iterdir()} == names
    history = History.load(out / "history.json")
    assert len(history.epochs) == 2 and history.settings["processes"] == 2
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    # Of 24 images three batches of eight are whole; of 23 the last seven are cut to six.
    assert [row["step"] for row in rows] == [1, 2, 3, 3, 4, 5, 6, 6]


@pytest.mark.slow
def test_photographs_are_added_as_the_readme_says(photos):
    folder, _ = photos
    random = numpy.random.default_rng(1)
    for number in range(10, 15):
        pixels = random.integers(0, 60, (30, 40, 3), dtype=numpy.uint8)
        Image.fromarray(pixels).save(folder / "originals" / CLASSES[1] / f"no. {number}.jpg")
    done = shell(readme("more photos"), folder)
    assert done.returncode == 0, done.stderr
    old, new = (
        {path.relative_to(folder / name) for path in (folder / name).rglob("*.jpg")}
        for name in ("photos", "more-photos")
    )
    assert old < new and len(new) == 35


@pytest.mark.slow
def test_a_killed_process_is_replaced_and_the_weights_are_the_same(photos):
    folder, _ = photos
    command = readme("two processes").replace(
        "-m resnet train", f"-m tests.support.team_work killed {folder / 'flag'} train"
    )
    done = shell(f"{command} {SMALL} --out runs/killed", folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "flag").exists() and "exitcode: -9" in done.stderr
    whole, broken = (
        checkpoint.load(folder / "runs" / name / "checkpoint.pt") for name in ("photos", "killed")
    )
    assert all(torch.equal(whole["model"][name], broken["model"][name]) for name in whole["model"])
    lines = [
        [json.loads(line) for line in (folder / "runs" / name / "metrics.jsonl").open()]
        for name in ("photos", "killed")
    ]
    for row in (*lines[0], *lines[1]):
        row.pop("seconds", None)
    assert lines[0] == lines[1], "each step once, the repeated ones too"


@pytest.mark.slow
def test_another_number_of_processes_is_refused(photos, monkeypatch, capsys):
    monkeypatch.chdir(photos[0])
    words = shlex.split(readme("two processes").split(" -m resnet ")[1].replace("\\\n", " "))
    assert command.main([*words, *SMALL.split()]) == 1
    (error,) = [line for line in capsys.readouterr().err.splitlines() if "resnet: " in line]
    assert "other settings: processes (2 there, 1 here)" in error


# ----------------------------------------------------------------- in one process


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def run(precision, **options):
    """Weights and rows of a run with dropout, whose random numbers a checkpoint must hold."""
    net = nn.Sequential(nn.Dropout(0.3), network())
    torch.manual_seed(5)
    options = {**QUIET, "precision": precision, "epochs": 3, "batch_size": 8, **options}
    history = trainer_loop.fit(net, image_set(), **options)
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history.epochs]
    return weights(net), rows


whole_run = functools.cache(run)


@pytest.mark.parametrize(
    ("precision", "steps"),
    [("float32", 2), *(pytest.param(*each, marks=pytest.mark.slow) for each in (
        ("float32", 1), ("float32", 4), ("float32", 5), ("float32", 8),
        ("bfloat16", 5), ("float16", 5)))],
)  # fmt: skip
def test_a_run_goes_on_in_mid_epoch_bit_for_bit(tmp_path, monkeypatch, precision, steps):
    whole, rows = whole_run(precision)
    options = {"checkpoint": tmp_path / "c.pt", "checkpoint_every": 2}
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        interrupt_after(patch, steps, SystemExit, loop=trainer_loop)
        run(precision, **options)
    taken = interrupt_after(monkeypatch, 99, loop=trainer_loop)
    again, also = run(precision, **options)
    assert len(taken) == 9 - {1: 0, 2: 2, 4: 3, 5: 5, 8: 8}[steps]
    assert also == rows
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_full_disk_leaves_the_checkpoint_before_and_is_one_sentence(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, {"weights": torch.ones(10)})
    content, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="cannot write .*checkpoint.pt: .*before is whole") as e:
            checkpoint.save(path, {"weights": torch.ones(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(e.value)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_several_processes_do_nothing_as_one_alone_would():
    asked = {name for name, each in vars(distributed.Team).items() if inspect.isfunction(each)}
    assert asked and asked <= vars(distributed.Processes).keys()


def test_synchronised_batch_norm_says_what_it_needs():
    with pytest.raises(ValueError, match="needs CUDA.*leave out --sync-batch-norm"):
        distributed.synchronised(network(), torch.device("cpu"))
    layers = distributed.synchronised(network(), torch.device("cuda")).modules()
    kinds = {type(layer) for layer in layers}
    assert nn.SyncBatchNorm in kinds and nn.BatchNorm2d not in kinds


def test_more_processes_than_gpus_are_refused(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with (
        pytest.raises(ValueError, match="need as many GPUs, and torch finds 1"),
        distributed.team("cuda"),
    ):
        pass


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"accumulation": 0}, "accumulation must be at least 1"),
        ({"checkpoint_every": 0}, "checkpoint_every must be at least 1, not 0"),
        ({"checkpoint_every": -5}, "checkpoint_every must be at least 1, not -5"),
        ({"schedule": OneCycle(2)}, "warm_up must be from 0 to 1, not 2"),
        ({"schedule": OneCycle(math.nan)}, "warm_up must be from 0 to 1, not nan"),
        ({"schedule": Steps(-1)}, "warm_up must be zero or more epochs, not -1"),
        ({"accumulation": 3}, "8 does not: take a multiple of 3"),
        ({"accumulation": 8}, "as many images, two or more, and 8 does not"),
    ],
)
def test_settings_that_cannot_be_trained_with(options, words):
    with pytest.raises(ValueError, match=words):
        trainer_loop.fit(network(), image_set(), epochs=1, batch_size=8, **QUIET, **options)


@pytest.mark.parametrize(("count", "parts"), [(24, 1), (25, 1), (27, 2), (29, 2), (30, 4), (31, 4)])
def test_parts_of_a_batch_are_equal(count, parts):
    batches = trainer_loop.batches(count, 8, 0, 0, parts)
    assert all(len(batch) % parts == 0 and len(batch) >= 2 * parts for batch in batches)
    assert count - sum(map(len, batches)) < 2 * parts
