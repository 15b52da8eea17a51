"""Pictures of cylindrical plates that another program drew: indexed with the plate stated, and with it hardly known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from strange_plate import plate_picture

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.indexing import (
    CYLINDER,
    IndexingFailed,
    check_handedness,
    pattern_of,
    solve,
    solve_on_cylinder,
)
from beamgym.physics.laue.indexing.cylinder_search import holes_px
from beamgym.physics.laue.peaks import PlatePeakFinder
from beamgym.physics.laue.stated_camera import StatedCylinder, flipped, mirror_of
from beamgym.physics.laue.wavelengths import band_of_wavelengths
from beamgym.physics.orientation import misorientation_deg

BAND = band_of_wavelengths((0.8, 4.0))
BEAM_PX = (640.0, 210.0)


@pytest.fixture(scope="module")
def rock_salt():
    return load_crystal("NaCl", "neutron")


@pytest.fixture(scope="module")
def orientation():
    return Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()


@pytest.fixture(scope="module")
def pattern(orientation):
    return pattern_of(plate_picture(orientation, 1), PlatePeakFinder())


def error_deg(found, truth, crystal):
    return float(misorientation_deg(found.indexed.orientation, truth, crystal.rotations))


def test_a_stated_plate_gives_the_orientation_and_keeps_its_place(rock_salt, orientation, pattern):
    plate = StatedCylinder(160.0, 0.8, beam_px=BEAM_PX, seen_from="inside").detector(pattern.shape)
    found = solve(pattern, rock_salt, plate, BAND, known=CYLINDER)
    assert error_deg(found, orientation, rock_salt) < 0.06
    assert found.indexed.matched > 0.85 * pattern.count
    assert not found.warnings
    assert max(abs(change) for change in found.detector_change.values()) < 0.5


def test_a_plate_of_which_only_the_radius_is_known_is_found(rock_salt, orientation, pattern):
    plates = StatedCylinder(160.0, 0.8).detectors(pattern.shape)
    assert len(plates) == 2
    found = solve_on_cylinder(pattern, rock_salt, plates, BAND)
    assert error_deg(found, orientation, rock_salt) < 0.06
    assert found.detector.to_pixel([1.0, 0.0, 0.0])[0] == pytest.approx(BEAM_PX, abs=1.0)
    assert found.given in plates


def test_a_wrong_radius_is_refined(rock_salt, orientation, pattern):
    plate = StatedCylinder(161.0, 0.8, beam_px=BEAM_PX).detector(pattern.shape)
    found = solve(pattern, rock_salt, plate, BAND, known=CYLINDER)
    assert found.detector.radius_mm == pytest.approx(160.0, abs=0.15)
    assert error_deg(found, orientation, rock_salt) < 0.1


def test_another_crystal_is_not_found_on_any_plate(pattern):
    quartz = load_crystal("quartz", "neutron")
    plate = StatedCylinder(160.0, 0.8, beam_px=BEAM_PX).detector(pattern.shape)
    try:
        found = solve_on_cylinder(pattern, quartz, [plate], BAND, search=False)
    except IndexingFailed:
        return
    assert found.warnings


@pytest.mark.slow
def test_a_known_turn_tells_a_mirrored_picture(rock_salt, orientation):
    turn = Rotation.from_rotvec([0.0, 0.0, 15.0], degrees=True).as_matrix()
    plate = StatedCylinder(160.0, 0.8, beam_px=BEAM_PX, seen_from="inside").detector((450, 1250))
    for sense, verdict in ((1, "as stated"), (-1, "mirrored")):
        answers = []
        for step, u in enumerate((orientation, turn @ orientation)):
            seen = pattern_of(plate_picture(u, 10 + step, sense=sense), PlatePeakFinder())
            answers.append(solve(seen, rock_salt, plate, BAND, known=CYLINDER).indexed.orientation)
        check = check_handedness(answers[:1], answers[1:], turn, plate, rock_salt.rotations)
        assert check.verdict == verdict
        if verdict == "mirrored":
            # the mirrored plate is the one that a picture from outside is read on
            other = StatedCylinder(160.0, 0.8, beam_px=BEAM_PX, seen_from="outside").detector((450, 1250))
            assert flipped(plate, "horizontal").as_vector() == pytest.approx(other.as_vector(), abs=1e-9)
            assert np.linalg.det(mirror_of(plate, "horizontal")) == pytest.approx(-1.0)


def test_dark_holes_say_where_the_beam_may_be(pattern):
    places = np.array(holes_px(pattern, 0.8))
    assert np.linalg.norm(places - BEAM_PX, axis=1).min() < 2.0


@pytest.mark.slow
def test_a_picture_that_begins_anywhere_is_found_by_its_holes(rock_salt, orientation):
    seen = pattern_of(plate_picture(orientation, 5, beam_px=(217.0, 203.0)), PlatePeakFinder())
    plates = StatedCylinder(160.0, 0.8).detectors(seen.shape)
    found = solve_on_cylinder(seen, rock_salt, plates, BAND, anywhere=True)
    assert error_deg(found, orientation, rock_salt) < 0.06
    assert found.detector.to_pixel([1.0, 0.0, 0.0])[0] == pytest.approx((217.0, 203.0), abs=1.0)
