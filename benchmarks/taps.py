"""What the taps of a kernel cost that meet nothing but padding: ResNet-18 at 28x28, batch 128."""

import contextlib
from dataclasses import fields

import torch

from resnet.models import resnet18
from resnet.runtime.device import Place, candidates, choose

from .ours import batch
from .step import our_step
from .timing import interleaved, origin, ratios, summary

ROUNDS, BATCH_SIZE, SIDE = 5, 128, 28


class AllTaps(Place):
    """A place where every convolution works on its padding, too."""

    @contextlib.contextmanager
    def arithmetic(self):
        mixed = self.precision != torch.float32
        with torch.autocast(self.device.type, self.precision, enabled=mixed):
            yield


def run() -> dict:
    """Each candidate of this machine with all taps and without the idle ones, in turn."""
    X, y = batch(BATCH_SIZE, SIDE)
    calls = {}
    for place in candidates(resnet18(), choose("cpu")):
        name = " ".join(place.names().values())
        whole = AllTaps(**{field.name: getattr(place, field.name) for field in fields(place)})
        for kind, where in (("all taps", whole), ("busy taps", place)):
            step = our_step(where)
            calls[f"{name}, {kind}"] = lambda step=step: step(X, y)
    seconds = interleaved(calls, ROUNDS)
    gains = {
        name.removesuffix(", all taps"): ratios(times, seconds[name.replace("all", "busy")])
        for name, times in seconds.items()
        if name.endswith("all taps")
    }
    for name, gain in gains.items():
        print(f"{name:26} {summary(gain)} times as fast without idle taps")
    return {"seconds": seconds, "gain": gains, "batch_size": BATCH_SIZE, "provenance": origin()}
