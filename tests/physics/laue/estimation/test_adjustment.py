"""What is hidden in a simulated instrument comes back from its frames."""

from dataclasses import replace

import numpy as np
import pytest
from seen_frames import EXACT, HARD, TURNS, context, estimator, followed, stands_deg

from beamgym.physics.laue.imperfections import displaced_panels
from beamgym.physics.orientation import misorientation_deg


def layout_of(known):
    return estimator().adjustment.setup.layout(len(known.shots))


def test_of_an_exact_instrument_everything_is_found_exactly():
    made, known = followed(EXACT, 1)
    assert np.linalg.norm(stands_deg(made, known)) < 0.02
    group = context().crystal.rotations
    assert misorientation_deg(known.best.mount, made.truth()["mount"][0], group) < 0.02
    assert np.abs(known.best.values[layout_of(known).shift]).max() < 0.15


def test_a_camera_that_stands_elsewhere_is_found():
    made, known = followed(replace(EXACT, detector_shift_mm=0.6, detector_tilt_deg=0.4), 2)
    found = estimator().adjustment.setup.panel_vector(known.best.values)
    nominal = displaced_panels(context().detector, np.zeros((1, 5)))[0]
    truth = made.truth()["detector"][0]
    assert np.linalg.norm(truth[:3] - nominal[:3]) > 0.4
    # What the shift along an edge and a tilt do alike is known less well than what they do together.
    assert np.linalg.norm(stands_deg(made, known)) < 0.05
    off = found - truth
    assert np.abs(off[3:]).max() < 0.003
    assert np.linalg.norm(off[:3]) < 0.25


@pytest.mark.parametrize("play_deg", [0.0, 0.1, 0.3])
def test_the_play_of_the_axes_is_found(play_deg):
    _, known = followed(replace(EXACT, backlash_deg=play_deg), 3)
    assert known.best.values[layout_of(known).play] == pytest.approx(play_deg, abs=0.03)


def test_the_spots_own_scatter_is_estimated():
    _, known = followed(replace(EXACT, centroid_noise_mm=0.15), 4)
    assert known.best.spot_mm == pytest.approx(0.15, rel=0.2)


@pytest.mark.parametrize(("zero_deg", "low", "high"), [(0.0, 0.0, 0.2), (0.4, 0.7, 1.0)])
def test_the_frames_say_whether_the_axes_have_zero_errors(zero_deg, low, high):
    poor = [prior.zero_deg > 0.05 for prior in estimator().adjustment.priors]
    weights = []
    for seed in range(5, 11):
        _, known = followed(replace(HARD, zero_error_deg=zero_deg), seed, (*TURNS, tuple(-0.7 * np.array(TURNS[0]))))
        weights.append(sum(b.weight for b, is_poor in zip(known.best.beliefs, poor, strict=True) if is_poor))
        assert sum(b.weight for b in known.best.beliefs) == pytest.approx(1.0)
    assert low <= np.mean(weights) <= high


def test_a_frame_that_stands_elsewhere_than_the_axes_say_is_brought_in():
    made, known = followed(replace(HARD, zero_error_deg=1.0), 6, TURNS[:1])
    adjustment = estimator().adjustment
    assert adjustment.explained(known.best, 1) > 0.5
    assert np.linalg.norm(stands_deg(made, known)) < 0.4
