"""The fault campaign over Channel Access against a stranger's server; its table stands in docs/fault_campaign.md."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("caproto", reason="the campaign's server needs the extra 'ioc'")
pytest.importorskip("bluesky", reason="the campaign's bridge needs the extras 'hardware' and 'epics'")

from campaign.faults import FAULTS
from campaign.table import drawn, scenarios

SUPPORT = Path(__file__).parents[2] / "support"
ROWS = scenarios()
NAMES = [each["name"] for each in ROWS]
TWELVE = range(1, 13)


def campaign(folder, *words):
    """Play some of it in a process of its own, and return the verdicts."""
    path = os.pathsep.join([str(SUPPORT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    command = [sys.executable, "-m", "campaign", "--out", str(folder), *words]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert (folder / "verdicts.json").exists(), done.stdout + done.stderr
    return json.loads((folder / "verdicts.json").read_text()), done


def test_the_table_holds_every_kind_and_enough_of_it():
    assert len(ROWS) >= 60
    assert len(set(NAMES)) == len(NAMES)
    assert {each["kind"] for each in ROWS} >= set(TWELVE)
    assert sum(each["must"] == "end well" for each in ROWS) >= 5


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_row_is_decided_beforehand_and_its_numbers_are_the_seeds(row):
    assert row["must"] in ("abort", "end well", "either")
    assert row["must"] == "end well" or "says" in row, "a row that may be refused says what may be told"
    assert {fault["what"] for fault in row.get("faults", [])} <= set(FAULTS)
    assert drawn(row, 3)[0] == drawn(row, 3)[0]
    assert len({str(drawn(row, seed)) for seed in range(5)}) > 1


def test_a_clean_run_ends_well_and_a_fault_is_told_for_what_it_is(tmp_path):
    verdicts, done = campaign(tmp_path, "--only", "clean", "overshoot", "--seed", "0")
    assert done.returncode == 0, done.stdout
    assert {v["name"]: (v["success"], v["refused"]) for v in verdicts} == {
        "clean": (True, False),
        "overshoot": (False, True),
    }


@pytest.mark.slow
def test_nothing_of_the_campaign_is_unsafe_or_misleads(tmp_path):
    verdicts, done = campaign(tmp_path, "--seeds", os.environ.get("CAMPAIGN_SEEDS", "5"))
    assert len(verdicts) >= len(ROWS)
    assert done.returncode == 0, done.stdout[done.stdout.index("| scenario") :]
