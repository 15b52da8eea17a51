"""Logs, confirmations, direction records and bundles of before are read, verified, replayed and accepted.

They were written by ``python tests/recorded/record_bridge.py`` with the code of their day, on the practice instruments.
"""

import json
import shutil

import numpy as np
import pytest
from names import DATA, bundle
from typer.testing import CliRunner

pytest.importorskip("bluesky", reason="deploying needs the extra 'hardware'")

from beamgym.envs.bundles import OnnxModel
from beamgym.hardware_bridge.deployment import Deployment, Options, open_instrument
from beamgym.hardware_bridge.direction_check.record import DirectionCheckMissing, require_direction_check
from beamgym.hardware_bridge.guard.rules import replay
from beamgym.hardware_bridge.guard.rules.table import RULES
from beamgym.hardware_bridge.instrument_file import load_instrument
from beamgym.hardware_bridge.records import read_log, verify_log
from beamgym.hardware_bridge.records.documents import read_documents
from beamgym.scripts import main
from beamgym.scripts.deploying.policy import read_policy

LOGS = json.loads((DATA / "logs.json").read_text(encoding="utf-8"))
SIX = {"j1": (-90.0, 90.0), "j2": (-60.0, 60.0), "j3": (-90.0, 90.0)}
SIX |= {"j4": (-150.0, 150.0), "j5": (-110.0, 75.0), "j6": (-360.0, 360.0)}


def decided(log):
    """Yield every decision in a log."""
    for _, line in read_log(log):
        data = line.get("data", {})
        yield from [data] if line.get("event") == "decision" else data.get("decisions", [])


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with the instrument file, its records and the bundle, as the operator had them."""
    shutil.copytree(DATA / "laue", tmp_path, dirs_exist_ok=True)
    shutil.copytree(DATA / "bundle", tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", LOGS)
def test_a_recorded_log_is_verified_as_it_was(name, tmp_path):
    result = tmp_path / "result.json"
    words = ["deploy", "--verify", str(DATA / name), "--head", LOGS[name]["head"], "--json", str(result)]
    done = CliRunner().invoke(main.app, words)
    assert done.exit_code == (0 if LOGS[name]["ok"] else 1), done.output
    assert json.loads(result.read_text(encoding="utf-8")) == LOGS[name]


@pytest.mark.parametrize("name", LOGS)
def test_every_recorded_decision_comes_out_the_same(name):
    report = replay(DATA / name)
    assert report.same, report.summary()
    assert report.decisions == LOGS[name]["decisions"]


def test_the_recorded_logs_hold_every_rule_of_their_version_and_refusals():
    entries = [entry for name in LOGS for entry in decided(DATA / name)]
    recorded = {entry["rule"] for entry in entries}
    # All 32 of 0.1.0, which are asked as they were; what came later stands in no old log.
    assert len(recorded) == 32
    assert recorded <= set(RULES)
    refused = {entry["rule"] for entry in entries if not entry.get("verdict", entry)["allowed"]}
    assert refused >= {"arrival", "in_time", "saturation", "suspender", "connection"}


@pytest.mark.parametrize("kind", ["laue", "arpes"])
def test_a_recorded_log_agrees_with_what_the_practice_instrument_received(kind):
    folder = DATA / kind
    words = ["deploy", "--verify", str(folder / "run.jsonl"), "--record", str(folder / "received.jsonl")]
    done = CliRunner().invoke(main.app, words)
    assert done.exit_code == 0, done.output
    assert "each announced by exactly one line" in done.output


def test_a_log_that_a_crash_cut_short_is_read_on_from_there():
    report = verify_log(DATA / "torn.jsonl")
    assert report.problem == ""
    assert report.torn == [2]
    assert (report.sessions, report.closed) == (2, 1)


@pytest.mark.parametrize("kind", ["laue", "arpes"])
def test_a_recorded_direction_record_holds_for_its_instrument_file(kind, tmp_path):
    shutil.copytree(DATA / kind, tmp_path, dirs_exist_ok=True)
    path = tmp_path / f"{kind}.yaml"
    require_direction_check(path, load_instrument(path))
    changed = path.read_text(encoding="utf-8").replace("budget_s: ", "budget_s: 1")
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(DirectionCheckMissing, match="was changed after its direction check"):
        require_direction_check(path, load_instrument(path))


def test_a_recorded_yes_holds_for_the_same_run_and_for_no_other(here):
    opened = open_instrument("laue.yaml")
    policy, confirm = read_policy("bundle", opened.file), "first"
    deployed = {steps: Deployment(policy, opened, Options(max_steps=steps, confirm=confirm)) for steps in (3, 4)}
    asked = {steps: one.confirmation(SIX, input).start_question() for steps, one in deployed.items()}
    assert asked[3] == ""
    assert "is another one than was confirmed last. " in asked[4]
    assert "at most 4 moves" in asked[4]
    narrower = deployed[3].confirmation(SIX | {"j1": (-90.0, 80.0)}, input)
    assert narrower.start_question() == ""


def test_a_recorded_bundle_is_read_and_answers_what_it_answered():
    model = OnnxModel.load(DATA / "bundle")
    with np.load(DATA / "bundle" / "reference.npz", allow_pickle=False) as content:
        reference = dict(content)
    observations = {name: reference[f"observation/{name}"] for name in model.manifest.observation_space}
    np.testing.assert_allclose(model.predict(observations), reference["action"], rtol=0.0, atol=1e-5)


def test_a_bundle_that_is_exported_now_has_the_files_and_keys_of_the_recorded_one(tmp_path):
    recorder = pytest.importorskip("record_bridge", reason="the recorder needs the extra 'ioc'")
    recorder.make_bundle(tmp_path / "bundle")
    assert bundle(tmp_path / "bundle") == bundle(DATA / "bundle")


@pytest.mark.parametrize("kind", ["laue", "arpes"])
def test_recorded_documents_are_read(kind):
    documents = list(read_documents(DATA / kind / "documents.jsonl"))
    assert documents[0][0] == "start"
    assert documents[-1][1]["exit_status"] == "success"
    assert documents[-1][1]["num_events"]["primary"] == sum(
        name == "event" and "step_number" in doc["data"] for name, doc in documents
    )
