"""What the chapter on scaling claims of large batches, each claim computed from stored results."""

from . import effects
from .results import Claim
from .runs import best_rate, stored_runs


def large_batches() -> list[Claim]:
    """More images in a batch, at the same number of epochs and at the same number of steps."""
    few = _ends("training_error", 1024)
    long_training, long_validation = (
        _ends(f"{part}_error", 1024, epochs=96) for part in ("training", "validation")
    )
    error = "error on 5,000 images"
    return [
        Claim(
            "With batches of 1,024 six epochs leave a higher training error than with 64.",
            "fig-batches",
            f"training {error}, 1,024 minus 64, each at the best of six rates",
            effects.paired(few, _ends("training_error", 64)),
            "above",
            "Goyal et al. 2017, figure 1: validation errors rise beyond 8,192 images on ImageNet",
        ),
        Claim(
            "Given as many steps, batches of 1,024 fit the training images better.",
            "fig-batches",
            f"training {error}, 1,024 for 96 epochs minus 64 for six",
            _of_the_same_seeds(long_training, _ends("training_error", 64)),
            "below",
            "",
        ),
        Claim(
            "And they leave a higher validation error.",
            "fig-batches",
            "validation error, the same",
            _of_the_same_seeds(long_validation, _ends("validation_error", 64)),
            "above",
            "Keskar et al. 2017, table 2: the same; Shallue et al. 2019: not, once all is tuned",
        ),
    ]


def _ends(error: str, size: int, epochs: int = 6) -> dict[int, float]:
    rates = stored_runs("large-batch-rates")
    rate = best_rate(rates, "validation_error", batch_size=size)
    return effects.ends("large-batches", error, batch_size=size, learning_rate=rate, epochs=epochs)


def _of_the_same_seeds(ones: dict[int, float], others: dict[int, float]) -> list[float]:
    """The long runs have fewer seeds."""
    return effects.paired(ones, {seed: others[seed] for seed in ones})
