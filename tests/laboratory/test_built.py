"""What is built for the page belongs to its sources, and the images to the package's."""

import hashlib
import re
from pathlib import Path

import numpy
import pytest

from tests.support.programs import need_program
from tools import laboratory, laboratory_images
from tools.laboratory import BUILT, SOURCES


@pytest.mark.parametrize("name", laboratory.SOURCE_FILES)
def test_nobody_forgot_to_build_after_a_change(name: str) -> None:
    digest = hashlib.sha256((SOURCES / name).read_bytes()).hexdigest()
    assert digest == laboratory.held_sums()[1][name], "run make laboratory"


def test_built_files_are_those_of_the_hashes() -> None:
    for name in ("simd.wasm", "scalar.wasm", "images.txt"):
        digest = hashlib.sha256((BUILT / name).read_bytes()).hexdigest()
        assert digest == laboratory.held_sums()[1][name]


def test_every_source_has_a_hash() -> None:
    sources = {path.name for path in SOURCES.glob("*.[ch]")}
    assert sources == set(laboratory.SOURCE_FILES) < set(laboratory.held_sums()[1])


@pytest.mark.slow
def test_the_same_compiler_builds_the_same_bytes(tmp_path: Path) -> None:
    need_program("clang")
    need_program("wasm-ld")
    compiler, held = laboratory.held_sums()
    if laboratory.compiler_version() != compiler:
        pytest.skip(f"the files were built by {compiler}")
    laboratory.compile_all(tmp_path)
    for name in ("simd.wasm", "scalar.wasm"):
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == held[name]


def test_images_are_those_of_the_package() -> None:
    shades, labels = laboratory_images.images()
    assert laboratory_images.as_text(shades, labels) == (BUILT / "images.txt").read_text("utf-8")


def test_images_read_back_from_the_text() -> None:
    shades, labels = laboratory_images.images(3)
    lines = laboratory_images.as_text(shades, labels).splitlines()
    assert all(re.fullmatch(r"[0-9][0-9a-f]{196}", line) for line in lines)
    assert [int(line[0]) for line in lines] == labels.tolist()
    digits = [[int(digit, 16) for digit in line[1:]] for line in lines]
    assert numpy.array_equal(numpy.array(digits).reshape(3, 14, 14), shades)


def test_every_class_has_its_share() -> None:
    for count, least in ((500, 30), (1000, 75)):
        shares = numpy.bincount(laboratory_images.images(count)[1], minlength=10)
        assert shares.min() >= least and shares.sum() == count
