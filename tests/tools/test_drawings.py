"""Drawings as lean SVG: the same words at the same places, the same bytes twice, and no more."""

import re
from xml.etree import ElementTree

import matplotlib
import pytest
from IPython.core.pylabtools import print_figure
from matplotlib import pyplot as plt

from resnet.plots import PLAIN, RESIDUAL, use_book_style
from tools.drawings import SVG, lean

matplotlib.use("Agg")


def written() -> str:
    """What Matplotlib writes for a figure with words, lines, marks and a clip."""
    with matplotlib.rc_context():
        use_book_style()
        figure, axis = plt.subplots()
        axis.plot([1.234567, 2, 3], [1, 4, 9], **PLAIN)
        axis.plot([1, 2, 3], [2, 2, 99], **RESIDUAL)
        axis.set(xlabel="two  words", ylabel="turned", ylim=(0, 10))
        text = print_figure(figure, "svg")
        plt.close(figure)
    return text


@pytest.fixture(scope="module")
def both() -> tuple[ElementTree.Element, ElementTree.Element]:
    text = written()
    return ElementTree.fromstring(text), ElementTree.fromstring(lean(text))


def places(root: ElementTree.Element) -> list[tuple]:
    """All texts with the first numbers of where they stand."""
    return [
        (text.text, re.findall(r"[\d.]+", text.get("x") or text.get("transform", ""))[:1])
        for text in root.iter(f"{SVG}text")
    ]


def test_the_words_stay_where_they_were(both) -> None:
    before, after = (places(root) for root in both)
    assert [words for words, _ in before] == [words for words, _ in after]
    assert {"turned", "two  words"} <= {words for words, _ in after}
    for (_, one), (_, other) in zip(before, after, strict=True):
        assert float(one[0]) == pytest.approx(float(other[0]), abs=0.006)


def test_all_that_is_drawn_stays_drawn(both) -> None:
    for kind in ("path", "use", "clipPath", "text"):
        before, after = (list(root.iter(SVG + kind)) for root in both)
        assert len(before) == len(after) > 0, kind
    _, root = both
    names = {part.get("id") for part in root.iter()} - {None}
    written_out = ElementTree.tostring(root, encoding="unicode")
    pointers = re.findall(r"(?:href=\"|url\()#([\w-]+)", written_out)
    assert set(pointers) <= names and len(pointers) > 4


def test_its_ground_comes_first_and_is_opaque(both) -> None:
    first = both[1][0]
    assert first.tag == f"{SVG}path" and first.get("style") == "fill: #ffffff"


def test_it_is_small_and_says_no_time() -> None:
    before, after = written(), lean(written())
    assert len(after) < 0.7 * len(before)
    assert "metadata" not in after and "20" in before and "<style" not in after


def test_drawing_twice_gives_the_same_bytes() -> None:
    assert lean(written()) == lean(written())
