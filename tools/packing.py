"""Archives that are the same bytes for the same content, whoever makes them and when."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

FIRST = (1980, 1, 1, 0, 0, 0)  # the first date that the format knows


def pack(files: Mapping[str, bytes], archive: Path, date: tuple[int, ...] = FIRST) -> Path:
    """Writes `files`, by their names in the archive: names sorted, one date, one mode."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, also where this runs on Windows
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, files[name])
    return archive
