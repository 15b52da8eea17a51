"""Two pictures with a known turn between them tell a mirrored camera from a true one; the physics is simulated."""

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.indexing import MeasuredPattern, check_handedness, solve
from beamgym.physics.laue.pattern.spots import LaueModel
from beamgym.physics.laue.stated_camera import StatedCamera
from beamgym.physics.orientation import misorientation_deg, random_orientations, rotation_matrix

VERTICAL, BEAM, LEFT = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
ORIENTATION = random_orientations(make_keys(5, np.arange(1)))[0]


def camera(place="back-reflection", **changes):
    words = {"place": place, "distance_mm": 40.0, "pixel_mm": 0.15, "shape": (700, 700), "center_px": (330.0, 370.0)}
    return StatedCamera(**{**words, **changes})


@pytest.fixture(scope="module", params=["Si", "Bi2Se3"])
def crystal(request):
    return load_crystal(request.param)


def indexed(crystal, true, stated, orientation):
    """What a picture taken by the true camera comes out as under the stated one."""
    spots = LaueModel(crystal, Beam.tube("W"), true, brightest=60).spots(orientation[None])
    count = spots.count.astype(np.int64)
    full = np.zeros(spots.intensity.shape, dtype=bool)
    peaks = Peaks(spots.position_px.astype(np.float32), spots.intensity.astype(np.float32), count, full)
    found = solve(MeasuredPattern(peaks), crystal, stated).indexed
    return [found.orientation, *found.ambiguous]


def checked(crystal, true, stated, vector_deg):
    turn = rotation_matrix(np.asarray(vector_deg))
    first = indexed(crystal, true, stated, ORIENTATION)
    second = indexed(crystal, true, stated, turn @ ORIENTATION)
    return check_handedness(first, second, turn, stated, crystal.rotations)


HANDS = [
    ("back-reflection", VERTICAL, "none", "as stated"),
    ("back-reflection", BEAM, "horizontal", "mirrored"),
    ("transmission", VERTICAL, "horizontal", "mirrored"),
    ("transmission", BEAM, "none", "as stated"),
    pytest.param("back-reflection", VERTICAL, "horizontal", "mirrored", marks=pytest.mark.slow),
    pytest.param("back-reflection", BEAM, "none", "as stated", marks=pytest.mark.slow),
    pytest.param("transmission", VERTICAL, "none", "as stated", marks=pytest.mark.slow),
    pytest.param("transmission", BEAM, "horizontal", "mirrored", marks=pytest.mark.slow),
]
"""Places, axes and flips; of any two each pair occurs among the first four."""


@pytest.mark.parametrize(("place", "axis", "flip", "verdict"), HANDS)
def test_a_known_turn_tells_the_hand(crystal, place, axis, flip, verdict):
    stated = camera(place).detector()
    answer = checked(crystal, camera(place, flip=flip).detector(), stated, 10.0 * axis)
    assert answer.verdict == verdict
    assert min(answer.hands[0].error_deg, answer.hands[1].error_deg) < 0.1
    # the other hand turns the other way about these axes
    assert max(answer.hands[0].error_deg, answer.hands[1].error_deg) == pytest.approx(20.0, abs=0.5)


def test_the_hand_that_agrees_is_a_geometry_under_which_the_orientation_is_right(crystal):
    stated, true = camera().detector(), camera(flip="horizontal").detector()
    answer = checked(crystal, true, stated, 10.0 * VERTICAL)
    mended = answer.agreeing[0].detector(stated)
    np.testing.assert_allclose(mended.as_vector(), true.as_vector(), atol=1e-9)
    found = indexed(crystal, true, mended, ORIENTATION)
    wrong = indexed(crystal, true, stated, ORIENTATION)
    assert min(misorientation_deg(u, ORIENTATION, crystal.rotations) for u in found) < 0.05
    assert min(misorientation_deg(u, ORIENTATION, crystal.rotations) for u in wrong) > 3.0


def test_a_panel_beside_the_sample_has_two_hands(crystal):
    stated = camera("side").detector()
    mirrored = checked(crystal, camera("side", flip="vertical").detector(), stated, 8.0 * LEFT)
    assert [hand.flip for hand in mirrored.hands] == ["none", "vertical"]
    assert mirrored.verdict == "mirrored"
    assert checked(crystal, stated, stated, 8.0 * LEFT).verdict == "as stated"


def test_a_turn_about_the_flips_own_axis_does_not_tell(crystal):
    stated = camera().detector()
    answer = checked(crystal, stated, stated, 10.0 * LEFT)
    assert answer.verdict == "undecided"
    assert "about the vertical" in answer.sentence


def test_a_picture_turned_by_a_quarter_is_noticed(crystal):
    stated = camera(center_px=(350.0, 350.0)).detector()
    true = camera(center_px=(350.0, 350.0), rotate_deg=90).detector()
    answer = checked(crystal, true, stated, 10.0 * VERTICAL)
    assert answer.verdict == "turned"
    assert ("none", 90) in [(hand.flip, hand.rotate_deg) for hand in answer.agreeing]
    same = answer.agreeing[[hand.rotate_deg for hand in answer.agreeing].index(90)].detector(stated)
    np.testing.assert_allclose(same.as_vector(), true.as_vector(), atol=1e-9)


def test_a_wrong_turn_agrees_with_neither(crystal):
    stated = camera().detector()
    first = indexed(crystal, stated, stated, ORIENTATION)
    second = indexed(crystal, stated, stated, rotation_matrix(np.array([6.0, 9.0, 3.0])) @ ORIENTATION)
    answer = check_handedness(first, second, rotation_matrix(17.0 * VERTICAL), stated, crystal.rotations)
    assert answer.verdict == "neither"
    assert np.linalg.norm(answer.seen_deg) == pytest.approx(np.sqrt(126.0), abs=0.1)


def test_an_orientation_is_needed_of_each():
    with pytest.raises(ValueError, match="index both"):
        check_handedness([], [np.eye(3)], np.eye(3), camera().detector(), np.eye(3)[None])
