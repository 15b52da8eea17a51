"""The emulated hardware by a clock that the test turns: motion, faults, light, and what lives on in the state file."""

import math
from pathlib import Path

import numpy as np
import pytest

from beamgym.hardware_bridge.practice.simulated.faults import AXIS_FAULTS, FAULTS, ONCE_FAULTS, PLAIN_FAULTS
from beamgym.hardware_bridge.practice.simulated.hardware import EmulatedHardware
from beamgym.hardware_bridge.practice.simulated.state import StateFile
from beamgym.hardware_bridge.practice.simulated.truth import TruthRecord, read_records

START = 1_000_000.0


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(paper_sample, tmp_path, clock):
    """Make the hardware; made a second time it is the same hardware after the death of its server."""

    def make_hardware(speed=1.0):
        record, state = TruthRecord(tmp_path / "record.jsonl"), StateFile(tmp_path / "state.json")
        return EmulatedHardware(type(paper_sample)(), record, state, speed=speed, clock=clock)

    return make_hardware


@pytest.fixture
def records(tmp_path):
    return lambda kind: [record for record in read_records(tmp_path / "record.jsonl") if record["kind"] == kind]


def later(hardware, clock, seconds):
    clock.now += seconds
    hardware.advance()


def run(hardware, name, target, clock):
    """Move and wait until everything is at rest, or for ten minutes."""
    hardware.move(name, target)
    later(hardware, clock, 600.0)
    return hardware.motors[name]


def test_a_motor_in_flight_is_where_time_and_speed_put_it(make, clock):
    hardware = make()
    hardware.move("phi", 10.0)
    clock.now += 1.5
    assert hardware.readback("phi") == pytest.approx(3.0)
    assert hardware.motors["phi"].motion is not None


def test_it_arrives_at_the_very_target_when_the_way_is_done(make, clock, records):
    hardware = make()
    hardware.move("phi", 10.1)
    later(hardware, clock, 60.0)
    assert hardware.motors["phi"].motion is None
    assert hardware.readback("phi") == 10.1
    (arrived,) = records("arrived")
    assert arrived["time_s"] == pytest.approx(START + 10.1 / 2.0)


def test_the_speed_factor_shortens_moves_and_exposures(make, clock, records):
    hardware = make(speed=100.0)
    hardware.move("phi", 20.0)
    later(hardware, clock, 0.1)
    assert hardware.motors["phi"].motion is None
    hardware.command_shutter(True)
    hardware.expose()
    later(hardware, clock, 0.12)
    assert hardware.counter == 1


def test_a_target_is_rounded_to_the_motors_step(make, clock):
    assert run(make(), "x", 1.2345, clock).position == pytest.approx(1.23)


def test_a_motor_that_is_stopped_stays_where_it_was(make, clock):
    hardware = make()
    hardware.move("phi", 10.0)
    clock.now += 2.0
    hardware.stop("phi")
    later(hardware, clock, 60.0)
    assert hardware.motors["phi"].position == pytest.approx(4.0)
    assert hardware.motors["phi"].motion is None


def test_a_new_target_on_the_way_turns_the_motor_round_from_there(make, clock):
    hardware = make()
    hardware.move("phi", 10.0)
    clock.now += 2.0
    hardware.move("phi", 0.0)
    clock.now += 1.0
    assert hardware.readback("phi") == pytest.approx(2.0)
    assert hardware.sample.history == [[0, pytest.approx(4.0)]]


@pytest.mark.parametrize("target", [181.0, math.nan, math.inf])
def test_a_target_outside_the_limits_is_refused_and_a_motion_goes_on(make, clock, records, target):
    hardware = make()
    hardware.move("phi", 10.0)
    clock.now += 1.0
    assert not hardware.move("phi", target)
    later(hardware, clock, 60.0)
    assert hardware.motors["phi"].position == 10.0
    assert len(records("refused")) == 1


def test_without_soft_limits_the_limit_switch_ends_the_way(make, clock):
    hardware = make()
    hardware.motors["x"].low = hardware.motors["x"].high = 0.0
    motor = run(hardware, "x", 7.0, clock)
    assert (motor.position, motor.switch) == (5.0, 1)


def test_the_backlash_correction_overshoots_and_comes_back(make, clock):
    hardware = make()
    hardware.motors["phi"].backlash_distance = 1.0
    motor = run(hardware, "phi", -10.0, clock)
    assert motor.position == -10.0
    assert hardware.sample.history == [[0, -11.0], [0, -10.0]]


def test_the_overshoot_of_the_backlash_correction_must_be_within_the_limits_too(make):
    hardware = make()
    hardware.motors["phi"].backlash_distance = 1.0
    assert not hardware.move("phi", -179.5)
    assert hardware.motors["phi"].violated


def test_a_move_goes_on_while_the_server_is_dead(make, clock, records):
    make().move("phi", 20.0)
    clock.now += 3.0
    revived = make()
    assert revived.readback("phi") == pytest.approx(6.0)
    clock.now += 100.0
    assert make().motors["phi"].position == 20.0
    assert records("arrived")[0]["time_s"] == pytest.approx(START + 10.0)


def test_a_shutter_left_open_stays_open_and_the_dose_counts_on(make, clock):
    make().command_shutter(True)
    clock.now += 30.0
    revived = make()
    assert revived.beam_state.opened
    assert revived.dose_s() == pytest.approx(30.0)


def test_an_exposure_under_way_is_lost_with_the_server(make, clock, records):
    hardware = make(speed=10.0)
    hardware.command_shutter(True)
    hardware.expose()
    clock.now += 0.5
    revived = make(speed=10.0)
    assert revived.exposure is None
    assert records("restarted")[0]["exposure_lost"]
    assert revived.dose_s() == pytest.approx(5.0)


def test_faults_limits_and_counters_live_on(make, clock):
    hardware = make()
    hardware.set_fault("stall", "phi")
    hardware.motors["x"].high = 3.0
    hardware.command_shutter(True)
    hardware.expose()
    later(hardware, clock, 20.0)
    revived = make()
    assert revived.has_fault("stall", "phi")
    assert revived.motors["x"].high == 3.0
    assert revived.counter == 1
    assert revived.sample.history == [["expose", 10.0]]


def test_the_state_of_another_instrument_is_refused(make, paper_sample, tmp_path):
    make()
    paper_sample.axes = paper_sample.axes[:1]
    paper_sample.home = paper_sample.home[:1]
    with pytest.raises(ValueError, match="axes phi, x; this one is laue with phi"):
        EmulatedHardware(paper_sample, TruthRecord(None), StateFile(tmp_path / "state.json"))


def test_a_file_that_is_no_state_is_refused(tmp_path):
    (tmp_path / "state.json").write_text("[1, 2")
    with pytest.raises(ValueError, match="no state file"):
        StateFile(tmp_path / "state.json").load()


def test_a_speed_that_is_none_is_refused(make):
    with pytest.raises(ValueError, match="speed is 0"):
        make(speed=0.0)


WHAT_AXIS_FAULTS_DO = {
    "stall": {"position": 0.0, "moving": True},
    "nan_readback": {"position": 10.0, "readback": math.nan},
    "frozen_readback": {"position": 10.0, "readback": 0.0},
    "overshoot": {"position": 10.5},
    "limit_switch": {"position": 5.0, "switch": 1},
    "ignored_put": {"position": 0.0},
    "alarm": {"position": 10.0},
    "unhomed": {"position": 10.0, "homed": False},
    "runaway": {"position": 180.0, "switch": 1},
    "wrong_way": {"position": -180.0, "switch": -1},
    "modulo_readback": {"position": 10.0},
    "fake_arrival": {"position": 0.0, "readback": 10.0},
    "jumping_readback": {"position": 10.0},
    "slow_readback": {"position": 10.0},
    "early_done": {"position": 10.0},
    "deaf_motor": {"position": 10.0},
}


@pytest.mark.parametrize("fault", AXIS_FAULTS)
def test_every_fault_of_an_axis_does_what_it_says_to_that_axis_only(make, clock, fault):
    hardware = make()
    hardware.set_fault(fault, "phi")
    motor = run(hardware, "phi", 10.0, clock)
    expected = {"moving": False, "switch": 0, "homed": True, **WHAT_AXIS_FAULTS_DO[fault]}
    found = {
        "position": motor.place(clock.now),
        "moving": motor.motion is not None,
        "switch": motor.switch,
        "homed": motor.homed,
    }
    readback = expected.pop("readback", expected["position"])
    assert found == expected
    assert hardware.readback("phi") == pytest.approx(readback, nan_ok=True)
    assert run(hardware, "x", 1.0, clock).position == 1.0


def test_readbacks_that_lie_while_the_motor_is_under_way(make, clock):
    hardware = make()
    hardware.set_fault("slow_readback", "phi")
    hardware.set_fault("jumping_readback", "x")
    hardware.move("phi", 10.0)
    hardware.move("x", 5.0)
    later(hardware, clock, 2.0)
    assert (hardware.motors["phi"].place(clock.now), hardware.readback("phi")) == (4.0, 2.0)
    assert (hardware.motors["x"].place(clock.now) < 5.0, hardware.readback("x")) == (True, 5.0)
    hardware.stop("phi")
    later(hardware, clock, 0.5)
    assert (hardware.motors["phi"].position, hardware.readback("phi")) == (4.0, 3.0)
    later(hardware, clock, 1.0)
    assert hardware.readback("phi") == 4.0


def test_a_modulo_readback_begins_anew_each_turn_and_the_motor_counts_on(make, clock):
    hardware = make()
    hardware.set_fault("modulo_readback", "phi")
    assert run(hardware, "phi", -10.0, clock).position == -10.0
    assert hardware.readback("phi") == 350.0


def test_a_deaf_motor_goes_on_to_its_target(make, clock):
    hardware = make()
    hardware.set_fault("deaf_motor", "phi")
    hardware.move("phi", 10.0)
    later(hardware, clock, 1.0)
    hardware.stop("phi")
    later(hardware, clock, 60.0)
    assert hardware.motors["phi"].position == 10.0


@pytest.mark.parametrize("fault", AXIS_FAULTS)
def test_a_fault_that_is_cleared_is_gone(make, clock, fault):
    hardware = make()
    hardware.set_fault(fault, "1")
    hardware.clear_faults()
    if fault == "unhomed":
        hardware.find_home("phi")
        later(hardware, clock, 60.0)
    motor = run(hardware, "phi", 10.0, clock)
    assert (motor.position, motor.motion, motor.switch, motor.homed) == (10.0, None, 0, True)
    assert hardware.readback("phi") == 10.0


def test_a_motor_stalled_on_its_way_stands_and_goes_on_when_it_is_freed(make, clock):
    hardware = make()
    hardware.move("phi", 10.0)
    clock.now += 2.0
    hardware.set_fault("stall", "phi")
    later(hardware, clock, 100.0)
    assert hardware.readback("phi") == pytest.approx(4.0)
    hardware.set_fault("stall", "")
    later(hardware, clock, 3.0)
    assert hardware.motors["phi"].position == 10.0


def test_a_stalled_motor_can_be_stopped(make, clock):
    hardware = make()
    hardware.set_fault("stall", "phi")
    hardware.move("phi", 10.0)
    later(hardware, clock, 100.0)
    hardware.stop("phi")
    assert (hardware.motors["phi"].motion, hardware.motors["phi"].position) == (None, 0.0)


def test_an_axis_that_has_lost_its_zero_finds_it_by_homing_and_not_by_stopping_on_the_way(make, clock):
    hardware = make()
    run(hardware, "phi", 10.0, clock)
    hardware.set_fault("unhomed", "phi")
    hardware.find_home("phi")
    clock.now += 1.0
    hardware.stop("phi")
    assert not hardware.motors["phi"].homed
    hardware.find_home("phi")
    later(hardware, clock, 60.0)
    assert hardware.motors["phi"].homed


def test_another_client_moves_and_stops_an_axis(make, clock, records):
    hardware = make()
    hardware.set_fault("foreign_move", "phi=10")
    clock.now += 2.0
    hardware.set_fault("foreign_stop", "phi")
    assert hardware.motors["phi"].position == pytest.approx(4.0)
    hardware.set_fault("foreign_move", "x")
    later(hardware, clock, 60.0)
    assert hardware.motors["x"].position == pytest.approx(0.1)
    assert {record["source"] for record in records("moving") + records("stopped")} == {"foreign"}
    assert not any(hardware.faults.get(name) for name in ONCE_FAULTS)


def exposed(hardware, clock):
    hardware.expose()
    later(hardware, clock, 12.0)
    return hardware.frame


def test_frames_are_counted_and_stamped_with_the_end_of_the_exposure(make, clock):
    hardware = make()
    hardware.command_shutter(True)
    first, second = exposed(hardware, clock), exposed(hardware, clock)
    assert (first.counter, second.counter) == (1, 2)
    assert second.time_s == START + 24.0
    assert (first.image != second.image).all()


def test_a_series_of_frames_ends_by_itself(make, clock):
    hardware = make()
    hardware.expose(3)
    later(hardware, clock, 100.0)
    assert (hardware.counter, hardware.exposure) == (3, None)


def test_a_frame_without_beam_or_behind_a_closed_shutter_is_dark_and_costs_no_dose(make, clock):
    hardware = make()
    assert not exposed(hardware, clock).image.any()
    hardware.command_shutter(True)
    hardware.set_fault("beam_loss", "1")
    assert not exposed(hardware, clock).image.any()
    assert hardware.dose_s() == 0.0
    assert hardware.sample.history == []


def test_the_dose_is_the_time_of_the_open_shutter_and_exposures_count_in_full(make, clock):
    hardware = make(speed=100.0)
    hardware.command_shutter(True)
    later(hardware, clock, 1.0)
    hardware.expose()
    later(hardware, clock, 0.12)
    assert hardware.dose_s() == pytest.approx(1.0 + 12.0)
    hardware.command_shutter(False)
    later(hardware, clock, 50.0)
    assert hardware.dose_s() == pytest.approx(13.0)


def test_a_stuck_shutter_stays_as_it_is(make):
    hardware = make()
    hardware.command_shutter(True)
    hardware.set_fault("stuck_shutter", "1")
    hardware.command_shutter(False)
    assert (hardware.beam_state.commanded, hardware.beam_state.opened) == (False, True)


def test_a_hung_camera_never_ends_until_it_is_aborted(make, clock):
    hardware = make()
    hardware.set_fault("hung_camera", "1")
    hardware.expose()
    later(hardware, clock, 1e6)
    assert hardware.exposure is not None
    hardware.abort_exposure()
    assert (hardware.exposure, hardware.counter) == (None, 0)


def test_a_deaf_camera_exposes_on_and_is_heard_again_when_it_listens(make, clock, records):
    hardware = make()
    for fault in ("hung_camera", "deaf_camera"):
        hardware.set_fault(fault, "1")
    hardware.expose()
    hardware.abort_exposure()
    assert (hardware.exposure is None, records("exposure_aborted")) == (False, [])
    hardware.set_fault("deaf_camera", "")
    hardware.abort_exposure()
    assert hardware.exposure is None
    hardware.set_fault("deaf_camera", "1")
    hardware.expose()
    hardware.reset(1)
    assert hardware.exposure is None


def test_spoilt_frames_are_spoilt_as_they_say(make, clock):
    hardware = make()
    hardware.command_shutter(True)
    good = exposed(hardware, clock)
    spoilt = {}
    for fault in ("repeated_frame", "stale_frame", "saturated_frame", "blank_frame", "wrong_shape"):
        hardware.clear_faults()
        hardware.set_fault(fault, "1")
        spoilt[fault] = exposed(hardware, clock)
        if fault == "repeated_frame":
            assert hardware.frame is good
    stale = spoilt["stale_frame"]
    assert (stale.counter, stale.time_s) == (2, good.time_s)
    assert np.array_equal(stale.image, good.image)
    assert (spoilt["saturated_frame"].image == 65535).mean() == pytest.approx(1 / 3, abs=0.02)
    assert np.ptp(spoilt["blank_frame"].image) == 0
    assert spoilt["wrong_shape"].image.shape == (3, 8)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rust", "1", "there is no fault 'rust'"),
        ("stall", "psi", "the axes are phi, x"),
        ("foreign_move", "1", "axis '1'"),
    ],
)
def test_faults_that_do_not_exist_are_refused(make, name, value, message):
    with pytest.raises(ValueError, match=message):
        make().set_fault(name, value)


def test_every_fault_is_of_one_kind_and_is_described_on_its_page():
    assert len(FAULTS) == len(AXIS_FAULTS) + len(ONCE_FAULTS) + len(PLAIN_FAULTS)
    assert set(WHAT_AXIS_FAULTS_DO) == set(AXIS_FAULTS)
    page = (Path(__file__).parents[4] / "docs" / "practice_instrument.md").read_text().replace("`", "")
    assert [name for name, words in FAULTS.items() if f"| {name} | {words} |" not in page] == []


def test_a_new_sample_brings_the_motors_home_and_leaves_the_settings(make, clock):
    hardware = make()
    hardware.motors["phi"].high = 90.0
    hardware.command_shutter(True)
    hardware.move("phi", 50.0)
    clock.now += 3.0
    hardware.reset(5)
    later(hardware, clock, 60.0)
    assert hardware.motors["phi"].position == 0.0
    assert hardware.motors["phi"].high == 90.0
    assert (hardware.sample.seed, hardware.beam_state.opened) == (5, True)
    hardware.fresh(6)
    assert (hardware.motors["phi"].high, hardware.beam_state.opened) == (180.0, False)


def test_the_truth_says_where_everything_really_is(make, clock):
    hardware = make()
    hardware.set_fault("frozen_readback", "phi")
    run(hardware, "phi", 10.0, clock)
    truth = hardware.truth()
    assert truth["positions"] == {"phi": 10.0, "x": 0.0}
    assert truth["faults"] == {"frozen_readback": "phi"}
    assert (truth["moving"], truth["shutter_open"], truth["inside"]) == ([], False, False)
