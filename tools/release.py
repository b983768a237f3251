"""Packs site, notebooks and assignments into one archive, the same bytes for the same commit."""

import os
import sys
import tempfile
import time
from pathlib import Path

from .addresses import changed_files, git, head, named_repository
from .book import BuildError
from .environment import ROOT
from .packing import pack
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
        top = f"{NAME}-{head()[:12]}"
        files = {f"{top}/{name}": content for name, content in contents(folder).items()}
        archive = pack(files, FOLDER / f"{top}.zip", time.gmtime(moment)[:6])
    print(f"Packed: {archive}")
    return 0


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder by their paths from there."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
