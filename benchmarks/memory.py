"""Peak memory of training by depth and batch, each in a process of its own."""

import json

from .timing import in_child, origin

DEPTHS, BATCHES = (8, 20, 56), (64, 256)
CHILD = """
import json, resource, sys
import torch
from resnet.data import embedded
from resnet.experiments import BLOCKS
from resnet.models import six_n_plus_two
from resnet.training import fit

def peak():
    scale = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale

depth, batch = map(int, sys.argv[1:])
images = embedded()[0].subset(slice(4 * batch))
before = peak()
fit(six_n_plus_two(depth, BLOCKS["residual"]), images, epochs=1, batch_size=batch, device="cpu",
    precision="float32", progress=False, score_training=False)
print(json.dumps({"depth": depth, "batch_size": batch, "before": before, "peak": peak()}))
"""


def run() -> dict:
    """Bytes that a process has at its peak, and what it had with the images and before training."""
    peaks = [json.loads(in_child(CHILD, str(d), str(b))) for d in DEPTHS for b in BATCHES]
    for row in peaks:
        added = (row["peak"] - row["before"]) / 2**20
        print(f"depth {row['depth']}, batch {row['batch_size']}: {added:.0f} MiB for training")
    return {"processes": peaks, "provenance": origin()}
