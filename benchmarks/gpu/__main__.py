"""`make gpu`: runs all parts on this machine's GPU, with nothing installed but what torch brings.

Each part runs in a process of its own with its own limit, and each unit of a part is stored as it
ends, under the card's name; the same command goes on with what is missing.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

from resnet.runtime.files import provenance, write_text
from tools.environment import ROOT
from tools.patience import patient

from .sizes import FULL, REHEARSAL, Size

STORED = ROOT / "resnet" / "assets" / "results" / "gpu.json"
# Seconds on a data-centre card; together with what starts and ends they make ten minutes.
LIMITS = {"checks": 50, "chapters": 130, "speed": 110, "seeds": 40, "cifar10": 180, "recipes": 60}


def main(arguments: list[str] | None = None) -> int:
    """Runs the parts named, by default all, and says what each came to; 1 where one failed."""
    options = _parser().parse_args(arguments)
    if importlib.util.find_spec("torch") is None:
        print(f"gpu: {sys.executable} has no torch: name a Python that has", file=sys.stderr)
        return 1
    import torch

    if not options.rehearse and not torch.cuda.is_available():
        print("gpu: torch finds no GPU here; --rehearse runs all on the CPU", file=sys.stderr)
        return 1
    if options.inside:
        fill(options.parts[0], options)
        return 0
    said = {part: in_child(part, options) for part in options.parts or LIMITS}
    for part, words in said.items():
        print(f"{part:10} {words}")
    return 1 if any(words.startswith("failed") for words in said.values()) else 0


def in_child(part: str, options: argparse.Namespace) -> str:
    """One part within its limit: what it came to, in a few words."""
    call = [sys.executable, "-m", __package__, part, "--inside", "--out", str(options.out)]
    call += ["--rehearse"] * options.rehearse + (["--data", options.data] if options.data else [])
    limit = patient(LIMITS[part]) if options.rehearse else LIMITS[part]
    started = time.monotonic()
    try:
        status = subprocess.run(call, cwd=ROOT, timeout=limit).returncode
    except subprocess.TimeoutExpired:
        return f"stopped after its {limit:.0f} s: what has ended is stored, and the rest goes on"
    return f"{'ended' if status == 0 else 'failed'} after {time.monotonic() - started:.0f} s"


def fill(part: str, options: argparse.Namespace) -> None:
    """Measures the units of a part that the file lacks, and stores each as it ends."""
    size = REHEARSAL if options.rehearse else FULL
    module = importlib.import_module(f".{part}", __package__)
    for unit, measure in module.units(size, options.data):
        if unit in held(options.out).get(card(size), {}).get(part, {}):
            continue
        print(f"-- {part}: {unit}", flush=True)
        found = measure()
        print(f"   {json.dumps(found)[:300]}", flush=True)
        add(options.out, card(size), part, unit, found)


def card(size: Size) -> str:
    """The name under which the results of this machine are stored."""
    import torch

    return torch.cuda.get_device_name() if size.device == "cuda" else "rehearsal on a CPU"


def held(path: Path) -> dict:
    """What the file has so far."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def add(path: Path, name: str, part: str, unit: str, found: dict) -> None:
    """Puts the result of one unit into the file, with where it comes from."""
    results = held(path)
    results.setdefault(name, {}).setdefault(part, {})[unit] = found | {"provenance": provenance()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(results, indent=1, sort_keys=True) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*LIMITS, []], metavar="PART", default=[],
                        help=", ".join(LIMITS))  # fmt: skip
    parser.add_argument("--rehearse", action="store_true", help="all on the CPU, tiny")
    parser.add_argument("--data", help="the folder of CIFAR-10 (default: the cache)")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "gpu.json")
    parser.add_argument("--store", dest="out", action="store_const", const=STORED,
                        help="write where the book reads")  # fmt: skip
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
