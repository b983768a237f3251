"""Which kept run is taken up: the one that would give the same numbers, and no other."""

import random
import time
from dataclasses import dataclass, replace

import numpy
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet.data import ImageSet, embedded, split
from resnet.datasets.augmentation import augmented
from resnet.kept import identity
from resnet.models import resnet18, six_n_plus_two
from resnet.runtime.checkpoints import CheckpointError
from resnet.training import fit
from tests.support.tiny import image_set, interrupt_after


class Block(nn.Module):
    """A residual block whose code differs by a word; its weights never do."""

    def __init__(self, code: str = ""):
        super().__init__()
        self.code = code
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(
            4, eps=1e-3 if code == "eps" else 1e-5, momentum=0.2 if code == "momentum" else 0.1
        )

    def forward(self, X):
        if self.code == "random":
            X = X + random.random() + numpy.random.rand() + torch.rand(1)
        Y = self.norm(self.conv(X))
        if self.code == "order":
            return torch.relu(X + Y)  # the same sum
        if self.code == "no skip":
            return torch.relu(Y)
        if self.code == "no ReLU":
            return Y + X
        if self.code == "GELU":
            return F.gelu(Y + X)
        if self.code == "detached":
            return torch.relu(Y + X.detach())
        if self.code == "in training":
            return torch.relu(Y + X * (0.5 if self.training else 1))
        if self.code == "dropout":
            return F.dropout(torch.relu(Y + X), 0.2, self.training)
        return torch.relu(Y + X)


class Renamed(Block):
    """Another class with the same code."""


def network(code="", seed=0, block=Block):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        stem, head = nn.Conv2d(1, 4, 3, 2, 1), nn.Linear(4, 4)
        pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return nn.Sequential(stem, block(code), block(code), pool, head)


def frozen(model):
    model[0].weight.requires_grad_(False)
    return model


def zero_scale(model):
    nn.init.zeros_(model[1].norm.weight)
    return model


IMAGES, VALIDATION = image_set(24), image_set(9, seed=1)
SHUFFLED = torch.randperm(24, generator=torch.Generator().manual_seed(0))
ONE_PIXEL = IMAGES.images.clone()
ONE_PIXEL[23, 0, 7, 7] ^= 1


@dataclass(frozen=True)
class Brighter(ImageSet):
    """An image set whose code and not whose content differs."""

    def batch(self, indices):
        X, y = super().batch(indices)
        return X + 0.1, y


def brighter(images):
    return Brighter(**{name: getattr(images, name) for name in images.__dataclass_fields__})


BASE = {"epochs": 2, "batch_size": 8, "device": "cpu", "precision": "float32", "progress": False}
SAME = {  # what may change between two calls, because it changes no number
    "nothing": {},
    "a name of a class": {"model": network(block=Renamed)},
    "the order of a sum": {"model": network("order")},
    "the same images elsewhere in memory": {
        "images": replace(IMAGES, images=IMAGES.images.clone())
    },
    "where the images came from": {"images": replace(IMAGES, source="elsewhere")},
    "how it is shown": {"label": "another name"},
    "no wish for a precision": {"precision": None},
}
OTHER = {  # what changes numbers, and the words that name it
    "labels shuffled": (
        {"images": replace(IMAGES, labels=IMAGES.labels[SHUFFLED])},
        "training labels",
    ),
    "images inverted": ({"images": replace(IMAGES, images=255 - IMAGES.images)}, "training images"),
    "one pixel": ({"images": replace(IMAGES, images=ONE_PIXEL)}, "training images"),
    "images in another order": ({"images": IMAGES.subset(SHUFFLED)}, "training images"),
    "fewer images": (
        {"images": IMAGES.subset(slice(16))},
        "settings: training_images .24 there, 16 here",
    ),
    "classes in another order": (
        {"images": replace(IMAGES, class_names=IMAGES.class_names[::-1])},
        "class names .class 0, class 1, class 2, class 3 there, class 3, ",
    ),
    "another mean": ({"images": replace(IMAGES, mean=(0.5,))}, "training batches"),
    "another SD of validation": ({"validation": replace(VALIDATION, sd=(1.0,))}, "validation batc"),
    "augmentation": ({"images": augmented(IMAGES, 0)}, "training batches"),
    "code of the images": ({"images": brighter(IMAGES)}, "training batches"),
    "validation labels": (
        {"validation": replace(VALIDATION, labels=VALIDATION.labels.flip(0))},
        "validation labels",
    ),
    "validation images": ({"validation": image_set(9, seed=2)}, "validation images"),
    "no validation": ({"validation": None}, "validation images"),
    **{
        code: ({"model": network(code)}, "code of the network$")
        for code in ("no skip", "no ReLU", "GELU", "eps", "momentum", "detached", "in training",
                     "dropout")
    },
    "a frozen layer": ({"model": frozen(network())}, "code of the network$"),
    "weights from another seed": ({"model": network(seed=1)}, "initial weights$"),
    "last scales of zero": ({"model": zero_scale(network())}, "initial weights$"),
    "epochs": ({"epochs": 3}, r"settings: epochs \(2 there, 3 here\)$"),
    "batch_size": ({"batch_size": 6}, "settings: batch_size"),
    "learning_rate": ({"learning_rate": 0.3}, "settings: learning_rate"),
    "weight_decay": ({"weight_decay": 0.0}, "settings: weight_decay"),
    "seed": ({"seed": 1}, r"settings: seed \(0 there, 1 here\)$"),
    "score_training": ({"score_training": False}, "settings: score_training"),
    "precision": (
        {"precision": "bfloat16"},
        r"settings: precision \(float32 there, bfloat16 here\)$",
    ),
    "layout": ({"layout": "channels_last"}, "settings: layout .contiguous there"),
}  # fmt: skip


def run(model=None, images=IMAGES, validation=VALIDATION, **options):
    model = network() if model is None else model
    return fit(model, images, validation, **{**BASE, **options})


def rows(history):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history.epochs]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder of RESNET_CHECKPOINTS and a file of one run, and what that run measured."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_CHECKPOINTS", str(folder / "all"))
        first = run()
    second = run(checkpoint=folder / "one.pt")
    assert rows(first) == rows(second) == rows(run())
    return folder, rows(first)


@pytest.mark.parametrize("change", SAME)
def test_the_same_run_is_taken_up_and_says_from_when(kept, monkeypatch, capsys, change):
    taken = interrupt_after(monkeypatch, 99)
    model = SAME[change].get("model")
    options = {
        **SAME[change],
        **({"model": network(model[1].code, block=type(model[1]))} if model else {}),
    }
    history = run(checkpoint=kept[0] / "one.pt", **options)
    assert rows(history) == kept[1] and not taken
    (said,) = capsys.readouterr().out.splitlines()
    assert (
        f"taken up from {kept[0] / 'one.pt'}, kept at 20" in said and "after 2 of 2 epochs" in said
    )
    assert history.provenance["taken_up"].startswith("20")


@pytest.mark.parametrize("change", OTHER)
def test_another_run_is_refused_and_says_why(kept, monkeypatch, change):
    options, words = OTHER[change]
    taken, before = interrupt_after(monkeypatch, 99), (kept[0] / "one.pt").read_bytes()
    with pytest.raises(CheckpointError, match=f"is of a run with .*other {words}"):
        run(checkpoint=kept[0] / "one.pt", **options)
    assert not taken and (kept[0] / "one.pt").read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(each, marks=pytest.mark.slow if place % 4 else ())
        for place, each in enumerate(OTHER)
    ],
)
def test_another_run_is_trained_under_another_name(kept, monkeypatch, capsys, tmp_path, change):
    options, words = OTHER[change]
    (file,) = (kept[0] / "all").iterdir()
    (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("RESNET_CHECKPOINTS", str(tmp_path))
    taken = interrupt_after(monkeypatch, 99)
    run(**{**options, "progress": True})
    assert taken and len(list(tmp_path.iterdir())) == 2
    assert (tmp_path / file.name).read_bytes() == file.read_bytes()
    said = capsys.readouterr().out
    assert "trained anew, since the most similar kept run has other" in said
    if change not in ("precision", "layout"):  # as they were asked for, not as they came to be
        assert identity_words(words) in said


def identity_words(words):
    """As they stand there before the values, which the precision that was asked for changes."""
    return words.replace("\\", "").rstrip("$").split(" .")[0].split(" (")[0]


@pytest.mark.parametrize("changed", ["torch", "resnet-by-experiment", "code of the training"])
def test_other_versions_and_another_loop_are_other_runs(kept, monkeypatch, changed):
    if changed == "torch":
        monkeypatch.setattr(torch, "__version__", "1.0.0+cpu")
    elif changed == "code of the training":
        monkeypatch.setattr(identity, "_code", lambda modules: "other")
    else:
        monkeypatch.setattr(identity, "version", lambda name: "0.0.1")
    with pytest.raises(CheckpointError, match=f"other .*{changed}"):
        run(checkpoint=kept[0] / "one.pt")


def test_the_code_of_the_training_is_what_is_written_without_comments(tmp_path, monkeypatch):
    file = tmp_path / "loop.py"
    monkeypatch.setitem(identity.sys.modules, "loop", type("Module", (), {"__file__": str(file)}))
    found = []
    for text in ("x = 1\n", "x = 1  # why\n", "x = 2\n"):
        file.write_text(text)
        found.append(identity._code(["loop"]))
    assert found[0] == found[1] != found[2]


def test_threads_and_instructions_do_not_make_another_run(kept, capsys):
    assert rows(run(checkpoint=kept[0] / "one.pt", threads=2)) == kept[1]


def test_a_kept_run_of_a_random_network_is_found_and_all_generators_stay():
    def states():
        return (random.getstate(), str(numpy.random.get_state()), torch.get_rng_state().tolist())

    model = network("random")
    model.eval()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    before = states()
    found = [identity.of_run(model, IMAGES, VALIDATION, {}, []) for _ in range(2)]
    assert states() == before and not model.training and found[0] == found[1]
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    random.random(), torch.rand(1)
    assert identity.of_run(model, IMAGES, VALIDATION, {}, []) == found[0]


def test_a_network_of_its_own_precision_or_size_is_compared_all_the_same():
    class Fixed(nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor, self.kernel = factor, torch.ones(4, 1, 3, 3)  # not moved to float64
            self.head = nn.Linear(4 * 78 * 78, 4)

        def forward(self, X):
            return self.head(self.factor * F.conv2d(X, self.kernel).flatten(1))

    images, found = image_set(4, side=80), []
    for factor in (1, 1, 2):
        torch.manual_seed(0)
        found.append(identity.of_run(Fixed(factor), images, None, {}, []))
    assert found[0] == found[1] and found[0] != found[2]


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda: six_n_plus_two(56), resnet18])
def test_the_comparison_takes_a_moment(make):
    """Less than a pass over a twentieth of the images."""
    training_set, validation = split(embedded()[0], 1000)
    model = make()

    def seconds(act):
        started = time.process_time()
        act()
        return time.process_time() - started

    def pass_over(count):
        X, y = training_set.batch(slice(count))
        F.cross_entropy(model(X), y).backward()

    compared = lambda: identity.of_run(model, training_set, validation, {}, [])  # noqa: E731
    assert min(seconds(compared) for _ in range(2)) < seconds(lambda: pass_over(300))
