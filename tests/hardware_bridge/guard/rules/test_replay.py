"""A log's decisions come out the same when its readings are decided on again, and a changed one does not."""

import math
from dataclasses import asdict

import pytest

from beamgym.hardware_bridge.guard.rules.decision import Decision
from beamgym.hardware_bridge.guard.rules.replay import replay
from beamgym.hardware_bridge.guard.rules.table import RULES, decide
from beamgym.hardware_bridge.records.audit import AuditLog

CASES = [
    ("finite", {"axis": "j1", "target": 2.0}),
    ("finite", {"axis": "j1", "target": math.nan}),
    ("limits", {"axis": "j1", "target": 5.0, "file_limits": (-10.0, 10.0), "motor_limits": None}),
    ("limits", {"axis": "j1", "target": 11.0, "file_limits": (-10.0, 10.0), "motor_limits": (-20.0, 20.0)}),
    ("limits", {"axis": "j1", "target": 5.0, "file_limits": (-math.inf, 0.1 + 0.2), "motor_limits": None}),
    ("step", {"axis": "j1", "target": 5.0, "present": math.nan, "max_step": 1.0}),
    ("suspender", {"name": "beam", "value": 3.0, "low": 10.0, "high": None}),
    ("identity", {"simulation": True, "expected": "beamgym-simulation", "found": None}),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "session.jsonl"


def _noted(rule, inputs):
    decision = RULES[rule](**inputs)
    return {"rule": rule, "inputs": inputs, "verdict": asdict(decision)}


def test_recorded_decisions_come_out_the_same_wherever_they_stand_in_the_log(path):
    noted = [_noted(rule, inputs) for rule, inputs in CASES]
    with AuditLog(path) as log:
        number = log.before("arm", device="rig", decisions=noted[:3])
        log.after(number, "done", decisions=noted[3:5])
        log.event("refused", command="set", decisions=noted[5:7])
        log.decision(noted[7]["rule"], noted[7]["inputs"], noted[7]["verdict"])
        log.event("armed")
    report = replay(path)
    assert report.same
    assert report.decisions == len(CASES)
    assert report.summary() == f"all {len(CASES)} decisions come out the same"


@pytest.mark.parametrize("case", range(len(CASES)))
def test_a_decision_that_was_the_other_way_is_found_at_its_line(path, case):
    entry = _noted(*CASES[case])
    entry["verdict"]["allowed"] = not entry["verdict"]["allowed"]
    with AuditLog(path) as log:
        log.event("frame")
        log.event("refused", command="set", decisions=[entry])
    report = replay(path)
    assert not report.same
    assert [(item.line, item.rule) for item in report.differences] == [(3, entry["rule"])]
    assert f"1 of 1 decisions differ; the first in line 3: {entry['rule']} said" in report.summary()


def test_a_rule_that_decides_by_anything_but_its_inputs_is_found(path):
    answers = iter([True, False])

    def forgetful(rule, inputs):
        return Decision(2, next(answers))

    with AuditLog(path) as log:
        log.decision("finite", {"axis": "j1"}, forgetful("finite", {}))
    assert not replay(path, forgetful).same


def test_a_rule_that_is_gone_or_takes_other_inputs_is_a_difference_in_words(path):
    with AuditLog(path) as log:
        log.decision("lucky", {"axis": "j1"}, Decision(1, True))
        log.decision("finite", {"achsis": "j1"}, Decision(2, True))
    report = replay(path)
    assert len(report.differences) == 2
    assert "unknown rule 'lucky'" in str(report.differences[0])
    assert "cannot be given ['achsis']" in str(report.differences[1])


def _sent(path, verb, value, decided, arrived=None):
    """Write a log of one command, and of what was decided before and after it."""
    key, rule = ("target", "finite") if verb == "set" else ("exposure_s", "exposure")
    more = {"axis": "j1"} if verb == "set" else {"allowed_s": (0.1, 60.0)}
    with AuditLog(path) as log:
        entries = [] if decided is None else [_noted(rule, {key: decided, **more})]
        number = log.before(verb, device="j1", value=value, decisions=entries)
        moved = {"axis": "j1", "start": 0.0, "target": arrived, "readback": arrived, "tolerance": 0.1}
        log.after(number, "done", decisions=[] if arrived is None else [_noted("arrival", moved)])
    return replay(path)


@pytest.mark.parametrize(("verb", "arrived"), [("set", None), ("set", 5.0), ("trigger", None)])
def test_a_command_that_went_where_it_was_decided_to_go_is_the_same(path, verb, arrived):
    assert _sent(path, verb, 5, 5.0, arrived).same


@pytest.mark.parametrize(
    ("verb", "decided", "arrived", "line"),
    [("set", 4.0, None, 2), ("set", 5.0, 4.0, 3), ("trigger", 10.0, None, 2), ("set", None, None, 2)],
)
def test_a_command_that_went_elsewhere_than_was_decided_is_found(path, verb, decided, arrived, line):
    report = _sent(path, verb, 5.0, decided, arrived)
    assert [(found.line, found.rule) for found in report.differences] == [(line, verb)]
    why = "which nobody decided" if decided is None else f"decided was {arrived or decided}"
    assert f"; the first in line {line}: {verb} went to 5.0, {why}" in report.summary()


@pytest.mark.parametrize(
    "inputs",
    [
        {"axis": "j1", "target": "far"},
        {"axis": "j1", "target": None},
        {"axis": "j1", "target": {"a": [1]}},
        [],
        None,
        "limits",
    ],
)
@pytest.mark.parametrize("rule", sorted(RULES))
def test_absurd_inputs_are_a_difference_and_no_error(path, rule, inputs):
    given = inputs if not isinstance(inputs, dict) else dict.fromkeys(RULES[rule].__annotations__, inputs["target"])
    with AuditLog(path) as log:
        log.event("refused", decisions=[{"rule": rule, "inputs": given, "verdict": {"allowed": "perhaps"}}])
        log.event("refused", decisions=[{"rule": rule, "inputs": given}, {"rule": rule, "inputs": given, "verdict": 5}])
    report = replay(path)
    assert len(report.differences) == report.decisions == 3
    assert "\n" not in report.summary()


def test_a_log_without_decisions_proves_nothing(path):
    with AuditLog(path) as log:
        log.event("armed")
    assert not replay(path).same
    assert replay(path).summary() == "nothing to replay: the log holds no decisions"


def test_a_changed_log_is_not_replayed(path):
    with AuditLog(path) as log:
        log.decision("finite", {"axis": "j1", "target": 2.0}, decide("finite", {"axis": "j1", "target": 2.0}))
    path.write_bytes(path.read_bytes().replace(b'"target":2.0', b'"target":3.0'))
    with pytest.raises(ValueError, match="line 2 was changed"):
        replay(path)
    with pytest.raises(ValueError, match="cannot read the audit log"):
        replay(path.with_name("absent.jsonl"))


@pytest.mark.parametrize("members", [{"command": []}, {"command": {"set": 1}}, {"command": None}, {}])
def test_absurd_commands_are_no_error(path, members):
    with AuditLog(path) as log:
        log._write("before", data=5, **members)
    assert replay(path).differences == ()


def test_a_set_without_data_was_decided_by_nobody(path):
    with AuditLog(path) as log:
        log._write("before", command="set", data=5)
    assert "set went to None, which nobody decided" in replay(path).summary()
