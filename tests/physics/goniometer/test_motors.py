"""Motors: play, steps, zero errors, noise, time, limits, and the sample that wanders as eccentric axes turn."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.goniometer.goniometer import goniometer
from beamgym.physics.goniometer.motors import (
    MotorErrors,
    check_target,
    move,
    of_rotations,
    readback,
    sample_offset_mm,
    start,
    travel_time_s,
)
from beamgym.physics.instrument import Axis, MoveFailed

AXES = (
    Axis("a", (1.0, 0.0, 0.0), limits=(-10.0, 10.0), speed=2.0),
    Axis("b", (0.0, 1.0, 0.0), limits=(-5.0, 5.0), speed=0.5, settle_s=1.5, step=0.3, backlash=0.2),
)
PERFECT = MotorErrors()


def keys(n, seed=0):
    return make_keys(seed, np.arange(n))


def test_a_perfect_motor_goes_where_it_is_sent():
    axes = goniometer("six-axis").axes
    target = np.random.default_rng(0).uniform(-50, 50, (20, 6))
    state, report = move(axes, PERFECT, start(axes, PERFECT, np.zeros(6), keys(20)), target)
    assert np.array_equal(state.true, target)
    assert np.array_equal(report.readback, target)


def test_the_axis_lags_by_half_the_play_and_stands_still_while_a_reversal_takes_it_up():
    errors = MotorErrors(backlash=0.2)
    state = start(AXES[:1], errors, [0.0], keys(1))
    seen = []
    for position in (1.0, 0.95, 0.8, 0.5, 1.0):
        state, _ = move(AXES[:1], errors, state, [[position]])
        seen.append(state.true[0, 0])
    assert seen == pytest.approx([0.9, 0.9, 0.9, 0.6, 0.9])


def test_an_axis_that_says_more_of_its_own_play_keeps_it():
    axes = (Axis("tight", (1.0, 0.0, 0.0)), Axis("worn", (0.0, 1.0, 0.0), backlash=1.0))
    errors = MotorErrors(backlash=0.2)
    state, _ = move(axes, errors, start(axes, errors, np.zeros(2), np.zeros(1, dtype=np.uint64)), np.full((1, 2), 10.0))
    assert (state.motor - state.axis)[0] == pytest.approx([0.1, 0.5])


def test_a_number_in_degrees_is_none_of_a_linear_axis():
    axes = (Axis("turn", (1.0, 0.0, 0.0)), Axis("slide", (0.0, 1.0, 0.0), kind="linear"))
    some = of_rotations(axes, 0.2)
    errors = MotorErrors(backlash=some, zero_sigma=some, readback_sigma=some)
    state, report = move(axes, errors, start(axes, errors, np.zeros(2), keys(50)), np.ones((50, 2)), keys=keys(50, 1))
    assert (state.motor - state.axis)[:, 0] == pytest.approx(np.full(50, 0.1))
    assert state.zero_error[:, 0].std() > 0.1
    assert np.array_equal(state.true[:, 1], np.ones(50))
    assert np.array_equal(report.readback[:, 1], np.ones(50))


def test_readback_counts_the_motor_and_knows_neither_play_nor_zero_error():
    errors = MotorErrors(backlash=0.2, zero_sigma=1.0)
    state, report = move(AXES[:1], errors, start(AXES[:1], errors, [0.0], keys(3)), np.full((3, 1), 1.0))
    assert np.array_equal(report.readback, np.full((3, 1), 1.0))
    assert state.true == pytest.approx(0.9 + state.zero_error)
    assert (np.abs(state.zero_error) > 1e-3).all()


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20), st.floats(0, 3))
@settings(deadline=None)
def test_play_never_exceeds_half_its_width_and_moves_only_with_the_motor(path, play):
    errors = MotorErrors(backlash=play)
    state = start(AXES[:1], errors, [0.0], keys(1))
    for position in path:
        new, _ = move(AXES[:1], errors, state, [[position]])
        assert abs(new.axis[0, 0] - position) <= play / 2 + 1e-12
        assert (new.axis - state.axis)[0, 0] * (new.motor - state.motor)[0, 0] >= 0 or new.axis == pytest.approx(
            state.axis
        )
        state = new


def test_a_stepping_motor_goes_to_the_nearest_step_inside_its_limits():
    state = start(AXES, PERFECT, [0.0, 0.0], keys(4))
    target = [[0.0, 1.0], [0.0, 1.06], [0.0, 5.0], [0.0, -4.99]]
    state, report = move(AXES, PERFECT, state, target)
    assert report.readback[:, 1] == pytest.approx([0.9, 1.2, 4.8, -4.8])


def test_a_move_lasts_as_long_as_its_slowest_axis_settling_included():
    state = start(AXES, PERFECT, [0.0, 0.0], keys(3))
    _, report = move(AXES, PERFECT, state, [[6.0, 0.3], [6.0, 0.0], [0.0, 0.0]])
    assert report.duration_s == pytest.approx([3.0, 3.0, 0.0])
    _, slow = move(AXES, PERFECT, state, [[1.0, 3.0], [1.0, 0.3], [0.0, -0.3]])
    assert slow.duration_s == pytest.approx([7.5, 2.1, 2.1])
    assert travel_time_s(AXES, [[0.0, 0.0]], [[1.0, 3.0]]) == pytest.approx([7.5])


def test_masked_samples_neither_move_nor_take_time():
    state = start(AXES, PERFECT, [1.0, 0.0], keys(2))
    moved, report = move(AXES, PERFECT, state, [[5.0, 0.0], [99.0, np.nan]], np.array([True, False]))
    assert moved.true[:, 0] == pytest.approx([5.0, 1.0])
    assert report.duration_s == pytest.approx([2.0, 0.0])


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ([[0.0, 5.1]], "b was sent to 5.1, its limits are -5 to 5"),
        ([[np.nan, 0.0]], "a was sent to nan, its limits are -10 to 10"),
        ([[-np.inf, 0.0]], "a was sent to -inf"),
    ],
)
def test_a_target_out_of_limits_fails_by_name_and_moves_nothing(target, said):
    state = start(AXES, PERFECT, [1.0, 0.0], keys(1))
    with pytest.raises(MoveFailed, match=said) as caught:
        move(AXES, PERFECT, state, target)
    assert "\n" not in str(caught.value)
    assert state.motor == pytest.approx(np.array([[1.0, 0.0]]))


def test_a_failure_in_a_batch_names_the_sample():
    with pytest.raises(MoveFailed, match=r"\(sample 2\)"):
        check_target(AXES, [[0.0, 0.0], [0.0, 0.0], [11.0, 0.0]])


def test_a_start_outside_the_limits_is_a_users_mistake():
    with pytest.raises(ValueError, match="cannot start there: b was sent to 6"):
        start(AXES, PERFECT, [0.0, 6.0], keys(1))


@pytest.mark.parametrize("name", ["backlash", "zero_sigma", "readback_sigma", "eccentricity_mm"])
@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_errors_that_cannot_be_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        MotorErrors(**{name: value})


def test_noise_and_zero_errors_have_the_spread_asked_for():
    errors = MotorErrors(zero_sigma=0.3, readback_sigma=0.1, eccentricity_mm=0.02)
    state = start(AXES, errors, [0.0, 0.0], keys(20000))
    noise = readback(errors, state, keys(20000, 1))
    # standard error of a standard deviation: σ / sqrt(2 · 40,000), here times 5
    assert state.zero_error.std() == pytest.approx(0.3, rel=0.018)
    assert noise.std() == pytest.approx(0.1, rel=0.018)
    assert state.miss_mm.std() == pytest.approx(0.02, rel=0.011)
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.04
    assert abs(np.corrcoef(state.zero_error[:, 0], state.miss_mm[:, 0, 0])[0, 1]) < 0.04


def test_noise_needs_keys():
    errors = MotorErrors(readback_sigma=0.1)
    with pytest.raises(ValueError, match="one key per sample"):
        readback(errors, start(AXES, errors, [0.0, 0.0], keys(1)))


def test_a_sample_draws_the_same_numbers_alone_and_in_a_batch():
    errors = MotorErrors(backlash=0.1, zero_sigma=0.3, readback_sigma=0.1, eccentricity_mm=0.02)
    target = np.random.default_rng(3).uniform(-5, 5, (10, 2))

    def run(rows):
        state = start(AXES, errors, [0.0, 0.0], keys(10)[rows])
        state, report = move(AXES, errors, state, target[rows], keys=keys(10, 1)[rows])
        return state.true, report.readback, state.miss_mm

    whole = run(slice(None))
    backwards = run(np.arange(10)[::-1])
    for together, reversed_ in zip(whole, backwards, strict=True):
        assert np.array_equal(together, reversed_[::-1])


@pytest.mark.parametrize("name", ["two-arc", "kappa", "six-axis"])
def test_the_sample_wanders_as_rotations_about_shifted_lines_say(name):
    gonio = goniometer(name)
    low, high = np.array([axis.limits for axis in gonio.axes]).T
    errors = MotorErrors(eccentricity_mm=0.05)
    at_zero = start(gonio.axes, errors, np.zeros(len(gonio.axes)), keys(10))
    assert sample_offset_mm(gonio, at_zero) == pytest.approx(np.zeros((10, 3)), abs=1e-15)
    state, _ = move(gonio.axes, errors, at_zero, np.random.default_rng(4).uniform(low, high, (10, len(gonio.axes))))
    offset = sample_offset_mm(gonio, state)
    for row in range(10):
        place = np.zeros(3)
        for axis, position, miss in reversed(list(zip(gonio.axes, state.true[row], state.miss_mm[row], strict=True))):
            turn = Rotation.from_rotvec(np.radians(position) * np.array(axis.vector))
            place = turn.apply(place - miss) + miss
        assert offset[row] == pytest.approx(place, abs=1e-12)


def test_half_a_turn_of_an_eccentric_axis_moves_the_sample_by_twice_its_miss():
    gonio = goniometer({"axes": [{"name": "spin", "vector": [0, 0, 1]}]})
    state = start(gonio.axes, PERFECT, [180.0], keys(1))
    state = dataclasses.replace(state, miss_mm=np.array([[[0.03, 0.04, 9.0]]]))
    assert sample_offset_mm(gonio, state)[0] == pytest.approx([0.06, 0.08, 0.0])
