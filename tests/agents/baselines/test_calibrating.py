"""Calibrating aligns with cameras and axes that are off, and declares only what it is sure of."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.agents.baselines.align.calibrating import Calibrating
from beamgym.agents.baselines.align.index_and_move import IndexAndMove
from beamgym.agents.evaluation.evaluator import context_of, evaluate_in, make_vector_env
from beamgym.envs.policy import CannotPlay
from beamgym.physics.laue.imperfections import LAUE_LEVELS

ID = "beamgym/LaueAlign-v0"
HARD = LAUE_LEVELS["hard"]
EPISODES = 12


@pytest.mark.parametrize(
    ("level", "options", "exposures"),
    [
        ("real", {}, 2),
        pytest.param(HARD, {}, 3, marks=pytest.mark.slow),
        pytest.param(HARD, {"tolerance_deg": 0.1}, 4.5, marks=pytest.mark.slow),
        pytest.param(HARD, {"goniometer": "two-arc"}, 3, marks=pytest.mark.slow),
        (HARD, {"goniometer": "two-arc", "tolerance_deg": 0.1}, 4.5),
        (HARD, {"action": "axes", "goniometer": "kappa"}, 3),
        (HARD, {"target": "axis [111] z", "goniometer": "psic"}, 3),
        (HARD, {"crystal": "kyanite"}, 4),
        (replace(HARD, detector_shift_mm=2.0, detector_tilt_deg=1.0), {}, 5),
        (replace(HARD, zero_error_deg=0.3), {}, 5),
    ],
)
def test_it_aligns_with_one_prior_whatever_is_wrong_with_the_instrument(level, options, exposures):
    """What is slow is met by the others in pairs: the usual head, two arcs, a tenth of a degree."""
    result = evaluate_in(Calibrating(), make_vector_env(ID, EPISODES, level, options), EPISODES, seed=21)
    assert result.success_rate == 1.0
    assert result.exposures_median <= exposures


@pytest.mark.parametrize("episodes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_it_finds_ten_true_spots_among_forty_false_ones_and_the_larger_of_two_grains(episodes):
    result = evaluate_in(Calibrating(), make_vector_env(ID, episodes, "harsh", {}), episodes, seed=21)
    assert result.success_rate == 1.0


def test_it_wins_where_indexing_frame_by_frame_does_not():
    world = make_vector_env(ID, EPISODES, HARD, {"tolerance_deg": 0.1})
    rival, ours = (
        evaluate_in(policy, world, EPISODES, seed=22).success_rate for policy in (IndexAndMove(), Calibrating())
    )
    assert ours == 1.0
    assert rival < 0.6


def test_less_confidence_takes_no_more_exposures():
    world = make_vector_env(ID, EPISODES, HARD, {"tolerance_deg": 0.1})
    sure, bold = (evaluate_in(Calibrating(confidence), world, EPISODES, seed=23) for confidence in (0.9999, 0.5))
    assert bold.exposures_median < sure.exposures_median


def test_without_spots_it_looks_around_and_never_declares():
    env = make_vector_env(ID, 4, "real", {})
    observation, _ = env.reset(seed=[1, 2, 3, 4])
    observation["spots"] = np.zeros_like(observation["spots"])
    policy = Calibrating()
    memory = policy.start(context_of(env), 4)
    for _ in range(3):
        actions, memory = policy.act(observation, memory)
        assert (actions[:, -1] < 0).all()
        assert (np.abs(actions[:, :3]).max(axis=1) > 0).all()


def test_it_says_what_it_cannot_play():
    with pytest.raises(CannotPlay, match="hides it"):
        evaluate_in(Calibrating(), make_vector_env("beamgym/LaueZone-v0", 1, "real", {}), 1, seed=0)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5, float("nan")])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence"):
        Calibrating(confidence)
