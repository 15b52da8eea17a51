"""Counting models: what is drawn has the stated mean, variance and probabilities; bad numbers are refused."""

import numpy as np
import pytest
from scipy import stats

from beamgym.physics.counts import CountingModel, DeadTime, Gained, Gaussian, NegativeBinomial, Poisson

MODELS = [
    Poisson(),
    Gaussian(2.5),
    Gained(1.7, 0.9, 12.0),
    Gained(3.0),
    NegativeBinomial(4.0),
    DeadTime(1e-9, 1.0),
    DeadTime(0.02, 1.0),
]
DRAWS = 40_000


def drawn(model, mean, seed=5):
    return model.draw(np.full(DRAWS, mean), np.random.default_rng(seed))


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("mean", [0.3, 8.0, 60.0])
def test_draws_have_the_stated_variance(model, mean):
    assert isinstance(model, CountingModel)
    found = drawn(model, mean).var()
    # A counter that is ready at the start counts a little more evenly than the formula for long exposures says.
    tolerance = 0.12 if isinstance(model, DeadTime) else 0.04
    assert found == pytest.approx(float(model.variance(mean)), rel=tolerance)


@pytest.mark.parametrize("model", [Poisson(), NegativeBinomial(4.0), DeadTime(0.02, 1.0)], ids=repr)
@pytest.mark.parametrize("mean", [0.3, 8.0, 60.0])
def test_counts_come_as_often_as_their_probability_says(model, mean):
    n = np.arange(1500.0)
    probability = np.exp(model.log_likelihood(n, mean))
    assert probability.sum() == pytest.approx(1.0, abs=1e-9)
    often = probability * DRAWS > 20.0
    seen = np.bincount(drawn(model, mean).astype(int), minlength=len(n))
    chi2 = ((seen - probability * DRAWS)[often] ** 2 / (probability * DRAWS)[often]).sum()
    assert stats.chi2.sf(chi2, often.sum()) > 1e-4


def test_probabilities_are_scipys():
    n = np.arange(60.0)
    np.testing.assert_allclose(Poisson().log_likelihood(n, 7.3), stats.poisson.logpmf(n, 7.3), rtol=1e-10)
    r, m = 4.0, 7.3
    np.testing.assert_allclose(
        NegativeBinomial(r).log_likelihood(n, m), stats.nbinom.logpmf(n, r, r / (r + m)), rtol=1e-9
    )
    np.testing.assert_allclose(Gaussian(2.0).log_likelihood(n, m), stats.norm.logpdf(n, m, 2.0), rtol=1e-12)
    np.testing.assert_allclose(DeadTime(0.0, 1.0).log_likelihood(n[:30], m), stats.poisson.logpmf(n[:30], m), rtol=1e-6)


def test_the_density_of_an_integrating_detector_integrates_to_one_with_its_mean():
    model, mean = Gained(1.7, 0.9, 12.0), 6.0
    numbers = np.linspace(0.0, 60.0, 6001)
    density = np.exp(model.log_likelihood(numbers, mean))
    step = numbers[1] - numbers[0]
    assert density.sum() * step == pytest.approx(1.0, abs=1e-6)
    assert (density * numbers).sum() * step == pytest.approx(12.0 + 1.7 * mean, rel=1e-6)
    assert np.isneginf(Gained(3.0).log_likelihood(4.0, mean))  # between one count and two


def test_a_slow_counter_saturates_at_one_count_a_dead_time():
    model = DeadTime(0.1, 1.0)
    assert drawn(model, 1e4).max() == 10.0
    assert drawn(model, 50.0).mean() == pytest.approx(float(model.expected(50.0)), rel=0.08)
    assert np.isneginf(model.log_likelihood(12.0, 50.0))


def test_one_seed_gives_one_frame():
    for model in MODELS:
        np.testing.assert_array_equal(drawn(model, 8.0), drawn(model, 8.0))
        assert not np.array_equal(drawn(model, 8.0), drawn(model, 8.0, seed=6))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Gaussian(0.0), "above 0"),
        (lambda: Gained(0.0), "above 0"),
        (lambda: Gained(1.0, -1.0), "0 or more"),
        (lambda: NegativeBinomial(0.0), "above 0"),
        (lambda: DeadTime(-1.0, 1.0), "0 or more"),
        (lambda: DeadTime(0.1, 0.0), "above 0"),
        (lambda: Poisson().draw([1.0, -1.0], np.random.default_rng(0)), "at least 0"),
        (lambda: Poisson().draw([np.nan], np.random.default_rng(0)), "finite"),
    ],
)
def test_impossible_numbers_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
