"""Draws the opening picture: training error by depth, with and without shortcuts, from all runs."""

import hashlib
import io
import json
import sys
from pathlib import Path

import matplotlib

from resnet.plots import PLAIN, RESIDUAL, claim, errors_by_depth, use_book_style
from resnet.results import stored
from resnet.runtime.files import write_text

from .drawings import lean
from .environment import ROOT

TARGET = ROOT / "_static" / "opening.png"
TITLE = "Depth harms plain networks, and shortcuts undo the harm"
BANDS = {
    "plain": {depth: f"01.plain_{depth}_training_error" for depth in (8, 20, 56)},
    "residual": {depth: f"02.residual_{depth}_training_error" for depth in (20, 56)},
}
Arms = dict[str, dict[int, list[float]]]


class ClaimContradicted(AssertionError):
    """The stored runs do not show what the picture's title says."""


def main(arguments: list[str]) -> int:
    """Draws the picture from the stored bands; exit status 1 where they are missing or disagree."""
    try:
        arms = measured(stored("bands"))
        check(arms)
    except FileNotFoundError:
        print("tools: there are no stored bands yet, `make bands` makes them", file=sys.stderr)
        return 1
    except (KeyError, ClaimContradicted) as error:
        print(f"tools: the picture is not drawn: {error}", file=sys.stderr)
        return 1
    draw(arms, TARGET)
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size / 1e3:.0f} KB")
    return 0


def measured(store: dict) -> Arms:
    """The training errors of all runs, by arm and depth; KeyError where a band is missing."""
    bands = store["bands"]
    return {
        arm: {depth: [run["value"] for run in bands[name]["values"]] for depth, name in row.items()}
        for arm, row in BANDS.items()
    }


def check(arms: Arms) -> None:
    """Holds the title to the runs: raises ClaimContradicted where their means say otherwise."""
    plain, residual = (
        {depth: sum(errors) / len(errors) for depth, errors in arms[arm].items()} for arm in BANDS
    )
    if list(plain.values()) != sorted(set(plain.values())):
        raise ClaimContradicted(f"plain networks do not get worse with each depth: {plain}")
    if residual[56] >= min(plain.values()):
        raise ClaimContradicted(
            f"residual-56 ({residual[56]:.3f}) is no better than each plain network: {plain}"
        )


def draw(arms: Arms, target: Path) -> None:
    """Writes the PNG, whose metadata say which values it shows, and beside it the page's SVG."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    use_book_style()
    figure, axis = plt.subplots()
    claim(figure, TITLE)
    errors_by_depth(arms, axis, styles=[PLAIN, RESIDUAL])
    axis.margins(x=0.04)
    figure.savefig(target, metadata={"Software": None, "Source": fingerprint(arms)})
    written = io.StringIO()
    figure.savefig(written, format="svg")
    write_text(target.with_suffix(".svg"), lean(written.getvalue()) + "\n")
    plt.close(figure)


def fingerprint(arms: Arms) -> str:
    """Tells whether a picture was drawn from these values."""
    return hashlib.sha256(json.dumps(arms, sort_keys=True).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
