"""The guard's rules are pure: numbers in, the same decision out, whoever asks."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamgym.hardware_bridge.guard.rules.axes import swept_interval, tighter
from beamgym.hardware_bridge.guard.rules.decision import ITEMS, GuardRefused, refusal
from beamgym.hardware_bridge.guard.rules.table import RULES, decide
from beamgym.hardware_bridge.records.audit_lines import decode, encode

BOX = [{"name": "beamstop", "forbidden": {"x": [2.0, 3.0], "y": [2.0, 3.0]}, "margin": 0.1}]

MEASURED = {
    "counter_before": 4, "counter": 5, "counter_required": True, "time_s": 100.2, "asked_s": 100.0, "now_s": 102.0,
    "max_age_s": 2.5, "clock_uncertain_s": 0.05, "lasts_s": 1.0, "last_time_s": 99.0,
}  # fmt: skip
FLAPS = {"last_minute": 3, "per_minute": 3, "suspensions": 30, "per_run": 30}
RATES = {"hottest_per_s": 100.0, "total_per_s": 1000.0, "max_pixel_per_s": 100.0, "max_total_per_s": 1000.0}
COUNTS = {
    "driver_before": 6, "driver": 7, "plugin_before": 6, "plugin": 7, "dropped_before": 2, "dropped": 2, "queued": 0,
}  # fmt: skip

CHAIN = [{"name": "x", "kind": "linear", "vector": [1, 0, 0], "sign": 1, "zero": 0, "point_mm": [0, 0, 0]}]
NOZZLE = [
    {"name": "analyser", "tip_mm": [10, 0, 0], "axis": [1, 0, 0], "radius_mm": 1, "half_angle_deg": 10, "margin_mm": 1,
     "holder": [[0, 0, 0, 2]]}
]  # fmt: skip

CASES: list[tuple[str, dict[str, Any], dict[str, Any], int]] = [
    ("has_limits", {"axis": "x", "file_limits": [-1, 1], "motor_limits": None}, {"file_limits": None}, 1),
    ("limits", {"axis": "x", "target": 1, "file_limits": [-1, 1], "motor_limits": None}, {"motor_limits": [0, 0.5]}, 1),
    ("limits", {"axis": "x", "target": 1, "file_limits": None, "motor_limits": [0, 2]}, {"motor_limits": None}, 1),
    ("limits", {"axis": "x", "target": 1, "file_limits": [0, 2], "motor_limits": None}, {"target": math.nan}, 1),
    ("finite", {"axis": "x", "target": 3}, {"target": math.inf}, 2),
    ("step", {"axis": "x", "target": 1, "present": 0, "max_step": 1}, {"target": 1.1}, 2),
    ("nozzle", {"swept": {"x": [0, 1]}, "chain": CHAIN, "nozzles": NOZZLE}, {"swept": {"x": [0, 9]}}, 3),
    ("readable", {"axis": "x", "position": 0}, {"position": math.nan}, 4),
    ("rate", {"axis": "x", "moves_last_minute": 2, "max_moves_per_min": 3}, {"moves_last_minute": 3}, 2),
    ("set_speed", {"axis": "x", "velocity": 2, "max_speed": 2}, {"velocity": 2.1}, 2),
    ("speed", {"axis": "x", "distance": 1, "seconds": 1, "max_speed": 1}, {"seconds": 0.5}, 2),
    ("envelope", {"swept": {"x": [0, 1.8], "y": [0, 5]}, "forbidden": BOX}, {"swept": {"x": [0, 2], "y": [0, 5]}}, 3),
    ("arrival", {"axis": "x", "start": 0, "target": 1, "readback": 1.01, "tolerance": 0.02}, {"readback": 1.03}, 4),
    ("arrival", {"axis": "x", "start": 0, "target": 1, "readback": 1.0, "tolerance": 0.02}, {"readback": math.nan}, 4),
    ("arrival", {"axis": "x", "start": 0, "target": 1, "readback": 1.0, "tolerance": 0.02}, {"readback": 0}, 4),
    ("limits", {"axis": "x", "target": 1, "file_limits": [0, 2], "motor_limits": None, "reach": [0.5, 1]},
     {"reach": [-0.1, 1]}, 1),
    ("arrival", {"axis": "x", "start": 0, "target": 1, "readback": 1.0, "tolerance": 0.02, "waited_s": 2.0},
     {"readback": 0}, 4),
    ("kept_limits", {"axis": "x", "position": 1.01, "start": 0, "file_limits": [-1, 1], "motor_limits": None,
     "tolerance": 0.02}, {"position": 1.03}, 1),
    ("kept_limits", {"axis": "x", "position": 1.5, "start": 1.5, "file_limits": [-1, 1], "motor_limits": [-2, 2],
     "tolerance": 0.02}, {"position": 1.6}, 1),
    ("on_its_way", {"axis": "x", "position": -0.1, "way": [0, 1], "margin": 0.1}, {"position": -0.2}, 4),
    ("on_its_way", {"axis": "x", "position": 1.1, "way": [0, 1], "margin": 0.1}, {"position": 1.2}, 4),
    ("progress", {"axis": "x", "still_s": 5, "allowed_s": 5}, {"still_s": 5.1}, 5),
    ("travel_time", {"axis": "x", "distance": 2, "seconds": 1, "velocity": 1}, {"seconds": 0.9}, 4),
    ("travel_time", {"axis": "x", "distance": 2, "seconds": 1, "velocity": None}, {"velocity": 0}, 4),
    ("setpoint", {"axis": "x", "setpoint": 30, "readback": 30.01, "tolerance": 0.02, "sent": None}, {"readback": 0}, 4),
    ("setpoint", {"axis": "x", "setpoint": 30, "readback": 12, "tolerance": 0.02, "sent": 30}, {"setpoint": 40}, 4),
    ("rotary", {"axis": "x", "turn": 360, "setpoint": 400}, {"setpoint": None}, 1),
    ("cable", {"axis": "x", "reach": [100, 720], "cable_turns": 2, "cable_zero": 0}, {"cable_zero": -10}, 1),
    ("cable", {"axis": "x", "reach": [-700, 0], "cable_turns": 2, "cable_zero": 0}, {"reach": [math.nan, math.nan]}, 1),
    ("unit", {"axis": "x", "unit": "deg", "said": "Degrees", "egu": None}, {"said": "mm"}, 1),
    ("unit", {"axis": "x", "unit": "deg", "said": "", "egu": ""}, {"egu": None}, 1),
    ("unit", {"axis": "x", "unit": "deg", "said": "Grad", "egu": "grad"}, {"egu": None}, 1),
    ("settings", {"axis": "x", "before": {"OFF": 0.0, "DIR": "Pos"}, "now": {"OFF": 0.0}}, {"now": {"DIR": "Neg"}}, 17),
    ("settings", {"axis": "x", "before": {"VELO": 2.0}, "now": {"VELO": 1.0}}, {"now": {"VELO": 2.1}}, 17),
    ("unfinished", {"axes": []}, {"axes": ["x"]}, 4),
    ("alarm", {"axis": "x", "text": ""}, {"text": "high limit switch"}, 4),
    ("in_time", {"what": "the move", "limit_s": 3, "done": True}, {"done": False}, 5),
    (
        "fresh",
        {"counter_before": 4, "counter": 5, "counter_required": True, "time_s": 100.5, "asked_s": 100, "now_s": 101,
         "max_age_s": 2},
        {"counter": 4},
        6,
    ),
    (
        "fresh",
        {"counter_before": None, "counter": None, "counter_required": False, "time_s": 99, "asked_s": 100,
         "now_s": 101, "max_age_s": 2},
        {"time_s": 97.9},
        6,
    ),
    (
        "fresh",
        {"counter_before": 4, "counter": 5, "counter_required": True, "time_s": None, "asked_s": 100, "now_s": 101,
         "max_age_s": 2},
        {"counter": None},
        6,
    ),
    (
        "fresh",
        {"counter_before": None, "counter": 5, "counter_required": True, "time_s": 100, "asked_s": 100, "now_s": 101,
         "max_age_s": 2},
        {"time_s": None},
        6,
    ),
    (
        "fresh",
        {"counter_before": 1, "counter": 5, "counter_required": True, "time_s": 100, "asked_s": 100, "now_s": 101,
         "max_age_s": 2},
        {"time_s": 104},
        6,
    ),
    ("frame_form", {"shape": [2, 3], "expected": [2, 3], "kind": "u"}, {"shape": [3, 2]}, 6),
    ("frame_form", {"shape": [2, 3], "expected": [2, 3], "kind": "f"}, {"kind": "O"}, 20),
    *(("fresh", MEASURED, change, 6) for change in (
        {"time_s": 99.9}, {"time_s": 103.1}, {"counter": 4}, {"last_time_s": 100.5}, {"now_s": 104.0},
        {"stamped_at": "end"}, {"clock_offset_s": 0.6}, {"time_s": math.nan}, {"clock_uncertain_s": math.nan},
    )),
    *(("counted", COUNTS, change, 6) for change in (
        {"driver": 8}, {"driver": 6}, {"plugin": 6, "plugin_before": 5}, {"plugin": 8}, {"dropped": 3}, {"queued": 1},
    )),
    ("counted", COUNTS | {"plugin_before": 1000, "plugin": 1001}, {"plugin": 1002}, 6),
    ("counted", dict.fromkeys(COUNTS), {"queued": 2}, 6),
    ("counted", COUNTS | {"plugin_before": None, "plugin": None}, {"driver": 9}, 6),
    ("modes_kept", {"modes": {"a": "1"}, "modes_before": {"a": "1"}}, {"modes": {"a": "2"}}, 6),
    ("modes_kept", {"modes": {"a": "1"}, "modes_before": {}}, {"modes_before": {"a": "0"}}, 6),
    ("attenuated", {"value": 0.02, "low": None, "high": 0.1}, {"value": 1.0}, 10),
    ("attenuated", {"value": 3, "low": 2, "high": None}, {"value": 1}, 10),
    ("attenuated", {"value": 3, "low": None, "high": 4}, {"value": math.nan}, 10),
    ("count_rate", RATES, {"hottest_per_s": 101.0}, 10),
    ("count_rate", RATES, {"total_per_s": 1001.0}, 10),
    ("count_rate", RATES | {"max_total_per_s": None}, {"hottest_per_s": math.nan}, 10),
    ("count_rate", RATES | {"max_pixel_per_s": None, "hottest_per_s": 1e9}, {"max_pixel_per_s": 1e8}, 10),
    ("exposed", {"planned_s": 1.0, "exposed_s": 1.01}, {"exposed_s": 20.0}, 10),
    ("exposed", {"planned_s": 1.0, "exposed_s": None}, {"exposed_s": 0.9}, 10),
    ("exposed", {"planned_s": 1.0, "exposed_s": 1.0}, {"exposed_s": math.nan}, 10),
    ("not_repeated", {"digest": "ab", "last_digest": "cd", "earlier_digests": ["ef"]}, {"digest": "ef"}, 6),
    ("not_repeated", {"digest": "ab", "last_digest": "cd", "alike_share": 0.4}, {"alike_share": 0.95}, 6),
    ("not_repeated", {"digest": "ab", "last_digest": "ab", "blank": True}, {"blank": False}, 6),
    ("not_repeated", {"digest": "ab", "last_digest": "cd"}, {"last_digest": "ab"}, 6),
    ("saturation", {"share": 0.01, "max_share": 0.01}, {"share": 0.02}, 6),
    ("saturation", {"share": 0.01, "max_share": 0.01}, {"share": math.nan}, 6),
    ("heartbeat", {"name": "s", "missed": 2, "allowed": 3}, {"missed": 3}, 7),
    ("one_server", {"servers": {"a": ["h:1"], "b": []}}, {"servers": {"a": ["h:1"], "b": ["h:1", "g:1"]}}, 19),
    ("deadman", {"silent_s": 1, "lapse_s": 1}, {"silent_s": 1.1}, 8),
    ("deadman", {"silent_s": 1, "lapse_s": 1}, {"silent_s": math.inf}, 8),
    ("suspender", {"name": "b", "value": 10, "low": 10, "high": None}, {"value": 9}, 9),
    ("suspender", {"name": "b", "value": 10, "low": None, "high": 10}, {"value": None}, 9),
    ("suspender", {"name": "b", "value": 10, "low": None, "high": 10}, {"value": math.nan}, 9),
    ("flapping", FLAPS, {"last_minute": 4}, 9),
    ("flapping", FLAPS, {"suspensions": 31}, 9),
    ("exposure", {"exposure_s": 1, "allowed_s": [0.1, 1]}, {"exposure_s": 1.1}, 10),
    ("dose", {"spent_s": 1, "exposure_s": 1, "budget_s": 2}, {"spent_s": 1.1}, 10),
    ("dose", {"spent_s": 1, "exposure_s": 1, "budget_s": None}, {"budget_s": 1}, 10),
    ("shutter", {"position": "closed", "asked": "closed"}, {"position": "unknown"}, 10),
    ("shutter_command", {"value": 0, "exposing": False}, {"value": 1}, 10),
    ("armed", {"state": "armed", "reason": ""}, {"state": "latched"}, 11),
    ("armed", {"state": "armed", "reason": ""}, {"state": "new"}, 11),
    ("known_position", {"axis": "x", "position": 0, "known": True}, {"position": math.nan}, 11),
    ("known_position", {"axis": "x", "position": 0, "known": True}, {"known": False}, 11),
    ("confirmed", {"question": "go?", "answer": True}, {"answer": False}, 13),
    ("homed", {"axis": "x", "home_required": True, "home_done": True}, {"home_done": None}, 16),
    ("homed", {"axis": "x", "home_required": False, "home_done": False}, {"home_required": True}, 16),
    ("connection", {"what": "x", "lost": False}, {"lost": True}, 16),
    (
        "undisturbed",
        {"axis": "x", "expected": 1, "readback": 1.01, "tolerance": 0.02, "moving": False},
        {"readback": 1.03},
        17,
    ),
    (
        "undisturbed",
        {"axis": "x", "expected": 1, "readback": 1, "tolerance": 0.02, "moving": False},
        {"moving": True},
        17,
    ),
    ("content", {"spots": 3, "blank": False, "saturated_share": 0.5, "longer": False}, {"saturated_share": 0.51}, 18),
    ("content", {"spots": 0, "blank": False, "saturated_share": 0.0, "longer": False}, {"longer": True}, 18),
    ("same_sample", {"change_deg": 0.7, "allowed_deg": 2.0}, {"change_deg": 2.1}, 18),
    ("same_sample", {"change_deg": None, "allowed_deg": 2.0}, {"change_deg": math.nan}, 18),
    ("content", {"spots": None, "blank": False, "saturated_share": 0, "longer": True}, {"blank": True}, 18),
    ("content", {"spots": 12, "blank": False, "saturated_share": 0, "longer": True, "present": True, "poor_before": 2},
     {"present": False}, 18),
    ("content", {"spots": 12, "blank": False, "saturated_share": 0, "longer": True, "present": False, "poor_before": 1},
     {"poor_before": 2}, 18),
    ("content", {"spots": 12, "blank": False, "saturated_share": 0, "longer": False, "present": False,
     "poor_before": 2}, {"longer": True}, 18),
    ("identity", {"simulation": True, "expected": "sim", "found": "sim"}, {"found": None}, 19),
    ("identity", {"simulation": True, "expected": "sim", "found": "sim"}, {"found": "ID07"}, 19),
    ("identity", {"simulation": False, "expected": None, "found": None}, {"found": "beamgym-simulation"}, 19),
    ("identity", {"simulation": False, "expected": "ID07", "found": "ID07"}, {"found": "ID08"}, 19),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "good", "change", "item"), CASES)
def test_a_rule_allows_the_good_case_and_refuses_the_changed_one_in_one_line(rule, good, change, item):
    assert decide(rule, good).allowed
    decision = decide(rule, {**good, **change})
    assert not decision.allowed
    assert decision.item == item
    assert decision.line
    assert "\n" not in decision.line


def test_every_rule_has_a_case():
    assert {rule for rule, *_ in CASES} == set(RULES)


def test_every_item_that_is_a_rule_has_one_and_the_others_are_ways_of_doing():
    # 12 dry run, 14 audit log and 15 replay are not decisions about numbers.
    assert ITEMS - {decide(rule, {**good, **change}).item for rule, good, change, _ in CASES} == {12, 14, 15}


@pytest.mark.parametrize(("rule", "good", "change", "item"), CASES)
def test_inputs_survive_the_log_and_bring_the_same_decision(rule, good, change, item):
    inputs = {**good, **change}
    assert decide(rule, decode(json.loads(json.dumps(encode(inputs))))) == decide(rule, inputs)


def test_an_unknown_rule_and_wrong_inputs_are_told_in_one_line():
    with pytest.raises(ValueError, match="unknown rule 'arival'"):
        decide("arival", {})
    with pytest.raises(ValueError, match="rule 'finite' cannot be given"):
        decide("finite", {"axis": "x", "position": 1.0})


def test_the_tighter_limits_hold_whichever_side_they_come_from():
    assert tighter([-1, 5], [-3, 2]) == (-1, 2)
    assert tighter(None, [-3, 2]) == (-3, 2)
    assert tighter(None, None) is None


def test_a_swept_interval_is_wider_than_the_way_by_backlash_and_tolerance_on_both_sides():
    assert swept_interval(1.0, 3.0, 0.5, 0.1) == pytest.approx((0.4, 3.6))
    assert swept_interval(3.0, 1.0, 0.5, 0.1) == pytest.approx((0.4, 3.6))


def test_an_axis_whose_position_is_not_known_is_anywhere_for_the_envelope():
    assert not decide("envelope", {"swept": {"x": [math.nan, math.nan], "y": [2, 2]}, "forbidden": BOX}).allowed


def test_an_axis_that_a_box_does_not_name_does_not_matter_to_it():
    wall = [{"name": "wall", "forbidden": {"x": [2.0, 3.0]}, "margin": 0.0}]
    assert not decide("envelope", {"swept": {"x": [1, 2], "y": [-99, 99]}, "forbidden": wall}).allowed
    assert decide("envelope", {"swept": {"x": [1, 1.9], "y": [-99, 99]}, "forbidden": wall}).allowed


unit = st.floats(-10.0, 10.0)


@given(
    start=st.tuples(unit, unit), end=st.tuples(unit, unit), times=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)))
)
def test_an_allowed_box_holds_every_way_there_whatever_each_axis_does_when(start, end, times):
    swept = {name: swept_interval(a, b, 0.2, 0.05) for name, a, b in zip("xy", start, end, strict=True)}
    if not decide("envelope", {"swept": swept, "forbidden": BOX}).allowed:
        return
    for shares in times:
        x, y = (a + share * (b - a) for a, b, share in zip(start, end, shares, strict=True))
        assert not (2.0 <= x <= 3.0 and 2.0 <= y <= 3.0)


@given(first=st.floats(), second=st.floats(), tolerance=st.floats(0.0, 10.0))
def test_whatever_is_not_finite_has_not_arrived(first, second, tolerance):
    decision = decide("arrival", {"axis": "x", "start": 0, "target": first, "readback": second, "tolerance": tolerance})
    if decision.allowed:
        assert math.isfinite(second)
        assert abs(second - first) <= tolerance


def test_the_refusal_behind_an_error_is_found_also_where_errors_stand_in_a_circle():
    behind = GuardRefused(4, "it did not arrive")
    outer, inner = RuntimeError("outer"), RuntimeError("inner")
    outer.__cause__, inner.__cause__ = inner, outer
    assert refusal(outer) is None
    inner.__cause__ = behind
    assert refusal(outer) is behind
