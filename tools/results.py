"""Measures everything that the book stores: what is missing, in the order in which it is needed.

A stopped command goes on where it stopped. What is stored is whole: a grid lies in `unfinished`
until its last run is in, and can be committed there. `--out FOLDER` measures the grids anew beside
the stored ones and says where the numbers differ.
"""

import argparse
import math
import os
import sys
from pathlib import Path

from resnet import runs
from resnet.experiments.collecting import collect, missing
from resnet.experiments.grids import GRIDS, STORED_GRIDS
from resnet.experiments.settings import Setting
from resnet.runs import StoredRun

from . import bands, rates
from .environment import ROOT

FOLDER, UNFINISHED = ROOT / "resnet" / "assets" / "results", ROOT / "unfinished"


def main(arguments: list[str]) -> int:
    """Fills the stored files, all or those named; 130 where `--minutes` or Ctrl-C ended it."""
    parser = _parser()
    options = parser.parse_args(arguments)
    known = ["rates", *(name for name in GRIDS if name != "trial"), "bands"]
    for name in set(options.names) - set(known):
        parser.error(f"there is no result {name!r}: take {', '.join(known)}")
    names = options.names or (STORED_GRIDS if options.out else known)
    try:
        for name in names:
            print(f"-- {name}", flush=True)
            if name == "rates":
                rates.main([])
            elif name == "bands":
                bands.main(["--workers", str(options.workers)])
            elif fill(name, options):
                print(f"{name} is not whole yet: the same command goes on.")
                return 130
    except KeyboardInterrupt:
        print("Stopped: the same command goes on.")
        return 130
    print("The timings are a command of their own: make bench ARGUMENTS='--full --store'.")
    return 0


def fill(name: str, options: argparse.Namespace) -> int:
    """Measures what a grid's file lacks and returns how many runs are still missing."""
    grid, stored = GRIDS[name](), (options.out or FOLDER / "grids") / f"{name}.json"
    path = stored if options.out or stored.exists() else UNFINISHED / stored.name
    path.parent.mkdir(parents=True, exist_ok=True)
    held = collect(grid, path, workers=options.workers, minutes=options.minutes)
    if not missing(grid, held):
        stored.parent.mkdir(parents=True, exist_ok=True)
        path.replace(stored)
    print(runs.summary(held))
    if options.out:
        print(differences(held, runs.stored_runs(name)))
    return len(missing(grid, held))


def differences(ours: list[StoredRun], stored: list[StoredRun]) -> str:
    """One line that says how many of the runs have other numbers than the stored ones."""
    theirs = {Setting(**run.setting): run.result for run in stored}
    pairs = [(run.result, theirs.get(Setting(**run.setting))) for run in ours]
    same = sum(one == other for one, other in pairs)
    return f"{same} of {len(pairs)} runs have the stored numbers to the last digit."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools results", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="rates, bands, or a grid")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="runs at a time")
    parser.add_argument("--minutes", type=float, default=math.inf, help="for each grid at most")
    parser.add_argument("--out", type=Path, help="a folder for the grids, instead of the stored")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
