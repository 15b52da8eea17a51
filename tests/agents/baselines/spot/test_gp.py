"""The Gaussian process of gp-ucb and gp-ei is exact, and both acquisitions do what their formulas say."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from beamgym.agents.baselines.spot.gp import MOST, GaussianProcess, GpSettings, Posterior, matern
from beamgym.agents.baselines.spot.gp_ei import expected_improvement
from beamgym.agents.baselines.spot.gp_ucb import WIDTHS, upper_bound

SETTINGS = GpSettings(length_mm=0.2, cost_weight=0.5, stop=0.01)
PLACES = np.random.default_rng(1).uniform(-1, 1, (40, 2))


@pytest.fixture(scope="module")
def data():
    draws = np.random.default_rng(0)
    return draws.uniform(-1, 1, (25, 2)), draws.normal(5, 2, 25), draws.uniform(0.1, 0.5, 25)


def test_adding_one_by_one_equals_the_solution_in_one_piece(data):
    where, values, noise = data
    process = GaussianProcess(PLACES, 0.3, 5.0, 2.0)
    for one in zip(where, values, noise, strict=True):
        process.observe(*one)
    found = process.posterior()
    covariance = 4.0 * matern(where, where, 0.3) + np.diag(noise**2)
    across = 4.0 * matern(where, PLACES, 0.3)
    mean = 5.0 + across.T @ np.linalg.solve(covariance, values - 5.0)
    variance = 4.0 - np.einsum("ij,ij->j", across, np.linalg.solve(covariance, across))
    np.testing.assert_allclose(found.mean, mean, atol=1e-9)
    np.testing.assert_allclose(found.sd, np.sqrt(variance), atol=1e-9)


def test_without_data_it_is_the_prior_and_with_exact_data_it_goes_through_them():
    process = GaussianProcess(PLACES, 0.3, 5.0, 2.0)
    np.testing.assert_array_equal(process.posterior().mean, 5.0)
    np.testing.assert_array_equal(process.posterior().sd, 2.0)
    process.observe(PLACES[3], 7.5, 1e-4)
    assert process.posterior().mean[3] == pytest.approx(7.5, abs=1e-6)
    assert process.posterior().sd[3] < 1e-3


def test_the_correlation_is_materns():
    r, length = 0.17, 0.2
    z = np.sqrt(5.0) * r / length
    expected = (1 + z + z * z / 3) * np.exp(-z)
    assert matern(np.zeros((1, 2)), np.array([[r, 0.0]]), length)[0, 0] == pytest.approx(expected)
    assert np.linalg.eigvalsh(matern(PLACES, PLACES, length)).min() > 0


def test_a_full_process_says_so():
    process = GaussianProcess(PLACES[:1], 0.2, 5.0, 2.0)
    for i in range(MOST):
        process.observe(np.array([0.01 * i, 0.0]), 5.0, 0.5)
    assert process.full
    with pytest.raises(ValueError, match="it is full"):
        process.observe(np.zeros(2), 5.0, 0.5)


def test_expected_improvement_is_the_integral_over_the_gain():
    belief = Posterior(np.array([6.0, 5.2, 6.5]), np.array([0.5, 1.0, 0.8]))
    cost = np.array([1.0, 2.0, 4.0])
    found = expected_improvement(belief, cost, SETTINGS)
    noise = SETTINGS.noise_at(SETTINGS.dwell_s)
    for i in range(3):
        m, s = belief.mean[i], belief.sd[i]
        integral = quad(lambda y, m=m, s=s: (y - 6.5) * norm.pdf(y, m, s), 6.5, m + 10 * s)[0]
        expected = integral * (1 - noise / np.hypot(noise, s)) / np.sqrt(cost[i])
        assert found[i] == pytest.approx(expected, rel=1e-6)


def test_what_promises_too_little_is_not_worth_an_exposure():
    belief = Posterior(np.array([6.0, 3.0]), np.array([0.5, 0.1]))
    for acquisition in (expected_improvement, upper_bound):
        worth = acquisition(belief, np.ones(2), SETTINGS)
        assert np.isfinite(worth[0])
        assert worth[1] == -np.inf


def test_the_bound_is_so_many_widths_up_and_the_way_is_taken_off():
    belief = Posterior(np.array([6.0, 5.5]), np.array([0.5, 1.0]))
    worth = upper_bound(belief, np.array([0.3, 1.3]), SETTINGS)
    np.testing.assert_allclose(worth, [WIDTHS * 0.5 - 0.15, -0.5 + WIDTHS * 1.0 - 0.65])


def test_noise_falls_with_the_root_of_the_dwell():
    assert SETTINGS.noise_at(0.8) == pytest.approx(0.5 * SETTINGS.noise_at(0.2))
