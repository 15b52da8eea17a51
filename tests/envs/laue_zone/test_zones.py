"""The observation "zones": the same natively and alone, never past a reset, and worth following."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3.common.env_checker import check_env as check_sb3

import beamgym  # noqa: F401 - registers the environments
from beamgym.agents.baselines.zone.zone_finder import ZoneFinder
from beamgym.envs.laue_zone.charted_task import STRONG
from beamgym.envs.policy import CannotPlay

ID = "beamgym/LaueZone-v1"


def vector(n, mode="SameStep", **options):
    given = {"vectorization_mode": "vector_entry_point", "autoreset_mode": mode, "observation": "zones", **options}
    return gym.make_vec(ID, num_envs=n, **given)


def test_both_checkers_are_content():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for options in ({}, {"flat": True}, {"level": "real", "system": "triclinic"}):
            env = gym.make(ID, observation="zones", render_mode="rgb_array", **options).unwrapped
            check_gymnasium(env)
            check_sb3(env)
    assert [str(each.message) for each in told if "is out of date" not in str(each.message)] == []


@pytest.mark.parametrize("level", ["published", "real"])
def test_a_row_of_a_vector_is_the_single_environment(level):
    actions = np.random.default_rng(1).uniform(-1, 1, (8, 3, 3)).astype(np.float32)
    rows = vector(3, "NextStep", level=level, moves=5)
    single = gym.make(ID, observation="zones", level=level, moves=5)
    seen, _ = rows.reset(seed=4)
    alone, _ = single.reset(seed=5)
    over = False
    for action in actions:
        assert all(np.array_equal(seen[name][1], alone[name]) for name in alone)
        seen, *_ = rows.step(action)
        if over:
            alone, _ = single.reset()
            over = False
        else:
            alone, _, ended, cut, _ = single.step(action[1])
            over = ended or cut


def test_nothing_is_kept_beyond_a_reset():
    env = gym.make(ID, observation="zones")
    first, _ = env.reset(seed=7)
    for _ in range(4):
        env.step(np.array([1.0, -1.0, -1.0], np.float32))
    again, _ = env.reset(seed=7)
    assert np.array_equal(first["zones"], again["zones"])


def test_stepping_to_the_nearest_strong_zone_finds_axes():
    n = 40
    envs, done, right = vector(n, moves=30), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    seen, _ = envs.reset(seed=100)
    while not done.all():
        steps = seen["zones"].reshape(n, -1, 4)[:, 0, :2]
        seen, _, ended, cut, _ = envs.step(np.pad(steps, ((0, 0), (0, 1))))
        right |= ended & ~done
        done |= ended | cut
    assert right.mean() >= 0.9  # the blind spiral finds half of them in fifty moves


def test_the_reward_leads_to_what_the_films_show():
    n = 40
    envs, first = vector(n, moves=12), np.zeros(n)
    seen, _ = envs.reset(seed=100)
    far = seen["zones"].reshape(n, -1, 4)[:, 0, 2] * 180.0
    assert np.median(far) > 40.0  # nothing nearer is shown
    done, right = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for step in range(12):
        steps = seen["zones"].reshape(n, -1, 4)[:, 0, :2]
        seen, reward, ended, cut, _ = envs.step(np.pad(steps, ((0, 0), (0, 1))))
        if 1 <= step < 6:  # with the second film more comes into sight
            first += reward * ~done
        right |= ended & ~done
        done |= ended | cut
    # of those whose first row was an axis, so that twelve moves were enough
    assert right.sum() >= 15
    assert (first[right] > 0.0).mean() >= 0.85


def test_rows_are_sorted_and_within_the_space():
    envs = vector(16)
    seen, _ = envs.reset(seed=3)
    rows = seen["zones"].reshape(16, 8, 4)
    assert envs.observation_space.contains(seen)
    there = rows[..., 3] > 0.0
    strong = rows[..., 3] >= STRONG
    assert (strong[:, :-1] >= strong[:, 1:]).all(), "the strong ones come first"
    assert (strong.sum(axis=1) > 1).any()
    assert (~strong & there).any()
    for group in (strong, there & ~strong):
        both = group[:, :-1] & group[:, 1:]
        assert (np.diff(rows[..., 2], axis=1)[both] >= 0.0).all(), "the nearest first"
    assert (rows[..., 3].max(axis=1) == 1.0).all()
    assert not rows[~there].any()
    assert "image" not in seen


def test_a_policy_that_needs_films_says_so():
    env = gym.make(ID, observation="zones")
    seen, _ = env.reset(seed=0)
    finder, context = ZoneFinder(), env.unwrapped.loop.task.context
    with pytest.raises(CannotPlay, match="needs films"):
        finder.act({name: part[None] for name, part in seen.items()}, finder.start(context, 1))


def test_an_unknown_observation_is_refused():
    with pytest.raises(ValueError, match="choose image or zones"):
        gym.make(ID, observation="zone")
