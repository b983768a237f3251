"""What a package offers under its own name, read from the stub beside it.

Editors read the same stub, so types and docstrings show there; nothing is imported before its first
use, so `import resnet` costs next to nothing and what only reads results does without torch.
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def face(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package whose `__init__.pyi` says where each name lives."""
    stub = Path(sys.modules[package].__file__).with_suffix(".pyi")
    homes = {
        alias.name: "." * node.level + (node.module or "")
        for node in ast.parse(stub.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == ".":
            return import_module(f".{name}", package)
        return getattr(import_module(homes[name], package), name)

    return get, lambda: sorted(homes)
