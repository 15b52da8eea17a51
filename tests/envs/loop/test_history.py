"""The history option shows what was seen and done, natively and wrapped, flat and not, at every autoreset."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from gymnasium.wrappers import FrameStackObservation
from stable_baselines3.common.env_checker import check_env as check_sb3
from stable_baselines3.common.vec_env import VecFrameStack

from beamgym.agents.training import NativeVecEnv

ESTIMATE = {"observation": "estimate"}
CASES = [
    ("beamgym/LaueAlign-v1", ESTIMATE),
    ("beamgym/LaueAlign-v1", {**ESTIMATE, "action": "decisions"}),
    ("beamgym/LaueAlign-v1", {"exposures": 5}),
    ("beamgym/LaueAlignImage-v1", {"size": 36, "exposures": 5}),
    ("beamgym/LaueZone-v1", {"moves": 5}),
    ("beamgym/ArpesSpot-v0", {"surfaces": 2, "beam_time_s": 40.0}),
]
WAYS = [(name, {**options, "flat": flat}) for name, options in CASES for flat in (False, True)]


def named(seen, flat):
    return {"": seen} if flat else seen


def vector(name, n, mode="SameStep", **options):
    return gym.make_vec(name, num_envs=n, vectorization_mode="vector_entry_point", autoreset_mode=mode, **options)


@pytest.mark.parametrize(("name", "options"), WAYS)
def test_both_checkers_pass_without_a_warning(name, options, recwarn):
    env = gym.make(name, history=3, **options).unwrapped
    check_gymnasium(env, skip_render_check=True)
    check_sb3(env)
    told = [str(each.message) for each in recwarn]
    assert [each for each in told if "out of date" not in each] == []


@pytest.mark.parametrize(("name", "options"), CASES)
def test_what_is_shown_is_what_was_seen_and_done(name, options):
    """Beside an environment without history, played alike: its observations and the actions, zeros before the first."""
    plain, env = gym.make(name, **options), gym.make(name, history=3, **options)
    env.action_space.seed(3)
    for episode in range(2):
        seed = 5 if episode == 0 else None
        first, shown = plain.reset(seed=seed)[0], env.reset(seed=seed)[0]
        blank = {part: np.zeros_like(values) for part, values in first.items()}
        past, rows, over = [blank, blank, first], [], False
        width = getattr(env.action_space, "n", None) or env.action_space.shape[0]
        while not over:
            for part, values in first.items():
                wanted = np.concatenate([each[part] for each in past[-3:]], axis=-1)
                np.testing.assert_array_equal(shown[part], wanted)
                assert values.shape[:-1] == shown[part].shape[:-1]
            done = [np.zeros(width, np.float32)] * 2 + rows
            np.testing.assert_array_equal(shown["actions"], np.concatenate(done[-2:]))
            action = env.action_space.sample()
            row = np.eye(width, dtype=np.float32)[action] if width == getattr(env.action_space, "n", None) else action
            rows.append(row)
            seen, *_ = plain.step(action)
            shown, _, terminated, truncated, _ = env.step(action)
            past.append(seen)
            over = terminated or truncated


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
@pytest.mark.parametrize("flat", [False, True])
def test_the_native_vector_shows_what_single_environments_show(mode, flat):
    name, options = "beamgym/LaueAlign-v1", {**ESTIMATE, "flat": flat, "exposures": 4, "history": 3}
    native, singles = vector(name, 3, mode, **options), [gym.make(name, **options) for _ in range(3)]
    rng = np.random.default_rng(1)
    shown = native.reset(seed=7)[0]
    alone = [env.reset(seed=7 + i)[0] for i, env in enumerate(singles)]
    over = np.zeros(3, dtype=np.bool_)
    for _ in range(14):
        for i, each in enumerate(alone):
            for part, values in named(each, flat).items():
                np.testing.assert_array_equal(named(shown, flat)[part][i], values)
        actions = rng.uniform(-0.9, 0.9, (3, 4)).astype(np.float32)
        shown, _, terminated, truncated, info = native.step(actions)
        begins, over = over, terminated | truncated
        for i, env in enumerate(singles):
            if mode == "NextStep" and begins[i]:
                alone[i] = env.reset()[0]
                continue
            alone[i], _, ended, cut, _ = env.step(actions[i])
            assert (ended or cut) == over[i]
            if over[i] and mode == "SameStep":
                for part, values in named(alone[i], flat).items():
                    np.testing.assert_array_equal(named(info["final_obs"][i], flat)[part], values)
            if over[i] and mode != "NextStep":
                alone[i] = env.reset()[0]
        if mode == "Disabled" and over.any():
            shown = native.reset(options={"reset_mask": over})[0]


@pytest.mark.parametrize(("name", "options"), WAYS)
def test_stacks_of_other_libraries_work_natively_and_wrapped(name, options):
    """SB3's VecFrameStack over the native vector, and Gymnasium's over single ones, agree with the history."""
    flat, env = options["flat"], NativeVecEnv(vector(name, 2, **options))
    stacked, shown = VecFrameStack(env, 3), vector(name, 2, history=3, **options)
    wrapped = FrameStackObservation(gym.make(name, **options), 3, padding_type="zero")
    env.seed(4)
    env.action_space.seed(4)
    seen, own, one = stacked.reset(), shown.reset(seed=4)[0], wrapped.reset(seed=4)[0]
    over = False
    for _ in range(8):
        if not (flat and "actions" in shown.loop.observation_space.spaces and own.shape != seen.shape):
            for part, values in named(seen, flat).items():
                np.testing.assert_array_equal(values, named(own, flat)[part])
        if not over:
            for part, values in named(one, flat).items():
                joined = np.concatenate(list(values), axis=-1)
                np.testing.assert_array_equal(joined, named(seen, flat)[part][0])
        actions = np.array([env.action_space.sample() for _ in range(2)])
        seen, _, ended, _ = stacked.step(actions)
        own = shown.step(actions)[0]
        over = over or bool(ended[0])
        if not over:
            one = wrapped.step(actions[0])[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"history": 0}, "history is 0; give 1"),
        ({"history": 1000}, "to 100"),
        ({"history": 2, "observation": "goal", "stop": "truth"}, "leave out history"),
    ],
)
def test_a_history_that_cannot_be_is_refused_in_one_line(options, words):
    for make in (gym.make, gym.make_vec):
        with pytest.raises(ValueError, match=words):
            make("beamgym/LaueAlign-v1", **options)


def test_the_program_of_the_page_runs(printed):
    space = {}
    exec(printed("training.md", "history=4"), space)
    assert space["shown"] is not None
