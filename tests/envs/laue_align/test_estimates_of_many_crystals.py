"""An estimate of a crystal that is drawn anew: each row's own goals and symmetry, alone and together."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import beamgym  # noqa: F401
from beamgym.agents.ladder import follow_the_estimate, rung_named
from beamgym.envs.laue_align.decisions import AGAIN, GO, LOOK
from beamgym.physics.crystal import RandomCrystals

V1 = "beamgym/LaueAlign-v1"
NAMES = ["Si", "Al2O3", "kyanite"]
OPTIONS = {"observation": "estimate", "crystals": NAMES}
RULE = follow_the_estimate(rung_named("declares"))


def vector(n, **options):
    return gym.make_vec(V1, num_envs=n, autoreset_mode="Disabled", **{**OPTIONS, **options})


def names(env):
    return [context.crystal.name for context in env.unwrapped.contexts]


@pytest.mark.parametrize(
    "options",
    [{"action": "decisions"}, {"action": "axes", "level": "hard"}, {"estimator": "frames", "crystals": ["Si", "Ge"]}],
)
def test_rows_of_a_vector_are_those_of_single_environments(options):
    env, draw = vector(5, **options), np.random.default_rng(0)
    together = [env.reset(seed=3)[0]["estimate"]]
    assert len(set(names(env))) > 1
    actions = []
    for _ in range(2):
        chosen = options.get("action") == "decisions"
        shape = env.action_space.shape
        actions.append(draw.choice([GO, LOOK, AGAIN], 5) if chosen else draw.uniform(-0.5, 0.5, shape))
        together.append(env.step(actions[-1])[0]["estimate"])
    single = gym.make(V1, **{**OPTIONS, **options})
    for row in (0, 3):
        alone = [single.reset(seed=3 + row)[0], *(single.step(action[row])[0] for action in actions)]
        assert single.unwrapped.context.crystal.name == names(env)[row]
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one["estimate"], many[row])


def test_an_episode_is_that_of_its_crystal_alone():
    drawn, plain = (
        gym.make(V1, observation="estimate", crystals=["Al2O3"]),
        gym.make(V1, **{**OPTIONS, "crystals": None, "crystal": "Al2O3"}),
    )
    for env in (drawn, plain):
        env.reset(seed=5)
    for _ in range(2):
        one, other = (env.step(np.array([0.4, -0.3, 0.2, -1.0], dtype=np.float32)) for env in (drawn, plain))
        np.testing.assert_array_equal(one[0]["estimate"], other[0]["estimate"])
        assert one[1] == other[1]


def test_the_rule_that_follows_the_estimate_aligns_every_crystal_to_a_goal_of_its_own():
    env = vector(24, flat=True)
    seen, _ = env.reset(seed=6)
    right, running = np.zeros(24, dtype=np.bool_), np.ones(24, dtype=np.bool_)
    crystals = np.array(names(env))
    for _ in range(12):
        step = env.loop.step(RULE(seen), running)
        seen = env.shown(step.observation)
        ended = running & (step.verdict.terminated | step.verdict.truncated)
        right[ended] = step.verdict.is_success[ended]
        running &= ~ended
    assert not running.any()
    assert {str(name): right[crystals == name].mean() for name in set(crystals)} == dict.fromkeys(NAMES, 1.0)


def test_checkers_pass_pictures_show_each_rows_crystal_and_a_stream_will_do():
    check_env(gym.make(V1, **OPTIONS).unwrapped, skip_render_check=True)
    together = gym.make_vec(V1, num_envs=3, render_mode="rgb_array", **OPTIONS)
    together.reset(seed=18)
    pictures = together.render()
    single = gym.make(V1, render_mode="rgb_array", **OPTIONS)
    for row in (0, 1):
        single.reset(seed=18 + row)
        np.testing.assert_array_equal(single.render(), pictures[row])
    stream = gym.make(V1, observation="estimate", crystals=RandomCrystals("train", 1, ("cubic", "hexagonal")))
    assert stream.observation_space.contains(stream.reset(seed=2)[0])


def test_goals_apart_are_of_one_crystal():
    with pytest.raises(ValueError, match="leave out crystals"):
        gym.make(V1, observation="goal", stop="truth", crystals=NAMES)
