"""The manipulator: where the beam meets the sample, and the poses that keep it there."""

import numpy as np
import pytest

from beamgym.physics.arpes.aligning import Carried, followed, pose_rotation, refocused

POSE = np.array([0.3, -0.2, 0.1, 4.0, -6.0, 25.0])


def site(pose):
    place, height = Carried.nominal(1).hit(pose[None])
    return place[0], height[0]


def test_the_rotation_is_polar_then_tilt_then_azimuth():
    turn = pose_rotation(POSE)
    assert np.allclose(turn @ turn.T, np.eye(3))
    # azimuth turns about the normal that polar and tilt have laid
    other = pose_rotation(POSE + np.array([0, 0, 0, 0, 0, 30.0]))
    assert np.allclose(turn[:, 2], other[:, 2])
    assert np.degrees(np.arcsin(turn[1, 2])) == pytest.approx(6.0)  # tilt -6: the normal rises towards +y


def test_at_zero_angles_the_beam_hits_what_the_stage_has_moved_away_from():
    place, height = site(np.array([0.3, -0.2, 0.0, 0.0, 0.0, 0.0]))
    assert np.allclose(place, [-0.3, 0.2])
    assert height == pytest.approx(0.0)


def test_a_followed_turn_keeps_site_and_height_by_the_nominal_geometry():
    begin, height = site(POSE)
    after, there = site(followed(POSE, np.array([-3.0, 2.0, -40.0])))
    assert np.allclose(begin, after, atol=1e-12)
    assert there == pytest.approx(height)


def test_height_and_x_are_coupled_by_the_light_at_45_degrees():
    flat = np.zeros(6)
    assert np.allclose(site(refocused(flat, 0.2))[0], site(flat)[0])
    assert site(refocused(flat, 0.2))[1] == pytest.approx(0.2)
    up = flat + np.array([0, 0, 0.2, 0, 0, 0])
    assert site(up)[0][0] == pytest.approx(0.2)


def test_a_sample_beside_the_crossing_of_the_axes_moves_when_it_is_turned():
    off = Carried(np.eye(3)[None], np.zeros((1, 3)), np.array([[0.2, 0.0, 0.0]]), np.zeros((1, 2)))
    begin = off.hit(np.zeros((1, 6)))[0][0]
    turned = np.array([[0, 0, 0, 0, 0, 30.0]])
    assert np.linalg.norm(off.hit(turned)[0][0] - begin) == pytest.approx(0.0, abs=1e-12)  # in its own frame it stands
    height = off.hit(np.array([[0, 0, 0, 10.0, 0, 0]]))[1][0]
    assert abs(height) < 0.2
    lifted = Carried(np.eye(3)[None], np.zeros((1, 3)), np.array([[0.0, 0.0, 0.2]]), np.zeros((1, 2)))
    moved = lifted.hit(np.array([[0, 0, 0, 10.0, 0, 0]]))[0][0] - lifted.hit(np.zeros((1, 6)))[0][0]
    assert np.linalg.norm(moved) > 0.01
