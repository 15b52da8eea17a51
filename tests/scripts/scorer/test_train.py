"""`beamgym train arpes-scorer` and `arpes-boosting` leave a bundle, go on after a cut, and refuse in one line."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from beamgym.agents.spectra import boosting as scorer_boosting
from beamgym.agents.spectra.config import ScorerConfig
from beamgym.agents.spectra.data import Source
from beamgym.envs.arpes_spot.scoring import SHIPPED_SCORER, QualityScorer
from beamgym.envs.bundles.model import OnnxModel
from beamgym.scripts import command_line
from beamgym.scripts.scorer import train as train_scorer
from beamgym.scripts.train import train_command

COARSE = (Source("published", 64, 1.0),)
TINY = {"epochs": 2, "spectra_per_epoch": 256, "batch": 64, "validation": 256, "novelty": 256}


@pytest.fixture
def train(tmp_path, monkeypatch, capsys):
    """Return a function that runs the verb in an empty folder and gives (exit code, what it printed)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ScorerConfig, "mixture", property(lambda self: COARSE))
    monkeypatch.setattr(ScorerConfig, "usual", property(lambda self: COARSE))
    monkeypatch.setattr(scorer_boosting, "BOOSTING_SOURCES", COARSE)
    monkeypatch.setattr(scorer_boosting, "TREES", 5)
    monkeypatch.setattr(train_scorer, "_BOOSTING_SPECTRA", 256)
    (tmp_path / "my.yml").write_text(yaml.safe_dump(TINY))

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            command_line.run(train_command, [*map(str, arguments), "--workers", "0"], "beamgym train")
        printed = capsys.readouterr()
        return left.value.code, printed.out + printed.err

    return run


@pytest.mark.slow
def test_a_scorers_training_from_end_to_end_is_refused_twice_and_resumed_with_a_word(train, tmp_path):
    code, printed = train("arpes-scorer", "--config", "my.yml", "--seed", 4, "--json", "figures.json")
    assert code == 0, printed
    run = tmp_path / "runs" / "arpes-scorer-4"
    path = run / "arpes-scorer-small"
    manifest = QualityScorer.load(path).model.manifest
    assert manifest.training.command == "beamgym train arpes-scorer --seed 4 --config my.yml"
    assert manifest.training.steps == 512
    assert manifest.training.seeds == (4, 4)
    assert [set(row) for row in json.loads((tmp_path / "figures.json").read_text())["epochs"]] == [
        {"loss", "validation/paper", "validation/v2", "learning_rate"}
    ] * 2
    assert {"checkpoint.pt", "best.pt", "config.json", "tensorboard"} <= {entry.name for entry in run.iterdir()}
    assert "bundle: " in printed
    code, printed = train("arpes-scorer", "--config", "my.yml", "--seed", 4)
    assert code == 1
    assert f"{path.relative_to(tmp_path)} exists; add --overwrite" in printed
    code, printed = train("arpes-scorer", "--config", "my.yml", "--seed", 4, "--bundle", "other")
    assert code == 1
    assert "add --resume to go on" in printed
    before = (path / "policy.onnx").read_bytes()
    code, printed = train("arpes-scorer", "--config", "my.yml", "--seed", 4, "--resume", "--overwrite")
    assert code == 0, printed
    assert (path / "policy.onnx").read_bytes() == before, "nothing was left to train"


@pytest.mark.slow
def test_a_novelty_is_learnt_anew_by_a_word(train, tmp_path):
    shipped = Path(str(files("beamgym.envs.models"))) / SHIPPED_SCORER
    given = ("arpes-scorer", "--refit-novelty", shipped, "--config", "my.yml", "--bundle", "mine")
    code, printed = train(*given)
    assert code == 0, printed
    assert "bundle: mine" in printed
    assert "--refit-novelty arpes-scorer-small" in (tmp_path / "mine" / "CARD.md").read_text()
    code, printed = train(*given)
    assert code == 1
    assert "mine exists; add --overwrite" in printed


def test_trees_are_grown_and_exported(train, tmp_path):
    pytest.importorskip("lightgbm")
    code, printed = train("arpes-boosting", "--seed", 1, "--bundle", "trees")
    assert code == 0, printed
    manifest = OnnxModel.load(tmp_path / "trees").manifest
    assert manifest.training.command == "beamgym train arpes-boosting --seed 1"
    assert manifest.training.steps == 256


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["arpes-scorer", "--config", "nowhere.yml"], "nowhere.yml cannot be read"),
        (["arpes-scorer", "--timesteps", 100], "--timesteps and --beside are for policies"),
        (["arpes-scorer", "--resume"], "no training to resume"),
        (["arpes-scorer", "--refit-novelty", "nowhere"], "nowhere"),
        (
            ["arpes-scorer", "--refit-novelty", "nowhere", "--resume"],
            "--refit-novelty takes --bundle, --config",
        ),
        (["beamgym/LaueAlign-v0", "--refit-novelty", "nowhere"], "--refit-novelty is for arpes-scorer"),
        (["arpes-boosting", "--refit-novelty", "nowhere"], "takes --bundle, --seed, --overwrite and --workers only"),
        (["arpes-boosting", "--resume"], "takes --bundle, --seed, --overwrite and --workers only"),
        (["arpes-boosting", "--config", "my.yml"], "takes --bundle, --seed"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(train, tmp_path, arguments, says):
    code, printed = train(*arguments)
    assert code == 1
    assert says in printed
    assert len(printed.strip().splitlines()) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["my.yml"]
