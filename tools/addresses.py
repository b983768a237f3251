"""Where the book is kept and read: its repository, its pages, the commit at hand."""

import os
import subprocess
from urllib.parse import urlsplit

import yaml

from .environment import ROOT


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


def head() -> str:
    return git("rev-parse", "HEAD").strip()


def changed_files() -> bool:
    return bool(git("status", "--porcelain").strip())


def git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
