"""The task of a diffractometer over Channel Access ends as in simulation, judged by the truth on both sides."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beamgym.hardware_bridge.records.audit_check import verify_log
from beamgym.scripts import main

EPISODES, MOST_DIFFERENT, FEWEST = 20, 1, 17

pytestmark = pytest.mark.slow


def test_twenty_crystals_end_as_in_simulation(special_ioc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ioc = special_ioc("diffractometer", speed=1e6)
    words = ("deploy", "index-and-jump", "-i", "diffractometer_soft_ioc", "--yes", "--confirm", "never")
    result = CliRunner().invoke(main.app, [*words, "--practice", str(EPISODES), "--json", "figures.json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("figures.json").read_text())
    assert figures["episodes"] == EPISODES
    assert figures["different"] <= MOST_DIFFERENT
    assert figures["success_simulated"] >= FEWEST
    (log,) = Path("out").glob("deploy-*/audit.jsonl")
    assert verify_log(log).ok
    truth = ioc.truth()
    assert (truth["moving"], truth["shutter_open"]) == ([], False)
