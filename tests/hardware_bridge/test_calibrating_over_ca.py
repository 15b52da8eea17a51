"""A policy that estimates aligns over Channel Access with a camera that is off, and the run itself can tell."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beamgym.scripts import main

EPISODES, FEWEST = 100, 98

pytestmark = pytest.mark.slow


def test_a_hundred_crystals_before_the_camera_of_the_level_hard(special_ioc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    special_ioc("laue", level="hard", speed=1e6)
    words = ("deploy", "calibrating", "-i", "laue_soft_ioc", "--yes", "--confirm", "never", "--level", "hard")
    result = CliRunner().invoke(main.app, [*words, "--practice", str(EPISODES), "--json", "figures.json"])
    print(result.output[-500:])
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("figures.json").read_text())
    assert figures["episodes"] == EPISODES
    assert figures["success_deployed"] >= FEWEST
    assert figures["judged_right"] >= FEWEST
