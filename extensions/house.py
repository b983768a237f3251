"""Draw the layers of a package from its contract in `pyproject.toml`: `{house} PACKAGE`."""

import ast

import tomllib
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from extensions.public_names import ROOT, path_of, tree

CONTRACTS = ROOT / "pyproject.toml"


def layers(package: str) -> list[list[str]]:
    """The modules of each layer, from the top down, as the package's contract has them."""
    contracts = tomllib.loads(CONTRACTS.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (own,) = (each for each in contracts if each.get("containers") == [package])
    return [[name.strip() for name in layer.split("|")] for layer in own["layers"]]


def says(module: str) -> str:
    """The first sentence of a module's docstring."""
    docstring = ast.get_docstring(tree(path_of(module))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


class House(SphinxDirective):
    """`{house} PACKAGE`: a list of layers, each a list of modules with what they say they are."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (package,) = self.arguments
        self.env.note_dependency(str(CONTRACTS))
        floors = nodes.enumerated_list("", classes=["house"], enumtype="arabic")
        for layer in layers(package):
            rooms = nodes.bullet_list("", *(self.room(package, name) for name in layer))
            floors += nodes.list_item("", rooms)
        return [floors]

    def room(self, package: str, name: str) -> nodes.list_item:
        path = path_of(f"{package}.{name}")
        self.env.note_dependency(str(path))
        is_room = path.name == "__init__.py"
        words = nodes.paragraph("", "", nodes.literal("", f"{name}/" if is_room else name))
        words["support_smartquotes"] = False  # which would make a dash of `--help`
        pieces = f" {says(f'{package}.{name}')}".split("`")
        for number, piece in enumerate(pieces):
            words += nodes.literal("", piece) if number % 2 else nodes.Text(piece)
        return nodes.list_item("", words, classes=["room" if is_room else "module"])


def setup(app: Sphinx) -> dict[str, object]:
    app.add_directive("house", House)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
