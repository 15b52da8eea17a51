"""An audit log held against the practice instrument's record: each way in which the two can differ is named."""

import json
from dataclasses import asdict

import pytest

from beamgym.hardware_bridge.guard.rules.table import RULES
from beamgym.hardware_bridge.practice.audit_compare import compare_with_record
from beamgym.hardware_bridge.records.audit import AuditLog
from beamgym.scripts.deploying.modes import verify_log as print_verified

COMMANDS = [
    ("set", "j1", 3.5, "j1.VAL", 3.5),
    ("set", "j2", float("nan"), "j2.VAL", float("nan")),
    ("stop", "j1", None, "j1.STOP", 1),
    ("expose", "detector", 10.0, "cam1:AcquireTime", 10.0),
    ("set", "dwell", 0.5, "cam1:AcquireTime", 0.5),
    ("open", "shutter", 1, "shutter:Open", 1),
    ("trigger", "detector", 10.0, "cam1:Acquire", 1),
    ("stop", "detector", None, "cam1:Acquire", 0),
    ("close", "shutter", 0, "shutter:Open", 0),
]


@pytest.fixture
def session(tmp_path):
    """Log and record of one session in which everything was commanded and received once: (log, record)."""
    path, now, record = tmp_path / "audit.jsonl", [100.0], []
    with AuditLog(path, clock=lambda: now[0]) as audit:
        for verb, device, value, name, put in COMMANDS:
            number = audit.before(verb, device=device, value=value, decisions=decided(verb, device, value))
            now[0] += 0.25
            record.append(received(name, put, now[0]))
            audit.after(number, "done")
    return path, record


def decided(verb, device, value):
    """What the guard decided about a command, as it is noted in its line."""
    rule, inputs = {
        "set": ("finite", {"axis": device, "target": value}),
        "trigger": ("exposure", {"exposure_s": value, "allowed_s": (0.1, 60.0)}),
    }.get(verb, ("armed", {"state": "armed", "reason": ""}))
    return [{"rule": rule, "inputs": inputs, "verdict": asdict(RULES[rule](**inputs))}]


def received(name, value, time_s, client="me@127.0.0.1:40000"):
    return {"kind": "put", "time_s": time_s, "pv": f"bgym:{name}", "value": value, "client": client}


def test_every_command_received_was_announced_once(session):
    path, record = session
    found = compare_with_record(path, record)
    assert (found.ok, found.puts) == (True, len(COMMANDS))
    assert found.summary() == "the same: 9 commands received, each announced by exactly one line"


def test_what_other_clients_command_after_the_log_is_none_of_its_matter(session):
    path, record = session
    others = [
        received("j1.VAL", 9.0, 300.0, client="me@127.0.0.1:40777"),
        received("j2.STOP", 1, 301.0, client="x@h:1"),
    ]
    found = compare_with_record(path, [*record, *others])
    assert (found.ok, found.puts, found.later) == (True, len(COMMANDS), 2)
    assert found.summary().endswith("announced by exactly one line; 2 later ones are other clients'")
    during = received("j1.VAL", 9.0, 101.0, client="me@127.0.0.1:40777")
    assert not compare_with_record(path, [*record, during]).ok


@pytest.mark.parametrize(
    "extra",
    [
        received("j1.VAL", 3.5, 200.0),
        received("j1.VAL", 3.6, 200.0),
        received("j2.STOP", 1, 200.0),
        received("j1.SPMG", 0, 200.0),
        received("cam1:ImageMode", 1, 200.0),
    ],
)
def test_a_command_that_was_received_and_never_announced_is_named(session, extra):
    path, record = session
    found = compare_with_record(path, [*record, extra])
    assert found.unlogged == (f"{extra['pv']} = {extra['value']}",)
    assert not found.ok
    assert f"first {extra['pv']}" in found.summary()


def test_a_command_that_came_before_its_line_was_not_announced(session):
    path, record = session
    late = [{**record[0], "time_s": 99.9995}, {**record[1], "time_s": 100.1}, *record[2:]]
    assert compare_with_record(path, late).unlogged == ("bgym:j2.VAL = nan",)


def test_a_command_called_done_and_never_received_is_named(session):
    path, record = session
    found = compare_with_record(path, record[1:])
    assert found.unreceived == ("line 2: set j1 3.5",)
    assert not found.ok
    assert "logged and not received" in found.summary()


def test_a_stop_that_got_through_at_last_belongs_to_the_last_that_was_tried(tmp_path):
    path = tmp_path / "audit.jsonl"
    with AuditLog(path, clock=lambda: 100.0) as audit:
        for outcome in ("failed", "failed", "done"):
            audit.after(audit.before("stop", device="j1", value=None), outcome)
    assert compare_with_record(path, [received("j1.STOP", 1, 100.1)]).ok
    twice = compare_with_record(path, [received("j1.STOP", 1, 100.1)] * 4)
    assert twice.unlogged == ("bgym:j1.STOP = 1",)


def test_puts_from_before_the_log_the_console_and_the_simulation_are_nobodys(session):
    path, record = session
    others = [
        received("j1.VAL", 1.0, 50.0),
        received("j1.VAL", 1.0, 101.0, client="console@127.0.0.1:1"),
        received("sim:fault:stall", "j1", 101.0),
        {"kind": "moving", "time_s": 101.0, "axis": "j1"},
    ]
    assert compare_with_record(path, [*others, *record]).ok


def test_a_command_without_outcome_and_a_changed_line_do_not_agree(tmp_path, session):
    path, record = session
    lines = path.read_bytes().splitlines(keepends=True)
    crashed = tmp_path / "crashed.jsonl"
    crashed.write_bytes(b"".join(lines[:2]))
    found = compare_with_record(crashed, record[:1])
    assert (found.ok, found.log.pending) == (False, [2])
    changed = tmp_path / "changed.jsonl"
    changed.write_bytes(b"".join(lines).replace(b"3.5", b"3.6"))
    assert "NOT WHOLE" in compare_with_record(changed, record).summary()


def test_a_records_file_is_read_and_what_is_none_is_one_line(tmp_path, session):
    path, record = session
    file = tmp_path / "record.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in record))
    assert compare_with_record(path, file).ok
    with pytest.raises(ValueError, match="cannot read the record"):
        compare_with_record(path, tmp_path / "none")
    file.write_text("what is this\n")
    with pytest.raises(ValueError, match="is no record of a practice instrument"):
        compare_with_record(path, file)


def test_the_command_line_holds_a_log_against_a_record(tmp_path, session, capsys):
    path, record = session
    file, result = tmp_path / "record.jsonl", tmp_path / "result.json"
    file.write_text("".join(json.dumps(event) + "\n" for event in record))
    print_verified(path, result, file)
    assert "the same: 9 commands received" in capsys.readouterr().out
    assert json.loads(result.read_text())["agreed"] is True
    file.write_text("".join(json.dumps(event) + "\n" for event in [*record, received("j9.VAL", 1.0, 200.0)]))
    with pytest.raises(ValueError, match=r"NOT THE SAME: 1 commands received and not logged") as caught:
        print_verified(path, None, file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", [5, "text", None, [], {}, {"kind": 5}, {"kind": "put"}, {"kind": "put", "pv": 1}])
def test_a_record_with_a_line_that_is_no_event_is_one_line(tmp_path, session, line):
    path, record = session
    file = tmp_path / "record.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in [*record, line]))
    with pytest.raises(ValueError, match=r"is no record of a practice instrument: line 10 is no event; check its path"):
        compare_with_record(path, file)


@pytest.mark.parametrize("value", ["far", None, [1], {"a": 1}])
def test_a_put_of_what_is_no_number_was_announced_by_nobody(session, value):
    path, record = session
    assert len(compare_with_record(path, [*record, received("j1.VAL", value, 200.0)]).unlogged) == 1


@pytest.mark.parametrize("data", [5, {}, {"device": 5}, None])
def test_a_log_of_another_program_is_one_line(tmp_path, session, data):
    path = tmp_path / "other.jsonl"
    with AuditLog(path) as audit:
        audit._write("before", command="set", data=data)
    with pytest.raises(ValueError, match="line 2 of the log announces nothing that a guard sends"):
        compare_with_record(path, [])
