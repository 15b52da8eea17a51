"""Costs as libraries of safe learning take them: what is charged, singly and in vectors, at every autoreset."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from beamgym.envs.safety import CostInInfo, SafetyEnv, SafetyVectorEnv, VectorCostInInfo

V1 = "beamgym/LaueAlign-v1"
ESTIMATE = {"observation": "estimate", "flat": True}
STILL, WRONG = np.zeros(4, np.float32), np.array([0.0, 0.0, 0.0, 1.0], np.float32)


def far(env):
    """Return a step of the axes that leads out of their range."""
    action = np.zeros(env.action_space.shape, np.float32)
    action[..., :-1] = 1.0
    return action


def test_a_wrong_declaration_costs_one_and_a_right_one_nothing():
    env = SafetyEnv(gym.make(V1, **ESTIMATE, start_within_deg=20.0))
    seen, info = env.reset(seed=1)
    assert info["cost"] == 0.0
    assert info["costs"]["exposures"] == 1
    *_, cost, terminated, truncated, info = env.step(STILL)
    assert (cost, terminated, truncated) == (0.0, False, False)
    _, _, cost, terminated, _, info = env.step(WRONG)
    assert terminated
    assert cost == info["cost"] == 1.0
    seen, _ = env.reset()
    for _ in range(6):
        seen, *_ = env.step(np.r_[seen[:3], -1.0].astype(np.float32))
    _, _, cost, terminated, _, info = env.step(WRONG)
    assert terminated
    assert info["is_success"]
    assert cost == 0.0


def test_a_move_out_of_range_costs_one():
    env = SafetyEnv(gym.make(V1, **ESTIMATE, action="axes", goniometer="two-arc", target="axis [001] x"))
    env.reset(seed=2)
    costs = [env.step(far(env))[2] for _ in range(3)]
    assert costs[-1] == 1.0


def test_what_is_spent_can_be_charged_instead():
    env = CostInInfo(gym.make(V1, **ESTIMATE), {"dose": 0.5, "exposures": 2.0})
    env.reset(seed=3)
    *_, info = env.step(STILL)
    assert info["cost"] == 0.5 * 10.0 + 2.0
    with pytest.warns(UserWarning, match="different from the unwrapped version"):
        check_env(CostInInfo(gym.make(V1).unwrapped), skip_render_check=True)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("native", [True, False])
def test_a_vector_charges_what_single_environments_do(mode, native):
    options, prices = {**ESTIMATE, "exposures": 5}, {"limited": 3.0, "wrong": 5.0, "dose": 0.1}
    if native:
        made = gym.make_vec(V1, 3, "vector_entry_point", autoreset_mode=mode, **options)
    else:
        kwargs = {"autoreset_mode": gym.vector.AutoresetMode(mode)}
        made = gym.make_vec(V1, 3, "sync", vector_kwargs=kwargs, **options)
    vector = SafetyVectorEnv(made, prices)
    singles = [SafetyEnv(gym.make(V1, **options), prices) for _ in range(3)]
    info = vector.reset(seed=5)[1]
    np.testing.assert_array_equal(info["cost"], 0.0)
    for i, env in enumerate(singles):
        env.reset(seed=5 + i)
    rng, over, charged = np.random.default_rng(0), [False] * 3, []
    for _ in range(20):
        actions = (0.3 * rng.normal(size=(3, 4))).astype(np.float32)
        actions[rng.random(3) < 0.3, :3] = 0.0  # so that half of these declare
        _, _, costs, _, _, info = vector.step(actions)
        np.testing.assert_array_equal(costs, info["cost"])
        for i, env in enumerate(singles):
            if over[i] and mode == "NextStep":
                env.reset()
                over[i], wanted = False, 0.0
            else:
                _, _, wanted, terminated, truncated, _ = env.step(actions[i])
                over[i] = terminated or truncated
                if over[i] and mode == "SameStep":
                    env.reset()
            assert costs[i] == pytest.approx(wanted)
        charged.extend(costs)
    assert len(set(np.round(charged, 6))) >= 3


def test_the_parts_of_a_vector_stay_beside_the_sum():
    vector = VectorCostInInfo(gym.make_vec(V1, 2, "vector_entry_point", **ESTIMATE))
    vector.reset(seed=1)
    *five, info = vector.step(np.tile(STILL, (2, 1)))
    assert len(five) == 4
    np.testing.assert_array_equal(info["costs"]["exposures"], 1)
    np.testing.assert_array_equal(info["cost"], 0.0)


@pytest.mark.parametrize("name", ["beamgym/LaueZone-v1", "beamgym/ArpesSpot-v0"])
def test_every_task_has_costs(name):
    env = SafetyEnv(gym.make(name))
    env.reset(seed=1)
    env.action_space.seed(1)
    assert env.step(env.action_space.sample())[2] >= 0.0


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({"doses": 1.0}, "did you mean dose"),
        ({"crash": 1.0}, "there are limited, wrong"),
        ({"dose": -1.0}, "0 or more"),
        ({}, "no cost is named"),
    ],
)
def test_costs_that_cannot_be_are_refused_in_one_line(prices, words):
    with pytest.raises(ValueError, match=words):
        CostInInfo(gym.make(V1), prices)


def test_the_program_of_the_page_runs(printed):
    space = {}
    exec(printed("training.md", "SafetyVectorEnv("), space)
    assert space["envs"] is not None
