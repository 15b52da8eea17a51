"""What the posterior says is so as often as it says."""

import numpy as np
import pytest
from scipy.stats import chi2
from seen_frames import HARD, followed, stands_deg

from beamgym.physics.laue.estimation.adjustment import Fitted
from beamgym.physics.laue.estimation.evidence import Belief
from beamgym.physics.laue.estimation.posterior import spread_deg, turns, within
from beamgym.physics.orientation import random_orientations, rotation_vector_deg

HERE = random_orientations(np.array([7], dtype=np.uint64))[0]
SEEDS = range(40)


def believed(*beliefs):
    turn = np.eye(3)
    return Fitted(HERE, np.zeros(3), turn=turn, beliefs=tuple(Belief(w, np.array(s), c) for w, s, c in beliefs))


def error_deg(orientation):
    return np.linalg.norm(rotation_vector_deg(orientation @ HERE.T), axis=1)


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2])
def test_of_one_round_belief_it_is_the_chi_squared_distribution(sigma):
    fitted = believed((1.0, np.zeros(3), sigma**2 * np.eye(3)))
    assert within(fitted, HERE, error_deg, 0.25) == pytest.approx(chi2(3).cdf((0.25 / sigma) ** 2), abs=0.01)


def test_several_beliefs_count_by_their_weights():
    sure = (0.75, np.zeros(3), 1e-8 * np.eye(3))
    fitted = believed(sure, (0.25, np.array([1.0, 0.0, 0.0]), 1e-8 * np.eye(3)))
    assert within(fitted, HERE, error_deg, 0.25) == pytest.approx(0.75, abs=1e-9)
    np.testing.assert_allclose(np.diag(spread_deg(fitted)), [0.75 * 0.25, 0.0, 0.0], atol=1e-6)


def test_the_draws_have_the_covariance_asked_for():
    covariance = np.array([[0.04, 0.01, 0.0], [0.01, 0.02, -0.005], [0.0, -0.005, 0.09]])
    np.testing.assert_allclose(np.cov(turns(covariance).T), covariance, atol=2e-3)


def test_the_true_orientation_is_as_far_off_as_the_covariance_says():
    squares = []
    for seed in SEEDS:
        made, known = followed(HARD, 100 + seed)
        off, spread = stands_deg(made, known), spread_deg(known.best)
        squares.append(float(off @ np.linalg.solve(spread, off)))
    # 3 where every prior is as wide as what is hidden; the axes of this level are better than most priors say.
    assert 0.8 < np.mean(squares) < 3.9
    assert np.mean(np.array(squares) < chi2(3).ppf(0.95)) > 0.9
