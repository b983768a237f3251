"""Makes what is put online: the pages with their address, and notebooks that install the module."""

import argparse
import copy
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import yaml

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
    from assignments import build as course  # here, because it takes addresses from this file
    from assignments import editions, source

    where = editions.Address(repository, address, home) if repository else editions.NOWHERE
    for name in source.names():
        course.students(source.read(name), folder, address=where)


def read_settings() -> dict:
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def named_repository() -> str:
    """The one setting that names the repository; a GitHub workflow stands in for an empty one."""
    named = read_settings()["repository"]["url"]
    if not named and (fork := os.environ.get("GITHUB_REPOSITORY")):
        named = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{fork}"
    return named.removesuffix("/").removesuffix(".git")


def pages_address(repository: str) -> str:
    """Where GitHub Pages serves a repository's site."""
    owner, name = urlsplit(repository).path.strip("/").split("/")[:2]
    home = f"{owner.lower()}.github.io"
    return f"https://{home}/" if name.lower() == home else f"https://{home}/{name}/"


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


def head() -> str:
    return git("rev-parse", "HEAD").strip()


def changed_files() -> bool:
    return bool(git("status", "--porcelain").strip())


def git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
