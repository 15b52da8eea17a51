"""The goal form: rewards by goals alone, symmetry, no truth in it, and libraries that put other goals in place."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3 import SAC, HerReplayBuffer
from stable_baselines3.common.env_checker import check_env as check_sb3

from beamgym.agents.training import NativeVecEnv
from beamgym.envs.laue_align.goal import Goal
from beamgym.physics.orientation import rotation_matrix, rotation_vector_deg

V1 = "beamgym/LaueAlign-v1"
GOAL = {"observation": "goal", "stop": "truth", "start_within_deg": 20.0}
UNIT_DEG = 45.0
TARGETS = ("pose [001] [110]", "axis [001] x", "plane (100) (010)")


def vector(n=8, mode="SameStep", **options):
    return gym.make_vec(
        V1, num_envs=n, autoreset_mode=mode, vectorization_mode="vector_entry_point", **{**GOAL, **options}
    )


def towards(observation, most_deg=UNIT_DEG):
    """Return actions (n, 4) that turn by what is missing."""
    missing = most_deg * (observation["desired_goal"] - observation["achieved_goal"])
    angle = np.linalg.norm(missing, axis=1, keepdims=True)
    turn = missing / np.maximum(angle, 1e-9) * np.cbrt(np.minimum(angle / most_deg, 1.0))
    return np.concatenate([turn, np.zeros((len(turn), 1))], axis=1).astype(np.float32)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("action", ["rotation", "axes"])
def test_both_checkers_pass_without_a_warning(target, action, recwarn):
    env = gym.make(V1, target=target, action=action, **GOAL).unwrapped
    check_gymnasium(env, skip_render_check=True)
    check_sb3(env)
    assert [str(each.message) for each in recwarn] == []


@pytest.mark.parametrize("target", TARGETS)
def test_a_step_pays_what_its_goals_say(target):
    env, rng = vector(32, "NextStep", target=target, tolerance_deg=2.0), np.random.default_rng(0)
    seen, _ = env.reset(seed=3)
    paid, begun = [], np.zeros(32, dtype=np.bool_)
    for step in range(24):
        actions = towards(seen) if step % 3 == 0 else rng.uniform(-0.5, 0.5, (32, 4))
        seen, reward, terminated, truncated, _ = env.step(actions)
        again = env.compute_reward(seen["achieved_goal"], seen["desired_goal"], [{}] * 32)
        np.testing.assert_array_equal(reward[~begun], again[~begun])
        paid.append(reward[~begun])
        begun = terminated | truncated
    assert set(np.concatenate(paid)) == {0.0, -1.0}


def test_one_goal_is_paid_by_a_number_and_no_info_is_needed():
    env = gym.make(V1, **GOAL).unwrapped
    seen, _ = env.reset(seed=1)
    reached, asked = seen["achieved_goal"], seen["desired_goal"]
    assert env.compute_reward(reached, asked, None) == env.compute_reward(reached, asked) == -1.0
    assert env.compute_reward(reached, reached, {}) == 0.0
    with pytest.raises(ValueError, match=r"give \(n, 3\)"):
        env.compute_reward(np.zeros((2, 4)), np.zeros((2, 4)))


def test_who_turns_by_what_is_missing_arrives():
    for target in TARGETS:
        env = vector(64, "Disabled", target=target, start_within_deg=None, tolerance_deg=0.5)
        seen, _ = env.reset(seed=2)
        arrived = np.zeros(64, dtype=np.bool_)
        for _ in range(10):
            seen, _, terminated, _, info = env.step(towards(seen))
            arrived |= info["is_success"] & terminated
            if arrived.all():
                break
            if terminated.any():
                env.reset(options={"reset_mask": terminated})
        assert arrived.mean() > 0.95, target


@pytest.mark.parametrize("crystal", ["Si", "quartz"])
def test_all_equivalents_of_an_orientation_are_one_goal(crystal):
    context = gym.make(V1, crystal=crystal, **GOAL).unwrapped.context
    goal, at_goal = Goal(context), context.target.goal(np.eye(3)[None])[0]
    asked = np.random.default_rng(4).normal(size=(50, 3)) * 0.3
    stands = rotation_matrix(UNIT_DEG * asked) @ at_goal
    for symmetric in context.crystal.rotations:
        alike = rotation_vector_deg(stands @ symmetric @ at_goal.T) / UNIT_DEG
        np.testing.assert_array_equal(goal.reward(alike, asked), 0.0)
    apart = rotation_vector_deg(rotation_matrix([0.0, 0.26, 0.0]) @ stands @ at_goal.T) / UNIT_DEG
    np.testing.assert_allclose(goal.error_deg(apart, asked), 0.26, atol=1e-6)
    np.testing.assert_array_equal(goal.reward(apart, asked), -1.0)


@pytest.mark.parametrize("target", TARGETS)
def test_crystals_glued_on_in_equivalent_ways_reach_the_same(target):
    env = vector(24, target=target, level="easy")
    mount, symmetric = rotation_matrix([3.0, -2.0, 4.0]), env.loop.task.context.crystal.rotations
    home = env.loop.task.context.goniometer.rotation(env.loop.task.context.goniometer.home())
    goal = env.loop.task.context.target.goal(home[None] @ mount)[0]
    near = home.T @ rotation_matrix([1.0, 2.0, -1.5]) @ goal
    seen, _ = env.reset(seed=[4] * 24, options={"mount": near @ symmetric})
    reached = seen["achieved_goal"]
    np.testing.assert_array_equal(env.compute_reward(reached, np.tile(reached[:1], (24, 1))), 0.0)
    np.testing.assert_allclose(reached, np.tile(reached[:1], (24, 1)), atol=1e-5)


@pytest.mark.parametrize("target", TARGETS)
def test_the_error_from_the_asked_goal_is_the_target_s_own(target):
    context = gym.make(V1, target=target, **GOAL).unwrapped.context
    stands = rotation_matrix(np.random.default_rng(5).normal(size=(200, 3)) * 50.0)
    away = rotation_vector_deg(stands @ context.target.goal(stands).transpose(0, 2, 1)) / UNIT_DEG
    found = Goal(context).error_deg(away, np.zeros((200, 3)))
    np.testing.assert_allclose(found, context.target.error_deg(stands), atol=1e-6)


def test_what_was_reached_is_an_estimate_and_not_the_truth():
    env = vector(200, level="hard")
    seen, _ = env.reset(seed=6)
    context, truth = env.loop.task.context, env.loop._truth()["orientation"]
    stands = rotation_matrix(UNIT_DEG * seen["achieved_goal"]) @ context.target.goal(truth)
    off = np.linalg.norm(rotation_vector_deg(stands @ truth.transpose(0, 2, 1)), axis=1)
    assert 0.01 < np.median(off) < 1.0
    assert (off > 1e-3).all()


def test_the_observation_holds_nothing_of_the_goal():
    """Two targets, the same crystals and moves: what is observed beside the goals is the same."""
    seen = []
    for target in ("pose [001] [110]", "pose [111] [1-10]"):
        env = gym.make_vec(V1, num_envs=4, vectorization_mode="vector_entry_point", target=target, **GOAL)
        mount = rotation_matrix(np.array([[10.0, 20.0, 30.0], [0.0, 5.0, 50.0], [-20.0, 0.0, 9.0], [1.0, 2.0, 3.0]]))
        first, _ = env.reset(seed=7, options={"mount": mount})
        second = env.step(np.tile([0.3, 0.2, -0.4, 0.0], (4, 1)))[0]
        seen.append((first, second))
    for one, other in zip(*seen, strict=True):
        np.testing.assert_array_equal(one["observation"], other["observation"])
        assert (one["achieved_goal"] != other["achieved_goal"]).any()


def test_the_native_vector_has_the_rows_of_single_environments():
    native, rng = vector(3, "NextStep"), np.random.default_rng(8)
    single = gym.make_vec(V1, num_envs=3, vectorization_mode="sync", **GOAL)
    one, other = native.reset(seed=9)[0], single.reset(seed=9)[0]
    for _ in range(25):
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name])
        actions = rng.uniform(-0.6, 0.6, (3, 4)).astype(np.float32)
        one, paid, *_ = native.step(actions)
        other, paid_again, *_ = single.step(actions)
        np.testing.assert_array_equal(paid, paid_again)
    rewards = single.call("compute_reward", one["achieved_goal"], one["desired_goal"], None)
    np.testing.assert_array_equal(rewards[0], native.compute_reward(one["achieved_goal"], one["desired_goal"]))


@pytest.mark.parametrize("native", [True, False])
def test_hindsight_replay_of_goals_runs_unmodified(native):
    env = NativeVecEnv(vector(4)) if native else gym.make(V1, **GOAL)
    model = SAC(
        "MultiInputPolicy",
        env,
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4, "goal_selection_strategy": "future"},
        learning_starts=100,
        gradient_steps=1,
        batch_size=64,
        policy_kwargs={"net_arch": [16]},
        seed=0,
        device="cpu",
    )
    model.learn(140)
    batch = model.replay_buffer.sample(64)
    asked = batch.observations["desired_goal"].numpy()
    assert (np.abs(asked).sum(axis=1) > 0).mean() > 0.5
    reached, pays = batch.next_observations["achieved_goal"].numpy(), model.get_env().env_method
    again = pays("compute_reward", reached, asked, [{}] * 64, indices=[0])[0]
    np.testing.assert_array_equal(batch.rewards.numpy()[:, 0], again)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (V1, {"stop": "declare"}, "add stop='truth'"),
        (V1, {"flat": True}, "leave out flat"),
        (V1, {"action": "decisions"}, "add observation='estimate'"),
        (V1, {"crystals": ["Si"]}, "leave out crystals"),
        (V1, {"level": "harsh"}, "'goal' know no"),
        ("beamgym/LaueAlignImage-v1", {}, "for observation='goal' make LaueAlign"),
    ],
)
def test_what_has_no_goal_form_is_refused_in_one_line(name, options, words):
    with pytest.raises(ValueError, match=words) as refused:
        gym.make(name, **{**GOAL, **options})
    assert "\n" not in str(refused.value)


def test_an_environment_without_goals_offers_no_reward_of_them():
    assert not hasattr(gym.make(V1).unwrapped, "compute_reward")
