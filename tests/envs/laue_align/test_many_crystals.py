"""LaueAlign with a crystal drawn anew for every episode."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import beamgym  # noqa: F401
from beamgym.agents.baselines.align.calibrating import Calibrating
from beamgym.agents.baselines.align.true_pose import TruePose
from beamgym.agents.evaluation.evaluator import evaluate_in, make_vector_env
from beamgym.envs.checks import check_world
from beamgym.envs.laue_align.crystal_rows import CrystalRows
from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import RandomCrystals, load_crystal
from beamgym.physics.goniometer import parse_target

ID = "beamgym/LaueAlign-v0"
NAMES = ["Si", "LSCO", "quartz"]


def _vector(n, **options):
    return gym.make_vec(ID, num_envs=n, vectorization_mode="vector_entry_point", crystals=NAMES, **options)


def test_one_seed_gives_one_crystal_and_one_episode_whatever_the_batch():
    actions = np.random.default_rng(0).uniform(-0.5, 0.5, (4, 6, 4)).astype(np.float32)
    actions[..., -1] = -1.0
    many = _vector(6, level="hard")
    seen = [many.reset(seed=18)[0], *(many.step(action)[0] for action in actions)]
    names = [context.crystal.name for context in many.unwrapped.contexts]
    assert len(set(names)) == 3
    single = gym.make(ID, crystals=NAMES, level="hard", disable_env_checker=True)
    for i in (0, 4):
        alone = [single.reset(seed=18 + i)[0], *(single.step(action[i])[0] for action in actions)]
        assert single.unwrapped.context.crystal.name == names[i]
        for one, together in zip(alone, seen, strict=True):
            for key, value in one.items():
                np.testing.assert_array_equal(value, together[key][i], err_msg=key)


def test_an_episode_is_that_of_its_crystal_alone():
    drawn = gym.make(ID, crystals=["LSCO"], disable_env_checker=True)
    plain = gym.make(ID, crystal="LSCO", disable_env_checker=True)
    for one, other in zip(drawn.reset(seed=3)[0].items(), plain.reset(seed=3)[0].items(), strict=True):
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1])


def test_the_expected_pattern_is_that_of_the_present_crystal():
    env = _vector(6)
    observation, _ = env.reset(seed=18)
    by_crystal = {}
    for context, expected in zip(env.unwrapped.contexts, observation["expected"], strict=True):
        by_crystal.setdefault(context.crystal.name, []).append(expected)
    assert len({expected[0].tobytes() for expected in by_crystal.values()}) == 3
    assert all(np.array_equal(one, same[0]) for same in by_crystal.values() for one in same)


def test_the_next_episode_of_a_seed_may_have_another_crystal_and_a_masked_reset_leaves_the_others():
    env = _vector(4, autoreset_mode="Disabled")
    env.reset(seed=0)
    seen = set()
    for _ in range(8):
        before = [context.crystal.name for context in env.unwrapped.contexts]
        env.reset(options={"reset_mask": np.array([True, False, False, False])})
        after = [context.crystal.name for context in env.unwrapped.contexts]
        assert before[1:] == after[1:]
        seen.add(after[0])
    assert len(seen) > 1


def test_policies_play_each_crystal_as_it_comes():
    env = make_vector_env(ID, 6, "real", {"crystals": NAMES})
    for policy in (TruePose(), Calibrating()):
        result = evaluate_in(policy, env, 6, seed=3)
        assert result.success_rate == 1.0, policy.name
        assert result.exposures_median <= 3


def test_a_stream_of_random_crystals_of_the_test_set_can_be_drawn_from():
    env = gym.make(ID, crystals=RandomCrystals("test", 1, ("triclinic", "monoclinic")), render_mode="rgb_array")
    names = []
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        assert env.observation_space.contains(observation)
        names.append(env.unwrapped.context.crystal.name)
        assert env.render().shape == (600, 900, 3)
    assert len(set(names)) == 3
    assert all("test-1-" in name for name in names)


def test_a_sample_of_a_vector_is_drawn_as_it_is_alone():
    together = gym.make_vec(ID, num_envs=3, crystals=NAMES, render_mode="rgb_array")
    together.reset(seed=18)
    pictures = together.render()
    single = gym.make(ID, crystals=NAMES, render_mode="rgb_array")
    for i, picture in enumerate(pictures):
        single.reset(seed=18 + i)
        np.testing.assert_array_equal(single.render(), picture)


@pytest.mark.parametrize(
    "start",
    [{"mount": np.ones((3, 3))}, {"mount": np.eye(3)[None]}, {"positions": [1e4] * 6}, {"positions": [0.0, 0.0]}],
)
def test_a_start_that_cannot_be_changes_nothing(start):
    env = _vector(4)
    env.reset(seed=2)
    before = [context.crystal.name for context in env.unwrapped.contexts], env.unwrapped.loop.instrument.truth()
    with pytest.raises(ValueError, match=r"mount|position|outside"):
        env.reset(seed=30, options=start)
    assert [context.crystal.name for context in env.unwrapped.contexts] == before[0]
    np.testing.assert_array_equal(env.unwrapped.loop.instrument.truth()["orientation"], before[1]["orientation"])


def test_samples_of_one_crystal_lie_together_and_blocks_are_used_again():
    rows = CrystalRows(NAMES, lambda crystal, n: build(LaueAlignOptions(crystal=crystal), n), 6)
    for seed in range(12):
        chosen = np.random.default_rng(seed).permutation(6)[:3]
        rows.put(chosen, rows.drawn(make_keys(np.uint64(seed), np.arange(3))))
        held = [
            (block.crystal, place, row)
            for block, places, own in rows.blocks()
            for place, row in zip(places, own, strict=True)
        ]
        assert sorted(row for *_, row in held) == list(range(6))
        assert all(rows.at(row)[0].crystal == crystal and rows.at(row)[1] == place for crystal, place, row in held)
        assert len({id(block) for block, *_ in rows.blocks()}) <= 6


@pytest.mark.parametrize("options", [{}, {"frames": "rendered"}])
def test_its_world_keeps_the_contract_of_a_world(options):
    check_world(lambda n: build(LaueAlignOptions(crystals=NAMES, level="harsh", **options), n)[1])


def test_gymnasiums_checker_has_nothing_to_say(recwarn):
    check_env(gym.make(ID, crystals=NAMES, disable_env_checker=True).unwrapped, skip_render_check=True)
    told = [str(each.message) for each in recwarn if "gymnasium" in str(each.filename)]
    assert [line for line in told if "is out of date" not in line] == []


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"crystals": "Si"}, TypeError, "give a list of names, CIFs or Crystals, or a stream"),
        ({"crystals": 3}, TypeError, "give a list of names, CIFs or Crystals, or a stream"),
        ({"crystals": []}, ValueError, "crystals is empty"),
        ({"crystals": ["Si", "unobtainium"]}, ValueError, "unknown crystal 'unobtainium'"),
        ({"crystals": ["Si"], "crystal": "LSCO"}, ValueError, "crystal and crystals were both given"),
        ({"crystals": ["Si"], "target": None}, ValueError, "a Target is one crystal's"),
    ],
)
def test_what_no_crystal_can_be_drawn_from_is_refused_in_one_line(options, error, words):
    if "target" in options:
        options = {**options, "target": parse_target(load_crystal("Si"), "pose [001] [110]")}
    with pytest.raises(error, match=words) as caught:
        gym.make(ID, **options)
    assert "\n" not in str(caught.value)
