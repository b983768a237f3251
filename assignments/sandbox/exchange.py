"""Talks with a child line by line, and does not wait for it for ever."""

import contextlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Callable
from typing import Any


class Child:
    """A running child: answers one line of JSON with one, or is ended when it takes too long."""

    def __init__(self, command: list[str], stop: Callable | None = None, **settings: Any):
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  `close` closes it
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors}
        self.process = subprocess.Popen(command, start_new_session=True, **pipes, **settings)
        self.late, self._stop, self._ending = False, stop, threading.Lock()

    def ask(self, message: dict, seconds: float) -> dict | None:
        """The answer; None where the child died or was `late`."""
        timer = threading.Timer(seconds, self._end, [True])
        timer.start()
        line = b""
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        timer.cancel()
        return json.loads(line) if line.endswith(b"\n") else None

    def said(self) -> str:
        """The last of what it wrote to its standard error."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)  # it closed its output, so it is about to end
        self._end()
        self.errors.seek(0)
        lines = self.errors.read().decode("utf-8", "replace").strip().splitlines()
        return "\n    ".join(lines[-5:]) or f"nothing (exit status {self.process.returncode})"

    def close(self) -> None:
        """Ends it: by itself when it has nothing more to read, or else by force."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self._end()
        self.process.stdout.close()
        self.errors.close()

    def _end(self, late: bool = False) -> None:
        with self._ending:  # the timer may be at it already
            self.late |= late and self.process.poll() is None
            if self.process.poll() is None:
                if self._stop is not None:
                    with contextlib.suppress(OSError, subprocess.SubprocessError):
                        self._stop()
                self.process.kill()
                self.process.wait()
