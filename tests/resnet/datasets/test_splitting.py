"""`python -m resnet split`: who goes where, what stays there, and what is refused."""

import shutil

import pytest

from resnet import __main__ as command
from resnet.datasets.image_folder import load_image_folder
from resnet.datasets.splitting import split
from tests.support.photographs import CLASSES, save


@pytest.fixture
def originals(tmp_path):
    """Three classes of ten photographs, one of which has a folder below it."""
    for name in CLASSES:
        for number in range(10):
            below = "holiday" if name == "dog" and number > 7 else "."
            save(tmp_path / "originals" / name / below / f"{number}.jpg")
    return tmp_path / "originals"


def sides(photos):
    """Part of each photograph by its content."""
    return {path.read_bytes(): path.relative_to(photos).parts[:2] for path in photos.rglob("*.jpg")}


def test_each_class_is_divided_by_the_share(originals, tmp_path, capsys):
    photos = tmp_path / "new" / "photos"
    assert command.main(["split", str(originals), str(photos), "--validation", "0.3"]) == 0
    said = capsys.readouterr().out
    assert "3 classes, 21 images in train and 9 in val, by seed 0" in said
    assert f"python -m resnet split {originals} NEW --like {photos}" in said
    for name in CLASSES:
        found = {p: list((photos / p / name).rglob("*.jpg")) for p in ("train", "val")}
        assert (len(found["train"]), len(found["val"])) == (7, 3)
    assert {path.name for path in photos.parent.iterdir()} == {"photos"}, "nothing left beside it"
    copied = {path.read_bytes() for path in originals.rglob("*.jpg")}
    assert set(sides(photos)) == copied
    training, validation = load_image_folder(photos, size=16)
    assert (len(training), len(validation)) == (21, 9)
    assert "same photographs" not in capsys.readouterr().out
    folder = "train" if (photos / "train" / "dog" / "holiday").exists() else "val"
    assert list((photos / folder / "dog" / "holiday").iterdir())


def test_the_same_seed_divides_alike_and_another_does_not(originals, tmp_path):
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        split(originals, tmp_path / name, seed=seed)
    assert sides(tmp_path / "one") == sides(tmp_path / "again") != sides(tmp_path / "other")
    renamed = tmp_path / "renamed"
    for number, path in enumerate(sorted(originals.rglob("*.jpg"), reverse=True)):
        target = renamed / path.relative_to(originals).parts[0] / f"IMG {number}.JPG"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    split(renamed, tmp_path / "by content")
    found = {p.read_bytes(): p.parts[-3:-1] for p in (tmp_path / "by content").rglob("*.JPG")}
    assert found == sides(tmp_path / "one"), "names do not matter"


@pytest.mark.parametrize("added", [1, 7, 40])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_photographs_that_are_added_move_no_old_one(originals, tmp_path, added, share):
    split(originals, tmp_path / "first", validation=share)
    for number in range(added):
        for name in ("cat", "owl"):
            save(originals / name / f"new {number}.jpg")
    save(originals / "bee" / "0.jpg"), save(originals / "bee" / "1.jpg")
    (originals / "cat" / "3.jpg").rename(originals / "cat" / "another name.jpg")
    split(originals, tmp_path / "second", validation=share, like=tmp_path / "first")
    first, second = sides(tmp_path / "first"), sides(tmp_path / "second")
    assert first.items() <= second.items() and len(second) == 32 + 2 * added
    val = [side for side in second.values() if side == ("val", "cat")]
    assert len(val) == round(share * (10 + added)), "new ones bring the share back"


def test_copies_of_one_photograph_stay_together(originals, tmp_path):
    for path in sorted((originals / "cat").iterdir()):
        shutil.copy(path, path.with_name(f"copy of {path.name}"))
    split(originals, tmp_path / "photos")
    for path in (tmp_path / "photos").rglob("copy of *"):
        assert path.with_name(path.name.removeprefix("copy of ")).exists()


def test_links_lead_to_the_originals(originals, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.main(["split", "originals", "photos", "--links"]) == 0
    found = sorted((tmp_path / "photos").rglob("*.jpg"))
    assert len(found) == 30 and all(path.is_symlink() for path in found)
    assert {path.resolve() for path in found} == set(originals.rglob("*.jpg"))
    (tmp_path / "photos").rename(tmp_path / "moved")
    assert len(load_image_folder(tmp_path / "moved", size=16)[0]) == 24


def test_every_class_has_a_validation_image(originals, tmp_path):
    for path in sorted((originals / "cat").iterdir())[2:]:
        path.unlink()
    split(originals, tmp_path / "photos", validation=0.01)
    for name in CLASSES:
        assert len(list((tmp_path / "photos" / "val" / name).rglob("*.jpg"))) == 1


def test_what_is_left_out_is_said(originals, tmp_path, capsys):
    (originals / "cat" / "notes.txt").write_text("a cat")
    save(originals / "stray.jpg")
    save(originals / "@eaDir" / "0.jpg")
    split(originals, tmp_path / "photos")
    said = capsys.readouterr().out
    for words in ("other kinds: 1: ", "images in no class: 1: ", "other programs: 1: "):
        assert words in said
    assert not (tmp_path / "photos" / "train" / "@eaDir").exists()


def one_image(originals, copies=0):
    for path in sorted((originals / "cat").iterdir())[1:]:
        path.unlink()
    for number in range(copies):
        shutil.copy(originals / "cat" / "0.jpg", originals / "cat" / f"{1 + number}.jpg")


ONE = "class cat has 1 image that differs from others: it needs two"
HOLDS = "photos holds something"


def folders(*names):
    return lambda originals: [(originals / name).mkdir() for name in names]


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (one_image, [], ONE),
        (lambda f: one_image(f, copies=1), [], ONE),
        (lambda f: [path.unlink() for path in (f / "owl").iterdir()], [], "these hold none: owl"),
        (lambda f: save(f.parent / "photos" / "kept.jpg"), [], HOLDS + ": name a new folder or"),
        (lambda f: save(f.parent / "there.jpg").rename(f.parent / "photos"), [], HOLDS),
        (folders("train", "val"), [], "is divided already: it holds train and val"),
        (lambda f: shutil.rmtree(f), [], "there is no folder"),
        (lambda f: [shutil.rmtree(p) for p in f.iterdir()], [], "a folder of images per class"),
        (lambda f: None, ["--validation", "0"], "--validation is a share between 0 and 1, not 0"),
        (lambda f: None, ["--validation", "20"], "between 0 and 1, not 20"),
        (lambda f: None, ["--like", "nowhere"], "there is no folder nowhere"),
        (lambda f: None, ["--like", "."], "has no train and val"),
    ],
)  # fmt: skip
def test_what_cannot_be_divided_is_one_sentence(originals, tmp_path, capsys, spoil, options, words):
    spoil(originals)
    before = sorted(tmp_path.rglob("*"))
    assert command.main(["split", str(originals), str(tmp_path / "photos"), *options]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("resnet: ") and words in error
    assert sorted(tmp_path.rglob("*")) == before


def test_originals_and_photos_do_not_lie_in_each_other(originals, tmp_path, capsys):
    for target in (originals / "photos", tmp_path):
        assert command.main(["split", str(originals), str(target)]) == 1
    assert "must not lie in each other" in capsys.readouterr().err


def test_an_empty_folder_may_be_filled(originals, tmp_path):
    (tmp_path / "photos").mkdir()
    split(originals, tmp_path / "photos")
    assert len(sides(tmp_path / "photos")) == 30


def test_a_copy_that_fails_leaves_nothing(originals, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(OSError, match="No space left"):
        split(originals, tmp_path / "photos")
    assert list(tmp_path.iterdir()) == [originals]
