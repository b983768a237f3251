"""Which recipe takes the document's ResNet-18 past a published accuracy, by validation images.

The peak rate is chosen at two epochs, then the number of epochs: the fewest whose accuracy leaves
room for the spread of seeds. The seed is used for nothing else, and the test images stay unseen.
"""

import json

import torch

from resnet.data import split
from resnet.experiments.settings import FAST
from resnet.fashion_mnist import load_fashion_mnist
from resnet.models import resnet18
from resnet.runtime.files import write_text
from resnet.training import evaluate, fit
from tools.environment import ROOT

from .timing import origin

SEED, HELD_OUT = 100, 5000
TRIED = ((2, 0.02), (2, 0.05), (3, 0.05))  # epochs and peak rate
PARTS = ROOT / "_build" / "recipe.json"  # what a stopped comparison has so far


def run() -> dict:
    """Validation accuracy of each recipe; a stopped comparison goes on where it stopped."""
    training, validation = split(load_fashion_mnist()[0], HELD_OUT)
    found = json.loads(PARTS.read_text(encoding="utf-8")) if PARTS.exists() else []
    for epochs, rate in TRIED[len(found) :]:
        torch.manual_seed(SEED)
        model = resnet18()
        recipe = {**FAST, "epochs": epochs, "learning_rate": rate}
        fit(model, training, seed=SEED, **recipe, precision="float32", score_training=False,
            progress=False)  # fmt: skip
        accuracy = 1 - evaluate(model, validation).error
        found.append({"epochs": epochs, "learning_rate": rate, "accuracy": accuracy})
        print(found[-1], flush=True)
        PARTS.parent.mkdir(exist_ok=True)
        write_text(PARTS, json.dumps(found))
    PARTS.unlink()
    return {"tried": found, "validation_images": HELD_OUT, "seed": SEED, "provenance": origin()}
