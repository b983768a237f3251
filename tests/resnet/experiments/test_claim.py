"""One claim: verdicts by its interval, bounds and power; many claims at once, against SciPy."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from resnet.experiments.claim import Claim, adjusted
from resnet.results import mean_interval

SHARP, BLURRED, CLOSE = (0.09, 0.1, 0.11), (-0.3, 0.1, 0.3), (-0.003, 0.001, 0.003)


def claim(effects, expected):
    return Claim("It is so.", "fig-it", "it", effects, expected, "")


@pytest.mark.parametrize(
    ("effects", "expected", "verdict"),
    [
        (SHARP, "above", "agrees"),
        (SHARP, "below", "contradicts"),
        (SHARP, "not above", "contradicts"),
        ([-x for x in SHARP], "above", "contradicts"),
        ([-x for x in SHARP], "below", "agrees"),
        ([-x for x in SHARP], "not above", "agrees"),
        (BLURRED, "above", "open"),
        (BLURRED, "below", "open"),
        (BLURRED, "not above", "no difference found"),
        (CLOSE, "not above", "not above by a point"),
        (CLOSE, "below", "open"),
    ],
)
def test_verdicts(effects, expected, verdict):
    assert claim(effects, expected).verdict == verdict


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6))
def test_a_verdict_turns_with_the_signs(effects):
    found = claim(effects, "above").verdict
    assert claim([-x for x in effects], "below").verdict == found


def test_the_effect_is_printed_with_its_interval_and_a_true_minus():
    mean, half = mean_interval(SHARP)
    text = claim([-x for x in SHARP], "above").effect
    assert text == f"−{mean:.3f} (−{mean + half:.3f} to −{mean - half:.3f})"
    assert replace(claim(SHARP, "above"), digits=1).effect == "+0.1 (+0.1 to +0.1)"


def test_what_is_not_decided_says_what_it_leaves_open():
    middle, half = mean_interval(CLOSE, 0.9)
    found = claim(CLOSE, "not above")
    assert found.bound == pytest.approx(middle + half)
    assert stats.ttest_1samp(CLOSE, found.bound, alternative="less").pvalue == pytest.approx(0.05)
    assert f"at most +{found.bound:.3f}; {found.detectable:.3f} would be found" in found.effect
    assert "at most" not in claim(CLOSE, "below").effect


@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_detectable_difference_is_found_four_times_in_five(n):
    found = claim([(-1) ** k * (1 + k % 3) for k in range(n)], "above")
    error = stats.tstd(found.effects) / n**0.5
    beyond = stats.t.ppf(0.975, n - 1)
    power = stats.nct.sf(beyond, n - 1, found.detectable / error)
    assert power == pytest.approx(0.8, abs=0.02)


EFFECTS = st.integers(-1000, 1000).map(lambda thousandths: thousandths / 1000)


@settings(deadline=None, max_examples=25)
@example([SHARP, (0.0884, 0.1, 0.1116), BLURRED])  # the second stays below 0.01 by Holm alone
@given(st.lists(st.lists(EFFECTS, min_size=3, max_size=5), min_size=1, max_size=6))
def test_many_claims_are_adjusted_by_holm(many):
    """Each stays below a level just where Holm's steps, written out, reject it."""
    held = [claim(effects, "above") for effects in many]
    for level in (0.01, 0.05, 0.3):
        left, rejected = sorted((one.p_value, place) for place, one in enumerate(held)), set()
        while left and left[0][0] * len(left) < level:
            rejected.add(left.pop(0)[1])
        found = adjusted(held)
        assert {place for place, value in enumerate(found) if value < level} == rejected


def test_the_p_value_agrees_with_the_interval():
    for effects in (SHARP, BLURRED, CLOSE, (0.0, 0.0), (0.1, 0.1)):
        one = claim(effects, "above")
        assert (one.p_value < 0.05) == one.decided
    assert replace(claim(SHARP, "above"), effects=(0.1, 0.1)).p_value == 0
