"""The laboratory's engine on this machine: compiled from C, and called as a Python object."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy

from .environment import ROOT

SOURCES = ROOT / "laboratory"
OPTIONS = ("-O2", "-fno-inline-functions", "-std=c11", "-ffp-contract=off", "-Wno-psabi")
BATCH, SIZE, CLASSES = 50, 14, 10


class EngineError(RuntimeError):
    """The engine cannot be compiled here; the message says what is missing or wrong."""


@dataclass(frozen=True)
class Setting:
    """All that a run of the engine depends on, with its images: the same words as on the page."""

    depth: int
    skip: bool
    rate: float
    seed: int = 1
    norm: bool = True
    scaled: bool = False
    factor: float = 1.0
    shuffled: bool = False
    images: int = 500
    epochs: int = 6

    @property
    def steps(self) -> int:
        return self.epochs * self.images // BATCH


@dataclass(frozen=True)
class Run:
    """What training gave: the loss of each step, the error on all training images, the layers."""

    losses: list[float]
    error: float
    gradients: list[float]  # after the first step, one per layer
    features: list[float]


class Engine:
    """One compiled engine, which holds one network. `real` is `float`, as in the page, or `double`.

    Raises EngineError where no compiler is found or the source does not compile.
    """

    def __init__(self, real: str = "float", sources: Path = SOURCES):
        self.type = numpy.dtype({"float": "f4", "double": "f8"}[real])
        number = {"float": ctypes.c_float, "double": ctypes.c_double}[real]
        self.calls = ctypes.CDLL(str(compiled(real, sources)))
        for name in ("train", "gradient_norm", "feature_scale"):
            getattr(self.calls, name).restype = number
        self.calls.train.argtypes = [number, ctypes.c_int, ctypes.c_int]
        self.calls.begin.argtypes = [ctypes.c_int, number]
        for name in ("images", "labels", "order", "input", "weights", "gradients"):
            getattr(self.calls, f"{name}_address").restype = ctypes.c_void_p

    def begin(self, setting: Setting, images: numpy.ndarray, labels: numpy.ndarray) -> None:
        """Builds the network; images are (n, 14, 14) of 0 to 15, labels (n,)."""
        switches = (int(setting.skip), int(setting.norm), int(setting.scaled))
        self.count = self.calls.build(setting.depth, *switches, setting.images)
        self.view("images", "u1", setting.images * SIZE**2)[:] = images[: setting.images].ravel()
        self.view("labels", "i4", setting.images)[:] = labels[: setting.images]
        self.calls.begin(setting.seed, setting.factor)
        if setting.shuffled:
            self.calls.shuffle_labels(setting.seed)

    def train(self, setting: Setting, images: numpy.ndarray, labels: numpy.ndarray) -> Run:
        """Trains from the first step to the last."""
        self.begin(setting, images, labels)
        losses = [self.calls.train(setting.rate, 0, setting.steps)]
        layers = range(1, setting.depth)
        gradients = [self.calls.gradient_norm(layer) for layer in layers]
        features = [self.calls.feature_scale(layer) for layer in layers]
        losses += [
            self.calls.train(setting.rate, step, setting.steps) for step in range(1, setting.steps)
        ]
        wrong = sum(self.calls.wrong_from(first) for first in range(0, setting.images, BATCH))
        return Run(losses, wrong / setting.images, gradients, features)

    def view(self, name: str, kind: str | numpy.dtype, count: int) -> numpy.ndarray:
        """The engine's own memory of that name, which may be read and written."""
        kind = numpy.dtype(kind)
        address = getattr(self.calls, f"{name}_address")()
        held = (ctypes.c_ubyte * (count * kind.itemsize)).from_address(address)
        return numpy.frombuffer(held, kind)

    @property
    def weights(self) -> numpy.ndarray:
        return self.view("weights", self.type, self.count)

    @property
    def gradients(self) -> numpy.ndarray:
        return self.view("gradients", self.type, self.count)


@cache
def folder() -> tempfile.TemporaryDirectory:
    """Where libraries are put; it goes with the process."""
    return tempfile.TemporaryDirectory()


def compiled(real: str, sources: Path) -> Path:
    """A library of its own for each engine, because an engine holds one network."""
    compiler = shutil.which("clang") or shutil.which("cc")
    if compiler is None:
        raise EngineError("no C compiler is installed: Debian has one in the package clang")
    with tempfile.NamedTemporaryFile(dir=folder().name, suffix=".so", delete=False) as file:
        library = Path(file.name)
    call = [compiler, *OPTIONS, f"-DREAL={real}", "-shared", "-fPIC", sources / "network.c"]
    done = subprocess.run([*call, "-o", library, "-lm"], capture_output=True, text=True)
    if done.returncode:
        raise EngineError(f"{sources / 'network.c'} does not compile: {done.stderr}")
    return library
