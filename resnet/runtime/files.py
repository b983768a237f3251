"""Files written whole or not at all, and what a result says about where it came from."""

import contextlib
import os
import platform
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any


def write_text(path: str | Path, text: str) -> None:
    """Writes a file whole or not at all: beside its place first, then moved there.

    Raises OSError with a sentence that names the file.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def provenance(**also: Any) -> dict[str, Any]:
    """Versions, processor and time of a run; `also` adds what only the caller knows."""
    return {
        "versions": {name: version(name) for name in ("resnet-by-experiment", "torch", "numpy")},
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": processor(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **also,
    }


def processor() -> str:
    """The processor's name, its machine type where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def version(name: str) -> str | None:
    """The version of an installed package, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def make_writable(folder: Path) -> None:
    """Fails before the training and not after it where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(f"cannot write to {folder}: {error.strerror}") from error
