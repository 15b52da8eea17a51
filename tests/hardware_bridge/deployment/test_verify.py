"""Verifying a log without a terminal: data comes back, and each finding is told."""

import pytest

from beamgym.hardware_bridge.deployment.events.events import Note
from beamgym.hardware_bridge.deployment.events.sinks import Recorder
from beamgym.hardware_bridge.deployment.verify import verify
from beamgym.hardware_bridge.records.audit import AuditLog

pytestmark = pytest.mark.usefixtures("silent")


@pytest.fixture
def log(tmp_path):
    """A closed log of a session that only looked."""
    path = tmp_path / "audit.jsonl"
    with AuditLog(path) as audit:
        audit.event("armed", command="arm", device="rig", value=None)
    return path


def test_a_whole_log_has_nothing_to_complain_of(log):
    sink = Recorder()
    found = verify(log, events=sink)
    assert found.complaints == ()
    assert found.as_dict()["ok"] is True
    assert found.as_dict()["head"] == found.log.head
    assert [note.text.startswith(f"{log}: ") for note in sink.of(Note)] == [True, False]


def test_a_changed_log_is_data_too_and_its_decisions_are_not_made_again(log):
    log.write_bytes(log.read_bytes().replace(b"rig", b"gir"))
    found = verify(log)
    assert "is not whole" in found.complaints[0]
    assert found.replayed is None
    assert found.as_dict()["ok"] is False


def test_another_head_than_was_noted_is_a_complaint(log):
    assert "not with" in verify(log, head="0" * 64).complaints[0]


@pytest.mark.parametrize("head", ["", "abc", "A" * 64])
def test_a_head_that_is_no_hash_is_an_error(log, head):
    with pytest.raises(ValueError, match="give the hash that the run printed"):
        verify(log, head=head)
