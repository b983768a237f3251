"""`python -m benchmarks [NAME ...]`: runs the comparisons and writes them as JSON."""

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from resnet.runtime.files import write_text
from tools.environment import ROOT
from tools.notebooks import AVX2

SHORT = ("startup", "step", "taps", "grid", "cost", "memory", "book")
LONG = ("busy", "recipe", "accuracy")
# By name alone, each stored in a file of its own.
APART = ("scaling", "laboratory", "pressing", "seeds_at_once")
STORED = ROOT / "resnet" / "assets" / "results" / "benchmarks.json"
MACHINES = {"native": {}, "avx2": AVX2}


def main(arguments: list[str] | None = None) -> int:
    """Runs what is named, by default the short ones, and adds the results to the file."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for name in set(options.names) - set(SHORT + LONG + APART):
        parser.error(f"there is no comparison {name!r}: take {', '.join(SHORT + LONG + APART)}")
    limits = MACHINES[options.machine]
    if any(os.environ.get(name) != value for name, value in limits.items()):
        # Before torch is loaded, because it reads these once.
        call = [sys.executable, "-m", "benchmarks", *(arguments or sys.argv[1:])]
        return subprocess.run(call, cwd=ROOT, env={**os.environ, **limits}).returncode
    names = options.names or (SHORT + LONG if options.full else SHORT)
    for name in names:
        print(f"-- {name}", flush=True)
        result = importlib.import_module(f".{name}", __package__).run()
        is_apart = name in APART and options.out == STORED
        path = STORED.with_name(f"{name}.json") if is_apart else options.out
        add(path, options.machine, name, result)
        print(f"Written: {path}")
    return 0


def add(path: Path, machine: str, name: str, result: dict) -> None:
    """Puts one result into the file, which may hold others."""
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    held.setdefault(machine, {})[name] = result
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(held, indent=1, sort_keys=True) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SHORT + LONG + APART))
    parser.add_argument(
        "--full",
        action="store_true",
        help="busy neighbours and the time to accuracy, too (two hours)",
    )
    parser.add_argument("--machine", choices=MACHINES, default="native", help="avx2 holds it back")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "benchmarks.json")
    parser.add_argument("--store", dest="out", action="store_const", const=STORED,
                        help="write where the book reads")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
