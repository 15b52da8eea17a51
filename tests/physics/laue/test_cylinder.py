"""Cylindrical plates: rays and pixels both ways, the flat panel as their limit, and what cannot be."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfections import displaced_panels

PLATE = CylinderDetector.around(160.0, (500, 1250), 0.8, beam_px=(301.5, 240.0), seen_from="outside")
MOVED = PLATE.displaced([3.0, 2.0, -1.0], [0.5, 1.0, -2.0])
RANDOM = np.random.default_rng(1)
PLACES = RANDOM.uniform([-0.5, -0.5], [1249.49, 499.49], (2000, 2))


@pytest.mark.parametrize("plate", [PLATE, MOVED])
def test_places_come_back_from_their_rays_to_a_millionth_of_a_millimetre(plate):
    back, hit = plate.to_pixel(plate.to_lab_mm(PLACES) * RANDOM.uniform(0.1, 9.0, (len(PLACES), 1)))
    assert hit.all()
    assert np.abs(back - PLACES).max() * plate.pixel_mm < 1e-6


def test_every_place_lies_at_the_radius_from_the_axis():
    away = MOVED.to_lab_mm(PLACES) - MOVED.pivot_mm
    away -= np.outer(away @ MOVED.slow, MOVED.slow)
    assert np.linalg.norm(away, axis=1) == pytest.approx(160.0, abs=1e-9)


def test_a_plate_about_the_sample_agrees_with_cylinder_coordinates():
    # azimuth from the beam to the left, height over the sample; columns of a picture seen from inside run to the right
    plate = CylinderDetector.around(200.0, (400, 1200), 1.0, beam_px=(599.5, 180.0))
    azimuth, height = RANDOM.uniform(-3.1, 3.1, 500) * 0.9, RANDOM.uniform(-190.0, 150.0, 500)
    ray = np.stack([200.0 * np.cos(azimuth), 200.0 * np.sin(azimuth), height], axis=1)
    place, _ = plate.to_pixel(ray)
    assert place[:, 0] == pytest.approx(599.5 - 200.0 * azimuth, abs=1e-9)
    assert place[:, 1] == pytest.approx(180.0 - height, abs=1e-9)


@pytest.mark.parametrize("panel", [Detector.transmission(), Detector.back_reflection(), Detector.side()])
def test_a_cylinder_of_a_large_radius_is_the_flat_panel_that_touches_it(panel):
    place = RANDOM.uniform(0.0, 2047.0, (500, 2))
    ray = panel.to_lab_mm(place)
    for radius, most in ((1e6, 5e-3), (1e12, 1e-7)):
        bent = CylinderDetector(panel.origin_mm, panel.fast, panel.slow, panel.pixel_mm, panel.shape, radius_mm=radius)
        assert np.abs(bent.to_lab_mm(place) - ray).max() < most
        assert np.abs(bent.to_pixel(ray)[0] - place).max() * panel.pixel_mm < most
        assert bent.facing_mm(place) == pytest.approx(panel.facing_mm(place), abs=most)


def test_a_row_is_the_same_place_one_turn_further_and_differences_go_the_shorter_way():
    further = PLACES + np.array([PLATE.period_px, 0.0])
    assert PLATE.to_lab_mm(further) == pytest.approx(PLATE.to_lab_mm(PLACES), abs=1e-9)
    assert np.abs(PLATE.difference_px(further, PLACES)).max() < 1e-9
    assert PLATE.difference_px([1249.0, 3.0], [1.0, 3.0])[0] == pytest.approx(1248.0 - PLATE.period_px)


def test_distances_to_the_touching_plane_are_those_of_its_normal():
    step = np.array([1e-4, 0.0])
    along = MOVED.to_lab_mm(PLACES + step) - MOVED.to_lab_mm(PLACES - step)
    normal = np.cross(along, MOVED.slow)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    distance = np.abs(np.einsum("ij,ij->i", normal, MOVED.to_lab_mm(PLACES)))
    assert MOVED.facing_mm(PLACES) == pytest.approx(distance, abs=1e-4)


def test_the_range_of_scattering_angles_is_that_of_all_pixels():
    plate = CylinderDetector.around(160.0, (300, 500), 0.8, beam_px=(-300.0, 20.0))
    rows, columns = np.mgrid[-0.5:299.5:121j, -0.5:499.5:201j]
    ray = plate.directions(np.stack([columns, rows], axis=-1))
    sines = np.sqrt(0.5 * (1.0 - ray[..., 0]))
    assert plate.sin_theta_range() == pytest.approx((sines.min(), sines.max()), abs=1e-5)
    assert PLATE.sin_theta_range()[0] == 0.0


def test_binned_pixels_lie_in_the_middle_of_those_they_are_made_of():
    assert MOVED.binned(2).to_lab_mm([7.0, 9.0]) == pytest.approx(MOVED.to_lab_mm([14.5, 18.5]), abs=1e-9)


def test_a_plate_is_turned_about_its_axis_as_levels_turn_it():
    amounts = np.array([[0.3, -0.2, 0.1, 0.4, -0.7]])
    (vector,) = displaced_panels(PLATE, amounts)
    turned = PLATE.placed(vector[:3], vector[3:6], vector[6:])
    normal = np.cross(PLATE.fast, PLATE.slow)
    shift = 0.3 * PLATE.fast - 0.2 * PLATE.slow + 0.1 * normal
    assert turned.pivot_mm == pytest.approx(PLATE.pivot_mm + shift, abs=1e-9)
    turn = Rotation.from_rotvec(0.4 * PLATE.fast - 0.7 * PLATE.slow, degrees=True)
    assert turned.slow == pytest.approx(turn.as_matrix() @ PLATE.slow, abs=1e-12)


def test_another_radius_keeps_the_axis():
    wider = MOVED.with_radius(170.0)
    assert wider.pivot_mm == pytest.approx(MOVED.pivot_mm, abs=1e-9)
    assert wider.radius_mm == 170.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"radius_mm": -1.0}, "radius_mm must be"),
        ({"radius_mm": 60.0, "pixel_mm": 0.1}, "lies outside a cylinder"),
        ({"pixel_mm": 0.9}, "circumference"),
    ],
)
def test_a_plate_that_cannot_be_is_refused(changes, said):
    given = {"radius_mm": 160.0, "pixel_mm": 0.8} | changes
    with pytest.raises(ValueError, match=said):
        CylinderDetector(
            PLATE.origin_mm, PLATE.fast, PLATE.slow, given["pixel_mm"], (500, 1250), radius_mm=given["radius_mm"]
        )


def test_an_axis_along_the_beam_and_unknown_words_are_refused():
    with pytest.raises(ValueError, match="across the beam"):
        CylinderDetector.around(axis=(1.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="inside"):
        CylinderDetector.around(seen_from="above")
