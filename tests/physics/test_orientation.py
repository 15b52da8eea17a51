"""Rotations: against scipy, against closed forms, and independent of the batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.stats import kstest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.orientation import (
    check_rotation,
    misorientation_deg,
    nearest_equivalent,
    nearest_rotation,
    random_orientations,
    rotation_matrix,
    rotation_vector_deg,
)

CUBIC = Rotation.create_group("O").as_matrix()
IDENTITY = np.eye(3)[None]
coordinate = st.floats(-100.0, 100.0)
vectors = st.tuples(coordinate, coordinate, coordinate).map(np.array)


def orientations(seed: int, count: int) -> np.ndarray:
    return random_orientations(make_keys(seed, np.arange(count)))


def test_a_rotation_about_z_is_active_and_right_handed():
    turned = rotation_matrix([0.0, 0.0, 90.0]) @ [1.0, 0.0, 0.0]
    np.testing.assert_allclose(turned, [0.0, 1.0, 0.0], atol=1e-15)


@settings(deadline=None)
@given(vectors)
def test_rotation_matrices_equal_those_of_scipy(vector):
    np.testing.assert_allclose(
        rotation_matrix(vector), Rotation.from_rotvec(vector, degrees=True).as_matrix(), atol=1e-13
    )


@settings(deadline=None)
@given(vectors)
def test_vector_to_matrix_and_back_is_the_same_rotation(vector):
    matrix = rotation_matrix(vector)
    back = rotation_vector_deg(matrix)
    assert np.linalg.norm(back) <= 180.0 + 1e-9
    np.testing.assert_allclose(rotation_matrix(back), matrix, atol=1e-12)


@pytest.mark.parametrize("angle_deg", [1e-12, 1e-7, 1e-4, 1.0, 90.0, 179.9999, 180.0])
def test_no_angle_loses_digits(angle_deg):
    axis = np.array([1.0, 2.0, -3.0]) / np.sqrt(14.0)
    vector = rotation_vector_deg(rotation_matrix(angle_deg * axis))
    assert np.linalg.norm(vector) == pytest.approx(angle_deg, rel=1e-9)
    # half an angle of 1e-8 rad is the most that 1 + trace can hide near 180 degrees
    assert misorientation_deg(rotation_matrix(angle_deg * axis), np.eye(3), IDENTITY) == pytest.approx(
        angle_deg, rel=1e-9, abs=2e-6 if angle_deg > 179.0 else 0.0
    )


def test_misorientation_is_the_smallest_angle_over_the_group():
    u, target = orientations(1, 50), orientations(2, 50)
    every = np.array(
        [[Rotation.from_matrix(a @ s @ b.T).magnitude() for s in CUBIC] for a, b in zip(u, target, strict=True)]
    )
    angle, which = nearest_equivalent(u, target, CUBIC)
    np.testing.assert_allclose(np.radians(angle), every.min(axis=1), atol=1e-7)
    np.testing.assert_array_equal(which, every.argmin(axis=1))


def test_misorientation_ignores_the_choice_among_symmetry_equivalents_and_the_frame():
    u, target, frame = orientations(3, 24), orientations(4, 24), orientations(5, 24)
    plain = misorientation_deg(u, target, CUBIC)
    np.testing.assert_allclose(misorientation_deg(u @ CUBIC, target, CUBIC), plain, atol=1e-9)
    np.testing.assert_allclose(misorientation_deg(u, target @ CUBIC, CUBIC), plain, atol=1e-9)
    np.testing.assert_allclose(misorientation_deg(frame @ u, frame @ target, CUBIC), plain, atol=1e-9)


def test_no_cubic_misorientation_exceeds_that_of_mackenzie():
    # Mackenzie 1958: 62.80 degrees
    angle = misorientation_deg(orientations(6, 4000), np.eye(3), CUBIC)
    assert 58.0 < angle.max() < 62.81


def test_a_small_turn_is_its_own_misorientation():
    u = orientations(7, 10)
    turned = rotation_matrix([0.0, 1e-5, 0.0]) @ u
    np.testing.assert_allclose(misorientation_deg(turned, u, CUBIC), 1e-5, rtol=1e-7)


def test_random_orientations_are_uniform():
    u = orientations(8, 20_000)
    angle = Rotation.from_matrix(u).magnitude()
    # uniform on SO(3): the angle is distributed as (a - sin a)/pi (Miles 1965), every column uniformly on the sphere
    assert kstest(angle, lambda a: (a - np.sin(a)) / np.pi).pvalue > 1e-3
    for axis in range(3):
        assert kstest(u[:, 2, axis], "uniform", args=(-1.0, 2.0)).pvalue > 1e-3
    np.testing.assert_allclose(u @ np.swapaxes(u, 1, 2), np.broadcast_to(np.eye(3), u.shape), atol=1e-12)


def test_a_row_does_not_depend_on_its_batch():
    keys = make_keys(9, np.arange(17))
    together = random_orientations(keys)
    target = orientations(10, 17)
    angle = misorientation_deg(together, target, CUBIC)
    vector = rotation_vector_deg(together)
    for i in range(17):
        alone = random_orientations(keys[i : i + 1])
        np.testing.assert_array_equal(alone[0], together[i])
        np.testing.assert_array_equal(misorientation_deg(alone, target[i], CUBIC), angle[i : i + 1])
        np.testing.assert_array_equal(rotation_vector_deg(together[i]), vector[i])
        np.testing.assert_array_equal(rotation_matrix(vector[i]), rotation_matrix(vector)[i])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=9, max_size=9), vectors)
def test_the_nearest_rotation_is_a_rotation_and_leaves_rotations_alone(numbers, vector):
    check_rotation(nearest_rotation(np.array(numbers).reshape(3, 3)))
    rotation = rotation_matrix(vector)
    np.testing.assert_allclose(nearest_rotation(rotation), rotation, atol=1e-12)


def test_the_nearest_rotation_undoes_a_stretch():
    # the polar decomposition R = Q·P with P symmetric and positive: Q is the rotation nearest to R
    rotation = orientations(11, 1)[0]
    stretch = np.array([[1.1, 0.05, 0.0], [0.05, 0.9, 0.02], [0.0, 0.02, 1.0]])
    np.testing.assert_allclose(nearest_rotation(rotation @ stretch), rotation, atol=1e-12)


def test_shapes_broadcast_and_survive_empty_batches():
    u = orientations(12, 6).reshape(2, 3, 3, 3)
    assert misorientation_deg(u, np.eye(3), CUBIC).shape == (2, 3)
    assert rotation_vector_deg(u).shape == (2, 3, 3)
    assert rotation_matrix(np.zeros((0, 3))).shape == (0, 3, 3)
    assert misorientation_deg(np.zeros((0, 3, 3)), np.eye(3), CUBIC).shape == (0,)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: rotation_matrix([1.0, 2.0]), ValueError, "three components"),
        (lambda: rotation_matrix([np.nan, 0.0, 0.0]), ValueError, "NaN"),
        (lambda: check_rotation(2.0 * np.eye(3)), ValueError, "nearest_rotation"),
        (lambda: check_rotation(np.diag([1.0, 1.0, -1.0])), ValueError, "mirrors"),
        (lambda: check_rotation(np.full((3, 3), np.nan)), ValueError, "not a rotation"),
        (lambda: check_rotation(np.eye(2)), ValueError, "shape"),
        (lambda: misorientation_deg(np.eye(3), np.eye(3), np.zeros((0, 3, 3))), ValueError, "group"),
        (lambda: nearest_rotation(np.full((3, 3), np.inf)), ValueError, "finite"),
        (lambda: random_orientations(np.arange(3)), TypeError, "make_keys"),
        (lambda: random_orientations(np.zeros((1, 1), dtype=np.uint64)), ValueError, "one key"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0.8, 0), (0.6, 0, -0.8), (0, -0.6, 0.8)])
def test_a_half_turn_has_its_vector_however_exact_it_is(axis):
    unit = np.asarray(axis, dtype=np.float64)
    half = 2.0 * np.outer(unit, unit) - np.eye(3)
    vector = rotation_vector_deg(half)
    assert np.linalg.norm(vector) == pytest.approx(180.0, abs=1e-9)
    assert abs(vector @ unit) == pytest.approx(180.0, abs=1e-9)
