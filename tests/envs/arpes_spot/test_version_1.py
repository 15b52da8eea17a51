"""What version 1 of ArpesSpot does otherwise: when a declaration counts, what it costs, who scores."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.baselines.spot import BASELINES
from beamgym.agents.evaluation.evaluator import evaluate
from beamgym.envs.arpes_spot import composed_scorer, shipped_scorer, spot_rules, task_over, told

V1, V0 = "beamgym/ArpesSpot-v1", "beamgym/ArpesSpot-v0"
FREE = {"surfaces": 2, "score": "truth"}


def vector(n=8, name=V1, **options):
    return gym.make_vec(name, num_envs=n, autoreset_mode="Disabled", **{**FREE, **options})


def held(env):
    return env.loop.task.context.fractions(env.loop.state.positions)


def declares(env, away=0.0):
    sites = held(env) + np.array([away, 0.0])
    return np.column_stack([sites, np.full(len(sites), -1.0), np.ones(len(sites))])


@pytest.mark.parametrize(
    ("name", "options"),
    [(V1, {}), (V1, {"action": "steps"}), (V1, {"action": "steps", "max_step_mm": 0.05}), (V1, {"level": "hard"}),
     ("beamgym/ArpesSpotImage-v1", {})],
)  # fmt: skip
def test_an_untrained_gaussian_policy_does_not_end_its_episodes(name, options):
    env, rng = vector(32, name, **options), np.random.default_rng(1)
    env.reset(seed=5)
    lengths, running = np.zeros(32), np.ones(32, dtype=np.bool_)
    for _ in range(40):
        _, _, terminated, truncated, _ = env.step(rng.normal(size=env.action_space.shape))
        lengths += running
        running &= ~(terminated | truncated)
        if not running.any():
            break
        if (terminated | truncated).any():
            env.reset(options={"reset_mask": terminated | truncated})
    assert lengths.mean() >= 10.0


def test_a_declaration_beside_a_way_is_a_move_and_one_that_stays_is_none():
    env = vector()
    env.reset(seed=1)
    before = env.loop.state.positions.copy()
    _, _, terminated, _, info = env.step(declares(env, away=0.06))
    assert not terminated.any()
    np.testing.assert_array_equal(info["cost"]["exposures"], 1)
    assert (np.abs(env.loop.state.positions - before).max(axis=1) > 0.05).all()
    before = env.loop.state.positions.copy()
    _, _, terminated, _, info = env.step(declares(env, away=0.04))
    assert terminated.all()
    np.testing.assert_array_equal(env.loop.state.positions, before)
    np.testing.assert_array_equal(info["cost"]["exposures"], 0)


def test_a_step_against_the_end_of_the_travel_declares_nothing():
    env = vector(4, action="steps")
    env.reset(seed=3, options={"positions": [1.0, 1.0, 0.05]})
    _, _, terminated, _, info = env.step(np.ones((4, 4)))
    assert info["limited"].all()
    assert not terminated.any()


def test_a_wrong_declaration_has_its_price_and_a_right_one_is_paid():
    env, paid = vector(16, surfaces=16), spot_rules(1).reward
    env.reset(seed=2)
    _, reward, terminated, _, info = env.step(declares(env))
    assert terminated.all()
    right = info["is_success"]
    assert not right.all()
    np.testing.assert_allclose(reward[~right], -paid.price, atol=1e-9)
    best = env.loop.instrument.truth()["best_place_mm"]
    env.reset(seed=2)
    action = np.column_stack([best, np.full(16, -0.5), np.full(16, -1.0)])
    _, rise, _, _, info = env.step(action)
    assert (rise + paid.time_cost * info["cost"]["instrument_s"] >= 0.0).all()
    _, reward, _, _, info = env.step(declares(env))
    right = info["is_success"]
    assert right.mean() > 0.9
    np.testing.assert_allclose(reward[right], paid.success, atol=1e-9)
    np.testing.assert_allclose(reward[~right], -paid.price, atol=1e-9)


def test_progress_is_paid_by_the_truth_once_and_kept():
    env = vector(4, surfaces=4, stop="truth")
    env.reset(seed=4)
    begun = env.loop.state.reached.copy()
    rng, total, cost = np.random.default_rng(0), np.zeros(4), np.zeros(4)
    for _ in range(6):
        action = np.column_stack([rng.uniform(-0.5, 0.5, (4, 2)), np.full(4, -1.0), np.full(4, -1.0)])
        _, reward, terminated, _, info = env.step(action)
        if terminated.any():
            break
        total, cost = total + reward, cost + info["cost"]["instrument_s"]
        reached = env.loop.state.reached.copy()
    np.testing.assert_allclose(total, 0.1 * (reached - begun) - spot_rules(1).reward.time_cost * cost, atol=1e-9)
    assert (reached > begun).any()


def test_each_version_has_its_scorer_and_takes_the_others():
    for name, options, scorer in (
        (V1, {}, composed_scorer()),
        (V0, {}, shipped_scorer()),
        (V0, {"score": "composed"}, composed_scorer()),
        (V1, {"score": "cnn"}, shipped_scorer()),
        (V1, {"score": "truth"}, None),
    ):
        assert gym.make(name, surfaces=1, **options).unwrapped.loop.task.scorer is scorer
    with pytest.raises(ValueError, match="unknown score 'network'; choose one of 'composed'") as told:
        gym.make(V1, score="network")
    assert "\n" not in str(told.value)
    with pytest.raises(ValueError, match="no version 7"):
        spot_rules(7)


def test_version_0_declares_with_any_action_and_pays_the_score():
    env = vector(4, V0, score="cnn")
    env.reset(seed=1)
    points = env.loop.state.scores[:, 3].copy()
    _, reward, terminated, _, _ = env.step(np.tile([0.9, -0.9, 0.0, 1.0], (4, 1)))
    assert terminated.all()
    np.testing.assert_allclose(reward, 0.1 * points, atol=1e-6)


def test_over_an_instrument_a_declaration_has_the_same_rule_and_no_price():
    context = gym.make(V1, **FREE).unwrapped.loop.task.context
    task = task_over(context, version=1)
    assert task.declares_within_mm == spot_rules(1).declares_within_mm
    assert task.scorer is composed_scorer()
    env = vector(2)
    env.reset(seed=1)
    state = env.loop.state
    command = task.target(state, declares(env))
    assert command.declare.all()
    declared = dataclasses.replace(state, declared=command.declare)
    _, verdict = task.judge(declared)
    assert verdict.terminated.all()
    assert not verdict.is_success.any()
    np.testing.assert_array_equal(verdict.reward, 0.0)


@pytest.mark.parametrize("name", ["true-map", "hexagonal"])
def test_rivals_declare_where_they_stand(name):
    found = evaluate(BASELINES[name](), V1, 6, 0, "easy", {"score": "truth"})
    assert found.success_rate >= 0.5


def test_who_looks_on_is_told_a_sites_points_and_in_version_1_what_they_would_be_at_the_reference_dwell():
    for name in (V1, V0):
        env = vector(1, name, score=None)
        env.reset(seed=3)
        state = env.loop.state
        said = told(state)
        assert said.pop("score_points") == float(state.scores[0, 3])
        assert said == (
            {}
            if name == V0
            else {
                "at_reference_dwell_points": float(state.estimate[0, 0]),
                "expected_error_points": float(state.estimate[0, 1]),
            }
        )
