"""`beamgym deploy --verify`: a log that was cut, emptied or changed does not pass, and says why in one line."""

import json
from dataclasses import asdict

import pytest
from typer.testing import CliRunner

from beamgym.hardware_bridge.guard.rules.table import RULES
from beamgym.hardware_bridge.records.audit import AuditLog
from beamgym.hardware_bridge.records.audit_check import verify_log
from beamgym.hardware_bridge.records.audit_lines import START, digest, read_line, write_line
from beamgym.scripts import main


def verify(*words):
    return CliRunner().invoke(main.app, ["deploy", "--verify", *(str(word) for word in words)])


@pytest.fixture
def log(tmp_path):
    """A closed log of one move: open, decision, before, after, close."""
    path, inputs = tmp_path / "audit.jsonl", {"axis": "j1", "target": 2.0}
    entry = {"rule": "finite", "inputs": inputs, "verdict": asdict(RULES["finite"](**inputs))}
    with AuditLog(path) as audit:
        audit.decision(entry["rule"], entry["inputs"], entry["verdict"])
        audit.after(audit.before("set", device="j1", value=2.0, decisions=[entry]), "done")
    return path


def forged(path, change):
    """Write a log anew with every line changed and the chain computed again, as who knows the format can."""
    previous, lines = START, []
    for line in path.read_bytes().splitlines():
        members = read_line(line)
        change(members)
        members.pop("previous")
        lines.append(write_line(members, previous))
        previous = digest(lines[-1][:-1])
    path.write_bytes(b"".join(lines))


def refused(result):
    """The one line in which the log was refused."""
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    line = result.output.splitlines()[-1]
    assert line.startswith("error: ")
    return line


def test_a_whole_log_passes_and_its_head_is_printed(log):
    result = verify(log)
    assert result.exit_code == 0, result.output
    assert f"head {verify_log(log).head}" in result.output


@pytest.mark.parametrize("kept", range(5))
def test_a_log_that_was_cut_anywhere_is_refused(log, kept, tmp_path):
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:kept]))
    assert "is not whole" in refused(verify(log, "--json", tmp_path / "result.json"))
    assert json.loads((tmp_path / "result.json").read_text())["ok"] is False


def test_a_log_of_a_session_that_crashed_is_refused_though_it_was_continued(log):
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))
    AuditLog(log).close()
    assert "1 of 2 sessions ended without warning" in refused(verify(log))


def test_commands_without_their_decisions_are_refused(log):
    def change(members):
        members["data"] = {key: value for key, value in members.get("data", {}).items() if key != "decisions"}
        if members.get("event") == "decision":
            members["event"] = "frame"

    forged(log, change)
    assert verify_log(log).whole
    assert "1 commands have no decision; the first in line 3: set went to 2.0, which nobody decided" in refused(
        verify(log)
    )


def test_a_command_that_was_sent_elsewhere_than_was_decided_is_refused_though_the_chain_is_whole(log):
    def change(members):
        if members["kind"] == "before":
            members["data"]["value"] = 3.0

    forged(log, change)
    assert verify_log(log).whole
    assert "line 3: set went to 3.0, decided was 2.0" in refused(verify(log))


def test_the_head_that_was_noted_down_tells_a_log_that_was_computed_anew(log):
    head = verify_log(log).head
    assert verify(log, "--head", head).exit_code == 0
    assert verify(log, "--head", head[:12]).exit_code == 0
    forged(log, lambda members: members.update(time_s=1.0))
    assert verify(log).exit_code == 0
    assert f"not with {head[:12]} as noted" in refused(verify(log, "--head", head))


@pytest.mark.parametrize("head", ["", "abc", "x" * 64, "A" * 64])
def test_a_head_that_is_no_hash_is_named(log, head):
    assert "give the hash that the run printed" in refused(verify(log, "--head", head))


@pytest.mark.parametrize("inputs", [{"axis": [], "target": {}}, {"axis": None, "target": "far"}, 5])
def test_absurd_decisions_are_one_line(log, inputs):
    with AuditLog(log) as audit:
        audit.decision("finite", inputs, {"item": 2, "allowed": True})
    assert "differ; the first in line" in refused(verify(log))


def test_absurd_records_are_one_line(log, tmp_path):
    record = tmp_path / "record.jsonl"
    for line in ("5", '{"kind": "put"}', "[]"):
        record.write_text(line + "\n")
        assert "is no record of a practice instrument" in refused(verify(log, "--record", record))


def test_what_needs_a_log_says_so():
    for option in ("--record", "--head"):
        result = CliRunner().invoke(main.app, ["deploy", option, "abc"])
        assert f"{option} is what a log is held against; name the log too" in refused(result)
