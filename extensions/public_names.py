"""What the module offers to those who read the book: from stubs, source and chapters, by `ast`.

Nothing is imported from `resnet`, so this works where torch is not installed.
"""

import ast
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "resnet"
Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Public:
    """A name as it is imported, `module` and `name`, and where and how it is written."""

    module: str
    name: str
    home: str
    node: Definition

    @property
    def address(self) -> str:
        """The name that links lead to, such as `resnet.training.fit`."""
        return f"{self.module}.{self.name}"


@functools.cache
def path_of(module: str) -> Path | None:
    """The source of a module or package; None where there is none of that name."""
    path = ROOT.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.exists()), None)


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@functools.cache
def imports(path: Path, module: str) -> dict[str, tuple[str, str]]:
    """What a file imports from the package: each name with its module and its name there."""
    found = {}
    parents = (module if path.stem == "__init__" else module.rpartition(".")[0]).split(".")
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            above = ".".join(parents[: len(parents) + 1 - node.level]) if node.level else ""
            source = ".".join(filter(None, (above, node.module)))
            found |= {each.asname or each.name: (source, each.name) for each in node.names}
    return {name: place for name, place in found.items() if place[0].split(".")[0] == PACKAGE}


@functools.cache
def definition(module: str, name: str) -> tuple[str, Definition] | None:
    """The module in which a name is written, and its node; None for a module or a stranger."""
    path = path_of(module)
    for node in tree(path).body if path else ():
        if name in _names(node):
            return module, node
    stub = path and path.with_suffix(".pyi")
    for file in (stub, path) if stub and stub.exists() else filter(None, [path]):
        place = imports(file, module).get(name)
        if place and place != (module, name):  # a module of the room is imported from itself
            return definition(*place)
    return None


def _names(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    parts = [each for target in targets for each in ast.walk(target)]
    return [each.id for each in parts if isinstance(each, ast.Name)]


@dataclass(frozen=True)
class Section:
    """A heading of a chapter with the code below it, up to the next heading."""

    chapter: str
    title: str
    anchor: str
    code: tuple[ast.Module, ...]

    @property
    def is_exercise(self) -> bool:
        return bool(re.match(r"Exercise \d", self.title))


@functools.cache
def chapters() -> tuple[str, ...]:
    """The notebooks of the book in their order, by name without suffix."""
    listed = re.findall(r"file: chapters/(\w+)", (ROOT / "_toc.yml").read_text("utf-8"))
    return tuple(name for name in listed if (ROOT / "chapters" / f"{name}.ipynb").exists())


@functools.cache
def sections(chapter: str) -> tuple[Section, ...]:
    cells = json.loads((ROOT / "chapters" / f"{chapter}.ipynb").read_text("utf-8"))["cells"]
    found: list[tuple[str, str, list[ast.Module]]] = []
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found[-1][2].append(ast.parse(text))
            continue
        for marks, title in re.findall(r"^(#{1,3}) (.+)$", text, re.MULTILINE):
            slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            found.append((title, slug if len(marks) > 1 else "", []))
    return tuple(Section(chapter, title, slug, tuple(code)) for title, slug, code in found)


@functools.cache
def chapter_imports(chapter: str) -> dict[str, list[str]]:
    """The names that a chapter takes from each module; what it reads off an imported module too."""
    found: dict[str, set[str]] = {}
    code = [cell for section in sections(chapter) for cell in section.code]
    modules = {}
    for node in (node for cell in code for node in ast.walk(cell)):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == PACKAGE:
            for each in node.names:
                if path_of(f"{node.module}.{each.name}"):
                    modules[each.asname or each.name] = f"{node.module}.{each.name}"
                else:
                    found.setdefault(node.module, set()).add(each.name)
        elif isinstance(node, ast.Import):
            modules |= {each.name: each.name for each in node.names if path_of(each.name)}
    for node in (node for cell in code for node in ast.walk(cell)):
        if isinstance(node, ast.Attribute) and (module := modules.get(ast.unparse(node.value))):
            found.setdefault(module, set()).add(node.attr)
    return {module: sorted(found[module]) for module in sorted(found)}


def _offered() -> Iterator[tuple[str, str]]:
    """Module and name of all that stubs offer, that chapters import, and of what stands beside."""
    for stub in sorted((ROOT / PACKAGE).rglob("__init__.pyi")):
        package = ".".join(stub.parent.relative_to(ROOT).parts)
        places = imports(stub, package).items()
        for name, (module, there) in places:
            if package == PACKAGE:
                yield module, there
            elif module.startswith(f"{package}."):
                yield package, name
        for name, (module, _) in places:
            if module == package:  # a whole module of the room
                yield from _beside(f"{package}.{name}")
    taken: dict[str, set[str]] = {}
    for chapter in chapters():
        for module, names in chapter_imports(chapter).items():
            taken.setdefault(module, set()).update(names)
    yield from ((module, name) for module in taken for name in sorted(taken[module]))
    for module in taken:
        yield from _beside(module)


def _beside(module: str) -> Iterator[tuple[str, str]]:
    """The public functions and classes that a module defines."""
    for node in tree(path_of(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield module, node.name


@functools.cache
def public() -> tuple[Public, ...]:
    """Every public name once, types that their signatures name included, in order of the source."""
    found: dict[tuple[str, str], Public] = {}
    waiting = list(_offered())
    for module, name in waiting:
        place = definition(module, name)
        if place and (place[0], name) not in found:
            home, node = place
            found[home, name] = Public(module, name, home, node)
            waiting += [(there, each) for there, each in _types(home, node)]
    return tuple(sorted(found.values(), key=lambda each: (each.home, each.node.lineno)))


def _types(home: str, node: Definition) -> Iterator[tuple[str, str]]:
    """Classes of the package in the annotations of a public function, each with its home."""
    for annotation in annotations(node):
        for each in ast.walk(annotation):
            if isinstance(each, ast.Name) and (place := definition(home, each.id)):
                yield place[0], each.id


def annotations(node: Definition) -> list[ast.expr]:
    """The annotations of a function's arguments and result; those of a class's fields."""
    if isinstance(node, ast.FunctionDef):
        given = [each.annotation for each in arguments(node)] + [node.returns]
        return [each for each in given if each is not None]
    if isinstance(node, ast.ClassDef):
        start = next((each for each in node.body if "__init__" in _names(each)), None)
        fields = [each.annotation for each in node.body if isinstance(each, ast.AnnAssign)]
        return annotations(start) if start else fields
    return []


def arguments(function: ast.FunctionDef) -> list[ast.arg]:
    """All arguments of a function in order, `self` and `cls` left out."""
    given = function.args
    found = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [each for each in found if each is not None and each.arg not in ("self", "cls")]


def explained(name: Public) -> Section | None:
    """The section that builds a name, else the first that uses it, exercises last."""
    inside = [section for chapter in chapters() for section in sections(chapter)]
    for found in (builds, _uses):
        fitting = [section for section in inside if found(section, name)]
        if fitting:
            return min(fitting, key=lambda section: section.is_exercise)
    return None


def builds(section: Section, name: Public) -> bool:
    """Whether it defines the same: a name may also be a chapter's own for something else."""
    return any(
        _shape(node) == _shape(name.node)
        for cell in section.code
        for node in cell.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    )


def _shape(node: Definition) -> object:
    """Name, and the names of the arguments or of the methods."""
    if isinstance(node, ast.FunctionDef):
        return node.name, [each.arg for each in arguments(node)]
    if isinstance(node, ast.ClassDef):
        methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        return node.name, [_shape(each) for each in methods]
    return None


def _uses(section: Section, name: Public) -> bool:
    taken = chapter_imports(section.chapter)
    modules = [module for module in taken if name.name in taken[module]]
    if not any(definition(module, name.name) == (name.home, name.node) for module in modules):
        return False
    return name.name in _read(section)


@functools.cache
def _read(section: Section) -> frozenset[str]:
    """The names and attributes that the code of a section reads."""
    inside = [node for cell in section.code for node in ast.walk(cell)]
    names = {node.id for node in inside if isinstance(node, ast.Name)}
    return frozenset(names | {node.attr for node in inside if isinstance(node, ast.Attribute)})
