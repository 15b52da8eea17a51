"""A search for hyperparameters tries what it is told, goes on after a cut, and leaves a configuration that trains."""

import sys

import pytest
import yaml

from beamgym.agents.training import RunFolder, Trainer, TrainingConfig, load_config
from beamgym.agents.tuning import read_space, search, write_best
from beamgym.agents.tuning.space import DEFAULT, Range, applied, suggested
from beamgym.physics.jobs import InProcess

ID = "beamgym/LaueAlign-v0"
CONFIG = TrainingConfig.model_validate(
    {
        "n_envs": 4,
        "n_timesteps": 32,
        "env_kwargs": {"level": "easy", "exposures": 2},
        "policy_kwargs": {"net_arch": [4]},
        "n_steps": 4,
        "batch_size": 8,
        "n_epochs": 1,
        "checkpoint_every": 16,
        "selection_episodes": 2,
    }
)
SPACE = {"learning_rate": Range(low=1e-4, high=1e-2, log=True), "policy_kwargs.net_arch": [[4], [8]], "n_steps": [2, 4]}


class First:
    """Stands for a trial: it suggests the first of everything."""

    def suggest_categorical(self, name, choices):
        return choices[0]

    def suggest_int(self, name, low, high, log):
        return low

    suggest_float = suggest_int


@pytest.mark.parametrize("algo", DEFAULT)
def test_the_usual_ranges_fit_their_algorithm(algo):
    if algo in ("tqc", "ppo_lstm"):
        pytest.importorskip("sb3_contrib", reason="the extra contrib is not installed")
    policy = "MultiInputLstmPolicy" if algo == "ppo_lstm" else "MultiInputPolicy"
    config = TrainingConfig.model_validate({"algo": algo, "policy": policy, "n_timesteps": 100})
    values = suggested(First(), read_space(None, algo))
    changed = applied(config, values)
    assert changed != config
    assert changed.policy_kwargs.net_arch == [64, 64]


def test_a_space_is_read_from_a_file_and_its_mistakes_are_one_line(tmp_path):
    file = tmp_path / "space.yml"
    file.write_text("learning_rate: {low: 1e-5, high: 1e-3, log: true}\npolicy_kwargs.net_arch: [[8], [16]]\n")
    assert read_space(file, "ppo") == {
        "learning_rate": Range(low=1e-5, high=1e-3, log=True),
        "policy_kwargs.net_arch": [[8], [16]],
    }
    for text, said in [
        ("n_steps: 4\n", "n_steps: give a list of choices, or low, high and log"),
        ("gamma: {low: 0.9, high: 0.8}\n", "low 0.9 has to be below high 0.8"),
        ("[]\n", "holds no search space"),
    ]:
        file.write_text(text)
        with pytest.raises(ValueError, match=said):
            read_space(file, "ppo")


def test_without_optuna_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ValueError, match=r"pip install 'beamgym\[tune\]'"):
        search(ID, CONFIG, SPACE, tmp_path / "search", 1)
    assert not (tmp_path / "search").exists()


def test_a_key_that_is_none_is_refused_before_anything_is_trained(tmp_path):
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    for space, said in [({"learn_rate": [0.1]}, "learn_rate"), ({"gamma": Range(low=2.0, high=3.0)}, "gamma")]:
        with pytest.raises(ValueError, match=said):
            search(ID, CONFIG, space, tmp_path / "search", 1)


class Killed(Exception):
    """The process is gone."""


def test_a_search_that_was_cut_goes_on_in_the_trial_it_was_cut_in(tmp_path):
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    folder, told, phases = tmp_path / "search", [], []

    def kill(phase, done, total):
        if len(told) == 1 and done >= 24:
            raise Killed

    with pytest.raises(Killed):
        search(ID, CONFIG, SPACE, folder, 3, 5, kill, told.append)
    assert [tried.number for tried in told] == [0]
    cut = RunFolder(folder / "trial-1").load()["timesteps"]
    assert cut == 16

    found = search(ID, CONFIG, SPACE, folder, 3, 5, lambda *step: phases.append(step), told.append)
    assert phases[0][1] == cut, "the training goes on where it was cut"
    assert sorted(path.name for path in folder.glob("trial-*")) == ["trial-0", "trial-1", "trial-3"]
    assert len(found) == 3
    assert found[0].score == max(tried.score for tried in found)
    again = search(ID, CONFIG, SPACE, folder, 3, 5)
    assert [tried.number for tried in again] == [tried.number for tried in found], "nothing is left to do"

    file = write_best(ID, CONFIG, found[0], folder)
    best = load_config(ID, file)
    assert best == applied(CONFIG, found[0].values)
    assert yaml.safe_load(file.read_text())[ID]["n_timesteps"] == 32
    Trainer(ID, best, RunFolder(tmp_path / "again"), 5)


def test_two_searches_in_one_folder_are_one_too_many(tmp_path):
    pytest.importorskip("optuna", reason="the extra tune is not installed")

    def another(phase, done, total):
        search(ID, CONFIG, SPACE, tmp_path, 1)

    with pytest.raises(ValueError, match="another search runs in"):
        search(ID, CONFIG, SPACE, tmp_path, 1, progress=another)


def test_values_that_do_not_go_together_are_no_training(tmp_path):
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    found = search(ID, CONFIG, {"batch_size": [7]}, tmp_path / "search", 1)
    assert (found[0].state, found[0].score) == ("refused", float("-inf"))
    assert not list((tmp_path / "search").glob("trial-*"))


def test_trials_of_one_round_try_different_things_and_each_is_told_once(tmp_path):
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    told = []
    found = search(ID, CONFIG, SPACE, tmp_path, 3, told=told.append, executor=InProcess(), at_once=2)
    assert sorted(tried.number for tried in found) == [tried.number for tried in told] == [0, 1, 2]
    assert len({tried.values["learning_rate"] for tried in found}) == 3
    assert all((tmp_path / f"trial-{number}").is_dir() for number in range(3))
    assert search(ID, CONFIG, SPACE, tmp_path, 3, executor=InProcess(), at_once=2) == found
