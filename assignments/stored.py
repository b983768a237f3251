"""Results on disk, so that grading goes on where it stopped and repeats only what changed."""

import hashlib
import json
import platform
import re
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path

from resnet.results import write_text

from . import notebook
from .result import Result
from .submissions import Submission

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "numpy")


class Store:
    """One file a student, each with the digest of everything that its result came from."""

    def __init__(self, folder: Path, graders: str):
        """`graders` is the digest of what all results of the batch have in common."""
        self.folder, self.graders = folder, graders
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, one: Submission) -> Result | None:
        """The stored result where nothing changed since, with today's name and lateness."""
        try:
            held = json.loads(self._path(one).read_text("utf-8"))
            if held["digest"] != self._digest(one):
                return None
            result = Result.from_json(json.dumps(held["result"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return replace(result, name=one.name, file=one.file, late=one.late)

    def write(self, one: Submission, result: Result) -> None:
        held = {"digest": self._digest(one), "result": asdict(result)}
        write_text(self._path(one), json.dumps(held, ensure_ascii=False, indent=1) + "\n")
        self.forget(one)

    def begin(self, one: Submission) -> None:
        """Notes that it is being graded; the note goes when there is a result."""
        self.give_up(one, 0.0)

    def give_up(self, one: Submission, seconds: float) -> None:
        """Notes that it was ended after so many seconds."""
        held = {"digest": self._digest(one), "seconds": seconds}
        write_text(self._note(one), json.dumps(held) + "\n")

    def forget(self, one: Submission) -> None:
        """Takes the note away."""
        self._note(one).unlink(missing_ok=True)

    def cut_off(self, one: Submission) -> bool:
        """Whether an earlier call began it as it is now, and was ended before it was."""
        return self._noted(one) == 0.0

    def gave_up(self, one: Submission) -> float:
        """The seconds after which an earlier call ended it as it is now, else none."""
        return self._noted(one) or 0.0

    def _noted(self, one: Submission) -> float | None:
        try:
            held = json.loads(self._note(one).read_text("utf-8"))
            return float(held["seconds"]) if held["digest"] == self._digest(one) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _note(self, one: Submission) -> Path:
        return self._path(one).with_suffix(".begun")

    def _path(self, one: Submission) -> Path:
        """A name that every file system can hold; no two students share one, in any case."""
        safe = re.sub(r"[^a-z0-9_@+-]", "_", one.student)[:80]
        if safe != one.student:
            safe += "-" + hashlib.sha256(one.student.encode()).hexdigest()[:12]
        return self.folder / f"{safe}.json"

    def _digest(self, one: Submission) -> str:
        try:
            held = notebook.content(one.path)
        except notebook.UnreadableError as error:
            held = str(error).encode()
        return digest(self.graders, one.student, hashlib.sha256(held).hexdigest())


def graders_digest(source: Path, key: str) -> str:
    """The digest of the assignment, the grader, the package, the versions and the course's key."""
    code = [*(ROOT / "assignments").glob("*.py"), *(ROOT / "resnet").glob("*.py")]
    files = [source, source.with_suffix(".toml"), *sorted(code)]
    versions = [platform.python_version(), *map(metadata.version, PACKAGES)]
    return digest(key, *versions, *(hashlib.sha256(one.read_bytes()).hexdigest() for one in files))


def digest(*texts: str) -> str:
    """One digest of several texts."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
