"""Write the page of public names: `{api}`, `{api-parameters}` and `{api-imports}` in Markdown."""

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from extensions import public_names
from extensions.public_names import PACKAGE, ROOT, Public
from extensions.signatures import parameters, signature, type_of

LOG = logging.getLogger(__name__)
LONGEST_VALUE = 70  # characters of a constant that are worth showing
PAPER = re.compile(r"arXiv (\d{4}\.\d{4,5})")


def told(docstring: str) -> list[str]:
    """A docstring as paragraphs of Markdown: what, then the rest, then errors, then the source."""
    text, errors, source = [], [], []
    for paragraph in re.split(r"\n\s*\n", docstring):
        kind = text
        kind.append([])
        for sentence in re.split(r"(?<=\.) (?=[A-Z`])", " ".join(paragraph.split())):
            if sentence.startswith("Source: "):
                kind = source
                kind.append([])
            if sentence.startswith("Raises "):
                errors.append([sentence.replace("Raises", "**Raises**", 1)])
            else:
                kind[-1].append(sentence)
    paragraphs = [" ".join(words) for words in [*text, *errors, *source] if words]
    return [PAPER.sub(r"[arXiv \1](https://arxiv.org/abs/\1)", each) for each in paragraphs]


def in_the_book(name: Public) -> str:
    """A sentence that links the section which builds a name, or uses it first; "" without one."""
    section = public_names.explained(name)
    if section is None:
        return ""
    number = public_names.chapters().index(section.chapter) + 1
    target = f"{section.chapter}.ipynb" + (f"#{section.anchor}" if section.anchor else "")
    does = "Built" if public_names.builds(section, name) else "First used"
    return f"{does} in chapter {number}, [{section.title}]({target})."


def entry(name: Public) -> list[str]:
    """One name with all that is known of it, as lines of Markdown."""
    head, body = _head(name), []
    if isinstance(name.node, ast.ClassDef):
        for method in name.node.body:
            if isinstance(method, ast.FunctionDef) and method.name[0] != "_":
                body += _method(name, method)
    options = [f":canonical: {other}"] if (other := other_address(name)) else []
    paragraphs = [*told(about(name)), unsaid(name), in_the_book(name)]
    text = [line for each in paragraphs if each for line in (each, "")]
    return [f"`````{head}", *options, "", *text, *body, "`````", ""]


def _head(name: Public) -> str:
    if isinstance(name.node, ast.FunctionDef):
        return f"{{py:function}} {name.address}{signature(name)}"
    if isinstance(name.node, ast.ClassDef):
        kind = "exception" if is_error(name) else "class"
        given = "" if kind == "exception" and not parameters(name) else signature(name)
        return f"{{py:{kind}}} {name.address}{given}"
    value = ast.unparse(name.node.value)
    shown = f"\n:value: {value}" if len(value) <= LONGEST_VALUE else ""
    return f"{{py:data}} {name.address}{shown}"


def _method(name: Public, method: ast.FunctionDef) -> list[str]:
    """A method that says what it does; those of every torch module need no words."""
    docstring = ast.get_docstring(method)
    if not docstring:
        return []
    marks = {ast.unparse(each) for each in method.decorator_list}
    if "property" in marks:
        head = f"{{py:property}} {method.name}\n:type: {type_of(name.home, method.returns)}"
    else:
        head = f"{{py:method}} {method.name}{signature(name, method)}"
        head += "\n:classmethod:" if "classmethod" in marks else ""
    return [f"````{head}", "", *[line for each in told(docstring) for line in (each, "")], "````"]


def is_error(name: Public) -> bool:
    if not isinstance(name.node, ast.ClassDef):
        return False
    bases = [getattr(builtins, ast.unparse(base), None) for base in name.node.bases]
    return any(isinstance(base, type) and issubclass(base, BaseException) for base in bases)


def about(name: Public) -> str:
    """The docstring; of a constant, the comment on its line or above its lines."""
    if isinstance(name.node, ast.FunctionDef | ast.ClassDef):
        return ast.get_docstring(name.node) or ""
    lines = public_names.path_of(name.home).read_text("utf-8").splitlines()
    first = name.node.lineno - 1
    beside = re.search(r"  # (.+)", lines[first])
    above = []
    while first > 0 and lines[first - 1].strip():
        first -= 1
        above.insert(0, lines[first])
    return beside[1] if beside else " ".join(x[2:] for x in above if x.startswith("# "))


def other_address(name: Public) -> str:
    """Where the same is also found: under the package itself, or where it is written."""
    face = ROOT / PACKAGE / "__init__.pyi"
    if public_names.imports(face, PACKAGE).get(name.name, ("",))[0] == name.module:
        return f"{PACKAGE}.{name.name}"
    return f"{name.home}.{name.name}" if name.home != name.module else ""


def unsaid(name: Public) -> str:
    """A sentence with the errors that a call raises and the docstring leaves out; "" without."""
    parts = [name.node]
    if isinstance(name.node, ast.ClassDef):
        begins = ("__init__", "__post_init__")
        parts = [each for each in name.node.body if getattr(each, "name", "") in begins]
    raised = [each.exc for part in parts for each in ast.walk(part) if isinstance(each, ast.Raise)]
    called = {ast.unparse(getattr(each, "func", each)) for each in raised if each}
    left = sorted(called - set(re.findall(r"\w+", about(name))))
    return f"**Raises** {' and '.join(left)}." if left else ""


def of_module(module: str) -> list[Public]:
    """The public names that are written in a module or in the modules of a room; errors last."""
    found = [each for each in public_names.public() if f"{each.home}.".startswith(f"{module}.")]
    return sorted(found, key=is_error)


class Written(SphinxDirective):
    """A directive whose lines of Markdown are parsed where it stands."""

    def run(self) -> list[nodes.Node]:
        for path in sources():
            self.env.note_dependency(str(path))
        around = nodes.Element()
        around.document = self.state.document
        lines = "\n".join(self.lines()).split("\n")
        self.state.nested_parse(StringList(lines, self.env.docname), self.content_offset, around)
        return around.children

    def lines(self) -> Iterable[str]:
        raise NotImplementedError

    def warn(self, message: str) -> None:
        LOG.warning(message, location=self.get_location())


class Names(Written):
    """`{api} MODULE ...`: the public names that are written in these modules and rooms."""

    required_arguments = 1
    final_argument_whitespace = True

    def lines(self) -> Iterator[str]:
        for module in self.arguments[0].split():
            found = of_module(module)
            if not found:
                self.warn(f"{module} has no public names: take it out")
            docstring = ast.get_docstring(public_names.tree(public_names.path_of(module)))
            yield from (f"`{module}`: {told(docstring)[0]}", "")
            for name in found:
                yield from entry(name)


class Parameters(Written):
    """`{api-parameters} ADDRESS`: a table; what each parameter does is a line `name: words`."""

    required_arguments = 1
    has_content = True

    def lines(self) -> Iterator[str]:
        words = dict(re.split(r":\s+", line, maxsplit=1) for line in self.content if line.strip())
        address = self.arguments[0]
        (name,) = (each for each in public_names.public() if each.address == address)
        given = {each.name: each for each in parameters(name) if each.name != "*"}
        for missing in given.keys() - words.keys():
            self.warn(f"{address} has a parameter {missing}: add a line that says what it does")
        for extra in words.keys() - given.keys():
            self.warn(f"{address} has no parameter {extra}: take out its line")
        yield from ("```{list-table}", ":header-rows: 1", ":class: api-parameters", "")
        yield from ("* - Parameter", "  - What it does")
        for called, one in given.items():
            default = f", by default `{one.default}`" if one.default else ""
            yield from (f"* - `{called}`", "", f"    {_short(one.type)}{default}")
            yield f"  - {words.get(called, '')}"
        yield "```"


def _short(type_: str) -> str:
    """A type in plain words, without the modules."""
    return re.sub(r"[\w.]+\.(\w+)", r"\1", type_).replace(" | ", " or ")


class Imports(Written):
    """`{api-imports}`: for each chapter the names that it takes from the module, as links."""

    def lines(self) -> Iterator[str]:
        places = {(each.home, each.name): each.address for each in public_names.public()}
        for number, chapter in enumerate(public_names.chapters(), start=1):
            title = public_names.sections(chapter)[0].title
            yield from (f"**{number}. [{title}]({chapter}.ipynb)**", "")
            for module, names in public_names.chapter_imports(chapter).items():
                homes = [(public_names.definition(module, each)[0], each) for each in names]
                links = [f"[`{each}`](#{places[home, each]})" for home, each in homes]
                yield f"- {module.removeprefix('resnet.')}: {', '.join(links)}"
            yield ""


def sources() -> list[Path]:
    """The files that the page is made from."""
    module = [path for end in ("py", "pyi") for path in (ROOT / PACKAGE).rglob(f"*.{end}")]
    return [*module, *(ROOT / "chapters" / f"{name}.ipynb" for name in public_names.chapters())]


def setup(app: Sphinx) -> dict[str, object]:
    app.add_directive("api", Names)
    app.add_directive("api-parameters", Parameters)
    app.add_directive("api-imports", Imports)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
