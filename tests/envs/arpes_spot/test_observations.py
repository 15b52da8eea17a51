"""What may be observed of ArpesSpot: each choice holds parts of the whole, alone and together, flat or not."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3.common.env_checker import check_env as check_sb3

import beamgym  # noqa: F401
from beamgym.agents.policies import find_policy
from beamgym.envs.arpes_spot.parts import PARTS, choice_of
from beamgym.envs.arpes_spot.views import MAP_CELLS, MAP_LAYERS
from beamgym.envs.policy import CannotPlay
from beamgym.hardware_bridge.tasks import task_for

V0 = "beamgym/ArpesSpot-v0"
CHOICES = ("scores", "map", "spectrum")


def played(observation=None, n=2, **options):
    """Observations of a reset and three steps, always the same."""
    env = gym.make_vec(V0, num_envs=n, observation=observation, surfaces=2, **options)
    draw, seen = np.random.default_rng(0), [env.reset(seed=3)[0]]
    for _ in range(3):
        action = draw.uniform(-0.8, 0.8, (n, 4)).astype(np.float32)
        action[:, 3] = -1.0
        seen.append(env.step(action)[0])
    return seen


@pytest.fixture(scope="module")
def whole():
    return played()


@pytest.mark.parametrize("observation", ["scores", "spectrum"])
def test_a_choice_is_some_parts_of_the_whole(whole, observation):
    assert set(whole[0]) == set(PARTS["all"])
    for one, other in zip(played(observation), whole, strict=True):
        assert set(one) == set(PARTS[observation])
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_the_picture_is_the_map_with_the_place_and_the_budget(whole):
    for one, other in zip(played("map"), whole, strict=True):
        picture = one["picture"]
        assert picture.shape == (2, 2 * MAP_CELLS, 2 * MAP_CELLS, MAP_LAYERS + 2)
        cells = picture[:, ::2, ::2]
        np.testing.assert_array_equal(picture, cells.repeat(2, axis=1).repeat(2, axis=2))
        layers = other["map"].reshape(2, MAP_CELLS, MAP_CELLS, MAP_LAYERS)
        np.testing.assert_allclose(cells[..., :MAP_LAYERS], 255.0 * layers, atol=0.5)
        for row in range(2):
            lit = np.argwhere(cells[row, ..., MAP_LAYERS])
            x, y = ((2.0 * (lit[0, ::-1] + 0.5) / MAP_CELLS) - 1.0).tolist()
            assert len(lit) == 1
            np.testing.assert_allclose([x, y], other["position"][row], atol=1.01 / MAP_CELLS)
            assert layers[row, lit[0, 0], lit[0, 1], 1] > 0.0
            np.testing.assert_allclose(cells[row, ..., -1], 255.0 * other["budget"][row, 0], atol=0.5)


@pytest.mark.parametrize("observation", CHOICES)
@pytest.mark.parametrize("flat", [False, True])
def test_both_checkers_are_content_and_rows_are_single_environments(observation, flat):
    options = {"observation": observation, "flat": flat, "surfaces": 2}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        env = gym.make(V0, **options).unwrapped
        check_gymnasium(env, skip_render_check=True)
        check_sb3(env)
    assert [str(each.message) for each in told if "out of date" not in str(each.message)] == []
    together, alone = played(observation, flat=flat)[0], env.reset(seed=4)[0]
    if not flat:
        for name, values in alone.items():
            np.testing.assert_array_equal(values, together[name][1])
        return
    np.testing.assert_array_equal(alone, together[1])
    assert alone.shape == {"scores": (15,), "map": (64, 64, 8), "spectrum": (64, 64, 1)}[observation]


def test_a_choice_is_known_by_its_parts_and_stands_before_an_instrument():
    assert {choice_of(parts) for parts in PARTS.values()} == set(PARTS)
    assert choice_of(("position",)) is None
    context = gym.make(V0).unwrapped.context
    for name, parts in PARTS.items():
        assert set(task_for(context, V0, parts=parts).observation_space) == set(parts), name
    assert task_for(context, V0, parts=PARTS["scores"], flat=True).observation_space["observation"].shape == (15,)


def test_rivals_play_where_scores_are_observed():
    actions = {}
    for observation in ("all", "scores", "map"):
        env = gym.make_vec(V0, num_envs=1, observation=observation, surfaces=1)
        seen, policy = env.reset(seed=3)[0], find_policy("hexagonal", V0)
        memory = policy.start(env.loop.task.context, 1)
        if observation == "map":
            with pytest.raises(CannotPlay, match="needs observed scores"):
                policy.act(seen, memory)
            continue
        actions[observation] = policy.act(seen, memory)[0]
    np.testing.assert_array_equal(actions["all"], actions["scores"])


def test_a_choice_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="unknown observation 'picture'; choose one of all, scores, map, spectrum"):
        gym.make(V0, observation="picture")
    with pytest.raises(ValueError, match="make ArpesSpot"):
        gym.make("beamgym/ArpesSpotImage-v0", observation="scores")
    assert set(gym.make("beamgym/ArpesSpotImage-v0", observation="spectrum").observation_space) == set(
        gym.make("beamgym/ArpesSpotImage-v0").observation_space
    )
