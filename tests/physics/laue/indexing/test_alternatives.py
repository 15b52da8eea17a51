"""Alternatives of an answer: a look-alike is given beside the answer unless positions or intensities exclude it."""

import numpy as np
import pytest
from scipy.stats import t

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import IN_WORDS, MeasuredPattern, solve
from beamgym.physics.laue.indexing.alternatives import student_log_likelihood
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import misorientation_deg, random_orientations

PANEL = Detector.back_reflection(40.0, (800, 800), 0.125)
BAND_KEV = (5.0, 30.0)
ORIENTATIONS = random_orientations(make_keys(33, np.arange(6)))


def pattern_of(crystal, u, panel=PANEL, scatter=0.2, brightest=50, seed=1):
    """A pattern measured to 0.2 px, its intensities to ``scatter`` in the logarithm."""
    random = np.random.default_rng(seed)
    spots = LaueModel(crystal, Beam.tube("W", 30.0), panel, brightest=brightest).spots(u[None])
    count = int(spots.count[0])
    position = spots.position_px[:, :count] + 0.2 * random.normal(size=(1, count, 2))
    intensity = spots.intensity[:, :count] * np.exp(scatter * random.normal(size=(1, count)))
    order = np.argsort(-intensity[0])
    return MeasuredPattern(
        Peaks(
            position[:, order].astype(np.float32),
            intensity[:, order].astype(np.float32),
            np.array([count]),
            np.zeros((1, count), dtype=bool),
        )
    )


@pytest.mark.parametrize("name", ["quartz", "kyanite", "FePS3"])
def test_good_intensities_leave_the_truth_alone(name):
    crystal = load_crystal(name)
    indexed = solve(pattern_of(crystal, ORIENTATIONS[0]), crystal, PANEL, BAND_KEV).indexed
    assert misorientation_deg(indexed.orientation, ORIENTATIONS[0], crystal.rotations) < 0.1
    assert indexed.ambiguous == ()


def test_where_intensities_say_nothing_the_turn_of_quartz_stands_beside_the_answer():
    crystal, undecided = load_crystal("quartz"), 0
    for u in ORIENTATIONS:
        indexed = solve(pattern_of(crystal, u, scatter=4.0, brightest=15), crystal, PANEL, BAND_KEV).indexed
        both = np.array([indexed.orientation, *indexed.ambiguous])
        assert misorientation_deg(both, u, crystal.rotations).min() < 0.3
        if len(both) == 2:
            undecided += 1
            turned = both[1] @ crystal.holohedry
            assert misorientation_deg(turned, both[0], crystal.rotations).min() < 0.3
    assert undecided >= 3


@pytest.mark.parametrize("share", [-0.04, pytest.param(0.03, marks=pytest.mark.slow)])
def test_a_wrong_distance_does_not_exchange_a_and_b(share):
    """Ca2RuO4's axes differ by 1.4 %: the wrong camera suits the wrong axes, but leaves residuals.

    An error of the other sign, and smaller, is slow.
    """
    crystal = load_crystal("Ca2RuO4")
    stated = PANEL.displaced(share * PANEL.distance_mm * PANEL.normal, np.zeros(3))
    for u in ORIENTATIONS[:4]:
        solved = solve(pattern_of(crystal, u), crystal, stated, BAND_KEV, known=IN_WORDS, search_camera=True)
        every = np.array([solved.indexed.orientation, *solved.indexed.ambiguous])
        assert misorientation_deg(every, u, crystal.rotations).min() < 0.5
        assert solved.indexed.residual_px < 0.6


def test_student_likelihood_is_that_of_the_distribution_and_damps_strangers():
    values = np.random.default_rng(2).standard_t(4.0, 4000) * 0.5 + 1.7
    columns, weight = np.ones((4000, 1)), np.ones(4000)
    expected = t.logpdf(values, 4.0, 1.7, 0.5).sum() - 4000 * t.logpdf(0.0, 4.0)
    # the constant of the density is left out: it is the same for every alternative
    assert student_log_likelihood(values, columns, weight) == pytest.approx(expected, abs=3.0)
    spoilt = values.copy()
    spoilt[:40] = 50.0
    lost = student_log_likelihood(values, columns, weight) - student_log_likelihood(spoilt, columns, weight)
    assert lost < 40 * 20.0
