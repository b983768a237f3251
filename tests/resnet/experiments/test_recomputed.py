"""Every row of the page of claims, computed again from the raw files by other code.

Nothing of the module is imported: what a row compares is written down a second time, from its
sentence, and the statistics come from NumPy and SciPy's distribution instead of their tests.
"""

import functools
import json
import math
import re
from pathlib import Path

import numpy
import pytest
from scipy.stats import t as student

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "resnet" / "assets" / "results"
ROW = re.compile(r"^\| ([^|]+) \| (.+?)\. \{numref\}[^|]*\| ([^|]+) \| ([^|]*) \|", re.MULTILINE)
EFFECT = re.compile(r": ([+−][\d.]+) \(([+−][\d.]+) to ([+−][\d.]+)\).*?, n = (\d+)")
Series = dict[int, float]


@functools.cache
def raw(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text("utf-8"))


def measured(grid: str, of: str, **setting) -> Series:
    """By seed: the last value of a column, or a value as it is; 0.9 is an error by guessing."""
    found = {}
    for run in raw(f"grids/{grid}")["runs"]:
        if all(run["setting"][key] == value for key, value in setting.items()):
            assert run["setting"]["seed"] not in found, (grid, setting)
            value = 0.9 if run["result"].get("diverged") else run["result"][of]
            found[run["setting"]["seed"]] = value[-1] if isinstance(value, list) else value
    return found


def computed(grid: str, compute, **setting) -> Series:
    return {
        run["setting"]["seed"]: compute(run["result"])
        for run in raw(f"grids/{grid}")["runs"]
        if all(run["setting"][key] == value for key, value in setting.items())
    }


def live(name: str) -> Series:
    """By seed: the mean over the machines that ran it."""
    values = raw("bands")["bands"][f"{name}_training_error"]["values"]
    seeds = {each["seed"] for each in values}
    return {s: float(numpy.mean([v["value"] for v in values if v["seed"] == s])) for s in seeds}


def less(ones: Series, others: Series | float) -> list[float]:
    """Differences by seed, of the seeds that the first has."""
    return [ones[s] - (others[s] if isinstance(others, dict) else others) for s in sorted(ones)]


def arms(grid: str, of: str, one: dict, other: dict) -> list[float]:
    return less(measured(grid, of, **one), measured(grid, of, **other))


def batches(of: str, size: int, epochs: int = 6) -> Series:
    """At the rate that is best, by the mean of that error, in the sweep of six epochs."""
    errors: dict[float, list[float]] = {}
    for run in raw("grids/large-batch-rates")["runs"]:
        if run["setting"]["batch_size"] == size:
            value = 0.9 if run["result"].get("diverged") else run["result"][of]
            errors.setdefault(run["setting"]["learning_rate"], []).append(value)
    rate = min(errors, key=lambda each: numpy.mean(errors[each]))
    return measured("large-batches", of, batch_size=size, epochs=epochs, learning_rate=rate)


def growth(result: dict) -> float:
    norms = list(result["gradient_norm"].values())
    return float(numpy.log10(norms[0] / norms[-1]))


def mean_path(result: dict) -> float:
    """Sizes of paths by length, times how many there are of that length."""
    norms = result["path_gradient"]
    lengths = numpy.arange(len(norms))
    several = [math.comb(len(norms) - 1, k) * numpy.mean(norms[str(k)]) for k in lengths]
    return float(numpy.average(lengths, weights=several))


def second_valleys(result: dict) -> float:
    several = []
    for losses in map(numpy.array, result["slices"]):
        lower = (losses[1:-1] < losses[:-2]) & (losses[1:-1] <= losses[2:])
        several.append(lower.sum() > 1)
    return float(numpy.mean(several))


def lesion(what: str, block: str) -> Series:
    def harm(result: dict) -> float:
        return float(numpy.mean(list(result[what].values()))) - result["validation_error"]

    return computed("inside", harm, depth=56, block=block)


def of_both(grid: str, compute, block: str) -> Series:
    return computed(grid, compute, depth=56, block=block)


TRAINING, VALIDATION = "training_error", "validation_error"
PLAIN, RESIDUAL = (
    [{"block": block, "depth": d} for d in (56, 20)] for block in ("plain", "residual")
)
NORM = [
    {"block": block, "depth": 56, "batch_norm": norm}
    for block, norm in (("plain", True), ("residual", True), ("residual", False))
]
START = {"depth": 56, "batch_norm": True}


def variants(one: str, other: str, of: str = TRAINING) -> list[float]:
    return arms("variants", of, *({"block": block, "depth": 56} for block in (one, other)))


def family(one: str, other: str) -> list[float]:
    return arms("family", TRAINING, {"block": one}, {"block": other})


def transformers(one: str, depth: int, other: str, other_depth: int) -> list[float]:
    sides = {"block": one, "depth": depth}, {"block": other, "depth": other_depth}
    return arms("transformers", TRAINING, *sides)


def solution(block: str) -> list[float]:
    return less(*(measured("solution", f"{s}_further", block=block) for s in ("random", "grown")))


def correlation(result: dict) -> float:
    return result["gradient_correlation"]["1"]


# In the order of the page. Each begins as its sentence does, so that none can be mixed up.
ROWS = {
    "A plain network of 56": lambda: less(live("01.plain_56"), live("01.plain_20")),
    "A plain network of 20": lambda: less(live("01.plain_20"), live("01.plain_8")),
    "On 20,000 images plain": lambda: arms("depth", TRAINING, *PLAIN),
    "It is not only slow": lambda: arms("longer", TRAINING, *PLAIN),
    "56 layers grown from 20": lambda: less(live("01.random_56_after"), live("01.grown_56_after")),
    "With batch norm the gradient": lambda: less(
        computed("initial", growth, block="plain", **START), 0.0
    ),
    "A residual network of 56": lambda: less(live("02.residual_56"), live("02.residual_20")),
    "On 20,000 images residual": lambda: arms("depth", TRAINING, *RESIDUAL),
    "At 56 layers the shortcut": lambda: less(live("02.residual_56"), live("01.plain_56")),
    "Three epochs at 28": lambda: [
        1 - error - 0.910 for error in measured("resnet18", "test_error").values()
    ],
    "Before training, the gradients": lambda: less(
        computed("initial", correlation, block="residual", **START),
        computed("initial", correlation, block="plain", **START),
    ),
    "At 56 layers batch norm does": lambda: arms("norm", TRAINING, NORM[0], NORM[1]),
    "At 56 layers, from He's": lambda: arms("norm", TRAINING, NORM[2], NORM[1]),
    "Plain networks of 56 layers hold": lambda: solution("plain"),
    "For residual networks of 56": lambda: solution("residual"),
    "A trained plain network misses": lambda: less(
        lesion("removed", "plain"), lesion("removed", "residual")
    ),
    "It also does when": lambda: less(
        lesion("removed_renewed", "plain"), lesion("removed_renewed", "residual")
    ),
    "The gradient of a residual": lambda: less(of_both("inside", mean_path, "residual"), 13.5),
    "Slices through the loss": lambda: less(
        of_both("inside", second_valleys, "plain"), of_both("inside", second_valleys, "residual")
    ),
    "A projection in every": lambda: variants("option-c", "basic"),
    "Shortcuts without any": lambda: variants("option-a", "basic"),
    "A bare projection": lambda: variants("residual", "basic"),
    "Before training, gates keep": lambda: less(
        *(computed("initial-gates", correlation, block=f"gate{bias}") for bias in (-3, -1))
    ),
    "At 56 layers the ReLU": lambda: variants("pre-activation", "basic"),
    "After six epochs, last": lambda: variants("zero-scale", "residual"),
    "Last scales that start": lambda: variants("zero-scale", "residual", VALIDATION),
    "At equal work, 20 wide": lambda: less(
        measured("family", TRAINING, block="wide"),
        measured("variants", TRAINING, block="bottleneck", depth=56),
    ),
    "Twice the channels": lambda: family("wide", "bottleneck"),
    "The same channels in 8": lambda: family("resnext", "bottleneck"),
    "Squeeze and excitation": lambda: family("squeeze-excitation", "bottleneck"),
    "With batches of 1,024 six": lambda: less(batches(TRAINING, 1024), batches(TRAINING, 64)),
    "Given as many steps, batches of 1,024 fit": lambda: less(
        batches(TRAINING, 1024, 96), batches(TRAINING, 64)
    ),
    "Given as many steps, batches of 1,024 leave": lambda: less(
        batches(VALIDATION, 1024, 96), batches(VALIDATION, 64)
    ),
    "Without shortcuts a transformer": lambda: transformers("no-shortcut", 12, "no-shortcut", 2),
    "At 12 layers of a transformer": lambda: transformers("pre-norm", 12, "no-shortcut", 12),
    "After six epochs 12 layers": lambda: transformers("pre-norm", 12, "pre-norm", 2),
}


def interval_and_p(values: list[float]) -> tuple[float, float, float, float]:
    n, mean = len(values), float(numpy.mean(values))
    error = float(numpy.std(values, ddof=1)) / math.sqrt(n)
    half = float(student.ppf(0.975, n - 1)) * error
    return mean, mean - half, mean + half, 2 * float(student.sf(abs(mean) / error, n - 1))


def test_the_page_says_what_the_raw_files_hold() -> None:
    rows = ROW.findall((ROOT / "chapters" / "claims.md").read_text("utf-8"))
    assert len(rows) == len(ROWS)
    found = {begins: interval_and_p(of()) for begins, of in ROWS.items()}
    ascending = sorted(row[-1] for row in found.values())
    for (verdict, sentence, effect, p), (begins, (*numbers, own)) in zip(
        rows, found.items(), strict=True
    ):
        assert sentence.startswith(begins)
        *printed, n = EFFECT.search(effect).groups()
        digits = len(printed[0].split(".")[1])
        assert printed == [f"{each:+.{digits}f}".replace("-", "−") for each in numbers], sentence
        assert int(n) == len(ROWS[begins]())
        clear = numbers[1] > 0 or numbers[2] < 0
        assert clear == (verdict in ("agrees", "contradicts")), sentence
        if p:  # the largest of what Holm asks up to this one
            steps = [(len(ascending) - k) * each for k, each in enumerate(ascending) if each <= own]
            adjusted = min(1.0, max(steps))
            assert p == ("< 0.001" if adjusted < 0.001 else f"{adjusted:.3f}"), sentence


def test_other_numbers_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROWS, "It is not only slow", lambda: [0.05, 0.06, 0.09])
    with pytest.raises(AssertionError, match="It is not only slow"):
        test_the_page_says_what_the_raw_files_hold()
