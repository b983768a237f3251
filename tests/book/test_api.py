"""The page of names: every public name once, called as Python calls it, explained where it is."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag

from extensions import api_page, public_names
from tests.support.built_book import ROOT, rendered

BUILT = {"Plain": "01", "Residual": "02", "resnet_block": "03"}
IMPORT = re.compile(r"^from (resnet[\w.]*) import (\([^)]*\)|.+)$", re.MULTILINE)


def page() -> BeautifulSoup:
    return rendered("chapters/api")


@functools.cache
def entries() -> list[Tag]:
    """The heads of the page's entries, methods aside."""
    return page().select("dt.sig[id]:not(dl dl dt)")


def thing(address: str) -> Any:
    module, _, name = address.rpartition(".")
    return getattr(import_module(module), name)


def stubs() -> list[tuple[str, str]]:
    """Package and name of all that a face offers."""
    found = []
    for stub in sorted((ROOT / "resnet").rglob("__init__.pyi")):
        package = ".".join(stub.parent.relative_to(ROOT).parts)
        nodes = [
            n for n in ast.parse(stub.read_text("utf-8")).body if isinstance(n, ast.ImportFrom)
        ]
        found += [(package, each.name) for node in nodes for each in node.names]
    return found


def taken() -> dict[str, list[tuple[str, str]]]:
    """Module and name of all that each notebook imports from the module."""
    found = {}
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        code = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        pairs = IMPORT.findall("\n".join(code))
        found[path.stem] = [(m, each) for m, names in pairs for each in re.findall(r"\w+", names)]
    return found


def wanted() -> list[Any]:
    """The things themselves: of faces, of chapters' imports, of the modules that chapters know."""
    places = [*stubs(), *(each for pairs in taken().values() for each in pairs)]
    things = [thing(f"{module}.{name}") for module, name in places]
    modules = [import_module(module) for module, _ in places if (ROOT / f"{module}.py").exists()]
    modules += [each for each in things if isinstance(each, ModuleType)]
    for module in modules:
        for name, each in vars(module).items():
            own = getattr(each, "__module__", "") == module.__name__
            if own and name[0] != "_" and (inspect.isfunction(each) or inspect.isclass(each)):
                things.append(each)
    return [each for each in things if not isinstance(each, ModuleType)]


@pytest.mark.slow
def test_every_public_name_has_one_entry_under_an_address_that_imports() -> None:
    shown = [thing(each["id"]) for each in entries()]
    assert len({id(each) for each in shown}) == len(shown) > 80
    missing = [each for each in wanted() if not any(each is other for other in shown)]
    assert missing == []


@pytest.mark.slow
def test_an_entry_is_called_as_python_calls_it() -> None:
    for head in entries():
        found = thing(head["id"])
        if not callable(found) or isinstance(found, type) and issubclass(found, Exception):
            continue
        params = head.select("em.sig-param")
        names = [re.match(r"\**(\w*)", p.text.strip())[1] for p in params]
        if getattr(found, "_is_protocol", False):
            assert not names, head["id"]
        elif inspect.isfunction(found) or inspect.isclass(found):
            expected = inspect.signature(found).parameters
            assert [name for name in names if name] == list(expected), head["id"]


@pytest.mark.slow
def test_types_of_the_module_are_links() -> None:
    assert page().select('dt a[href="#resnet.data.ImageSet"]')


@pytest.mark.slow
def test_the_table_has_the_parameters_of_fit_in_order() -> None:
    line = re.compile(r"\s*(\w+)\s+(.+?)(?:, by default (.+?))?\s*$", re.DOTALL)
    first = page().select("table.api-parameters td:first-child")
    said = [line.match(cell.text).groups() for cell in first]
    expected = inspect.signature(import_module("resnet.training").fit).parameters
    assert [name for name, _, _ in said] == list(expected)
    for name, _, default in said:
        empty = expected[name].default is inspect.Parameter.empty
        assert (default is None) == empty, name


@pytest.mark.parametrize("name", BUILT)
def test_what_a_chapter_builds_is_explained_there(name: str) -> None:
    (found,) = (each for each in public_names.public() if each.address == f"resnet.models.{name}")
    section = public_names.explained(found)
    assert section.chapter.startswith(BUILT[name])
    source = "\n".join(map(ast.unparse, section.code))
    assert re.search(rf"^(class|def) {name}\b", source, re.MULTILINE)


def test_what_chapters_import_leads_to_code_that_uses_it() -> None:
    homes = {(each.home, each.name): each for each in public_names.public()}
    for chapter, pairs in taken().items():
        for module, name in pairs:
            place = public_names.definition(module, name)
            if place is None:  # a whole module
                continue
            section = public_names.explained(homes[place[0], name])
            source = "\n".join(map(ast.unparse, section.code))
            assert re.search(rf"\b{name}\b", re.sub(r"(?m)^from .*$", "", source)), (chapter, name)


@pytest.mark.slow
def test_an_entry_links_the_section_that_explains_it() -> None:
    links: dict[str, set[str]] = {}
    for head in entries():
        links[head["id"]] = {link["href"] for link in head.parent.select("a[href]")}
    explained = {each.address: public_names.explained(each) for each in public_names.public()}
    for address, section in explained.items():
        if section:
            anchor = f"#{re.sub('-+', '-', section.anchor)}" if section.anchor else ""
            assert f"{section.chapter}.html{anchor}" in links[address], address
    assert sum(section is not None for section in explained.values()) > 50


def test_a_homonym_is_not_taken_for_what_the_module_has() -> None:
    """Chapter 3 has a function `network` of its own."""
    (found,) = (e for e in public_names.public() if e.address == "resnet.check.network")
    section = public_names.explained(found)
    assert section is None or not section.chapter.startswith("03")


def listed() -> dict[str, list[str]]:
    """The addresses that the page links under each chapter, in order."""
    found: dict[str, list[str]] = {}
    for link in page().select("[id*=what-each-chapter] a"):
        href = link["href"]
        if href.endswith(".html"):
            found[chapter := href.removesuffix(".html")] = []
        elif href.startswith("#resnet."):
            found[chapter].append(href.removeprefix("#"))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("chapter", taken())
def test_a_chapter_lists_what_it_imports(chapter: str) -> None:
    source = "\n".join(
        cell.source
        for cell in nbformat.read(ROOT / "chapters" / f"{chapter}.ipynb", 4).cells
        if cell.cell_type == "code"
    )
    things = [thing(address) for address in listed()[chapter]]
    assert len({id(each) for each in things}) == len(things)
    for module, name in taken()[chapter]:
        found = thing(f"{module}.{name}")
        read_off = re.findall(rf"(?<![.\w]){name}\.(\w+)", source)
        is_module = isinstance(found, ModuleType)
        for each in [getattr(found, one) for one in read_off] if is_module else [found]:
            assert any(each is other for other in things), (module, name)
    for address in listed()[chapter]:
        assert re.search(rf"\b{address.rpartition('.')[2]}\b", source), address


def test_a_docstring_is_told_by_its_parts() -> None:
    docstring = """What it does.

    A rest of `words`. Raises ValueError for x of 2.5. More of it.
    Source: He et al. 2015, arXiv 1512.03385, section 3.
    """
    assert api_page.told(inspect.cleandoc(docstring)) == [
        "What it does.",
        "A rest of `words`. More of it.",
        "**Raises** ValueError for x of 2.5.",
        "Source: He et al. 2015, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385), section 3.",
    ]


def test_no_error_of_a_call_is_left_unsaid() -> None:
    (found,) = (e for e in public_names.public() if e.address == "resnet.growing.grow")
    assert api_page.unsaid(found) == ""
    bare = ast.parse(ast.unparse(found.node)).body[0]
    bare.body = bare.body[1:]
    other = public_names.Public(found.module, found.name, found.home, bare)
    assert api_page.unsaid(other) == "**Raises** ValueError."


def small_site(folder: Path, markdown: str) -> subprocess.CompletedProcess:
    """A small site of one page, rendered with warnings as errors and without torch."""
    (folder / "index.md").write_text(f"# Names\n\n{markdown}")
    (folder / "conf.py").write_text(
        "import sys\nsys.modules['torch'] = None\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "extensions = ['myst_parser', 'extensions.api_page']\nexclude_patterns = ['out']\n"
    )
    call = [sys.executable, "-m", "sphinx", "-qW", "--keep-going", folder, folder / "out"]
    return subprocess.run(call, capture_output=True, text=True)


TABLE = "```{{api-parameters}} resnet.training.Score\nloss: In nats.\n{}\n```\n"


@pytest.mark.slow
def test_a_table_with_all_parameters_is_rendered_without_torch(tmp_path: Path) -> None:
    done = small_site(tmp_path, TABLE.format("error: A fraction."))
    assert done.returncode == 0, done.stderr
    assert "In nats." in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.slow
def test_a_table_that_is_behind_and_a_module_without_names_break_the_book(tmp_path: Path) -> None:
    behind = [TABLE.format(line) for line in ("", "error: A.\nspread: B.")]
    done = small_site(tmp_path, "\n".join([*behind, "```{api} resnet.course\n```\n"]))
    assert done.returncode
    for says in (
        "has a parameter error: add a line",
        "has no parameter spread: take out",
        "resnet.course has no public names",
    ):
        assert says in done.stderr
