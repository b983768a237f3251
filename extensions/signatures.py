"""How a public name is called: its parameters with types and defaults, and what it returns."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from extensions import public_names
from extensions.public_names import Public


@dataclass(frozen=True)
class Parameter:
    """One parameter as its function writes it; `name` brings its stars."""

    name: str
    type: str
    default: str

    def __str__(self) -> str:
        typed = f"{self.name}: {self.type}" if self.type else self.name
        return f"{typed} = {self.default}" if self.default else typed


def parameters(name: Public, function: ast.FunctionDef | None = None) -> list[Parameter]:
    """Those of a function, of a class's `__init__`, or the fields of a dataclass."""
    node = function or name.node
    if isinstance(node, ast.ClassDef):
        methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
        if "__init__" in methods:
            return parameters(name, methods["__init__"])
        return _fields(name, node)
    return [_parameter(name, *each) for each in _written(node.args)]


def _written(given: ast.arguments) -> Iterator[tuple[str, ast.expr | None, ast.expr | None]]:
    """Name, annotation and default of each parameter in the order of a call."""
    placed = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(placed) - len(given.defaults)), *given.defaults]
    for each, default in zip(placed, defaults, strict=True):
        if each.arg not in ("self", "cls"):
            yield each.arg, each.annotation, default
    if given.vararg:
        yield f"*{given.vararg.arg}", given.vararg.annotation, None
    elif given.kwonlyargs:
        yield "*", None, None
    for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield each.arg, each.annotation, default
    if given.kwarg:
        yield f"**{given.kwarg.arg}", given.kwarg.annotation, None


def _fields(name: Public, node: ast.ClassDef) -> list[Parameter]:
    """The fields of a dataclass, those of the classes that it extends first."""
    found = []
    for base in node.bases:
        if place := public_names.definition(name.home, ast.unparse(base)):
            found += parameters(Public(place[0], place[1].name, *place))
    is_dataclass = any("dataclass" in ast.unparse(each) for each in node.decorator_list)
    fields = [each for each in node.body if isinstance(each, ast.AnnAssign) and is_dataclass]
    own = [_parameter(name, each.target.id, each.annotation, each.value) for each in fields]
    return found + own


def _parameter(
    name: Public, called: str, annotation: ast.expr | None, default: ast.expr | None
) -> Parameter:
    source = public_names.path_of(name.home).read_text("utf-8")
    words = ast.get_source_segment(source, default) if default else ""
    made = re.fullmatch(r"field\(default_factory=(\w+)\)", words)
    return Parameter(called, type_of(name.home, annotation), f"{made[1]}()" if made else words)


def type_of(home: str, annotation: ast.expr | None) -> str:
    """An annotation in which the names of the page have their full addresses, to be links."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    if annotation is None:
        return ""
    addresses = {(each.home, each.name): each.address for each in public_names.public()}

    class Addressed(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.Name:  # noqa: N802, called so by ast
            place = public_names.definition(home, node.id)
            return ast.Name(addresses.get((place and place[0], node.id), node.id))

    return ast.unparse(Addressed().visit(ast.parse(ast.unparse(annotation), mode="eval")))


def signature(name: Public, function: ast.FunctionDef | None = None) -> str:
    words = f"({', '.join(map(str, parameters(name, function)))})"
    node = function or name.node
    returns = type_of(name.home, node.returns) if isinstance(node, ast.FunctionDef) else ""
    return f"{words} -> {returns}" if returns else words
