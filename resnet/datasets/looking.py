"""A look at every file of a folder before training: what is whole, what is bad, what is left out.

All that is left out is said on the screen, by name and number.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tqdm.auto import tqdm

from ..data import DataError
from . import pixels
from .duplicates import in_both
from .image_files import Look, look_into
from .layout import PARTS, check_parts
from .listing import OTHERS, Listing, listed, named, say_left_out, shown

MOST_BAD = 0.3  # the share of a part that may be left out
ALIKE = "the same photographs in train and val"


@dataclass(frozen=True)
class Part:
    """The whole images of train or of val: path, label and size in bytes of each."""

    images: list[tuple[Path, int, int]]
    bad: int = 0  # files that were left out


@dataclass(frozen=True)
class Folder:
    """All that was found in a folder; `whites` is what is white in images of more than 8 bits."""

    class_names: tuple[str, ...]
    parts: dict[str, Part]
    whites: dict[str, float]


def look_at(folder: Path, workers: int, skip: bool, most_bad: float, most_pixels: int) -> Folder:
    """Looks at each file below `folder`, and says what is bad and what is left out.

    Raises DataError where anything is bad and `skip` is not asked for, where bad is more than
    `most_bad` of a part or a whole class, and where a class or a part is missing.
    """
    listings = _listings(folder)
    class_names = listings["train"].classes()
    looks = {
        part: _looks(listing, class_names, workers, most_pixels, f"looking at {part}")
        for part, listing in listings.items()
    }
    whites = _whites(looks)
    faults = [*_faults_of_folders(folder, listings)]
    faults += [each.fault for part in PARTS for each in looks[part] if each.fault]
    _refuse_or_skip(folder, faults, skip)
    for part in PARTS:
        _check_bound(listings[part], looks[part], class_names, most_bad)
    whole = {part: [each for each in looks[part] if not each.fault] for part in PARTS}
    if not all(whole.values()):
        raise DataError(f"{shown(folder)} has no image left to train on, or none to validate on")
    _say(folder, listings, class_names, whole, whites, len(faults))
    parts = {
        part: Part(
            [(each.path.relative_to(folder / part), each.label, each.size) for each in whole[part]],
            len(looks[part]) - len(whole[part]),
        )
        for part in PARTS
    }
    return Folder(class_names, parts, whites)


def _listings(folder: Path) -> dict[str, Listing]:
    check_parts(folder)
    listings = {part: listed(folder / part) for part in PARTS}
    for listing in listings.values():
        if listing.folder in listing.unlisted:
            reason = listing.unlisted[listing.folder]
            raise DataError(f"{shown(listing.folder)} cannot be listed: {reason}")
    classes = {part: listings[part].classes() for part in PARTS}
    unknown = sorted(set(classes["val"]) - set(classes["train"]))
    if unknown:
        raise DataError(
            f"{shown(folder / 'val')} has classes that train has not: {', '.join(unknown)}"
        )
    if len(classes["train"]) < 2:
        raise DataError(f"{shown(folder / 'train')} needs a folder for each of two classes or more")
    return listings


def _looks(
    listing: Listing, class_names: tuple[str, ...], workers: int, most_pixels: int, title: str
) -> list[Look]:
    files = [
        (path, label)
        for label, name in enumerate(class_names)
        for path in listing.images.get(name, ())
    ]
    with ThreadPoolExecutor(workers) as pool:
        looks = pool.map(partial(look_into, most_pixels=most_pixels), *zip(*files, strict=True))
        return list(tqdm(looks, title, len(files), leave=False)) if files else []


def _whites(looks: dict[str, list[Look]]) -> dict[str, float]:
    """One white for each kind of depth; images whose digits are lost become bad ones in `looks`."""
    highest: dict[str, float] = defaultdict(float)
    for look in (each for part in PARTS for each in looks[part] if each.depth):
        highest[look.depth] = max(highest[look.depth], look.brightest)
    whites, lost = {}, {}
    for depth, value in highest.items():
        try:
            whites[depth] = pixels.white(depth, value)
        except ValueError as error:
            lost[depth] = error
    for part in PARTS:
        for place, look in enumerate(looks[part]):
            if look.depth in lost:
                fault = f"{shown(look.path)}: {lost[look.depth]}"
                looks[part][place] = replace(look, fault=fault)
    return whites


def _faults_of_folders(folder: Path, listings: dict[str, Listing]) -> Iterator[str]:
    for part, listing in listings.items():
        for path, reason in listing.unlisted.items():
            yield f"{shown(path)}: a folder that cannot be listed: {reason}"
        for name in listing.classes() if part == "train" else ():
            if not listing.images[name]:
                yield f"{shown(folder / part / name)}: a class without images"


def _refuse_or_skip(folder: Path, faults: list[str], skip: bool) -> None:
    for each in faults:
        print(f"{'Skipped' if skip else 'Bad'}: {each}")
    if faults and not skip:
        raise DataError(
            f"{shown(folder)} has faults, named above: {len(faults)}; mend or remove what they "
            "name, or take --bad-images skip"
        )


def _check_bound(
    listing: Listing, looks: list[Look], class_names: tuple[str, ...], most_bad: float
) -> None:
    """DataError where more is bad than `--bad-images skip` may leave out."""
    where = shown(listing.folder)
    if listing.lost():
        raise DataError(
            f"{where}: nothing of class {listing.lost()[0]} can be read, and no class is left out "
            f"for that: {named([*listing.unlisted, *listing.unread])}"
        )
    files = Counter(each.label for each in looks)
    bad = Counter(each.label for each in looks if each.fault)
    for label, count in bad.items():
        if count == files[label]:
            raise DataError(
                f"{where}: all images of class {class_names[label]} are bad ({count}), and "
                "--bad-images skip leaves out no whole class"
            )
    if bad.total() > most_bad * files.total():
        raise DataError(
            f"{where}: {bad.total():,} of {files.total():,} images are bad, and --bad-images skip "
            f"leaves out no more than {most_bad:.0%}: mend them, or raise --most-bad"
        )


def _say(
    folder: Path,
    listings: dict[str, Listing],
    class_names: tuple[str, ...],
    whole: dict[str, list[Look]],
    whites: dict[str, float],
    skipped: int,
) -> None:
    """A line for each kind of file that is left out, and one that sums up."""
    left_out: dict[str, list[Path]] = defaultdict(list)
    for listing in listings.values():
        for kind, paths in listing.left_out.items():
            left_out[kind] += paths
    others = len(left_out[OTHERS])
    say_left_out(left_out)
    labels = {each.label for each in whole["val"]}
    without = [name for label, name in enumerate(class_names) if label not in labels]
    if without:
        print(
            f"Note: val has no image of {len(without):,} of {len(class_names):,} classes: "
            f"{named(without)}"
        )
    marked = ([(each.path, each.size, each.tail) for each in whole[part]] for part in PARTS)
    alike = [f"{shown(one)} is {shown(other)}" for one, other in in_both(*marked)]
    if alike:
        print(f"Note: {ALIKE}: {len(alike):,}: {named(alike)}")
    print(
        f"{shown(folder)}: {len(class_names)} classes, {len(whole['train']):,} images in train and "
        f"{len(whole['val']):,} in val; skipped: {skipped}; files of other kinds: {others}"
        f"{''.join(f'; {each}' for each in _kinds([*whole['train'], *whole['val']], whites))}"
    )


def _kinds(looks: list[Look], whites: dict[str, float]) -> Iterator[str]:
    """How many images are not simply of three times 8 bits, and what is made of them."""
    for kind, count in sorted(Counter(kind for each in looks for kind in each.kinds).items()):
        yield f"{count:,} {kind}"
    depths = Counter(each.depth for each in looks)
    for depth, white in sorted(whites.items()):
        yield (
            f"{depths[depth]:,} of more than 8 bits ({depth}), in which white is {white:,.12g}, "
            "the least full range that holds them all"
        )
