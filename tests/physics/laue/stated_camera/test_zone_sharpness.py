"""Where a camera stands follows from the peaks alone: zones are sharp there, whatever the crystal."""

from itertools import combinations

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.laue.stated_camera import beam_point_px, sharpest_cameras, zone_sharpness
from beamgym.physics.laue.stated_camera.kernels import coplanar_triples
from beamgym.physics.orientation import random_orientations

STATED = Detector.back_reflection(40.0, (600, 600), 0.2)


def taken(name, true, seed, brightest=50):
    """Positions and intensities of the brightest spots of a crystal, found to 0.1 px."""
    orientation = random_orientations(np.array([seed], dtype=np.uint64))[0]
    spots = LaueModel(load_crystal(name), Beam.tube("W", 30.0), true, brightest=brightest).spots(orientation)
    count = int(spots.count[0])
    noise = np.random.default_rng(seed).normal(0.0, 0.1, (count, 2))
    return spots.position_px[0, :count] + noise, spots.intensity[0, :count]


def moved(along, down, away, panel=STATED):
    return panel.displaced(along * panel.fast + down * panel.slow + away * panel.normal, np.zeros(3))


def test_triples_are_counted_as_the_formula_says():
    rng = np.random.default_rng(1)
    normals = rng.normal(size=(9, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    variance = rng.uniform(0.01, 0.03, 9)
    expected = 0.0
    for i, j, k in combinations(range(9), 3):
        n, v = normals[[i, j, k]], variance[[i, j, k]]
        across = [np.cross(n[1], n[2]), np.cross(n[0], n[2]), np.cross(n[0], n[1])]
        spread = sum(v[m] * across[m] @ across[m] for m in range(3))
        exponent = 0.5 * np.linalg.det(n) ** 2 / spread / 4.0
        expected += np.exp(-exponent) if exponent < 12.0 else 0.0
    assert coplanar_triples(normals, variance, 2.0) == pytest.approx(expected, rel=1e-12)


def test_the_error_of_a_triple_is_that_of_its_peaks():
    """Normals of three peaks of a zone, each moved at random, leave its plane as far as is stated."""
    true = moved(0.0, 0.0, 0.0)
    axis = np.array([0.3, 0.5, 0.8])
    position = true.to_pixel(np.array([_on_zone(axis, angle) for angle in (-0.3, 0.1, 0.35)]))[0]
    rng = np.random.default_rng(3)
    sharpness = [zone_sharpness(position + rng.normal(0.0, 0.3, (3, 2)), true) for _ in range(2000)]
    # the mean of exp(-z²/2) over a normal z of unit width is the square root of a half
    assert np.mean(sharpness) == pytest.approx(np.sqrt(0.5), abs=0.02)


def _on_zone(axis, angle):
    """The diffracted ray of a plane whose normal is perpendicular to the axis."""
    axis = axis / np.linalg.norm(axis)
    first = np.array([-1.0, 0.0, 0.0]) + axis[0] * axis
    first = first / np.linalg.norm(first)
    normal = np.cos(angle) * first + np.sin(angle) * np.cross(axis, first)
    return np.array([1.0, 0.0, 0.0]) - 2.0 * normal[0] * normal


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("Si", (0.4, -0.6, 3.2)),
        ("quartz", (-0.9, 0.2, -2.9)),
        ("Bi2Se3", (0.0, 0.8, 1.5)),
        ("kyanite", (0.3, 0.3, -3.5)),
    ],
)
def test_distance_and_centre_follow_from_the_peaks_of_any_crystal(name, place):
    true = moved(*place)
    position, intensity = taken(name, true, 3)
    found = sharpest_cameras(position, intensity, STATED)[0]
    assert found.detector.distance_mm == pytest.approx(true.distance_mm, rel=0.01)
    centre_mm = STATED.pixel_mm * (beam_point_px(found.detector) - beam_point_px(true))
    np.testing.assert_allclose(centre_mm, 0.0, atol=0.25)
    assert found.clear
    assert found.share == pytest.approx(found.sharpness / 9880)
    assert found.sharpness > 1.2 * zone_sharpness(position[np.argsort(-intensity)[:40]], STATED, 1.5)


def test_cameras_are_distinct_the_sharpest_first_and_within_the_range():
    position, intensity = taken("Si", moved(0.5, 0.0, -3.0), 4)
    found = sharpest_cameras(position, intensity, STATED, distance_share=0.02, centre_mm=0.5, most=4)
    sharpness = [one.sharpness for one in found]
    assert sharpness == sorted(sharpness, reverse=True)
    assert all(abs(one.detector.distance_mm - 40.0) < 1.4 for one in found)
    for one in found:
        np.testing.assert_allclose(one.detector.fast, STATED.fast)


def test_random_peaks_make_no_clear_zones():
    rng = np.random.default_rng(6)
    assert not sharpest_cameras(rng.uniform(0.0, 599.0, (40, 2)), rng.uniform(1.0, 9.0, 40), STATED)[0].clear


def test_one_peak_listed_three_times_makes_no_zone():
    panel = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)
    position = np.random.default_rng(2).uniform(10.0, 500.0, (1, 2))
    thrice = np.repeat(position, 3, axis=0)
    assert zone_sharpness(thrice, panel) == 0.0
    others = np.random.default_rng(3).uniform(10.0, 500.0, (9, 2))
    listed = np.concatenate([others, thrice])
    assert np.isfinite(zone_sharpness(listed, panel))
    assert all(np.isfinite(each.sharpness) for each in sharpest_cameras(listed, np.ones(12), panel))


@pytest.mark.parametrize(("count", "seed"), [(3, 24), (4, 2), (5, 12)])
def test_a_few_peaks_on_a_small_panel_lead_no_camera_through_the_sample(count, seed):
    panel = Detector.back_reflection(shape=(60, 60), pixel_mm=0.32)
    position = np.random.default_rng(seed).uniform(0.0, 59.0, (count, 2))
    cameras = sharpest_cameras(position, np.ones(count), panel, distance_share=0.3, centre_mm=3.0)
    assert cameras
    assert all(0.5 < each.detector.distance_mm / panel.distance_mm < 1.6 for each in cameras)


def test_two_peaks_make_no_zone():
    assert sharpest_cameras(np.zeros((2, 2)), np.ones(2), STATED) == ()


def test_wrong_shapes_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"\(p, 2\) and \(p,\)"):
        sharpest_cameras(np.zeros((5, 3)), np.ones(5), STATED)
