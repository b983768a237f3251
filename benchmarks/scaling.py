"""One and two processes of one thread each: steps of networks of several sizes, and all-reduces.

All is timed by one pair of processes, in turn, so that what disturbs the machine meets all alike.
While one process works alone the other waits in a barrier, which takes no processor time.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from torch import distributed as dist

from resnet.data import embedded
from resnet.models import residual_block, resnet18, six_n_plus_two
from resnet.runtime.device import choose
from resnet.runtime.distributed import ALONE, team
from tools.environment import ROOT

from .ours import run_of
from .timing import interleaved, origin, ratios, summary

ROUNDS, BATCH_SIZE = 21, 64
PLACE = choose("cpu", "float32")
MODELS = {
    "residual-8": lambda: six_n_plus_two(8, residual_block),
    "residual-20, width 64": lambda: six_n_plus_two(20, residual_block, width=64),
    "ResNet-18": resnet18,
}
MESSAGES = [4 * 8**power for power in range(9)]  # bytes: 4 to 64 MiB
SENT = 2**23  # bytes, or a hundred messages, that are sent between two looks at the clock


def run() -> dict:
    """Starts both processes and hands on what the first one measured."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        call = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
        call += ["2", "-m", "benchmarks.scaling", str(path)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(call, cwd=ROOT, env=environment, check=True)
        found = json.loads(path.read_text(encoding="utf-8"))
    for name, seconds in found["steps"].items():
        alone = seconds["one process"]
        for kind, factor in (("strong", 1), ("weak", 2)):
            gain = [factor * ratio for ratio in ratios(alone, seconds[f"two processes, {kind}"])]
            print(f"{name:24} {kind:6} {summary(gain)} times the images a second of one process")
    print(
        "all-reduce: {latency:.2e} s + bytes / {bandwidth:.2e} bytes a second".format(
            **found["line"]
        )
    )
    return found


def measure(path: Path) -> None:
    """In both processes: all steps, then all messages; the first one writes."""
    torch.set_num_threads(1)
    with team("cpu") as (both, _):
        steps = {name: interleaved(_steps(make, both), ROUNDS) for name, make in MODELS.items()}
        sizes = {name: _parameters(make()) for name, make in MODELS.items()}
        repeats = {size: max(1, min(100, SENT // size)) for size in MESSAGES}
        calls = {size: _messages(size, count) for size, count in repeats.items()}
        seconds = {
            size: [second / repeats[size] for second in times]
            for size, times in interleaved(calls, ROUNDS).items()
        }
        if both.leads:
            found = {
                "steps": steps,
                "gradient_bytes": {name: 4 * count for name, count in sizes.items()},
                "batch_size": BATCH_SIZE,
                "messages": seconds,
                "line": line(seconds),
                "processes": both.size,
                "provenance": origin(),
            }
            path.write_text(json.dumps(found), encoding="utf-8")


def line(seconds: dict[int, list[float]]) -> dict[str, float]:
    """Latency in seconds and bandwidth in bytes a second: the straight line through the medians.

    Each relative to its own size, or the longest message would decide alone.
    """
    sizes = numpy.array(list(seconds), dtype=float)
    times = numpy.array([numpy.median(each) for each in seconds.values()])
    slope, latency = numpy.polyfit(sizes, times, 1, w=1 / times)
    return {"latency": float(latency), "bandwidth": float(1 / slope)}


def _steps(make, both) -> dict:
    """One step of `fit` in each way, on a batch of BATCH_SIZE or on one for each process."""
    images = embedded()[0]
    whole = images.batch(slice(BATCH_SIZE))
    half = images.batch(both.share(torch.arange(BATCH_SIZE)))
    alone, joint = (run_of(make(), PLACE, 0.001, members) for members in (ALONE, both))
    joint.network = both.wrap(joint.model, whole[0])

    def timed(step, batch, takes_part=True):
        def call():
            if takes_part:
                step(*batch)
            dist.barrier()

        return call

    return {
        "one process": timed(alone.step, whole, both.leads),
        "one process on each core": timed(alone.step, whole),
        "two processes, strong": timed(joint.step, half),
        "two processes, weak": timed(joint.step, whole),
    }


def _messages(size: int, count: int):
    message = torch.zeros(size // 4)

    def call():
        for _ in range(count):
            dist.all_reduce(message)

    return call


def _parameters(model) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
