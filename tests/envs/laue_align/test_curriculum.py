"""Starts that grow: by each environment's own episodes, whatever stands beside it and however it is reset."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import beamgym  # noqa: F401
from beamgym.envs.checks import check_task
from beamgym.envs.laue_align.curriculum import ALL_DEG, DOWN, UP, Curriculum
from beamgym.envs.laue_align.decisions import AGAIN, DECLARE, GO
from beamgym.envs.laue_align.factory import LaueAlignOptions, build

V1 = "beamgym/LaueAlign-v1"
GROWS = {"observation": "estimate", "action": "decisions", "curriculum": True, "start_within_deg": 2.0}
WIN, LOSE = (GO, DECLARE), (DECLARE,)


def vector(n, mode="SameStep", **options):
    return gym.make_vec(V1, num_envs=n, autoreset_mode=mode, **{**GROWS, **options})


def play(env, actions):
    """Play one episode of a single environment; returns its last info."""
    for action in actions:
        *_, ended, _, info = env.step(action)
    assert ended
    return info


def test_a_success_goes_up_and_a_failure_three_steps_down_but_not_below_the_first():
    env = gym.make(V1, **GROWS)
    _, info = env.reset(seed=1)
    assert info["start_within_deg"] == 2.0
    seen = []
    for actions in (WIN, WIN, WIN, WIN, LOSE, LOSE):
        last = play(env, actions)
        assert last["is_success"] == (actions is WIN)
        # The last step tells the distance of the episode that ends with it.
        assert last["start_within_deg"] == info["start_within_deg"]
        _, info = env.reset()
        seen.append(info["start_within_deg"])
    np.testing.assert_allclose(seen, [2.0 * UP, 2.0 * UP**2, 2.0 * UP**3, 2.0 * UP**4, 2.0 * UP, 2.0])
    assert pytest.approx(UP**3) == DOWN


def test_starts_lie_within_the_distance_that_is_told():
    env = vector(64, "Disabled", start_within_deg=5.0)
    _, info = env.reset(seed=2)
    np.testing.assert_array_equal(info["start_within_deg"], 5.0)
    first = env.step(np.full(64, AGAIN))[4]["misorientation_deg"]
    assert first.max() <= 5.2
    env.step(np.full(64, GO))
    env.step(np.full(64, DECLARE))
    _, info = env.reset(options={"reset_mask": np.ones(64, dtype=np.bool_)})
    np.testing.assert_allclose(info["start_within_deg"], 5.0 * UP)
    later = env.step(np.full(64, AGAIN))[4]["misorientation_deg"]
    assert first.max() < later.max() <= 5.2 * UP


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_a_row_is_what_it_would_be_alone(mode):
    choices = np.random.default_rng(0).choice([GO, GO, DECLARE], (30, 4))
    env = vector(4, mode, crystals=["Si", "Al2O3"]) if mode == "SameStep" else vector(4, mode)
    env.reset(seed=7)
    told = [[] for _ in range(4)]
    begins = np.zeros(4, dtype=np.bool_)
    # Each environment's own choices, one after another, whenever it acts.
    turn = np.zeros(4, dtype=np.int64)
    for _ in range(30):
        *_, terminated, truncated, info = env.step(choices[turn, np.arange(4)])
        turn += ~begins
        ended = terminated | truncated
        last = info["final_info"] if mode == "SameStep" and ended.any() else info
        for row in np.flatnonzero(ended):
            told[row].append(last["start_within_deg"][row])
        if mode == "Disabled" and ended.any():
            env.reset(options={"reset_mask": ended})
        begins = ended if mode == "NextStep" else np.zeros(4, dtype=np.bool_)
    options = {**GROWS, **({"crystals": ["Si", "Al2O3"]} if mode == "SameStep" else {})}
    for row in (1, 3):
        alone, single = [], gym.make(V1, **options)
        single.reset(seed=7 + row)
        for choice in choices[: turn[row], row]:
            *_, terminated, truncated, info = single.step(choice)
            if terminated or truncated:
                alone.append(info["start_within_deg"])
                single.reset()
        np.testing.assert_array_equal(told[row], alone)
        assert len(set(alone)) > 2


def test_a_seed_begins_anew_and_an_episode_that_was_cut_short_counts_for_nothing():
    env = gym.make(V1, **GROWS)
    first = env.reset(seed=3)[0]
    play(env, WIN)
    _, info = env.reset()
    assert info["start_within_deg"] == pytest.approx(2.0 * UP)
    env.step(GO)
    _, info = env.reset()
    assert info["start_within_deg"] == pytest.approx(2.0 * UP)
    again, info = env.reset(seed=3)
    assert info["start_within_deg"] == 2.0
    np.testing.assert_array_equal(again["estimate"], first["estimate"])
    many = vector(3, "Disabled")
    many.reset(seed=4)
    many.step(np.full(3, GO))
    many.step(np.full(3, DECLARE))
    _, info = many.reset(seed=[None, 9, None])
    np.testing.assert_allclose(info["start_within_deg"], [2.0 * UP, 2.0, 2.0 * UP])


@pytest.mark.parametrize("start", [{"start_within_deg": 60.0}, {"mount": np.eye(3)}])
def test_a_start_that_was_given_is_told_and_counts_for_nothing(start):
    env = gym.make(V1, **GROWS)
    env.reset(seed=3)
    play(env, WIN)
    for ends in (WIN, LOSE):
        _, info = env.reset(options=start)
        assert info["start_within_deg"] == start.get("start_within_deg", ALL_DEG)
        last = play(env, ends)
        assert last["start_within_deg"] == info["start_within_deg"]
    _, info = env.reset()
    assert info["start_within_deg"] == pytest.approx(2.0 * UP)
    play(env, WIN)
    assert env.reset()[1]["start_within_deg"] == pytest.approx(2.0 * UP**2)


def test_a_start_that_was_given_to_one_row_is_that_rows_alone():
    for crystals in (None, ["Si", "Al2O3"]):
        env = vector(3, "Disabled", crystals=crystals)
        env.reset(seed=5)
        mask = np.array([False, True, False])
        _, info = env.reset(options={"reset_mask": mask, "start_within_deg": 60.0})
        assert info["start_within_deg"][1] == 60.0
        told = env.step(np.full(3, DECLARE))[4]["start_within_deg"]
        np.testing.assert_array_equal(told, [2.0, 60.0, 2.0])
        np.testing.assert_array_equal(env.reset()[1]["start_within_deg"], 2.0)


def test_a_curriculum_that_is_grown_starts_as_if_there_were_none():
    grown, plain = (
        vector(8, "Disabled", start_within_deg=ALL_DEG),
        vector(8, "Disabled", curriculum=False, start_within_deg=None),
    )
    _, info = grown.reset(seed=5)
    plain.reset(seed=5)
    np.testing.assert_array_equal(info["start_within_deg"], ALL_DEG)
    truths = [env.loop.instrument.truth()["orientation"] for env in (grown, plain)]
    np.testing.assert_array_equal(*truths)


def test_it_stays_where_three_of_four_succeed():
    rule, draw = Curriculum(1.0), np.random.default_rng(0)
    growth, every = rule.begin(400), np.ones(400, dtype=np.bool_)
    for _ in range(300):
        growth = rule.next(rule.judged(growth, every, draw.random(400) < np.exp(-growth.within_deg / 40.0)), every)
    # exp(-d / 40) is 3/4 at 11.5.
    assert 9.5 < np.median(growth.within_deg) < 13.5


def test_nothing_is_told_where_there_is_none_and_the_distance_can_be_given_by_hand():
    env = vector(2, "Disabled", curriculum=False)
    assert "start_within_deg" not in env.reset(seed=6)[1]
    assert "start_within_deg" not in env.step(np.full(2, AGAIN))[4]
    env.reset(seed=6, options={"start_within_deg": 40.0})
    wide = env.step(np.full(2, AGAIN))[4]["misorientation_deg"]
    env.reset(seed=6)
    assert (env.step(np.full(2, AGAIN))[4]["misorientation_deg"] < wide).all()
    for crystals in (None, ["Si"]):
        near = vector(2, "Disabled", crystals=crystals)
        near.reset(seed=1)
        before = near.loop.instrument.truth()["orientation"]
        with pytest.raises(ValueError, match="more than the tolerance"):
            near.reset(options={"start_within_deg": 0.1})
        even = vector(2, curriculum=False, start_within_deg=None, crystals=crystals)
        with pytest.raises(ValueError, match="make the environment with start_within_deg"):
            even.reset(options={"start_within_deg": 5.0})
        np.testing.assert_array_equal(near.loop.instrument.truth()["orientation"], before)


def test_checkers_pass():
    check_env(gym.make(V1, curriculum=True).unwrapped, skip_render_check=True)
    task, _ = build(LaueAlignOptions(curriculum=True), 1, version=1)
    assert task.curriculum.first_deg == 1.0
    check_task(task, lambda n: build(LaueAlignOptions(curriculum=True), n, version=1)[1])
