"""The shutter between exposures and after an abort: closed, and seen to stay so."""

import asyncio
import threading

import pytest

from beamgym.hardware_bridge.guard.devices import shutter
from beamgym.hardware_bridge.guard.rules import GuardRefused
from beamgym.hardware_bridge.guard.watch import HeartbeatWatch
from beamgym.hardware_bridge.instrument_file import HeartbeatEntry


def test_item_10_a_shutter_that_opens_between_exposures_ends_the_run_and_is_closed(rig):
    r = rig()

    async def go(guard):
        await guard.detector.trigger()
        spent_s = guard.shutter.dose.spent_s
        r.shutter.place = 1  # by itself, or by somebody else
        await r.latched()
        report = await guard.aborted()
        assert (report.unconfirmed, r.shutter.place) == ((), 0)
        assert guard.shutter.dose.spent_s > spent_s
        with pytest.raises(GuardRefused, match="the shutter was to be closed and is open"):
            guard.require_armed()

    r.drive(go)


def test_item_10_off_leaves_a_shutter_open_that_opened_by_itself(rig):
    r = rig(without=(10,))

    async def go(guard):
        await guard.detector.trigger()
        r.shutter.place = 1
        await asyncio.sleep(3.0 * shutter.BOUNCE_S)
        guard.require_armed()
        assert r.shutter.place == 1

    r.drive(go)


def opened_meanwhile(r):
    """Return a guard that watches once a minute, and whose human says yes while somebody opens the shutter."""

    def confirm(question):
        r.shutter.place = 1
        return True

    return r.make(confirm=confirm, watch_s=60.0)


def test_item_10_a_shutter_that_is_opened_while_a_human_thinks_is_closed_before_the_first_frame(rig):
    r = rig()

    async def go():
        guard = opened_meanwhile(r)
        with pytest.raises(GuardRefused, match="the shutter was to be closed and is open"):
            await guard.arm()
        report = await guard.aborted()
        assert (report.unconfirmed, r.shutter.place, r.camera.triggers) == ((), 0, 0)
        assert guard.shutter.dose.spent_s > 0.0
        await guard.close()

    asyncio.run(go())


def test_item_10_off_arms_with_a_shutter_that_was_opened_while_a_human_thought(rig, without):
    r = rig()

    async def go():
        guard = opened_meanwhile(r)
        await guard.arm()
        assert (guard.state, r.shutter.place) == ("armed", 1)
        await guard.close()

    with without(10):
        asyncio.run(go())


def test_a_status_that_bounces_between_exposures_is_no_opening(rig):
    r = rig()

    async def go(guard):
        r.shutter.place = 1
        threading.Timer(0.3 * shutter.BOUNCE_S, r.shutter.set, [0]).start()
        await asyncio.sleep(3.0 * shutter.BOUNCE_S)
        guard.require_armed()

    r.drive(go)


def test_item_10_a_shutter_that_opens_again_after_an_abort_was_not_closed(rig):
    r = rig()
    read, sprung = r.shutter.read, []

    def springs():
        found = read()
        if not sprung:
            sprung.append(True)
            r.shutter.place = 1
        return found

    async def go():
        guard = r.make()
        r.shutter.read = springs
        assert (await guard.shutter.close_for_good(), guard.shutter.ours) == (False, True)
        assert (await guard.shutter.close_for_good(), guard.shutter.ours) == (True, False)
        await guard.close()
        return r.shutter.place

    assert asyncio.run(go()) == 0


def test_a_heartbeat_that_reads_nan_does_not_beat():
    class Dead:
        async def value(self):
            return float("nan")

    beats = HeartbeatWatch(HeartbeatEntry(name="server", device="beat", period_s=1.0, missed=3), Dead())
    for now_s in range(5):
        asyncio.run(beats.read(float(now_s)))
    assert (beats.seen, beats.missed) == (False, 5)


def test_item_10_the_shutter_does_not_open_onto_an_attenuator_whose_server_has_lost_it(rig):
    r = rig()

    async def go(guard):
        good = r.filter.read
        r.filter.read = lambda: {"filter": {**good()["filter"], "alarm_severity": 3}}
        with pytest.raises(GuardRefused, match="the attenuator reads nan"):
            await guard.detector.trigger()
        assert r.shutter.puts.count(1) == 0

    r.drive(go)
