"""Makes what is put online: the pages with their address, and notebooks that install the module."""

import argparse
import copy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import yaml

from .addresses import (
    changed_files,
    git,
    head,
    named_repository,
    pages_address,
    read_settings,
)
from .book import BuildError, build
from .environment import ROOT
from .stamping import archive, stamp

# Colab opens the stamped copies there; the source branch is for those who change the book.
NOTEBOOK_BRANCH = "notebooks"


def main(arguments: list[str]) -> int:
    """Writes the folders `site` and `notebooks`; exit status 1 where a page does not build."""
    parser = argparse.ArgumentParser(prog="python -m tools publish", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "publish")
    out = parser.parse_args(arguments).out
    repository = named_repository()
    if repository:
        print(f"For {repository}, to be read at {pages_address(repository)}")
    else:
        print("repository.url in _config.yml is empty: no link to a repository, no Colab button")
    if repository and changed_files():
        print("tools: commit first: the notebooks install from a commit", file=sys.stderr)
        return 1
    try:
        make(repository, head(), out)
    except BuildError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    print(f"{out / 'site'}\n{out / 'notebooks'}")
    return 0


def make(repository: str, commit: str, out: Path) -> None:
    """Renders the tracked files as fits `repository`, and stamps the notebooks."""
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="publish-") as name:
        source = Path(name) / "source"
        copy_tracked(source)
        composed = configuration(read_settings(), repository)
        (source / "_config.yml").write_text(yaml.safe_dump(composed), encoding="utf-8")
        site = build(Path(name), source=source)
        # It tells Sphinx what it need not build again, and differs from folder to folder.
        shutil.copytree(site, out / "site", ignore=shutil.ignore_patterns(".buildinfo"))
        stamped = out / "notebooks" / "chapters"
        stamped.mkdir(parents=True)
        address = archive(repository, commit) if repository else None
        home = pages_address(repository) if repository else None
        for path in (source / "chapters").glob("*.ipynb"):
            notebook = nbformat.read(path, as_version=4)
            nbformat.write(stamp(notebook, address, home), stamped / path.name)
    write_assignments(repository, address, home, out / "notebooks" / "assignments")
    # The button that downloads a notebook hands out the stamped one, too.
    shutil.copytree(stamped, out / "site" / "_sources" / "chapters", dirs_exist_ok=True)
    (out / "site" / ".nojekyll").touch()  # else GitHub hides folders such as _static


def write_assignments(repository: str, address: str | None, home: str | None, folder: Path) -> None:
    """What students get, with links that lead to where it is put online."""
    call = [sys.executable, "-m", "assignments", "build", "--students-only", "--out", str(folder)]
    where = ["--address", repository, address, home] if repository else []
    if subprocess.run([*call, *where], cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
        raise BuildError("the assignments could not be written: the reason is above")


def configuration(settings: dict, repository: str) -> dict:
    """The book's settings with all that follows from the repository; without one as they are."""
    composed = copy.deepcopy(settings)
    if repository:
        composed["repository"]["url"] = repository
        composed["launch_buttons"] = {"colab_url": "https://colab.research.google.com"}
        composed["html"] |= {
            "baseurl": pages_address(repository),
            "use_repository_button": True,
            "use_issues_button": True,
            "use_edit_page_button": True,
        }
        composed["sphinx"]["config"]["notebook_branch"] = NOTEBOOK_BRANCH
    return composed


def copy_tracked(target: Path) -> None:
    """The tracked files as they are now, without what else lies in the folder."""
    for name in git("ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
