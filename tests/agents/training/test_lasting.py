"""A training survives what stops it: signals and kills cost little, and what has come to its end can be lengthened."""

import signal

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from beamgym.agents.training.config import TrainingConfig
from beamgym.agents.training.records import Interrupts, RunFolder
from beamgym.agents.training.records import clock as clocks
from beamgym.agents.training.sb3 import Trainer

ID = "beamgym/LaueAlign-v0"
N, ROLLOUT = 8, 2
CONFIG = TrainingConfig.model_validate(
    {
        "n_envs": N,
        "n_timesteps": 3 * N * ROLLOUT,
        "env_kwargs": {"level": "easy", "exposures": 3},
        "policy_kwargs": {
            "extractor": "align",
            "extractor_kwargs": {"width": 8, "entries": 12, "map_pixels": 8, "channels": 2},
            "net_arch": {"pi": [], "vf": [8]},
            "log_std_init": -3.0,
        },
        "n_steps": ROLLOUT,
        "batch_size": N,
        "n_epochs": 1,
        "warm_start": {"dictionary_samples": 4 * N, "samples": 4 * N},
        "checkpoint_every": 1000,
        "selection_episodes": 4,
    }
)


def ask(wanted, least, number):
    """Return a progress that sends this process a signal, as a person or a batch system does."""
    sent = []

    def progress(phase, done, total):
        if phase == wanted and done >= least and not sent:
            sent.append(done)
            signal.raise_signal(number)

    return progress


def train(path, progress=lambda phase, done, total: None, resume=False, **changes):
    trainer = Trainer(ID, CONFIG.model_copy(update=changes), RunFolder(path), 0, resume, progress)
    return trainer, trainer.run


def test_ctrl_c_and_sigterm_leave_a_checkpoint_of_the_step_at_which_they_came(tmp_path):
    _, run = train(tmp_path / "run", ask("warm start", 2 * N, signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 143
    assert RunFolder(tmp_path / "run").load()["samples"] == 2 * N, "no checkpoint was due by steps"
    _, run = train(tmp_path / "run", ask("PPO", N * ROLLOUT, signal.SIGINT), resume=True)
    with pytest.raises(KeyboardInterrupt):
        run()
    saved = RunFolder(tmp_path / "run").load()
    assert (saved["samples"], saved["timesteps"]) == (4 * N, N * ROLLOUT)
    trainer, run = train(tmp_path / "run", resume=True)
    run()
    assert trainer.model.num_timesteps == CONFIG.n_timesteps
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, "whoever trains has the signals back"


def test_a_second_signal_ends_at_once(capsys):
    asked = Interrupts()
    with asked.noted():
        signal.raise_signal(signal.SIGINT)
        assert asked.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert "once more to leave at once" in capsys.readouterr().err


class Killed(Exception):
    """The process is gone: nothing that was meant for the end is done."""


def kill(wanted, least):
    def progress(phase, done, total):
        if phase == wanted and done >= least:
            raise Killed

    return progress


@pytest.mark.parametrize(
    ("phase", "at", "kept"), [("warm start", 3 * N, {"samples": 2 * N}), ("PPO", 2 * N * ROLLOUT, {"timesteps": 32})]
)
def test_a_kill_costs_what_was_done_since_the_last_minute(tmp_path, monkeypatch, phase, at, kept):
    monkeypatch.setattr(clocks, "SAVE_EVERY_S", 0.0)
    _, run = train(tmp_path / "run", kill(phase, at))
    with pytest.raises(Killed):
        run()
    saved = RunFolder(tmp_path / "run").load()
    assert {name: saved[name] for name in kept} == kept


def test_a_training_at_its_end_can_be_lengthened_and_its_figures_are_those_of_the_new_end(tmp_path):
    _, run = train(tmp_path / "run")
    run()
    done = CONFIG.n_timesteps
    longer, run = train(tmp_path / "run", resume=True, n_timesteps=2 * done)
    run()
    assert longer.model.num_timesteps == 2 * done
    assert RunFolder(tmp_path / "run").load()["timesteps"] == 2 * done
    with pytest.raises(ValueError, match=r"another configuration or seed \(learning_rate\); choose another folder"):
        train(tmp_path / "run", resume=True, learning_rate=1e-3)


def test_steps_that_were_rounded_up_to_whole_rollouts_are_no_reason_to_refuse(tmp_path):
    asked = CONFIG.n_timesteps - 3
    _, run = train(tmp_path / "run", n_timesteps=asked, warm_start=None)
    run()
    assert RunFolder(tmp_path / "run").load()["timesteps"] == CONFIG.n_timesteps
    again, run = train(tmp_path / "run", resume=True, n_timesteps=asked, warm_start=None)
    run()
    assert again.model.num_timesteps == CONFIG.n_timesteps
    with pytest.raises(ValueError, match="resume it with as many or more"):
        train(tmp_path / "run", resume=True, n_timesteps=asked - N * ROLLOUT, warm_start=None)


def test_films_are_written_along_the_way(tmp_path):
    trainer, run = train(tmp_path / "run", checkpoint_every=N * ROLLOUT, warm_start=None)
    run()
    events = EventAccumulator(str(trainer.folder.path / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    steps = [event.step for event in events.Images("episode/film")]
    assert steps == [16, 32, 48]
    assert trainer.folder.figures()["best_state"] in ("ppo_16", "ppo_32", "ppo")
