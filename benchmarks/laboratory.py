"""Steps of the laboratory's networks: its engine in C and in WebAssembly, and PyTorch's."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn import functional as F

from resnet.models import residual_block, six_n_plus_two
from tools.engine import BATCH, SIZE, SOURCES, Engine, Setting
from tools.laboratory_images import images

from .timing import interleaved, origin, ratios, summary

ROUNDS, STEPS, WARM_UP = 15, 4, 20
DEPTHS = (8, 20)
# Trains with either engine for as many steps as a line of input says, and answers with a line.
NODE = """
const fs = require("fs"), [file, text, depth] = process.argv.slice(1);
const lines = fs.readFileSync(text, "utf-8").trim().split("\\n").slice(0, 500);
const digits = lines.map((line) => line.slice(1)).join("");
const engine = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(file))).exports;
engine.build(Number(depth), 1, 1, 0, 500);
const put = (type, at, values) => new type(engine.memory.buffer, at, values.length).set(values);
put(Uint8Array, engine.images_address(), Uint8Array.from(digits, (each) => parseInt(each, 16)));
put(Int32Array, engine.labels_address(), lines.map((line) => Number(line[0])));
engine.begin(1, 1);
require("readline").createInterface({ input: process.stdin }).on("line", (steps) => {
  for (let step = 0; step < Number(steps); step += 1) engine.train(0.01, 60, 120);
  console.log("done");
});
"""


def run() -> dict:
    """Milliseconds per step of 50 images, one thread each, in turn."""
    torch.set_num_threads(1)
    found = {}
    for depth in DEPTHS:
        with in_node("simd", depth) as simd, in_node("scalar", depth) as scalar:
            contenders = {
                "PyTorch": by_torch(depth),
                "engine in C": by_engine(depth),
                "engine in WebAssembly": simd,
                "engine in WebAssembly, scalar": scalar,
            }
            seconds = interleaved(contenders, ROUNDS)
        found[depth] = {
            name: [1000 * each / STEPS for each in times] for name, times in seconds.items()
        }
        for name, times in found[depth].items():
            gain = summary(ratios(found[depth]["PyTorch"], times))
            print(f"{depth} layers, {name:30} {summary(times, ' ms')}, PyTorch over it {gain}")
    return {"milliseconds": found, "batch_size": BATCH, "origin": origin()}


def by_torch(depth: int) -> Callable[[], None]:
    """A few steps of the same network, as `fit` takes them."""
    model = six_n_plus_two(depth, residual_block, width=8)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9, weight_decay=1e-4, nesterov=True)
    X, y = torch.rand(BATCH, 1, SIZE, SIZE), torch.arange(BATCH) % 10

    def steps() -> None:
        for _ in range(STEPS):
            optimizer.zero_grad()
            F.cross_entropy(model(X), y).backward()
            optimizer.step()

    return steps


def by_engine(depth: int) -> Callable[[], None]:
    engine = Engine()
    engine.begin(Setting(depth, True, 0.01), *images())

    def steps() -> None:
        for _ in range(STEPS):
            engine.calls.train(0.01, 60, 120)

    return steps


@contextmanager
def in_node(kind: str, depth: int) -> Iterator[Callable[[], None]]:
    """The engine as browsers run it, `simd` or `scalar`, once its code is optimised."""
    built = SOURCES / "built"
    call = ["node", "-e", NODE, built / f"{kind}.wasm", built / "images.txt", str(depth)]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:

        def steps(count: int = STEPS) -> None:
            print(count, file=node.stdin, flush=True)
            if not node.stdout.readline():
                raise RuntimeError("node ended; it says why above")

        steps(WARM_UP)
        yield steps
        node.stdin.close()
