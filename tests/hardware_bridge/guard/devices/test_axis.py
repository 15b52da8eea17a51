"""Axes behind the guard, item by item: the fault is stopped, and gets through with that item left out."""

import asyncio
import contextlib
import math
import time

import pytest

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices.axis import arrival
from beamgym.hardware_bridge.guard.life import TokenFile
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused

LATE_S = 61.0
"""More than the rig's dead-man allows, seconds of its own clock."""

WALL = [{"name": "wall", "forbidden": {"x": [0.2, 0.4], "y": [0.2, 0.4]}, "margin": 0.0}]


def axis_with(content, name, **changes):
    """Return the file's axes with some numbers of one changed."""
    return {"axes": [{**axis, **(changes if axis["name"] == name else {})} for axis in content["axes"]]}


def moving(*targets):
    """Return a test that sets axes in turn, (name, target) each."""

    async def go(guard):
        for name, target in targets:
            await guard.axes[name].set(target)
        return {name: axis.state.known for name, axis in guard.axes.items()}

    return go


def refused(rig, item, test, **options):
    """Run a test that the guard must refuse for an item, at arming or later; returns the line."""
    with pytest.raises(GuardRefused) as caught:
        rig.drive(test, **options)
    assert caught.value.item == item, caught.value.line
    return caught.value.line


@pytest.mark.parametrize("flavour", ["plain Python", "asynchronous"])
def test_a_good_move_arrives_and_takes_one_command(rig, async_motor, flavour):
    r = rig(motor=async_motor) if flavour == "asynchronous" else rig()
    assert r.drive(moving(("x", 0.5)))["x"] == pytest.approx(0.5)
    assert r.x.sets == [0.5]
    assert r.x.stops == 0
    assert r.y.sets == []


# 1: limits


@pytest.mark.parametrize(("file_limits", "motor_limits"), [([-0.4, 0.4], (-2.0, 2.0)), ([-1.0, 1.0], (-0.4, 0.4))])
def test_item_1_the_tighter_limit_holds(rig, arpes_content, file_limits, motor_limits):
    changes = axis_with(arpes_content, "x", limits=file_limits)
    r = rig(changes)
    r.x.limits_mm = motor_limits
    assert "its limits are -0.4 to 0.4" in refused(r, 1, moving(("x", 0.5)))
    assert r.x.sets == []
    through = rig(changes, without=(1,))
    through.x.limits_mm = motor_limits
    through.drive(moving(("x", 0.5)))
    assert through.x.sets == [0.5]


def test_item_1_an_axis_with_no_limits_at_all_is_refused_at_arming(rig, arpes_content):
    r = rig(axis_with(arpes_content, "x", limits=None))
    r.x.limits_mm = None
    assert "neither in the file nor in its motor" in refused(r, 1, moving())


def test_item_1_limits_are_read_again_for_every_move(rig):
    r = rig()

    async def narrowed(guard):
        await guard.axes["x"].set(0.5)
        r.x.limits_mm = (-0.6, 0.6)
        await guard.axes["x"].set(0.9)

    refused(r, 1, narrowed)
    assert r.x.sets == [0.5]


# 2: finite, step, rate


@pytest.mark.parametrize("target", [math.nan, math.inf])
def test_item_2_a_target_that_is_no_number_is_refused(rig, target):
    r = rig()
    refused(r, 2, moving(("x", target)))
    assert r.x.sets == []


def test_item_2_a_step_that_is_too_long_is_refused(rig, arpes_content):
    changes = axis_with(arpes_content, "x", max_step=0.3)
    refused(rig(changes), 2, moving(("x", 0.2), ("x", 0.6)))
    through = rig(changes, without=(2,))
    through.drive(moving(("x", 0.2), ("x", 0.6)))
    assert through.x.sets == [0.2, 0.6]


def test_item_2_too_many_moves_in_a_minute_are_refused(rig, arpes_content):
    r = rig(axis_with(arpes_content, "x", max_moves_per_min=2))
    refused(r, 2, moving(("x", 0.1), ("x", 0.2), ("x", 0.3)))
    assert r.x.sets == [0.1, 0.2]


def test_item_2_a_motor_set_too_fast_is_not_armed(rig, arpes_content):
    r = rig(axis_with(arpes_content, "x", max_speed=10.0))
    refused(r, 2, moving())


def test_item_2_a_motor_that_was_faster_than_it_said_is_caught_after_its_first_move(rig, arpes_content):
    r = rig(axis_with(arpes_content, "x", max_speed=10.0))
    r.x.speed = 5.0
    assert "max_speed" in refused(r, 2, moving(("x", 0.9)))


# 3: envelope


def test_item_3_the_whole_box_between_start_and_target_must_be_free(rig):
    # From (0, 0) to (0.6, 0.1) and on to (0.6, 0.6) goes round the wall; both at once might not.
    async def both(guard):
        await asyncio.gather(guard.axes["x"].set(0.6), guard.axes["y"].set(0.6))

    r = rig({"envelopes": WALL})
    refused(r, 3, both)
    assert r.y.sets == []
    through = rig({"envelopes": WALL}, without=(3,))
    through.drive(both)
    assert through.y.sets == [0.6]
    round_it = rig({"envelopes": WALL})
    round_it.drive(moving(("x", 0.6), ("y", 0.6)))
    assert (round_it.x.sets, round_it.y.sets) == ([0.6], [0.6])


def test_item_3_axes_that_arrive_one_after_the_other_cannot_cut_the_corner(rig):
    # The straight line from (0.6, 0) to (0, 0.6) passes through the wall; so may other ways.
    async def diagonal(guard):
        await guard.axes["x"].set(0.6)
        await asyncio.gather(guard.axes["y"].set(0.6), guard.axes["x"].set(0.0))

    r = rig({"envelopes": WALL})
    with pytest.raises(GuardRefused):
        r.drive(diagonal)
    assert r.guard.latched_item == 3
    assert len(r.x.sets) + len(r.y.sets) < 3


def test_item_3_the_backlash_counts(rig, arpes_content):
    wall = [{"name": "wall", "forbidden": {"x": [0.5, 0.6]}, "margin": 0.0}]
    free = {"envelopes": wall, **axis_with(arpes_content, "x", backlash=0.0)}
    rig(free).drive(moving(("x", 0.45)))
    refused(rig({"envelopes": wall, **axis_with(arpes_content, "x", backlash=0.1)}), 3, moving(("x", 0.45)))


def test_item_3_an_axis_that_runs_past_its_way_into_a_box_is_stopped(rig, arpes_content):
    wall = [{"name": "wall", "forbidden": {"x": [0.5, 0.9]}, "margin": 0.0}]
    r = rig({"envelopes": wall, **axis_with(arpes_content, "x", timeout_s=30.0, overrun=0.5)})
    r.x.fault, r.x.travel_s = "overshoot", 8.0
    with pytest.raises(GuardRefused):
        r.drive(moving(("x", 0.3)))
    assert r.guard.latched_item == 3
    assert r.x.stops >= 1
    assert r.x.truth < 0.7


def test_item_3_the_holder_keeps_away_from_the_analysers_nozzle(rig):
    nozzle = {"name": "analyser", "tip_mm": [1.0, 0.3, 0.0], "axis": [1.0, 0.0, 0.0], "radius_mm": 0.1}
    holder = [{"centre_mm": [0.0, 0.0, 0.0], "radius_mm": 0.2}]
    near = {"nozzles": [{**nozzle, "half_angle_deg": 30.0, "margin_mm": 0.1, "holder": holder}]}
    # at y = 0.3 it ends 0.3 mm before the tip, and at y = -0.6 it may pass beside it
    line = refused(rig(near), 3, moving(("y", 0.3), ("x", 0.8)))
    assert "nearer to 'analyser' than 0.1 mm" in line
    rig(near).drive(moving(("y", 0.3), ("x", 0.6)))
    rig(near).drive(moving(("y", -0.6), ("x", 0.8)))
    through = rig(near, without=(3,))
    through.drive(moving(("y", 0.3), ("x", 0.8)))
    assert through.x.sets == [0.8]


# 4: arrival


def test_what_the_shortest_dwell_looks_at_need_not_settle_and_is_not_charged_for_it(rig, arpes_content, monkeypatch):
    naps = []

    async def nap(seconds):
        naps.append(seconds)
        return True

    monkeypatch.setattr(arrival, "_nap", nap)
    r = rig(axis_with(arpes_content, "x", settle_s=300.0))

    async def go(guard):
        charged = []
        for dwell_s, place in ((0.01, 0.3), (0.1, 0.5)):
            await guard.axes["dwell"].set(dwell_s)
            await guard.axes["x"].set(place)
            charged.append(guard.axes["x"].state.moved_s)
        return charged

    flown_s, settled_s = r.drive(go)
    assert naps == [300.0]
    assert flown_s < 300.0 <= settled_s


@pytest.mark.parametrize("fault", ["nan", "frozen", "overshoot", "limit switch", "ignored"])
def test_item_4_a_success_that_is_none_is_found_out_and_stops_everything(rig, fault):
    r = rig()

    async def go(guard):
        await guard.axes["y"].set(0.2)
        r.x.fault = "" if fault == "nan" else fault
        r.x.travel_s = 0.3
        status = guard.axes["x"].set(0.5)
        while not r.x.sets:
            await asyncio.sleep(0.001)
        r.x.fault = fault
        await status

    refused(r, 4, go)
    assert r.x.stops >= 1
    assert r.y.stops >= 1
    through = rig(without=(4, 17))
    r = through
    through.drive(go)
    assert through.x.stops == 0


def test_item_4_no_move_begins_at_an_unknown_position(rig):
    r = rig()

    async def go(guard):
        r.x.fault = "nan"
        await guard.axes["x"].set(0.5)

    refused(r, 4, go)
    assert r.x.sets == []


def test_item_4_a_status_that_fails_is_a_failure_whatever_is_left_out(rig):
    r = rig(without=(4,))
    r.x.fault = "failing"
    with pytest.raises(DeviceError, match="the controller tripped"):
        r.drive(moving(("x", 0.5)))
    assert r.guard.latched_item == 0
    assert r.x.stops >= 1


def test_item_4_an_alarm_is_no_arrival(rig):
    r = rig()
    r.x.alarm_text = "slip or stall"
    assert "slip or stall" in refused(r, 4, moving())


def test_item_4_a_stop_by_another_client_is_a_failure(rig):
    r = rig()
    r.x.travel_s = 10.0

    async def go(guard):
        status = guard.axes["x"].set(0.5)
        await r.until(lambda: r.x.really_moving)
        r.x.stop()
        await status

    refused(r, 4, go)


def test_the_way_of_a_move_that_has_ended_is_asked_of_no_other(rig):
    r = rig()
    r.x.travel_s = 0.2

    async def go(guard):
        position = guard.axes["x"].proxy.next_position

        async def forgetful(timeout_s=0.05):
            # As wait_for of Python 3.11 does when its answer comes with the cancellation.
            with contextlib.suppress(asyncio.CancelledError):
                return await position(timeout_s)
            return await guard.axes["x"].proxy.position()

        object.__setattr__(guard.axes["x"].proxy, "next_position", forgetful)
        for target in (0.3, 0.9, -0.4):
            await guard.axes["x"].set(target)
        return guard.state

    assert r.drive(go) == "armed"


# 5: timeouts


def test_item_5_a_stall_is_stopped_when_its_time_is_over(rig, arpes_content):
    r = rig(axis_with(arpes_content, "x", timeout_s=0.3))
    r.x.fault = "stall"
    assert "took longer than" in refused(r, 5, moving(("x", 0.5)))
    assert r.x.stops >= 1
    assert not r.x.really_moving


def test_item_5_without_it_a_stall_is_waited_for(rig, arpes_content):
    r = rig(axis_with(arpes_content, "x", timeout_s=0.3), without=(5,))
    r.x.fault = "stall"

    async def go(guard):
        status = guard.axes["x"].set(0.5)
        await r.until(lambda: r.x.really_moving)
        await asyncio.sleep(1.0)
        return status.done

    with contextlib.suppress(GuardRefused):
        assert r.drive(go) is False


def test_item_5_a_motor_that_does_not_stop_is_told_again_and_reported(rig, arpes_content):
    r = rig(axis_with(arpes_content, "x", timeout_s=1.0))
    r.x.fault = "stall"

    async def go(guard):
        status = guard.axes["x"].set(0.5)
        await r.until(lambda: r.x.really_moving)
        r.x.fault = "deaf"
        r.x.go(0.9, 100.0)
        with pytest.raises(GuardRefused):
            await status
        return await guard.aborted()

    report = r.drive(go, keep_trying_s=3.0, answer_s=2.0)
    assert report.unconfirmed == ("x",)
    assert report.attempts > 1


# 7, 8, 9


def test_item_7_a_heartbeat_that_stops_aborts(rig):
    async def go(guard):
        r.beat.value = 5
        beats = guard.watch.heartbeats[0]
        await r.until(lambda: guard.state == "latched" or (not r.enforces(7) and beats.missed > beats.allowed))
        await guard.axes["x"].set(0.5)

    r = rig()
    refused(r, 11, go)
    assert r.guard.latched_item == 7
    r = rig(without=(7,))
    r.drive(go)
    assert r.x.sets == [0.5]


def test_item_7_a_server_that_does_not_beat_is_not_armed(rig):
    r = rig()
    r.beat.value = 5
    refused(r, 7, moving())


def test_item_8_a_policy_that_falls_silent_aborts(rig):
    async def go(guard):
        r.clock.now_s += LATE_S
        seen = r.clock.asked + 3
        await (r.latched() if r.enforces(8) else r.until(lambda: r.clock.asked > seen))
        await guard.axes["x"].set(0.5)

    r = rig()
    refused(r, 11, go)
    assert r.guard.latched_item == 8
    r = rig(without=(8,))
    r.drive(go)
    assert r.x.sets == [0.5]


def test_item_8_a_long_move_is_no_silence(rig):
    r = rig()
    r.x.travel_s, looks = 1.0, []

    def operator():
        """A second sign of life, which tells that the signs were looked at."""
        looks.append(r.x.really_moving and r.clock.now_s > 0.0)
        return 0.0

    async def go(guard):
        status = guard.axes["x"].set(0.5)
        await r.until(lambda: r.x.really_moving)
        r.clock.now_s += LATE_S
        await status
        await guard.axes["y"].set(0.1)

    r.drive(go, deadman=[r.deadman, operator])
    assert any(looks)
    assert (r.x.sets, r.y.sets) == ([0.5], [0.1])


def test_item_8_the_operators_token_counts_during_a_move_too(rig, tmp_path):
    token = tmp_path / "token"
    token.touch()
    r = rig()
    r.x.travel_s = 60.0

    async def go(guard):
        status = guard.axes["x"].set(0.5)
        await r.until(lambda: r.x.really_moving)
        r.clock.now_s += LATE_S
        await status

    refused(r, 11, go, deadman=[r.deadman, TokenFile(token, r.clock)])
    assert r.guard.latched_item == 8
    assert r.x.stops >= 1


def test_item_8_a_blocked_loop_is_found_out_and_stopped_from_outside(rig):
    r = rig()
    stopped_in_time = []

    async def go(guard):
        await guard.axes["y"].set(0.1)
        r.y.go(0.9, 90.0)
        r.clock.now_s += LATE_S
        deadline = time.monotonic() + 60.0
        while time.monotonic() < deadline and r.y.stops == 0:
            time.sleep(0.02)  # a policy that hangs in the loop
        stopped_in_time.append(r.y.stops)

    r.drive(go)
    assert stopped_in_time[0] >= 1


@pytest.mark.parametrize("value", [5.0, math.nan])
def test_item_9_nothing_starts_while_a_suspender_is_out_of_its_range(rig, value):
    r = rig()
    r.current.value = value
    refused(r, 9, moving())
    through = rig(without=(9,))
    through.current.value = value
    through.drive(moving(("x", 0.5)))
    assert through.x.sets == [0.5]


def test_item_9_a_suspender_that_trips_aborts_where_no_run_can_be_suspended(rig):
    r = rig()

    async def go(guard):
        r.current.value = 0.0
        await r.latched()
        await guard.axes["x"].set(0.5)

    refused(r, 11, go)
    assert r.guard.latched_item == 9


def test_item_9_where_a_run_can_be_suspended_a_command_waits_for_the_beam(rig):
    r = rig()
    told = []

    async def go(guard):
        r.current.value = 0.0
        await r.until(lambda: told)
        status = guard.axes["x"].set(0.5)
        await r.looked()
        assert r.x.sets == []
        r.current.value = 200.0
        await status

    r.drive(go, suspend=lambda back, line: told.append(line))
    assert r.x.sets == [0.5]
    assert len(told) == 1


# 16, 17


def test_item_16_a_lost_connection_latches_and_does_not_resume_alone(rig):
    r = rig()

    async def go(guard):
        r.y.fault = "gone"
        await r.latched()
        r.y.fault = ""
        await guard.aborted()
        await guard.axes["x"].set(0.5)

    refused(r, 11, go)
    assert r.guard.latched_item == 16
    assert r.x.sets == []


def test_item_16_rearming_reads_limits_and_positions_again_and_asks_for_homing(rig, arpes_content):
    r = rig(axis_with(arpes_content, "x", home_required=True))

    async def go(guard):
        guard.abort("a test")
        await guard.aborted()
        r.x.home, r.x.limits_mm = False, (-0.3, 0.3)
        r.x.go(0.2, 0.0)
        with pytest.raises(ValueError, match="needs the name"):
            await guard.rearm(" ")
        with pytest.raises(GuardRefused, match="item 16: x must be homed"):
            await guard.rearm("a human")
        r.x.home = True
        await guard.rearm("a human")
        assert guard.motor_limits["x"] == (-0.3, 0.3)
        assert guard.home["x"] == pytest.approx(0.2)
        await guard.axes["x"].set(0.5)

    refused(r, 1, go)


@pytest.mark.parametrize("flavour", ["while it moves", "after it moved"])
def test_item_17_another_clients_move_aborts(rig, flavour):
    async def go(guard):
        await guard.axes["y"].set(0.1)
        r.x.go(0.5, 0.5 if flavour == "while it moves" else 0.0)
        await (r.latched() if r.enforces(17) else r.looked())
        await guard.axes["y"].set(0.2)

    r = rig()
    refused(r, 11, go)
    assert r.guard.latched_item == 17
    r = rig(without=(17,))
    r.drive(go)
    assert r.y.sets == [0.1, 0.2]


# What a RunEngine does


def test_a_move_that_is_stopped_ends_well_and_can_be_sent_again(rig):
    r = rig()
    r.x.travel_s = 10.0

    async def go(guard):
        axis = guard.axes["x"]
        status = axis.set(0.5)
        await r.until(lambda: r.x.really_moving)
        await axis.stop(success=True)
        await status
        assert guard.unfinished() == ["x"]
        r.x.travel_s = 0.02
        await axis.set(0.5)
        assert guard.unfinished() == []

    r.drive(go)
    assert r.x.sets == [0.5, 0.5]
    assert r.x.stops == 1


def test_stopping_an_axis_that_stands_sends_nothing(rig):
    r = rig()

    async def go(guard):
        await guard.axes["x"].set(0.5)
        await guard.axes["x"].stop()

    r.drive(go)
    assert r.x.stops == 0


def test_a_second_command_to_a_moving_axis_is_refused(rig):
    r = rig()
    r.x.travel_s = 10.0

    async def go(guard):
        first = guard.axes["x"].set(0.5)
        await r.until(lambda: r.x.really_moving)
        with contextlib.suppress(GuardRefused):
            await guard.axes["x"].set(0.2)
        await first

    with pytest.raises(GuardRefused):
        r.drive(go)
    assert r.x.sets == [0.5]
