"""The text of a page that is read in one go, and putting links into it."""

from collections.abc import Iterator

from docutils import nodes

# Not where a link would stand in a link, in a name, in code or in what is to be read aloud.
LEFT_ALONE = (
    nodes.reference,
    nodes.literal,
    nodes.title,
    nodes.caption,
    nodes.strong,
    nodes.math,
    nodes.citation,
)


def around(node: nodes.Node) -> Iterator[nodes.Node]:
    """What a node stands in, from the inside out."""
    while (node := node.parent) is not None:
        yield node


def running_text(doctree: nodes.document) -> Iterator[nodes.Text]:
    """The text of paragraphs, but for what is left alone."""
    for paragraph in doctree.findall(nodes.paragraph):
        for text in paragraph.findall(nodes.Text):
            if not any(isinstance(each, LEFT_ALONE) for each in around(text)):
                yield text


def put_links(text: nodes.Text, links: list[tuple[int, int, nodes.reference]]) -> None:
    """Put each link in the place of the letters from its start to its end."""
    pieces, done = [], 0
    for start, end, link in links:
        pieces += [nodes.Text(text.astext()[done:start]), link]
        done = end
    if links:
        text.parent.replace(text, [*pieces, nodes.Text(text.astext()[done:])])
