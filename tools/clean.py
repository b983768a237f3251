"""Removes what was built; never a file under version control."""

import shutil
import sys

from .environment import FOLDER, ROOT

BUILT = ("_build", "build", "dist", ".pytest_cache", ".ruff_cache", ".hypothesis", ".venvs")


def main(arguments: list[str]) -> int:
    """Removes rendered pages and caches; `--all` removes the environment, too."""
    folders = [ROOT / name for name in BUILT] + [*ROOT.glob("*.egg-info")]
    folders += [FOLDER] if "--all" in arguments else []
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    print("Clean.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
