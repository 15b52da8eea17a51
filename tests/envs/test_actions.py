"""The cube law between actions and rotations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from beamgym.envs.actions import decode_rotation, decode_steps, encode_rotation

UNIT = arrays(np.float64, (4, 3), elements=st.floats(-0.57, 0.57))
LARGEST = st.floats(1.0, 180.0)


@given(UNIT, LARGEST)
@settings(max_examples=60)
def test_what_is_encoded_is_decoded_again(action, largest):
    vector = decode_rotation(action, largest)
    np.testing.assert_allclose(decode_rotation(encode_rotation(vector, largest), largest), vector, atol=1e-9)


@given(arrays(np.float64, (4, 3), elements=st.floats(-1, 1)), LARGEST)
@settings(max_examples=60)
def test_no_action_turns_further_than_the_largest_rotation_and_all_turn_about_their_own_direction(action, largest):
    vector = decode_rotation(action, largest)
    angle = np.linalg.norm(vector, axis=1)
    length = np.minimum(np.linalg.norm(action, axis=1), 1.0)
    np.testing.assert_allclose(angle, largest * length**3, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.cross(vector, action), 0.0, atol=1e-9)
    assert ((vector * action).sum(axis=1) >= 0).all()


def test_a_tenth_of_an_action_is_a_thousandth_of_the_rotation():
    np.testing.assert_allclose(
        decode_rotation(np.array([[0.1, 0, 0], [0, 0, -1.0]]), 90.0), [[0.09, 0, 0], [0, 0, -90]]
    )


def test_rotations_beyond_the_largest_become_full_actions():
    action = encode_rotation(np.array([[0.0, 170.0, 0.0], [0.0, 0.0, 0.0]]), 90.0)
    np.testing.assert_allclose(action, [[0, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize("share", [-1.0, -0.5, 0.0, 0.5, 1.0])
def test_steps_of_the_axes_follow_the_same_law(share):
    np.testing.assert_allclose(decode_steps(np.array([[share, 0.0]]), np.array([90.0, 10.0])), [[90 * share**3, 0.0]])
