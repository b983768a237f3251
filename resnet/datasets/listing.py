"""Which images the folders of classes hold, and what of all that is there is left out.

Nothing is opened here. What is left out is kept by kind, so that it can be named and counted.
"""

import os
import unicodedata
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL import Image

ENDINGS = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".bmp", ".gif", ".webp", ".avif",
    ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".heic", ".heif",
)  # fmt: skip
# Photographs, too, but as the sensor saw them or in formats that Pillow has no reader for.
UNREADABLE = (".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf", ".jxl", ".hif")
# Folders that servers and programs leave behind; those that begin with a dot are hidden anyway.
OF_PROGRAMS = ("@eadir", "@recycle", "#recycle", "#snapshot", "__macosx", "__pycache__",
               "$recycle.bin", "system volume information", "lost+found")  # fmt: skip
NO_CLASS = "images in no class"
OTHERS = "files of other kinds"
PROGRAMS = "folders of other programs"
READ_ALREADY = "links to folders that are read already or lie around the link"
Seen = set[tuple[int, int]]  # folders, by device and number
Links = deque[tuple[Path, str]]  # with the class that they belong to


@dataclass
class Listing:
    """Images by class, each class in the order of its files; and what is left out, by kind."""

    folder: Path
    images: dict[str, list[Path]] = field(default_factory=dict)
    left_out: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    unlisted: dict[Path, str] = field(default_factory=dict)  # folders, with the reason
    unread: list[Path] = field(default_factory=list)  # pictures that Pillow has no reader for

    def classes(self) -> tuple[str, ...]:
        """Names in order, those of empty classes as well."""
        return tuple(sorted(self.images))

    def lost(self) -> list[str]:
        """Classes that are empty because what they hold cannot be read."""
        below = [path.relative_to(self.folder).parts for path in (*self.unread, *self.unlisted)]
        unread = {_composed(parts[0]) for parts in below if parts}
        return [name for name in self.classes() if not self.images[name] and name in unread]


def listed(folder: Path) -> Listing:
    """Every folder in `folder` is a class, with all the images below it.

    A class may be spelt with composed and with combining characters. A link is followed unless
    it leads to a folder that is read already or that the link lies in.
    """
    found = Listing(folder)
    links: Links = deque()
    seen: Seen = set()
    for entry in _entries(folder, found):
        if _is_folder(entry):
            name = _composed(entry.name)
            found.images.setdefault(name, [])
            _follow(entry, name, found, seen, links)
        else:
            _sort(entry, found, found.left_out[NO_CLASS])
    while links:
        path, name = links.popleft()
        if Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(path)):
            found.left_out[READ_ALREADY].append(path)
        else:
            _walk(path, name, found, seen, links)
    return found


def _follow(entry: os.DirEntry, name: str, found: Listing, seen: Seen, links: Links) -> None:
    """Links wait until all that is no link has been seen."""
    if entry.is_symlink():
        links.append((Path(entry), name))
    else:
        _walk(Path(entry), name, found, seen, links)


def _walk(folder: Path, name: str, found: Listing, seen: Seen, links: Links) -> None:
    """Files first, then folders."""
    try:
        state = folder.stat()
    except OSError as error:
        found.unlisted[folder] = error.strerror or str(error)
        return
    if (state.st_dev, state.st_ino) in seen:
        found.left_out[READ_ALREADY].append(folder)
        return
    seen.add((state.st_dev, state.st_ino))
    below = []
    for entry in _entries(folder, found):
        if _is_folder(entry):
            below.append(entry)
        else:
            _sort(entry, found, found.images[name])
    for entry in below:
        _follow(entry, name, found, seen, links)


def _entries(folder: Path, found: Listing) -> Iterator[os.DirEntry]:
    """In the order of their names; what is hidden or of other programs is left out."""
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found.unlisted[folder] = error.strerror or str(error)
        return
    for entry in ordered:
        if entry.name.lower() in OF_PROGRAMS or entry.name == ".ipynb_checkpoints":
            found.left_out[PROGRAMS].append(Path(entry))
        elif entry.name.startswith("."):
            found.left_out["hidden files and folders"].append(Path(entry))
        else:
            yield entry


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _is_folder(entry: os.DirEntry) -> bool:
    """Of links what they lead to; a link that leads nowhere or round in circles is a file."""
    return os.path.isdir(entry) if entry.is_symlink() else entry.is_dir()


def _sort(entry: os.DirEntry, found: Listing, images: list[Path]) -> None:
    ending = os.path.splitext(entry.name)[1].lower()
    if not entry.is_file(follow_symlinks=False) and not _may_be_a_file(entry):
        found.left_out["pipes and devices"].append(Path(entry))  # to open one may wait for ever
    elif ending in readable():
        images.append(Path(entry))
    elif ending in (*ENDINGS, *UNREADABLE):
        found.left_out[f"pictures {ending}, which Pillow cannot read here"].append(Path(entry))
        found.unread.append(Path(entry))
    elif entry.is_symlink() and not os.path.exists(entry):
        found.left_out["links that lead nowhere"].append(Path(entry))
    else:
        found.left_out[OTHERS].append(Path(entry))


def _may_be_a_file(entry: os.DirEntry) -> bool:
    return entry.is_symlink() and (os.path.isfile(entry) or not os.path.exists(entry))


@cache
def readable() -> frozenset[str]:
    """The endings that this Pillow has a reader for."""
    Image.preinit()  # so that the usual formats are tried first whenever an image is opened
    formats = Image.registered_extensions()
    return frozenset(ending for ending in ENDINGS if formats.get(ending) in Image.OPEN)


def shown(path: Path) -> str:
    """A file's name for the screen, with escapes where its bytes are no text."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def say_left_out(left_out: Mapping[str, Sequence[Path]]) -> None:
    """A line for each kind of file that is left out."""
    for kind, paths in left_out.items():
        if paths:
            print(f"Left out: {kind}: {len(paths):,}: {named(paths)}")


def named(paths: Iterable[Path | str], most: int = 5) -> str:
    """The first few by name, and how many more there are."""
    paths = [path if isinstance(path, str) else shown(path) for path in paths]
    more = f" and {len(paths) - most:,} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
