"""Every number of an instrument file has a sane range, in one table, and what lies outside does not load."""

import copy
from pathlib import Path

import pytest
import yaml

from beamgym.hardware_bridge.instrument_file.file import InstrumentFile
from beamgym.hardware_bridge.instrument_file.load import load_instrument, parse_instrument, shipped_instrument
from beamgym.hardware_bridge.instrument_file.ranges import (
    NOT_A_QUANTITY,
    RANGES,
    as_markdown,
    check_ranges,
    numeric_places,
    range_of,
)

DOCS = Path(__file__).parents[3] / "docs"


def _changed(name, path, value):
    content = copy.deepcopy(yaml.safe_load(shipped_instrument(name).read_text(encoding="utf-8")))
    here = content
    for step in path[:-1]:
        here = here[step] if isinstance(here, list) else here.setdefault(step, {})
    here[path[-1]] = value
    return content


def test_every_number_that_a_file_may_hold_is_in_the_table_once():
    places = {row.place for row in RANGES}
    assert places.isdisjoint(NOT_A_QUANTITY)
    assert places | NOT_A_QUANTITY == set(numeric_places(InstrumentFile))
    assert len({(row.place, row.axis) for row in RANGES}) == len(RANGES)
    assert all(row.low < row.high and row.give for row in RANGES)


def test_rotary_and_linear_axes_have_ranges_of_their_own():
    assert range_of("axes: max_step", "deg").high < range_of("axes: max_step", "mm").high
    assert range_of("axes: limits", "deg").high < range_of("axes: limits", "mm").high
    assert range_of("axes: speed", "s") is None


def test_the_manual_shows_the_table_as_it_is_asked():
    assert as_markdown() in (DOCS / "deploying.md").read_text(encoding="utf-8")


LAUE, ARPES, X = "laue_soft_ioc", "arpes_soft_ioc", ("axes", 0)
ABSURD = {
    "the longest move": (LAUE, (*X, "max_step"), 1e9, "axes[0] (j1): max_step is 1e+09, not within 1e-06 to 720"),
    "the longest move of a stage": (
        ARPES,
        (*X, "max_step"),
        1e9,
        "(x): max_step is 1e+09, not within 1e-06 to 2000 mm",
    ),
    "limits that are none": (LAUE, (*X, "limits"), [-1e9, 1e9], "(j1): limits is -1e+09, not within -3600 to 3600 deg"),
    "limits in micrometres": (ARPES, (*X, "limits"), [-1.0, 25000.0], "(x): limits is 25000, not within -10000"),
    "a zero elsewhere": (LAUE, (*X, "zero"), 1e5, "zero is 100000"),
    "hours of settling": (LAUE, (*X, "settle_s"), 1e9, "settle_s is 1e+09, not within 0 to 600 s"),
    "no speed": (LAUE, (*X, "speed"), 1e-9, "speed is 1e-09, not within 1e-05 to 1000 deg/s"),
    "any speed": (ARPES, (*X, "max_speed"), 1e9, "max_speed is 1e+09, not within 1e-05 to 1000 mm/s"),
    "any number of moves": (LAUE, (*X, "max_moves_per_min"), 1e9, "max_moves_per_min is 1e+09"),
    "any way": (LAUE, (*X, "overrun"), 1e9, "overrun is 1e+09, not within 0 to 720 deg"),
    "any backlash": (LAUE, (*X, "backlash"), 100.0, "backlash is 100, not within 0 to 30 deg"),
    "a wait for ever": (LAUE, (*X, "timeout_s"), 1e9, "timeout_s is 1e+09"),
    "a stall for ever": (LAUE, (*X, "stall_s"), 1e9, "stall_s is 1e+09"),
    "a stall at once": (LAUE, (*X, "stall_s"), 1e-6, "stall_s is 1e-06"),
    "a readback for ever": (LAUE, (*X, "readback_s"), 1e9, "readback_s is 1e+09, not within 0.01 to 3600 s"),
    "any cable": (LAUE, (*X, "cable_turns"), 1e9, "cable_turns is 1e+09"),
    "suspensions a minute": (
        LAUE,
        ("suspensions", "per_minute"),
        10**9,
        "suspensions: per_minute is 1e+09, not within 0",
    ),
    "suspensions a run": (LAUE, ("suspensions", "per_run"), 10**9, "suspensions: per_run is 1e+09"),
    "a suspender's bound": (LAUE, ("suspenders", 0, "low"), -1e9, "suspenders[0] (beam): low is -1e+09"),
    "an attenuator's bound": (LAUE, ("attenuator",), {"device": "current", "low": -1e30}, "attenuator: low is -1e+30"),
    "a dead-man of a millisecond": (
        LAUE,
        ("operator", "deadman_s"),
        0.001,
        "operator: deadman_s is 0.001, not within 1 to",
    ),
    "a dead-man for ever": (LAUE, ("operator", "deadman_s"), 1e9, "operator: deadman_s is 1e+09"),
    "beats for ever": (LAUE, ("heartbeats", 0, "missed"), 10**9, "heartbeats[0] (server): missed is 1e+09"),
    "a beat a year": (LAUE, ("heartbeats", 0, "period_s"), 3e7, "heartbeats[0] (server): period_s is 3e+07"),
    "an exposure of days": (
        LAUE,
        ("detector", "exposure_s"),
        [0.1, 1e6],
        "detector: exposure_s is 1e+06, not within 1e-06 to 3600 s",
    ),
    "frames of last week": (LAUE, ("detector", "max_age_s"), 1e6, "detector: max_age_s is 1e+06"),
    "a detector that never comes": (LAUE, ("detector", "timeout_s"), 1e9, "detector: timeout_s is 1e+09"),
    "a pixel that never fills": (LAUE, ("detector", "saturation"), 1e30, "detector: saturation is 1e+30"),
    "any rate": (LAUE, ("detector", "max_pixel_per_s"), 1e30, "detector: max_pixel_per_s is 1e+30"),
    "a detector on the moon": (LAUE, ("detector", "origin_mm"), [-4e5, 0, 0], "detector: origin_mm is -400000"),
    "any dose": (LAUE, ("dose", "budget_s"), 1e9, "dose: budget_s is 1e+09, not within 0.01 to 604800 s"),
    "a box nowhere": (
        LAUE,
        ("envelopes", 0, "forbidden", "j2"),
        [55, 1e9],
        "envelopes[0] (folded): forbidden: j2 is 1e+09",
    ),
    "a margin of everything": (LAUE, ("envelopes", 0, "margin"), 1e9, "envelopes[0] (folded): margin is 1e+09"),
    "no question": (LAUE, ("confirm", "larger_than"), {"j1": 1e9}, "confirm: larger_than: j1 is 1e+09"),
    "a read-out of a day": (LAUE, ("laue", "readout_s"), 1e5, "laue: readout_s is 100000"),
    "frames without end": (LAUE, ("laue", "exposures"), 10**9, "laue: exposures is 1e+09"),
    "beam time without end": (ARPES, ("arpes", "beam_time_s"), 1e9, "arpes: beam_time_s is 1e+09"),
}


@pytest.mark.parametrize("name", ABSURD)
def test_an_absurd_number_is_refused_in_one_line_with_key_value_range_and_remedy(name):
    file, path, value, said = ABSURD[name]
    with pytest.raises(ValueError, match="mine") as caught:
        parse_instrument(_changed(file, path, value), "mine.yaml")
    line = str(caught.value)
    assert said in line
    assert "; give " in line
    assert line.endswith("see 'Sensible numbers' in docs/deploying.md")
    assert "\n" not in line


def test_the_ends_of_a_range_are_within_it():
    for key, value in (("max_step", 720.0), ("settle_s", 600.0), ("speed", 1e-5), ("overrun", 0.0)):
        check_ranges(InstrumentFile.model_validate(_changed(LAUE, (*X, key), value)))
    with pytest.raises(ValueError, match="max_step is 720"):
        check_ranges(InstrumentFile.model_validate(_changed(LAUE, (*X, "max_step"), 720.001)))


def test_an_axis_keeps_more_than_the_experiment_asks_for():
    with pytest.raises(
        ValueError, match=r"axis 'j1': tolerance 0\.5 deg is more than laue: tolerance_deg 0\.25, so that"
    ):
        parse_instrument(_changed(LAUE, (*X, "tolerance"), 0.5))
    with pytest.raises(ValueError, match=r"axis 'x': tolerance 0\.6 mm is more than arpes: max_step_mm 0\.5, so that"):
        parse_instrument(_changed(ARPES, (*X, "tolerance"), 0.6))


def test_a_motors_own_limits_that_are_none_do_not_stand_in_for_the_files():
    content = _changed(LAUE, (*X, "max_speed"), 3.0)
    del content["axes"][0]["limits"]
    file = parse_instrument(content)
    assert file.physics_axes({"j1": (-3600.0, 3600.0)})[0].limits == (-3600.0, 3600.0)
    with pytest.raises(ValueError, match=r"axis 'j1': its motor's own limits, -1e\+09 to 1e\+09 deg, are so wide that"):
        file.physics_axes({"j1": (-1e9, 1e9)})
    # Its own limits in the file, the tighter ones, are enough.
    whole = load_instrument(shipped_instrument(LAUE))
    assert whole.physics_axes({"j1": (-1e9, 1e9)})[0].limits == (-90.0, 90.0)
