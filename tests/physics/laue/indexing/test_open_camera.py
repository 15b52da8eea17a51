"""Grains among mostly false peaks, by a camera whose distance is off by millimetres."""

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal
from beamgym.physics.goniometer import goniometer
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import Indexer, grain_near, grains_at_distances
from beamgym.physics.laue.simulator import SimulatedLaue
from beamgym.physics.orientation import misorientation_deg

KNOWN = (0.5, 0.5, 6.0, 0.3, 0.3)


@pytest.fixture(scope="module")
def shown():
    """Two silicon samples at the level harsh: indexer, nominal camera, peaks and truth."""
    crystal, beam = load_crystal("Si"), Beam.tube("W").at_normal_incidence()
    detector = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)
    world = SimulatedLaue(crystal, goniometer("six-axis"), beam, detector, 2, "harsh")
    world.reset(make_keys([5001, 5002]), np.ones(2, bool))
    peaks = world.acquire(AcquireSettings(10.0), np.ones(2, bool)).peaks()
    lists = [(peaks.position_px[i, :m].astype(float), peaks.intensity[i, :m]) for i, m in enumerate(peaks.count)]
    return Indexer(crystal, beam.band_kev, beam=beam), detector, lists, world.truth()


def _off(indexer, found, truth, i):
    return float(misorientation_deg(found.orientation, truth["orientation"][i], indexer.crystal.rotations))


def test_the_larger_grain_and_its_camera_are_found_at_another_distance(shown):
    indexer, stated, lists, truth = shown
    for i, (position, intensity) in enumerate(lists):
        best = grains_at_distances(indexer, stated, position, intensity, KNOWN, 11.0)[0]
        assert best.merit > 7.0
        assert best.matched >= 9
        assert _off(indexer, best, truth, i) < 0.5
        panel = truth["detector"][i]
        distance = abs(float(panel[:3] @ np.cross(panel[3:6], panel[6:])))
        assert best.detector.distance_mm == pytest.approx(distance, abs=1.0)
        assert abs(distance - stated.distance_mm) > 1.0


def test_a_known_grain_is_found_again_and_a_wrong_orientation_has_little_merit(shown):
    indexer, stated, lists, truth = shown
    position, intensity = lists[0]
    panel = truth["detector"][0]
    camera = Detector(panel[:3], panel[3:6], panel[6:], stated.pixel_mm, stated.shape)
    known = (0.05, 0.05, 0.1, 0.03, 0.03)
    there = grain_near(indexer, camera, camera, position, intensity, truth["orientation"][0], known)
    assert there is not None
    assert there.merit > 10.0
    assert _off(indexer, there, truth, 0) < 0.1
    elsewhere = grain_near(indexer, camera, camera, position, intensity, np.eye(3), known)
    assert elsewhere is None or elsewhere.merit < 4.0


def test_without_peaks_nothing_is_found(shown):
    indexer, stated, _, _ = shown
    assert grains_at_distances(indexer, stated, np.zeros((0, 2)), np.zeros(0), KNOWN, 2.0) == ()
