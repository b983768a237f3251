"""What the numbers of a run depend on, as plain data: the same run alone is taken up again."""

import ast
import contextlib
import copy
import hashlib
import json
import random
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import Images
from ..runtime.files import version

PROBED, SIDE = 3, 64  # images, and pixels a side at most, unless the network needs more
FED = 8
Identity = dict[str, Any]


def of_run(
    model: nn.Module,
    training: Images,
    validation: Images | None,
    settings: dict[str, Any],
    modules: Iterable[str],
) -> Identity:
    """Settings, images, network, versions and the code of `modules`; model and generators stay.

    Images and weights are held by checksums, code by what it does: outputs and gradients of a
    fixed batch, in float64 and rounded, so that they are the same on any processor.
    """
    found = {"settings": settings, "class names": list(training.class_names)}
    for part, images, epoch in (("training", training, 0), ("validation", validation, None)):
        if images is not None:
            found |= {f"{part} {name}": value for name, value in images.digest().items()}
            found[f"{part} batches"] = _fed(images, epoch)
    return found | {
        "initial weights": _digest([_checksum(tensor) for tensor in model.state_dict().values()]),
        "code of the network": _probe(model, training.shape, len(training.class_names)),
        "code of the training": _code(modules),
        "versions": {
            "torch": torch.__version__.partition("+")[0],
            "resnet-by-experiment": version("resnet-by-experiment"),
        },
    }


def differences(theirs: Identity, ours: Identity) -> list[str]:
    """What differs, in words; the network's code is not blamed for other weights or images."""
    found = {
        name: _difference(name, theirs.get(name), ours.get(name))
        for name in {**ours, **theirs}
        if theirs.get(name) != ours.get(name)
    }
    return [words for name, words in found.items() if not _reasons(name) & set(found)]


def _difference(name: str, there: Any, here: Any) -> str:
    if isinstance(there, dict) and isinstance(here, dict):
        return f"{name}: " + ", ".join(
            f"{each} ({there.get(each)} there, {here.get(each)} here)"
            for each in {**here, **there}
            if there.get(each) != here.get(each)
        )
    if isinstance(there, list) and isinstance(here, list):
        return f"{name} ({', '.join(there)} there, {', '.join(here)} here)"
    return name


def _reasons(name: str) -> set[str]:
    """What by itself makes `name` differ, and is then said alone."""
    if name == "code of the network":
        return {"initial weights"}
    part, _, what = name.partition(" ")
    return (
        {f"{part} {each}" for each in ("images", "files", "labels")} if what == "batches" else set()
    )


def name(identity: Identity) -> str:
    """Twelve letters for a file's name."""
    return _digest(identity)[:12]


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def _checksum(tensor: Tensor) -> int:
    return zlib.crc32(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())


def _fed(images: Images, epoch: int | None) -> str:
    """Of some images as a network gets them: cropped, moved and normalised."""
    few = torch.linspace(0, len(images) - 1, min(FED, len(images))).long()
    for X, y in images.to("cpu").batches([few], epoch):
        X = X.double().flatten(1)
        return _digest([_digits(X.mean(1)), _digits(X.std(1)), y.tolist()])
    return "none"  # each of the few is a bad image


def _code(modules: Iterable[str]) -> str:
    """Of what is written in these modules, comments aside."""
    files = [Path(sys.modules[module].__file__) for module in modules]
    return _digest([ast.dump(ast.parse(file.read_text(encoding="utf-8"))) for file in files])


def _probe(model: nn.Module, shape: tuple[int, ...], classes: int) -> str:
    """What a copy of `model` answers; where it cannot do float64 on a CPU, as and where it is."""
    small = (shape[0], *(min(side, SIDE) for side in shape[1:]))
    here = next(model.parameters())
    places = [(torch.device("cpu"), torch.float64), (here.device, here.dtype)]
    reason = None
    for device, precision in places:
        for size in dict.fromkeys([small, shape]):
            try:
                with _own_random_numbers(device):
                    return _digest(_answers(model, size, classes, device, precision))
            except (RuntimeError, TypeError, ValueError) as error:
                reason = error
    raise RuntimeError(f"this network cannot be compared with a kept one: {reason}") from reason


def _answers(model, size, classes: int, device: torch.device, precision: torch.dtype) -> list:
    """Outputs and gradients in training, then outputs in eval mode, which shows the statistics."""
    copied = _copied(model, device, precision).train()
    for layer in copied.modules():
        if isinstance(layer, nn.SyncBatchNorm):
            layer.__class__ = nn.BatchNorm2d  # the same in one process, and it runs on a CPU
    parameters = dict(copied.named_parameters())
    # Of whole kernels no gradient is taken: it takes long, and follows from those that are.
    wanted = [p for p in parameters.values() if p.requires_grad and p.ndim <= 1]
    generator = torch.Generator().manual_seed(0)
    X = 4 * torch.rand(PROBED, *size, generator=generator, dtype=torch.float64) - 2
    X = X.to(device, precision).requires_grad_()
    y = torch.arange(PROBED, device=device) % classes
    with torch.enable_grad(), torch.autocast(device.type, enabled=False):
        outputs = copied(X)
        loss = F.cross_entropy(outputs, y)
        gradients = torch.autograd.grad(loss, [X, *wanted], allow_unused=True)
    with torch.inference_mode(), torch.autocast(device.type, enabled=False):
        later = copied.eval()(X)
    trained = [(name, list(p.shape), p.requires_grad) for name, p in parameters.items()]
    return [trained, _digits(outputs), _sizes(gradients), _digits(later)]


def _copied(model: nn.Module, device: torch.device, precision: torch.dtype) -> nn.Module:
    """As `copy.deepcopy(model).to(device, precision)`, without a copy of the weights in between."""
    memo: dict[int, Tensor] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        kind = precision if tensor.is_floating_point() else tensor.dtype
        moved = tensor.detach().to(device, kind, copy=True)
        if isinstance(tensor, nn.Parameter):
            moved = nn.Parameter(moved, tensor.requires_grad)
        memo[id(tensor)] = moved
    return copy.deepcopy(model, memo)


def _sizes(gradients: Iterable[Tensor | None]) -> list:
    """Norm and sum of each; what is zero up to rounding, as before a batch norm, is zero."""
    sizes = [(0.0, 0.0) if g is None else (g.norm().item(), g.sum().item()) for g in gradients]
    least = 1e-6 * max(norm for norm, _ in sizes)
    return [
        ("0", 0.0) if norm <= least else (f"{norm:.5e}", round(total / norm, 4))
        for norm, total in sizes
    ]


def _digits(numbers: Tensor) -> list[str]:
    """Six digits of the largest number, and as many places of the others."""
    numbers = numbers.detach().double().flatten()
    scale = numbers.abs().max().item() or 1.0
    return [f"{scale:.5e}", *(f"{round(each / scale, 5) + 0.0:.5f}" for each in numbers.tolist())]


@contextlib.contextmanager
def _own_random_numbers(device: torch.device) -> Iterator[None]:
    """Random numbers that are always the same, after which all generators are where they were."""
    states = random.getstate(), numpy.random.get_state()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        random.seed(0)
        numpy.random.seed(0)
        torch.default_generator.manual_seed(0)
        if devices:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(0)
        try:
            yield
        finally:
            random.setstate(states[0])
            numpy.random.set_state(states[1])
