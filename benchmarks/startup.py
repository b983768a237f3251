"""What importing the module and loading the embedded images cost, over `import torch` alone."""

import json

from .timing import in_child, origin, summary

ROUNDS = 5
CHILD = """
import json, time
import torch
started = time.perf_counter()
import resnet
imported = time.perf_counter()
resnet.fit  # the names are handed on when first used
used = time.perf_counter()
from resnet.data import embedded
embedded()
loaded = time.perf_counter()
print(json.dumps([imported - started, used - started, loaded - used]))
"""


def run() -> dict:
    """Seconds in fresh processes."""
    rows = [json.loads(in_child(CHILD)) for _ in range(ROUNDS)]
    names = ("import resnet", "import and first use", "embedded images")
    seconds = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    for name, times in seconds.items():
        print(f"{name}: {summary(times, ' s')}")
    return {"seconds": seconds, "provenance": origin()}
