"""Every gradient of the laboratory's engine is PyTorch's, and a wrong one is found."""

import shutil
from functools import cache
from pathlib import Path

import numpy
import pytest

from tests.support.programs import missing
from tests.support.twins import differences, engine_gradients, torch_gradients
from tools.engine import SOURCES, Engine, EngineError, Setting
from tools.laboratory_images import images

pytestmark = pytest.mark.slow  # compiles the engine, and each backward function wrongly

# The engine's exponential is within 3e-7 of its value, all else is exact to the digits of a number.
WITHIN_DOUBLE, WITHIN_FLOAT = 3e-6, 1e-3
DEEP = pytest.param(56, marks=pytest.mark.slow)


def engine_of(real: str, sources: Path = SOURCES) -> Engine:
    try:
        return Engine(real, sources)
    except EngineError as error:
        if "no C compiler" in str(error):
            missing(str(error))
        raise


@cache
def engine(real: str) -> Engine:
    return engine_of(real)


def first_step(setting: Setting, of: Engine, pictures: numpy.ndarray) -> tuple[dict, dict]:
    """The gradients of the first step by the engine, and by PyTorch at the same weights."""
    of.begin(setting, pictures, images()[1])
    weights = of.weights.copy()
    of.calls.train(setting.rate, 0, setting.steps)
    return engine_gradients(setting, of), torch_gradients(setting, of, weights)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("depth", [8, 20, 32, DEEP])
@pytest.mark.parametrize("skip", [False, True], ids=["plain", "residual"])
def test_gradients_of_all_layers_are_those_of_pytorch(skip: bool, depth: int, seed: int) -> None:
    found = differences(
        *first_step(Setting(depth, skip, 0.05, seed), engine("double"), images()[0])
    )
    assert max(found.values()) < WITHIN_DOUBLE, found


@pytest.mark.parametrize(("skip", "scaled"), [(False, False), (True, False), (True, True)])
def test_gradients_without_batch_norm(skip: bool, scaled: bool) -> None:
    setting = Setting(8, skip, 0.05, norm=False, scaled=scaled)
    found = differences(*first_step(setting, engine("double"), images()[0]))
    assert max(found.values()) < WITHIN_DOUBLE, found


def test_gradients_where_the_scale_of_f_has_left_zero() -> None:
    setting, of = Setting(14, True, 0.05, scaled=True), engine("double")
    of.begin(setting, *images())
    for step in range(5):
        of.calls.train(setting.rate, 20 + step, setting.steps)
    weights, order = of.weights.copy(), of.view("order", "i4", setting.images)
    of.calls.train(setting.rate, 25, setting.steps)
    order[:50] = order[250:300].copy()  # the sixth batch, where the reference looks
    found = differences(engine_gradients(setting, of), torch_gradients(setting, of, weights))
    assert max(found.values()) < WITHIN_DOUBLE, found
    assert any(name.startswith("scale") for name in found)


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize("depth", [8, 20, 32])
@pytest.mark.parametrize("skip", [False, True], ids=["plain", "residual"])
def test_rounding_moves_a_gradient_only_across_a_kink(skip: bool, depth: int, seed: int) -> None:
    """In float32 an activation near zero can fall on the other side of its ReLU.

    That explains a difference only if PyTorch's own float64 gradient jumps as far when the images
    move by the like of rounding, a hundred-thousandth of a shade. Otherwise it is a fault.
    """
    setting, of = Setting(depth, skip, 0.05, seed), engine("float")
    found, expected = first_step(setting, of, images()[0])
    difference = max(differences(found, expected).values())
    if difference > WITHIN_FLOAT:
        assert difference < 1.01 * max(jumps(setting, of, expected))


def jumps(setting: Setting, of: Engine, expected: dict) -> list[float]:
    """How far the exact gradients move with the images, in six random directions."""
    of.begin(setting, *images())
    weights = of.weights.copy()
    of.calls.train(setting.rate, 0, setting.steps)
    batch = of.view("input", "f4", 50 * 14 * 14)
    still, found = batch.copy(), []
    for direction in range(6):
        noise = numpy.random.default_rng(direction).normal(size=still.shape)
        batch[:] = still + (2e-6 * noise).astype("f4")
        found += differences(torch_gradients(setting, of, weights), expected).values()
    return found


# For each backward function a fault: what stands in the source, and what takes its place.
MUTANTS = {
    "conv, pixels": ("sums[r][l] += pixel[r][l];", "sums[r][l] = pixel[r][l];"),
    "conv, weights": ("p < P; p++, dY += n", "p < P - 1; p++, dY += n"),
    "conv, input": ("turned[((positions - 1 - q) *", "turned[(q *"),
    "conv, stride": ("s.out_H, s.out_C, s.stride, s.k / 2", "s.out_H, s.out_C, 1, s.k / 2"),
    "norm, mean": ("(dY[p * C + c] - mean_dY[c] - Zhat", "(dY[p * C + c] - Zhat"),
    "norm, variance": (" - Zhat * mean_dYZhat[c]", ""),
    "norm, gamma": ("- mean[c]) * scale[c]);\n      dbeta", "- mean[c]));\n      dbeta"),
    "bias": ("db[c] += dY[p * C + c];", "db[c] = dY[p * C + c];"),
    "relu": ("dY[i] = Y[i] > 0 ? d : 0", "dY[i] = Y[i] >= 0 ? d : 0"),
    "skip": ("dF[i] = scale * dY[i]", "dF[i] = dY[i]"),
    "skip, scale": ("dscale += dY[i] * F[i]", "dscale += dY[i]"),
    "shortcut": ("b->has_projection ? dS : b->has_skip ? dA : 0", "b->has_projection ? dS : 0"),
    "projection": ("b->has_projection ? dS : b->has_skip ? dA : 0", "b->has_skip ? dA : 0"),
    "pool": ("dY[n * C + c] / HH", "dY[n * C + c]"),
    "linear": ("+= dY[n * K + k] * W[c * K + k]", "+= dY[n * K + k]"),
    "cross-entropy": ("(k == labels[n])) / N", "(k == labels[n]))"),
}


@pytest.mark.parametrize("fault", MUTANTS)
def test_a_wrong_backward_function_is_found(fault: str, tmp_path: Path) -> None:
    right, wrong = MUTANTS[fault]
    for path in SOURCES.glob("*.[ch]"):
        shutil.copy(path, tmp_path)
    mutated = [path for path in tmp_path.iterdir() if right in path.read_text("utf-8")]
    assert len(mutated) == 1, "the fault no longer fits the source"
    (path,) = mutated
    path.write_text(path.read_text("utf-8").replace(right, wrong), "utf-8")
    of = engine_of("double", tmp_path)
    settings = [Setting(8, True, 0.05), Setting(8, True, 0.05, norm=False, scaled=True)]
    worst = 0.0
    for setting in settings:
        found, expected = both_after_a_step(setting, of)
        worst = max(worst, *differences(found, expected).values())
    assert worst > 100 * WITHIN_DOUBLE


def both_after_a_step(setting: Setting, of: Engine) -> tuple[dict, dict]:
    """Gradients of the first step with scales of F that are not zero, so that nothing is hidden."""
    of.begin(setting, *images())
    weights = of.weights
    if setting.scaled:
        weights[numpy.flatnonzero(weights == 0)] = 0.1
    before = weights.copy()
    of.calls.train(setting.rate, 0, setting.steps)
    return engine_gradients(setting, of), torch_gradients(setting, of, before)
