"""The grader's HTML pages, made from templates: one file each, no scripts, and nothing fetched.

A course may change the templates. Whatever they put into a page is escaped, save what this module
has marked up itself.
"""

import re
import unicodedata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from .tables import printable

TURNS = {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}


def page(template: str, **shown: Any) -> str:
    """The page that a file in `templates` makes of these values."""
    return TEMPLATES.get_template(template).render(shown)


def plain(value: object) -> str:
    """Text without control characters that would turn or break a page; markup stays itself."""
    return value if isinstance(value, Markup) else "".join(map(visible, str(value)))


def visible(letter: str) -> str:
    """The letter, or a stand-in where it is a control, a stray half or turns the text around."""
    turns = unicodedata.bidirectional(letter) in TURNS
    broken = unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\t"
    return "\N{REPLACEMENT CHARACTER}" if turns or broken else letter


def person(name: str) -> Markup:
    """A name as it may be in any script, kept from turning the text around it."""
    return Markup("<bdi>{}</bdi>").format(plain(name))


def with_code(said: str) -> Markup:
    """A sentence in which what stands between backticks is code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(plain(said)))))


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    finalize=plain,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters |= {"number": printable, "person": person, "with_code": with_code}
