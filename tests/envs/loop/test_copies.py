"""Environments can be copied and sent to other processes, in the midst of an episode."""

import pickle  # noqa: TID251 - what is tested
from copy import deepcopy

import gymnasium as gym
import numpy as np
import pytest

import beamgym  # noqa: F401 - registers the environments


def pickled(env):
    return pickle.loads(pickle.dumps(env))


def assert_equal(one, two):
    one, two = (each if isinstance(each, dict) else {"flat": each} for each in (one, two))
    assert set(one) == set(two)
    assert all(np.array_equal(one[name], two[name]) for name in one)


def some_action(env):
    action = env.action_space.sample()
    if not action.ndim:
        return 1  # of the decisions, one that does not declare
    action[..., -1] = -1.0
    return action


@pytest.mark.parametrize("copied", [deepcopy, pickled])
def test_a_copy_goes_on_as_its_original_does(any_environment, copied):
    name, options = any_environment
    env = gym.make(name, **options)
    env.reset(seed=4)
    env.action_space.seed(0)
    env.step(some_action(env))
    other, action = copied(env), some_action(env)
    (seen, reward, *_), (seen_there, reward_there, *_) = env.step(action), other.step(action)
    assert_equal(seen, seen_there)
    assert reward == reward_there
    assert_equal(env.reset()[0], other.reset()[0])


@pytest.mark.parametrize("copied", [deepcopy, pickled])
@pytest.mark.parametrize("options", [{"threads": 2}, {"crystals": ["Si", "Ge"]}])
def test_so_do_native_vectors_with_their_threads_and_crystals(copied, options):
    env = gym.make_vec("beamgym/LaueAlign-v0", num_envs=3, vectorization_mode="vector_entry_point", **options)
    env.reset(seed=4)
    env.action_space.seed(0)
    env.step(some_action(env))
    other, action = copied(env), some_action(env)
    assert_equal(env.step(action)[0], other.step(action)[0])
    env.close()
    other.close()
