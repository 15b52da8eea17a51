"""What an instrument may have that nobody said: another distance, another cell, a second grain."""

from dataclasses import replace

import numpy as np
import pytest
from seen_frames import TURNS, estimator, shot, world

from beamgym.physics.laue.estimation import Track
from beamgym.physics.laue.estimation.grains import Grain, grain, without
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.orientation import misorientation_deg

FAR_TURNS = tuple(tuple(2.5 * value for value in turn) for turn in TURNS)
FEW_FALSE = {"missing_fraction": 0.2, "false_spots": 5.0, "detector_shift_mm": 0.3, "detector_tilt_deg": 0.2}


def followed(level, seed, crystal="Si", frames=3):
    """Return the truth of a made instrument, and what is known after some frames of it."""
    made, known = world(Imperfections(**level), seed, crystal), estimator(crystal)
    track = Track()
    for target in (None, *TURNS)[:frames]:
        track = known.seen(track, shot(made, target))
    return made.truth(), known, track


def off_deg(truth, known, track, name="orientation"):
    orientation = known.adjustment.orientations(track.best, track.shots)[-1]
    return float(misorientation_deg(orientation, truth[name][0], known.crystal.rotations))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_camera_far_from_where_it_is_said_to_stand_is_found(seed):
    truth, known, track = followed({**FEW_FALSE, "distance_range_mm": 20.0}, seed)
    assert off_deg(truth, known, track) < 0.15
    centre = known.detector.shape[0] // 2
    vector = truth["detector"][0]
    away = vector[:3] + centre * known.detector.pixel_mm * (vector[3:6] + vector[6:])
    placed = known.adjustment.setup.panel(track.best.values).centre
    assert np.linalg.norm(placed) == pytest.approx(np.linalg.norm(away), abs=0.5)


@pytest.mark.parametrize("twist_deg", [0.5, 2.0])
def test_a_camera_turned_about_the_beam_is_no_turn_of_the_crystal(twist_deg):
    made, known, track = world(Imperfections(**FEW_FALSE), 9), estimator(), Track()
    middle = 0.5 * (np.array(known.detector.shape[::-1]) - 1)
    turn = np.radians(twist_deg) * np.array([[0.0, -1.0], [1.0, 0.0]])
    for target in (None, *FAR_TURNS):
        seen = shot(made, target)
        turned = (seen.position_px - middle) @ (np.eye(2) + turn + 0.5 * turn @ turn).T + middle
        track = known.seen(track, replace(seen, position_px=turned))
    assert off_deg(made.truth(), known, track) < 0.15


@pytest.mark.parametrize("crystal", ["La2-xSrxCuO4", "quartz"])
def test_another_axial_ratio_is_fitted(crystal):
    truth, known, track = followed({**FEW_FALSE, "axial_ratio_fraction": 0.03}, 9, crystal)
    assert off_deg(truth, known, track) < 0.15
    nominal, true = np.linalg.inv(known.crystal.b_matrix), np.linalg.inv(truth["b_matrix"][0])
    ratio = (np.linalg.norm(true[2]) / np.linalg.norm(true[0])) / (
        np.linalg.norm(nominal[2]) / np.linalg.norm(nominal[0])
    )
    strain = known.adjustment.strain(track.best, track.shots)
    assert abs(ratio - 1.0) > 0.002
    assert strain[0, 0] / strain[2, 2] == pytest.approx(ratio, abs=0.002)


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_of_two_grains_the_larger_one_is_the_crystal(seed):
    truth, known, track = followed({**FEW_FALSE, "second_grain": 0.7}, seed)
    assert off_deg(truth, known, track) < 0.15
    assert len(track.fits) == 2
    orientation = known.adjustment.orientations(track.fits[1], track.shots)[-1]
    assert misorientation_deg(orientation, truth["second_orientation"][0], known.crystal.rotations) < 0.3
    first, second = (grain(known.adjustment, each, track.shots) for each in track.fits)
    assert first.shared(second) < 0.3
    assert first.larger(second) > 0.0
    left = without(track.shots, first)
    assert all(len(one.position_px) < len(all_.position_px) for one, all_ in zip(left, track.shots, strict=True))


def test_a_fit_on_a_few_bright_spots_is_not_the_larger_grain():
    """Where many starts were tried, chance reaches a merit of 20 on spots that are brighter than the crystal's."""
    _, known, track = followed({**FEW_FALSE, "second_grain": 0.7}, 5, frames=2)
    larger, smaller = track.fits
    best, clear, chance = 70.0, 30.0, 20.0
    for merit, first in ((clear, larger), (chance, smaller)):
        again = known._largest(replace(track, fits=(smaller, larger), merits=(best, merit), open=False))
        assert again.fits[0] is first


def test_a_frame_by_chance_does_not_pass_for_the_crystal():
    rng = np.random.default_rng(3)
    known, track = estimator(), Track()
    made = world(Imperfections(**FEW_FALSE), 8)
    for target in (None, *TURNS):
        seen = shot(made, target)
        place = rng.uniform(0.0, 511.0, seen.position_px.shape)
        track = known.seen(track, replace(seen, position_px=place))
        assert track.best is None


def explains(spots, logs):
    """Return a grain by which spots it explains (p,) and their ln(measured / expected) (p,)."""
    spots = np.array(spots, dtype=np.bool_)
    return Grain((spots,), 0.0, (np.where(spots, logs, np.nan),))


def test_twins_are_compared_by_the_spots_that_only_one_of_them_explains():
    shared, one, other = [True] * 8 + [False] * 8, [True] * 4 + [False] * 4, [False] * 4 + [True] * 4
    large = np.array([1.0, 1.1, 0.9, 1.0, 0.2, 0.3, 0.1, 0.2])
    first = explains([*shared[:8], *one], [3.0] * 8 + list(large))
    second = explains([*shared[:8], *other], [0.0] * 8 + list(large))
    assert first.shared(second) == pytest.approx(8 / 12)
    assert first.larger(second) > 2.6
    assert second.larger(first) < -2.6


def test_too_few_spots_of_ones_own_do_not_tell_which_of_two_grains_is_larger():
    first = explains([True] * 8 + [True] * 3 + [False] * 3, [1.0] * 14)
    second = explains([True] * 8 + [False] * 3 + [True] * 3, [-1.0] * 14)
    assert first.larger(second) == 0.0
