"""Results on disk, so that grading goes on where it stopped and repeats only what changed."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from resnet.runtime.files import write_text

from ..handed_in.submissions import Submission
from ..result import Part, Result
from .digests import digest
from .one import notebook


class Store:
    """One file a student, each with the digest of everything that its result came from."""

    def __init__(self, folder: Path, graders: str, sentences: Mapping[str, str] | None = None):
        """`graders` is the digest of what all results of the batch have in common.

        `sentences` are today's titles by part, and those that tell of a `mistake: NAME`.
        """
        self.folder, self.graders, self.sentences = folder, graders, dict(sentences or {})
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, one: Submission) -> Result | None:
        """The stored result where no score changed since, with today's name, lateness and words."""
        try:
            held = json.loads(self._path(one).read_text("utf-8"))
            if held["digest"] != self._digest(one):
                return None
            result = Result.from_json(json.dumps(held["result"]))
            parts = tuple(self._reworded(part, held["sentences"]) for part in result.parts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return replace(result, parts=parts, name=one.name, file=one.file, late=one.late)

    def write(self, one: Submission, result: Result) -> None:
        told = [part.id for part in result.parts]
        told += [f"mistake: {part.mistake}" for part in result.parts if part.mistake]
        own = {name: self.sentences[name] for name in told if name in self.sentences}
        held = {"digest": self._digest(one), "result": asdict(result), "sentences": own}
        write_text(self._path(one), json.dumps(held, ensure_ascii=False, indent=1) + "\n")
        self.forget(one)

    def _reworded(self, part: Part, then: Mapping[str, str]) -> Part:
        """The part with today's title, and with today's sentence where it had that of then."""
        told = f"mistake: {part.mistake}"
        before, now = then.get(told, ""), self.sentences.get(told, "")
        message = part.message.replace(before, now) if before and now else part.message
        title = self.sentences.get(part.id, part.title)
        return replace(part, title=title, message=message)

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
