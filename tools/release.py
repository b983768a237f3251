"""Packs site, notebooks and assignments into one archive, the same bytes for the same commit."""

import os
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from .addresses import changed_files, git, head, named_repository
from .book import BuildError
from .environment import ROOT
from .publish import make

FOLDER = ROOT / "_build" / "release"
NAME = "residual-networks-by-experiment"


def main(arguments: list[str]) -> int:
    """Writes `_build/release/NAME-COMMIT.zip`; refuses a tree with changes that no commit holds."""
    if changed_files():
        print("tools: there are changes that no commit holds: commit first", file=sys.stderr)
        return 1
    moment = int(git("log", "-1", "--format=%ct"))
    os.environ["SOURCE_DATE_EPOCH"] = str(moment)  # for Sphinx
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="release-") as name:
        folder = Path(name) / "bundle"
        try:
            make(named_repository(), head(), folder)
        except BuildError as error:
            print(f"tools: {error}", file=sys.stderr)
            return 1
        archive = pack(folder, FOLDER / f"{NAME}-{head()[:12]}.zip", moment)
    print(f"Packed: {archive}")
    return 0


def pack(folder: Path, archive: Path, moment: int) -> Path:
    """Packs all files below `folder`: names sorted, one time (seconds since 1970), one mode."""
    top = archive.stem
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
        for name in sorted(name for name, path in names.items() if path.is_file()):
            entry = zipfile.ZipInfo(f"{top}/{name}", time.gmtime(moment)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, also where this runs on Windows
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, names[name].read_bytes())
    return archive


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
