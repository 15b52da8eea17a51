"""The estimate by indexing each frame: as good as it says, and what it makes of frames that do not fit."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import beamgym  # noqa: F401
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfections import imperfections
from beamgym.physics.laue.sight import index_errors
from beamgym.physics.orientation import nearest_equivalent, rotation_vector_deg

V1 = "beamgym/LaueAlign-v1"
INDEXED = {"observation": "estimate", "estimator": "indexed"}


def vector(n, **options):
    return gym.make_vec(V1, num_envs=n, autoreset_mode="Disabled", **{**INDEXED, **options})


def off_deg(env):
    """By how much each orientation is off, (n, 3), of the estimate as it stands."""
    known, stands = env.loop.state.known, env.loop.instrument.truth()["orientation"]
    rotations = env.loop.task.context.crystal.rotations
    which = nearest_equivalent(stands, known.orientation, rotations)[1]
    return rotation_vector_deg(stands @ rotations[which] @ known.orientation.transpose(0, 2, 1))


def without_spots(frame, rows):
    peaks = frame.peaks()
    return replace(frame, found=replace(peaks, count=np.where(rows, 0, peaks.count)))


@pytest.mark.parametrize("level", ["easy", "real", "hard"])
def test_it_leads_to_the_goal_and_is_as_good_as_it_says(level):
    env = vector(100, level=level)
    seen, _ = env.reset(seed=1)
    for frame in range(4):
        off, spread = off_deg(env), env.loop.state.known.spread
        chi2 = np.einsum("ni,nij,nj->n", off, np.linalg.inv(spread), off)
        # 3 where the spread is what it says; 100 draws tell a mean to 0.25.
        assert chi2.mean() < 4.0, frame
        assert np.median(chi2) > 0.3, frame
        *_, info = env.step(np.concatenate([seen["estimate"][:, :3], -np.ones((100, 1))], axis=1))
        seen = env.loop.observation()
    assert np.median(info["misorientation_deg"]) < {"easy": 0.05, "real": 0.1, "hard": 0.35}[level]


@pytest.mark.parametrize("options", [{"action": "decisions", "crystals": ["Si", "Ca2RuO4"]}, {"level": "hard"}])
def test_rows_of_a_vector_are_those_of_single_environments(options):
    env, draw = vector(4, **options), np.random.default_rng(0)
    together, actions = [env.reset(seed=4)[0]["estimate"]], []
    for _ in range(3):
        shape = env.action_space.shape
        actions.append(draw.integers(0, 3, 4) if "action" in options else draw.uniform(-0.5, 0.5, shape))
        together.append(env.step(actions[-1])[0]["estimate"])
    single = gym.make(V1, **INDEXED, **options)
    for row in (1, 3):
        alone = [single.reset(seed=4 + row)[0], *(single.step(action[row])[0] for action in actions)]
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one["estimate"], many[row])


def test_a_frame_that_cannot_be_indexed_leaves_what_is_known_and_says_where_the_axes_carried_it():
    env = vector(2)
    env.reset(seed=5)
    task, state, frame = env.loop.task, env.loop.state, env.loop.frame
    first, rows = state.known, np.array([True, False])
    positions = state.positions + np.array([0.0, 0.0, 3.0, 0.0, 0.0, 0.0])
    carried = task.context.goniometer.rotation(positions) @ first.mount
    after = task.told_by.follow(first, without_spots(frame, rows), positions, rows)
    np.testing.assert_array_equal(after.mount, first.mount)
    np.testing.assert_allclose(after.orientation[0], carried[0], atol=1e-12)
    np.testing.assert_array_equal(after.orientation[1], first.orientation[1])
    assert np.trace(after.spread[0]) >= np.trace(first.spread[0]) - 1e-9
    np.testing.assert_array_equal(after.lost, [0, 0])


def test_crystals_of_which_nothing_is_known_are_lost_until_a_frame_shows_them():
    env = vector(2)
    env.reset(seed=6)
    sight, frame, positions = env.loop.task.told_by, env.loop.frame, env.loop.state.positions
    rows = np.array([True, False])
    known = sight.begin(None, without_spots(frame, rows), positions, np.ones(2, dtype=np.bool_))
    np.testing.assert_array_equal(known.lost, [1, 0])
    again = sight.follow(known, without_spots(frame, rows), positions, rows)
    np.testing.assert_array_equal(again.lost, [2, 0])
    found = sight.follow(again, frame, positions, rows)
    np.testing.assert_array_equal(found.lost, [0, 0])
    np.testing.assert_allclose(found.orientation, env.loop.state.known.orientation, atol=1e-6)


def test_a_frame_that_contradicts_those_before_it_begins_anew():
    env = vector(1)
    env.reset(seed=7)
    sight, frame, positions = env.loop.task.told_by, env.loop.frame, env.loop.state.positions
    known, every = env.loop.state.known, np.ones(1, dtype=np.bool_)
    elsewhere = positions + np.array([0.0, 0.0, 0.0, 0.0, 0.0, 25.0])
    after = sight.follow(known, frame, elsewhere, every)
    np.testing.assert_allclose(after.orientation, known.orientation, atol=1e-3)
    fresh = sight.begin(None, frame, elsewhere, every)
    np.testing.assert_allclose(after.covariance, fresh.covariance, atol=1e-9)


def test_a_shifted_panel_turns_a_back_reflected_pattern_by_half_the_shift():
    near, far = (Detector.back_reflection(distance) for distance in (50.0, 100.0))
    hard = imperfections("hard")
    one, two = (index_errors(hard, panel).bias_deg[1] for panel in (near, far))
    assert one == pytest.approx(np.hypot(np.degrees(hard.detector_shift_mm / 100.0), 0.07 * 0.3), abs=0.003)
    assert two < one


def test_checkers_pass_and_levels_that_the_errors_do_not_know_are_refused():
    check_env(gym.make(V1, **INDEXED).unwrapped, skip_render_check=True)
    with pytest.raises(ValueError, match="know no distance_range_mm"):
        vector(1, level="harsh")
