"""Rendering the book from the stored outputs: no torch, no network, warnings are errors."""

import filecmp
import shutil
import subprocess
import sys
from pathlib import Path

from .environment import ROOT

# Its package cannot be run by `-m`, and its script is not on the path of an inactive environment.
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main(prog_name='jupyter-book')"


class BuildError(RuntimeError):
    """The book did not render without warnings; they stand above on the screen."""


def build(output: Path, everything: bool = True, source: Path | None = None) -> Path:
    """Renders the book in `source`, by default this one, and returns where its index.html is.

    With `everything` all pages are read anew: an incremental build can pass over a dead link.
    Raises BuildError, and then leaves no state behind from which the next build would go on.
    """
    call = [sys.executable, "-c", JUPYTER_BOOK, "build", ".", "--path-output", str(output)]
    call += ["--warningiserror", "--keep-going", *(["--all"] if everything else [])]
    if subprocess.run(call, cwd=source or ROOT).returncode:
        shutil.rmtree(output / "_build" / ".doctrees", ignore_errors=True)
        raise BuildError("the book was not rendered: mend what is named above")
    return output / "_build" / "html"


def looks_changed(root: Path) -> bool:
    """Whether a style or a script differs from that of the last build, which Sphinx passes over."""
    old = root / "_build" / "html" / "_static"
    files = [path for path in (root / "_static").rglob("*") if path.is_file()]
    pairs = [(path, old / path.relative_to(root / "_static")) for path in files]
    return not all(held.exists() and filecmp.cmp(path, held, False) for path, held in pairs)


def main(arguments: list[str]) -> int:
    """Renders into `_build/html`; `--all` renders every page anew."""
    try:
        html = build(ROOT, everything="--all" in arguments or looks_changed(ROOT))
    except BuildError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    print(f"The book is rendered: {html / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
