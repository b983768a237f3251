"""What the chapter on the family claims, each claim computed from stored results."""

from . import effects
from .results import Claim


def family() -> list[Claim]:
    """The bottleneck with one change each, against the usual one and against more of them."""
    kinds = ("bottleneck", "wide", "resnext", "squeeze-excitation")
    usual, wide, grouped, gated = (effects.ends("family", block=block) for block in kinds)
    deep = effects.ends("variants", block="bottleneck", depth=56)
    error = "training error on 5,000 images"
    return [
        Claim(
            "At equal work, 20 wide layers fit better than 56 usual ones.",
            "fig-changes",
            f"{error}, wide-20 minus bottleneck-56",
            effects.paired(wide, deep),
            "below",
            "Zagoruyko and Komodakis 2016, abstract: 16 wide layers ahead of a thousand on CIFAR",
        ),
        Claim(
            "Twice the channels inside of each bottleneck lower the training error.",
            "fig-changes",
            f"{error}, wide-20 minus bottleneck-20",
            effects.paired(wide, usual),
            "below",
            "Zagoruyko and Komodakis 2016, table 4: lower test errors on CIFAR",
        ),
        Claim(
            "The same channels in 8 groups do so, too, for a fifth more work.",
            "fig-changes",
            f"{error}, resnext-20 minus bottleneck-20",
            effects.paired(grouped, usual),
            "below",
            "Xie et al. 2017, table 3: at equal work lower errors on ImageNet",
        ),
        Claim(
            "Squeeze and excitation lowers the training error.",
            "fig-changes",
            f"{error}, squeeze-excitation-20 minus bottleneck-20",
            effects.paired(gated, usual),
            "below",
            "Hu et al. 2018, table 2: lower errors on ImageNet",
        ),
    ]
