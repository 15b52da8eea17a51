"""The way from a measured orientation to a target: the turns of the axes arrive, or regluing does."""

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.goniometer import goniometer, turns_to_target
from beamgym.physics.goniometer.targets import pose_target
from beamgym.physics.orientation import random_orientations, rotation_matrix

SILICON = load_crystal("Si")
POSE = pose_target(SILICON)


def tilted(degrees, seed=1):
    """An orientation this far from the target's first goal."""
    vector = random_orientations(make_keys(seed, np.arange(1)))[0] @ np.array([degrees, 0.0, 0.0])
    return rotation_matrix(vector) @ POSE.orientations[0]


def test_the_turns_arrive_from_where_the_axes_stand():
    head, u = goniometer("two-arc"), tilted(8.0)
    here = np.array([2.0, -3.0, 1.0])
    way = turns_to_target(head, POSE, u, here)
    assert way.reachable
    assert way.error_deg == pytest.approx(8.0, abs=1e-6)
    np.testing.assert_allclose([axis.now for axis in way.axes], here)
    np.testing.assert_allclose([axis.now + axis.turn for axis in way.axes], [axis.goal for axis in way.axes])
    arrived = head.rotation(np.array([axis.goal for axis in way.axes])) @ way.mount
    assert POSE.error_deg(arrived[None])[0] < 1e-3
    np.testing.assert_allclose(head.rotation(here) @ way.mount, u, atol=1e-12)


def test_where_no_axis_reaches_regluing_does():
    head, u = goniometer("two-arc"), tilted(44.0, seed=4)
    way = turns_to_target(head, POSE, u)
    assert not way.reachable
    assert way.axes == ()
    assert "its limits are -20 to 20" in way.because
    turn = rotation_matrix(way.remount.axis_lab * way.remount.angle_deg)
    assert POSE.error_deg((turn @ u)[None])[0] < 1e-6


def test_axes_carry_their_unit_and_wrong_positions_are_refused():
    head = goniometer("two-arc")
    assert {axis.unit for axis in turns_to_target(head, POSE, tilted(3.0)).axes} == {"deg"}
    with pytest.raises(ValueError, match="outside its limits"):
        turns_to_target(head, POSE, tilted(3.0), [0.0, 99.0, 0.0])
    with pytest.raises(ValueError, match="not a rotation"):
        turns_to_target(head, POSE, 2.0 * np.eye(3))
