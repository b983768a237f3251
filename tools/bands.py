"""Bands for the numbers that training makes: the chapters' own code, repeated over seeds.

Each live value (a call of `within_band`) is taken from ten seeds, each on this processor and under
the AVX2 stand-in for another, and an error also from a negative control, a run on shuffled training
labels. A stopped run goes on where it stopped.
"""

import argparse
import ast
import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from resnet.runtime.files import provenance, write_text

from .cells import Cell, code_cells
from .environment import ROOT
from .notebooks import AVX2, SETTINGS, chosen

STORE = ROOT / "resnet" / "assets" / "results" / "bands.json"
SEEDS = tuple(range(1, 11))  # the chapters themselves run with seed 0
MACHINES = {"native": {}, "avx2": AVX2}
NOT_LIVE = {"hide-cell", "not-live"}  # solutions, and cells that no live value needs


@dataclass(frozen=True)
class Run:
    """One execution of one chapter's code; `control` says that its labels are shuffled."""

    chapter: Path
    seed: int
    machine: str
    control: bool = False


class ChapterChanged(RuntimeError):
    """A chapter's code is no longer the one whose values are collected."""


def main(arguments: list[str]) -> int:
    """Runs what is missing in the store, or with `--one` a single run that prints its values."""
    options = _parser().parse_args(arguments)
    if options.one:
        values = live_values(Path(options.one), options.seed, options.control)
        print(json.dumps(values))
        return 0
    store = read_store()
    live = with_live_values(chosen(options.chapters))
    for chapter in live:
        forget_other_code(store, chapter)
    runs = [run for chapter in live for run in wanted(chapter, store, options.seeds)]
    print(f"{len(runs)} runs to do, {options.workers} at a time", flush=True)
    try:
        write_store(store)
        collect(runs, options.workers)
    except ChapterChanged as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    return 0


def collect(runs: list[Run], workers: int) -> None:
    """Does the runs and adds each to the store as it ends; the first that fails ends them all."""
    with ThreadPoolExecutor(workers) as pool:
        waiting = {pool.submit(_in_child, run): run for run in runs}
        try:
            for number, done in enumerate(as_completed(waiting), start=1):
                run = waiting[done]
                values = done.result()
                store = read_store()  # each time, since another chapter may be collected meanwhile
                if code_hash(run.chapter) != store["code"][run.chapter.stem]:
                    raise ChapterChanged(f"{run.chapter.name} was changed meanwhile: start again")
                keep(store, run, values)
                write_store(store)
                said = f"{run.chapter.stem}, seed {run.seed}, {run.machine}"
                print(f"{number}/{len(runs)}: {said}", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)  # otherwise the pool first does all that waits


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools bands", description=__doc__)
    parser.add_argument("chapters", nargs="*", help="parts of the chapters' names, by default all")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="of one thread each")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="the first so many of ten")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--control", action="store_true", help=argparse.SUPPRESS)
    return parser


def with_live_values(paths: list[Path]) -> list[Path]:
    """The chapters in which training makes numbers; the others only draw what is stored."""
    return [path for path in paths if any("within_band(" in c.source for c in live_cells(path))]


def live_cells(chapter: Path) -> list[Cell]:
    """The code cells that live values come from, in order."""
    return [cell for cell in code_cells(chapter) if not NOT_LIVE & cell.tags]


def code_hash(chapter: Path) -> str:
    """Tells whether the stored values were made by the code that is in the chapter now.

    Where a name is imported from, comments and layout change no number, so they do not count.
    """
    tree = ast.parse("\n".join(cell.source for cell in live_cells(chapter)))
    tree.body = [one for one in tree.body if not isinstance(one, ast.Import | ast.ImportFrom)]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def live_values(chapter: Path, seed: int, shuffled: bool) -> dict[str, float]:
    """Executes a chapter's code with another seed and collects what it passes to `within_band`."""
    import matplotlib
    import torch

    from resnet import results

    matplotlib.use("Agg")
    torch.set_num_threads(1)
    values: dict[str, float] = {}

    def record(name: str, value: float, budget: str) -> str:
        values[name] = float(value)
        return f"{name}: {value}"

    results.within_band = record
    handed_out = _shuffle_labels() if shuffled else None
    namespace = {"__name__": "__main__"}
    for cell in live_cells(chapter):
        is_seed = "parameters" in cell.tags
        source = f"seed = {seed}" if is_seed else cell.source
        # On shuffled labels a chapter's own assertions rightly fail; its numbers are the point.
        forgiving = contextlib.suppress(Exception) if shuffled else contextlib.nullcontext()
        with forgiving, contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, str(chapter), "exec"), namespace)
    if handed_out == []:
        raise ChapterChanged(f"{chapter.name} trained on images whose labels nobody shuffled")
    return values


def _shuffle_labels() -> list:
    """Gives the chapters training images with other images' labels; the list fills as it does."""
    from dataclasses import replace

    import torch

    from resnet import budgets

    real, handed_out = budgets.images, []

    def images(size):
        training, validation, test = real(size)
        order = torch.randperm(len(training), generator=torch.Generator().manual_seed(0))
        handed_out.append(replace(training, labels=training.labels[order]))
        return handed_out[-1], validation, test

    budgets.images = images
    return handed_out


def _in_child(run: Run) -> dict[str, float]:
    """One run in a process of its own with one thread, so that two share two cores."""
    call = [sys.executable, "-m", "tools.bands", "--one", str(run.chapter)]
    call += ["--seed", str(run.seed), *(["--control"] if run.control else [])]
    settings = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", **MACHINES[run.machine]}
    environment = {**os.environ, **SETTINGS, **settings}
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{run}: {done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def read_store() -> dict:
    """The stored bands, or an empty store."""
    if STORE.exists():
        return json.loads(STORE.read_text(encoding="utf-8"))
    return {"provenance": provenance(), "code": {}, "bands": {}}


def write_store(store: dict) -> None:
    write_text(STORE, json.dumps(store, indent=1, sort_keys=True) + "\n")


def forget_other_code(store: dict, chapter: Path) -> None:
    """Drops a chapter's values where other code made them than stands in it now."""
    now = code_hash(chapter)
    if store["code"].get(chapter.stem) != now:
        prefix = chapter.stem[:2]
        store["bands"] = {k: v for k, v in store["bands"].items() if not k.startswith(prefix)}
        store["code"][chapter.stem] = now


def wanted(chapter: Path, store: dict, seeds: int = len(SEEDS)) -> Iterator[Run]:
    """The runs of a chapter that the store lacks, both machines in step with the seeds."""
    prefix = f"{chapter.stem[:2]}."
    bands = [band for name, band in store["bands"].items() if name.startswith(prefix)]
    there = {(run["machine"], run["seed"]) for band in bands[:1] for run in band["values"]}
    if not any("labels" in band["controls"] for band in bands):
        yield Run(chapter, SEEDS[0], "native", control=True)
    for seed in SEEDS[:seeds]:
        for machine in MACHINES:
            if (machine, seed) not in there:
                yield Run(chapter, seed, machine)


def keep(store: dict, run: Run, values: dict[str, float]) -> None:
    """Adds the values of one run; shuffled labels are no control for a comparison of arms."""
    for name, value in values.items():
        band = store["bands"].setdefault(name, {"values": [], "controls": {}})
        if not run.control:
            band["values"].append({"seed": run.seed, "machine": run.machine, "value": value})
            band["values"].sort(key=lambda one: (one["machine"], one["seed"]))
        elif not name.endswith(("_gap", "_ratio")):
            band["controls"]["labels"] = value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
