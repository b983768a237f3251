"""Trains the broken networks of assignment 1, a few minutes.

Each is made ill by one mistake. The file that students have holds them in rounds: every mistake
once a round, in an order that only `KEY` below tells.
"""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import MethodType

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import resnet
from resnet.course.patients import COLUMNS, EPOCHS, FILE, MISTAKES, PARTS, ROUNDS, floating, healthy
from resnet.data import ImageSet, embedded, split
from resnet.models import Residual
from resnet.results import History
from resnet.training import fit

KEY = tuple(
    mistake
    for each in range(ROUNDS)
    for mistake in random.Random(f"patients, round {each}").sample(MISTAKES, len(MISTAKES))
)
TRAINING_IMAGES, HELD_OUT, PROBED_IMAGES = 600, 300, 64
RATE, BATCH_SIZE = 0.05, 32


@dataclass
class Case:
    """What one training run needs; a mistake changes it in place."""

    net: nn.Sequential
    training: ImageSet
    validation: ImageSet
    rate: float
    round: int


def no_shortcut(case: Case) -> None:
    _forward(case.net, lambda block, X: F.relu(block.residual(X)))


def no_last_relu(case: Case) -> None:
    _forward(case.net, lambda block, X: block.residual(X) + block.shortcut(X))


def no_relu_in_stem(case: Case) -> None:
    case.net.stem[2] = nn.Identity()


def rate_too_large(case: Case) -> None:
    case.rate = 0.8


def shuffled_labels(case: Case) -> None:
    order = torch.randperm(len(case.training), generator=torch.Generator().manual_seed(case.round))
    case.training = replace(case.training, labels=case.training.labels[order])


def statistics_never_updated(case: Case) -> None:
    for layer in case.net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval().train = lambda mode=True, layer=layer: layer


def frozen_stage(case: Case) -> None:
    case.net.get_submodule(f"stage{case.round % 3 + 1}").requires_grad_(False)


def not_normalised(case: Case) -> None:
    case.training = replace(case.training, mean=(0.0,), sd=(1 / 255,))
    case.validation = replace(case.validation, mean=(0.0,), sd=(1 / 255,))


def dead_last_block(case: Case) -> None:
    nn.init.zeros_(case.net.stage3[-1].bn2.weight).requires_grad_(False)


def few_images(case: Case) -> None:
    few = torch.arange(TRAINING_IMAGES) % 40
    case.training = case.training.subset(few)


CAUSES: dict[str, Callable[[Case], None]] = dict(
    zip(
        MISTAKES,
        (
            no_shortcut,
            no_last_relu,
            no_relu_in_stem,
            rate_too_large,
            shuffled_labels,
            statistics_never_updated,
            frozen_stage,
            not_normalised,
            dead_last_block,
            few_images,
        ),
        strict=True,
    )
)


def train(mistake: str | None, number: int) -> dict[str, np.ndarray]:
    """One patient as the arrays that are stored; `number` gives its seed. None: nothing is wrong.

    Raises TrainingDiverged where the loss is no longer finite.
    """
    torch.manual_seed(number)
    images = embedded()[0]
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(number))
    images = images.subset(chosen[: TRAINING_IMAGES + HELD_OUT])
    case = Case(healthy(), *split(images, HELD_OUT, number), RATE, number // len(MISTAKES))
    if mistake is not None:
        CAUSES[mistake](case)
    start = flat(case.net)
    history = fit(
        case.net,
        case.training,
        case.validation,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        learning_rate=case.rate,
        weight_decay=0.0,
        seed=number,
        device="cpu",
        precision="float32",
        progress=False,
    )
    return {
        "start": start,
        "end": flat(case.net),
        "history": table(history),
        "outputs": outputs(case.net, case.validation),
    }


def flat(net: nn.Module) -> np.ndarray:
    """All floating numbers of the state dict in one row, rounded so that the file stays small."""
    numbers = torch.cat([tensor.flatten() for tensor in floating(net.state_dict()).values()])
    return rounded(numbers.detach().numpy())


def rounded(numbers: np.ndarray) -> np.ndarray:
    """float32 with 8 bits of mantissa, to 0.2 %: equal numbers stay equal."""
    bits = np.ascontiguousarray(numbers, dtype=np.float32).view(np.uint32)
    return ((bits + np.uint32(1 << 14)) & np.uint32(0xFFFF8000)).view(np.float32)


def table(history: History) -> np.ndarray:
    return np.array([history.column(name) for name in COLUMNS], dtype=np.float32).T


def outputs(net: nn.Module, images: ImageSet) -> np.ndarray:
    """The smallest and the largest value that stem and stages put out, in eval mode."""
    seen: list[list[float]] = []

    def note(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        seen.append([float(output.min()), float(output.max())])

    hooks = [net.get_submodule(name).register_forward_hook(note) for name in PARTS]
    with torch.no_grad():
        net.eval()(images.batch(slice(PROBED_IMAGES))[0])
    for hook in hooks:
        hook.remove()
    return np.array(seen, dtype=np.float32)


def _forward(net: nn.Module, function: Callable[[Residual, Tensor], Tensor]) -> None:
    for block in net.modules():
        if isinstance(block, Residual):
            block.forward = MethodType(function, block)


def main() -> int:
    """Trains the whole pool and writes it beside the package's other assets."""
    pool: dict[str, list[np.ndarray]] = {}
    for number, mistake in enumerate(KEY):
        for name, array in train(mistake, number).items():
            pool.setdefault(name, []).append(array)
        print(f"{number + 1} of {len(KEY)}", flush=True)
    path = Path(resnet.__file__).parent / "assets" / "coursework" / FILE
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **{name: np.stack(arrays) for name, arrays in pool.items()})
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
