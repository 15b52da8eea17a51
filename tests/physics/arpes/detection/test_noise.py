"""Counting statistics: exact numbers of events, Poisson and multinomial to the last chi-square."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from beamgym.physics.arpes.detection.clouds_kernels import pulse_heights
from beamgym.physics.arpes.detection.dead_time_kernels import count_slowly, walk
from beamgym.physics.arpes.detection.noise import count, read_adc
from beamgym.physics.arpes.detection.noise_kernels import INVERSE, WIDE_MEAN, count_poisson, largest
from beamgym.physics.arpes.detection.response import Response
from beamgym.physics.counter_rng import make_keys


def keys(n, seed=0):
    return make_keys(seed, np.arange(n))


def poisson_pvalue(drawn, mean):
    edges = np.unique(stats.poisson.ppf(np.linspace(0.001, 0.999, 30), mean)).astype(int)
    observed = np.histogram(drawn, bins=[-0.5, *(edges + 0.5), np.inf])[0]
    expected = np.diff([0.0, *stats.poisson.cdf(edges, mean), 1.0]) * drawn.size
    return stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue


@pytest.mark.parametrize("mean", [0.05, 0.7, 2.5, 7.9, 9.99, 10.01, 40.0, 900.0])
def test_counts_are_poisson_distributed_by_chi_square(mean):
    drawn = count(np.full((4, 300, 300), 1.0), mean * 90_000, keys(4, 1), exact=False).ravel().astype(int)
    assert poisson_pvalue(drawn, mean) > 1e-3


@pytest.mark.parametrize("mean", [0.05, 0.7, 9.99, 10.01, 25.0, 39.9, 40.1, 300.0])
def test_counts_by_inversion_of_larger_means_are_poisson_distributed_too(mean):
    drawn = np.empty(360_000, dtype=np.float32)
    total = count_poisson(np.full(drawn.size, mean, dtype=np.float32), 1.0, keys(1)[0], INVERSE, drawn, WIDE_MEAN)
    assert total == drawn.sum(dtype=np.float64)
    assert poisson_pvalue(drawn.astype(int), mean) > 1e-3
    assert drawn.max() < stats.poisson.isf(1e-9, mean)  # no pixel runs on to the end of the series


def test_pulse_heights_are_normal_and_independent_of_their_neighbours():
    heights = np.full(100_001, 400.0, dtype=np.float32)
    pulse_heights(heights, 0.4, keys(1)[0])
    deviate = (heights.astype(float) - 400.0) / (0.4 * np.sqrt(400.0))
    assert stats.kstest(deviate, "norm").pvalue > 1e-3
    for lag in (1, 64, 128, 256):
        assert abs(np.mean(deviate[lag:] * deviate[:-lag])) < 5 / np.sqrt(deviate.size)


def test_variance_equals_mean_pixel_by_pixel_over_many_draws():
    intensity = np.tile(np.geomspace(0.01, 1.0, 50), (4000, 1))
    drawn = count(intensity, 5e3, keys(4000, 2), exact=False)
    mean = 5e3 * intensity[0] / intensity[0].sum()
    np.testing.assert_allclose(drawn.mean(0), mean, atol=5 * np.sqrt(mean.max() / 4000))
    np.testing.assert_allclose(drawn.var(0) / mean, 1.0, atol=5 * np.sqrt(2.5 / 4000))


def test_exact_counting_is_multinomial():
    share = np.geomspace(0.05, 1.0, 12)
    share /= share.sum()
    drawn = count(np.tile(share, (20_000, 1)), 30, keys(20_000, 3))
    np.testing.assert_array_equal(drawn.sum(1), 30)
    covariance = np.cov(drawn.T)
    expected = 30 * (np.diag(share) - np.outer(share, share))
    np.testing.assert_allclose(covariance, expected, atol=5 * 30 * share.max() / np.sqrt(20_000))
    np.testing.assert_allclose(drawn.mean(0), 30 * share, atol=5 * np.sqrt(30 * share.max() / 20_000))
    observed = np.bincount(drawn[:, -1].astype(int), minlength=31)
    predicted = stats.binom.pmf(np.arange(31), 30, share[-1]) * 20_000
    used = predicted > 10
    assert stats.chisquare(observed[used], predicted[used] * observed[used].sum() / predicted[used].sum()).pvalue > 1e-3


@settings(max_examples=40, deadline=None)
@given(events=st.integers(0, 300_000), rows=st.integers(1, 40), columns=st.integers(1, 40), seed=st.integers(0, 1000))
def test_exactly_the_stated_number_of_events_is_counted(events, rows, columns, seed):
    intensity = np.random.default_rng(seed).random((1, rows, columns)) + 1e-3
    drawn = count(intensity, events, keys(1, seed))
    assert drawn.sum() == events
    assert np.all(drawn >= 0)
    np.testing.assert_array_equal(drawn, np.round(drawn))


def test_pixels_without_intensity_never_count():
    intensity = np.zeros((50, 30, 30))
    intensity[:, 3:7] = 1.0
    drawn = count(intensity, 5000, keys(50))
    assert drawn[:, 3:7].sum() == 50 * 5000


def test_nothing_to_count_gives_nothing():
    assert count(np.zeros((1, 5, 5)), 100, keys(1)).sum() == 0
    assert count(np.ones((1, 5, 5)), 0, keys(1)).sum() == 0


def test_a_sample_draws_the_same_numbers_alone_and_in_any_batch():
    intensity = np.random.default_rng(0).random((6, 31, 33))
    together = count(intensity, 4e4, keys(6))
    for i in (0, 4):
        np.testing.assert_array_equal(count(intensity[i : i + 1], 4e4, keys(6)[i : i + 1])[0], together[i])
    assert not np.array_equal(together[0], count(intensity[:1], 4e4, keys(1, 9))[0])


def test_adc_readings_keep_the_number_of_events_and_smear_each_of_them():
    counts = count(np.ones((3, 64, 64)), [1e3, 1e4, 1e5], keys(3))
    read = read_adc(counts, keys(3), Response(adc=True, cloud_px=1.0))
    np.testing.assert_allclose(read.sum((1, 2)), counts.sum((1, 2)), rtol=1e-3)  # not five times as many
    lit = np.mean(read[0] > 1e-3), np.mean(counts[0] > 0)
    assert lit[0] > 3 * lit[1]
    one = np.zeros((1, 41, 41), dtype=np.float32)
    one[0, 20, 20] = 1.0
    cloud = read_adc(one, keys(1), Response(adc=True, cloud_px=1.5))[0]
    spread = np.sum(cloud * (np.arange(41) - 20.0) ** 2)
    assert spread == pytest.approx(1.5**2, rel=0.05)


@pytest.mark.parametrize(
    ("intensity", "events", "message"),
    [
        (-np.ones((1, 3, 3)), 10, "finite and ≥ 0"),
        (np.full((1, 3, 3), np.nan), 10, "finite and ≥ 0"),
        (np.ones((1, 3, 3)), -5, "events must not be negative"),
    ],
)
def test_bad_intensities_and_counts_are_refused(intensity, events, message):
    with pytest.raises(ValueError, match=message):
        count(intensity, events, keys(1))


@pytest.mark.parametrize("dead_time", [0.2, 0.01, 1e-4])
@pytest.mark.parametrize("mean", [0.3, 30.0, 3000.0])
def test_dead_time_loses_electrons_as_its_closed_form_says_and_never_exceeds_its_ceiling(dead_time, mean):
    drawn = count(np.ones((2, 200, 200)), mean * 40_000, keys(2, 4), dead_time=dead_time).astype(np.float64)
    expected = mean / (1.0 + mean * dead_time)
    assert drawn.mean() == pytest.approx(expected, abs=4.5 * np.sqrt(expected / drawn.size))
    assert drawn.max() <= 1.0 / dead_time
    if expected * dead_time < 0.8:  # further up the numbers are whole: nothing but the ceiling, or one less
        assert drawn.var() == pytest.approx(expected / (1.0 + mean * dead_time) ** 2, rel=0.1)


def test_dead_time_draws_the_same_numbers_alone_and_in_any_batch():
    intensity = np.random.default_rng(0).random((3, 31, 33))
    together = count(intensity, 4e4, keys(3), dead_time=[0.1, 0.0, 0.2])
    for i, dead_time in enumerate((0.1, 0.0, 0.2)):
        alone = count(intensity[i : i + 1], 4e4, keys(3)[i : i + 1], dead_time=dead_time)
        np.testing.assert_array_equal(alone[0], together[i])
    np.testing.assert_array_equal(together[1], count(intensity, 4e4, keys(3))[1])
    with pytest.raises(ValueError, match="dead_time must not be negative"):
        count(intensity, 10, keys(3), dead_time=-0.1)


def test_very_many_events_are_still_counted_exactly():
    drawn = count(np.random.default_rng(0).random((1, 20, 20)), 3e8, keys(1))
    assert drawn.sum(dtype=np.float64) == pytest.approx(3e8, abs=0)


@pytest.mark.parametrize("dead_time", [0.01, 0.2, 0.9])
@pytest.mark.parametrize("mean", [1e-5, 0.02, 0.8, 6.0, 50.0])
def test_pixels_that_wait_together_count_what_each_would_alone(mean, dead_time):
    arriving = np.random.default_rng(3).exponential(mean, 3000).astype(np.float32)
    key, drawn = np.uint64(12345), np.empty(3000, dtype=np.float32)
    count_slowly(arriving, 1.0, dead_time, key, drawn)
    own, most = key ^ np.uint64(0x1BD11BDAA9FC1A22), np.ceil(1.0 / dead_time)
    for p, rate in enumerate(arriving.astype(np.float64)):
        alone = walk(rate, dead_time, 1.0 / (1.0 + rate * dead_time), own, 1024 * p)
        assert drawn[p] == min(alone, most)


def test_the_largest_of_numbers_from_zero_up_is_found_by_their_bits():
    values = np.random.default_rng(1).exponential(3.0, 1000).astype(np.float32)
    assert largest(values) == values.max()
    assert largest(np.array([0.0, 1e-42, 3e38, 7.0], dtype=np.float32)) == np.float32(3e38)
    assert largest(np.zeros(5, dtype=np.float32)) == 0.0
