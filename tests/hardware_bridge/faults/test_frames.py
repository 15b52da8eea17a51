"""Faults of the camera over Channel Access: no frame that is not a new, whole one is handed on.

What was exposed, and how the shutter stands, is the emulated instrument's own truth. Each fault gets through where its
item is left out, which only a test's subclass can do.
"""

import asyncio
import time

import numpy as np
import pytest

from beamgym.hardware_bridge.guard.devices.detector import GuardedDetector
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused
from beamgym.hardware_bridge.instrument_file.entries import DetectorEntry

DWELL_S = 1.0


def strict(content):
    """A detector which has full pixels."""
    content["detector"].update(saturation=60000.0)


def then(bench, fault, more=1):
    """Return a test that takes a good frame, sets a fault, and takes more."""

    async def go(guard):
        await guard.axes["dwell"].set(DWELL_S)
        await guard.detector.trigger()
        good = guard.detector.last_frame()
        await asyncio.sleep(0.6)
        bench.ioc.put(f"sim:fault:{fault}", "1")
        for _ in range(more):
            await guard.detector.trigger()
        return good, guard.detector.frame

    return go


def refused(bench, item, test):
    """Run a test that the guard must refuse for an item: dark afterwards, and latched; returns the line."""

    async def attempt(guard):
        with pytest.raises(GuardRefused) as caught:
            await test(guard)
        await guard.aborted()
        return caught.value

    found = bench.drive(attempt)
    assert found.item == item, found.line
    assert dark(bench)
    assert bench.guard.latched_item == item
    assert bench.guard.detector.frame is None
    return found.line


def dark(bench):
    """Return whether the shutter is closed and nothing is exposed."""
    truth = bench.ioc.truth()
    return not truth["shutter_open"] and not truth["exposing"]


def test_good_frames_are_as_many_as_were_exposed_and_the_shutter_opens_for_each(bench):
    async def go(guard):
        await guard.axes["dwell"].set(DWELL_S)
        counters = []
        for _ in range(2):
            await guard.detector.trigger()
            counters.append(int(guard.detector.last_frame().counter[0]))
        return counters

    b = bench(change=strict)
    assert b.drive(go) == [1, 2]
    assert [record["lit"] for record in b.happened("frame")] == [True, True]
    assert b.received("shutter:Open") == [1, 0, 1, 0]
    assert dark(b)


@pytest.mark.parametrize(
    ("fault", "line", "leave"),
    [
        ("repeated_frame", "the frame counter went from 1 to 1", (6,)),
        ("stale_frame", "the frame's clock did not go on", (6,)),
        ("wrong_shape", "the frame has shape", None),
        # Such a frame shows no features either.
        ("saturated_frame", "33.3 % of the pixels are saturated", (6, 18)),
    ],
)
def test_item_6_a_frame_that_is_old_spoilt_or_not_whole_is_the_last_that_is_exposed(bench, fault, line, leave):
    b = bench(change=strict)
    assert line in refused(b, 6, then(b, fault, more=2))
    assert len(b.happened("exposing")) == 2
    if leave is None:
        return
    b = bench(change=strict, without=leave)
    good, last = b.drive(then(b, fault, more=2))
    assert len(b.happened("exposing")) == 3
    taken = (last.image == good.image).all(), last.image.max() > 6e4
    assert taken == (fault != "saturated_frame", fault == "saturated_frame")


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("earlier_frame", "equals the one before pixel for pixel"),
        ("turned_frame", "is an earlier one, turned, mirrored or changed in a few pixels"),
        ("changed_pixel", "is an earlier one, turned, mirrored or changed in a few pixels"),
    ],
)
def test_item_6_an_image_that_repeats_itself_is_seen_though_counter_and_clock_go_on(bench, fault, line):
    assert_seen(bench, fault, line)


def assert_seen(bench, fault, line):
    """The second of two frames is refused; without the item it is handed on as a new one of the sample's."""
    b = bench()
    assert line in refused(b, 6, then(b, fault, more=2))
    assert len(b.happened("exposing")) == 2
    b = bench(without=(6,))
    good, last = b.drive(then(b, fault, more=1))
    assert last.counter[0] == good.counter[0] + 1
    changed = {"earlier_frame": 0, "changed_pixel": 1}.get(fault)
    old = good.image[0].T if fault == "turned_frame" else good.image[0]
    assert np.count_nonzero(last.image[0] != old) == (changed or 0)


def test_item_6_an_earlier_frame_than_the_last_is_known_too(bench):
    async def go(guard):
        await guard.axes["dwell"].set(DWELL_S)
        images = []
        for _ in range(6):
            await guard.detector.trigger()
            images.append(guard.detector.last_frame().image)
        b.ioc.put("sim:fault:earlier_frame", "1")
        await guard.detector.trigger()
        images.append(guard.detector.last_frame().image)
        return images

    b = bench()
    assert "equals an earlier one pixel for pixel" in refused(b, 6, go)
    b = bench(without=(6,))
    images = b.drive(go)
    np.testing.assert_array_equal(images[-1], images[0])


def behind(bench):
    """Return a test that turns the sample under a camera that is one frame behind from the beginning."""

    async def go(guard):
        bench.ioc.put("sim:fault:one_behind", "1")
        await guard.axes["dwell"].set(DWELL_S)
        shown = []
        for x in (0.0, 0.3, -0.3):
            await guard.axes["x"].set(x)
            await guard.detector.trigger()
            shown.append(guard.detector.last_frame())
        return shown

    return go


def test_item_6_a_camera_one_frame_behind_with_honest_times_is_refused(bench):
    b = bench()
    assert "s before its trigger, by clocks that agree within" in refused(b, 6, behind(b))
    assert len(b.happened("exposing")) == 1
    # without the item every frame passes, new by its number, and shows where the sample stood before
    b = bench(without=(6, 18))
    shown = b.drive(behind(b))
    assert [int(frame.counter[0]) for frame in shown][-2:] == [b.ioc.truth()["frames"] - 1, b.ioc.truth()["frames"]]
    taken = b.happened("frame")
    assert abs(shown[-1].time_s[0] - taken[-2]["time_s"]) < 0.01 < taken[-1]["time_s"] - shown[-1].time_s[0]


def another_client_exposes(bench, fault):
    """Return a test in which somebody else takes a frame under a fault, and then the guard does."""

    async def go(guard):
        await guard.axes["dwell"].set(DWELL_S)
        await guard.detector.trigger()
        bench.ioc.put(f"sim:fault:{fault}", "1")
        bench.ioc.put("cam1:Acquire", 1)
        await bench.until(lambda: len(bench.happened("frame")) == 2)
        await guard.detector.trigger()
        return guard.detector.last_frame()

    return go


def test_item_6_a_plugin_behind_its_driver_is_refused_though_both_count_on(bench):
    b = bench()
    line = "the array plugin shows frame 2, the driver has taken 3"
    assert line in refused(b, 6, another_client_exposes(b, "lagging_plugin"))
    b = bench(without=(6,))
    assert int(b.drive(another_client_exposes(b, "lagging_plugin")).counter[0]) == b.ioc.truth()["frames"] - 1


@pytest.mark.parametrize(
    ("fault", "line", "frames"),
    [("two_frames", "the driver counted 2 frames for one trigger", 3), ("dropped_frame", "went from 1 to 1", 2)],
)
def test_item_6_a_trigger_is_one_frame_in_driver_and_plugin(bench, fault, line, frames):
    b = bench()
    assert line in refused(b, 6, then(b, fault))
    assert b.ioc.truth()["frames"] == frames
    b = bench(without=(6,))
    b.drive(then(b, fault))
    assert b.ioc.truth()["frames"] == frames


def test_item_10_another_clients_exposure_is_set_back_before_the_trigger(bench, monkeypatch):
    def meddled(bench):
        async def go(guard):
            await guard.axes["dwell"].set(0.2)
            await guard.detector.trigger()
            bench.ioc.put("cam1:AcquireTime", 4.0)
            # What the monitor brings later still, on a busy computer, is taken for a change during the exposure.
            await bench.until(lambda: guard.detector.proxy.device._exposures_s[-1] == 4.0)
            await guard.detector.trigger()

        return go

    b = bench()
    b.drive(meddled(b))
    assert [record["exposure_s"] for record in b.happened("frame")] == [0.2, 0.2]

    async def not_written(detector, seconds):
        return None

    # where it is not written again the sample gets twenty times the light, and nobody knows
    monkeypatch.setattr(GuardedDetector, "_set_exposure", not_written)
    b = bench(without=(10,))
    b.drive(meddled(b))
    assert [record["exposure_s"] for record in b.happened("frame")] == [0.2, 4.0]


def test_item_10_a_frame_of_another_exposure_is_refused_and_its_dose_counted(bench):
    def meddled(bench):
        async def go(guard):
            await guard.axes["dwell"].set(0.2)
            bench.ioc.put("sim:fault:other_exposure", "1")
            await guard.detector.trigger()
            return guard.detector.last_frame()

        return go

    b = bench()
    assert "the camera exposed for 4 s, not for 0.2 s" in refused(b, 10, meddled(b))
    assert [record["exposure_s"] for record in b.happened("frame")] == [4.0]
    assert b.guard.shutter.dose.spent_s >= 4.0
    b = bench(without=(10,))
    frame = b.drive(meddled(b))
    assert (frame.exposure_s[0], b.happened("frame")[0]["exposure_s"]) == (0.2, 4.0)


def test_item_6_modes_that_another_client_changes_are_noticed(bench):
    async def go(guard):
        await guard.axes["dwell"].set(DWELL_S)
        b.ioc.put("cam1:NumImages", 3)
        await b.until(lambda: True)
        for _ in range(20):
            await guard.detector.trigger()

    b = bench()
    assert "the camera's NumImages_RBV went from 1 to 3" in refused(b, 6, go)


def test_item_6_a_cropped_frame_gets_to_the_file_and_no_further_where_the_item_is_left_out(bench, monkeypatch):
    # what the guard would let through, the conversion to the lab's geometry still refuses
    b = bench(change=strict, without=(6,))
    with pytest.raises(ValueError, match="the instrument file expects"):
        b.drive(then(b, "wrong_shape"))
    assert dark(b)
    assert b.guard.latched_item == 0
    # and where that is gone too, half a frame is handed on as a whole one
    monkeypatch.setattr(DetectorEntry, "oriented", lambda entry, raw: raw)
    b = bench(change=strict, without=(6,))
    good, last = b.drive(then(b, "wrong_shape"))
    assert (good.image.shape, last.image.shape) == ((1, 64, 64), (1, 32, 64))


@pytest.mark.parametrize(
    ("kind", "line"),
    [("laue", "no orientation of Si explains the"), ("arpes", "the spectrum's features are")],
)
def test_item_18_a_run_ends_where_the_sample_is_out_of_the_beam(bench, kind, line):
    axis, steps = ("j6", (2.0, 4.0, 6.0)) if kind == "laue" else ("x", (0.1, 0.2, 0.3))

    async def go(guard):
        await guard.detector.trigger()
        b.ioc.put("sim:fault:no_crystal", "1")
        for target in steps:
            await guard.axes[axis].set(target)
            await guard.detector.trigger()

    b = bench(kind)
    assert line in refused(b, 18, go)
    # the second frame without it is taken once more, longer, and is the last
    first_s, *_, last_s = [record["exposure_s"] for record in b.happened("exposing")]
    assert (len(b.happened("exposing")), last_s) == (4, pytest.approx(4.0 * first_s))
    assert len(b.received(f"{axis}.VAL")) == 2
    # without the item the axis goes wherever it is sent, by frames that show nothing
    b = bench(kind, without=(18,))
    b.drive(go)
    assert len(b.received(f"{axis}.VAL")) == 3


def attenuated(content):
    """A file that names the attenuator before the shutter."""
    content["devices"]["filter"] = {"adapter": "epics", "address": "bgym:beam:Transmission"}
    content["attenuator"] = {"device": "filter", "high": 0.1}


def test_item_10_the_shutter_does_not_open_onto_a_beam_that_nothing_weakens(bench):
    b = bench(change=attenuated)
    assert "the attenuator reads 1, allowed are any to 0.1" in refused(b, 10, then(b, "bright_beam"))
    # one exposure was made, before the attenuator went out, and the shutter was not told to open again
    assert (len(b.happened("exposing")), b.received("shutter:Open").count(1)) == (1, 1)
    b = bench(change=attenuated, without=(10,))
    b.drive(then(b, "bright_beam"))
    assert [record["opened"] for record in b.happened("shutter")].count(True) == 2


def test_item_10_nothing_is_armed_before_a_beam_that_nothing_weakens(bench):
    async def go(guard):
        b.ioc.put("sim:fault:bright_beam", "1")
        with pytest.raises(GuardRefused, match="the attenuator reads 1"):
            await guard.arm()
        return guard.state

    b = bench(change=attenuated)
    assert b.drive(go, arm=False) == "new"


def test_item_10_a_frame_that_counts_too_fast_is_the_last(bench):
    def ceiling(content):
        content["detector"]["max_total_per_s"] = 2e5

    b = bench(change=ceiling)
    assert "the frame counted" in refused(b, 10, then(b, "bright_beam", more=2))
    assert len(b.happened("exposing")) == 2
    b = bench(change=ceiling, without=(10,))
    good, last = b.drive(then(b, "bright_beam", more=2))
    assert last.image.sum() > 10.0 * good.image.sum()
    assert len(b.happened("exposing")) == 3


def hanging(content):
    content["detector"].update(timeout_s=0.5)


def hung(bench):
    """Return a test whose one exposure never ends."""

    async def go(guard):
        await guard.axes["dwell"].set(DWELL_S)
        bench.ioc.put("sim:fault:hung_camera", "1")
        await guard.detector.trigger()

    return go


def test_items_5_and_6_a_camera_that_hangs_is_stopped_in_time_and_the_shutter_closed(bench):
    b = bench(change=hanging)
    assert "the exposure took longer than 1.5 s" in refused(b, 5, hung(b))
    assert b.received("cam1:Acquire")[-1] == 0
    assert len(b.happened("exposure_aborted")) == 1
    begun, ends = b.happened("exposing")[-1]["time_s"], b.happened("exposure_aborted")[0]["time_s"]
    assert ends - begun > 0.5

    async def wait(guard):
        exposing = asyncio.ensure_future(hung(b)(guard))
        await b.until(lambda: b.happened("exposing"))
        done, _ = await asyncio.wait({exposing}, timeout=4.0)
        truth = b.ioc.truth()
        guard.abort("the test has seen enough")
        await asyncio.gather(exposing, return_exceptions=True)
        await guard.aborted()
        return bool(done), truth["exposing"], truth["shutter_open"]

    b = bench(change=hanging, without=(5,))
    assert b.drive(wait) == (False, True, True)
    assert dark(b)


def hung_and_deaf(bench, listens):
    """Return a test that aborts an exposure of a camera that hangs and is deaf; it ``listens`` after a while."""

    async def go(guard):
        for fault in ("hung_camera", "deaf_camera"):
            bench.ioc.put(f"sim:fault:{fault}", "1")
        status = guard.detector.trigger()
        await bench.until(lambda: bench.happened("exposing"))
        guard.abort("the test has seen enough")
        with pytest.raises(GuardRefused):
            await status
        if listens:
            await bench.until(lambda: bench.received("cam1:Acquire").count(0) >= 3)
            await asyncio.to_thread(bench.ioc.put, "sim:fault:deaf_camera", "")
        return await guard.aborted()

    return go


def test_items_5_and_11_a_camera_that_ignores_its_stop_is_told_again_until_it_listens(bench):
    b = bench(change=strict)
    report = b.drive(hung_and_deaf(b, listens=True), answer_s=3.0, keep_trying_s=120.0)
    assert report.complete
    assert report.attempts > 1
    assert len(b.happened("exposure_aborted")) == 1
    assert dark(b)


def test_items_5_and_11_a_camera_that_never_stops_is_named_by_the_abort(bench):
    b = bench(change=strict)
    report = b.drive(hung_and_deaf(b, listens=False), answer_s=3.0, keep_trying_s=8.0)
    assert (report.unconfirmed, report.complete) == (("detector",), False)
    assert report.attempts > 1
    truth = b.ioc.truth()
    assert (truth["shutter_open"], truth["exposing"]) == (False, True)
    # where the stop is believed without a look, the abort calls itself complete beside a camera that exposes
    b = bench(change=strict)

    async def believed(guard):
        async def sent():
            await guard.detector.proxy.device._pv.send("Acquire", 0)
            return True

        object.__setattr__(guard.detector.proxy, "stop_and_confirm", sent)
        return await hung_and_deaf(b, listens=False)(guard)

    assert b.drive(believed, keep_trying_s=3.0).complete
    assert b.ioc.truth()["exposing"]


def test_items_5_and_10_the_dose_of_a_hung_exposure_is_bounded_and_counted(bench):
    b = bench(change=hanging)
    refused(b, 5, hung(b))
    # the emulated exposure runs 50 times faster than the wall clock, by which the guard counts
    opened = [record for record in b.happened("shutter") if record["opened"]][-1]
    closed = [record for record in b.happened("shutter") if not record["opened"]][-1]
    assert closed["time_s"] - opened["time_s"] <= b.guard.shutter.dose.spent_s


def test_item_6_a_frame_whose_clock_is_of_another_day_is_refused(bench):
    def unix(content):
        content["devices"]["analyser"]["options"] = {"epoch": "unix"}

    async def one(guard):
        await guard.axes["dwell"].set(DWELL_S)
        await guard.detector.trigger()
        return guard.detector.last_frame().time_s[0]

    b = bench(change=unix)
    assert "s before its trigger" in refused(b, 6, one)
    b = bench(change=unix, without=(6,))
    assert time.time() - b.drive(one) > 6e8
