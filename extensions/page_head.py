"""Say in the head of each page what it holds: for searches, and for links that readers share."""

from html import escape
from pathlib import Path
from urllib.parse import urljoin
from xml.sax.saxutils import escape as escape_xml

from docutils import nodes
from sphinx.application import Sphinx

ANSWER = "The answer in sixty words"
PICTURE = "_static/opening.png"
PICTURE_SHOWS = (
    "Training error over depth: it rises for plain networks and stays low for residual ones."
)
ENTRANCE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta http-equiv="refresh" content="0; url={first}" />
<link rel="icon" href="{icon}" />
<title>{title}</title>
</head>
<body><main><h1><a href="{first}">{title}</a></h1></main></body>
</html>
"""


def describe(app: Sphinx, doctree: nodes.document) -> None:
    """Note what a page is about: a chapter's answer, or the first paragraph of another page."""
    sections = doctree.findall(nodes.section)
    answers = (section for section in sections if section[0].astext() == ANSWER)
    part = next(answers, doctree)
    if (paragraph := part.next_node(nodes.paragraph)) is not None:
        app.env.metadata[app.env.docname]["description"] = plain(paragraph)


def plain(paragraph: nodes.paragraph) -> str:
    """The words of a paragraph in one line; of a formula its letters."""
    words = paragraph.astext().replace("\\", "")
    return " ".join(words.split())


def add_tags(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Description and OpenGraph; what needs an address only where the site has one."""
    description = (context.get("meta") or {}).get("description")
    if not description:
        return
    named = {
        "og:type": "article",
        "og:site_name": app.config.html_title,
        "og:title": app.env.titles[page].astext(),
        "og:description": description,
    }
    if base := app.config.html_baseurl:
        named["og:url"] = urljoin(base, app.builder.get_target_uri(page))
        named["og:image"] = urljoin(base, PICTURE)
        named["og:image:alt"] = PICTURE_SHOWS
    tags = [f'<meta name="description" content="{escape(description)}" />']
    tags += [f'<meta property="{name}" content="{escape(text)}" />' for name, text in named.items()]
    context["metatags"] = context.get("metatags", "") + "\n" + "\n".join(tags) + "\n"


def write_sitemap(app: Sphinx, error: Exception | None) -> None:
    """List all pages for searches, where the site has an address."""
    base = app.config.html_baseurl
    if error is not None or not base or app.builder.format != "html":
        return
    pages = (urljoin(base, app.builder.get_target_uri(page)) for page in sorted(app.env.found_docs))
    rows = "\n".join(f"<url><loc>{escape_xml(page)}</loc></url>" for page in pages)
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    head += '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    Path(app.outdir, "sitemap.xml").write_text(f"{head}{rows}\n</urlset>\n", encoding="utf-8")


def write_entrance(app: Sphinx, error: Exception | None) -> None:
    """Lead from the site's address to its first page; it has an icon, or browsers ask for one."""
    first = app.config.root_doc
    if error is not None or first == "index" or app.builder.format != "html":
        return
    title, icon = escape(app.config.html_title), Path(app.config.html_favicon).name
    page = ENTRANCE.format(title=title, icon=f"_static/{icon}", first=f"{first}.html")
    Path(app.outdir, "index.html").write_text(page, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", describe)
    app.connect("html-page-context", add_tags)
    app.connect("build-finished", write_sitemap)
    app.connect("build-finished", write_entrance)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
