"""Mend what the theme and its companions leave on the rendered pages."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

FOLDED = {"all": "the solution", "input": "the code"}
ICON_SCRIPT = re.compile(r'\s*<script src="[^"]*scripts/fontawesome\.js[^"]*"></script>')
# A browser may break the line between a formula and the comma after it.
FORMULA_END = re.compile(r'(<span class="math [^>]*>[^<]*</span>)([.,:;?!)’”]+)')
SIGNATURE = re.compile(r'<dt class="sig.*?</dt>', re.DOTALL)
# Citations are no list items to a screen reader: the list also holds the back links' text.
# A label on the summary of a folded cell hides the words that stand there.
MISLEADING = (' role="list"', ' role="doc-biblioentry"', ' aria-label="Toggle hidden content"')
# Each section and figure has a place in the lists of the page or is linked in the text.
# Formulas scroll where they are wider than the screen.
BY_KEY = {
    'class="headerlink"': 'class="headerlink" tabindex="-1"',
    '<div class="math ': '<div tabindex="0" class="math ',
}


def drop_thebe(app: Sphinx) -> None:
    """Unplug sphinx-thebe: it declares a constant twice on each page, even when it is off."""
    for name, listeners in app.events.listeners.items():
        app.events.listeners[name] = [
            listener for listener in listeners if listener.handler.__module__ != "sphinx_thebe"
        ]
    app.registry.css_files = [
        entry for entry in app.registry.css_files if entry[0] != "sphinx-thebe.css"
    ]


def name_folded_cells(app: Sphinx, doctree: nodes.document) -> None:
    """Say on the handle of a folded cell what lies behind it."""
    for cell in doctree.findall(nodes.container):
        if words := FOLDED.get(cell.get("hide_mode", "")):
            for prompt in ("prompt_show", "prompt_hide"):
                cell[prompt] = cell[prompt].replace("{type}", words)


def keep_tagged_lines(app: Sphinx, doctree: nodes.document) -> None:
    r"""Leave formulas with \tag as written: Sphinx's `split` around several lines forbids it."""
    for formula in doctree.findall(nodes.math_block):
        text = formula.astext()
        if r"\tag" in text and r"\\" in text:
            formula["nowrap"] = True
            formula.children = [nodes.Text(rf"\[{text}\]")]


def name_terms(app: Sphinx, doctree: nodes.document) -> None:
    """Let `[a block](#term-residual-block)` lead to the glossary, as it does to a figure."""
    standard = app.env.get_domain("std")
    for term in doctree.findall(nodes.term):
        for name in term["ids"]:
            standard.note_hyperlink_target(name, app.env.docname, name, term.astext())


def tidy_body(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Take out what misleads a screen reader, and say what the Tab key reaches."""
    body = context.get("body", "")
    for old, new in (dict.fromkeys(MISLEADING, "") | BY_KEY).items():
        body = body.replace(old, new)
    body = FORMULA_END.sub(r'<span class="unbroken">\1\2</span>', body)
    context["body"] = SIGNATURE.sub(without_list, body)


def without_list(signature: re.Match) -> str:
    """A signature whose parameters, a line each, are no list of descriptions without terms."""
    lines = re.sub(r"<(/?)d[ld]>", r"<\1span>", signature[0])
    return lines.replace("<span>", '<span class="sig-line">')


def lead_to_stamped_copies(
    app: Sphinx, page: str, template: str, context: dict, doctree: object
) -> None:
    """Colab opens the copies that install the module; the theme knows the source branch alone."""
    branch = app.config.notebook_branch
    for group in context.get("header_buttons", []) if branch else []:
        for button in (group, *group.get("buttons", [])):
            if button.get("text") == "Colab":
                button["url"] = re.sub(r"/blob/[^/]+/", f"/blob/{branch}/", button["url"])


def sort_sheets(app: Sphinx, config: Config) -> None:
    """Jupyter Book finds the files in `_static` in whatever order the disk has them."""
    config.html_css_files = sorted(config.html_css_files, key=str)
    config.html_js_files = sorted(config.html_js_files, key=str)


def drop_icon_script(app: Sphinx, error: Exception | None) -> None:
    """Drop half a megabyte of icons as script: the web fonts beside it draw the same icons."""
    if error is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(ICON_SCRIPT.sub("", text), encoding="utf-8")
    for script in Path(app.outdir).glob("_static/scripts/fontawesome.js*"):
        script.unlink()


def setup(app: Sphinx) -> dict[str, object]:
    """Connect everything; this extension comes last, so what it unplugs is plugged in by now."""
    app.add_config_value("notebook_branch", "", "html")
    drop_thebe(app)
    app.connect("config-inited", sort_sheets)
    app.connect("doctree-read", name_folded_cells)
    app.connect("doctree-read", keep_tagged_lines)
    app.connect("doctree-read", name_terms)
    app.connect("html-page-context", tidy_body)
    app.connect("html-page-context", lead_to_stamped_copies, priority=900)  # behind the theme
    app.connect("build-finished", drop_icon_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
