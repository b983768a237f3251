"""The book's grids by name: which networks each trains, and what is measured there.

A grid whose name ends in `-rates` chooses learning rates, with seeds that no other grid uses.
"""

from collections.abc import Callable, Iterable
from itertools import product

from ..budgets import CPU
from ..family.transformers import TRANSFORMERS
from ..results import best_rate
from ..runs import best_rate_among, chosen_rate, stored_runs
from .collecting import Grid
from .lesions import every_subset, inside
from .measures import (
    at_initialisation,
    classes,
    curves,
    curves_and_responses,
    ends,
    ends_by_adam,
    solution,
    transfer,
)
from .settings import FAST, Setting

DEPTHS, ARMS = (8, 20, 32, 44, 56), ("plain", "residual")
RATES = {  # for each depth about where its best is, so that this is rarely the first or the last
    **dict.fromkeys((8, 20), (0.02, 0.05, 0.1, 0.2)),
    **dict.fromkeys((32, 44, 56), (0.005, 0.01, 0.02, 0.05)),
}
LARGE_RATES = {  # twice the batch and twice the steps move the best of the deep ones up, if at all
    **dict.fromkeys((8, 20), (0.02, 0.05, 0.1, 0.2)),
    **dict.fromkeys((32, 44, 56), (0.01, 0.02, 0.05, 0.1)),
}
BARE_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)  # without batch norm
CHOOSING, REPORTED, LIVE = (100, 101), (0, 1, 2, 3, 4), range(1, 11)
# The sizes of the images' part: the embedded ones less validation, and a third of the full set.
MIDDLE = {"training_images": 5_000}
LARGE = {"training_images": 20_000, "batch_size": 128, "data": "full"}
VARIANTS = ("option-a", "basic", "option-c", "pre-activation", "zero-scale", "bottleneck")


def trial() -> Grid:
    """Four networks of 8 layers, for two epochs of a few images: seconds."""
    settings = [
        Setting(8, block, seed, 0.05, epochs=2, training_images=256)
        for block, seed in product(ARMS, (0, 1))
    ]
    return Grid("trial", "Does everything work here?", settings, curves)


def live() -> Grid:
    """What the chapters train before the reader's eyes, with ten seeds each."""
    networks = [(8, "plain"), (20, "plain"), (56, "plain"), (20, "residual"), (56, "residual")]
    settings = [
        Setting(depth, block, seed, best_rate(f"{block}-{depth}"))
        for (depth, block), seed in product(networks, LIVE)
    ]
    settings += [Setting(18, "residual", seed, 0.01, CPU.network_epochs) for seed in LIVE]
    return Grid("live", "What does a reader see in the chapters' live runs?", settings, curves)


def depth_rates() -> Grid:
    """One seed a rate: on 5,000 images the two seeds of `middle-rates` put the rates of a network
    with batch norm in nearly the same order, and a second one here takes an hour."""
    settings = [
        Setting(depth, block, CHOOSING[0], rate, **LARGE)
        for depth, block in product(DEPTHS, ARMS)
        for rate in LARGE_RATES[depth]
    ]
    question = "Which peak learning rate is best for each network of the grid depth?"
    return Grid("depth-rates", question, settings, ends)


def depth() -> Grid:
    """Five depths with and without skips, each at its best rate; the test images are watched."""
    settings = [
        Setting(depth, block, seed, rate, watch="test", **LARGE)
        for depth, block in product(DEPTHS, ARMS)
        for rate in [chosen_rate("depth-rates", block=block, depth=depth)]
        for seed in REPORTED
    ]
    question = "Does the training error rise with depth, without skips and with them?"
    return Grid("depth", question, settings, curves)


def middle_rates() -> Grid:
    """The rates of all networks that are trained on 5,000 images, two seeds a rate."""
    normed = [
        Setting(depth, block, seed, rate, **MIDDLE)
        for depth, block, seed in product((8, 20, 56), ARMS, CHOOSING)
        for rate in RATES[depth]
    ]
    normed += [
        Setting(depth, block, seed, rate, **MIDDLE)
        for depth, block, seed in product((20, 56), VARIANTS, CHOOSING)
        for rate in (0.02, 0.05, 0.1, *((0.2,) if block == "zero-scale" else ()))
    ]
    bare = [
        Setting(depth, block, seed, rate, batch_norm=False, **MIDDLE)
        for depth, block, rate, seed in product((8, 20, 56), ARMS, BARE_RATES, CHOOSING)
    ]
    question = "Which peak learning rate is best for each network on 5,000 images?"
    return Grid("middle-rates", question, normed + bare, ends)


def bare_rates() -> Grid:
    """Where `middle_rates` has found no rate at all: downwards from where it ended."""
    settings = [
        Setting(56, "residual", seed, rate, batch_norm=False, **MIDDLE)
        for rate, seed in product((1e-4, 1e-5, 1e-6, 1e-7), CHOOSING)
    ]
    question = "Which peak rate lets 56 layers with skips and without batch norm train?"
    return Grid("bare-rates", question, settings, ends)


def longer() -> Grid:
    """48 epochs of 5,000 images are 3,792 steps: four times the 942 of the grid depth, and eight
    times those of the other grids of this size."""
    settings = [
        Setting(depth, block, seed, _middle_rate(depth, block), epochs=48, **MIDDLE)
        for depth, block in ((20, "plain"), (56, "plain"), (56, "residual"))
        for seed in REPORTED[:3]
    ]
    question = "Is a deep plain network only undertrained: do four times the steps close the gap?"
    return Grid("longer", question, settings, curves_and_responses)


def resnet18() -> Grid:
    """The document's network on all of Fashion-MNIST, by the recipe FAST."""
    settings = [
        Setting(18, "residual", seed, **FAST, training_images=60_000, data="full", watch="test")
        for seed in REPORTED
    ]
    question = "Where does the document's ResNet-18 stand beside d2l's published runs?"
    return Grid("resnet18", question, settings, classes)


def norm() -> Grid:
    """With and without skips, with and without batch norm, each of these at its own best rate."""
    settings = [
        Setting(depth, block, seed, rate, batch_norm=batch_norm, **MIDDLE)
        for depth, block, batch_norm in product((8, 20, 56), ARMS, (True, False))
        for rate in [
            _middle_rate(depth, block, batch_norm)
            if (depth, block, batch_norm) != (56, "residual", False)
            else BARE_RATES[0]  # the least harmful: until `bare_rates` is whole there is no best
        ]
        for seed in REPORTED
    ]
    question = "What do skips solve that batch norm does not, and the other way round?"
    return Grid("norm", question, settings, curves)


def initial() -> Grid:
    """No training: networks of up to 110 layers, with and without skips and batch norm."""
    settings = [
        Setting(depth, block, seed, 0.0, epochs=0, batch_norm=batch_norm)
        for depth, block, batch_norm in product((*DEPTHS, 110), ARMS, (True, False))
        for seed in REPORTED
    ]
    question = "How large are gradients and features before training, and how alike the gradients?"
    return Grid("initial", question, settings, at_initialisation)


def initial_variants() -> Grid:
    """As `initial`, for the blocks of VARIANTS with batch norm."""
    settings = [
        Setting(depth, block, seed, 0.0, epochs=0)
        for depth, block, seed in product((20, 56, 110), VARIANTS, REPORTED)
    ]
    question = "How alike are the gradients before training, for other shortcuts and other F?"
    return Grid("initial-variants", question, settings, at_initialisation)


def initial_gates() -> Grid:
    """As `initial`, for gates from nearly all shortcut to more F than shortcut."""
    settings = [
        Setting(56, f"gate{bias:+d}", seed, 0.0, epochs=0)
        for bias, seed in product((-3, -1, 0, 1), REPORTED)
    ]
    question = "How alike are the gradients before training, for gates of other biases?"
    return Grid("initial-gates", question, settings, at_initialisation)


def solution_exists() -> Grid:
    """The shallow networks, of which deep ones are grown that compute the same."""
    question = "Do 56 layers hold what 20 have found, and is it only not found by the search?"
    return Grid("solution", question, _at_middle_rates([20], ARMS), solution)


def look_inside() -> Grid:
    """Shallow and deep networks, with and without skips, from which parts are taken away."""
    question = "What does a trained network do without a block, and how does its loss look nearby?"
    return Grid("inside", question, _at_middle_rates([20, 56], ARMS), inside)


def subsets() -> Grid:
    """Networks so shallow that each subset of their blocks can be taken away."""
    question = "What does a trained network do without any of its blocks that one likes to name?"
    return Grid("subsets", question, _at_middle_rates([20], ARMS), every_subset)


def variants() -> Grid:
    """The document's block and all of VARIANTS, shallow and deep."""
    settings = _at_middle_rates([20, 56], ("residual", *VARIANTS))
    question = "Does it matter what the shortcut is, where the ReLU stands and what F consists of?"
    return Grid("variants", question, settings, curves)


CHANGED = ("wide", "resnext", "squeeze-excitation")  # the bottleneck with one change each


def family_rates() -> Grid:
    """One seed a rate, as in `depth_rates`."""
    settings = [
        Setting(20, block, CHOOSING[0], rate, **MIDDLE)
        for block, rate in product(CHANGED, (0.02, 0.05, 0.1))
    ]
    question = "Which rate is best for each change of the bottleneck?"
    return Grid("family-rates", question, settings, ends)


def family() -> Grid:
    """The bottleneck as it is and with each of the changes, of 20 layers."""
    rates = {"bottleneck": _middle_rate(20, "bottleneck")}
    rates |= {block: chosen_rate("family-rates", block=block) for block in CHANGED}
    settings = [
        Setting(20, block, seed, rate, **MIDDLE)
        for (block, rate), seed in product(rates.items(), REPORTED)
    ]
    question = "What does a bottleneck gain that is wider, grouped or gated?"
    return Grid("family", question, settings, curves)


STEM_STRIDES = (1, 2, 4)


def stem_rates() -> Grid:
    """Three rates for each stride of the stem, two seeds a rate."""
    settings = [
        Setting(20, "residual", seed, rate, stem_strides=strides, **MIDDLE)
        for strides, seed, rate in product(STEM_STRIDES, CHOOSING, (0.02, 0.05, 0.1))
    ]
    question = "Which rate is best for each stride of the stem?"
    return Grid("stem-rates", question, settings, ends)


def stem() -> Grid:
    """A residual network of 20 layers behind each stem, at the rate that is best there."""
    settings = [
        Setting(20, "residual", seed, rate, stem_strides=strides, **MIDDLE)
        for strides in STEM_STRIDES
        for rate in [chosen_rate("stem-rates", stem_strides=strides)]
        for seed in REPORTED
    ]
    question = "What does it cost to halve small images in the stem, and what does it save?"
    return Grid("stem", question, settings, curves)


# Sizes of the batch, of which the first is the usual one, and the rates that are tried for each.
BATCH_SIZES, BATCH_RATES = (64, 256, 1024), (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def large_batch_rates() -> Grid:
    """Every rate for every size of the batch."""
    settings = [
        _of_batches(size, rate, seed)
        for size, seed, rate in product(BATCH_SIZES, CHOOSING, BATCH_RATES)
    ]
    question = "Which rate is best for each size of the batch?"
    return Grid("large-batch-rates", question, settings, ends)


def large_batches() -> Grid:
    """Each size at the rate that is best for 64 by validation error, at one in proportion, and at
    its own best by either error.

    The largest also trains for as many steps as 64 gets, with the first three seeds, at the rate
    that is best for it after as many epochs as 64 gets.
    """
    first, largest = BATCH_SIZES[0], BATCH_SIZES[-1]
    usual = _best_for_batches(first)
    tried = {
        (size, rate)
        for size in BATCH_SIZES
        for rate in (
            usual,
            usual * size / first,
            _best_for_batches(size),
            _best_for_batches(size, "training_error"),
        )
    }
    settings = [
        _of_batches(size, rate, seed) for (size, rate), seed in product(sorted(tried), REPORTED)
    ]
    longer = CPU.depth_epochs * largest // first
    settings += [
        _of_batches(largest, _best_for_batches(largest), seed, longer) for seed in REPORTED[:3]
    ]
    question = "What do large batches cost, and does a rate in proportion make up for it?"
    return Grid("large-batches", question, settings, ends)


def _of_batches(size: int, rate: float, seed: int, epochs: int = CPU.depth_epochs) -> Setting:
    return Setting(20, "residual", seed, rate, epochs, size, **MIDDLE)


def _best_for_batches(size: int, error: str = "validation_error") -> float:
    return best_rate_among(stored_runs("large-batch-rates"), error, batch_size=size)


def transfer_rates() -> Grid:
    """As `transferred`, with the seeds that choose."""
    question = "Which rate is best for a network that is trained on with a hundred images?"
    settings = _at_middle_rates([20], ["residual"], CHOOSING)
    return Grid("transfer-rates", question, settings, transfer)


def transferred() -> Grid:
    """The networks that are trained on one half of the classes and go on with the other."""
    question = "With a hundred images: does pretraining help, and may batch norm go on?"
    return Grid("transfer", question, _at_middle_rates([20], ["residual"]), transfer)


TRANSFORMER_RATES = {2: (0.0003, 0.001, 0.003, 0.01), 12: (0.0001, 0.0003, 0.001, 0.003, 0.01)}


def transformer_rates() -> Grid:
    """One seed a rate, as in `depth_rates`; the best of the deep ones lie lower."""
    settings = [
        _transformer(depth, block, CHOOSING[0], rate)
        for depth, block in product(TRANSFORMER_RATES, TRANSFORMERS)
        for rate in TRANSFORMER_RATES[depth]
    ]
    question = "Which constant rate of Adam is best for each transformer?"
    return Grid("transformers-rates", question, settings, ends_by_adam)


def transformers() -> Grid:
    """Shallow and deep, the norm in front of each branch, behind each sum, and no sum at all."""
    settings = [
        _transformer(depth, block, seed, rate)
        for depth, block in product(TRANSFORMER_RATES, TRANSFORMERS)
        for rate in [chosen_rate("transformers-rates", block=block, depth=depth)]
        for seed in REPORTED
    ]
    question = "Do transformers degrade with depth, without shortcuts and with them?"
    return Grid("transformers", question, settings, ends_by_adam)


def _transformer(depth: int, block: str, seed: int, rate: float) -> Setting:
    return Setting(depth, block, seed, rate, training_images=2_000)


# What holds F back in 56 layers without batch norm, on few images, and rates about where its best
# is. Steps that do not diverge at once are tiny for the bare sum.
HOLDING = {
    "scale-0": (0.01, 0.03, 0.1, 0.3),
    "residual": (3e-7, 1e-6, 3e-6),
    "plain": (0.003, 0.01, 0.03),
}


def holding_rates() -> Grid:
    """One seed a rate, as in `depth_rates`."""
    settings = [
        _held(block, CHOOSING[0], rate) for block, rates in HOLDING.items() for rate in rates
    ]
    question = "Which rate is best without batch norm, for each way to hold F back?"
    return Grid("holding-rates", question, settings, ends)


def holding() -> Grid:
    """No shortcut, a bare one, and one with a learned number before F that starts at zero."""
    settings = [
        _held(block, seed, chosen_rate("holding-rates", block=block))
        for block, seed in product(HOLDING, REPORTED)
    ]
    question = "Does a shortcut need batch norm, or only something that holds F back?"
    return Grid("holding", question, settings, ends)


def _held(block: str, seed: int, rate: float) -> Setting:
    return Setting(56, block, seed, rate, batch_norm=False, training_images=1_280)


def _at_middle_rates(
    depths: Iterable[int], blocks: Iterable[str], seeds: Iterable[int] = REPORTED
) -> list[Setting]:
    """Networks on 5,000 images, each at the rate that `middle_rates` has found for it."""
    return [
        Setting(depth, block, seed, _middle_rate(depth, block), **MIDDLE)
        for depth, block, seed in product(depths, blocks, seeds)
    ]


def _middle_rate(depth: int, block: str, batch_norm: bool = True) -> float:
    return chosen_rate("middle-rates", block=block, depth=depth, batch_norm=batch_norm)


# In the order in which they can be run: some take their learning rates from those before them.
GRIDS: dict[str, Callable[[], Grid]] = {
    "trial": trial,
    "live": live,
    "initial": initial,
    "initial-variants": initial_variants,
    "initial-gates": initial_gates,
    "resnet18": resnet18,
    "depth-rates": depth_rates,
    "depth": depth,
    "middle-rates": middle_rates,
    "bare-rates": bare_rates,
    "norm": norm,
    "solution": solution_exists,
    "inside": look_inside,
    "subsets": subsets,
    "variants": variants,
    "family-rates": family_rates,
    "family": family,
    "stem-rates": stem_rates,
    "stem": stem,
    "large-batch-rates": large_batch_rates,
    "large-batches": large_batches,
    "transfer-rates": transfer_rates,
    "transfer": transferred,
    "longer": longer,
    "transformers-rates": transformer_rates,
    "transformers": transformers,
    "holding-rates": holding_rates,
    "holding": holding,
}
# What the package brings: the trial is for a reader's own machine, and two are not whole yet.
STORED_GRIDS = tuple(name for name in GRIDS if name not in ("trial", "bare-rates", "holding"))
