"""`python -m resnet predict`: the classes that a trained network gives to images."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..data import DataError
from ..datasets import crops
from ..datasets.image_files import read
from ..datasets.listing import readable, shown
from ..runtime.checkpoints import CheckpointError, load
from ..runtime.device import choose
from . import named_networks

CHECKPOINT = "checkpoint.pt"
AT_ONCE = 64
SHOWN = 3  # classes per image in the table


def about(network: named_networks.Description, training) -> dict[str, Any]:
    """What a run must hold so that its network can be built again and fed as in training."""
    return {
        "network": network,
        "class_names": list(training.class_names),
        "shape": list(training.shape),
        "resize": getattr(training, "resize", None),
        "whites": dict(getattr(training, "whites", {})),
        "mean": list(training.mean),
        "sd": list(training.sd),
    }


@dataclass(frozen=True)
class Trained:
    """A network in eval mode with its classes and what images must become for it."""

    model: nn.Module
    about: dict[str, Any]
    epochs: tuple[int, int]  # finished and planned

    def pixels(self, path: Path) -> Tensor:
        """The centre of one image, as validation sees it: float32 (C, H, W), normalised."""
        image, size = read(path, self.about.get("whites")), self.about["shape"][1]
        box = crops.at_centre(*image.size, size / self.about["resize"])
        mean, sd = (torch.tensor(self.about[name]).view(-1, 1, 1) for name in ("mean", "sd"))
        return (crops.cut(image, box, size).float() / 255 - mean) / sd

    def probabilities(self, paths: Iterable[Path]) -> Tensor:
        """(N, classes), one row per image; BadImageError names a file that cannot be decoded."""
        place = choose(next(self.model.parameters()).device, "float32")
        paths, found = list(paths), []
        with torch.inference_mode(), place.arithmetic():
            for start in range(0, len(paths), AT_ONCE):
                X = torch.stack([self.pixels(path) for path in paths[start : start + AT_ONCE]])
                found.append(self.model(X.to(place.device)).float().softmax(dim=1).cpu())
        return torch.cat(found)


def trained(folder: Path, device: str | None = None) -> Trained:
    """The network of a run's folder; CheckpointError where it holds none that can be asked."""
    path = folder / CHECKPOINT
    if not path.is_file():
        raise CheckpointError(f"{path} is missing: --from names a folder that train --out wrote")
    state = load(path)
    try:
        told = state["about"]
        model = named_networks.build(told["network"], told["shape"][0], len(told["class_names"]))
        model.load_state_dict(state["model"])
        history = json.loads(state["history"])
        epochs = len(history["epochs"]), history["settings"]["epochs"]
        resize = told["resize"]
    except Exception as error:  # a file of something else makes nearly anything fail
        raise CheckpointError(
            f"{path} holds no network that this version of train has stored: train it anew"
        ) from error
    if resize is None:
        raise CheckpointError(f"{path} is of a network that was not trained on a folder of images")
    return Trained(model.eval().to(choose(device).device), told, epochs)


def found(names: Iterable[Path]) -> list[Path]:
    """The files that are named, and all images below the folders; DataError where there is none."""
    files: list[Path] = []
    for name in names:
        if not name.is_dir():
            files.append(name)
            continue
        inside = [
            Path(place, file)
            for place, _, held in os.walk(name)
            for file in held
            if Path(file).suffix.lower() in readable() and not file.startswith(".")
        ]
        if not inside:
            raise DataError(f"{shown(name)} holds no image")
        files += sorted(inside)
    return files


def answers(network: Trained, paths: list[Path], as_json: bool = False) -> str:
    """A table of the likeliest classes of each image, or JSON with all of them."""
    rows = [
        (shown(path), _ordered(network.about["class_names"], row))
        for path, row in zip(paths, network.probabilities(paths).tolist(), strict=True)
    ]
    if as_json:
        found = [
            {"file": name, "class": next(iter(classes)), "probabilities": classes}
            for name, classes in rows
        ]
        return json.dumps(found, indent=1)
    finished, planned = network.epochs
    label = named_networks.label(network.about["network"])
    lines = [f"{label} after {finished} of {planned} epochs"]
    width = max(len(name) for name, _ in rows)
    for name, classes in rows:
        likeliest = [f"{each} {share:.3f}" for each, share in list(classes.items())[:SHOWN]]
        lines.append("  ".join([f"{name:<{width}}", *likeliest]))
    return "\n".join(lines)


def _ordered(class_names: list[str], probabilities: list[float]) -> dict[str, float]:
    pairs = zip(class_names, probabilities, strict=True)
    return dict(sorted(pairs, key=lambda pair: pair[1], reverse=True))
