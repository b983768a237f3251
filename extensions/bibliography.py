"""Works that pages cite or link have an entry in the bibliography, which says where they do."""

import re
from collections import defaultdict
from collections.abc import Iterator

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from extensions.running_text import around

# Where a work is found, by a field of its entry.
ADDRESSES = {"eprint": "https://arxiv.org/abs/", "doi": "https://doi.org/", "url": ""}
LIBRARIES = ("https://arxiv.org/", "https://doi.org/")  # whatever leads there is a work
FURTHER = "further reading"  # the keyword of an entry that no page cites
PREFIX = "bib-"  # of an entry's place; the key follows
EFFORT = re.compile(r" \(\w+, \d+ minutes\)")  # in the heading of an exercise

Place = tuple[str, str, str]  # the page, the section's name there, and its heading


def entries(env: BuildEnvironment) -> dict[str, object]:
    return env.get_domain("cite").bibdata.data.entries


def addresses(env: BuildEnvironment) -> dict[str, str]:
    """The key of each work by the addresses under which pages link it."""
    return {
        start + entry.fields[field]: key
        for key, entry in entries(env).items()
        for field, start in ADDRESSES.items()
        if field in entry.fields
    }


def key_of(address: str, known: dict[str, str]) -> str | None:
    """The work at an address, or of which it is a part, as a chapter of a book on the web."""
    whole = (key for start, key in known.items() if address.startswith(f"{start}/"))
    return known.get(address) or next(whole, None)


def mark_links(app: Sphinx, doctree: nodes.document) -> None:
    """Note at each link to a work which work it is, for the card that shows it."""
    known = addresses(app.env)
    for link in doctree.findall(nodes.reference):
        address = link.get("refuri", "")
        if key := key_of(address, known):
            link["classes"].append(f"cites-{key}")
        elif address.startswith(LIBRARIES):
            logging.getLogger(__name__).warning(
                "%s has no entry in references.bib", address, location=link
            )


def cited(doctree: nodes.document) -> Iterator[tuple[str, nodes.Node]]:
    """The key of each work that a page cites or links, and the node that does."""
    for node in doctree.findall(pending_xref):
        if node.get("refdomain") == "cite":
            yield from ((key.strip(), node) for key in node["reftarget"].split(","))
    for link in doctree.findall(nodes.reference):
        for name in link["classes"]:
            if name.startswith("cites-"):
                yield name.removeprefix("cites-"), link


def places(env: BuildEnvironment) -> dict[str, list[Place]]:
    """The sections that cite each work, in the order of the book."""
    found: dict[str, dict[Place, None]] = defaultdict(dict)
    root = env.config.root_doc
    listed = [root, *env.toctree_includes.get(root, [])]
    for page in (*listed, *sorted(env.found_docs - set(listed))):
        for key, node in cited(env.get_doctree(page)):
            section = next(each for each in around(node) if isinstance(each, nodes.section))
            heading = EFFORT.sub("", section[0].astext())
            found[key][page, section["ids"][0], heading] = None
    return {key: list(sections) for key, sections in found.items()}


def name_of(env: BuildEnvironment, page: str) -> str:
    """A chapter by its number, another page by its title."""
    number = env.toc_secnumbers.get(page, {}).get("")
    return f"Chapter {number[0]}" if number else env.titles[page].astext()


def link(app: Sphinx, page: str, place: Place) -> nodes.reference:
    other, section, heading = place
    title = name_of(app.env, other)
    words = title if heading == app.env.titles[other].astext() else f"{title}, {heading}"
    address = f"{app.builder.get_relative_uri(page, other)}#{section}"
    return nodes.reference("", words, internal=True, refuri=address)


def lead_back(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Say under each work of the bibliography where it is cited, or that it is for reading on."""
    works = list(doctree.findall(nodes.citation))
    found = places(app.env) if works else {}
    for work in works:
        key = work["ids"][0].removeprefix(PREFIX)
        further = FURTHER in entries(app.env)[key].fields.get("keywords", "")
        if further == (key in found):
            logging.getLogger(__name__).warning(
                "references.bib: %s must either be cited or have the keyword “%s”", key, FURTHER
            )
        work += nodes.paragraph("", "", *back(app, page, found.get(key)), classes=["cited-in"])


def back(app: Sphinx, page: str, found: list[Place] | None) -> Iterator[nodes.Node]:
    if not found:
        yield nodes.Text("Further reading.")
        return
    for number, place in enumerate(found):
        yield nodes.Text("; " if number else "Cited in: ")
        yield link(app, page, place)


def write_again(app: Sphinx, env: BuildEnvironment) -> set[str]:
    """The page of the bibliography, which changes with any other."""
    return {key.docname for key in env.get_domain("cite").bibliographies}


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", mark_links)
    app.connect("env-updated", write_again)
    app.connect("doctree-resolved", lead_back)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
