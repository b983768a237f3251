"""What the book claims, each claim computed from stored results; nothing here needs torch."""

from ..results import paired
from ..runs import best_rate_among, select, stored_runs
from . import effects, sweeps
from .claim import Claim
from .published import D2L_PYTORCH_MEDIAN


def claims() -> list[Claim]:
    """Every claim of the book in the order of its chapters."""
    return [
        *degradation(), *residual(), *network(), *initialisation(), *ingredients(), *solutions(),
        *lesions(), *variations(), *family(), *large_batches(), *transformers(),
    ]  # fmt: skip


def degradation() -> list[Claim]:
    """Of chapter 1: deeper plain networks train worse, and vanishing gradients are not why."""
    return [
        Claim(
            "A plain network of 56 layers has a higher training error than one of 20.",
            "fig-degradation",
            "training error, plain-56 minus plain-20",
            effects.live_differences("01.plain_56_training_error", "01.plain_20_training_error"),
            "above",
            "He et al. 2015, figure 1: the same order on CIFAR-10",
            doubts=_rates("live", "plain-56", "plain-20"),
        ),
        Claim(
            "A plain network of 20 layers has a higher training error than one of 8.",
            "fig-degradation",
            "training error, plain-20 minus plain-8",
            effects.live_differences("01.plain_20_training_error", "01.plain_8_training_error"),
            "above",
            doubts=_rates("live", "plain-20", "plain-8"),
        ),
        Claim(
            "On 20,000 images plain networks of 56 layers also end above those of 20.",
            "fig-depth",
            "training error, plain-56 minus plain-20",
            paired(*(effects.ends("depth", block="plain", depth=d) for d in (56, 20))),
            "above",
            "He et al. 2015, figure 6: the same order on CIFAR-10",
            doubts=_rates("depth", "plain-56", "plain-20"),
        ),
        Claim(
            "It is not only slow: after 48 epochs a plain network of 56 layers is still behind.",
            "fig-longer",
            "training error on 5,000 images, plain-56 minus plain-20",
            paired(*(effects.ends("longer", block="plain", depth=d) for d in (56, 20))),
            "above",
            "He et al. 2015, section 4.1: the same on ImageNet with three times the iterations",
            doubts=_rates("longer", "plain-56", "plain-20"),
        ),
        Claim(
            "56 layers grown from 20 trained ones beat 56 from random weights, trained as long.",
            "fig-search",
            "training error, random minus grown",
            effects.live_differences(
                "01.random_56_after_training_error", "01.grown_56_after_training_error"
            ),
            "above",
            doubts=_rates("live", "plain-56", "plain-20"),
        ),
        Claim(
            "With batch norm the gradient of 56 plain layers does not vanish towards the input.",
            "fig-gradients",
            "log10 of the gradient's norm, first over last convolution, before training",
            effects.gradient_growth(block="plain", depth=56, batch_norm=True),
            "above",
            "He et al. 2015, section 4.1: vanishing gradients are unlikely to be the cause",
            digits=1,
            unit="powers of ten",
        ),
    ]


def residual() -> list[Claim]:
    """Of chapter 2: with shortcuts, depth does no harm."""
    return [
        Claim(
            "A residual network of 56 layers has no higher training error than one of 20.",
            "fig-hope",
            "training error, residual-56 minus residual-20",
            effects.live_differences(
                "02.residual_56_training_error", "02.residual_20_training_error"
            ),
            "not above",
            "He et al. 2015, figure 6: lower on CIFAR-10",
            doubts=_rates("live", "residual-56", "residual-20"),
        ),
        Claim(
            "On 20,000 images residual networks of 56 layers end no higher than those of 20.",
            "fig-depth",
            "training error, residual-56 minus residual-20",
            paired(*(effects.ends("depth", block="residual", depth=d) for d in (56, 20))),
            "not above",
            "He et al. 2015, figure 6: lower on CIFAR-10",
            doubts=_rates("depth", "residual-56", "residual-20"),
        ),
        Claim(
            "At 56 layers the shortcut lowers the training error.",
            "fig-hope",
            "training error, residual-56 minus plain-56",
            effects.live_differences("02.residual_56_training_error", "01.plain_56_training_error"),
            "below",
            "He et al. 2015, figure 6: the same order on CIFAR-10",
            doubts=_rates("live", "residual-56", "plain-56"),
        ),
    ]


def network() -> list[Claim]:
    """Of the document's ResNet-18 on all of Fashion-MNIST."""
    return [
        Claim(
            "Three epochs at 28 × 28 take ResNet-18 past the median of d2l's PyTorch runs.",
            "fig-resnet18-all",
            "test accuracy minus that median, 0.910, which counts as exact here",
            [
                1 - error - D2L_PYTORCH_MEDIAN
                for error in effects.ends("resnet18", "test_error").values()
            ],
            "above",
            "Dive into Deep Learning: medians 0.910 (PyTorch, 33 distinct runs) and 0.922 "
            "(TensorFlow, 31)",
        )
    ]


def initialisation() -> list[Claim]:
    """Of gradients before any training."""
    plain = effects.correlations(block="plain", depth=56, batch_norm=True)
    skips = effects.correlations(block="residual", depth=56, batch_norm=True)
    return [
        Claim(
            "Before training, the gradients at neighbouring images are more alike with shortcuts.",
            "fig-shattering",
            "correlation at distance 1, residual-56 minus plain-56, with batch norm",
            paired(skips, plain),
            "above",
            "Balduzzi et al. 2017: gradients of plain networks are white noise",
            unit="correlation",
        ),
    ]


def ingredients() -> list[Claim]:
    """Neither of shortcut and batch norm does what the other does."""
    both, no_skip, no_norm = (
        effects.trained("norm", block=block, batch_norm=batch_norm, depth=56)
        for block, batch_norm in (("residual", True), ("plain", True), ("residual", False))
    )
    return [
        Claim(
            "At 56 layers batch norm does not do what the shortcut does.",
            "fig-both",
            "training error on 5,000 images, plain-56 minus residual-56, both with batch norm",
            paired(no_skip, both),
            "above",
            "He et al. 2015, section 4.1: plain networks with batch norm degrade",
        ),
        Claim(
            "At 56 layers, from He's initialisation, the shortcut does not do what batch norm "
            "does.",
            "fig-both",
            "training error on 5,000 images, residual-56 without batch norm minus with it",
            paired(no_norm, both),
            "above",
            "Zhang et al. 2019: without batch norm it takes another initialisation",
            doubts=_rates("norm", "residual-56", "residual-56 without batch norm"),
        ),
    ]


def solutions() -> list[Claim]:
    """Networks grown from trained ones against networks from random weights."""
    starts = ("random", "grown")
    plain, skips = (
        paired(*(effects.ends("solution", f"{start}_further", block=block) for start in starts))
        for block in ("plain", "residual")
    )
    measure = "training error on 5,000 images, both trained further, random minus grown from 20"
    return [
        Claim(
            "Plain networks of 56 layers hold a better solution than their training finds.",
            "fig-not-found",
            f"{measure}, plain",
            plain,
            "above",
            "He et al. 2015, section 1: the argument, without an experiment",
        ),
        Claim(
            "For residual networks of 56 layers training needs no such help.",
            "fig-not-found",
            f"{measure}, residual",
            skips,
            "not above",
        ),
    ]


def lesions() -> list[Claim]:
    """Of trained networks without some of their blocks, of their paths and their loss nearby."""
    return [
        Claim(
            "A trained plain network misses a single block more than a residual one does.",
            "fig-lesions",
            "rise of the validation error without one of 27 blocks, plain-56 minus residual-56",
            effects.lesion_gap("removed"),
            "above",
            "Veit et al. 2016, figure 3: the same on CIFAR-10",
        ),
        Claim(
            "It also does when batch norm's statistics are renewed after the lesion.",
            "fig-lesions",
            "the same, renewed over 500 training images",
            effects.lesion_gap("removed_renewed"),
            "above",
        ),
        Claim(
            "The gradient of a residual network comes over paths shorter than the mean path.",
            "fig-paths",
            "blocks on a path, weighted with the size of its gradient, minus 13.5",
            [
                effects.path_length(run.result["path_gradient"]) - 13.5
                for run in effects.inside(block="residual")
            ],
            "below",
            "Veit et al. 2016, figure 6: 5 to 17 of 54 blocks on CIFAR-10",
            digits=1,
            unit="blocks",
        ),
        Claim(
            "Slices through the loss of a plain network have second valleys more often.",
            "fig-landscape",
            "share of 3 slices with more than one valley, plain-56 minus residual-56",
            paired(effects.rugged(block="plain"), effects.rugged(block="residual")),
            "above",
            "Li et al. 2018, figure 5: many valleys without shortcuts, one with them",
            unit="share of slices",
        ),
    ]


def variations() -> list[Claim]:
    """Other shortcuts, other orders inside of a block and other first scales, at 56 layers."""
    kinds = ("option-a", "basic", "option-c", "residual", "pre-activation", "zero-scale")
    a, b, c, ours, in_front, zero = (
        effects.ends("variants", block=block, depth=56) for block in kinds
    )
    validation = [
        effects.ends("variants", "validation_error", block=kind, depth=56)
        for kind in (kinds[-1], kinds[3])
    ]
    error = "training error on 5,000 images at 56 layers"
    open_gate, closer = (effects.correlations("initial-gates", block=f"gate{b}") for b in (-3, -1))
    return [
        Claim(
            "A projection in every shortcut brings degradation back.",
            "fig-shortcuts",
            f"{error}, option C minus option B",
            paired(c, b),
            "above",
            "He et al. 2016, table 1: higher with 110 layers on CIFAR-10; "
            "He et al. 2015, table 3: lower with 34 on ImageNet",
            doubts=_rates("variants", "option-c-56", "basic-56"),
        ),
        Claim(
            "Shortcuts without any parameters are no worse than projections where shapes change.",
            "fig-shortcuts",
            f"{error}, option A minus option B",
            paired(a, b),
            "not above",
            "He et al. 2015, table 3: slightly higher with 34 layers on ImageNet",
            doubts=_rates("variants", "option-a-56", "basic-56"),
        ),
        Claim(
            "A bare projection is no worse than the paper's with batch norm.",
            "fig-shortcuts",
            f"{error}, bare projection minus option B",
            paired(ours, b),
            "not above",
            doubts=_rates("variants", "residual-56", "basic-56"),
        ),
        Claim(
            "Before training, gates keep gradients alike at a bias of −3 and not at −1.",
            "fig-gates",
            "correlation at distance 1 at 56 layers with batch norm, bias −3 minus bias −1",
            paired(open_gate, closer),
            "above",
            "Srivastava et al. 2015, section 2: biases such as −1 or −3 to begin with",
            unit="correlation",
        ),
        Claim(
            "At 56 layers the ReLU may as well come first.",
            "fig-inner",
            f"{error}, pre-activation minus option B",
            paired(in_front, b),
            "not above",
            "He et al. 2016, table 2: lower with 110 layers on CIFAR-10",
            doubts=_rates("variants", "pre-activation-56", "basic-56"),
        ),
        Claim(
            "After six epochs, last scales that start at zero leave a higher training error.",
            "fig-inner",
            f"{error}, last scale zero minus bare projection",
            paired(zero, ours),
            "above",
            doubts=_rates("variants", "zero-scale-56", "residual-56"),
        ),
        Claim(
            "Last scales that start at zero leave a lower validation error.",
            "fig-inner",
            "validation error, the same",
            paired(*validation),
            "below",
            "Goyal et al. 2017, table 2b: the same on ImageNet",
            doubts=_rates("variants", "zero-scale-56", "residual-56"),
        ),
    ]


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
            paired(wide, deep),
            "below",
            "Zagoruyko and Komodakis 2016, abstract: 16 wide layers ahead of a thousand on CIFAR",
            doubts=_rates("family", "wide-20") + _rates("variants", "bottleneck-56"),
        ),
        Claim(
            "Twice the channels inside each bottleneck lower the training error.",
            "fig-changes",
            f"{error}, wide-20 minus bottleneck-20",
            paired(wide, usual),
            "below",
            "Zagoruyko and Komodakis 2016, table 4: lower test errors on CIFAR",
        ),
        Claim(
            "The same channels in 8 groups also lower it, for a fifth more work.",
            "fig-changes",
            f"{error}, resnext-20 minus bottleneck-20",
            paired(grouped, usual),
            "below",
            "Xie et al. 2017, table 3: at equal work lower errors on ImageNet",
        ),
        Claim(
            "Squeeze and excitation lowers the training error.",
            "fig-changes",
            f"{error}, squeeze-excitation-20 minus bottleneck-20",
            paired(gated, usual),
            "below",
            "Hu et al. 2018, table 2: lower errors on ImageNet",
            digits=4,
            doubts=_rates("family", "squeeze-excitation-20", "bottleneck-20"),
        ),
    ]


def transformers() -> list[Claim]:
    """Of 2 and 12 layers of attention, with and without the shortcut."""
    grid = "transformers"
    shallow, deep, bare_shallow, bare_deep = (
        effects.ends(grid, block=block, depth=depth)
        for block in ("pre-norm", "no-shortcut")
        for depth in (2, 12)
    )
    error = "training error on 2,000 images"
    return [
        Claim(
            "Without shortcuts a transformer of 12 layers fits worse than one of 2.",
            "fig-transformers",
            f"{error}, no-shortcut-12 minus no-shortcut-2",
            paired(bare_deep, bare_shallow),
            "above",
            "Dong et al. 2021: without shortcuts attention makes all tokens alike",
            doubts=_rates(grid, "no-shortcut-12", "no-shortcut-2"),
        ),
        Claim(
            "At 12 layers of a transformer the shortcut lowers the training error.",
            "fig-transformers",
            f"{error}, pre-norm-12 minus no-shortcut-12",
            paired(deep, bare_deep),
            "below",
            doubts=_rates(grid, "pre-norm-12", "no-shortcut-12"),
        ),
        Claim(
            "After six epochs 12 layers of a transformer end above 2, also with shortcuts.",
            "fig-transformers",
            f"{error}, pre-norm-12 minus pre-norm-2",
            paired(deep, shallow),
            "above",
            doubts=_rates(grid, "pre-norm-12", "pre-norm-2"),
        ),
    ]


def large_batches() -> list[Claim]:
    """More images in a batch, at the same number of epochs and at the same number of steps.

    Each at the rate that is best by the error that is compared.
    """
    training, validation = "training_error", "validation_error"
    few, long = _batches(training, 64), _batches(training, 1024, epochs=96)
    error = "error on 5,000 images"
    doubts = sweeps.doubts(select(stored_runs("large-batches"), batch_size=1024, epochs=96))
    return [
        Claim(
            "With batches of 1,024 six epochs leave a higher training error than with 64.",
            "fig-batches",
            f"training {error}, 1,024 minus 64, each at the best of six rates",
            paired(_batches(training, 1024), few),
            "above",
            "Goyal et al. 2017, figure 1: validation errors rise beyond 8,192 images on ImageNet",
        ),
        Claim(
            "Given as many steps, batches of 1,024 fit the training images better.",
            "fig-batches",
            f"training {error}, 1,024 for 96 epochs minus 64 for six",
            _of_the_same_seeds(long, few),
            "below",
            doubts=doubts,
        ),
        Claim(
            "Given as many steps, batches of 1,024 leave a higher validation error.",
            "fig-batches",
            "validation error, the same",
            _of_the_same_seeds(_batches(validation, 1024, epochs=96), _batches(validation, 64)),
            "above",
            "Keskar et al. 2017, table 2: the same; Shallue et al. 2019: not, once all is tuned",
            doubts=doubts,
        ),
    ]


def _batches(error: str, size: int, epochs: int = 6) -> dict[int, float]:
    rate = best_rate_among(stored_runs("large-batch-rates"), error, batch_size=size)
    return effects.ends("large-batches", error, batch_size=size, learning_rate=rate, epochs=epochs)


def _of_the_same_seeds(ones: dict[int, float], others: dict[int, float]) -> list[float]:
    """The long runs have fewer seeds."""
    return paired(ones, {seed: others[seed] for seed in ones})


def _rates(grid: str, *arms: str) -> tuple[str, ...]:
    """What is in doubt about the learning rates of the named arms of a grid."""
    return sweeps.doubts(run for run in stored_runs(grid) if run.arm in arms)
