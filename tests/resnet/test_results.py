"""Histories as plain data, intervals against a published example and SciPy, bands."""

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet import results
from resnet.results import Band, History, mean_interval, paired_interval

NUMBER = st.floats(allow_nan=False, allow_infinity=False)  # those that JSON has names for
PLAIN = st.dictionaries(st.text(), NUMBER | st.integers() | st.text() | st.none(), max_size=3)


@given(st.text(), st.lists(PLAIN, max_size=3), PLAIN, PLAIN, st.booleans())
def test_a_history_goes_to_json_and_back(label, epochs, config, origin, interrupted):
    history = History(label, epochs, config, origin, interrupted)
    assert History.from_json(history.to_json()) == history


def test_a_history_goes_to_disk_and_back(tmp_path):
    history = History("ünïcode", [{"epoch": 1, "training_error": 0.25}, {"epoch": 2}])
    history.save(tmp_path / "history.json")
    assert History.load(str(tmp_path / "history.json")) == history
    assert [file.name for file in tmp_path.iterdir()] == ["history.json"]


def test_columns_and_the_last_value():
    history = History("a name", [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    assert history.column("loss") == [0.5, 0.25] and history.last("loss") == 0.25
    with pytest.raises(ValueError, match="'a name' holds no finished epoch"):
        History("a name").last("loss")


@pytest.mark.parametrize("text", ["", "no json", "[1]", "null", '{"name": 1}', "{}"])
def test_what_is_no_history(text):
    with pytest.raises(ValueError, match="not the JSON of a history"):
        History.from_json(text)


def test_mean_interval_of_a_published_example():
    """NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.2, data set ZARR13.

    195 values of mean 9.261460 and SD 0.022789 have the 95 % limits 9.258242 and 9.264679. Two
    values taken in turn, and one at the mean, have just that mean and SD.
    """
    mean, sd, n = 9.261460, 0.022789, 195
    off = sd * math.sqrt((n - 1) / (n - 1))
    values = [mean] + [mean + off, mean - off] * ((n - 1) // 2)
    assert statistics.stdev(values) == pytest.approx(sd)
    middle, half = mean_interval(values)
    assert middle - half == pytest.approx(9.258242, abs=1.5e-6)
    assert middle + half == pytest.approx(9.264679, abs=1.5e-6)


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9), st.floats(0.5, 0.99))
def test_mean_interval_is_students_formula(values, confidence):
    from scipy import stats

    middle, half = mean_interval(iter(values), confidence)
    assert middle == pytest.approx(statistics.fmean(values), abs=1e-9)
    quantile = stats.t.ppf((1 + confidence) / 2, len(values) - 1)
    expected = quantile * statistics.stdev(values) / math.sqrt(len(values))
    assert half == pytest.approx(expected, abs=1e-6)


# Hours of sleep gained by ten patients with each of two drugs (Cushny and Peebles 1905).
ONE_DRUG = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
OTHER_DRUG = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)


def test_paired_interval_of_students_own_example():
    """Student 1908, The probable error of a mean, section 9: difference 1.58, SD 1.17 with n.

    With n - 1 the SD is 1.23, and the 95 % interval 0.70 to 2.46, as in R's help of `t.test`.
    """
    ones, others = dict(enumerate(OTHER_DRUG)), dict(enumerate(ONE_DRUG))
    middle, half = paired_interval(ones, others)
    assert middle == pytest.approx(1.58)
    assert middle - half == pytest.approx(0.7001142, abs=1e-6)
    assert middle + half == pytest.approx(2.4598858, abs=1e-6)
    shuffled = dict(sorted(others.items(), key=lambda pair: pair[1]))
    assert paired_interval(ones, shuffled) == (middle, half), "paired by seed and not by place"


def test_pairs_need_both_sides():
    with pytest.raises(ValueError, match=r"the same seeds: \[0, 1\] and \[0, 2\]"):
        paired_interval({0: 0.1, 1: 0.2}, {0: 0.1, 2: 0.2})


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval([0.25, 0.25]) == (0.25, 0.0)


@pytest.mark.parametrize("values", [[], [0.5]])
def test_one_value_has_no_interval(values):
    with pytest.raises(ValueError, match=f"two values or more, not {len(values)}"):
        mean_interval(values)


TWICE = [(seed, value) for seed, value in enumerate((0.4, 0.5, 0.6)) for _ in range(2)]
BANDS = {"bands": {"01.a": {"values": [{"value": v, "seed": seed} for seed, v in TWICE]}}}


def test_a_band_is_four_standard_deviations_wide(monkeypatch):
    limits = Band("01.a", (0.4, 0.5, 0.6))
    assert (limits.low, limits.high) == pytest.approx((0.1, 0.9))
    assert limits.holds(limits.low) and limits.holds(limits.high) and limits.holds(0.5)
    assert not limits.holds(0.0999) and not limits.holds(0.9001) and not limits.holds(math.nan)
    monkeypatch.setattr(results, "stored", lambda _: BANDS)
    twice = results.band("01.a")
    assert (twice.low, twice.high) == pytest.approx((limits.low, limits.high)), "n is three"
    said = "0.550, band 0.100 to 0.900 (3 seeds, each on 2 instruction sets)"
    assert results.within_band("01.a", 0.55) == said
    monkeypatch.setitem(BANDS["bands"], "01.a_ratio", BANDS["bands"]["01.a"])
    assert results.within_band("01.a_ratio", 0.55).startswith("0.6, band 0.2 to 1.1 (3 seeds")
    for outside in (0.05, 0.95, math.nan, math.inf):
        with pytest.raises(AssertionError, match="01.a: .*band 0.100 to 0.900.*: outside"):
            results.within_band("01.a", outside)
    with pytest.raises(KeyError):
        results.within_band("01.unknown", 0.5)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=6))
def test_a_band_adds_the_variances_between_and_within_seeds(pairs):
    """Components of variance as the one-way analysis of variance estimates them."""
    flat = tuple(value for pair in pairs for value in pair)
    limits = Band("01.a", flat, tuple(seed for seed in range(len(pairs)) for _ in range(2)))
    within = statistics.fmean((one - other) ** 2 / 2 for one, other in pairs)
    means = [(one + other) / 2 for one, other in pairs]
    total = (statistics.variance(means) - within / 2) + within
    assert limits.high - limits.low == pytest.approx(8 * math.sqrt(total), abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_the_band_of_an_error_rate_stays_between_none_and_all(errors):
    limits = Band("01.some_error", tuple(errors))
    assert 0 <= limits.low <= min(errors) + 1e-9 and max(errors) - 1e-9 <= limits.high <= 1


def test_errors_lie_on_the_arcsine_scale_and_ratios_on_the_logarithmic_one():
    errors = Band("01.some_error", (0.25, 0.5, 0.75))  # a sixth, a quarter, a third of pi
    assert (errors.low, errors.high) == (0.0, 1.0), "four steps of pi / 12 leave the scale"
    close = Band("01.some_error", tuple(math.sin(angle) ** 2 for angle in (0.4, 0.5, 0.6)))
    assert (close.low, close.high) == pytest.approx((math.sin(0.1) ** 2, math.sin(0.9) ** 2))
    ratios = Band("01.some_ratio", (2.0, 4.0, 8.0))
    assert (ratios.low, ratios.high) == pytest.approx((4 / 2**4, 4 * 2**4))
    assert Band("01.some_ratio", (0.5, 0.25, 0.125)).high == pytest.approx(1 / ratios.low)


@pytest.mark.parametrize(("seeds", "odds"), [(10, 1 / 240), (20, 1 / 1000)])
def test_how_rarely_a_further_seed_falls_outside(seeds, odds):
    from scipy import stats

    outside = 2 * stats.t.sf(4 / math.sqrt(1 + 1 / seeds), seeds - 1)
    assert outside <= odds and outside > 0.9 * odds
