"""Writes the table of claims from the stored results; the words around it stay as they are."""

import re
import sys

from resnet.experiments.claims import Claim, claims
from resnet.runtime.files import write_text

from .environment import ROOT

PAGE = ROOT / "chapters" / "claims.md"
HEAD = "| Verdict | Claim | Effect: mean (95&nbsp;% interval), n | Published elsewhere |"
TABLE = re.compile(rf"{re.escape(HEAD)}\n\|[-|]+\|\n(?:\|.*\n)+")


def main(arguments: list[str]) -> int:
    """Renews the table and says what became of each claim."""
    write_text(PAGE, renewed(PAGE.read_text(encoding="utf-8")))
    for claim in claims():
        print(f"{claim.verdict:>20}: {claim.says}")
    return 0


def renewed(page: str) -> str:
    """The page with its table as the stored results have it; ValueError where it has none."""
    lines = [HEAD, "|---|---|---|---|", *map(row, claims())]
    text, found = TABLE.subn(lambda _: "\n".join([*lines, ""]), page)
    if found != 1:
        raise ValueError(f"the page of claims has {found} tables that begin with {HEAD}")
    return text


def row(claim: Claim) -> str:
    says = f"{claim.says} {{numref}}`Figure %s <{claim.shown}>`"
    effect = f"{claim.measure}: {claim.effect}, n = {len(claim.effects)}"
    return f"| {claim.verdict} | {says} | {effect} | {claim.published} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
