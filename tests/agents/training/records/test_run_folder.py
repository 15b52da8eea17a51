"""A run's folder holds one training, whole or not at all, and nothing in it is ever unpickled."""

import json

import pytest
import torch

from beamgym.agents.training.config import TrainingConfig
from beamgym.agents.training.records.run_folder import BEST, CHECKPOINT, CONFIG, RunFolder

ID = "beamgym/LaueAlign-v0"
CONFIGURATION = TrainingConfig(n_timesteps=100)


class Evil:
    """Would write a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def begun(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.begin(ID, CONFIGURATION, 3)
    return folder


def refused(folder, *arguments):
    with pytest.raises(ValueError) as error:
        folder.check(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder_with_a_training_is_not_begun_anew(begun):
    assert "add --resume" in refused(begun, ID, CONFIGURATION, 3, False)


def test_what_was_not_begun_is_not_resumed(tmp_path):
    folder = RunFolder(tmp_path / "none")
    assert "leave out --resume" in refused(folder, ID, CONFIGURATION, 3, True)
    assert not folder.path.exists(), "nothing is written"


@pytest.mark.parametrize(
    ("env_id", "config", "seed"),
    [
        ("beamgym/LaueZone-v0", CONFIGURATION, 3),
        (ID, CONFIGURATION, 4),
        (ID, TrainingConfig(n_timesteps=200), 3),
    ],
)
def test_another_training_is_not_resumed_here(begun, env_id, config, seed):
    assert "another configuration or seed" in refused(begun, env_id, config, seed, True)


def test_the_same_training_is_resumed(begun):
    before = (begun.path / CONFIG).read_bytes()
    begun.check(ID, TrainingConfig(n_timesteps=100), 3, True)
    begun.begin(ID, TrainingConfig(n_timesteps=100), 3)
    assert begun.begun
    assert (begun.path / CONFIG).read_bytes() == before
    assert "another configuration or seed" in refused(begun, ID, TrainingConfig(n_timesteps=101), 3, True)


def test_a_training_from_before_a_key_existed_is_resumed_with_the_keys_default(begun):
    found = json.loads((begun.path / CONFIG).read_text())
    del found["config"]["target_kl"]
    (begun.path / CONFIG).write_text(json.dumps(found))
    begun.check(ID, CONFIGURATION, 3, True)
    another = TrainingConfig(n_timesteps=100, target_kl=0.123)
    assert "another configuration or seed" in refused(begun, ID, another, 3, True)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "run").write_text("mine")
    assert "is a file" in refused(RunFolder(tmp_path / "run"), ID, CONFIGURATION, 0, False)
    assert (tmp_path / "run").read_text() == "mine"


def test_tensors_and_numbers_come_back(begun):
    assert begun.load() is None
    begun.save({"policy": {"weight": torch.arange(3.0)}, "samples": 7})
    begun.save({"policy": {"weight": torch.ones(2)}}, BEST)
    state = begun.load()
    assert state["samples"] == 7
    assert state["policy"]["weight"].tolist() == [0, 1, 2]
    assert begun.load(BEST)["policy"]["weight"].tolist() == [1, 1]


def test_a_save_that_fails_leaves_the_last_checkpoint(begun, monkeypatch):
    begun.save({"samples": 1})

    def fail(state, path):
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="disk is full"):
        begun.save({"samples": 2})
    assert begun.load()["samples"] == 1


def test_a_checkpoint_that_holds_code_is_refused_and_runs_nothing(begun, tmp_path):
    torch.save({"policy": Evil(tmp_path / "ran")}, begun.path / CHECKPOINT)
    with pytest.raises(ValueError, match="no checkpoint of tensors and numbers"):
        begun.load()
    assert not (tmp_path / "ran").exists()


def test_a_damaged_checkpoint_is_one_line(begun):
    (begun.path / CHECKPOINT).write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="train anew"):
        begun.load()


def test_figures_are_added_one_by_one(begun):
    assert begun.figures() == {}
    begun.note("cpu_s", 1.5)
    begun.note("ppo", {"success_rate": 0.5})
    begun.note("cpu_s", 2.5)
    assert begun.figures() == {"cpu_s": 2.5, "ppo": {"success_rate": 0.5}}
    assert sorted(path.name for path in begun.path.iterdir()) == ["config.json", "figures.json"]


def test_only_a_finished_training_stands_beside_another(begun, tmp_path):
    with pytest.raises(ValueError, match="no training in"):
        RunFolder(tmp_path / "nothing").check_finished()
    with pytest.raises(ValueError, match=r"seed 3 .* was cut"):
        begun.check_finished()
    begun.note("selected", {"success_rate": 1.0})
    begun.check_finished()
    assert begun.seed() == 3
