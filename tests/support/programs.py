"""What the system must have for some tests, and a server that keeps quiet."""

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.environment import ROOT
from tools.notebooks import without_network


def need_program(name: str) -> str:
    """The path of a system program; without it the test is skipped, on a server (`CI`) it fails."""
    path = shutil.which(name)
    if path is None:
        missing(f"the program {name} is not installed")
    return path


def need_sandbox(folder: Path) -> list[str]:
    """The words that cut a command's network; as above where bubblewrap is missing or forbidden."""
    need_program("bwrap")
    words = without_network(folder)
    if not words:
        missing("bubblewrap is forbidden here, as AppArmor may do")
    return words


def missing(reason: str) -> None:
    """Skips the test for what the system lacks; on a server (`CI`) fails it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def tracked(*folders: str | Path) -> list[str]:
    """The files that git tracks or would track, by their names from the top of the repository."""
    call = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    names = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in names.splitlines() if (ROOT / name).is_file()]


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of the folder's files on this machine, to be had for a while."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # a connection serves many files

    def log_message(self, *arguments: object) -> None:
        pass
