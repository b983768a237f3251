"""Elements of a page, made in Python."""

from bs4 import BeautifulSoup, Tag

MAKER = BeautifulSoup("", "html.parser")


def element(name: str, *parts: Tag | str, classes: str = "", **attributes: str) -> Tag:
    """A new element that holds these parts, in this order."""
    given = {"class": classes} if classes else {}
    made = MAKER.new_tag(name, attrs=given | attributes)
    made.extend(list(parts))
    return made
