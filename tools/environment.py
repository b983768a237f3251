"""The environment in `.venv`: made when missing, renewed when what it is made from changes."""

from __future__ import annotations  # so that an older Python gets as far as the refusal

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv"
OLDEST = (3, 11)


class SetupError(RuntimeError):
    """The environment could not be made; the message says what to do."""


def prepare(requirements: str, folder: Path = FOLDER) -> Path:
    """The Python of an environment that holds `requirements`, installed if need be.

    A stamp, written last, tells what is installed; an interrupted install leaves none. What holds
    all requirements serves where the book's alone are asked for.
    """
    if sys.version_info < OLDEST:
        raise SetupError(
            f"Python {OLDEST[0]}.{OLDEST[1]} or later is needed, and this is "
            f"{sys.version_info[0]}.{sys.version_info[1]}"
        )
    python = interpreter(folder)
    stamps = [_stamp(folder, name) for name in (requirements, "requirements.txt")]
    if python.exists() and any(stamp.exists() for stamp in stamps):
        return python
    if not _has_pip(python):
        print(f"Making the environment {folder.name} ...", flush=True)
        _make(folder)
    print(f"Installing {requirements} ...", flush=True)
    _pip(python, "-r", requirements, "-c", "constraints.txt")
    if requirements == "requirements.txt":
        _pip(python, "--no-deps", "--no-build-isolation", "--editable", ".")
    for old in folder.glob(f".{requirements}-*"):
        old.unlink()
    _stamp(folder, requirements).touch()
    return python


def interpreter(folder: Path) -> Path:
    """Where an environment keeps its Python, on Windows and elsewhere."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def _has_pip(python: Path) -> bool:
    """False where there is no environment, or one whose making was interrupted."""
    call = [python, "-m", "pip", "--version"]
    return python.exists() and subprocess.run(call, capture_output=True).returncode == 0


def _make(folder: Path) -> None:
    try:
        venv.create(folder, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(
            f"the environment {folder.name} could not be made ({error}): "
            "on Debian and Ubuntu it needs the package python3-venv"
        ) from error


def _stamp(folder: Path, requirements: str) -> Path:
    return folder / f".{requirements}-{_digest(requirements)}"


def _digest(requirements: str) -> str:
    digest = hashlib.sha256(".".join(map(str, sys.version_info[:2])).encode())
    for name in (requirements, "constraints.txt", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()[:16]


def _pip(python: Path, *arguments: str) -> None:
    call = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.run(call, cwd=ROOT).returncode:
        raise SetupError(
            "pip could not install this (its message stands above): without a network connect and "
            "repeat the command; it goes on where it stopped"
        )
