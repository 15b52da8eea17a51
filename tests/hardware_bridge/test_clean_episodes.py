"""Nothing is refused where nothing is wrong: hundreds of episodes without a fault, and how many of them were ended.

No rule may be met by refusing everything. Half of the episodes are played on the practice instrument in fast mode, half
over the server of the fault campaign, whose conventions, speeds and delays are a stranger's. EPISODES=500 is what the
bar asks for and takes an hour and a half on two cores.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beamgym.scripts import main

EPISODES = int(os.environ.get("EPISODES", "100"))
MOST_REFUSED = 0.01
CLEAN = ("clean", "clean-roaming", "clean-backlash", "clean-short-array", "slow-shutter")

pytestmark = pytest.mark.slow


def assert_hardly_any_refused(refused, episodes):
    """At most one in a hundred; the interval's lower end, where there are too few to tell."""
    from campaign.report import lower, upper

    interval = f"95 % interval {100 * lower(len(refused), episodes):.2f} to {100 * upper(len(refused), episodes):.2f} %"
    print(f"{len(refused)} of {episodes} clean episodes were refused, {interval}")
    assert len(refused) <= max(MOST_REFUSED * episodes, 0), f"{interval}: {refused}"


def test_hardly_any_clean_episode_on_the_practice_instrument_is_refused(special_ioc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    special_ioc("laue", speed=1e6)
    words = ("deploy", "laue-align-si", "-i", "laue_soft_ioc", "--yes", "--confirm", "never", "--seed", "3")
    result = CliRunner().invoke(main.app, [*words, "--practice", str(EPISODES // 2), "--json", "figures.json"])
    assert result.exit_code == 0, result.output
    pairs = json.loads(Path("figures.json").read_text())["pairs"]
    assert len(pairs) == EPISODES // 2
    own = ("declared", "budget spent", "steps spent")
    assert_hardly_any_refused([pair for pair in pairs if pair["deployed"]["ending"] not in own], len(pairs))


def test_hardly_any_clean_episode_over_a_strangers_server_is_refused_or_questioned(tmp_path):
    support = Path(__file__).parents[1] / "support"
    path = os.pathsep.join([str(support), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    seeds = max(EPISODES // 2 // len(CLEAN), 1)
    command = [sys.executable, "-m", "campaign", "--only", *CLEAN, "--seeds", str(seeds), "--out", str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    verdicts = json.loads((tmp_path / "verdicts.json").read_text())
    assert len(verdicts) == seeds * len(CLEAN), done.stdout + done.stderr
    unsafe = [verdict for verdict in verdicts if verdict["unsafe"]]
    assert unsafe == []
    # the question whether to begin is asked of every new file; any further one is one too many
    asked = [path.parent.name for path in tmp_path.glob("*/result.json") if len(questions(path)) > 1]
    ended = [f"{v['name']}-{v['seed']}" for v in verdicts if v["refused"] or not v["success"]]
    assert_hardly_any_refused(sorted({*asked, *ended}), len(verdicts))


def questions(path):
    return json.loads(path.read_text())["questions"]
