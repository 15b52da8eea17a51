"""The evaluator plays the same episodes with every rival and counts as it says."""

import numpy as np
import pytest
from scipy.stats import norm

from beamgym.agents.evaluation.evaluator import Episodes, evaluate_in, make_vector_env, run_episodes, summarise
from beamgym.agents.evaluation.seeds import first_seed, seed_range
from beamgym.agents.policies import find_policy
from beamgym.envs.policy import CannotPlay


class Cancel:
    """Cancels the observed offset in steps of at most 0.5, and declares when it is gone."""

    name = "cancel"
    oracle = False

    def start(self, context, n):
        assert context == "three motors"
        return [0] * n

    def act(self, observation, state, truth=None):
        assert truth is None, "only oracles are handed the truth"
        offset = observation["offset"]
        done = np.abs(offset).max(axis=1, keepdims=True) < 0.05
        actions = np.hstack([np.clip(-2.0 * offset, -1, 1), np.where(done, 1.0, -1.0)])
        return actions.astype(np.float32), [steps + 1 for steps in state]


class Oracle(Cancel):
    """The same by the truth."""

    name = "oracle"
    oracle = True

    def act(self, observation, state, truth=None):
        return super().act({"offset": truth["offset"] + truth["positions"]}, state)


class NeverDone(Cancel):
    """Stands still until the budget is spent."""

    name = "never"

    def act(self, observation, state, truth=None):
        return np.tile(np.float32([0, 0, 0, -1]), (len(state), 1)), state


def test_a_rows_episode_does_not_depend_on_the_batch(make_three_motors):
    seeds = range(100, 107)
    together = run_episodes(Cancel(), make_three_motors(8, "Disabled"), seeds)
    for i, seed in enumerate(seeds):
        alone = run_episodes(Cancel(), make_three_motors(1, "Disabled"), range(seed, seed + 1))
        for name in Episodes.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[i])


def test_oracles_and_only_they_see_the_truth(make_three_motors):
    env = make_three_motors(4, "Disabled")
    assert evaluate_in(Oracle(), env, 10, seed=0).success_rate == 1.0


def test_exposures_count_the_first_frame_and_not_the_declaration(make_three_motors):
    env = make_three_motors(3, "Disabled")
    episodes = run_episodes(Cancel(), env, range(3))
    env.reset(seed=[0, 1, 2])
    farthest = np.abs(env.loop.instrument.truth()["offset"]).max(axis=1)
    np.testing.assert_array_equal(episodes.exposures, 1 + np.ceil(farthest / 0.5))
    np.testing.assert_array_equal(episodes.instrument_s, 12.0 * episodes.exposures + episodes.motor_s)
    assert episodes.success.all()


def test_episodes_the_budget_ends_are_failures_with_their_final_error(make_three_motors):
    result = evaluate_in(NeverDone(), make_three_motors(4, "Disabled"), 9, seed=0)
    assert result.success_rate == 0.0
    assert not result.episodes.ended.any()
    assert np.isfinite(result.misorientation_deg_median)
    assert result.as_dict()["exposures_median"] is None, "this small world names no budget"


def test_failures_count_at_full_budget_in_the_median_of_exposures():
    success = np.array([True, False, False])
    few = np.array([2.0, 3.0, 4.0])
    episodes = Episodes(success, few, few, few, few, success)
    result = summarise(Cancel(), episodes, budget=20.0)
    assert result.exposures_median == 20.0
    assert result.motor_s_median == 3.0, "motor and instrument time are medians as spent"


def test_the_interval_is_wilsons():
    success = np.arange(50) < 40
    zero = np.zeros(50)
    low, high = summarise(Cancel(), Episodes(success, zero, zero, zero, zero, success), 20.0).success_ci95
    p, n, z = 0.8, 50, norm.ppf(0.975)
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    np.testing.assert_allclose([low, high], [(centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)])


def test_two_policies_start_from_the_same_episodes(make_three_motors):
    env = make_three_motors(4, "Disabled")
    first = evaluate_in(NeverDone(), env, 6, seed=1).episodes.misorientation_deg
    evaluate_in(Cancel(), env, 6, seed=1)
    np.testing.assert_array_equal(first, evaluate_in(NeverDone(), env, 6, seed=1).episodes.misorientation_deg)


def test_the_seeds_of_the_three_purposes_never_meet():
    training, selection, benchmark = (seed_range(name) for name in ("training", "selection", "benchmark"))
    assert training.stop <= selection.start
    assert selection.stop <= benchmark.start
    assert first_seed("training", 3) in training
    assert first_seed("benchmark", 2**36 - 1) in benchmark
    with pytest.raises(ValueError, match="between 0 and"):
        first_seed("benchmark", -1)


def test_an_evaluation_on_training_seeds_is_refused(make_three_motors):
    with pytest.raises(ValueError, match="meet the training's"):
        evaluate_in(Cancel(), make_three_motors(2, "Disabled"), 2, seed=0, purpose="training")


def test_a_baseline_of_the_present_observation_is_refused_a_history():
    env = make_vector_env("beamgym/LaueAlign-v1", 2, "easy", {"history": 3})
    with pytest.raises(CannotPlay, match="leave out history=3"):
        evaluate_in(find_policy("index-and-move", "beamgym/LaueAlign-v1"), env, 2, seed=0)
    evaluate_in(find_policy("random", "beamgym/LaueAlign-v1"), env, 2, seed=0)
