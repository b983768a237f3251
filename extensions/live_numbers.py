"""What live figures draw: plain data from stored runs, or from what others have published."""

import random
from collections.abc import Iterable

from resnet.experiments.effects import path_shares
from resnet.runs import StoredRun, select, stored_runs

ARMS = ("plain", "residual")
SHORTCUTS = {
    "option A": "option-a",
    "option B": "basic",
    "option C": "option-c",
    "bare projection": "residual",
}
INSIDES = {
    "bare projection": "residual",
    "option B": "basic",
    "pre-activation": "pre-activation",
    "last scale zero": "zero-scale",
    "bottleneck": "bottleneck",
}
TRANSFORMERS = {
    "norm in front": "pre-norm",
    "norm behind": "post-norm",
    "no shortcut": "no-shortcut",
}
# The 97.5 % point of Student's t with four degrees of freedom, for intervals of five pairs.
FIVE_PAIRS = 2.7764451

# Bottlenecks or not, and the blocks of each stage. Source: the paper, table 1.
FAMILY = {
    18: (False, (2, 2, 2, 2)),
    34: (False, (3, 4, 6, 3)),
    50: (True, (3, 4, 6, 3)),
    101: (True, (3, 4, 23, 3)),
    152: (True, (3, 8, 36, 3)),
}
# Layers, parameters, billions of multiply-adds, and the top-1 accuracy in per cent of each recipe.
# Source: what torchvision says of its weights, `torchvision.models.get_model_weights`.
PUBLISHED = {
    "ResNet-18": (18, 11_689_512, 1.814, {"V1": 69.758}),
    "ResNet-34": (34, 21_797_672, 3.664, {"V1": 73.314}),
    "ResNet-50": (50, 25_557_032, 4.089, {"V1": 76.13, "V2": 80.858}),
    "ResNet-101": (101, 44_549_160, 7.801, {"V1": 77.374, "V2": 81.886}),
    "ResNet-152": (152, 60_192_808, 11.514, {"V1": 78.312, "V2": 82.284}),
    "wide 50": (50, 68_883_240, 11.398, {"V1": 78.468, "V2": 81.602}),
    "wide 101": (101, 126_886_696, 22.753, {"V1": 78.848, "V2": 82.51}),
    "ResNeXt 50": (50, 25_028_904, 4.23, {"V1": 77.618, "V2": 81.198}),
    "ResNeXt 101": (101, 88_791_336, 16.414, {"V1": 79.312, "V2": 82.834}),
}


def errors_by_depth() -> dict:
    """Errors after each epoch, by arm, depth and seed."""
    runs = stored_runs("depth")
    depths = sorted({run.setting["depth"] for run in runs})
    names = ("training_error", "test_error")
    return {
        "depths": depths,
        "arms": {
            arm: {
                depth: {
                    name: _columns(select(runs, block=arm, depth=depth), name) for name in names
                }
                for depth in depths
            }
            for arm in ARMS
        },
    }


def placing() -> dict:
    """The same, and the depths at which the reader places a point."""
    return {"asked": [8, 20, 32, 56], **errors_by_depth()}


def subsets() -> dict:
    """Validation errors without each subset of the blocks, by arm, one a seed."""
    runs = stored_runs("subsets")
    names = runs[0].result["blocks"]
    return {
        "blocks": [_in_words(name) for name in names],
        "arms": {
            arm: {
                out: [run.result["error"][out] for run in _by_seed(select(runs, block=arm))]
                for out in runs[0].result["error"]
            }
            for arm in ARMS
        },
    }


def path_lengths() -> dict:
    """Shares of the gradient by path length, one row a seed, at the depths that were measured."""
    measured = {}
    for run in _by_seed(select(stored_runs("inside"), block="residual")):
        shares = measured.setdefault(run.setting["depth"] // 2 - 1, {"agree": [], "unrelated": []})
        for name, power in (("agree", 1.0), ("unrelated", 0.5)):
            found = path_shares(run.result["path_gradient"], power)
            shares[name].append([float(f"{share:.3g}") for share in found])
    return {"blocks": [3, 9, 15, 21, 27, 54], "measured": measured}


def knob() -> dict:
    """Pairs of one channel: X, which is not negative, and what the last convolution puts out."""
    draw = random.Random(0)
    pairs = [(max(0.0, draw.gauss(0, 1)), draw.gauss(0, 0.6)) for _ in range(64)]
    return {
        "values": [[round(value, 3) for value in pair] for pair in pairs],
        "epsilon": 1e-5,  # what torch's batch norm adds to the variance
        "factors": [0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
    }


def family() -> dict:
    """The paper's five networks."""
    plans = {
        depth: {"bottleneck": bottleneck, "blocks": blocks}
        for depth, (bottleneck, blocks) in FAMILY.items()
    }
    return {"family": plans}


def shortcuts() -> dict:
    return {"start": [1, 2], **kinds_of_block(SHORTCUTS)}


def insides() -> dict:
    return {"start": [1, 2], **kinds_of_block(INSIDES)}


def transformers() -> dict:
    return {"start": [2, 0], **kinds_of_block(TRANSFORMERS, "transformers", (2, 12))}


def kinds_of_block(
    kinds: dict[str, str], grid: str = "variants", depths: tuple[int, ...] = (20, 56)
) -> dict:
    """Errors at the end, by kind, depth and measure, one a seed."""
    runs = stored_runs(grid)
    found = {
        name: {
            depth: {
                error: [
                    round(run.last(error), 6)
                    for run in _by_seed(select(runs, block=block, depth=depth))
                ]
                for error in ("training_error", "validation_error")
            }
            for depth in depths
        }
        for name, block in kinds.items()
    }
    return {"t": FIVE_PAIRS, "kinds": found}


def published() -> dict:
    """A row for each network and recipe, those of a recipe together."""
    rows = [
        {
            "name": name,
            "recipe": recipe,
            "layers": layers,
            "parameters": parameters,
            "work": work,
            "accuracy": accuracies[recipe],
        }
        for recipe in ("V1", "V2")
        for name, (layers, parameters, work, accuracies) in PUBLISHED.items()
        if recipe in accuracies
    ]
    return {"networks": rows}


def _columns(runs: Iterable[StoredRun], name: str) -> list[list[float]]:
    return [[round(value, 4) for value in run.result[name]] for run in _by_seed(runs)]


def _by_seed(runs: Iterable[StoredRun]) -> list[StoredRun]:
    return sorted(runs, key=lambda run: run.setting["seed"])


def _in_words(name: str) -> str:
    """`stage2.1` as a reader counts: block 2 of stage 2."""
    stage, block = name.removeprefix("stage").split(".")
    return f"stage {stage}, block {int(block) + 1}"
