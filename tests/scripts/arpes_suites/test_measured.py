"""`beamgym benchmark arpes-measured`: any measured map becomes a geography, and searches are compared on it."""

import json

import numpy as np
import pytest

from beamgym.physics.arpes.load import LoadError
from beamgym.scripts.arpes_suites import geographies
from beamgym.scripts.arpes_suites.geographies import measured_geography, shared_map
from beamgym.scripts.benchmark import benchmark_command

ENERGY = np.linspace(-2.0, 0.5, 60)
X, Y = np.linspace(0.0, 0.3, 31), np.linspace(0.0, 0.2, 21)


@pytest.fixture
def map_file(tmp_path):
    """A flake with a line on the right two thirds, smooth substrate beside it; x falls in the file."""
    line = 8.0 * np.exp(-0.5 * ((ENERGY + 0.8) / 0.1) ** 2)
    mean = 20.0 + np.where((X < 0.2)[None, :, None], line, 0.0) * np.ones((Y.size, 1, 1))
    np.savez(
        tmp_path / "flake.npz", I=np.random.default_rng(0).poisson(20.0 * mean)[:, ::-1], x=X[::-1], y=Y, eV=ENERGY
    )
    return tmp_path / "flake.npz"


def test_a_file_becomes_a_geography_the_right_way_round(map_file):
    found = measured_geography(f"{map_file}:2:1")
    assert found.name == "flake"
    assert found.words.startswith("21 x 31 sites, 420 on the sample, 2 clusters (1 substrate)")
    on = found.geography.on_sample
    columns = np.flatnonzero(on.any(axis=0))
    assert columns[0] <= 2
    assert columns[-1] == pytest.approx(20 / 31 * on.shape[1], abs=2)


def test_the_suite_plays_the_policies_named(as_verb, map_file, tmp_path):
    file = tmp_path / "figures.json"
    words = [
        "--maps",
        f"{map_file}:2:1",
        "--episodes",
        "4",
        "--policy",
        "true-map",
        "--policy",
        "random",
        "--json",
        file,
    ]
    result = as_verb(benchmark_command, columns=140)("arpes-measured", *words)
    assert result.exit_code == 0, result.output
    (played,) = json.loads(file.read_text())["maps"].values()
    assert set(played["policies"]) == {"true-map", "random"}
    assert played["policies"]["true-map"]["success_rate"] == 1.0
    assert "flake: beamgym/ArpesSpot-v1, level real, 4 episodes" in result.output


@pytest.mark.parametrize(
    ("word", "says"),
    [(":two", "give FILE, FILE:CLUSTERS or FILE:CLUSTERS:SUBSTRATE"), (":2:2", "at least one cluster must be sample")],
)
def test_numbers_that_are_none_are_told(map_file, word, says):
    with pytest.raises(ValueError, match=says):
        measured_geography(f"{map_file}{word}")


def test_a_cut_is_no_map_and_a_missing_one_is_named(tmp_path, monkeypatch):
    np.savez(tmp_path / "cut.npz", I=np.random.default_rng(0).poisson(9.0, (60, 21)), eV=ENERGY, angle=50 * Y)
    with pytest.raises(LoadError, match="is no map of two coordinates"):
        measured_geography(str(tmp_path / "cut.npz"))
    monkeypatch.delenv(geographies.DATA, raising=False)
    with pytest.raises(FileNotFoundError, match="set BEAMGYM_DATA to the folder that holds it, or give --maps"):
        shared_map()
