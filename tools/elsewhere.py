"""Repeats the tests where readers are: on a stand-in for another processor, in other Pythons."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .environment import ROOT, interpreter
from .notebooks import AVX2, chapters, strict

# What students are given is tried with the solutions, which the module alone does not bring.
MODULE_TESTS = ["tests/resnet", "--ignore=tests/resnet/course"]
# In an empty folder, so that what was installed is found and not the repository.
IMPORT = "import resnet; from resnet.data import embedded; resnet.Residual(1, 1); embedded()"
VENVS = ROOT / ".venvs"
# What the module's tests need beside the module itself.
TEST_PACKAGES = ["pytest", "hypothesis", "d2l==0.17.0", "ipykernel"]


@dataclass(frozen=True)
class Other:
    """Another Python: `whole` says that the book runs there, otherwise the module alone."""

    version: str
    whole: bool


OTHERS = (Other("3.10", False), Other("3.11", True), Other("3.12", True), Other("3.13", True))


def main(arguments: list[str]) -> int:
    """Both parts, or one of them; exit status 1 where anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tools test-elsewhere", description=__doc__)
    parser.add_argument("--only", choices=["avx2", *(other.version for other in OTHERS)])
    only = parser.parse_args(arguments).only
    failed = []
    if only in (None, "avx2") and not under_avx2():
        failed.append("AVX2")
    for other in OTHERS:
        if only not in (None, other.version):
            continue
        python = find(other.version)
        if python is None:
            print(f"Python {other.version} is not on this machine: not repeated there.", flush=True)
        elif not in_python(python, other):
            failed.append(f"Python {other.version}")
    print(f"Failed: {', '.join(failed)}" if failed else "Passed elsewhere, too.")
    return 1 if failed else 0


def under_avx2() -> bool:
    """Every chapter under strict nbval and the unit tests, with the instruction set held back."""
    print("Under AVX2:", flush=True)
    call = [sys.executable, "-m", "pytest", "-q", *MODULE_TESTS]
    passed = subprocess.run(call, cwd=ROOT, env={**os.environ, **AVX2}).returncode == 0
    for chapter in chapters():
        passed = _repeats(chapter, sys.executable, **AVX2) and passed
    return passed


def find(version: str) -> str | None:
    """A Python of that version: on the path, or among pyenv's."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = [str(path) for path in sorted(home.glob(f"versions/{version}.*/bin/python"))]
    on_path = shutil.which(f"python{version}")
    return next(filter(_runs, [*([on_path] if on_path else []), *reversed(installed)]), None)


def _runs(python: str) -> bool:
    """False for pyenv's stand-in of a version that is installed but not chosen."""
    return subprocess.run([python, "--version"], capture_output=True).returncode == 0


def in_python(python: str, other: Other) -> bool:
    """Installs from nothing into a folder that is thrown away, then imports, tests and runs."""
    print(f"Python {other.version}:", flush=True)
    VENVS.mkdir(exist_ok=True)  # several GB, too much for a /tmp that is kept in memory
    with tempfile.TemporaryDirectory(prefix=other.version, dir=VENVS) as folder:
        there = str(interpreter(Path(folder)))
        pip = [there, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        steps = [[python, "-m", "venv", folder], *([*pip, *these] for these in _installs(other))]
        if any(subprocess.run(step, cwd=ROOT).returncode for step in steps):
            return False
        if subprocess.run([there, "-c", IMPORT], cwd=folder).returncode:
            return False
        tests = [there, "-m", "pytest", "-q", "-p", "no:cacheprovider", *MODULE_TESTS]
        passed = subprocess.run(tests, cwd=ROOT).returncode == 0
        if other.whole:
            passed = _repeats(chapters()[1], there) and passed
    return passed


def _installs(other: Other) -> list[list[str]]:
    """The book as pinned, or the module by its ranges as on a platform with a torch of its own."""
    if other.whole:
        return [["-r", "requirements.txt", "-c", "constraints.txt"], ["--no-deps", "."]]
    return [["."], TEST_PACKAGES]


def _repeats(chapter: Path, python: str, **settings: str) -> bool:
    try:
        said = strict(chapter, python, **settings)
    except AssertionError as error:
        print(error)
        return False
    print(f"{chapter.name}: {said.strip().splitlines()[-1]}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
