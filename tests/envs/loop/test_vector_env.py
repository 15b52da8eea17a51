"""The native vector form: bit-equal to single environments, and speaking Gymnasium's vector language."""

from functools import partial

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs.actions import encode_rotation
from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.envs.loop.vector_env import InstrumentVectorEnv
from beamgym.envs.make import make_env

SPOTS, IMAGE = "beamgym/LaueAlign-v0", "beamgym/LaueAlignImage-v0"
KINDS = {
    "spots": (SPOTS, {"exposures": 3}),
    "two-arc-hard": (SPOTS, {"exposures": 3, "goniometer": "two-arc", "target": "axis [001] x", "level": "hard"}),
    "axes-sparse-truth": (
        SPOTS,
        {"exposures": 3, "action": "axes", "reward": "sparse", "stop": "truth", "tolerance_deg": 20.0},
    ),
    "rendered": (SPOTS, {"exposures": 3, "frames": "rendered"}),
    "image": (IMAGE, {"exposures": 3, "size": 40}),
}
MODES = list(AutoresetMode)


def native(kind, n, mode="NextStep"):
    name, options = KINDS[kind]
    return gym.make_vec(name, num_envs=n, vectorization_mode="vector_entry_point", autoreset_mode=mode, **options)


def made(kind):
    name, options = KINDS[kind]
    return partial(gym.make, name, **options)


def actions(space, steps, n, seed=0):
    """Random moves of all sizes, a third of the last ones declaring."""
    rng = np.random.default_rng(seed)
    found = rng.uniform(-1, 1, (steps, n, space.shape[0]))
    found[..., :-1] *= rng.uniform(0, 1, (steps, n, 1))
    found[..., -1] = np.where(rng.random((steps, n)) < 0.3, 1.0, -1.0)
    return found.astype(np.float32)


def assert_same(one, two, where=""):
    """Compare two Gymnasium infos, observations or arrays: bit-equal, and infos under their masks."""
    if isinstance(one, dict):
        one, two = _spoken(one), _spoken(two)
        assert set(one) == set(two), where
        for key in one:
            if f"_{key}" in one:
                rows = one[f"_{key}"]
                assert_same(_rows(one[key], rows), _rows(two[key], rows), f"{where}.{key}")
            else:
                assert_same(one[key], two[key], f"{where}.{key}")
        return
    assert np.asarray(one).dtype == np.asarray(two).dtype, where
    assert np.array_equal(one, two), where


def _spoken(info):
    """Leave out what is said of no environment: Gymnasium does not say it at all."""
    empty = {key for key in info if f"_{key}" in info and not np.any(info[f"_{key}"])}
    return {key: value for key, value in info.items() if key.removeprefix("_") not in empty}


def _rows(values, rows):
    if isinstance(values, dict):
        return {key: _rows(value, rows) for key, value in values.items()}
    if values.dtype == object:
        return {key: np.stack([values[i][key] for i in np.flatnonzero(rows)]) for key in values[rows][0]}
    return values[rows]


def take(observation, i):
    return {name: values[i] for name, values in observation.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_it_returns_what_gymnasiums_own_vector_of_single_environments_returns(kind, mode):
    n, steps = (4, 9) if kind in ("spots", "two-arc-hard", "axes-sparse-truth") else (2, 6)
    many, single = native(kind, n, mode), SyncVectorEnv([made(kind)] * n, autoreset_mode=mode)
    assert many.metadata["autoreset_mode"] == single.metadata["autoreset_mode"]
    for one, two in zip(single.reset(seed=11), many.reset(seed=11), strict=True):
        assert_same(one, two, "reset")
    endings = 0
    for t, action in enumerate(actions(many.single_action_space, steps, n)):
        expected, found = single.step(action), many.step(action)
        for part, one, two in zip(
            ("observation", "reward", "terminated", "truncated", "info"), expected, found, strict=True
        ):
            assert_same(one, two, f"step {t}: {part}")
        ended = found[2] | found[3]
        endings += ended.sum()
        if mode is AutoresetMode.DISABLED and ended.any():
            expected = single.reset(options={"reset_mask": ended.copy()})
            found = many.reset(options={"reset_mask": ended.copy()})
            for one, two in zip(expected, found, strict=True):
                assert_same(one, two, f"reset after step {t}")
    assert endings >= 2


def test_the_last_observation_of_an_episode_has_gymnasiums_form():
    n = 3
    single = SyncVectorEnv([made("spots")] * n, autoreset_mode=AutoresetMode.SAME_STEP)
    for env in (single, native("spots", n, AutoresetMode.SAME_STEP)):
        env.reset(seed=1)
        action = -np.ones(env.action_space.shape, np.float32)
        action[1, -1] = 1.0
        last = env.step(action)[4]["final_obs"]
        assert (last.dtype, last.shape) == (object, (n,))
        assert [each is None for each in last] == [True, False, True]
        assert env.single_observation_space.contains(last[1])


@pytest.mark.parametrize("kind", ["spots", "rendered", "image"])
def test_transitions_are_bit_equal_whatever_the_batch_and_its_order(kind):
    n, steps = (256, 8) if kind == "spots" else (6, 4)
    rng = np.random.default_rng(3)
    seeds = rng.integers(0, 2**40, n).tolist()
    chosen = rng.permutation(n)[:3]
    many, few, one = (native(kind, m, AutoresetMode.SAME_STEP) for m in (n, 3, 1))
    moves = actions(many.single_action_space, steps, n, seed=4)
    whole = many.reset(seed=seeds)[0]
    some = few.reset(seed=[seeds[i] for i in chosen])[0]
    alone = one.reset(seed=[seeds[chosen[2]]])[0]
    for action in moves:
        for j, i in enumerate(chosen):
            assert_same(take(whole, i), take(some, j))
        assert_same(take(some, 2), take(alone, 0))
        whole, reward, *ends, _ = many.step(action)
        some, some_reward, *some_ends, _ = few.step(action[chosen])
        alone, one_reward, *one_ends, _ = one.step(action[chosen[2:]])
        assert_same(reward[chosen], some_reward)
        assert_same(some_reward[2:], one_reward)
        assert_same(np.array(ends)[:, chosen], np.array(some_ends))
        assert_same(np.array(some_ends)[:, 2:], np.array(one_ends))


def test_workers_in_other_processes_return_the_same():
    n = 2
    worker = partial(make_env, "laue", **KINDS["spots"][1])
    workers, many = AsyncVectorEnv([worker] * n, context="spawn"), native("spots", n)
    try:
        assert_same(workers.reset(seed=3)[0], many.reset(seed=3)[0])
        for action in actions(many.single_action_space, 5, n, seed=1):
            for one, two in zip(workers.step(action)[:4], many.step(action)[:4], strict=True):
                assert_same(one, two)
    finally:
        workers.close()


def test_the_same_seeds_play_the_same_episodes_again():
    many = native("spots", 5, AutoresetMode.SAME_STEP)
    moves = actions(many.single_action_space, 6, 5)
    played = []
    for _ in range(2):
        played.append([many.reset(seed=[4, 8, 15, 16, 23])[0], *(many.step(action)[0] for action in moves)])
    for one, two in zip(*played, strict=True):
        assert_same(one, two)


def test_numpy_integers_are_seeds_too():
    many = native("spots", 2)
    assert_same(many.reset(seed=np.int64(5))[0], many.reset(seed=5)[0])


@pytest.mark.parametrize("mode", MODES)
def test_nothing_returned_is_a_buffer_that_is_used_again(mode):
    many = native("spots", 3, mode)
    kept, copies = [], []
    moves = actions(many.single_action_space, 3, 3)
    moves[..., -1] = -1.0
    found = many.reset(seed=0)
    for action in moves:
        kept.append(found)
        copies.append(_copied(found))
        found = many.step(action)
    for one, two in zip(kept, copies, strict=True):
        for x, y in zip(one, two, strict=True):
            assert_same(x, y)


def _copied(value):
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_copied(item) for item in value)
    return np.array(value)


def test_what_an_agent_does_to_what_it_was_given_changes_nothing():
    spoilt, plain = native("spots", 3), native("spots", 3)
    spoilt.reset(seed=0)
    plain.reset(seed=0)
    moves = actions(plain.single_action_space, 4, 3)
    for action in moves:
        ours, theirs = action.copy(), action.copy()
        found = spoilt.step(theirs)
        assert_same(_copied(found)[0], plain.step(ours)[0])
        for values in (*found[0].values(), *found[1:4], theirs):
            values[...] = 1


def test_an_ended_environment_must_be_reset_before_it_is_stepped_where_autoreset_is_off():
    many = native("spots", 2, AutoresetMode.DISABLED)
    many.reset(seed=0)
    action = np.array([[0, 0, 0, 1.0], [0, 0, 0, -1.0]])
    many.step(action)
    with pytest.raises(ValueError, match="reset_mask"):
        many.step(action)
    many.reset(options={"reset_mask": np.array([True, False])})
    many.step(action)


@pytest.mark.parametrize("mask", [[False, False], [True], [[True, False]]])
def test_a_reset_mask_that_does_not_fit_is_refused(mask):
    many = native("spots", 2, AutoresetMode.DISABLED)
    many.reset(seed=0)
    with pytest.raises(ValueError, match="reset_mask"):
        many.reset(options={"reset_mask": np.array(mask)})


def test_a_masked_reset_leaves_the_others_where_they_are():
    many = native("spots", 3, AutoresetMode.DISABLED)
    before, _ = many.reset(seed=0)
    after, info = many.reset(options={"reset_mask": np.array([False, True, False])})
    assert_same(take(before, 0), take(after, 0))
    assert_same(take(before, 2), take(after, 2))
    assert not np.array_equal(before["spots"][1], after["spots"][1])
    assert info["_cost"].tolist() == [False, True, False]


def test_next_step_ignores_the_action_of_an_environment_that_is_reset():
    many = native("spots", 2)
    many.reset(seed=0)
    many.step(np.array([[0, 0, 0, 1.0], [0, 0, 0, -1.0]]))
    _, reward, terminated, truncated, info = many.step(np.array([[1, 1, 1, 1.0], [0, 0, 0, -1.0]]))
    assert reward[0] == 0.0
    assert not terminated[0]
    assert not truncated[0]
    assert info["_is_success"].tolist() == [False, True]
    assert info["cost"]["exposures"].tolist() == [1, 1]
    assert info["cost"]["motor_s"][0] == 0.0


def test_given_mounts_and_positions_go_to_their_own_rows():
    task, world = build(LaueAlignOptions(level="easy"), 3, False)
    many = InstrumentVectorEnv(task, world)
    mounts = np.stack([np.eye(3), np.diag([1.0, -1, -1]), np.diag([-1.0, -1, 1])])
    positions = np.arange(18.0).reshape(3, 6) / 3
    _, info = many.reset(seed=0, options={"mount": mounts, "positions": positions})
    np.testing.assert_array_equal(world.truth()["mount"], mounts)
    np.testing.assert_array_equal(world.positions(), positions)
    assert "remount_deg" not in info


def test_rows_that_need_remounting_are_told_so():
    many = gym.make_vec(SPOTS, num_envs=2, vectorization_mode="vector_entry_point", goniometer="two-arc")
    context = many.unwrapped.loop.task.context
    goal = context.target.orientations[0]
    far = goal @ np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]) @ np.diag([1.0, 1, 1])
    turned = np.array([[np.cos(0.7), 0, np.sin(0.7)], [0, 1, 0], [-np.sin(0.7), 0, np.cos(0.7)]]) @ far
    _, info = many.reset(seed=0, options={"mount": np.stack([goal, turned])})
    assert info["_remount_deg"].tolist() == [False, True]
    assert info["remount_deg"].shape == (2, 3)


def test_a_real_instrument_is_refused():
    task, world = build(LaueAlignOptions(), 1, False)

    class Real:
        n, axes, context = 1, world.axes, world.context
        positions, move, acquire = world.positions, world.move, world.acquire

    with pytest.raises(TypeError, match="no simulated World"):
        InstrumentVectorEnv(task, Real())


def test_actions_of_another_shape_or_not_finite_are_refused_in_one_line():
    many = native("spots", 256)
    many.reset(seed=0)
    for action, words in ((np.zeros((3, 4)), "shape"), (np.full((256, 4), np.nan), "finite")):
        with pytest.raises(ValueError, match=words) as caught:
            many.step(action)
        assert "\n" not in str(caught.value)


def test_steps_before_a_reset_are_refused():
    with pytest.raises(ValueError, match="reset"):
        native("spots", 2).step(np.zeros((2, 4)))


def test_a_full_rotation_is_what_the_last_move_says():
    many = gym.make_vec(SPOTS, num_envs=4, vectorization_mode="vector_entry_point", goniometer="e4cv", level="easy")
    many.reset(seed=0)
    turns = np.array([[10.0, 0, 0], [0, -20, 0], [3, 4, 5], [0, 0, 0.01]])
    observation, *_ = many.step(np.c_[encode_rotation(turns, 90.0), -np.ones(4)])
    np.testing.assert_allclose(observation["last_move"][:, :3] * 180, turns, atol=1e-4)
