"""`beamgym benchmark arpes-scorer` keeps its contract, and refuses in one line before any work is done."""

import json
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from beamgym.agents.spectra import benchmark as scorer_benchmark
from beamgym.envs.arpes_spot.scoring import SHIPPED_SCORER
from beamgym.scripts.benchmark import benchmark_command

FIGURES = {"mae", "mae_ci95", "mae_uniform", "mae_uniform_ci95", "mae_low", "spearman"}


@pytest.fixture
def benchmark(as_verb):
    return as_verb(benchmark_command, columns=80)


@pytest.fixture
def quick(monkeypatch):
    """The best constant without the two thousand spectra that it is found on."""
    monkeypatch.setattr(scorer_benchmark, "best_constant", lambda: 5.0)


def test_the_json_is_what_the_contract_says_and_the_table_shows_it(benchmark, quick, tmp_path):
    file = tmp_path / "figures.json"
    result = benchmark("arpes-scorer", "--spectra", 40, "--seed", 2, "--json", file)
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    assert (content["source"], content["spectra"], content["seed"]) == ("published", 40, 2)
    assert list(content["predictors"]) == ["shipped", "composed", "two-stage", "gradient-boosting", "constant"]
    more = {"shipped": {"components"}, "composed": {"components", "coverage"}, "two-stage": {"components"}}
    for name, figures in content["predictors"].items():
        assert set(figures) == FIGURES | more.get(name, set())
        low, high = figures["mae_ci95"]
        assert low <= figures["mae"] <= high
        assert f"{figures['mae']:.3f}" in result.output
    assert content["predictors"]["constant"]["spearman"] is None
    shipped = content["predictors"]["shipped"]
    assert shipped["mae"] < 0.5
    assert shipped["spearman"] > 0.95
    assert set(shipped["components"]) == {"S", "B", "N"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["figures.json"]


def test_another_scorers_bundle_is_judged_beside_the_shipped_one(benchmark, quick, tmp_path):
    shipped = Path(str(files("beamgym.envs.models"))) / SHIPPED_SCORER
    file = tmp_path / "figures.json"
    result = benchmark("arpes-scorer", "--spectra", 20, "--policy", shipped, "--json", file)
    assert result.exit_code == 0, result.output
    predictors = json.loads(file.read_text())["predictors"]
    assert predictors[f"models/{SHIPPED_SCORER}"] == predictors["shipped"]


def test_of_strange_spectra_the_flagged_shares_are_shown_and_kept(benchmark, tmp_path):
    file = tmp_path / "figures.json"
    result = benchmark("arpes-scorer", "--source", "strange", "--spectra", 10, "--seed", 1, "--json", file)
    assert result.exit_code == 0, result.output
    flagged = json.loads(file.read_text())["flagged"]
    assert list(flagged) == ["usual", "strange"]
    for group in flagged.values():
        for kind, share in group.items():
            assert any(kind in line and f"{share:.1%}" in line for line in result.output.splitlines())


def test_the_same_command_gives_the_same_figures(benchmark, quick, tmp_path):
    for name in ("one", "two"):
        benchmark("arpes-scorer", "--spectra", 10, "--json", tmp_path / name)
    assert (tmp_path / "one").read_text() == (tmp_path / "two").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["arpes-scorr"], "did you mean 'arpes-scorer'"),
        (["arpes-scorer", "--source", "erlab"], "unknown source 'erlab'; choose one of published, aurelia"),
        (["arpes-scorer", "--spectra", "3"], "spectra is 3; errors and their intervals need at least 10"),
        (["arpes-scorer", "--seed", "-1"], "the seed is -1"),
        (["arpes-scorer", "--policy", "random"], "no bundle"),
        (["arpes-scorer", "--logdir", "runs"], "--logdir compares policies; arpes-scorer takes --spectra"),
        (["arpes-scorer", "--tolerance-deg", "1"], "--tolerance-deg compares policies"),
        (["arpes-scorer", "--level", "real"], "--level compares policies"),
        (["arpes-scorer", "--json", "nowhere/figures.json"], "cannot write nowhere"),
        (["beamgym/ArpesSpot-v0", "--spectra", "50"], "--spectra is for arpes-gap and arpes-scorer"),
        (["beamgym/ArpesSpot-v0", "--source", "aurelia"], "--source is for arpes-scorer"),
    ],
)
def test_a_mistake_is_one_line_and_costs_no_work(benchmark, monkeypatch, arguments, says):
    monkeypatch.setattr(scorer_benchmark, "compare", lambda *given: pytest.fail("spectra were made"))
    result = benchmark(*arguments)
    assert result.exit_code == 1
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_without_aurelia_the_extra_is_named(benchmark, monkeypatch):
    monkeypatch.setitem(sys.modules, "aurelia", None)
    result = benchmark("arpes-scorer", "--source", "aurelia")
    assert result.exit_code == 1
    assert "pip install 'beamgym[peers]'" in result.output


@pytest.mark.peers
def test_aurelias_own_spectra_are_scored_too(benchmark, quick, tmp_path):
    pytest.importorskip("aurelia")
    result = benchmark("arpes-scorer", "--source", "aurelia", "--spectra", 60, "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "figures.json").read_text())
    assert content["source"] == "aurelia"
    assert content["predictors"]["shipped"]["mae"] < 0.6
    assert content["predictors"]["shipped"]["spearman"] > 0.9


def test_ladders_are_judged_simulated_and_measured(benchmark, tmp_path, monkeypatch):
    monkeypatch.setenv("BEAMGYM_DATA", str(tmp_path / "nowhere"))
    file = tmp_path / "figures.json"
    result = benchmark("arpes-scorer", "--ladders", "--spectra", 10, "--seed", 1, "--json", file)
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    assert content["measured"] == {}
    assert "no measured ladders" in result.output
    for sources in content["simulated"].values():
        assert list(sources) == ["published", "full", "wide"]
        kinds = sources["full"]
        assert kinds["all"]["ladders"] == sum(row["ladders"] for kind, row in kinds.items() if kind != "all")
        assert kinds["thinning"]["mean"] > 0.8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ladders", "--source", "aurelia"], "leave out --source"),
        (["--ladders", "--spectra", 3], "at least 10"),
    ],
)
def test_ladders_refuse_in_one_line(benchmark, options, words):
    result = benchmark("arpes-scorer", *options)
    assert result.exit_code != 0
    assert words in result.output
