"""Each algorithm behind its wrappers: trained, cut, resumed, exported, and played as it was judged."""

import numpy as np
import pytest

from beamgym.agents.decisions import ModelPolicy
from beamgym.agents.evaluation import context_of
from beamgym.agents.export import export_trained
from beamgym.agents.export.trained import reference_observations
from beamgym.agents.policies import BundlePolicy
from beamgym.agents.training.config import TrainingConfig
from beamgym.agents.training.records import RunFolder, replay
from beamgym.agents.training.sb3 import Trainer
from beamgym.envs.bundles import OnnxModel

ID, STEPS = "beamgym/LaueAlign-v0", 96
COMMON = {
    "n_envs": 4,
    "n_timesteps": STEPS,
    "env_kwargs": {"level": "easy", "exposures": 5},
    "selection_episodes": 2,
    "checkpoint_every": 48,
}
OFF = {"learning_starts": 20, "buffer_size": 400, "batch_size": 8, "policy_kwargs": {"net_arch": [8]}}
ON = {"n_steps": 6, "batch_size": 12, "n_epochs": 1}
MADE = {
    "ppo": {**ON, "policy_kwargs": {"net_arch": [8]}, "frame_stack": 2, "normalize": True},
    "sac": {**OFF, "normalize": True},
    "tqc": {**OFF, "policy": "MlpPolicy", "env_wrapper": "gymnasium.wrappers.FlattenObservation", "frame_stack": 2},
    "ppo_lstm": {
        **ON,
        "policy": "MultiInputLstmPolicy",
        "policy_kwargs": {"net_arch": [8], "lstm_hidden_size": 8},
        "normalize": {"norm_reward": False},
    },
}


def config(algo, **more):
    if algo in ("tqc", "ppo_lstm"):
        pytest.importorskip("sb3_contrib", reason="the extra contrib is not installed")
    return TrainingConfig.model_validate({"algo": algo, **COMMON, **MADE[algo], **more})


def at(step, call):
    def progress(phase, done, total):
        if done >= step:
            call()

    return progress


class Killed(Exception):
    """The process is gone."""


def kill():
    raise Killed


def resumed(path, settings):
    """Return a trainer that goes on after a kill, and what it is going to meet in its replay buffer, if it has one."""
    with pytest.raises(Killed):
        Trainer(ID, settings, RunFolder(path), progress=at(72, kill)).run()
    trainer, met = Trainer(ID, settings, RunFolder(path), resume=True), []

    def look():
        buffer = getattr(trainer.model, "replay_buffer", None)
        if not met and buffer is not None:
            met.append((buffer.size(), trainer.model.learning_starts))

    trainer.progress = at(0, look)
    return trainer, met


SLOW = {"tqc"}  # it is cut and goes on as sac does; tests/agents/export play its frames and its flattened parts


@pytest.mark.parametrize("algo", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in MADE])
def test_an_agent_is_deployed_as_it_was_trained_though_its_training_was_cut(algo, tmp_path):
    settings = config(algo)
    trainer, met = resumed(tmp_path / "run", settings)
    normaliser = trainer.model.get_vec_normalize_env()
    if normaliser is not None:
        assert normaliser.obs_rms["budget"].count > 40, "the statistics come back"
    result = trainer.run()
    if algo == "sac":
        assert met == [(12, 20)], "48 steps of 4 environments are in the buffer again"
    bundle = OnnxModel.load(export_trained(trainer, tmp_path / "it" / "bundle", "beamgym train", result))

    context, seen = context_of(trainer.envs), reference_observations(trainer)
    ours, theirs = BundlePolicy(bundle), ModelPolicy(trainer.model)
    memories = ours.start(context, 64), theirs.start(context, 64)
    for step in range(4):
        rows = {name: values[64 * step : 64 * (step + 1)] for name, values in seen.items()}
        action, mine = ours.act(rows, memories[0])
        expected, its = theirs.act(rows, memories[1])
        memories = mine, its
        np.testing.assert_allclose(action, expected, rtol=0, atol=1e-5)
    assert np.ptp(action, axis=0).max() > 1e-6
    assert bundle.manifest.normaliser == ("inside the graph" if "normalize" in MADE[algo] else "none")
    assert bundle.manifest.training.algorithm == type(trainer.model).__name__
    assert (tmp_path / "it" / "bundle" / "CARD.md").read_text().startswith("# it\n")


def test_an_off_policy_learner_without_its_replay_buffer_collects_first_and_rows_come_back_as_they_were(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(replay, "MOST_BYTES", 10)
    trainer, met = resumed(tmp_path / "large", config("sac"))
    trainer.run()
    assert met == [(0, 68)], "20 steps more than the 48 that were made"
    monkeypatch.undo()
    state = replay.replay_state(trainer.model)
    again = Trainer(ID, config("sac"), RunFolder(tmp_path / "other")).model
    replay.put_replay(again, state)
    for name in ("rewards", "actions"):
        np.testing.assert_array_equal(getattr(again.replay_buffer, name), getattr(trainer.model.replay_buffer, name))
    assert again.replay_buffer.pos == trainer.model.replay_buffer.pos > 0
