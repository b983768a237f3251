"""`python -m resnet split`: photographs in folders of classes, divided into train and val.

Which photograph goes where depends on seed and content alone, so that copies of one photograph
stay together, whatever they are called. Classes are divided one by one.
"""

import argparse
import hashlib
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from tqdm.auto import tqdm

from .duplicates import content_digest
from .listing import listed, named, say_left_out, shown

TRAIN, VAL = "train", "val"
Digests = dict[str, list[Path]]  # the files of each content


def add_to(commands) -> None:
    """Adds the command with its options."""
    add = commands.add_parser(
        "split",
        help="divide a folder of photographs into train and val",
        description="Divide ORIGINALS/CLASS into PHOTOS/train/CLASS and PHOTOS/val/CLASS.",
        epilog="After adding photographs: python -m resnet split ORIGINALS NEW --like PHOTOS",
    )
    add.set_defaults(run=run)
    add.add_argument("originals", type=Path, metavar="ORIGINALS", help="one folder per class")
    add.add_argument("photos", type=Path, metavar="PHOTOS", help="a new or empty folder")
    add.add_argument(
        "--validation", type=float, default=0.2, metavar="SHARE", help="of each class (%(default)s)"
    )
    add.add_argument(
        "--seed", type=int, default=0, help="by which photographs are drawn (%(default)s)"
    )
    add.add_argument("--links", action="store_true", help="link to ORIGINALS instead of copying")
    add.add_argument(
        "--like",
        type=Path,
        metavar="FOLDER",
        help="an earlier split, whose photographs stay on their side",
    )


def run(options: argparse.Namespace) -> int:
    """Divides, and says what became of each photograph and how to go on."""
    split(
        options.originals,
        options.photos,
        validation=options.validation,
        seed=options.seed,
        links=options.links,
        like=options.like,
    )
    return 0


def split(
    originals: Path,
    photos: Path,
    *,
    validation: float = 0.2,
    seed: int = 0,
    links: bool = False,
    like: Path | None = None,
) -> None:
    """Copies or links the images of each class into `photos`, a share of them for validation.

    Images that `like` has in train or val go there again. `photos` appears whole or not at all.
    Raises ValueError for folders and shares that cannot be, and OSError where writing fails.
    """
    _check(originals, photos, validation, like)
    found = listed(originals)
    if found.unlisted:
        raise ValueError(f"folders that cannot be listed: {named(found.unlisted)}")
    empty = [name for name, paths in found.images.items() if not paths]
    if empty or not found.images:
        raise ValueError(
            f"{shown(originals)} needs a folder of images per class"
            + (f", and these hold none: {named(empty)}" if empty else "")
        )
    say_left_out(found.left_out)
    classes = {name: _by_content(found.images[name], f"reading {name}") for name in found.classes()}
    earlier = _sides(like) if like else {}
    sides = {
        name: _divided(name, list(digests), earlier, validation, seed)
        for name, digests in classes.items()
    }
    counts = _write(originals, photos, classes, sides, _link if links else shutil.copy2)
    print(
        f"{shown(photos)}: {len(classes)} classes, {counts[TRAIN]:,} images in train and "
        f"{counts[VAL]:,} in val, by seed {seed}\n"
        f"After adding photographs: python -m resnet split {shown(originals)} NEW "
        f"--like {shown(photos)}"
    )


def _check(originals: Path, photos: Path, validation: float, like: Path | None) -> None:
    if not 0 < validation < 1:
        raise ValueError(f"--validation is a share between 0 and 1, not {validation}")
    for folder in (originals, like):
        if folder is not None and not folder.is_dir():
            raise ValueError(f"there is no folder {shown(folder)}")
    if like is not None and not all((like / part).is_dir() for part in (TRAIN, VAL)):
        raise ValueError(f"--like takes an earlier split, and {shown(like)} has no train and val")
    if all((originals / part).is_dir() for part in (TRAIN, VAL)):
        raise ValueError(f"{shown(originals)} is divided already: it holds train and val")
    if photos.exists() and (not photos.is_dir() or any(photos.iterdir())):
        raise ValueError(f"{shown(photos)} holds something: name a new folder or an empty one")
    ones, others = originals.resolve(), photos.resolve()
    if ones.is_relative_to(others) or others.is_relative_to(ones):
        raise ValueError(f"{shown(photos)} and {shown(originals)} must not lie in each other")


def _by_content(paths: list[Path], title: str) -> Digests:
    found: Digests = defaultdict(list)
    for path in tqdm(paths, title, leave=False):
        found[content_digest(path)].append(path)
    return found


def _sides(split: Path) -> dict[str, str]:
    """Where an earlier split has each content; validation wins where both have it."""
    found = {}
    for part in (TRAIN, VAL):
        for name, paths in listed(split / part).images.items():
            found |= dict.fromkeys(_by_content(paths, f"reading {part} of {name}"), part)
    return found


def _divided(
    name: str, digests: list[str], earlier: dict[str, str], validation: float, seed: int
) -> dict[str, str]:
    """The side of each content of one class: the earlier one, else drawn up to the share."""
    if len(digests) < 2:
        raise ValueError(
            f"class {name} has {len(digests)} image that differs from others: it needs two, one to "
            "train and one to validate on"
        )
    sides = {digest: earlier[digest] for digest in digests if digest in earlier}
    drawn = sorted(
        (digest for digest in digests if digest not in earlier),
        key=lambda digest: hashlib.sha256(f"{seed} {digest}".encode()).digest(),
    )
    wanted = min(max(1, round(validation * len(digests))), len(digests) - 1)
    missing = max(0, wanted - sum(side == VAL for side in sides.values()))
    sides |= dict.fromkeys(drawn[:missing], VAL) | dict.fromkeys(drawn[missing:], TRAIN)
    for part in (TRAIN, VAL):
        if part not in sides.values():
            raise ValueError(f"class {name} would have no image in {part}: add some, and try again")
    return sides


def _write(
    originals: Path,
    photos: Path,
    classes: dict[str, Digests],
    sides: dict[str, dict[str, str]],
    place: Callable[[Path, Path], object],
) -> dict[str, int]:
    """Fills a folder beside `photos`, which becomes `photos` when it is whole; images by part."""
    counts = {TRAIN: 0, VAL: 0}
    photos.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=photos.parent, prefix=f".{photos.name}-") as beside:
        whole = Path(beside) / "photos"
        for name, digests in classes.items():
            for digest, paths in tqdm(digests.items(), f"writing {name}", leave=False):
                side = sides[name][digest]
                for path in paths:
                    target = whole.joinpath(side, name, *path.relative_to(originals).parts[1:])
                    if os.path.lexists(target):
                        raise ValueError(f"two files would become {shown(target.name)} in {name}")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    place(path, target)
                    counts[side] += 1
        if photos.exists():
            photos.rmdir()
        os.replace(whole, photos)
    return counts


def _link(path: Path, target: Path) -> None:
    target.symlink_to(path.resolve())
