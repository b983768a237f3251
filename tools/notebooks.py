"""The chapters as notebooks: where they are, how they run alone, and how nbval repeats them."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .environment import ROOT
from .patience import patient

CELL_SECONDS = 600  # on a quiet machine; a dead kernel would be waited for half an hour
# Chapters print the same on every machine only with the same budget, wherever a GPU is.
SETTINGS = {"RESNET_BUDGET": "cpu", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
# Stands in for another processor: other instruction sets give other last digits.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
}


def chapters() -> list[Path]:
    """The notebooks of the book, in order."""
    return sorted((ROOT / "chapters").glob("*.ipynb"))


def chosen(names: list[str]) -> list[Path]:
    """The chapters named by a part of their file's name, or all; ValueError where none fits."""
    found = [path for path in chapters() if not names or any(name in path.stem for name in names)]
    if not found:
        raise ValueError(f"no chapter is called {' or '.join(names)}")
    return found


def without_network(folder: Path) -> list[str]:
    """The words before a command that cut its network and leave it `folder` alone to write to.

    Empty where bubblewrap is missing or forbidden, as on Ubuntu until an AppArmor profile allows
    it: the command then runs with whatever network there is.
    """
    sandbox = ["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/"]
    sandbox += ["--dev", "/dev", "--proc", "/proc", "--bind", str(folder), str(folder)]
    if shutil.which("bwrap") is None:
        return []
    works = subprocess.run([*sandbox, "true"], capture_output=True).returncode == 0
    return sandbox if works else []


def strict(notebook: Path, python: Path | str = sys.executable, **settings: str) -> str:
    """Runs one notebook under strict nbval, alone in its folder, and returns what pytest said.

    Each strictly compared output is also compared with one digit altered, which must be caught.
    Raises AssertionError with pytest's report where a cell fails.
    """
    with tempfile.TemporaryDirectory(prefix="nbval-") as name:
        folder, home = Path(name) / "notebook", Path(name) / "home"
        folder.mkdir(), home.mkdir()
        shutil.copy(notebook, folder)
        shutil.copy(Path(__file__).with_name("altered_digits.py"), home)
        call = [str(python), "-m", "pytest", "--nbval", "--nbval-current-env", notebook.name]
        call += [f"--nbval-cell-timeout={patient(CELL_SECONDS):.0f}", "-p", "no:cacheprovider"]
        call += ["-p", "altered_digits", "--rootdir", str(folder), "-q", "--color=no"]
        done = subprocess.run(
            [*without_network(Path(name)), *call],
            cwd=folder,
            env=_environment(home, python, settings),
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise AssertionError(
            f"{notebook.name} failed:\n{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
        )
    return done.stdout


def _environment(home: Path, python: Path | str, settings: dict[str, str]) -> dict[str, str]:
    """Variables for a run that finds nothing of its user's and leaves all its files in `home`."""
    places = dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR", "PYTHONPATH"), str(home))
    environment = {**os.environ, **SETTINGS, **settings, **places}
    # Matplotlib warns on stderr, which is compared, when its first search for fonts takes long.
    fonts = [python, "-c", "import matplotlib.font_manager"]
    subprocess.run(fonts, cwd=home, env=environment, capture_output=True)
    return environment
