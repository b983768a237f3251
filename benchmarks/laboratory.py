"""Steps of the laboratory's networks: its engine in C and WebAssembly, PyTorch, TensorFlow.js."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from torch.nn import functional as F

from resnet.models import residual_block, six_n_plus_two
from tools.engine import BATCH, SIZE, SOURCES, Engine, Setting
from tools.environment import ROOT
from tools.laboratory_images import images

from .timing import interleaved, origin, ratios, summary

ROUNDS, STEPS, WARM_UP = 15, 4, 20
SLOW_ROUNDS = 3  # of what takes seconds per step
DEPTHS = (8, 20)
TENSORFLOW = ("@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0")
PACKAGES = ROOT / "_build" / "tensorflow"
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
    """Milliseconds per step of 50 images, one thread each, in turn; TensorFlow.js needs npm."""
    torch.set_num_threads(1)
    libraries = install_tensorflow()
    found = {}
    for depth in DEPTHS:
        with ExitStack() as started:
            contenders = {
                "PyTorch": by_torch(depth),
                "engine in C": by_engine(depth),
                "engine in WebAssembly": started.enter_context(by_built("simd", depth)),
                "engine in WebAssembly, scalar": started.enter_context(by_built("scalar", depth)),
            }
            slow = {}
            if libraries:
                name = "TensorFlow.js in WebAssembly"
                contenders[name] = started.enter_context(by_tensorflow("wasm", depth, WARM_UP))
                slow["TensorFlow.js"] = started.enter_context(by_tensorflow("cpu", depth, 1))
            seconds = interleaved(contenders, ROUNDS)
            seconds |= interleaved(slow, SLOW_ROUNDS)
        found[depth] = {
            name: [1000 * each / STEPS for each in times] for name, times in seconds.items()
        }
        for name, times in found[depth].items():
            share = summary(ratios(times, found[depth]["engine in WebAssembly"][: len(times)]))
            print(f"{depth} layers, {name:30} {summary(times, ' ms')}, over the page's {share}")
    return {"milliseconds": found, "batch_size": BATCH, "origin": origin()}


def install_tensorflow() -> bool:
    """Whether TensorFlow.js is there, installed below `_build` where it was not."""
    if not shutil.which("npm"):
        print("TensorFlow.js is left out: npm is missing")
        return False
    call = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", PACKAGES]
    subprocess.run([*call, *TENSORFLOW], check=True)
    return True


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


def by_built(kind: str, depth: int) -> Iterator[Callable[[], None]]:
    """The engine as browsers run it, `simd` or `scalar`."""
    built = SOURCES / "built"
    return in_node(["-e", NODE, built / f"{kind}.wasm", built / "images.txt", str(depth)])


def by_tensorflow(backend: str, depth: int, warm_up: int) -> Iterator[Callable[[], None]]:
    """The same network in TensorFlow.js, by its backend `wasm` or `cpu`."""
    program = Path(__file__).with_name("tensorflow.js")
    call = [program, PACKAGES, SOURCES / "built" / "images.txt", str(depth), backend]
    return in_node(call, warm_up)


@contextmanager
def in_node(arguments: list, warm_up: int = WARM_UP) -> Iterator[Callable[[], None]]:
    """A program of node that trains for as many steps as it is told, once its code is optimised."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["node", *arguments], text=True, **pipes) as node:

        def steps(count: int = STEPS) -> None:
            print(count, file=node.stdin, flush=True)
            if not node.stdout.readline():
                raise RuntimeError("node has ended before its steps")

        steps(warm_up)
        yield steps
        node.stdin.close()
