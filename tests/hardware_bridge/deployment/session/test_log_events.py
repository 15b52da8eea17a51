"""What a guard does is told from its log's lines: every command, every refusal, and what became of the guard."""

from types import SimpleNamespace

import pytest

from beamgym.hardware_bridge.deployment.events.events import (
    AlarmRaised,
    CommandAllowed,
    CommandDone,
    CommandRefused,
    DoseSpent,
    LogWritten,
    SignsRead,
    StateChanged,
)
from beamgym.hardware_bridge.deployment.events.sinks import Recorder
from beamgym.hardware_bridge.deployment.session.log_events import LogEvents
from beamgym.hardware_bridge.records.audit import AuditLog
from beamgym.hardware_bridge.records.audit_check import verify_log


@pytest.fixture
def told(tmp_path):
    """A recorder, and a log whose lines are reported to it, of a guard that was latched by item 7."""
    recorder = Recorder()
    guard = SimpleNamespace(latched_item=7, budget_s=30.0, shutter=SimpleNamespace(dose=SimpleNamespace(spent_s=2.5)))
    with AuditLog(tmp_path / "audit.jsonl", listener=LogEvents(recorder, lambda: guard)) as audit:
        yield recorder, audit


def test_a_command_is_allowed_and_done_under_the_number_of_its_line(told):
    recorder, audit = told
    number = audit.before("set", device="j1", value=2.0, decisions=[])
    audit.after(number, "done", readback=2.0)
    (allowed,), (done,) = recorder.of(CommandAllowed), recorder.of(CommandDone)
    assert (allowed.number, allowed.verb, allowed.device, allowed.value) == (number, "set", "j1", 2.0)
    assert (done.number, done.verb, done.device, done.outcome) == (number, "set", "j1", "done")
    assert done.readback == 2.0
    assert not recorder.of(SignsRead)
    assert not recorder.of(DoseSpent)


def test_the_signs_of_life_are_those_on_which_a_command_was_decided(told):
    recorder, audit = told
    asked = [
        ("deadman", {"silent_s": 0.5, "lapse_s": 120.0}),
        ("heartbeat", {"name": "server", "missed": 1, "allowed": 20}),
        ("suspender", {"name": "beam", "value": 200.0, "low": 10.0, "high": None}),
    ]
    audit.before("set", device="j1", value=2.0, decisions=[{"rule": rule, "inputs": inputs} for rule, inputs in asked])
    (signs,) = recorder.of(SignsRead)
    assert (signs.silent_s, signs.lapse_s) == (0.5, 120.0)
    assert (signs.heartbeats, signs.suspenders) == ((("server", 1, 20),), (("beam", 200.0, 10.0, None),))


def test_a_command_that_was_never_sent_has_no_number(told):
    recorder, audit = told
    audit.event("dry run", command="set", device="j1", value=2.0)
    (done,) = recorder.of(CommandDone)
    assert (done.number, done.outcome) == (None, "dry run")


def test_a_refusal_says_its_item_and_its_line(told):
    recorder, audit = told
    audit.event("refused", command="watch", device="instrument", value=None, item=9, line="the beam is away")
    audit.event("refused", command="arm", device="rig", value=None, error="guard item 16: no answer")
    one, other = recorder.of(CommandRefused)
    assert (one.verb, one.device, one.item, one.line) == ("watch", "instrument", 9, "the beam is away")
    assert (other.verb, other.item, other.line) == ("arm", 0, "guard item 16: no answer")


def test_the_dose_is_told_when_the_shutter_was_closed_and_when_a_frame_is_there(told):
    recorder, audit = told
    audit.after(audit.before("close", device="shutter", value=0), "done")
    audit.after(audit.before("trigger", device="detector", value=1.0), "done", spent_s=2.5)
    assert [(dose.spent_s, dose.budget_s) for dose in recorder.of(DoseSpent)] == [(2.5, 30.0)] * 2


def test_what_becomes_of_the_guard_is_a_state(told):
    recorder, audit = told
    audit.event("armed", command="arm", device="rig", value=None)
    audit.event("suspended", line="the beam is away")
    audit.event("resumed", line="the beam is away")
    audit.event("abort", reason="a heartbeat is missing")
    audit.event("abort ended", unconfirmed=["j1", "shutter"], attempts=3, seconds=9.0)
    audit.event("closed", state="latched", reason="a heartbeat is missing")
    assert [(state.state, state.reason, state.item) for state in recorder.of(StateChanged)] == [
        ("armed", "", 0),
        ("suspended", "the beam is away", 0),
        ("running", "", 0),
        ("latched", "a heartbeat is missing", 7),
        ("closed", "a heartbeat is missing", 0),
    ]
    first, second = recorder.of(AlarmRaised)
    assert (first.line, first.item) == ("a heartbeat is missing", 7)
    assert second.devices == ("j1", "shutter")


def test_an_abort_that_ended_well_raises_no_second_alarm(told):
    recorder, audit = told
    audit.event("abort ended", unconfirmed=[], attempts=1, seconds=0.1)
    assert not recorder.of(AlarmRaised)


def test_every_line_is_told_with_its_hash(told):
    recorder, audit = told
    audit.event("armed", command="arm", device="rig", value=None)
    number = audit.before("set", device="j1", value=2.0)
    audit.after(number, "done")
    lines = recorder.of(LogWritten)
    assert [line.number for line in lines] == [1, 2, 3, 4]
    assert [line.what for line in lines] == ["", "armed arm rig", "set j1", "done"]
    audit.close()
    assert recorder.of(LogWritten)[-1].sha256 == verify_log(audit.path).head


def test_a_listener_that_fails_changes_nothing_in_the_log(tmp_path):
    def listener(line, sha256):
        raise RuntimeError("broken")

    with AuditLog(tmp_path / "audit.jsonl", listener=listener) as audit:
        audit.after(audit.before("set", device="j1", value=2.0), "done")
    assert verify_log(tmp_path / "audit.jsonl").whole
