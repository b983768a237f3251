"""Builds what the laboratory needs in the page: the engine as WebAssembly, and its images."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from resnet.runtime.files import write_text

from . import laboratory_results
from .engine import OPTIONS, SOURCES, EngineError
from .laboratory_images import as_text, images

BUILT = SOURCES / "built"
SUMS = BUILT / "SHA256SUMS"
SOURCE_FILES = ("arithmetic.h", "layers.h", "memory.h", "network.c")
KINDS = {"simd": ("-msimd128",), "scalar": ()}
FREESTANDING = (
    "--target=wasm32", "-nostdlib", "-ffreestanding", "-fno-builtin", "-mbulk-memory",
    "-Wall", "-Wextra", "-Werror", "-Wl,--no-entry",
    "-Wl,-z,stack-size=65536", "-Wl,--strip-all",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Renews `laboratory/built`; with --results the stored runs, too, which takes half an hour."""
    try:
        compile_all(BUILT)
        write_text(BUILT / "images.txt", as_text(*images()))
        write_text(SUMS, sums(BUILT, compiler_version()))
        if "--results" in arguments:
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
