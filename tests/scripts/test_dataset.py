"""`beamgym dataset arpes` writes shards that can be read, says what is in them, and fails with one line."""

import json

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec

from beamgym.envs.episodes import read_episodes
from beamgym.physics.arpes.recipes.shards import read_dataset
from beamgym.scripts.dataset import dataset_command

SMALL = ("--shape", "32x40", "--natural", "--per-shard", "8")


@pytest.fixture
def dataset(as_verb):
    return as_verb(dataset_command, columns=100)


def test_it_writes_what_is_asked_for(dataset, tmp_path):
    file = tmp_path / "summary.json"
    result = dataset("arpes", "--out", str(tmp_path / "set"), "--spectra", "20", *SMALL, "--json", str(file))
    assert result.exit_code == 0, result.output
    summary = json.loads(file.read_text())
    assert summary["spectra"] == 20
    assert summary["shards"] == 3
    assert summary["shape"] == [32, 40]
    assert sum(summary["histogram"]) == 20
    assert [batch.counts.shape for batch in read_dataset(tmp_path / "set")] == [(8, 32, 40)] * 2 + [(4, 32, 40)]


def test_the_full_recipe_and_the_other_score_are_words_away(dataset, tmp_path):
    words = ("--recipe", "full", "--score", "v2", "--spectra", "4", "--seed", "9", *SMALL)
    assert dataset("arpes", "--out", str(tmp_path), *words).exit_code == 0
    assert next(read_dataset(tmp_path)).recipe == "full"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("xps",), "unknown kind of data set 'xps'"),
        (("arpes", "--recipe", "mine"), "unknown recipe 'mine'"),
        (("arpes", "--shape", "big"), "not ENERGYxSLIT"),
        (("arpes", "--seed", "-1"), "must not be negative"),
        (("arpes", "--score", "best", "--natural"), "unknown score"),
        (("arpes", "--spectra", "0", "--natural"), "count ≥ 1"),
        (("arpes", "--spectra", "-5"), "count ≥ 1"),
    ],
)
def test_mistakes_are_refused_before_anything_is_drawn(dataset, tmp_path, words, message, monkeypatch):
    monkeypatch.setattr("beamgym.scripts.dataset.told", lambda *_: pytest.fail("the work had begun"))
    result = dataset(words[0], "--out", str(tmp_path), *words[1:])
    assert result.exit_code != 0
    assert isinstance(result.exception, ValueError)
    assert message in str(result.exception)


def test_episodes_of_a_policy_are_written_for_minari(dataset, tmp_path):
    words = (
        "beamgym/LaueAlign-v0",
        "--out",
        tmp_path,
        "--policy",
        "index-and-move",
        "--episodes",
        3,
        "--level",
        "easy",
    )
    result = dataset(*words, "--set", "exposures=6", "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (figures["id"], figures["episodes"]) == ("beamgym/LaueAlign/index-and-move-v0", 3)
    content = json.loads((tmp_path / figures["id"] / "data" / "metadata.json").read_text())
    spec = json.loads(content["env_spec"])
    assert (spec["id"], spec["kwargs"]["level"], spec["kwargs"]["exposures"]) == ("beamgym/LaueAlign-v0", "easy", 6)
    assert gym.make(EnvSpec.from_json(content["env_spec"])).unwrapped.observation_space["spots"]
    assert "minari.load_dataset('beamgym/LaueAlign/index-and-move-v0')" in result.output

    again = dataset("runs", "--out", tmp_path / "more", "--run", tmp_path, "--id", "mine-v0")
    assert again.exit_code == 0, again.output
    (file,) = (tmp_path / "more").rglob("main_data.hdf5")
    assert sum(one.steps for one in read_episodes(file)) == figures["steps"]


def test_the_shipped_agent_is_the_one_that_observes_what_is_shown(dataset, tmp_path):
    words = ("beamgym/LaueAlign-v1", "--out", tmp_path, "--policy", "shipped", "--episodes", 1, "--id", "mine-v0")
    result = dataset(*words, "--set", "observation=estimate", "--set", "flat=true")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "mine-v0").is_dir()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("runs", "--out", "there"), "name the runs: beamgym dataset runs --run FOLDER"),
        (("beamgym/LaueAlign-v0", "--out", "there", "--set", "crystal"), "'crystal' says nothing; write NAME=VALUE"),
        (("beamgym/LaueAlign-v0", "--out", "there", "--id", "no id"), "'no id' is no id of a data set"),
        (("beamgym/LaueAlign-v0", "--out", "there", "--policy", "calibrated"), "did you mean 'calibrating'"),
        (("episodes", "--out", "there"), "or an environment such as beamgym/LaueAlign-v0"),
    ],
)
def test_mistakes_about_episodes_are_refused_before_anything_is_played(dataset, words, message):
    result = dataset(*words)
    assert result.exit_code == 1
    assert message in str(result.exception)
