"""What is put online: pages that know their repository, notebooks that install the module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import v4

from assignments import source
from tests.support.built_book import read
from tools import addresses, publish
from tools.notebooks import chapters
from tools.publish import copy_tracked
from tools.stamping import NoSetupError, archive, stamp

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "https://github.com/Someone/deep-book"
ADDRESS = archive(REPOSITORY, "c0ffee")


@pytest.fixture
def settings() -> dict:
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_a_stamped_chapter_differs_in_its_setup_and_in_what_waits_for_the_reader(path) -> None:
    notebook = nbformat.read(path, as_version=4)
    stamped = stamp(notebook, ADDRESS)
    nbformat.validate(stamped)
    assert nbformat.read(path, as_version=4) == notebook, "the original stays as it is"
    pairs = list(zip(notebook.cells, stamped.cells, strict=True))
    changed = [ours for ours, theirs in pairs if ours.source != theirs.source]
    assert [cell.source.splitlines()[0] for cell in changed] == [
        "#@title Look for the book's module"
    ]
    for ours, theirs in pairs:
        tags = set(ours.metadata.get("tags", []))
        waits = bool(tags & {"hide-output", "hide-cell"})
        for output in ours.get("outputs", []):
            output.get("data", {}).pop("image/svg+xml", None)  # for the page alone
        assert theirs.get("outputs", []) == ([] if waits else ours.get("outputs", []))


def test_a_notebook_without_the_setup_cell_is_refused() -> None:
    with pytest.raises(NoSetupError):
        stamp(v4.new_notebook(cells=[v4.new_code_cell("1 + 1")]), ADDRESS)


def test_links_between_pages_lead_to_the_site_because_a_copy_stands_alone() -> None:
    text = "[a](02_b.ipynb), [c](../intro.md), [d](glossary.md#term-e), [f](#fig-g), [h](https://i/j.md)"
    setup = nbformat.read(chapters()[0], as_version=4).cells[2]
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(text), setup])
    home = "https://someone.github.io/deep-book/"
    assert stamp(notebook, ADDRESS, home).cells[0].source == (
        f"[a]({home}chapters/02_b.html), [c]({home}intro.html), "
        f"[d]({home}chapters/glossary.html#term-e), [f](#fig-g), [h](https://i/j.md)"
    )
    assert stamp(notebook, None).cells[0].source == text


def setup_cell(tmp_path: Path, installed: bool, pip: int) -> subprocess.CompletedProcess:
    """Runs the stamped setup cell with the module there or not, and a pip that ends with `pip`."""
    cell = stamp(nbformat.read(chapters()[0], as_version=4), ADDRESS).cells[2]
    known = "lambda name: '1'" if installed else "missing"
    pretend = (
        "import importlib.metadata as m, subprocess\n"
        "def missing(name): raise m.PackageNotFoundError(name)\n"
        f"m.version = {known}\n"
        f"def run(call): print(call[1:]); return subprocess.CompletedProcess(call, {pip})\n"
        "subprocess.run = run\n"
    )
    program = tmp_path / "cell.py"
    program.write_text(pretend + cell.source, encoding="utf-8")
    return subprocess.run([sys.executable, program], capture_output=True, text=True)


def test_the_setup_cell_installs_the_module_only_where_it_is_missing(tmp_path: Path) -> None:
    there = setup_cell(tmp_path, installed=True, pip=1)
    assert (there.returncode, there.stdout) == (0, "")
    missing = setup_cell(tmp_path, installed=False, pip=0)
    assert missing.returncode == 0
    assert f"{REPOSITORY}/archive/c0ffee.zip" in missing.stdout and "torch" not in missing.stdout


def test_the_setup_cell_says_what_to_do_where_pip_fails(tmp_path: Path) -> None:
    failed = setup_cell(tmp_path, installed=False, pip=1)
    assert failed.returncode != 0
    assert "could not be installed" in failed.stderr and "pip install ." in failed.stderr
    assert "PackageNotFoundError" not in failed.stderr


def test_without_a_repository_the_settings_stay_as_they_are(settings, monkeypatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    assert publish.named_repository() == ""
    assert publish.configuration(settings, "") == settings


def test_a_fork_needs_no_edit(settings, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "Someone/deep-book")
    assert publish.named_repository() == REPOSITORY
    settings["repository"]["url"] = "https://github.com/Other/book.git/"
    monkeypatch.setattr(addresses, "read_settings", lambda: settings)
    assert publish.named_repository() == "https://github.com/Other/book"


def test_a_repository_named_like_the_home_page_is_served_there() -> None:
    assert publish.pages_address(REPOSITORY) == "https://someone.github.io/deep-book/"
    own = "https://github.com/Someone/someone.github.io"
    assert publish.pages_address(own) == "https://someone.github.io/"


def test_the_working_tree_must_be_committed(monkeypatch, capsys) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "Someone/deep-book")
    monkeypatch.setattr(publish, "changed_files", lambda: True)
    assert publish.main([]) == 1
    assert "commit first" in capsys.readouterr().err


FRONT_PAGE = "# A small book\n\n:::{{container}} start\n[Start](chapters/{}.ipynb)\n:::\n"


def one_chapter(source: Path) -> None:
    """The tracked files, of whose pages the front page and the first chapter's set-up are left."""
    copy_tracked(source)
    path = source / "chapters" / chapters()[0].name
    contents = f"format: jb-book\nroot: intro\nchapters:\n- file: chapters/{path.stem}\n"
    (source / "_toc.yml").write_text(contents, encoding="utf-8")
    (source / "intro.md").write_text(FRONT_PAGE.format(path.stem), encoding="utf-8")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [v4.new_markdown_cell("# A chapter"), notebook.cells[2]]
    nbformat.write(notebook, path)


@pytest.mark.slow
def test_the_published_site_knows_where_it_is(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(publish, "copy_tracked", one_chapter)
    publish.make(REPOSITORY, "c0ffee", tmp_path / "out")
    site, notebooks = tmp_path / "out" / "site", tmp_path / "out" / "notebooks"
    name = chapters()[0].stem
    page = read(site / "chapters" / f"{name}.html")
    links = {link["href"] for link in page.select("a[href]")}
    colab = "https://colab.research.google.com/github/Someone/deep-book/blob/notebooks/chapters"
    assert f"{colab}/{name}.ipynb" in links
    buttons = read(site / "intro.html").select(".start a")
    assert [each["href"] for each in buttons] == [f"chapters/{name}.html", f"{colab}/{name}.ipynb"]
    assert f"{REPOSITORY}/edit/main/chapters/{name}.ipynb" in links
    assert any(link.startswith(f"{REPOSITORY}/issues/new") for link in links)
    (canonical,) = page.select("link[rel=canonical]")
    home = "https://someone.github.io/deep-book"
    assert canonical["href"] == f"{home}/chapters/{name}.html"
    assert f"<loc>{home}/intro.html</loc>" in (site / "sitemap.xml").read_text()
    strangers = {link for link in links if "github" in link} - {f"{colab}/{name}.ipynb"}
    assert all(link.startswith(REPOSITORY) for link in strangers)
    for folder in (notebooks / "chapters", site / "_sources" / "chapters"):
        assert {path.name for path in folder.glob("*.ipynb")} == {p.name for p in chapters()}
        assert all(ADDRESS in path.read_text() for path in folder.glob("*.ipynb"))
    assert (site / ".nojekyll").exists()
    for name in source.names():
        text = (notebooks / "assignments" / f"{name}.ipynb").read_text(encoding="utf-8")
        assert ADDRESS in text and "BEGIN SOLUTION" not in text
        assert f"{colab.removesuffix('chapters')}assignments/{name}.ipynb" in text
