"""An agent that was trained on found spots plays by the camera's image."""

import gymnasium as gym
import pytest

from beamgym.agents.evaluation import context_of, evaluate_in, make_vector_env
from beamgym.agents.policies import FoundSpots, find_policy
from beamgym.envs.kinds import sample_of
from beamgym.envs.policy import CannotPlay

IMAGE, ALIGN = "beamgym/LaueAlignImage-v1", "beamgym/LaueAlign-v1"


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


@pytest.mark.parametrize("options", [{"history": 3}, {"action": "axes"}, {"crystal": "quartz"}])
def test_what_it_was_not_made_for_is_refused_in_one_line(options):
    env = make_vector_env(IMAGE, 2, "real", options)
    with pytest.raises(CannotPlay) as error:
        evaluate_in(find_policy("shipped", IMAGE, sample_of(context_of(env)), context_of(env)), env, 2, seed=0)
    assert "\n" not in str(error.value)


def test_what_shows_no_image_is_told_so():
    env = gym.make("beamgym/LaueZone-v1", observation="zones")
    seen, _ = env.reset(seed=0)
    policy = find_policy("shipped", IMAGE)
    state = policy.start(gym.make(IMAGE).unwrapped.loop.task.context, 1)
    with pytest.raises(CannotPlay, match="in the camera's last image"):
        policy.act({name: part[None] for name, part in seen.items()}, state)
