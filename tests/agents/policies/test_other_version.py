"""A bundle of version 0 plays version 1: the same turns in another unit."""

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.evaluation import evaluate_in, make_vector_env
from beamgym.agents.policies import find_policy
from beamgym.envs.actions import decode_rotation
from beamgym.envs.kinds import same_task
from beamgym.envs.policy import CannotPlay

V1 = "beamgym/LaueAlign-v1"


def test_the_shipped_agent_aligns_in_version_1():
    policy = find_policy("shipped", V1)
    result = evaluate_in(policy, make_vector_env(V1, 10, "real", {}), 10, seed=3)
    assert result.success_rate >= 0.8


def test_its_turns_are_those_of_version_0_up_to_a_full_action():
    for unit in (45.0, 90.0):
        env = gym.make_vec(V1, num_envs=8, vectorization_mode="vector_entry_point", max_rotation_deg=unit)
        seen, _ = env.reset(seed=2)
        context = env.contexts[0]
        old, new = find_policy("shipped", "beamgym/LaueAlign-v0"), find_policy("shipped", V1)
        before = old.act(seen, [None] * 8)[0]
        after = new.act(seen, new.start(context, 8))[0]
        turn, told = decode_rotation(before[:, :3], 90.0), decode_rotation(after[:, :3], unit)
        length = np.linalg.norm(turn, axis=1, keepdims=True)
        np.testing.assert_allclose(told, turn * np.minimum(1.0, unit / length), atol=1e-3)


def test_what_turns_otherwise_is_refused():
    env = gym.make(V1, action="axes").unwrapped
    with pytest.raises(CannotPlay, match="action='rotation'; here it is 'axes'"):
        find_policy("shipped", V1).start(env.context, 1)


def test_an_estimate_in_the_unit_of_another_version_is_refused():
    env = gym.make("beamgym/LaueAlign-v0", observation="estimate", flat=True).unwrapped
    with pytest.raises(
        CannotPlay, match="observes the estimated turn in the unit of beamgym/LaueAlign-v1; play it there"
    ):
        find_policy("laue-align-estimate", "beamgym/LaueAlign-v0").start(env.context, 1)


def test_the_shipped_estimator_of_version_1_declares_rightly():
    options = {"observation": "estimate", "flat": True}
    result = evaluate_in(find_policy("laue-align-estimate", V1), make_vector_env(V1, 20, "real", options), 20, seed=3)
    assert result.success_rate >= 0.95


def test_an_estimate_in_the_unit_of_another_tolerance_is_refused():
    env = gym.make(V1, observation="estimate", flat=True, tolerance_deg=1.0).unwrapped
    with pytest.raises(CannotPlay, match=r"laue-align-estimate was trained with tolerance_deg=0\.25, this has 1\.0"):
        find_policy("laue-align-estimate", V1).start(env.context, 1)


def test_a_refused_observation_comes_with_the_options_that_give_the_right_one():
    env = gym.make(V1).unwrapped
    with pytest.raises(ValueError, match=r"LaueAlign-v1 with --set observation=estimate --set flat=true\)"):
        find_policy("laue-align-estimate", V1).model.check_spaces(env.observation_space, env.action_space)


def test_versions_are_of_one_task():
    assert same_task(V1, "beamgym/LaueAlign-v0")
    assert not same_task(V1, "beamgym/LaueAlignImage-v1")
