"""Faults of motors while they move, over Channel Access: the emulated instrument's own truth says where they went.

Each fault comes with the same one getting through where its item is left out.
"""

import asyncio

import pytest
from rigs.moves import arming, axis, moving, refused
from rigs.served import Bench

from beamgym.hardware_bridge.guard.devices.proxies import AxisProxy

CRAWL = 0.004
"""With this .VELO a motor makes 0.2 mm/s on the fast instrument: 5 s from the middle to a limit switch at 1 mm."""


def place(bench, name):
    return bench.ioc.truth()["positions"][name]


def faulty(bench, fault, **settings):
    """Set a fault of x, and some of its record's fields before anything is armed."""
    for field, value in settings.items():
        bench.ioc.put(f"x.{field}", value)
    bench.ioc.put(f"sim:fault:{fault}", "x")
    return bench


# Kind 4: a moving axis is held to its way


@pytest.mark.parametrize(("fault", "end"), [("runaway", 1.0), ("wrong_way", -1.0)])
def test_a_motor_that_leaves_its_way_is_stopped_long_before_its_switch(bench, fault, end):
    b = faulty(bench(), fault, VELO=CRAWL)
    line = refused(b, {4}, moving(("x", 0.1)))
    assert "off its way from" in line
    assert "to 0.1" in line
    assert abs(place(b, "x")) < 0.6
    assert b.ioc.truth()["moving"] == []
    assert b.received(":x.STOP") == [1]
    through = faulty(bench(without=(4,)), fault, VELO=CRAWL)
    through.drive(moving(("x", 0.1)))
    assert place(through, "x") == end


def test_a_motor_that_runs_beyond_its_limits_is_stopped_there(bench):
    narrow = axis("x", limits=[-0.3, 0.3], overrun=5.0)
    b = faulty(bench(change=narrow), "runaway", VELO=CRAWL)
    assert "outside its limits -0.3 to 0.3" in refused(b, {1}, moving(("x", 0.1)))
    assert place(b, "x") < 0.8
    through = faulty(bench(change=narrow, without=(1, 4)), "runaway", VELO=CRAWL)
    through.drive(moving(("x", 0.1)))
    assert place(through, "x") == 1.0


def test_a_readback_that_dies_under_way_is_judged_at_once(bench):
    async def go(guard):
        status = guard.axes["x"].set(0.95)
        await b.until(lambda: place(b, "x") > 0.02)
        b.ioc.put("sim:fault:nan_readback", "x")
        await status

    b = bench()
    b.ioc.put("x.VELO", CRAWL)
    assert "check the encoder" in refused(b, {4}, go)
    assert place(b, "x") < 0.7
    b = bench(without=(4,))
    b.ioc.put("x.VELO", CRAWL)
    b.drive(go)
    assert place(b, "x") == pytest.approx(0.95)


def test_a_motor_that_hums_is_stopped_before_the_time_of_its_move_is_over(bench):
    quick = axis("x", stall_s=0.5)
    b = faulty(bench(change=quick), "stall")
    assert "has read the same for" in refused(b, {5}, moving(("x", 0.5)))
    assert b.ioc.truth()["moving"] == []

    async def hums(guard):
        move = asyncio.ensure_future(moving(("x", 0.5))(guard))
        await b.until(lambda: b.ioc.truth()["moving"])
        await asyncio.wait({move}, timeout=2.0)
        found = b.ioc.truth()["moving"], b.received(":x.STOP")
        guard.abort("the test has seen enough")
        await asyncio.gather(move, return_exceptions=True)
        return found

    b = faulty(bench(change=quick, without=(5,)), "stall")
    assert b.drive(hums) == (["x"], [])


# Kind 5: what says that it is done is stopped all the same


def own_motor(content):
    """Let x be an object of the caller's."""
    content["devices"]["x"] = {"adapter": "object", "address": "own"}


def with_ophyd_async(bench, **options):
    """Return a bench whose x is a Motor of ophyd-async, at a runaway that says at once that it is done."""
    motor = pytest.importorskip("ophyd_async.epics.motor", reason="needs the extra 'hardware'")
    made = bench(change=own_motor, **options)
    made.objects = {"own": motor.Motor("ca://bgym:x", name="x")}
    made.ioc.put("sim:fault:early_done", "x")
    return faulty(made, "runaway", VELO=CRAWL)


def test_ophyd_async_is_told_to_stop_though_its_record_says_that_it_is_done(bench, monkeypatch):
    async def run_away(guard):
        await guard.axes["x"].set(0.1)
        # It may be taken for arrived where it passes its target; then it is seen to have moved on.
        for _ in range(200):
            guard.check_latch()
            await asyncio.sleep(0.05)

    b = with_ophyd_async(bench)
    refused(b, {4, 11}, run_away)
    assert b.guard.latched_item in (4, 17)
    assert place(b, "x") < 0.8
    (told,) = b.received(":x.STOP")
    assert told == 1
    (sent,) = {tuple(line["data"]["sent"]) for line in b.lines() if "sent" in line.get("data", {})}
    assert sent == ("motor_stop = 1", "stop()")

    async def nothing(self):
        return False

    # ophyd-async's own stop writes nothing while DMOV is 1, and ends well
    monkeypatch.setattr(AxisProxy, "_write_stop", nothing)
    through = with_ophyd_async(bench)
    # Its log announces a stop that nothing received, which is what was wrong.
    through.agree = lambda log, ioc: None
    refused(through, {4, 11}, run_away)
    through.ioc.put("sim:fault:early_done", "0")
    through.wait(lambda: not through.ioc.truth()["moving"])
    assert (place(through, "x"), through.received(":x.STOP")) == (1.0, [])


# Kind 6: backlash


def wall(low, high):
    def change(content):
        content["envelopes"] = [{"name": "wall", "forbidden": {"x": [low, high]}}]

    return change


@pytest.mark.parametrize(
    ("direction", "start", "target", "box"), [(0, 0.8, 0.4, (0.15, 0.3)), (1, -0.8, -0.4, (-0.3, -0.15))]
)
def test_the_records_own_backlash_keeps_out_of_the_box_on_its_side(bench, direction, start, target, box):
    def made(**options):
        b = bench(change=wall(*box), **options)
        for field, value in (("DIR", direction), ("BDST", 0.3), ("VAL", start)):
            b.ioc.put(f"x.{field}", value)
        return b

    b = made()
    assert "enter 'wall'" in refused(b, {3}, moving(("x", target)))
    assert b.ioc.puts() == []
    through = made(without=(3,))
    through.drive(moving(("x", target)))
    turned = [record["path"] for record in through.happened("moving") if record["axis"] == "x"][-1]
    assert turned == pytest.approx([0.8, 0.1, 0.4])
    # on the other side of the target nothing is swept
    beyond = sorted((2 * target - box[0], 2 * target - box[1]))
    other = bench(change=wall(*beyond))
    for field, value in (("DIR", direction), ("BDST", 0.3), ("VAL", target)):
        other.ioc.put(f"x.{field}", value)
    other.drive(moving(("x", 1.2 * target)))
    assert place(other, "x") == pytest.approx(0.48)


def test_the_backlash_of_a_record_that_somebody_elses_device_drives_is_read_too(bench):
    motor = pytest.importorskip("ophyd_async.epics.motor", reason="needs the extra 'hardware'")

    def made(**options):
        def change(content):
            own_motor(content)
            wall(0.15, 0.3)(content)

        b = bench(change=change, **options)
        b.objects = {"own": motor.Motor("ca://bgym:x", name="x")}
        for field, value in (("BDST", 0.3), ("VAL", 0.8)):
            b.ioc.put(f"x.{field}", value)
        return b

    b = made()
    assert "enter 'wall'" in refused(b, {3}, moving(("x", 0.4)))
    assert b.ioc.puts() == []

    async def change(guard):
        b.ioc.put("x.BDST", 0.2)
        await b.until(lambda: guard.state == "latched")
        await guard.aborted()
        return guard.reason

    b = made()
    assert "BDST was changed from 0.3 to 0.2" in b.drive(change)


def test_the_overshoot_stays_within_the_files_limits(bench):
    narrow = axis("x", limits=[-0.5, 0.5])

    async def down(guard):
        assert guard.travel["x"] == pytest.approx((-0.2, 0.5))
        await guard.axes["x"].set(-0.15)
        await guard.axes["x"].set(-0.4)

    b = bench(change=narrow)
    b.ioc.put("x.BDST", 0.3)
    assert "reaches -0.7 to -0.4" in refused(b, {1}, down)
    assert (place(b, "x"), b.received(":x.VAL")) == (pytest.approx(-0.15), [-0.15])
    through = bench(change=narrow, without=(1,))
    through.ioc.put("x.BDST", 0.3)
    through.drive(down)
    assert through.happened("moving")[-1]["path"] == pytest.approx([-0.15, -0.7, -0.4])


# Kind 7: setpoint and readback


def test_an_axis_whose_setpoint_is_not_where_it_stands_is_not_armed_and_not_sent(bench):
    def told(b):
        b.ioc.put("sim:fault:ignored_put", "x")
        b.ioc.put("x.VAL", 0.8)
        b.ioc.put("sim:fault:clear", 1)

    b = bench()
    told(b)
    assert "has the setpoint 0.8 and reads 0" in refused(b, {4}, arming, arm=False)

    async def later(guard):
        told(b)
        await guard.axes["x"].set(0.1)

    b = bench()
    assert "has the setpoint 0.8 and reads 0" in refused(b, {4}, later)
    assert b.received(":x.VAL") == []
    b = bench(without=(4,))
    b.drive(later)
    assert place(b, "x") == pytest.approx(0.1)


def rotary(**changes):
    """Return a change that leaves j6 a step of 10 degrees, and no envelope."""

    def change(content):
        axis("j6", max_step=10.0, **changes)(content)
        content["envelopes"] = [{"name": "wall", "forbidden": {"j6": [320.0, 330.0]}}]

    return change


def modulo(b):
    """Bring j6 to -10, where its encoder reads 350."""
    b.ioc.put("j6.VAL", -10.0)
    b.ioc.put("sim:fault:modulo_readback", "j6")
    return b


def test_an_encoder_that_begins_anew_each_turn_does_not_hide_a_turn(bench):
    b = modulo(bench("laue", rotary()))
    assert "give turn: 360" in refused(b, {4}, arming, arm=False)
    through = modulo(bench("laue", rotary(), without=(2, 3, 4, 17)))
    through.drive(moving(("j6", 355.0)))
    assert through.happened("moving")[-1]["path"] == [-10.0, 355.0]


def test_a_rotary_axis_counts_its_turns_by_its_setpoint(bench):
    async def turn(guard):
        assert guard.home["j6"] == -10.0
        await guard.axes["j6"].set(-4.0)
        await guard.axes["j6"].set(4.0)
        assert (await guard.axes["j6"].position(), place(b, "j6")) == (4.0, 4.0)

    b = modulo(bench("laue", rotary(turn=360.0)))
    b.drive(turn)
    b = modulo(bench("laue", rotary(turn=360.0)))
    assert "was to move by 365" in refused(b, {2}, moving(("j6", 355.0)))
    # 325 is -35: the wall stands in every turn
    b = modulo(bench("laue", rotary(turn=360.0)))
    assert "enter 'wall'" in refused(b, {3}, moving(("j6", -20.0), ("j6", -29.0), ("j6", -31.0)))
    assert place(b, "j6") == -29.0


def test_the_cables_are_not_wound_up(bench):
    free = {"max_step": 720.0, "cable_turns": 0.5, "cable_zero": -20.0}
    b = bench("laue", axis("j6", **free))
    assert "0.527778 turns from where its cables hang free" in refused(b, {1}, moving(("j6", 150.0), ("j6", 170.0)))
    assert place(b, "j6") == 150.0
    through = bench("laue", axis("j6", **free), without=(1,))
    through.drive(moving(("j6", 150.0), ("j6", 170.0)))
    assert place(through, "j6") == 170.0


# Kind 12: settings that change, readbacks that lie, moves of several axes


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("DIR", 1, "DIR was changed from 'Pos' to 'Neg'"),
        ("HLM", 0.9, "HLM was changed from 1 to 0.9"),
        ("DLLM", -2.0, "LLM was changed from -1 to -2"),
        ("MRES", 0.001, "MRES was changed from 0.0005 to 0.001"),
        ("EGU", "deg", "EGU was changed from 'mm' to 'deg'"),
        ("SET", 1, "SET was changed from 'Use' to 'Set'"),
        ("FOFF", 1, "FOFF was changed from 'Variable' to 'Frozen'"),
        ("BDST", 0.1, "BDST was changed from 0 to 0.1"),
        ("VELO", 3.0, "VELO was changed from 0.5 to 3"),
        ("SPMG", 1, "SPMG was changed from 'Go' to 'Pause'"),
    ],
)
def test_a_setting_that_another_client_changes_ends_the_run(bench, field, value, said):
    async def change(guard):
        b.ioc.put(f"x.{field}", value)
        await b.until(lambda: guard.state == "latched" or (not b.enforces(17) and b.looks > 3))
        await guard.aborted()
        return guard.reason, guard.latched_item

    b = bench()
    reason, item = b.drive(change)
    assert (said in reason, item) == (True, 17), reason


def test_without_item_17_nobody_sees_a_changed_setting_and_a_slower_motor_is_no_danger(bench):
    async def change(guard):
        b.ioc.put("x.FOFF", 1)
        b.ioc.put("y.VELO", 0.3)
        await b.looked()
        await guard.axes["y"].set(0.1)
        return guard.state

    b = bench(without=(17,))
    assert b.drive(change) == "armed"

    async def slower(guard):
        b.ioc.put("y.VELO", 0.3)
        await b.looked()
        await guard.axes["y"].set(0.1)
        return guard.state

    b = bench()
    assert b.drive(slower) == "armed"


def test_an_offset_changed_under_an_axis_ends_the_run(bench):
    async def change(guard):
        b.ioc.put("y.OFF", 0.3)
        await b.until(lambda: guard.state == "latched")
        await guard.aborted()
        return guard.latched_item

    b = bench()
    assert b.drive(change) == 17


def test_a_motor_that_does_not_say_its_unit_is_armed_only_where_the_file_knows(bench):
    b = bench()
    b.ioc.put("x.EGU", "")
    assert "EGU is empty" in refused(b, {1}, arming, arm=False)
    known = bench(change=axis("x", egu=""))
    known.ioc.put("x.EGU", "")
    known.drive(moving(("x", 0.1)))
    assert place(known, "x") == pytest.approx(0.1)


def test_a_readback_that_is_only_slow_is_waited_for(bench):
    b = faulty(bench(), "slow_readback")
    b.drive(moving(("x", 0.5)))
    hasty = faulty(bench(change=axis("x", readback_s=0.1, settle_s=0.0)), "slow_readback")
    assert "frozen or slower than the file's readback_s" in refused(hasty, {4}, moving(("x", 0.5)))


@pytest.fixture
def real_time(special_ioc, tmp_path, agreed_log):
    """Call it for a bench over an instrument that is as slow as a real one, and whose file says so."""

    def change(content):
        content["identity"]["real_time"] = True

    def make(number, without=()):
        folder = tmp_path / f"real{number}"
        folder.mkdir()
        return Bench(server, folder, change, without, agreed_log)

    server = special_ioc("arpes", speed=1.0)
    return make


@pytest.mark.parametrize("fault", ["fake_arrival", "jumping_readback"])
def test_a_readback_that_is_at_the_target_too_soon_is_not_believed(real_time, fault):
    b = real_time(1)
    b.drive(moving(("x", 0.3)))
    b.ioc.fresh()
    b = faulty(real_time(2), fault)
    assert "the motor is set to 0.5 per second" in refused(b, {4}, moving(("x", 0.3)))
    assert place(b, "x") < 0.3
    b.ioc.fresh()
    through = faulty(real_time(3, without=(4,)), fault)
    through.drive(moving(("x", 0.3)))
    assert fault != "fake_arrival" or place(through, "x") == 0.0


def test_a_move_of_several_axes_is_judged_before_the_first_is_sent(bench, monkeypatch):
    async def both(guard):
        await guard.judge_move({"x": 0.5, "y": 5.0, "dwell": 0.1})
        await asyncio.gather(guard.axes["x"].set(0.5), guard.axes["y"].set(5.0))

    b = bench()
    assert "y was to go to 5" in refused(b, {1}, both)
    assert (b.ioc.puts(), place(b, "x")) == ([], 0.0)

    async def one_by_one(guard):
        await guard.axes["x"].set(0.5)
        await guard.axes["y"].set(5.0)

    b = bench()
    refused(b, {1}, one_by_one)
    assert place(b, "x") == pytest.approx(0.5)


def test_boxes_that_several_axes_would_meet_in_together_are_seen_before_the_first_is_sent(bench):
    def corner(content):
        content["envelopes"] = [{"name": "corner", "forbidden": {"x": [0.3, 0.5], "y": [0.3, 0.5]}}]

    async def both(guard):
        await guard.judge_move({"x": 0.8, "y": 0.8})

    b = bench(change=corner)
    assert "enter 'corner'" in refused(b, {3}, both)
    assert b.ioc.puts() == []
    free = bench(change=corner)
    free.drive(lambda guard: guard.judge_move({"x": 0.8, "y": 0.2}))
    assert free.ioc.puts() == []
