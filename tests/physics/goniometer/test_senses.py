"""The words for the sense of + agree with what the goniometer does, and an orientation's error goes where it must."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.goniometer import goniometer, goniometer_names, sense_words, turn_uncertainty
from beamgym.physics.goniometer.targets import pose_target
from beamgym.physics.goniometer.turns import turns_to_target
from beamgym.physics.orientation import rotation_matrix

EYES = {
    "seen from above": np.array([0.0, 0.0, 1.0]),
    "looking along the beam": np.array([-1.0, 0.0, 0.0]),
    "seen from the left of the beam": np.array([0.0, 1.0, 0.0]),
}


@pytest.mark.parametrize("name", goniometer_names())
def test_a_mark_on_the_sample_goes_round_as_the_words_say(name):
    """Move each axis by 5° and watch a point with the eye where the words put it."""
    head = goniometer(name)
    home = np.zeros(len(head.axes))
    for index, axis in enumerate(head.axes):
        words = sense_words(axis)
        sight = next((eye for place, eye in EYES.items() if place in words), None)
        if sight is None:
            assert "right-handed about" in words
            continue
        across = np.roll(sight, 1)
        moved = home.copy()
        moved[index] = axis.zero + 5.0
        home[index] = axis.zero
        carried = head.rotation(moved) @ head.rotation(home).T @ across
        # seen by an eye out there, a point that moves towards sight × across moves counter-clockwise
        counter = float(carried @ np.cross(sight, across)) > 0.0
        assert ("counter-clockwise" in words) == counter, (axis.name, words)


def test_an_error_about_an_axis_is_that_axis_error():
    head = goniometer("two-arc")
    np.testing.assert_allclose(turn_uncertainty(head, head.home(), [0.1, 0.2, 0.3]), [0.3, 0.1, 0.2], atol=1e-9)


def test_turns_scatter_by_the_stated_uncertainty():
    head, target = goniometer("e4cv"), pose_target(load_crystal("Bi2Se3"))
    u = rotation_matrix(np.array([30.0, -20.0, 40.0])) @ target.orientations[0]
    rng, deviation = np.random.default_rng(2), np.array([0.02, 0.05, 0.03])
    way = turns_to_target(head, target, u)
    goal = np.array([axis.goal for axis in way.axes])
    goals = []
    for vector in rng.normal(size=(400, 3)) * deviation:
        other = turns_to_target(head, target, rotation_matrix(vector) @ u)
        goals.append([axis.goal for axis in other.axes])
    stated = turn_uncertainty(head, goal, deviation, head.rotation(goal))
    np.testing.assert_allclose((np.array(goals) - goal).std(axis=0), stated, rtol=0.12)  # 400 draws: 3.5 % each


def test_an_error_about_a_slanted_axis_is_shared_by_the_axes_that_make_it():
    head, slanted = goniometer("two-arc"), np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(turn_uncertainty(head, head.home(), np.diag(slanted**2)), [0.3, 0.1, 0.2], atol=1e-9)
    turned = rotation_matrix(np.array([0.0, 0.0, 90.0]))  # takes x to y, and y to -x
    shared = turn_uncertainty(head, head.home(), np.outer(slanted, slanted), turned)
    np.testing.assert_allclose(shared, [0.3, 0.2, 0.1], atol=1e-9)


def test_axes_that_the_inverse_holds_have_no_uncertainty():
    head = goniometer("psic")
    assert turn_uncertainty(head, head.home(), [0.1, 0.1, 0.1])[head.names.index("mu")] == 0.0
