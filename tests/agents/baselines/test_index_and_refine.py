"""Index-and-refine aligns with a camera that is off, by a camera that it refines with every frame."""

import numpy as np
import pytest

from beamgym.agents.baselines.align.index_and_move import IndexAndMove
from beamgym.agents.baselines.align.index_and_refine import IndexAndRefine
from beamgym.agents.evaluation.evaluator import context_of, evaluate_in, make_vector_env
from beamgym.envs.policy import CannotPlay

ID = "beamgym/LaueAlign-v0"
EPISODES = 12


def test_at_hard_it_aligns_where_index_and_move_does_not():
    world = make_vector_env(ID, EPISODES, "hard", {})
    plain, refined = (evaluate_in(policy, world, EPISODES, seed=22) for policy in (IndexAndMove(), IndexAndRefine()))
    assert refined.success_rate >= 11 / 12
    assert plain.success_rate < refined.success_rate
    assert refined.exposures_median <= 4
    assert refined.episodes.ended.all()
    assert refined.episodes.exposures.max() <= 20


def test_without_spots_it_looks_around_and_never_declares():
    env = make_vector_env(ID, 2, "real", {})
    observation, _ = env.reset(seed=[1, 2])
    observation["spots"] = np.zeros_like(observation["spots"])
    policy = IndexAndRefine()
    actions, _ = policy.act(observation, policy.start(context_of(env), 2))
    assert (actions[:, -1] < 0).all()
    assert (np.abs(actions[:, :3]).max(axis=1) > 0).all()


def test_it_says_what_it_cannot_play():
    with pytest.raises(CannotPlay, match="hides it"):
        evaluate_in(IndexAndRefine(), make_vector_env("beamgym/LaueZone-v0", 1, "real", {}), 1, seed=0)
