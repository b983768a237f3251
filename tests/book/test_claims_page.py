"""The page of claims holds what the stored results say, and points to figures that exist."""

import json

import nbformat
import pytest

from resnet.experiments import effects
from resnet.experiments.claims import claims
from resnet.results import stored
from tools import claims as tool
from tools.notebooks import chapters


def test_the_page_holds_what_is_stored():
    page = tool.PAGE.read_text(encoding="utf-8")
    assert tool.renewed(page) == page, "make claims renews it"
    assert page.count("{numref}") == len(claims())
    assert tool.DATA.read_text(encoding="utf-8") == tool.drawn(), "make claims renews it"


def test_another_stored_number_makes_another_page(monkeypatch):
    altered = json.loads(json.dumps(stored("bands")))
    altered["bands"]["01.plain_56_training_error"]["values"][0]["value"] += 0.1
    monkeypatch.setattr(
        effects, "stored", lambda name: {"bands": altered}.get(name) or stored(name)
    )
    page = tool.PAGE.read_text(encoding="utf-8")
    assert tool.renewed(page) != page
    assert tool.DATA.read_text(encoding="utf-8") != tool.drawn()


def test_a_page_without_its_table_is_refused():
    with pytest.raises(ValueError, match="0 tables"):
        tool.renewed("# Claims\n\n| Other |\n|---|\n| a |\n")


def captions() -> dict[str, str]:
    """Of every figure of the book, by its name."""
    cells = [cell for path in chapters() for cell in nbformat.read(path, as_version=4).cells]
    figures = [cell.metadata.get("mystnb", {}).get("figure", {}) for cell in cells]
    return {figure["name"]: figure["caption"] for figure in figures if figure}


def test_every_claim_points_to_a_figure_of_the_book():
    assert {claim.shown for claim in claims()} <= set(captions())


def test_figures_say_that_a_rate_of_their_claims_is_in_doubt():
    words = {"edge of its sweep": "edge of", "chosen for 6": "chosen for six", "diverged": "diverg"}
    said = captions()
    doubtful = [(claim.shown, doubt) for claim in claims() for doubt in claim.doubts]
    assert doubtful
    for figure, doubt in doubtful:
        assert all(word in said[figure] for each, word in words.items() if each in doubt), doubt
