"""A distance that a ruler measured badly is found from the peaks of a known crystal; a strange crystal finds none."""

import contextlib

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import Indexer, IndexingFailed, MeasuredPattern, find_camera, solve
from beamgym.physics.laue.indexing.camera_search import cameras_about
from beamgym.physics.laue.indexing.joint_fit import Camera
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import misorientation_deg, random_orientations

STATED = Detector.back_reflection(45.0, (600, 600), 0.2)
BAND = (5.0, 30.0)


def taken(name, true, seed, count=50):
    """The brightest spots of a crystal in a random orientation, as measured on the true panel."""
    crystal = load_crystal(name)
    orientation = random_orientations(np.array([seed], dtype=np.uint64))[0]
    spots = LaueModel(crystal, Beam.tube("W", 30.0), true, brightest=count).spots(orientation)
    found = int(spots.count[0])
    noise = np.random.default_rng(seed).normal(0.0, 0.2, (1, found, 2)).astype(np.float32)
    peaks = Peaks(
        position_px=spots.position_px[:, :found] + noise,
        intensity=spots.intensity[:, :found],
        count=spots.count,
        saturated=np.zeros((1, found), dtype=bool),
    )
    return crystal, orientation, MeasuredPattern(peaks)


def moved(away_mm, along_mm=0.0, down_mm=0.0):
    return STATED.displaced(away_mm * STATED.normal + along_mm * STATED.fast + down_mm * STATED.slow, np.zeros(3))


@pytest.mark.parametrize(("name", "away_mm", "seed"), [("Si", 3.2, 1), ("Al2O3", -3.0, 2), ("SrTiO3", 2.6, 5)])
def test_a_distance_seven_per_cent_off_is_found_to_a_tenth_of_a_millimetre(name, away_mm, seed):
    true = moved(away_mm, 0.5, -0.4)
    crystal, orientation, pattern = taken(name, true, seed)
    with contextlib.suppress(IndexingFailed):
        assert solve(pattern, crystal, STATED, BAND).warnings
    solved = solve(pattern, crystal, STATED, BAND, search_camera=True)
    assert misorientation_deg(solved.indexed.orientation, orientation, crystal.rotations) < 0.3
    assert solved.detector.distance_mm == pytest.approx(true.distance_mm, abs=0.1)
    assert solved.indexed.residual_px < 0.6


def test_a_camera_that_is_as_stated_is_the_first_that_is_tried():
    crystal, orientation, pattern = taken("Si", STATED, 4)
    calls = []
    solved = solve(pattern, crystal, STATED, BAND, search_camera=True, progress=lambda *counts: calls.append(counts))
    assert [tried for tried, _ in calls] == [1]
    assert misorientation_deg(solved.indexed.orientation, orientation, crystal.rotations) < 0.1


def test_peaks_that_are_no_pattern_find_no_camera():
    rng = np.random.default_rng(7)
    crystal, position, intensity = load_crystal("Si"), rng.uniform(0.0, 599.0, (40, 2)), rng.uniform(1.0, 9.0, 40)
    steps = []
    found = find_camera(
        Indexer(crystal, BAND),
        STATED,
        position,
        intensity,
        centre_mm=0.0,
        progress=lambda *counts: steps.append(counts),
    )
    assert found is None or not found.sure
    assert steps[-1][0] == steps[-1][1]


def test_the_cameras_begin_with_the_stated_one_and_reach_as_far_as_asked():
    cameras = list(cameras_about(STATED, 0.1, 1.2))
    assert np.allclose(cameras[0], 0.0)
    distances = [Camera(STATED, moved).detector.distance_mm for moved in cameras]
    assert min(distances) == pytest.approx(0.9 * STATED.distance_mm)
    assert max(distances) == pytest.approx(1.1 * STATED.distance_mm)
