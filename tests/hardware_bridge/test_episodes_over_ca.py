"""The shipped policies' outcomes over Channel Access are those of simulation, judged by the truth on both sides."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beamgym.hardware_bridge.records.audit_check import verify_log
from beamgym.scripts import main

EPISODES = 100
MOST_DIFFERENT = 3

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("kind", "policy", "fewest"), [("laue", "laue-align-si", 90), ("arpes", "arpes-spot", 85)], ids=["laue", "arpes"]
)
def test_a_hundred_episodes_end_as_in_simulation(special_ioc, tmp_path, monkeypatch, kind, policy, fewest):
    monkeypatch.chdir(tmp_path)
    ioc = special_ioc(kind, speed=1e6)
    words = ("deploy", policy, "-i", f"{kind}_soft_ioc", "--yes", "--confirm", "never")
    result = CliRunner().invoke(main.app, [*words, "--practice", str(EPISODES), "--json", "figures.json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("figures.json").read_text())
    assert figures["episodes"] == EPISODES
    assert figures["different"] <= MOST_DIFFERENT
    assert figures["success_simulated"] >= fewest
    seeds = [pair["seed"] for pair in figures["pairs"]]
    resets = [record["seed"] for record in ioc.records() if record["kind"] == "reset"]
    assert resets == seeds == sorted(set(seeds))
    (log,) = Path("out").glob("deploy-*/audit.jsonl")
    assert verify_log(log).ok
    truth = ioc.truth()
    assert (truth["moving"], truth["shutter_open"]) == ([], False)
