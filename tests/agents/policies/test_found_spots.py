"""An agent that was trained on found spots plays by the camera's image."""

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.evaluation import evaluate_in, make_vector_env
from beamgym.agents.policies import FoundSpots, find_policy
from beamgym.agents.policies.found_spots import _rows
from beamgym.envs.policy import CannotPlay

IMAGE, ALIGN = "beamgym/LaueAlignImage-v1", "beamgym/LaueAlign-v1"


def test_rows_are_those_of_the_task_of_found_spots():
    env = gym.make(ALIGN)
    seen, _ = env.reset(seed=4)
    spots = seen["spots"].reshape(-1, 5)
    there = spots[:, 4] > 0.0
    again = _rows(spots[there, :3], np.expm1(spots[there, 3].astype(np.float64) * np.log1p(1e6)))
    np.testing.assert_allclose(again, seen["spots"], atol=1e-5)


def test_the_shipped_agent_aligns_by_images():
    env = make_vector_env(IMAGE, 8, "real")
    policy = find_policy("shipped", IMAGE, observation=env.single_observation_space)
    assert isinstance(policy, FoundSpots)
    played = evaluate_in(policy, env, 8, seed=2)
    assert played.success_rate >= 0.85
    assert played.exposures_median <= 6


def test_training_episodes_are_refused_here_too():
    env = make_vector_env(IMAGE, 1, "real")
    policy = find_policy("shipped", IMAGE)
    with pytest.raises(ValueError, match="training"):
        evaluate_in(policy, env, 1, seed=0, purpose="training")


def test_what_shows_no_image_is_told_so():
    env = gym.make("beamgym/LaueZone-v1", observation="zones")
    seen, _ = env.reset(seed=0)
    policy = find_policy("shipped", IMAGE)
    state = policy.start(gym.make(IMAGE).unwrapped.loop.task.context, 1)
    with pytest.raises(CannotPlay, match="needs found spots or the camera's image"):
        policy.act({name: part[None] for name, part in seen.items()}, state)
