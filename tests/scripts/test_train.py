"""`beamgym train` trains, refuses what it cannot do with one line and nothing written, resumes, and leaves a bundle."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from beamgym.agents.training.records.run_folder import RunFolder
from beamgym.envs.bundles.model import OnnxModel
from beamgym.scripts import command_line, main
from beamgym.scripts.train import train_command

ID = "beamgym/LaueAlign-v0"
SECTION = {
    "n_envs": 16,
    "n_timesteps": 64,
    "env_kwargs": {"crystal": "Si", "level": "easy", "exposures": 2},
    "policy_kwargs": {"extractor": "combined", "net_arch": [4]},
    "n_steps": 2,
    "batch_size": 32,
    "n_epochs": 1,
    "selection_episodes": 4,
}


@pytest.fixture
def train(tmp_path, monkeypatch, capsys):
    """Return a function that runs the verb in an empty folder and gives (exit code, what it printed)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            command_line.run(train_command, [str(argument) for argument in arguments], "beamgym train")
        printed = capsys.readouterr()
        return left.value.code, printed.out + printed.err

    return run


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "my.yml"
    path.write_text(yaml.safe_dump({ID: SECTION}))
    return path


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_training_from_end_to_end_is_refused_twice_and_resumed_with_a_word(train, config, tmp_path):
    code, printed = train(ID, "--config", config, "--seed", 2, "--json", "figures.json")
    assert code == 0, printed
    run = tmp_path / "runs" / "LaueAlign-v0-2"
    assert {"bundle", "config.json", "figures.json", "checkpoint.pt", "best.pt", "tensorboard"} <= set(files(run))
    bundle = OnnxModel.load(run / "bundle")
    assert bundle.manifest.training.command == "beamgym train beamgym/LaueAlign-v0 --seed 2 --config my.yml"
    assert bundle.manifest.training.steps == 64
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures == RunFolder(run).figures()
    assert f"success {figures['selected']['success_rate']:.3f}" in printed
    assert "leaves out" not in printed
    assert "going on" not in printed
    assert printed.count("evaluating and exporting") == 1

    before = files(run)
    code, printed = train(ID, "--config", config, "--seed", 2, "--bundle", "other")
    assert (code, "add --resume" in printed) == (1, True)
    code, printed = train(ID, "--config", config, "--seed", 2, "--resume")
    assert (code, "add --overwrite" in printed) == (1, True)
    code, printed = train(ID, "--config", config, "--seed", 2, "--resume", "--timesteps", 32, "--bundle", "other")
    assert (code, "holds a training of 64 steps; resume it with as many or more, not with 32" in printed) == (1, True)
    assert files(run) == before
    assert not (tmp_path / "other").exists()
    code, printed = train(ID, "--config", config, "--seed", 2, "--resume", "--timesteps", 96, "--bundle", "longer")
    assert code == 0, printed
    assert "going on from step 64" in printed
    assert OnnxModel.load(tmp_path / "longer").manifest.training.steps == 96


def test_what_a_file_leaves_out_is_named_with_what_is_taken(train, config):
    section = {name: value for name, value in SECTION.items() if name not in ("batch_size", "n_steps")}
    config.write_text(yaml.safe_dump({ID: {**section, "n_timesteps": 0}}))
    code, printed = train(ID, "--config", config)
    assert code == 0, printed
    assert "my.yml leaves out n_steps (taken is 128), batch_size (taken is 256): beamgym's defaults" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("beamgym/Nothing-v0",), "no configuration is shipped for beamgym/Nothing-v0"),
        ((ID, "--config", "none.yml"), "there is no training configuration none.yml"),
        ((ID, "--config", "my.yml", "--resume"), "there is no training to resume"),
        ((ID, "--config", "my.yml", "--seed", "-3"), "the seed is -3"),
        ((ID, "--config", "my.yml", "--json", "no/such/folder.json"), "a directory that exists"),
        ((ID, "--config", "my.yml", "--bundle", "my.yml"), "my.yml exists"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(train, config, tmp_path, arguments, said):
    code, printed = train(*arguments)
    assert code == 1
    assert said in printed
    assert printed.count("\n") == 1
    assert files(tmp_path) == ["my.yml"]


def test_a_wrong_environment_argument_in_the_file_is_one_line(train, config, tmp_path):
    config.write_text(yaml.safe_dump({ID: {**SECTION, "env_kwargs": {"crystal": "Silicium"}}}))
    code, printed = train(ID, "--config", config)
    assert code == 1
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert files(tmp_path) == ["my.yml"]


def test_a_negative_number_of_steps_is_a_wrong_option(train, config):
    assert train(ID, "--config", config, "--timesteps", -5)[0] == 2


def test_the_verb_is_on_the_command_line_with_help_for_every_option(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert "train" in main.available_verbs()
    result = CliRunner().invoke(main.app, ["train", "--help"])
    for option in ("--config", "--run", "--seed", "--resume", "--bundle", "--overwrite", "--timesteps", "--json"):
        assert option in result.output
