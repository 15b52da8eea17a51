"""Which key an episode runs on: its environment's seed and its number, and nothing else."""

import gymnasium as gym
import numpy as np
import pytest

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs.loop.seeding import EpisodeKeys, checked_seed


def _generator():
    return np.random.default_rng(5)


def _all(n):
    return np.ones(n, dtype=bool)


def test_a_seed_stands_for_the_same_row_of_episodes_every_time():
    keys = EpisodeKeys(1)
    keys.reseed([3], _generator)
    first = [keys.next(_all(1))[0] for _ in range(4)]
    keys.reseed([3], _generator)
    assert [keys.next(_all(1))[0] for _ in range(4)] == first
    assert len(set(first)) == 4


def test_an_environment_of_many_has_the_keys_it_would_have_alone():
    many = EpisodeKeys(3)
    many.reseed([7, 8, 9], _generator)
    rows = [many.next(np.array(mask)) for mask in ([True] * 3, [False, True, False], [True] * 3)]
    alone = EpisodeKeys(1)
    alone.reseed([8], _generator)
    assert [row[1] for row in rows] == [alone.next(_all(1))[0] for _ in range(3)]
    alone.reseed([7], _generator)
    assert [rows[0][0], rows[2][0]] == [alone.next(_all(1))[0] for _ in range(2)]


def test_no_seed_goes_on_with_the_episodes_and_draws_one_the_first_time():
    keys, other = EpisodeKeys(2), EpisodeKeys(2)
    keys.reseed(None, _generator)
    other.reseed(None, _generator)
    first = keys.next(_all(2))
    np.testing.assert_array_equal(first, other.next(_all(2)))
    keys.reseed(None, _generator)
    assert not np.isin(keys.next(_all(2)), first).any()


def test_none_among_seeds_leaves_that_environment_alone():
    keys = EpisodeKeys(2)
    keys.reseed([1, 2], _generator)
    first = keys.next(_all(2))
    keys.reseed([1, None], _generator)
    again = keys.next(_all(2))
    assert again[0] == first[0]
    assert again[1] != first[1]


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3], [-1, 2], [2**64, 0]])
def test_seeds_that_do_not_fit_are_refused_in_one_line(seeds):
    with pytest.raises(ValueError, match="seed") as caught:
        EpisodeKeys(2).reseed(seeds, _generator)
    assert "\n" not in str(caught.value)


def make(vector):
    if vector:
        return gym.make_vec("beamgym/LaueZone-v0", num_envs=2, vectorization_mode="vector_entry_point")
    return gym.make("beamgym/LaueZone-v0")


@pytest.mark.parametrize("seed", [0, 3, np.int64(3), np.uint64(3), 2**64 - 1, None])
def test_an_integer_of_any_kind_comes_back_as_pythons(seed):
    found = checked_seed(seed)
    assert found == seed
    assert found is None or type(found) is int


@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (2**64, ValueError), ("a", TypeError), (1.5, TypeError)])
def test_a_wrong_seed_is_answered_in_one_line(vector, seed, error):
    env = make(vector)
    with pytest.raises(error, match="choose an integer from 0") as caught:
        env.reset(seed=seed)
    env.close()
    assert "\n" not in str(caught.value)


def test_each_seed_of_a_list_is_looked_at():
    env = make(vector=True)
    with pytest.raises(ValueError, match="the seed is -2"):
        env.reset(seed=[1, -2])
    env.close()
