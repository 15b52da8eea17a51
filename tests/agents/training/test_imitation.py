"""Recorded episodes are read for training, and a policy that learns from them comes to act as they did."""

import numpy as np
import pytest
from gymnasium import spaces

from beamgym.agents.decisions import predict
from beamgym.agents.evaluation import context_of
from beamgym.agents.policies import find_policy
from beamgym.agents.training.config import RecordedConfig, TrainingConfig
from beamgym.agents.training.imitation import Decisions, imitate, read_decisions
from beamgym.agents.training.records.run_folder import RunFolder
from beamgym.agents.training.sb3 import Trainer
from beamgym.agents.training.sb3_model import make_model, training_envs
from beamgym.envs.episodes import EPISODES, Episode, append_episode

ID = "beamgym/LaueAlign-v0"
CONFIG = TrainingConfig.model_validate(
    {
        "n_envs": 4,
        "n_timesteps": 0,
        "env_kwargs": {"level": "easy", "exposures": 4},
        "policy_kwargs": {"net_arch": [32]},
        "n_steps": 2,
        "batch_size": 4,
        "selection_episodes": 4,
    }
)


def play(folder, episodes=8, success=True, **about):
    """Record episodes of the crystallographer's procedure in simulation, as an instrument's runs are recorded."""
    env, policy = training_envs(ID, CONFIG, 1, "Disabled"), find_policy("index-and-move", ID)
    for seed in range(episodes):
        observation, _ = env.reset(seed=seed)
        memory, seen, done = policy.start(context_of(env), 1), [observation], []
        over = np.zeros(1, np.bool_)
        while not over.any():
            action, memory = policy.act(observation, memory)
            observation, _, ended, cut, _ = env.step(action)
            seen.append(observation)
            done.append(action[0])
            over = ended | cut
        steps = len(done)
        append_episode(
            folder / EPISODES,
            Episode(
                {name: np.concatenate([one[name] for one in seen]) for name in seen[0]},
                np.array(done, np.float32),
                np.zeros(steps),
                np.arange(steps) == steps - 1,
                np.zeros(steps, np.bool_),
                about={"env_id": ID, "success": success, **about},
            ),
        )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    play(folder)
    return folder


def decisions(settings):
    envs = training_envs(ID, CONFIG, 1)
    return read_decisions(settings, ID, envs.single_observation_space, envs.single_action_space)


def test_what_was_seen_goes_with_what_was_then_done(runs):
    read = decisions(RecordedConfig(runs=[str(runs)]))
    assert read.episodes == 8
    assert {len(values) for values in read.observations.values()} == {len(read.actions)}
    again = find_policy("index-and-move", ID)
    memory = again.start(context_of(training_envs(ID, CONFIG, 1)), 1)
    first = {name: values[:1] for name, values in read.observations.items()}
    assert again.act(first, memory)[0][0] == pytest.approx(read.actions[0])


def test_a_policy_comes_to_act_as_the_recorded_one(runs):
    settings = RecordedConfig(runs=[str(runs)], epochs=40, batch_size=4, learning_rate=3e-3)
    model, read = make_model(CONFIG, training_envs(ID, CONFIG), 1), decisions(settings)
    before = np.square(predict(model, read.observations) - read.actions).mean()
    losses = [loss for loss, _ in imitate(model, read, settings, seed=3)]
    after = np.square(predict(model, read.observations) - read.actions).mean()
    assert len(losses) == 40
    assert losses[-1] < 0.2 * losses[0]
    assert after < 0.2 * before


def test_a_training_takes_recorded_runs_between_pretraining_and_ppo(runs, tmp_path):
    config = CONFIG.model_copy(update={"recorded": RecordedConfig(runs=[str(runs)], epochs=2)})
    folder, told = RunFolder(tmp_path / "mine"), []
    Trainer(ID, config, folder, progress=lambda phase, done, total: told.append((phase, done, total))).run()
    assert told == [("recorded", 1, 2), ("recorded", 2, 2)]
    assert {"recorded", "selected"} <= set(folder.figures())


@pytest.mark.parametrize(
    ("about", "change", "line"),
    [
        ({"env_id": "beamgym/ArpesSpot-v0"}, {}, "is of beamgym/ArpesSpot-v0, not of beamgym/LaueAlign-v0"),
        ({"success": False}, {}, "none of the 1 episodes in .* is one that is a success by what could be seen"),
        ({}, {"action": "axes"}, "the actions of .* are not those of this environment; compare env_kwargs"),
    ],
)
def test_runs_that_cannot_be_learnt_from_are_one_line_before_anything_is_written(tmp_path, about, change, line):
    (tmp_path / "runs").mkdir()
    play(tmp_path / "runs", 1, **{"success": True, **about})
    config = CONFIG.model_copy(
        update={
            "recorded": RecordedConfig(runs=[str(tmp_path / "runs")]),
            "env_kwargs": {**CONFIG.env_kwargs, **change},
        }
    )
    with pytest.raises(ValueError, match=line):
        Trainer(ID, config, RunFolder(tmp_path / "mine"))
    assert not (tmp_path / "mine").exists()


def test_failures_can_be_learnt_from_where_one_asks_for_it(tmp_path):
    play(tmp_path, 1, success=False)
    assert decisions(RecordedConfig(runs=[str(tmp_path)], successes_only=False)).episodes == 1


def test_choices_are_imitated_by_their_probability():
    config = CONFIG.model_copy(update={"env_kwargs": {"observation": "estimate", "action": "decisions"}})
    envs = training_envs("beamgym/LaueAlign-v1", config)
    model = make_model(config, envs, 1)
    assert isinstance(envs.single_action_space, spaces.Discrete)
    seen = {"estimate": np.random.default_rng(0).uniform(-1, 1, (200, 8)).astype(np.float32)}
    chosen = (seen["estimate"][:, 0] > 0).astype(np.int64) * 3
    settings = RecordedConfig(runs=["none"], epochs=20, batch_size=20, learning_rate=1e-2)
    losses = [loss for loss, _ in imitate(model, Decisions(seen, chosen, 1), settings, seed=3)]
    assert losses[0] > 0.5
    assert losses[-1] < 0.2
    assert (predict(model, seen) == chosen).mean() > 0.95
