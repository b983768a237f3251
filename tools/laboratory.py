"""Builds what the laboratory needs in the page: the engine as WebAssembly, and its images."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy

from resnet.data import embedded
from resnet.runtime.files import write_text

from .engine import OPTIONS, SIZE, SOURCES, EngineError

BUILT = SOURCES / "built"
SUMS = BUILT / "SHA256SUMS"
SOURCE_FILES = ("arithmetic.h", "layers.h", "memory.h", "network.c")
KINDS = {"simd": ("-msimd128",), "scalar": ()}
FREESTANDING = (
    "--target=wasm32", "-nostdlib", "-ffreestanding", "-fno-builtin", "-mbulk-memory",
    "-Wall", "-Wextra", "-Werror", "-Wl,--no-entry",
    "-Wl,-z,stack-size=65536", "-Wl,--strip-all",
)  # fmt: skip
IMAGES = 1000


def main(arguments: list[str]) -> int:
    """Renews `laboratory/built`; with --results the stored runs, too, which takes half an hour."""
    try:
        compile_all(BUILT)
        write_text(BUILT / "images.txt", as_text(*images()))
        write_text(SUMS, sums(BUILT, compiler_version()))
        if "--results" in arguments:
            from . import laboratory_results

            laboratory_results.measure()
    except EngineError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    print(SUMS.read_text("utf-8"), end="")
    return 0


def compile_all(folder: Path) -> None:
    """`simd.wasm` and `scalar.wasm`, the same bytes for the same compiler.

    Raises EngineError where the compiler or the linker is missing.
    """
    if not (shutil.which("clang") and shutil.which("wasm-ld")):
        raise EngineError("clang and wasm-ld are needed: Debian has them in clang and lld")
    folder.mkdir(exist_ok=True)
    for kind, extra in KINDS.items():
        call = [
            "clang",
            *FREESTANDING,
            *OPTIONS,
            *extra,
            "network.c",
            "-o",
            folder / f"{kind}.wasm",
        ]
        done = subprocess.run(call, cwd=SOURCES, capture_output=True, text=True)
        if done.returncode:
            raise EngineError(f"the engine does not compile: {done.stderr}")


def compiler_version() -> str:
    """What the compiler calls itself, such as `Debian clang version 14.0.6`."""
    done = subprocess.run(["clang", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


def images(count: int = IMAGES) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The first training images of the package, as the laboratory has them, and their labels.

    Four pixels become one, their mean, in 16 shades: (count, 14, 14) of 0 to 15, and (count,).
    """
    training, _ = embedded()
    pixels = training.images[:count, 0].numpy().reshape(count, SIZE, 2, SIZE, 2).astype(int)
    shades = (pixels.sum((2, 4)) * 15 + 2 * 255) // (4 * 255)  # rounded, in whole numbers
    return shades.astype(numpy.uint8), training.labels[:count].numpy().astype(numpy.int32)


def as_text(shades: numpy.ndarray, labels: numpy.ndarray) -> str:
    """A line for each image: its label, then a hexadecimal digit for each pixel."""
    lines = [
        f"{label}{''.join('0123456789abcdef'[shade] for shade in image.ravel())}\n"
        for label, image in zip(labels, shades, strict=True)
    ]
    return "".join(lines)


def sums(folder: Path, compiler: str) -> str:
    """The hashes of sources and of what is built from them, as `sha256sum` prints them."""
    paths = [SOURCES / name for name in SOURCE_FILES]
    paths += [folder / name for name in ("simd.wasm", "scalar.wasm", "images.txt")]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in paths]
    return "\n".join([f"# {compiler}", *lines, ""])


def held_sums() -> tuple[str, dict[str, str]]:
    """The compiler and the hashes that are stored."""
    first, *lines = SUMS.read_text("utf-8").splitlines()
    return first.removeprefix("# "), dict(re.split(" +", line)[::-1] for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
