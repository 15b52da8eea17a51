"""Beam, vacuum, dose, shutter, abort, return and strange frames: faults of a served instrument, judged by its truth.

Items 9, 10, 11 and 18 of the guard. Every fault comes with a companion in which the item is off and the fault gets
through. Each drive ends with the audit log held against what the instrument received, see ``agreed_log``.
"""

import asyncio
import threading
import time

import numpy as np
import pytest

pytest.importorskip("bluesky", reason="driving the practice instrument needs the extra 'hardware'")
pytest.importorskip("aioca", reason="driving the practice instrument needs the extra 'epics'")

import aioca
from bluesky import plan_stubs as bps
from ophyd_async.core import AsyncStatus

from beamgym.hardware_bridge.adapters.connect import connect_device
from beamgym.hardware_bridge.deployment.session.session import AUDIT, Session
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused

SLOW, SLOWER = 0.004, 0.0005  # mm/s as the record has it, 50 times faster in the emulator: 0.8 mm take 4 s, or 32 s


def slowly(bench, *axes, speed=SLOWER):
    for axis in axes:
        bench.ioc.put(f"{axis}.VELO", speed)


def resting(bench):
    """Whether nothing moves, the shutter is closed and nothing is exposed."""
    truth = bench.ioc.truth()
    return truth["moving"] == [] and not truth["shutter_open"] and not truth["exposing"]


def place(bench, axis):
    return bench.ioc.truth()["positions"][axis]


# 9: suspenders


async def lose_on_the_way(bench, guard, fault, speed=SLOWER):
    """Send x, let the fault happen on its way, and see how the move ends."""
    slowly(bench, "x", speed=speed)
    status = guard.axes["x"].set(0.8)
    await bench.until(lambda: bench.ioc.truth()["moving"])
    await asyncio.to_thread(bench.ioc.put, f"sim:fault:{fault}", "1")
    await status


@pytest.mark.parametrize(("fault", "name"), [("beam_loss", "beam"), ("vacuum_loss", "vacuum")])
def test_item_9_a_lost_beam_or_vacuum_stops_a_motor_on_its_way(bench, fault, name):
    b = bench()

    async def go(guard):
        with pytest.raises(GuardRefused, match=f"suspender '{name}' reads"):
            await lose_on_the_way(b, guard, fault)
        assert (await guard.aborted()).complete
        with pytest.raises(GuardRefused, match="latched"):
            await guard.axes["y"].set(0.1)

    b.drive(go)
    assert resting(b)
    assert 0.0 < place(b, "x") < 0.7
    assert b.received("y.VAL") == []


def test_item_9_off_lets_a_motor_run_on_without_beam(bench):
    b = bench(without=(9,))
    b.drive(lambda guard: lose_on_the_way(b, guard, "beam_loss", SLOW))
    assert place(b, "x") == pytest.approx(0.8, abs=0.005)


async def lose_while_exposing(bench, guard):
    bench.ioc.put("sim:fault:hung_camera", "1")
    status = guard.detector.trigger()
    await bench.until(lambda: bench.happened("exposing"))
    await asyncio.to_thread(bench.ioc.put, "sim:fault:beam_loss", "1")
    return status


def test_item_9_a_lost_beam_closes_the_shutter(bench):
    b = bench()

    async def go(guard):
        status = await lose_while_exposing(b, guard)
        with pytest.raises(GuardRefused, match="suspender 'beam' reads"):
            await status

    b.drive(go)
    assert resting(b)
    assert [event["opened"] for event in b.happened("shutter")][:2] == [True, False]


def test_item_9_off_leaves_the_shutter_open_when_the_beam_is_lost(bench):
    b = bench(without=(9,))

    async def go(guard):
        status = await lose_while_exposing(b, guard)
        (beam,) = [each for each in guard.watch.suspenders if each.entry.name == "beam"]
        await b.until(lambda: beam.value < beam.entry.low)
        await b.looked()
        truth = await asyncio.to_thread(b.ioc.truth)
        guard.abort("enough seen")
        with pytest.raises(GuardRefused, match="enough seen"):
            await status
        return truth

    truth = b.drive(go)
    assert truth["shutter_open"]
    assert truth["exposing"]


def test_item_9_nothing_starts_without_beam(bench):
    async def go(guard):
        bench_.ioc.put("sim:fault:beam_loss", "1")
        await guard.arm()
        await guard.axes["x"].set(0.1)

    bench_ = bench()
    with pytest.raises(GuardRefused, match="suspender 'beam' reads 0") as refused:
        bench_.drive(go, arm=False)
    assert refused.value.item == 9
    assert bench_.ioc.puts() == []
    bench_ = bench(without=(9,))
    bench_.drive(go, arm=False)
    assert bench_.received("x.VAL") == [0.1]


def test_item_9_nothing_starts_with_a_suspender_that_is_not_there(bench):
    def elsewhere(content):
        content["devices"]["current"]["address"] = "bgym:nobody"

    def nowhere(content):
        del content["suspenders"][0], content["devices"]["current"]

    async def go(guard):
        await guard.axes["x"].set(0.1)

    b = bench(change=elsewhere)
    with pytest.raises(DeviceError, match="no answer from PV bgym:nobody"):
        b.drive(go)
    assert b.ioc.puts() == []
    b = bench(change=nowhere)
    b.ioc.put("sim:fault:beam_loss", "1")
    b.drive(go)
    assert b.received("x.VAL") == [0.1]


def test_items_9_and_16_a_suspender_that_was_never_reached_holds_everything_though_its_connecting_was_passed_over(
    bench,
):
    def elsewhere(content):
        content["devices"]["current"]["address"] = "bgym:nobody"

    async def go(guard):
        beam = guard.devices.suspenders["beam"]

        async def all_but_the_beam(timeout):
            for words, device in guard.devices.all():
                if device is not beam:
                    await connect_device(words, device, timeout)

        object.__setattr__(guard.devices, "connect", all_but_the_beam)
        await guard.arm()
        await guard.axes["x"].set(0.1)

    for without, item in (((), 16), ((16,), 9)):
        b = bench(change=elsewhere, without=without)
        with pytest.raises(GuardRefused, match="suspender 'beam'") as refused:
            b.drive(go, arm=False)
        assert refused.value.item == item
        assert b.ioc.puts() == []
    b = bench(change=elsewhere, without=(9, 16))
    b.ioc.put("sim:fault:beam_loss", "1")
    b.drive(go, arm=False)
    assert b.received("x.VAL") == [0.1]


def test_item_9_a_run_is_suspended_and_goes_on_when_the_beam_is_back(bench, tmp_path):
    b = bench()
    slowly(b, "x", speed=0.01)

    def plan(instrument):
        yield from bps.checkpoint()
        yield from instrument.move_plan(np.array([[0.8, 0.0, 0.5]]))
        yield from instrument.acquire_plan()

    def weather():
        wait_for(lambda: b.happened("moving"))
        b.ioc.put("sim:fault:beam_loss", "1")
        if wait_for(lambda: b.happened("stopped")):
            seen.append(b.ioc.truth()["moving"])
        b.ioc.put("sim:fault:clear", 1)

    def wait_for(true):
        give_up = time.monotonic() + 30.0
        while not true() and time.monotonic() < give_up:
            time.sleep(0.02)
        return true()

    seen = []
    with Session(b.file, tmp_path, keep_trying_s=20.0) as session:
        instrument = session.guarded(lambda question: True)
        session.arm()
        thread = threading.Thread(target=weather)
        thread.start()
        session.engine(plan(instrument))
        thread.join()
        assert session.close() is None
    assert seen == [[]]
    assert place(b, "x") == pytest.approx(0.8, abs=0.005)
    assert b.received("x.VAL") == [0.8, 0.8]
    assert [event["lit"] for event in b.happened("frame")] == [True]
    assert resting(b)
    agreement = b.agree(tmp_path / AUDIT, b.ioc)
    assert agreement.puts == len(b.ioc.puts())


def ended_and_set_off(b, folder, again):
    """Abort a move after an exposure, let ``again`` set something off, and close; returns what the session tells."""
    slowly(b, "x", speed=0.01)
    with Session(b.file, folder, keep_trying_s=20.0) as session:
        guard = session.guarded(lambda question: True).guard
        session.arm()

        async def aborted():
            await guard.detector.trigger()
            status = guard.axes["x"].set(0.8)
            await b.until(lambda: b.ioc.truth()["moving"])
            guard.abort("a test")
            await asyncio.wait({status.task})
            return await guard.aborted()

        assert session.in_loop(aborted, 60.0).complete
        b.ioc.put(*again)
        return session.close()


@pytest.mark.parametrize(
    ("again", "name"), [(("sim:fault:foreign_move", "x=0.8"), "x"), (("shutter:Open", 1), "shutter")]
)
def test_item_11_what_sets_off_again_after_an_abort_is_stopped_once_more_and_named(bench, tmp_path, again, name):
    b = bench()
    report = ended_and_set_off(b, tmp_path, again)
    assert report.unconfirmed == (f"{name} (set off again after it was stopped)",)
    assert resting(b)


def test_item_11_off_calls_an_abort_complete_after_which_a_motor_runs_on(bench, tmp_path, monkeypatch):
    async def believed(guard):
        return ()

    monkeypatch.setattr(Guard, "stop_again", believed)
    b = bench()
    assert ended_and_set_off(b, tmp_path, ("sim:fault:foreign_move", "x=0.8")).complete
    b.wait(lambda: place(b, "x") > 0.7)


def test_item_9_a_suspended_run_whose_guard_latches_ends(bench, tmp_path):
    b = bench()
    slowly(b, "x")

    def plan(instrument):
        yield from bps.checkpoint()
        yield from instrument.move_plan(np.array([[0.8, 0.0, 0.5]]))

    def weather():
        give_up = time.monotonic() + 30.0
        for kind, fault in (("moving", ("sim:fault:beam_loss", "1")), ("stopped", ("x.VELO", 0.5))):
            while not b.happened(kind) and time.monotonic() < give_up:
                time.sleep(0.02)
            b.ioc.put(*fault)

    with Session(b.file, tmp_path, keep_trying_s=20.0) as session:
        instrument = session.guarded(lambda question: True)
        session.arm()
        thread = threading.Thread(target=weather)
        thread.start()
        # the beam stays away: only the latch can end the wait for it
        with pytest.raises(Exception, match="VELO was changed"):
            session.engine(plan(instrument))
        thread.join()
    assert resting(b)
    assert b.received("x.VAL") == [0.8]


# 10: dose and shutter


def small_budget(content):
    content["dose"]["budget_s"] = 20.0


async def expose_on_and_on(guard):
    await guard.axes["dwell"].set(5.0)
    for _ in range(6):
        await guard.detector.trigger()


def test_item_10_the_sample_never_gets_more_than_its_dose(bench):
    b = bench(change=small_budget)
    with pytest.raises(GuardRefused, match="of 20 s of dose are spent") as refused:
        b.drive(expose_on_and_on)
    assert refused.value.item == 10
    assert [event["exposure_s"] for event in b.happened("exposing")] == [5.0, 5.0, 5.0]
    truth = b.ioc.truth()
    assert 15.0 <= truth["dose_s"] <= 20.0
    assert not truth["shutter_open"]


def test_item_10_off_lets_the_dose_run_over(bench):
    b = bench(change=small_budget, without=(10,))
    b.drive(expose_on_and_on)
    assert len(b.happened("frame")) == 6
    assert b.ioc.truth()["dose_s"] > 30.0


def impatient(content):
    content["detector"]["timeout_s"] = 0.5


async def interrupted_exposure(bench, guard, how):
    """Leave an exposure in one of many ways."""
    bench.ioc.put(f"sim:fault:{'wrong_shape' if how == 'wrong frame' else 'hung_camera'}", "1")
    status = guard.detector.trigger()
    await bench.until(lambda: bench.happened("exposing"))
    if how == "cancelled":
        status.task.cancel()
    elif how == "abort":
        guard.abort("a test")
    elif how == "stopped":
        await guard.detector.stop()
    elif how == "closed":
        await guard.close()
    await asyncio.wait({status.task})
    return None if status.task.cancelled() else status.task.exception()


@pytest.mark.parametrize("how", ["cancelled", "abort", "stopped", "closed", "too long", "wrong frame"])
def test_item_10_the_shutter_is_closed_however_an_exposure_ends(bench, how):
    b = bench(change=impatient if how == "too long" else None)
    error = b.drive(lambda guard: interrupted_exposure(b, guard, how))
    assert (error is None) == (how in ("cancelled", "stopped"))
    assert next(event["opened"] for event in b.happened("shutter"))
    assert resting(b)
    assert not b.guard.shutter.ours


def test_item_10_off_leaves_the_shutter_open_at_an_exit(bench):
    b = bench()

    async def forgotten():
        return True

    async def go(guard):
        guard.shutter.close = forgotten
        await interrupted_exposure(b, guard, "stopped")

    b.drive(go, keep_trying_s=1.0)
    assert b.ioc.truth()["shutter_open"]


async def shut_while_exposing(bench, guard, hung):
    """Close the shutter from another client during an exposure, which hangs or ends by itself."""
    if hung:
        bench.ioc.put("sim:fault:hung_camera", "1")
    else:
        await guard.axes["dwell"].set(5.0)
    status = guard.detector.trigger()
    await bench.until(lambda: bench.happened("exposing"))
    await asyncio.to_thread(bench.ioc.put, "shutter:Open", 0)
    await status


@pytest.mark.parametrize("hung", [True, False])
def test_item_10_a_shutter_that_closes_in_an_exposure_ends_it(bench, hung):
    b = bench()
    with pytest.raises(GuardRefused, match="the shutter was to be open and is closed"):
        b.drive(lambda guard: shut_while_exposing(b, guard, hung))
    assert b.guard.latched_item == 10
    assert resting(b)


def test_item_10_off_takes_a_frame_behind_a_closed_shutter(bench):
    # This camera shows nothing then, which is another item's; a shutter that closes half way leaves more on it.
    b = bench(without=(10, 18))
    b.drive(lambda guard: shut_while_exposing(b, guard, hung=False))
    assert [event["opened"] for event in b.happened("shutter")][:2] == [True, False]
    assert len(b.happened("frame")) == 1


def by_object(content):
    content["devices"]["shutter"] = {"adapter": "object", "address": "shutter"}


class TrustingShutter:
    """A shutter that believes that it went where it was sent, as many do; ``opened`` is called when it has opened."""

    parent = None
    name = "shutter"
    source = "ca://bgym:shutter:Open"

    def __init__(self, opened=lambda: None):
        self._opened = opened

    def set(self, value):
        return AsyncStatus(self._set(value), name=self.name)

    async def _set(self, value):
        await aioca.caput("bgym:shutter:Open", value, wait=True, timeout=15.0)
        if value:
            await asyncio.to_thread(self._opened)

    async def read(self):
        status = await aioca.caget("bgym:shutter:Status", timeout=15.0)
        return {self.name: {"value": int(status), "timestamp": time.time()}}

    async def describe(self):
        return {self.name: {"source": "ca://bgym:shutter:Status", "dtype": "number", "shape": []}}


def stuck(bench, open_first, **named):
    b = bench(change=by_object, **named)
    fault = lambda: b.ioc.put("sim:fault:stuck_shutter", "1")  # noqa: E731
    b.objects = {"shutter": TrustingShutter(fault if open_first else (lambda: None))}
    if not open_first:
        fault()
    return b


async def expose_and_move(guard):
    await guard.detector.trigger()
    await guard.axes["x"].set(0.3)


def test_item_10_a_shutter_stuck_open_stops_everything_and_is_closed_when_it_can_be(bench):
    b = stuck(bench, open_first=True)

    async def go(guard):
        with pytest.raises(GuardRefused, match="the shutter was to be closed and is unknown") as refused:
            await expose_and_move(guard)
        assert refused.value.item == 10
        spent = guard.shutter.dose.spent_s
        report = await guard.aborted()
        assert report.unconfirmed == ("shutter",)
        with pytest.raises(GuardRefused, match="the shutter was to be closed and is open"):
            await guard.rearm("somebody")
        assert guard.shutter.dose.spent_s > spent  # doubt counts
        await asyncio.to_thread(b.ioc.put, "sim:fault:clear", 1)
        b.objects["shutter"]._opened = lambda: None
        await guard.rearm("somebody")

    b.drive(go, keep_trying_s=1.0)
    assert b.received("x.VAL") == []
    assert b.received("shutter:Open").count(1) == 1
    assert resting(b)
    assert b.guard.shutter.dose.spent_s >= b.happened("exposing")[0]["exposure_s"]


def test_item_10_off_goes_on_beneath_an_open_shutter(bench):
    b = stuck(bench, open_first=True, without=(10,))
    b.drive(expose_and_move, keep_trying_s=1.0)
    assert b.received("x.VAL") == [0.3]
    assert b.ioc.truth()["shutter_open"]


def test_item_10_nothing_is_exposed_behind_a_shutter_stuck_closed(bench):
    b = stuck(bench, open_first=False)
    with pytest.raises(GuardRefused, match="the shutter was to be open and is closed"):
        b.drive(expose_and_move)
    assert b.happened("exposing") == []
    assert resting(b)
    b = stuck(bench, open_first=False, without=(10, 6, 18))  # a dark frame says so itself, too
    b.drive(expose_and_move)
    assert [event["lit"] for event in b.happened("frame")] == [False]


def test_item_10_a_shutter_found_open_is_closed_before_anything(bench):
    b = bench()
    b.ioc.put("shutter:Open", 1)

    async def nothing(guard):
        return await asyncio.to_thread(b.ioc.truth)

    assert not b.drive(nothing)["shutter_open"]


# 11: abort and return


async def abort_on_the_way(bench, guard):
    """Abort two moves and an open shutter with everything against it, then go on as if nothing had happened."""
    slowly(bench, "x", "y")
    moves = [guard.axes[name].set(0.8) for name in ("x", "y")]
    await bench.until(lambda: len(bench.ioc.truth()["moving"]) == 2)
    guard.shutter.dose.start()  # as an exposure of ours would: an opening by others is an abort of its own
    await asyncio.to_thread(bench.ioc.put, "shutter:Open", 1)
    guard.shutter.dose._total = 1e9  # the dose is spent
    for fault in ("beam_loss", "stopped_heartbeat", "alarm"):
        await asyncio.to_thread(bench.ioc.put, f"sim:fault:{fault}", "1")
    threads = [threading.Thread(target=guard.abort, args=("a test",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    report = await asyncio.wrap_future(guard.abort("a test"))
    await asyncio.gather(*moves, return_exceptions=True)
    await asyncio.to_thread(bench.ioc.put, "sim:fault:clear", 1)
    return report


def test_item_11_an_abort_is_never_gated_and_afterwards_nothing_passes(bench):
    b = bench()

    async def go(guard):
        report = await abort_on_the_way(b, guard)
        assert report.complete
        for command in (lambda: guard.axes["x"].set(0.1), guard.detector.trigger, lambda: guard.shutter.set(1)):
            with pytest.raises(GuardRefused, match="latched") as refused:
                await command()
            assert refused.value.item == 11
        with pytest.raises(GuardRefused, match="latched"):
            await guard.safe_return()
        await guard.axes["x"].stop()
        await guard.shutter.set(0)  # closing passes all the same

    b.drive(go)
    assert resting(b)
    assert 0.0 < place(b, "x") < 0.7
    assert 0.0 < place(b, "y") < 0.7
    assert b.received("x.VAL") == [0.8]
    assert b.received("x.STOP") == [1]
    assert b.received("y.STOP") == [1]
    assert b.received("shutter:Open")[-1] == 0
    assert b.happened("exposing") == []


def test_item_11_off_lets_commands_pass_after_an_abort(bench):
    b = bench(without=(11,))

    async def go(guard):
        await guard.axes["x"].set(0.1)
        guard.abort("a test")
        await guard.aborted()
        await guard.axes["x"].set(0.2)

    b.drive(go)
    assert b.received("x.VAL") == [0.1, 0.2]


@pytest.mark.slow
def test_item_11_an_abort_goes_on_until_the_server_is_back(bench):
    b = bench()

    async def go(guard):
        b.ioc.put("x.VELO", 0.1 * SLOWER)
        status = guard.axes["x"].set(0.8)
        await b.until(lambda: b.ioc.truth()["moving"])
        await asyncio.to_thread(b.ioc.kill)
        guard.abort("a test")
        await asyncio.wait({status.task})
        assert not guard.abort("a test").done()
        await asyncio.to_thread(b.ioc.restart)
        return await guard.aborted()

    report = b.drive(go, keep_trying_s=120.0)
    assert report.complete
    assert resting(b)
    assert place(b, "x") < 0.8


def test_item_11_a_return_is_the_same_done_twice(bench):
    b = bench()

    async def go(guard):
        await guard.axes["x"].set(0.4)
        await guard.axes["y"].set(-0.4)
        assert await guard.safe_return()
        puts = len(b.ioc.puts())
        assert await guard.safe_return()
        return puts

    assert b.drive(go) == len(b.ioc.puts())
    assert b.received("x.VAL") == pytest.approx([0.4, 0.0], abs=0.005)
    assert b.received("y.VAL") == pytest.approx([-0.4, 0.0], abs=0.005)
    assert place(b, "x") == pytest.approx(0.0, abs=0.005)
    assert place(b, "y") == pytest.approx(0.0, abs=0.005)


def with_wall(content):
    content["envelopes"] = [{"name": "wall", "forbidden": {"x": [0.2, 0.3], "y": [-0.1, 0.1]}, "margin": 0.01}]


async def round_the_wall_and_back(guard):
    for name, target in (("y", 0.5), ("x", 0.5), ("y", 0.0)):
        await guard.axes[name].set(target)
    return await guard.safe_return()


def test_item_11_a_return_is_guarded_too(bench):
    b = bench(change=with_wall)
    with pytest.raises(GuardRefused, match="enter 'wall'"):
        b.drive(round_the_wall_and_back)
    assert b.received("x.VAL") == [0.5]
    b = bench(change=with_wall, without=(3,))
    assert b.drive(round_the_wall_and_back)
    assert len(b.received("x.VAL")) == 2


def test_item_11_a_return_that_does_not_end_is_stopped(bench):
    def quick(content):
        content["axes"][1]["timeout_s"] = 5.0

    b = bench(change=quick)

    async def go(guard):
        await guard.axes["y"].set(0.5)
        await asyncio.to_thread(b.ioc.put, "sim:fault:stall", "y")
        with pytest.raises(GuardRefused, match=r"took longer|it stalls") as refused:
            await guard.safe_return()
        assert refused.value.item == 5

    b.drive(go)
    assert resting(b)
    assert b.received("y.STOP")


async def return_with_a_dead_encoder(bench, guard):
    await guard.axes["x"].set(0.4)
    await asyncio.to_thread(bench.ioc.put, "sim:fault:nan_readback", "x")
    return await guard.safe_return()


def test_item_11_there_is_no_return_from_an_unknown_position(bench):
    b = bench(without=(4,))
    with pytest.raises(GuardRefused, match="where x stands is not certain") as refused:
        b.drive(lambda guard: return_with_a_dead_encoder(b, guard))
    assert refused.value.item == 11
    assert b.received("x.VAL") == [0.4]
    b = bench(without=(4, 11))
    assert b.drive(lambda guard: return_with_a_dead_encoder(b, guard))  # it says that all is well
    assert place(b, "x") == pytest.approx(0.4, abs=0.005)


# 18: frames that no policy knows


def no_suspenders(content):
    content["suspenders"] = []
    del content["devices"]["current"], content["devices"]["pressure"]


def soon_full(content):
    content["detector"]["saturation"] = 1.0


async def look_and_move(bench, guard, fault):
    if fault:
        await asyncio.to_thread(bench.ioc.put, f"sim:fault:{fault}", "1")
    guard.detector.exposure_s = 10.0
    await guard.detector.trigger()
    await guard.axes["j6"].set(3.0)


CASES = {
    # fault, change of the file, its words, exposures
    "no spots": ("beam_loss", no_suspenders, "no spots were found, even after a longer exposure", [10.0, 40.0]),
    "blank": ("blank_frame", None, "the frame is blank, even after a longer exposure", [10.0, 40.0]),
    "saturated": ("", soon_full, "more than half of the frame is saturated", [10.0]),
}


@pytest.mark.parametrize("case", CASES)
def test_item_18_a_frame_that_no_policy_knows_stops_instead_of_guessing(bench, case):
    fault, change, words, exposures = CASES[case]
    b = bench("laue", change, without=(6,))  # freshness and saturation would speak up too
    with pytest.raises(GuardRefused, match=words) as refused:
        b.drive(lambda guard: look_and_move(b, guard, fault))
    assert refused.value.item == 18
    assert [event["exposure_s"] for event in b.happened("exposing")] == exposures
    assert b.received("j6.VAL") == []
    assert resting(b)


@pytest.mark.parametrize("case", CASES)
def test_item_18_off_moves_on_by_a_frame_without_meaning(bench, case):
    fault, change, _, _ = CASES[case]
    b = bench("laue", change, without=(6, 18))
    b.drive(lambda guard: look_and_move(b, guard, fault))
    assert len(b.happened("frame")) == 1
    assert b.received("j6.VAL") == [3.0]


def test_item_18_a_longer_exposure_that_shows_spots_is_taken(bench):
    b = bench("laue")

    async def go(guard):
        find, calls = guard.detector.finder, []

        def first_nothing(images):
            calls.append(1)
            return find(np.zeros_like(images) if len(calls) == 1 else images)

        guard.detector.finder = first_nothing
        await look_and_move(b, guard, "")
        return guard.detector.last_frame()

    frame = b.drive(go)
    assert [event["exposure_s"] for event in b.happened("exposing")] == [10.0, 40.0]
    assert frame.exposure_s[0] == 40.0
    assert frame.found.count[0] > 0
    assert b.received("j6.VAL") == [3.0]
