"""`beamgym benchmark laue-zone`: every system, both ways to end an episode, and moves beside the oracle's."""

import json

import numpy as np
import pytest

from beamgym.agents.evaluation.evaluator import Episodes
from beamgym.physics.laue.zone.crystals import SYSTEMS
from beamgym.scripts.benchmark import benchmark_command
from beamgym.scripts.laue_suites import zones
from beamgym.scripts.laue_suites.measured import Measured
from beamgym.scripts.laue_suites.rows import Goal, SuiteRow
from beamgym.scripts.laue_suites.tables import bars_of


@pytest.fixture
def benchmark(as_verb):
    return as_verb(benchmark_command, columns=120)


def test_it_has_every_system_at_both_levels_under_both_stopping_rules():
    found = {(row.options["system"], row.options["level"], row.options["stop"]) for row in zones.ROWS}
    assert found == {
        (s, level, stop) for s in SYSTEMS for level in ("published", "real") for stop in ("truth", "declare")
    }
    assert len({row.name for row in zones.ROWS}) == len(zones.ROWS) == 28
    assert all((row.goal is None) == (row.options["level"] == "real") for row in zones.ROWS)
    declared = {row.options["system"]: row.goal.success for row in zones.ROWS[7:14]}
    assert (declared["cubic"], declared["trigonal"], declared["triclinic"]) == (0.99, 0.95, 0.9)
    assert all(row.goal.moves_of_oracle == 1.15 for row in zones.ROWS[:7])


def test_it_plays_finder_spiral_random_and_oracle_and_writes_the_page(monkeypatch, benchmark, tmp_path):
    monkeypatch.setattr(zones, "ROWS", (zones.ROWS[2], zones.ROWS[9]))
    file, page = tmp_path / "figures.json", tmp_path / "page.md"
    result = benchmark("laue-zone", "--level", "published", "--episodes", 2, "--json", file, "--page", page)
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    assert [list(row["policies"]) for row in content["rows"].values()] == [list(zones.POLICIES)] * 2
    assert [bar["met"] for bar in content["bars"]] == [True] * 4
    text = page.read_text()
    assert "## What `zone-finder` is to reach" in text
    assert "moves beside the oracle's | ≤ 1.15" in text
    assert "| hexagonal, published, declared at 0.5° | blind-spiral |" in text


def played(name, oracle, exposures):
    """A row that was played with so many exposures."""
    m, zero = len(exposures), np.zeros(len(exposures))
    episodes = Episodes(np.ones(m, bool), np.array(exposures, float), zero, zero, zero, np.ones(m, bool))
    result = type("Result", (), {"name": name, "oracle": oracle, "episodes": episodes})()
    row = SuiteRow("row", "group", {}, Goal(moves_of_oracle=1.15), policy="finder")
    return Measured(row, result, np.full(m, np.nan), 10.0)


@pytest.mark.parametrize(("exposures", "met"), [([5, 6, 9], True), ([5, 6, 13], False)])
def test_moves_are_summed_over_the_same_starts(exposures, met):
    finder, oracle = played("finder", False, exposures), played("oracle", True, [5, 6, 8])
    oracle = Measured(finder.row, oracle.result, oracle.claims, 10.0)
    (bar,) = bars_of([finder, oracle])
    assert bar.met is met
    assert "beside 16 moves" in bar.reached
