"""Peak memory of training by depth and batch, each in a process of its own."""

import json

from .timing import in_child, origin

DEPTHS, BATCHES = (8, 20, 56), (64, 256)
CHILD = """
import json, sys, threading, time
import psutil
from resnet.data import embedded
from resnet.experiments import BLOCKS
from resnet.models import six_n_plus_two
from resnet.training import fit

held = lambda: psutil.Process().memory_info().rss
depth, batch = map(int, sys.argv[1:])
images = embedded()[0].subset(slice(4 * batch))
model = six_n_plus_two(depth, BLOCKS["residual"])
before, seen = held(), []

def watch():
    while True:
        seen.append(held())
        time.sleep(0.001)

threading.Thread(target=watch, daemon=True).start()
fit(model, images, epochs=1, batch_size=batch, device="cpu", precision="float32", progress=False,
    score_training=False)
print(json.dumps({"depth": depth, "batch_size": batch, "before": before, "peak": max(seen)}))
"""


def run() -> dict:
    """Bytes in memory at the peak, and before training with the images and the network in place."""
    peaks = [json.loads(in_child(CHILD, str(d), str(b))) for d in DEPTHS for b in BATCHES]
    for row in peaks:
        added = (row["peak"] - row["before"]) / 2**20
        print(f"depth {row['depth']}, batch {row['batch_size']}: {added:.0f} MiB for training")
    return {"processes": peaks, "provenance": origin()}
