"""The estimate made from found spots: as good as it says, the same alone and together, and honest where nothing is."""

from copy import deepcopy
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import beamgym  # noqa: F401
from beamgym.envs.laue_align.decisions import AGAIN, DECLARE, GO, LOOK
from beamgym.envs.laue_sight.numbers import LOOK_AGAIN_DEG
from beamgym.physics.laue.estimation import Track, orientation_of
from beamgym.physics.orientation import rotation_matrix, rotation_vector_deg

V1 = "beamgym/LaueAlign-v1"
FRAMES = {"observation": "estimate", "estimator": "frames"}


def vector(n, mode="Disabled", **options):
    return gym.make_vec(V1, num_envs=n, autoreset_mode=mode, **{**FRAMES, **options})


def without_spots(frame):
    peaks = frame.peaks()
    return replace(frame, found=replace(peaks, count=np.zeros_like(peaks.count)))


def test_the_estimate_leads_to_the_goal_and_is_as_good_as_it_says():
    env = vector(24)
    seen, _ = env.reset(seed=1)
    for _ in range(3):
        turn = np.concatenate([seen["estimate"][:, :3], -np.ones((24, 1))], axis=1)
        seen, *_, info = env.step(turn)
    assert (info["misorientation_deg"] < 0.5).all()
    known, stands = env.loop.state.known, env.loop.instrument.truth()["orientation"]
    crystal = env.loop.task.context.crystal
    off = np.array([nearest_turn(one, other, crystal) for one, other in zip(stands, known.orientation, strict=True)])
    chi2 = np.einsum("ni,nij,nj->n", off, np.linalg.inv(known.spread), off)
    # 3 where the spread is what it says. It says more about the beam, where it must allow for a turned camera.
    assert chi2.mean() < 3.6
    assert np.sqrt(np.trace(known.spread, axis1=1, axis2=2)).mean() < 0.15
    far = np.expm1(seen["estimate"][:, 3] * np.log1p(180.0 / 0.25))
    np.testing.assert_allclose(far, info["misorientation_deg"], atol=0.25)


def nearest_turn(orientation, other, crystal):
    turns = rotation_vector_deg(orientation @ crystal.rotations @ other.T)
    return turns[np.argmin(np.linalg.norm(turns, axis=1))]


def test_it_is_as_good_as_the_model_that_is_drawn_from():
    off = {}
    for estimator in ("model", "frames"):
        env = vector(60, estimator=estimator)
        env.reset(seed=2)
        known, stands = env.loop.state.known, env.loop.instrument.truth()["orientation"]
        crystal = env.loop.task.context.crystal
        off[estimator] = np.array(
            [nearest_turn(one, two, crystal) for one, two in zip(stands, known.orientation, strict=True)]
        )
    spread = {name: np.sqrt((turns**2).mean(axis=0)) for name, turns in off.items()}
    # About the beam, and across it: 60 draws of each tell a standard deviation to a tenth.
    assert spread["frames"] == pytest.approx(spread["model"], rel=0.5)


@pytest.mark.parametrize("options", [{"action": "decisions"}, {"action": "axes", "level": "hard", "flat": True}])
def test_rows_of_a_vector_are_those_of_single_environments(options):
    discrete = options["action"] == "decisions"
    env = vector(3, **options)
    draw = np.random.default_rng(0)
    actions = [
        draw.permutation([GO, LOOK, AGAIN]) if discrete else draw.uniform(-0.5, 0.5, env.action_space.shape)
        for _ in range(2)
    ]
    together = [env.reset(seed=4)[0], *(env.step(action)[0] for action in actions)]
    for row in range(3):
        single = gym.make(V1, **FRAMES, **options)
        alone = [single.reset(seed=4 + row)[0], *(single.step(action[row])[0] for action in actions)]
        for one, all_of_them in zip(alone, together, strict=True):
            if "flat" in options:
                np.testing.assert_array_equal(one, all_of_them[row])
            else:
                np.testing.assert_array_equal(one["estimate"], all_of_them["estimate"][row])


def test_frames_that_tell_nothing_are_said_to_and_ask_for_a_look_from_elsewhere():
    env = vector(2)
    env.reset(seed=5)
    task, state, frame = env.loop.task, env.loop.state, env.loop.frame
    row = np.array([True, False])
    dark = task.start(state, state.positions, without_spots(frame), row, env.loop.instrument.truth())
    np.testing.assert_array_equal(dark.known.lost, [1, 0])
    numbers = task.observe(dark)["estimate"]
    np.testing.assert_allclose(numbers[0, 3:7], 1.0)
    np.testing.assert_array_equal(numbers[1], task.observe(state)["estimate"][1])
    length = np.cbrt(LOOK_AGAIN_DEG / task.context.max_rotation_deg)
    np.testing.assert_allclose(numbers[0, :3], [length, 0.0, 0.0], atol=1e-6)
    twice = task.told_by.follow(dark.known, without_spots(frame), state.positions, row)
    np.testing.assert_allclose(
        task.sight.encode(twice, state.positions, np.ones(2))[0, :3], [0.0, length, 0.0], atol=1e-6
    )
    again = task.start(dark, state.positions, frame, row, env.loop.instrument.truth()).known
    np.testing.assert_array_equal(again.lost, [0, 0])


def test_what_is_open_or_not_understood_widens_the_spread():
    env = vector(1)
    env.reset(seed=6)
    estimator = env.loop.task.told_by.estimator
    track = env.loop.state.known.tracks[0]
    orientation, spread = orientation_of(estimator, track)
    assert np.sqrt(np.trace(spread)) < 0.5
    other = replace(track.fits[0], mount=track.fits[0].mount @ rotation_matrix(np.array([[0.0, 0.0, 3.0]]))[0])
    doubtful = replace(track, fits=(track.fits[0], other), merits=(track.merits[0],) * 2, open=True)
    first, wide = orientation_of(estimator, doubtful)
    np.testing.assert_array_equal(first, orientation)
    np.testing.assert_allclose(np.trace(wide - spread), 3.0**2 / 2, rtol=1e-6)
    assert orientation_of(estimator, Track()) is None


def test_checkers_pass_and_a_copy_goes_on_as_the_first():
    check_env(gym.make(V1, **FRAMES).unwrapped, skip_render_check=True)
    env = gym.make(V1, **FRAMES, action="decisions").unwrapped
    env.reset(seed=8)
    copy = deepcopy(env)
    for choice in (LOOK, GO, GO):
        one, other = env.step(choice)[0], copy.step(choice)[0]
        np.testing.assert_array_equal(one["estimate"], other["estimate"])
    assert env.step(DECLARE)[4]["is_success"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"estimator": "frames"}, "add observation='estimate'"),
        ({"observation": "estimate", "estimator": "frame"}, "unknown estimator 'frame'"),
    ],
)
def test_an_estimator_that_cannot_be_is_refused(options, line):
    with pytest.raises(ValueError, match=line):
        gym.make(V1, **options)


def test_frames_know_levels_that_the_model_does_not():
    assert vector(1, level="harsh").single_observation_space["estimate"].shape == (8,)
    with pytest.raises(ValueError, match="know no distance_range_mm"):
        vector(1, level="harsh", estimator="model")
