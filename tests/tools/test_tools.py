"""The keepers' commands: the same by make and by Python, clear where something is missing."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import numpy
import pytest
import torch

from resnet.data import CLASS_NAMES, ImageSet
from tools import __main__ as tools
from tools import book, elsewhere, embed, environment, serve

ROOT = Path(__file__).resolve().parents[2]


def test_make_knows_every_command_and_no_other() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.search(r"COMMANDS = (.*)", makefile)[1].split()) == set(tools.COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"]])
def test_help_lists_every_command(arguments: list[str], capsys) -> None:
    assert tools.main(arguments) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in tools.COMMANDS)


def test_unknown_command(capsys) -> None:
    assert tools.main(["bokk"]) == 2
    assert "no command 'bokk'" in capsys.readouterr().err


@pytest.mark.parametrize("command", tools.COMMANDS.values(), ids=tools.COMMANDS)
def test_every_command_has_its_module(command: tools.Command) -> None:
    name = command.words.split()[0]
    assert importlib.util.find_spec(name), f"python -m {name}"
    assert command.requirements in (None, "requirements.txt", "requirements-book.txt")


def test_tools_start_with_the_standard_library_alone() -> None:
    code = "import sys, tools.__main__; print(*sys.modules)"
    call = [sys.executable, "-S", "-c", code]
    names = subprocess.run(
        call, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    foreign = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"tools"}
    assert {name for name in foreign if not name.startswith("__")} == set()


def test_older_python_is_refused_in_one_sentence(monkeypatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(environment.SetupError, match="Python 3.11 or later .* this is 3.10"):
        environment.prepare("requirements.txt")


@pytest.fixture
def made(tmp_path: Path, monkeypatch) -> tuple[Path, list]:
    """An environment folder whose Python exists and whose pip only notes what it is asked for."""
    folder, asked = tmp_path / "venv", []
    python = environment.interpreter(folder)
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setattr(environment, "_pip", lambda python, *words: asked.append(words))
    monkeypatch.setattr(environment, "_has_pip", Path.exists)
    return folder, asked


def test_installed_once_and_again_when_the_pins_change(made, monkeypatch) -> None:
    folder, asked = made
    for _ in range(2):
        environment.prepare("requirements-book.txt", folder)
    assert len(asked) == 1
    monkeypatch.setattr(environment, "_digest", lambda requirements: "other")
    environment.prepare("requirements-book.txt", folder)
    assert len(asked) == 2
    assert len(list(folder.glob(".requirements-book.txt-*"))) == 1


def test_all_requirements_serve_the_book_too(made) -> None:
    folder, asked = made
    environment.prepare("requirements.txt", folder)
    already = len(asked)
    environment.prepare("requirements-book.txt", folder)
    assert len(asked) == already


def test_an_interrupted_install_is_repeated(made, monkeypatch) -> None:
    folder, asked = made

    def interrupted(python, *words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(environment, "_pip", interrupted)
        environment.prepare("requirements-book.txt", folder)
    environment.prepare("requirements-book.txt", folder)
    assert len(asked) == 1


@pytest.mark.slow
def test_a_half_made_environment_is_made_anew(tmp_path: Path, monkeypatch) -> None:
    """Ctrl-C may fall into the making of the environment, and a system's Python may be replaced."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    python = environment.interpreter(folder)
    assert python.exists() and not environment._has_pip(python)
    for path in python.parent.glob("python*"):
        path.unlink()
        path.symlink_to(tmp_path / "nowhere")
    monkeypatch.setattr(environment, "_pip", lambda python, *words: None)
    environment.prepare("requirements-book.txt", folder)
    assert environment._has_pip(python)


def test_an_environment_that_cannot_be_made_is_explained(tmp_path: Path, monkeypatch) -> None:
    def without_ensurepip(folder: Path, **options: bool) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(environment.venv, "create", without_ensurepip)
    with pytest.raises(environment.SetupError, match="python3-venv"):
        environment.prepare("requirements-book.txt", tmp_path / "venv")


@pytest.mark.parametrize("name", ["__init__", "__main__", "environment"])
def test_older_pythons_can_read_as_far_as_the_refusal(name: str) -> None:
    """Python 3.8 and 3.9, which systems still bring, fail on an annotation like `str | None`."""
    tree = ast.parse((ROOT / "tools" / f"{name}.py").read_text("utf-8"), feature_version=(3, 8))
    imported = [one.module for one in tree.body if isinstance(one, ast.ImportFrom)]
    assert imported[:1] == ([] if name == "__init__" else ["__future__"])


@pytest.mark.slow
def test_pip_that_fails_is_explained(tmp_path: Path, monkeypatch, capfd) -> None:
    with pytest.raises(environment.SetupError, match="without a network"):
        environment._pip(Path(sys.executable), "--no-index", "a-package-that-is-nowhere")


@pytest.fixture
def small_book(tmp_path: Path, monkeypatch) -> Path:
    """A book of one page that tells of a page which is missing."""
    (tmp_path / "_config.yml").write_text("title: Small\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
    (tmp_path / "intro.md").write_text("# Small\n\n[nowhere](nowhere.md)\n")
    monkeypatch.setattr(book, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_book_with_a_dead_link_fails_each_time_until_it_is_mended(small_book: Path, capfd) -> None:
    for _ in range(2):
        assert book.main([]) == 1
        assert not (small_book / "_build" / ".doctrees").exists()
    assert "nowhere.md" in capfd.readouterr().err
    (small_book / "intro.md").write_text("# Small\n")
    assert book.main([]) == 0
    said = capfd.readouterr().out.strip().splitlines()[-1]
    assert said == f"The book is rendered: {small_book / '_build' / 'html' / 'index.html'}"
    assert "Small" in (small_book / "_build" / "html" / "intro.html").read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="pyenv has no such stand-ins there")
def test_a_python_that_only_stands_on_the_path_is_passed_over(tmp_path: Path, monkeypatch) -> None:
    stand_in = tmp_path / "python9.9"
    real = tmp_path / "versions" / "9.9.1" / "bin" / "python"
    real.parent.mkdir(parents=True)
    for program, status in ((stand_in, 127), (real, 0)):
        program.write_text(f"#!/bin/sh\nexit {status}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert elsewhere.find("9.9") == str(real)
    real.unlink()
    assert elsewhere.find("9.9") is None


def test_module_tests_leave_the_book_alone() -> None:
    """They run where nothing but the module is installed, which is all that limits need."""
    folder, ignored = elsewhere.MODULE_TESTS
    left_out = set((ROOT / ignored.removeprefix("--ignore=")).rglob("*.py"))
    assert left_out, "nothing is left out"
    for path in set((ROOT / folder).rglob("*.py")) - left_out:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
        modules.discard("tools.patience")
        roots = {(module or "").partition(".")[0] for module in modules}
        assert not roots & {"tools", "nbformat", "assignments"}, path


def test_serve_without_a_book_says_what_to_do(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(serve, "ROOT", tmp_path)
    assert serve.main([]) == 1
    assert "make book" in capsys.readouterr().err


def test_embedded_subset_is_stratified_and_always_the_same(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(embed, "PER_CLASS", {"train": 3, "test": 2})
    labels = torch.arange(100) % 10
    pixels = torch.arange(100).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    images = ImageSet(pixels, labels, CLASS_NAMES, (0.0,), (1.0,), "made here")
    for name in ("one.npz", "two.npz"):
        embed.write(images, images, tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    arrays = numpy.load(tmp_path / "one.npz")
    assert numpy.bincount(arrays["train_labels"]).tolist() == [3] * 10
    assert numpy.bincount(arrays["test_labels"]).tolist() == [2] * 10
    assert (arrays["train_images"][:, 0, 0] % 10 == arrays["train_labels"]).all()


def test_a_changed_style_or_script_makes_all_pages_anew(tmp_path: Path) -> None:
    new, old = tmp_path / "_static", tmp_path / "_build" / "html" / "_static"
    for folder in (new, old):
        (folder / "fonts").mkdir(parents=True)
        (folder / "book.css").write_text("a {}")
        (folder / "fonts" / "one.css").write_text("b {}")
    assert not book.looks_changed(tmp_path)
    (new / "fonts" / "one.css").write_text("c {}")
    assert book.looks_changed(tmp_path)
    (old / "fonts" / "one.css").unlink()
    assert book.looks_changed(tmp_path)
