"""Recorded episodes are what the environment says: played again by their actions they give the same."""

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.evaluation import first_seed, record_episodes
from beamgym.agents.policies import find_policy

ID, OPTIONS = "beamgym/LaueAlign-v0", {"exposures": 4}


@pytest.mark.parametrize("name", ["random", "true-pose"])
def test_the_actions_played_again_give_the_same_observations_and_rewards(name):
    recorded = list(record_episodes(find_policy(name, ID), ID, 3, 7, "easy", OPTIONS))
    env = gym.make(ID, level="easy", **OPTIONS)
    assert [one.about["seed"] for one in recorded] == [first_seed("training", 7) + i for i in range(3)]
    for one in recorded:
        observation, _ = env.reset(seed=one.about["seed"])
        for t in range(one.steps):
            for part, values in observation.items():
                np.testing.assert_array_equal(one.observations[part][t], values)
            assert env.action_space.contains(one.actions[t])
            observation, reward, terminated, truncated, info = env.step(one.actions[t])
            assert (one.terminations[t], one.truncations[t]) == (terminated, truncated)
            assert one.rewards[t] == pytest.approx(reward)
            assert one.infos["cost_motor_s"][t + 1] == pytest.approx(info["cost"]["motor_s"])
        assert terminated or truncated
        assert one.success == info["is_success"] == (name == "true-pose")
        for part, values in observation.items():
            np.testing.assert_array_equal(one.observations[part][-1], values)


def test_more_episodes_than_run_side_by_side_come_in_the_order_of_their_seeds():
    recorded = list(record_episodes(find_policy("no-op", ID), ID, 66, 0, "easy", {"exposures": 1}))
    assert [one.about["seed"] for one in recorded] == list(range(66))
