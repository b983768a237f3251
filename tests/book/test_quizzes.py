"""Each prediction that a chapter asks for has one right answer: the one computed here.

Measured answers come from stored results, exact ones from the networks themselves.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from statistics import fmean, median

import nbformat
import pytest
import torch
from scipy.stats import spearmanr
from torch.nn.functional import cross_entropy

from benchmarks import timing
from resnet import probes
from resnet.data import embedded, split
from resnet.experiments.effects import path_length, valleys
from resnet.growing import grow
from resnet.models import (
    BasicBlock,
    Bottleneck,
    Plain,
    Residual,
    residual_block,
    resnet,
    resnet18,
    six_n_plus_two,
)
from resnet.probes import renew_batch_norm
from resnet.results import band, mean_interval, paired_interval, stored
from resnet.runs import best_rate_among, by_seed, select, stored_runs
from resnet.training import fit
from tools.notebooks import chapters

QUESTION = re.compile(r"\*\*Predict\.\*\* (.+?)\n\n<details>", re.DOTALL)
ANSWER = re.compile(
    r"<details>\n<summary>([A-D])\. .+?</summary>\n\n(.+?)\n\n</details>", re.DOTALL
)


@cache
def asked() -> dict[str, dict[str, str]]:
    """Every question of the book that offers answers, with the explanation of each."""
    found = {}
    for path in chapters():
        for cell in nbformat.read(path, as_version=4).cells:
            match = QUESTION.search(cell.source) if cell.cell_type == "markdown" else None
            if match:
                options = dict(ANSWER.findall(cell.source[match.start() :]))
                found[f"{path.stem}: {match[1]}"] = options
    return {question: options for question, options in found.items() if len(options) > 1}


def first(*cases: tuple[str, bool]) -> str:
    """The letter of the first case that holds."""
    return next(letter for letter, holds in cases if holds)


def nearest(value: float, options: dict[str, float]) -> str:
    return min(options, key=lambda letter: abs(options[letter] - value))


def which_depth_is_best() -> str:
    means = [band(f"01.plain_{depth}_training_error").mean for depth in (8, 20, 56)]
    close = max(means) < 1.1 * min(means)
    best = "CBA"[means.index(min(means))]
    return first(("D", close), (best, True))


def does_plain_56_catch_up() -> str:
    def error(grid: str, depth: int, **setting: bool) -> float:
        runs = select(stored_runs(grid), block="plain", depth=depth, **setting)
        return fmean(run.last("training_error") for run in runs)

    short = error("norm", 56, batch_norm=True) - error("norm", 20, batch_norm=True)
    long = error("longer", 56) - error("longer", 20)
    return first(("A", long < 0.01), ("C", long > 0.8 * short), ("B", True))


def which_gradients_vanish() -> str:
    torch.manual_seed(0)
    X, y = torch.randn(16, 1, 28, 28), torch.arange(16) % 10
    normed = six_n_plus_two(56, Plain)
    bare = probes.without_batch_norm(normed)
    default = probes.without_batch_norm(normed)
    default.apply(lambda layer: isinstance(layer, torch.nn.Conv2d) and layer.reset_parameters())
    networks = {"A": default, "B": bare, "C": normed}
    small = {letter: next(iter(probes.gradient_norms(net, X, y).values())) < 1e-10
             for letter, net in networks.items()}  # fmt: skip
    (vanishing,) = (letter for letter in small if small[letter])
    return vanishing


def error_of_a_grown_network() -> str:
    """Growing keeps the scores, and with them every error."""
    torch.manual_seed(0)
    images = embedded()[0].subset(slice(128))
    net = six_n_plus_two(8, Plain)
    net(images.batch(slice(None))[0])  # batch norm gathers its averages
    X, _ = images.batch(slice(64))
    with torch.no_grad():
        before, after = (each.eval()(X) for each in (net, grow(net, 14, images)))
    return "B" if torch.allclose(before, after, atol=1e-3) else "C"


def who_is_ahead_after_training_on() -> str:
    grown = band("01.grown_56_after_training_error").values
    random = band("01.random_56_after_training_error").values
    start = band("01.plain_20_training_error").values
    return first(("B", max(grown) < min(random)), ("C", min(grown) > max(start)), ("A", True))


def what_comes_out() -> str:
    X = torch.zeros(1, 64, 14, 14)
    assert Residual(64, 128, use_1x1conv=True, strides=2)(X).shape == (1, 128, 7, 7)
    try:
        Residual(64, 128)
    except ValueError:
        return "B"
    return "A"


def with_zero_scale() -> Residual:
    block = Residual(4, 4).eval()
    torch.nn.init.zeros_(block.bn2.weight)
    return block


def identity_for_which() -> str:
    X = torch.randn(4, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    block = with_zero_scale()
    assert torch.equal(block(X.abs()), X.abs())
    return "A" if torch.equal(block(X), X) else "B"


def which_knob() -> str:
    torch.manual_seed(0)
    X, far = torch.rand(16, 4, 8, 8), {}
    for name in ("conv2", "bn2"):
        block = Residual(4, 4).train()
        with torch.no_grad():
            before = (block(X) - X).norm()
            getattr(block, name).weight.mul_(0.1)
            far[name] = ((block(X) - X).norm() / before).item()
    near = {name: share < 0.5 for name, share in far.items()}
    return first(("A", all(near.values())), ("B", near["conv2"]), ("C", near["bn2"]))


def where_does_residual_56_end() -> str:
    ends = {
        "A": band("01.plain_56_training_error").mean,
        "B": band("01.plain_20_training_error").mean,
    }
    ends["C"] = fmean(ends.values())
    return nearest(band("02.residual_56_training_error").mean, ends)


def map_behind_b5() -> str:
    side = probes.output_shapes(resnet18(), torch.zeros(2, 1, 28, 28))["b5"][-1]
    return {7: "A", 1: "B"}[side]


def share_that_is_idle() -> str:
    """Weights that meet nothing but padding have no influence on any score."""
    net, X = resnet18().eval(), torch.randn(4, 1, 28, 28)
    before = net(X)
    idle = 0
    with torch.no_grad():
        for block in net.b5:
            for layer in (block.conv1, block.conv2):
                taps = [(row, column) for row in range(3) for column in range(3)]
                for row, column in taps:
                    kept = layer.weight[:, :, row, column].clone()
                    layer.weight[:, :, row, column] += 1
                    if torch.equal(net(X), before):
                        idle += kept.numel()
                    layer.weight[:, :, row, column] = kept
    share = idle / sum(parameter.numel() for parameter in net.parameters())
    return first(("A", share < 0.05), ("C", share > 0.5), ("B", True))


def share_of_b5() -> str:
    net = resnet18()
    total, last = (sum(p.numel() for p in part.parameters()) for part in (net, net.b5))
    return nearest(last / total, {"A": 0.25, "B": 0.5, "C": 0.75})


def who_has_more_parameters() -> str:
    from torchvision.models import googlenet

    with torch.device("meta"):
        theirs, ours = googlenet(aux_logits=False, init_weights=False), resnet18(1000, 3)
    numbers = [sum(p.numel() for p in net.parameters()) for net in (theirs, ours)]
    return "A" if numbers[0] > numbers[1] else "B"


def what_overfitting() -> str:
    training, validation = (
        band(f"03.resnet18_{part}_error").mean for part in ("training", "validation")
    )
    return first(("C", validation > 0.5), ("A", validation < 1.1 * training), ("B", True))


def hardest_class() -> str:
    errors: dict[str, list[float]] = {"bag": [], "shirt": [], "ankle boot": []}
    for run in stored_runs("resnet18"):
        assert max(run.result["class_error"], key=run.result["class_error"].get) in errors
        for name, values in errors.items():
            values.append(run.result["class_error"][name])
    means = {name: fmean(values) for name, values in errors.items()}
    return "ABC"[list(means).index(max(means, key=means.__getitem__))]


def scale_of_features() -> str:
    growth = {}
    for batch_norm in (True, False):
        runs = select(stored_runs("initial"), block="residual", depth=56, batch_norm=batch_norm)
        scales = [list(run.result["forward_scale"].values()) for run in runs]
        growth[batch_norm] = fmean(each[-1] for each in scales) / fmean(e[0] for e in scales)
    as_said = 1e7 < growth[False] < 1e9 and 10 < growth[True] < 40
    return first(("A", as_said), ("C", max(growth.values()) < 3), ("B", growth[False] < 100))


def where_gradients_grow() -> str:
    growth = {}
    for block, batch_norm in (("residual", False), ("plain", True), ("plain", False)):
        runs = select(stored_runs("initial"), block=block, depth=110, batch_norm=batch_norm)
        norms = [list(run.result["gradient_norm"].values()) for run in runs]
        growth[block, batch_norm] = min(each[0] / each[-1] for each in norms)
    large = {arm for arm, factor in growth.items() if factor > 100}
    return {frozenset({("residual", False)}): "A", frozenset({("plain", True)}): "B",
            frozenset(): "C"}[frozenset(large)]  # fmt: skip


def alike_gradients() -> str:
    correlation = {}
    for block in ("plain", "residual"):
        runs = select(stored_runs("initial"), block=block, depth=56, batch_norm=True)
        correlation[block] = fmean(run.result["gradient_correlation"]["1"] for run in runs)
    alike = {block: value > 0.5 for block, value in correlation.items()}
    return first(("A", all(alike.values())), ("C", not any(alike.values())),
                 ("B", alike["residual"]))  # fmt: skip


def which_train_at_56() -> str:
    arms = [(block, norm) for block in ("plain", "residual") for norm in (True, False)]
    good = set()
    for block, norm in arms:
        runs = select(stored_runs("norm"), block=block, batch_norm=norm, depth=56)
        if not any(run.result.get("diverged") for run in runs):
            error = fmean(run.last("training_error") for run in runs)
            good |= {(block, norm)} if error < 0.2 else set()
    return {
        frozenset({("residual", True), ("residual", False)}): "A",
        frozenset({("plain", True), ("residual", True)}): "B",
        frozenset({("residual", True)}): "C",
    }[frozenset(good)]


def where_the_solution_is_missed() -> str:
    runs, missed = stored_runs("solution"), {}
    for block in ("plain", "residual"):
        pairs = [run.result for run in select(runs, block=block)]
        missed[block] = all(each["random_further"] > 2 * each["grown_further"] for each in pairs)
    return first(("A", all(missed.values())), ("B", missed["plain"]), ("C", True))


def what_one_block_is_worth() -> str:
    errors = {}
    for block in ("plain", "residual"):
        runs = select(stored_runs("inside"), block=block, depth=56)
        cut = fmean(fmean(run.result["removed"].values()) for run in runs)
        errors[block] = fmean(run.result["validation_error"] for run in runs), cut
    guessing = {block: cut > 0.8 for block, (_, cut) in errors.items()}
    unchanged = {block: cut - whole < 0.1 for block, (whole, cut) in errors.items()}
    return first(("A", all(guessing.values())), ("C", all(unchanged.values())),
                 ("B", guessing["plain"] and unchanged["residual"]))  # fmt: skip


def which_paths_carry() -> str:
    runs = select(stored_runs("inside"), block="residual", depth=56)
    mean = fmean(path_length(run.result["path_gradient"]) for run in runs)
    return nearest(mean, {"A": 13.5, "B": 7, "C": 27})


def how_many_valleys() -> str:
    runs = select(stored_runs("inside"), block="plain", depth=56)
    slices = [losses for run in runs for losses in run.result["slices"]]
    share = fmean(valleys(losses) > 1 for losses in slices)
    return first(("A", share > 0.8), ("C", share == 0), ("B", True))


def _variant(block: str, depth: int = 56) -> list[float]:
    grid = stored_runs("norm" if block == "plain" else "variants")
    runs = select(grid, block=block, depth=depth, batch_norm=True)
    return [run.last("training_error") for run in sorted(runs, key=lambda r: r.setting["seed"])]


def which_shortcut_is_worst() -> str:
    kinds = ("option-a", "basic", "option-c", "residual")
    order = sorted(kinds, key=lambda block: fmean(_variant(block)))
    low, half = mean_interval(
        [one - other for one, other in zip(_variant(order[-1]), _variant(order[-2]), strict=True)]
    )
    worst = {"option-a": "A", "option-c": "B"}.get(order[-1])
    return worst if worst and low > half else "C"


def what_the_points_look_like() -> str:
    kinds = ("plain", "option-a", "basic", "option-c", "residual", "pre-activation", "bottleneck")
    runs = stored_runs("initial") + stored_runs("initial-variants")
    alike = [
        fmean(run.result["gradient_correlation"]["1"]
              for run in select(runs, block=block, depth=56, batch_norm=True))
        for block in kinds
    ]  # fmt: skip
    order = spearmanr(alike, [fmean(_variant(block)) for block in kinds]).statistic
    return first(("A", order < -0.8), ("C", order > 0.8), ("B", True))


def what_pre_activation_gains() -> str:
    pairs = zip(_variant("pre-activation"), _variant("basic"), strict=True)
    middle, half = mean_interval([one - other for one, other in pairs])
    return "B" if abs(middle) <= half else "A" if middle < 0 else "C"


def weights_of_a_bottleneck() -> str:
    numbers = [sum(layer.weight.numel() for layer in block.modules()
                   if isinstance(layer, torch.nn.Conv2d))
               for block in (Bottleneck(256, 64), BasicBlock(64, 64))]  # fmt: skip
    return nearest(numbers[0] / numbers[1], {"A": 1, "B": 4, "C": 0.5})


def what_moved_away() -> str:
    found = {
        block: [value for run in select(stored_runs("inside"), block=block, depth=56)
                for value in run.result["responses"].values()]
        for block in ("plain", "residual")
    }  # fmt: skip
    moved = {block: any(abs(value - 1) > 0.1 for value in values)
             for block, values in found.items()}  # fmt: skip
    return first(("A", moved["residual"]), ("C", moved["plain"]), ("B", True))


def _photo_work(net: torch.nn.Module) -> int:
    return probes.multiply_adds(net, torch.empty(1, 3, 224, 224, device="meta"))


def share_of_single_pixels() -> str:
    with torch.device("meta"):
        net = resnet(50)
        whole, counted = _photo_work(net), [0]
        for layer in net.modules():
            if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (1, 1):
                layer.register_forward_hook(
                    lambda layer, _, Y: counted.append(layer.weight.numel() * Y[0, 0].numel())
                )
        net(torch.empty(1, 3, 224, 224))
    return nearest(sum(counted) / whole, {"A": 0.1, "B": 0.5, "C": 0.85})


def what_makes_the_difference() -> str:
    with torch.device("meta"):
        theirs, papers = (
            _photo_work(resnet(50, partial(Bottleneck, stride_on_first=stride))) / 1e9
            for stride in (False, True)
        )
    return first(("B", abs(theirs - 4.09) < 0.01 and 3.8 <= papers < 3.9), ("A", True))


def deeper_or_wider() -> str:
    error = "training_error"
    wide = by_seed(stored_runs("family"), error, block="wide")
    deep = by_seed(stored_runs("variants"), error, block="bottleneck", depth=56)
    middle, half = paired_interval(wide, deep)
    return "C" if abs(middle) <= half else "B" if middle < 0 else "A"


def growth_of_a_dense_block() -> str:
    def weights(layers: int) -> int:
        channels, total = 24, 0
        for _ in range(layers):
            total += torch.nn.Conv2d(channels, 12, 3, bias=False).weight.numel()
            channels += 12
        return total

    factor = weights(24) / weights(12)
    return first(("A", factor < 2.5), ("B", 3 < factor < 4), ("C", True))


def how_far_tokens_stay_apart() -> str:
    torch.manual_seed(1)
    ends = {}
    for skip in (1, 0):
        X = torch.randn(32, 64, dtype=torch.float64)
        for _ in range(6):
            Y = torch.nn.functional.layer_norm(X, (64,))
            q, k, v = (torch.randn(64, 64, dtype=torch.float64) / 8 for _ in range(3))
            heard = torch.nn.functional.scaled_dot_product_attention(
                *((Y @ each)[None] for each in (q, k, v))
            )[0]
            X = skip * X + heard
        ends[skip] = ((X - X.mean(0)).norm() / X.norm()).item()
    assert 0.3 < ends[1] < 0.8
    return first(("A", ends[0] < 1e-6), ("C", ends[0] > 0.3), ("B", True))


def fewest_mistakes_among_new_classes() -> str:
    """The learned features with fewer epochs than in the chapter: the margin is wide."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    training, validation = split(embedded()[0], 1000)
    training = training.subset(slice(3000))
    few = training.subset(training.labels >= 5).subset(slice(100))
    watched = validation.subset(validation.labels >= 5)
    torch.manual_seed(0)
    nets = {name: six_n_plus_two(20, residual_block) for name in "AC"}
    fit(nets["A"], training.subset(training.labels < 5), epochs=2, learning_rate=0.05,
        device="cpu", precision="float32", score_training=False, progress=False)  # fmt: skip
    errors = {"B": _nearest_mean(few, watched, torch.nn.Flatten())}
    for letter, net in nets.items():
        renew_batch_norm(net, few)
        net.head[2] = torch.nn.Identity()
        errors[letter] = _nearest_mean(few, watched, net.eval())
    torch.set_num_threads(threads)
    best, second = sorted(errors, key=errors.get)[:2]
    assert errors[best] + 0.1 < errors[second]
    return best


@torch.no_grad()
def _nearest_mean(few, watched, features) -> float:
    (X, y), (others, labels) = few.batch(slice(None)), watched.batch(slice(None))
    X, others = features(X), features(others)
    means = torch.stack([X[y == k].mean(0) for k in range(5, 10)])
    return (torch.cdist(others, means).argmin(1) + 5 != labels).float().mean().item()


def order_or_precision() -> str:
    seconds = {name: median(values) for name, values in _native("step")["seconds"].items()}
    names = [f"this book, {kind}" for kind in
             ("float32 contiguous", "float32 channels_last", "bfloat16 channels_last")]  # fmt: skip
    contiguous, channels_last, half = (seconds[name] for name in names)
    order, precision = contiguous / channels_last, channels_last / half
    return first(("C", max(order, precision) < 1.05), ("A", order > precision), ("B", True))


def cost_of_idle_taps() -> str:
    gains = [median(gain) for gain in _native("taps")["gain"].values()]
    return first(("B", min(gains) > 1.02), ("C", max(gains) < 0.98), ("A", True))


def largest_factor() -> str:
    measured = stored("benchmarks")["avx2"]["accuracy"]["parts"]
    parts = {name: median(values) for name, values in measured.items()}
    return {"epochs": "A", "resolution": "B", "arithmetic": "C"}[max(parts, key=parts.__getitem__)]


def gain_of_two_cores() -> str:
    grid = _native("grid")
    alone, shared = (median(grid["seconds"][way])
                     for way in ("one after another", "a worker a core"))  # fmt: skip
    most = grid["cores"] / (grid["single"] / alone)
    assert alone / shared < most
    return first(("A", most > 1.9), ("C", most < 1.05), ("B", True))


def _native(name: str) -> dict:
    return stored("benchmarks")["native"][name]


def mean_of_halves() -> str:
    images = embedded()[0].batch(slice(64))

    def gradient(net, X, y):
        net.zero_grad()
        cross_entropy(net.train()(X), y).backward()
        return torch.cat([weight.grad.flatten() for weight in net.parameters()])

    def same(net) -> bool:
        joint = gradient(net, *images)
        X, y = (part.chunk(2) for part in images)
        halves = [gradient(net, *half) for half in zip(X, y, strict=True)]
        return bool((sum(halves) / 2 - joint).norm() < 1e-4 * joint.norm())

    normed = six_n_plus_two(8)
    bare = same(probes.without_batch_norm(normed))
    return first(("A", same(normed)), ("B", bare), ("C", True))


def who_gains_most() -> str:
    steps = stored("scaling")["native"]["scaling"]["steps"]
    gains = {
        name: median(timing.ratios(each["one process"], each["two processes, weak"]))
        for name, each in steps.items()
    }
    letters = {"residual-8": "A", "residual-20, width 64": "B", "ResNet-18": "C"}
    return letters[max(gains, key=gains.__getitem__)]


def twice_the_ring() -> str:
    """Latencies and bytes of a ring, for one device."""
    rounds = [2 * (devices - 1) for devices in (512, 1024)]
    sent = [2 * (devices - 1) / devices for devices in (512, 1024)]
    double = [abs(after / before - 2) < 0.01 for before, after in (rounds, sent)]
    return first(("A", all(double)), ("B", double == [True, False]), ("C", True))


def what_large_batches_do() -> str:
    runs, rates = stored_runs("large-batches"), stored_runs("large-batch-rates")

    def errors(name: str, size: int) -> dict[int, float]:
        rate = best_rate_among(rates, name, batch_size=size)
        return by_seed(runs, name, batch_size=size, learning_rate=rate, epochs=6)

    def higher(name: str) -> bool:
        rise, half = paired_interval(errors(name, 1024), errors(name, 64))
        return rise > half

    return first(("A", not higher("validation_error")), ("B", higher("training_error")),
                 ("C", True))  # fmt: skip


def more_energy() -> str:
    """GPU hours of 32 servers for one hour over those of one server for 29."""
    return nearest(32 / 29, {"A": 1.0, "B": 1.1, "C": 2.0})


def what_depth_costs_a_transformer() -> str:
    def rise(block: str) -> tuple[float, float]:
        deep, shallow = (by_seed(stored_runs("transformers"), "training_error", block=block,
                                 depth=depth) for depth in (12, 2))  # fmt: skip
        return paired_interval(deep, shallow)

    rises = {block: rise(block) for block in ("pre-norm", "post-norm", "no-shortcut")}
    falling = {block for block, (mean, half) in rises.items() if mean < -half}
    rising = {block for block, (mean, half) in rises.items() if mean > half}
    most = max(rises, key=lambda block: rises[block][0])
    return first(("A", falling == {"pre-norm", "post-norm"}), ("B", falling == {"pre-norm"}),
                 ("C", len(rising) == 3 and most == "no-shortcut"))  # fmt: skip


# Train two small networks, or build large ones, and so take long.
TRAINS = "06_the_family: Which of the three makes fewest"
LARGE = ("03_resnet: We overwrite", "06_the_family: ResNet-50", "06_the_family: The paper's table")
COMPUTED: dict[str, Callable[[], str]] = {
    "01_degradation: Networks of depth 8, 20 and 56": which_depth_is_best,
    "01_degradation: After six epochs on these images": does_plain_56_catch_up,
    "01_degradation: Below are the gradients": which_gradients_vanish,
    "01_degradation: What is the training error of the grown": error_of_a_grown_network,
    "01_degradation: Which of these happens?": who_is_ahead_after_training_on,
    "02_residual_block: A block gets 64 channels": what_comes_out,
    "02_residual_block: We set $F(X) = 0$": identity_for_which,
    "02_residual_block: Which of the two brings": which_knob,
    "02_residual_block: Where does residual-56 end?": where_does_residual_56_end,
    "03_resnet: What is the size of the map": map_behind_b5,
    "03_resnet: We overwrite those weights": share_that_is_idle,
    "03_resnet: Which share of all parameters": share_of_b5,
    "03_resnet: Which of the two has more parameters?": who_has_more_parameters,
    "03_resnet: The network has far more parameters": what_overfitting,
    "03_resnet: Which class has the highest error?": hardest_class,
    "04_why_it_works: After the 27 blocks": scale_of_features,
    "04_why_it_works: At 110 layers, which": where_gradients_grow,
    "04_why_it_works: The walk has 64 steps": alike_gradients,
    "04_why_it_works: Which networks of 56 layers": which_train_at_56,
    "04_why_it_works: After that, which of these": where_the_solution_is_missed,
    "04_why_it_works: What is the validation error without": what_one_block_is_worth,
    "04_why_it_works: Of the sum over all paths": which_paths_carry,
    "04_why_it_works: Three slices through each": how_many_valleys,
    "05_variations: All four are trained": which_shortcut_is_worst,
    "05_variations: Seven kinds of network": what_the_points_look_like,
    "05_variations: The direct way is now free": what_pre_activation_gains,
    "05_variations: A basic block with 64 channels": weights_of_a_bottleneck,
    "05_variations: Before training, every batch norm": what_moved_away,
    "06_the_family: ResNet-50 takes about four billion": share_of_single_pixels,
    "06_the_family: The paper's table 1 gives ResNet-50": what_makes_the_difference,
    "06_the_family: Twenty wide layers and 56 usual ones": deeper_or_wider,
    TRAINS: fewest_mistakes_among_new_classes,
    "07_scaling: Cut a batch of 64 images in two": mean_of_halves,
    "07_scaling: Which of the three gains the most": who_gains_most,
    "07_scaling: The ring grows from 512 devices": twice_the_ring,
    "07_scaling: Compare batches of 1,024": what_large_batches_do,
    "07_scaling: One server of 8 GPUs": more_energy,
    "08_heirs: A dense block begins with 24 channels": growth_of_a_dense_block,
    "08_heirs: Thirty-two tokens of 64 numbers": how_far_tokens_stay_apart,
    "08_heirs: Twelve layers instead of two": what_depth_costs_a_transformer,
    "measured: What gains more": order_or_precision,
    "measured: What does a step cost": cost_of_idle_taps,
    "measured: The factor is a product of four": largest_factor,
    "measured: There are two cores. By which factor": gain_of_two_cores,
}


@pytest.mark.parametrize(
    ("question", "options"),
    [
        pytest.param(*each, marks=[pytest.mark.slow] * each[0].startswith((TRAINS, *LARGE)))
        for each in asked().items()
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_right_answer_is_the_computed_one(question, options):
    (compute,) = (f for begins, f in COMPUTED.items() if question.startswith(begins))
    marked = [letter for letter, words in options.items() if words.startswith("Right")]
    assert [compute()] == marked


@pytest.mark.parametrize(
    ("question", "options"), asked().items(), ids=lambda value: str(value)[:40]
)
def test_every_answer_is_explained(question, options):
    assert list(options) == list("ABCD"[: len(options)])
    assert all(len(words.split()) >= 4 for words in options.values()), options


def test_every_computed_answer_belongs_to_a_question():
    for begins in COMPUTED:
        assert sum(question.startswith(begins) for question in asked()) == 1, begins
