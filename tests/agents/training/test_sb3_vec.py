"""The adapter gives SB3 what its own DummyVecEnv would, for every row of a native vector environment."""

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize

from beamgym.agents.training.sb3_vec import NativeVecEnv


def actions_that_never_declare(n, steps):
    drawn = np.random.default_rng(3).uniform(-1, 1, (steps, n, 4)).astype(np.float32)
    drawn[:, :, 3] = -1.0
    return drawn


def test_rows_agree_with_single_environments_of_the_seeds_that_follow(make_three_motors):
    together = NativeVecEnv(make_three_motors(5))
    together.seed(40)
    observation = together.reset()
    actions = actions_that_never_declare(5, 14)
    seen = [together.step(action) for action in actions]
    for i in range(5):
        alone = NativeVecEnv(make_three_motors(1))
        alone.seed(40 + i)
        np.testing.assert_array_equal(alone.reset()["offset"][0], observation["offset"][i])
        for action, (next_observation, reward, done, _infos) in zip(actions, seen, strict=True):
            one = alone.step(action[i : i + 1])
            np.testing.assert_array_equal(one[0]["offset"][0], next_observation["offset"][i])
            assert one[1][0] == reward[i]
            assert one[2][0] == done[i]


def test_only_an_ended_episode_has_an_info_and_it_holds_the_statistics(make_three_motors):
    env = NativeVecEnv(make_three_motors(3))
    env.seed(0)
    env.reset()
    total = np.zeros(3)
    for action in actions_that_never_declare(3, 4):
        _, reward, done, infos = env.step(action)
        total += reward
        assert infos == [{}, {}, {}]
        assert not done.any()
    last = actions_that_never_declare(3, 1)[0]
    last[1, 3] = 1.0
    before = env.env.loop.observation()["offset"][1]
    observation, reward, done, infos = env.step(last)
    total += reward
    assert done.all()
    assert [info["TimeLimit.truncated"] for info in infos] == [True, False, True]
    assert [info["episode"]["l"] for info in infos] == [5, 5, 5]
    np.testing.assert_allclose([info["episode"]["r"] for info in infos], total, rtol=1e-6)
    np.testing.assert_array_equal(infos[1]["terminal_observation"]["offset"], before)
    assert not np.array_equal(observation["offset"][1], before)
    assert observation["budget"][0] == pytest.approx(1 - 1 / 6)
    assert isinstance(infos[1]["is_success"], bool)
    assert infos[0]["cost"]["instrument_s"] == 13.0
    assert infos[1]["cost"]["exposures"] == 0.0


def test_statistics_begin_anew_after_an_episode(make_three_motors):
    env = NativeVecEnv(make_three_motors(2))
    env.seed(0)
    env.reset()
    lengths = [info["episode"]["l"] for a in actions_that_never_declare(2, 15) for info in env.step(a)[3] if info]
    assert lengths == [5] * 6


def test_seeds_make_a_reset_repeatable_and_serve_once(make_three_motors):
    env = NativeVecEnv(make_three_motors(2))
    env.seed(7)
    first = env.reset()["offset"]
    assert not np.array_equal(env.reset()["offset"], first)
    env.seed(7)
    np.testing.assert_array_equal(env.reset()["offset"], first)


def test_another_autoreset_mode_is_refused(make_three_motors):
    with pytest.raises(ValueError, match="SameStep"):
        NativeVecEnv(make_three_motors(2, "NextStep"))


def test_a_wrapped_vector_is_refused(make_three_motors):
    with pytest.raises(TypeError, match="VecNormalize, around NativeVecEnv"):
        NativeVecEnv(gym.vector.VectorWrapper(make_three_motors(2)))


def test_attributes_are_shared_by_all_rows(make_three_motors):
    env = NativeVecEnv(make_three_motors(3))
    assert env.get_attr("num_envs", [0, 2]) == [3, 3]
    with pytest.raises(ValueError, match="shared"):
        env.set_attr("_renderer", None, indices=1)


def test_ppo_and_sac_learn_on_it_and_sb3_evaluates_it_without_warnings(make_three_motors):
    env = VecNormalize(NativeVecEnv(make_three_motors(4)))
    ppo = PPO("MultiInputPolicy", env, n_steps=8, batch_size=16, n_epochs=1, seed=0, device="cpu").learn(64)
    assert len(ppo.ep_info_buffer) > 0
    assert len(ppo.ep_success_buffer) > 0
    SAC("MultiInputPolicy", NativeVecEnv(make_three_motors(2)), learning_starts=8, seed=0, device="cpu").learn(32)
    mean, _ = evaluate_policy(ppo, NativeVecEnv(make_three_motors(2)), n_eval_episodes=4)
    assert np.isfinite(mean)


def test_the_infos_of_a_reset_say_what_concerns_each_row_and_no_more():
    options = {"num_envs": 2, "autoreset_mode": "SameStep", "goniometer": "two-arc"}
    env = NativeVecEnv(gym.make_vec("beamgym/LaueAlign-v0", **options).unwrapped)
    goal = env.env.loop.task.context.target.orientations[0]
    tilted = np.array([[np.cos(0.7), 0, np.sin(0.7)], [0, 1, 0], [-np.sin(0.7), 0, np.cos(0.7)]])
    far = tilted @ goal @ np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])
    env.set_options({"mount": np.stack([goal, far])})
    env.reset()
    near_info, far_info = env.reset_infos
    assert near_info["cost"]["exposures"] == 1
    assert "remount_deg" not in near_info
    assert len(far_info["remount_deg"]) == 3


def test_it_is_made_from_an_id_with_options_and_a_seed():
    envs = NativeVecEnv.make("beamgym/LaueZone-v0", n_envs=2, seed=5, moves=3)
    again = gym.make("beamgym/LaueZone-v0", moves=3)
    np.testing.assert_array_equal(envs.reset()["image"][1], again.reset(seed=6)[0]["image"])


@pytest.mark.parametrize("name", ["num_envs", "n_env", "nenvs"])
def test_the_number_of_environments_has_one_name(name):
    with pytest.raises(TypeError, match=f"takes no {name}; the keyword is n_envs, as in SB3: n_envs=8"):
        NativeVecEnv.make("beamgym/LaueZone-v1", **{name: 8})


def test_the_programs_of_the_training_page_run(printed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    program = printed("training.md", "100_000").replace("n_envs=64", "n_envs=2").replace("100_000", "128")
    exec(program, {})
    assert (tmp_path / "laue-align-ppo.zip").is_file()
    exec(printed("training.md", "save_gif").replace("episodes = 0, 0, [], 200", "episodes = 0, 0, [], 2"), {})
    assert " of 2 right, " in capsys.readouterr().out
    assert (tmp_path / "episode.gif").stat().st_size > 0
