"""`beamgym benchmark index` keeps its contract, and refuses in one line before any work is done."""

import json

import pytest

from beamgym.scripts.benchmark import benchmark_command
from beamgym.scripts.index_suite import suite


@pytest.fixture
def benchmark(as_verb):
    return as_verb(benchmark_command, columns=100)


def test_the_json_holds_bars_and_shares_and_the_tables_show_them(benchmark, tmp_path):
    file = tmp_path / "figures.json"
    result = benchmark("index", "--part", "cameras", "--pictures", 2, "--seed", 1, "--workers", 0, "--json", file)
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    assert (content["suite"], content["seed"], content["pictures"]) == ("index", 1, 2)
    cameras = content["parts"]["cameras"]
    assert [bar["bar"] for bar in cameras["bars"]] == ["≥ 90 %", "≤ 20", "≤ 0.5 %", "≤ 5 %"]
    assert list(cameras["crystals"]) == ["Si", "quartz", "all"]
    assert [answer["number"] for answer in cameras["answers"]] == [0, 1]
    right = cameras["crystals"]["all"]["right"]
    assert right["total"] == 2
    assert right["ci95"][0] <= right["share"] <= right["ci95"][1]
    for bar in cameras["bars"]:
        assert any(bar["figure"] in line and bar["reached"] in line for line in result.output.splitlines())
    assert "cameras: 2 of 2" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["indx"], "did you mean 'index'"),
        (["index", "--part", "camera"], "unknown part 'camera'; choose one of cameras, false-peaks, crystals, grains"),
        (["index", "--pictures", "0"], "pictures is 0; it must lie between 1 and"),
        (["index", "--workers", "-1"], "workers is -1; it must lie between 0"),
        (["index", "--seed", "-1"], "the seed is -1"),
        (["index", "--episodes", "3"], "--episodes compares policies; index takes --part, --pictures, --workers"),
        (["index", "--policy", "random"], "--policy compares policies"),
        (["index", "--crystal", "Si"], "--crystal compares policies"),
        (["index", "--spectra", "50"], "--spectra is for arpes-gap and arpes-scorer; index takes"),
        (["arpes-scorer", "--pictures", "3"], "--pictures is for denoise and index; arpes-scorer takes --spectra"),
        (
            ["mosaic", "--workers", "2"],
            "--workers is for environments, index, laue-levels, laue-image, laue-crystals, laue-harsh, laue-zone and",
        ),
        (["index", "--json", "nowhere/figures.json"], "cannot write nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_costs_no_work(benchmark, monkeypatch, arguments, says):
    nothing = dict.fromkeys(suite.PARTS, lambda *given: pytest.fail("pictures were drawn"))
    monkeypatch.setattr(suite, "PARTS", nothing)
    result = benchmark(*arguments)
    assert result.exit_code == 1
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_parts_run_once_each_in_the_order_asked_for(benchmark, monkeypatch):
    seen = []
    empty = suite.PartResult((), (), {})
    parts = {name: lambda *given, name=name: seen.append((name, given)) or empty for name in suite.PARTS}
    monkeypatch.setattr(suite, "PARTS", parts)
    benchmark("index", "--part", "grains", "--part", "cameras", "--part", "grains", "--pictures", 8)
    assert [(name, given[:2]) for name, given in seen] == [("grains", (8, 0)), ("cameras", (8, 0))]
    seen.clear()
    benchmark("index")
    assert [name for name, _ in seen] == ["cameras", "false-peaks", "crystals", "grains"]
    assert seen[0][1][:2] == (300, 0)
