"""What version 1 does otherwise: when a declaration counts, what it costs, and what may be observed and chosen."""

import gymnasium as gym
import numpy as np
import pytest

from beamgym.envs.laue_align.decisions import AGAIN, DECLARE, GO, LOOK
from beamgym.envs.laue_align.rules import rules

V1 = "beamgym/LaueAlign-v1"
CONTINUOUS = {
    V1: [{}, {"observation": "estimate"}, {"action": "axes"}, {"level": "hard", "tolerance_deg": 1.0}],
    "beamgym/LaueAlignImage-v1": [{"size": 36}],
    "beamgym/LaueZone-v1": [{"stop": "declare"}],
}
CASES = [(name, options) for name, many in CONTINUOUS.items() for options in many]


def vector(n=8, name=V1, **options):
    return gym.make_vec(name, num_envs=n, autoreset_mode="Disabled", **options)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_an_untrained_gaussian_policy_does_not_end_its_episodes(name, options):
    env, rng = vector(64, name, **options), np.random.default_rng(1)
    env.reset(seed=5)
    budget = env.loop.task.context.exposures
    wanted, lengths, running = min(budget / 3, 10), np.zeros(64), np.ones(64, dtype=np.bool_)
    for _ in range(30):
        _, _, terminated, truncated, _ = env.step(rng.normal(size=env.action_space.shape))
        lengths += running
        running &= ~(terminated | truncated)
        if not running.any():
            break
        if (terminated | truncated).any():
            env.reset(options={"reset_mask": terminated | truncated})
    assert lengths.mean() >= wanted


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (V1, {"observation": "estimate"}),
        (V1, {"observation": "estimate", "goniometer": "two-arc"}),
        (V1, {"observation": "estimate", "goniometer": "two-arc", "action": "axes"}),
        ("beamgym/LaueZone-v1", {"stop": "declare"}),
    ],
)
def test_a_full_turn_against_a_limit_declares_nothing(name, options):
    env = vector(4, name, **options)
    env.reset(seed=3)
    full = np.ones(env.action_space.shape, np.float32)
    full[:2, 0] = 0.0
    limited = np.zeros(4, np.bool_)
    for _ in range(env.loop.task.context.exposures - 1):
        _, _, terminated, truncated, info = env.step(full)
        limited |= info["limited"]
        assert not terminated.any()
        if truncated.any():
            break
    assert limited.any()


def test_a_declaration_beside_a_large_turn_is_a_move():
    env = vector()
    env.reset(seed=1)
    _, _, terminated, _, info = env.step(np.tile([0.5, 0.0, 0.0, 1.0], (8, 1)))
    assert not terminated.any()
    np.testing.assert_array_equal(info["cost"]["exposures"], 1)


def test_a_declaration_beside_a_small_turn_makes_it_without_an_exposure():
    env = vector()
    env.reset(seed=1)
    before = env.loop.state.positions.copy()
    _, _, terminated, _, info = env.step(np.tile([0.2, 0.0, 0.0, 1.0], (8, 1)))
    assert terminated.all()
    assert (np.abs(env.loop.state.positions - before).max(axis=1) > 0.1).all()
    np.testing.assert_array_equal(info["cost"]["exposures"], 0)
    assert (info["cost"]["motor_s"] > 0.0).all()


def test_a_wrong_declaration_has_its_price_and_progress_is_kept():
    env, paid = vector(16), rules(1).reward
    env.reset(seed=2)
    _, reward, terminated, _, info = env.step(np.tile([0.0, 0.0, 0.0, 1.0], (16, 1)))
    assert terminated.all()
    waited = paid.time_cost * info["cost"]["instrument_s"]
    np.testing.assert_allclose(reward, -paid.price - waited, atol=1e-6)


def test_a_right_declaration_is_paid_and_a_sparse_one_by_nothing_else():
    for reward, least in (("dense", 1.9), ("sparse", 2.0)):
        env = vector(4, reward=reward, observation="estimate", action="decisions")
        env.reset(seed=3)
        for _ in range(2):
            env.step(np.full(4, GO))
        _, got, terminated, _, info = env.step(np.full(4, DECLARE))
        assert terminated.all()
        assert info["is_success"].all()
        assert (got >= least).all()
    with pytest.raises(ValueError, match="no version 7"):
        rules(7)


def test_decisions_do_what_they_say():
    env = vector(6, observation="estimate", action="decisions", level="hard")
    env.reset(seed=4)
    rotation = env.loop.task.context.goniometer.rotation
    here = env.loop.state.positions.copy()
    env.step(np.full(6, AGAIN))
    np.testing.assert_array_equal(env.loop.state.positions, here)
    spread = np.trace(env.loop.state.known.spread, axis1=1, axis2=2)
    env.step(np.full(6, LOOK))
    turned = rotation(env.loop.state.positions) @ rotation(here).transpose(0, 2, 1)
    assert (np.trace(turned, axis1=1, axis2=2) < 1.0 + 2.0 * np.cos(np.radians(10.0))).all()
    assert (np.trace(env.loop.state.known.spread, axis1=1, axis2=2) < spread).mean() > 0.5
    for _ in range(3):
        _, _, _, _, info = env.step(np.full(6, GO))
    assert (info["misorientation_deg"] < 0.5).all()
    with pytest.raises(ValueError, match="choose 0 to 3"):
        env.step(np.full(6, 4))
    with pytest.raises(ValueError, match="6 whole numbers"):
        env.step(np.full(6, 0.5))


def test_the_estimate_is_as_good_as_it_says():
    env = vector(400, observation="estimate", action="decisions")
    seen, _ = env.reset(seed=6)
    for choice in (GO, GO):
        seen, *_ = env.step(np.full(400, choice))
    known, stands = env.loop.state.known, env.loop.instrument.truth()["orientation"]
    assert seen["estimate"].shape == (400, 8)
    off = stands @ known.orientation.transpose(0, 2, 1)
    vector_deg = np.degrees(
        0.5 * np.stack([off[:, 2, 1] - off[:, 1, 2], off[:, 0, 2] - off[:, 2, 0], off[:, 1, 0] - off[:, 0, 1]], 1)
    )
    chi2 = np.einsum("ni,nij,nj->n", vector_deg, np.linalg.inv(known.spread), vector_deg)
    assert 2.4 < chi2.mean() < 3.6


@pytest.mark.parametrize("options", [{}, {"target": "axis [001] x"}, {"crystal": "kyanite", "goniometer": "two-arc"}])
def test_starts_lie_within_what_was_asked(options):
    env = vector(200, start_within_deg=10.0, stop="truth", **options)
    env.reset(seed=7)
    task, truth = env.loop.task, env.loop.instrument.truth()
    error = task.context.target.error_deg(truth["orientation"])
    assert (error <= 10.01).all()
    assert (error >= 0.24).all()
    assert error.std() > 1.0


def test_flat_is_the_dict_in_order_or_the_picture_alone():
    for name, options in ((V1, {}), (V1, {"observation": "estimate"}), ("beamgym/LaueAlignImage-v1", {"size": 36})):
        whole, _ = vector(2, name, **options).reset(seed=8)
        env = vector(2, name, flat=True, **options)
        flat, _ = env.reset(seed=8)
        assert env.single_observation_space.shape == flat.shape[1:]
        order = vector(2, name, **options).single_observation_space
        parts = [whole["image"]] if "image" in whole else [whole[key] for key in order]
        np.testing.assert_array_equal(flat, np.concatenate(parts, axis=1))
        one, _ = gym.make(name, flat=True, **options).reset(seed=8)
        np.testing.assert_array_equal(one, flat[0])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"observation": "spot"}, "unknown observation 'spot'"),
        ({"action": "decisions"}, "add observation='estimate'"),
        ({"observation": "estimate", "level": "harsh"}, "know no distance_range_mm"),
        ({"start_within_deg": 0.1}, "more than the tolerance"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options, line):
    with pytest.raises(ValueError, match=line) as told:
        gym.make(V1, **options)
    assert "\n" not in str(told.value)


def test_an_image_id_observes_images():
    with pytest.raises(ValueError, match="make LaueAlign"):
        gym.make("beamgym/LaueAlignImage-v1", observation="estimate")
