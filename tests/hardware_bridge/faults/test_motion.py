"""Faults of motors over Channel Access: the emulated instrument's own truth says whether the guard stopped them.

Each item comes with the same fault getting through where that item is left out, which only a test's subclass can do.
"""

import asyncio
import contextlib
import math

import pytest
from rigs.moves import arming, axis, moving, refused

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused

SLOW = 0.0005
"""With this .VELO a motor makes 0.025 mm/s on the fast instrument: a move of 1 mm takes 40 s."""


async def sleeping(guard):
    """Do nothing until the guard has latched by itself, and its abort has ended."""
    for _ in range(600):
        if guard.state == "latched":
            await guard.aborted()
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the guard has seen nothing")


async def on_the_way(bench, guard, name="x", target=0.9):
    """Send a slow axis and return its Status when the motor has really left."""
    bench.ioc.put(f"{name}.VELO", SLOW)
    status = guard.axes[name].set(target)
    await bench.until(lambda: bench.ioc.truth()["positions"][name] > 0.02)
    return status


async def ended(status):
    """Wait for the end of a move, whatever it is; returns its error."""
    with contextlib.suppress(GuardRefused, DeviceError):
        await status
    return status.exception()


def paths(bench, name):
    return [record["path"] for record in bench.happened("moving") if record["axis"] == name]


def stands(bench):
    """Return whether nothing moves at the instrument."""
    return bench.ioc.truth()["moving"] == []


def place(bench, name):
    return bench.ioc.truth()["positions"][name]


# 1: limits


def test_item_1_the_files_limit_holds_where_it_is_the_tighter(bench):
    narrow = axis("x", limits=[-0.4, 0.4])
    b = bench(change=narrow)
    assert "its limits are -0.4 to 0.4" in refused(b, {1}, moving(("x", 0.5)))
    assert b.ioc.puts() == []
    assert place(b, "x") == 0.0
    through = bench(change=narrow, without=(1,))
    through.drive(moving(("x", 0.5)))
    assert place(through, "x") == pytest.approx(0.5)


def test_item_1_the_motors_limit_holds_where_it_is_the_tighter_and_is_read_anew_for_every_move(bench):
    async def narrowed(guard):
        await guard.axes["x"].set(0.5)
        b.ioc.put("x.HLM", 0.6)
        await guard.axes["x"].set(0.9)

    # That another client has changed a setting is item 17's; here the limits are read as they are.
    b = bench(without=(17,))
    assert "its limits are -1 to 0.6" in refused(b, {1}, narrowed)
    assert b.received(":x.VAL") == [0.5]
    b = bench(without=(1, 17))
    with pytest.raises(DeviceError, match="beyond its limits"):
        b.drive(narrowed)
    assert b.received(":x.VAL") == [0.5, 0.9]
    assert [record["why"] for record in b.happened("refused")] == ["outside the soft limits"]


def test_item_1_an_axis_without_any_limits_is_not_armed(bench):
    b = bench(change=axis("x", limits=None))
    b.ioc.put("x.DLLM", 0.0)
    b.ioc.put("x.DHLM", 0.0)
    assert "neither in the file nor in its motor" in refused(b, {1}, arming, arm=False)
    assert b.ioc.puts() == []
    through = bench(change=axis("x", limits=None), without=(1,))
    through.ioc.put("x.DLLM", 0.0)
    through.ioc.put("x.DHLM", 0.0)
    through.drive(moving(("x", 0.5)))
    assert place(through, "x") == pytest.approx(0.5)


# 2: finite, step, rate, speed


@pytest.mark.parametrize("target", [math.nan, math.inf])
def test_item_2_a_target_that_is_no_number_never_leaves(bench, target):
    async def careless(guard):
        motor = guard.axes["x"].proxy.device
        motor._move = lambda value: motor._pv.put("VAL", value, 5.0)
        await guard.axes["x"].set(target)

    b = bench()
    refused(b, {2}, careless)
    assert b.ioc.puts() == []
    through = bench(without=(1, 2, 4, 5))
    through.drive(careless)
    assert [str(value) for value in through.received(":x.VAL")] == [str(target)]
    assert len(through.happened("refused")) == 1


def test_item_2_a_step_that_is_too_long_never_leaves(bench):
    short = axis("x", max_step=0.3)
    b = bench(change=short)
    refused(b, {2}, moving(("x", 0.2), ("x", 0.6)))
    assert b.received(":x.VAL") == [0.2]
    assert place(b, "x") == pytest.approx(0.2)
    through = bench(change=short, without=(2,))
    through.drive(moving(("x", 0.2), ("x", 0.6)))
    assert place(through, "x") == pytest.approx(0.6)


def test_item_2_one_move_too_many_in_a_minute_never_leaves(bench):
    seldom = axis("x", max_moves_per_min=2)
    b = bench(change=seldom)
    refused(b, {2}, moving(("x", 0.1), ("x", 0.2), ("x", 0.3)))
    assert b.received(":x.VAL") == [0.1, 0.2]
    through = bench(change=seldom, without=(2,))
    through.drive(moving(("x", 0.1), ("x", 0.2), ("x", 0.3)))
    assert through.received(":x.VAL") == [0.1, 0.2, 0.3]


def test_item_2_a_motor_that_somebody_set_too_fast_is_not_sent(bench):
    async def faster(guard):
        await guard.axes["x"].set(0.2)
        b.ioc.put("x.VELO", 50.0)
        await guard.axes["x"].set(0.4)

    # the emulated motors are 50 times faster than they say, which the speed of a finished move would show
    b = bench(change=axis("x", max_speed=40.0), without=(17,))
    assert "is set to 50 per second" in refused(b, {2}, faster)
    assert b.received(":x.VAL") == [0.2]
    b = bench(change=axis("x", max_speed=40.0), without=(2, 17))
    b.drive(faster)
    assert b.received(":x.VAL") == [0.2, 0.4]


# 3: envelope


def wall(**sides):
    def change(content):
        content["envelopes"] = [{"name": "wall", "forbidden": {name: list(side) for name, side in sides.items()}}]
        for entry in content["axes"]:
            entry.update({"backlash": 0.1} if entry["name"] == "x" else {})

    return change


def test_item_3_a_path_through_a_forbidden_box_is_not_begun_though_both_its_ends_are_free(bench):
    b = bench(change=wall(x=(0.2, 0.4)))
    assert "enter 'wall'" in refused(b, {3}, moving(("x", 0.8)))
    assert (b.ioc.puts(), paths(b, "x")) == ([], [])
    through = bench(change=wall(x=(0.2, 0.4)), without=(3,))
    through.drive(moving(("x", 0.8)))
    ((start, end),) = paths(through, "x")
    assert start < 0.2 < 0.4 < end


def test_item_3_the_overshoot_of_the_backlash_stays_out_of_the_box_too(bench):
    async def down(guard):
        await guard.axes["x"].set(0.4)

    b = bench(change=wall(x=(0.2, 0.35)))
    for name, value in (("x.BDST", 0.1), ("x.VAL", 0.8)):
        b.ioc.put(name, value)
    refused(b, {3}, down)
    assert b.ioc.puts() == []
    through = bench(change=wall(x=(0.2, 0.35)), without=(3,))
    for name, value in (("x.BDST", 0.1), ("x.VAL", 0.8)):
        through.ioc.put(name, value)
    through.drive(down)
    assert paths(through, "x")[-1] == pytest.approx([0.8, 0.3, 0.4])


def test_item_3_axes_that_start_together_may_not_meet_in_a_box_on_any_order_of_arrival(bench):
    async def both(guard):
        await asyncio.gather(guard.axes["x"].set(0.8), guard.axes["y"].set(0.8))

    corner = wall(x=(0.3, 0.5), y=(0.3, 0.5))
    b = bench(change=corner)
    refused(b, {3}, both)
    assert len(b.received(":x.VAL") + b.received(":y.VAL")) <= 1
    assert place(b, "x") < 0.3 or place(b, "y") < 0.3
    through = bench(change=corner, without=(3,))
    through.drive(both)
    assert (place(through, "x"), place(through, "y")) == (pytest.approx(0.8), pytest.approx(0.8))
    round_it = bench(change=corner)
    round_it.drive(moving(("x", 0.8), ("y", 0.8)))
    assert place(round_it, "y") == pytest.approx(0.8)


# 4: arrival


@pytest.mark.parametrize(
    ("fault", "ends"), [("frozen_readback", 0.5), ("overshoot", 0.55), ("limit_switch", 0.25), ("ignored_put", 0.0)]
)
def test_item_4_a_move_that_was_reported_done_and_did_not_arrive_is_the_last(bench, fault, ends):
    async def on(guard):
        b.ioc.put(f"sim:fault:{fault}", "x")
        await moving(("x", 0.5), ("y", 0.5))(guard)

    b = bench()
    refused(b, {4}, on)
    assert (b.received(":x.VAL"), b.received(":y.VAL"), b.received(":x.STOP")) == ([0.5], [], [1])
    assert place(b, "x") == pytest.approx(ends, abs=1e-3)
    assert b.guard.latched_item == 4
    b = bench(without=(4,))
    b.drive(on)
    assert (place(b, "x"), place(b, "y")) == (pytest.approx(ends, abs=1e-3), pytest.approx(0.5))


@pytest.mark.parametrize("fault", ["nan_readback", "foreign_stop"])
def test_item_4_what_goes_wrong_on_the_way_is_seen_at_the_end(bench, fault):
    async def on(guard):
        b.ioc.put("x.VELO", 0.004)
        status = guard.axes["x"].set(0.9)
        await b.until(lambda: place(b, "x") > 0.02)
        b.ioc.put(f"sim:fault:{fault}", "x")
        await status
        await guard.axes["y"].set(0.5)

    b = bench()
    refused(b, {4}, on)
    assert (b.received(":y.VAL"), b.received(":x.STOP")) == ([], [1])
    assert stands(b)
    b = bench(without=(4,))
    b.drive(on)
    assert place(b, "y") == pytest.approx(0.5)
    assert fault == "nan_readback" or place(b, "x") < 0.89


def test_item_4_an_axis_in_alarm_or_without_a_readback_is_not_sent(bench):
    for fault in ("alarm", "nan_readback"):
        b = bench()

        async def on(guard, b=b, fault=fault):
            b.ioc.put(f"sim:fault:{fault}", "x")
            await guard.axes["x"].set(0.5)

        refused(b, {4}, on)
        assert b.received(":x.VAL") == []


def test_item_4_nothing_is_exposed_while_an_axis_moves(bench):
    async def expose(guard):
        status = await on_the_way(b, guard)
        try:
            await guard.detector.trigger()
        finally:
            await guard.axes["x"].stop()
            await ended(status)

    b = bench()
    refused(b, {4}, expose)
    assert (b.happened("exposing"), b.received("shutter:Open")) == ([], [])
    b = bench(without=(4,))
    b.drive(expose)
    (exposed,) = b.happened("exposing")
    assert exposed["shutter_open"]


# 5: every wait ends


def stalling(b):
    async def stall(guard):
        b.ioc.put("sim:fault:stall", "x")
        await guard.axes["x"].set(0.5)

    return stall


def test_item_5_a_motor_that_never_arrives_is_stopped_in_time_and_seen_to_stand(bench):
    quick = axis("x", timeout_s=0.5)
    b = bench(change=quick)
    assert "the move of x took longer than 1." in refused(b, {5}, stalling(b))
    assert stands(b)
    (stopped,) = b.happened("stopped")
    (left,) = b.happened("moving")
    assert stopped["time_s"] - left["time_s"] > 0.5
    assert b.guard.axes["x"].state.certain

    async def wait(guard):
        move = asyncio.ensure_future(stalling(b)(guard))
        await b.until(lambda: b.ioc.truth()["moving"])
        done, _ = await asyncio.wait({move}, timeout=4.5)
        hums = b.ioc.truth()["moving"], b.received(":x.STOP"), bool(done)
        guard.abort("the test has seen enough")
        await asyncio.gather(move, return_exceptions=True)
        await guard.aborted()
        return hums

    b = bench(change=quick, without=(5,))
    assert b.drive(wait) == (["x"], [], False)


def test_item_5_a_stop_that_is_not_followed_is_not_called_one(bench):
    async def deaf(guard):
        async def lost_on_the_way(success=True):
            return None

        guard.axes["x"].proxy.device.stop = lost_on_the_way
        status = await on_the_way(b, guard, target=0.95)
        guard.abort("enough")
        error = await ended(status)
        return error, await guard.aborted(), b.ioc.truth()["moving"]

    b = bench()
    error, report, still = b.drive(deaf, answer_s=3.0, keep_trying_s=9.0)
    assert isinstance(error, GuardRefused)
    assert (report.unconfirmed, report.complete) == (("x",), False)
    assert report.attempts > 1
    assert still == ["x"]
    assert not b.guard.axes["x"].state.certain
    assert b.received(":x.VAL") == [0.95]
