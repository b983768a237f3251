"""Writes the table of claims, and what their picture shows, from the stored results."""

import json
import re
import sys

import nbformat

from resnet.experiments.claim import LEVEL, Claim, adjusted
from resnet.experiments.claims import claims
from resnet.runtime.files import write_text

from .environment import ROOT
from .notebooks import chapters

PAGE = ROOT / "chapters" / "claims.md"
DATA = ROOT / "_static" / "claims.json"
HEAD = "| Verdict | Claim | Effect: mean (95&nbsp;% interval), n | p | Published elsewhere |"
BLOCK = re.compile(rf"{re.escape(HEAD)}\n\|[-|]+\|\n(?:\|.*\n)+\n.*\n")


def main(arguments: list[str]) -> int:
    """Renews the table and the picture, and says what became of each claim."""
    write_text(PAGE, renewed(PAGE.read_text(encoding="utf-8")))
    write_text(DATA, drawn())
    for claim in claims():
        print(f"{claim.verdict:>20}: {claim.says}")
    return 0


def renewed(page: str) -> str:
    """The page with table and count as the stored results have them; ValueError without a table."""
    held = claims()
    rows = map(row, held, adjusted(held))
    lines = [HEAD, "|---|---|---|---|---|", *rows, "", count(held), ""]
    text, found = BLOCK.subn(lambda _: "\n".join(lines), page)
    if found != 1:
        raise ValueError(f"the page of claims has {found} tables that begin with {HEAD}")
    return text


def row(claim: Claim, p_value: float) -> str:
    says = f"{claim.says} {{numref}}`Figure %s <{claim.shown}>`"
    effect = "; ".join(
        [f"{claim.measure}: {claim.effect}, n = {len(claim.effects)}", *claim.doubts]
    )
    among = ("< 0.001" if p_value < 0.001 else f"{p_value:.3f}") if claim.decided else ""
    return f"| {claim.verdict} | {says} | {effect} | {among} | {claim.published} |"


def count(held: list[Claim]) -> str:
    """How many claims chance alone would decide, and which do not hold among all of them."""
    decided = [(claim, p) for claim, p in zip(held, adjusted(held), strict=True) if claim.decided]
    lost = [f"*{claim.says}*" for claim, p in decided if p >= LEVEL]
    text = (
        f"If none of these effects existed, {len(held) * LEVEL:.1f} of the {len(held)} intervals "
        f"would still lie clear of zero by chance, on average. So p is adjusted for all claims at "
        f"once, by Holm's method: {len(decided) - len(lost)} of the {len(decided)} decided claims "
        f"stay below {LEVEL}."
    )
    return f"{text} These do not, and count as hints. {' '.join(lost)}" if lost else text


def drawn() -> str:
    """The claims as JSON, a line each, in the order of the chapters that hold their figures."""
    homes, held = figures(), claims()
    rows = [
        interval(claim, p, homes[claim.shown])
        for claim, p in zip(held, adjusted(held), strict=True)
    ]
    rows.sort(key=lambda row: row["chapter"])
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f"[\n{lines}\n]\n"


def figures() -> dict[str, str]:
    """The chapter of each figure, by its name."""
    cells = [(path.stem, cell) for path in chapters() for cell in nbformat.read(path, 4).cells]
    named = [(cell.metadata.get("mystnb", {}).get("figure"), chapter) for chapter, cell in cells]
    return {figure["name"]: chapter for figure, chapter in named if figure}


def interval(claim: Claim, p_value: float, chapter: str) -> dict:
    """A claim as `extensions/forest.py` draws it; shares of images become percentage points."""
    mean, half = claim.interval
    factor = 1 if claim.unit else 100
    ends = {"mean": mean, "low": mean - half, "high": mean + half}
    hint = ", a hint" if claim.verdict == "agrees" and p_value >= LEVEL else ""
    return {
        "says": claim.says,
        "figure": claim.shown,
        "chapter": chapter,
        "expected": claim.expected,
        "verdict": claim.verdict + hint,
        "unit": claim.unit or "percentage points",
        **{name: round(factor * value, 3) for name, value in ends.items()},
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
