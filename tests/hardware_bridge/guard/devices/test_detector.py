"""The detector and the shutter behind the guard, item by item, with the companion that lets the fault through."""

import asyncio
import subprocess
import sys
import time

import numpy as np
import pytest

from beamgym.hardware_bridge.guard.rules.decision import GuardRefused
from beamgym.physics.instrument import FrameFailed


async def expose(guard):
    """Take one frame of 0.1 s."""
    await guard.axes["dwell"].set(0.1)
    await guard.detector.trigger()
    return guard.detector.last_frame()


async def expose_twice(guard):
    await expose(guard)
    await guard.detector.trigger()
    return guard.detector.last_frame()


def refused(rig, item, test=expose, **options):
    """Run a test that the guard must refuse for an item; the shutter is closed afterwards."""
    with pytest.raises(GuardRefused) as caught:
        rig.drive(test, **options)
    assert caught.value.item == item, caught.value.line
    assert rig.shutter.place == 0
    return caught.value.line


def test_an_exposure_opens_the_shutter_for_itself_only(rig):
    r = rig()
    open_then = []
    r.camera.on_trigger = lambda: open_then.append(r.shutter.place)
    frame = r.drive(expose)
    assert frame.image.shape == (1, 8, 6)
    assert frame.exposure_s[0] == 0.1
    assert open_then == [1]
    assert r.shutter.puts == [1, 0]


# 6: frames


@pytest.mark.parametrize("fault", ["old frame", "repeats", "wrong shape"])
def test_item_6_a_frame_that_is_not_new_or_not_whole_is_refused(rig, fault):
    async def go(guard):
        await expose(guard)
        r.camera.fault = fault
        await guard.detector.trigger()

    r = rig()
    refused(r, 6, go)
    if fault != "wrong shape":
        r = rig(without=(6,))
        r.drive(go)
        assert r.camera.triggers == 2


def test_item_6_a_frame_of_another_day_is_refused(rig):
    r = rig()
    r.camera.offset_s = -3600.0
    assert "s before its trigger, by clocks that agree within 0.5 s" in refused(r, 6)


def test_item_6_a_saturated_frame_is_refused(rig):
    def bright(exposure):
        image = np.arange(48, dtype=np.uint16).reshape(8, 6)
        image[:1] = 65535
        return image

    r = rig()
    r.camera.draw = bright
    assert "12.5 % of the pixels" in refused(r, 6)
    through = rig(without=(6,))
    through.camera.draw = bright
    assert through.drive(expose).image.max() == 65535


# 5: a camera that hangs


def test_item_5_a_camera_that_hangs_is_stopped_and_the_shutter_closed(rig, arpes_content):
    r = rig({"detector": {**arpes_content["detector"], "timeout_s": 0.3}})
    r.camera.fault = "hung"
    assert "the exposure took longer than" in refused(r, 5)
    assert r.camera.stops >= 1


async def exposed_until_aborted(guard, camera):
    """Abort an exposure that hangs; returns the report."""
    status = guard.detector.trigger()
    while not camera.exposes:
        await asyncio.sleep(0.01)
        assert not status.done
    guard.abort("a test")
    with pytest.raises(GuardRefused):
        await status
    return await guard.aborted()


def deaf(rig, hears_at=None):
    """Return a rig whose camera hangs, and obeys only when it is told to stop for the ``hears_at``-th time."""
    r = rig()
    r.camera.fault, r.camera.deaf = "hung", True
    stop = r.camera.stop

    def stopped(success=True):
        r.camera.deaf = hears_at is None or r.camera.stops + 1 < hears_at
        stop(success)

    r.camera.stop = stopped
    return r


def test_items_5_and_11_a_camera_that_does_not_stop_is_told_again_though_the_shutter_is_closed(rig):
    r = deaf(rig, hears_at=6)
    report = r.drive(lambda guard: exposed_until_aborted(guard, r.camera), answer_s=1.0)
    assert report.complete
    assert report.attempts > 1
    assert (r.camera.stops >= 6, r.camera.exposes, r.shutter.place) == (True, False, 0)


def test_items_5_and_11_a_camera_that_never_stops_is_named_and_nothing_is_armed_before_it_does(rig):
    r = deaf(rig)

    async def go(guard):
        report = await exposed_until_aborted(guard, r.camera)
        assert not guard.shutter.ours
        with pytest.raises(GuardRefused, match="not seen to be idle; stop it by hand") as caught:
            await guard.rearm("somebody")
        assert (caught.value.item, guard.state) == (5, "latched")
        r.camera.exposes, r.camera.fault = False, ""
        await guard.rearm("somebody")
        return report, await expose(guard)

    report, frame = r.drive(go, keep_trying_s=3.0, answer_s=2.0)
    assert (report.unconfirmed, report.complete) == (("detector",), False)
    assert report.attempts > 1
    assert frame.image.shape == (1, 8, 6)
    # the one whose stop is believed without a look is called stopped while it exposes
    r = deaf(rig)

    async def believed(guard):
        guard.detector.proxy.device.exposing = lambda: False
        return await exposed_until_aborted(guard, r.camera)

    assert (r.drive(believed).complete, r.camera.exposes) == (True, True)


def test_item_5_a_camera_that_ignores_a_pause_aborts(rig):
    r = deaf(rig)

    async def go(guard):
        status = guard.detector.trigger()
        await r.until(lambda: r.camera.exposes)
        await guard.detector.pause()
        await status

    assert "not seen to be idle" in refused(r, 5, go, keep_trying_s=0.5, answer_s=2.0)
    assert r.guard.latched_item == 5


def test_a_detector_that_cannot_be_stopped_is_tried_as_long_as_one_that_is_not_obeyed(rig):
    r = rig()
    r.camera.fault = "hung"
    stop, calls = r.camera.stop, []

    def fails_at_first(success=True):
        calls.append(1)
        if len(calls) < 5:
            raise OSError("no camera")
        stop(success)

    r.camera.stop = fails_at_first
    report = r.drive(lambda guard: exposed_until_aborted(guard, r.camera))
    assert report.complete
    assert (len(calls) >= 5, r.camera.exposes) == (True, False)


def test_a_detector_that_cannot_tell_is_taken_at_its_word(rig):
    class Mute:
        parent, name = None, "camera"

        def __init__(self, camera):
            for part in ("set_exposure", "exposure_s", "trigger", "stop", "counter", "read", "describe"):
                setattr(self, part, getattr(camera, part))

    r = deaf(rig)

    async def go(guard):
        guard.detector.proxy = type(guard.detector.proxy)(Mute(r.camera), "detector", guard.answer_s)
        return await exposed_until_aborted(guard, r.camera)

    assert (r.drive(go).complete, r.camera.exposes) == (True, True)


# 10: dose and shutter


def test_item_10_an_exposure_that_would_exceed_the_dose_is_refused_before_it_begins(rig):
    r = rig({"dose": {"budget_s": 0.15}})
    assert "0.15 s of dose" in refused(r, 10, expose_twice)
    assert r.camera.triggers == 1
    assert r.shutter.puts == [1, 0]
    through = rig({"dose": {"budget_s": 0.15}}, without=(10,))
    through.drive(expose_twice)
    assert through.camera.triggers == 2


def test_item_10_the_shutter_cannot_be_opened_by_hand(rig):
    async def by_hand(guard):
        await guard.shutter.set(1)

    r = rig()
    refused(r, 10, by_hand)
    assert 1 not in r.shutter.puts
    through = rig(without=(10,))
    through.drive(by_hand)
    assert 1 in through.shutter.puts


def test_item_10_a_shutter_that_does_not_close_aborts_and_its_dose_goes_on(rig):
    r = rig()

    async def go(guard):
        r.shutter.fault = "stuck"
        with pytest.raises(GuardRefused, match="item 10"):
            await expose(guard)
        before = guard.shutter.dose.spent_s
        await asyncio.sleep(0.2)
        assert guard.shutter.dose.spent_s >= before + 0.15
        r.shutter.fault = ""
        return await guard.aborted()

    report = r.drive(go)
    assert report.complete
    assert r.shutter.place == 0
    assert not r.guard.shutter.dose.open


def test_item_10_a_shutter_that_stands_open_is_closed_at_arming(rig):
    r = rig()
    r.shutter.place = 1

    async def nothing(guard):
        return r.shutter.place

    assert r.drive(nothing) == 0


def test_item_10_the_shutter_is_closed_when_the_trigger_fails(rig):
    r = rig()

    def fail():
        raise OSError("no camera")

    r.camera.on_trigger = fail
    with pytest.raises(RuntimeError, match="no camera"):
        r.drive(expose)
    assert r.shutter.puts[-1] == 0


def test_item_10_an_exposure_outside_the_detectors_range_is_refused(rig):
    r = rig()

    async def go(guard):
        guard.detector.exposure_s = 50.0
        guard.exposure_was_set(50.0)
        await guard.detector.trigger()

    refused(r, 10, go)
    assert r.camera.triggers == 0


# 4 and 17 for exposures: nothing is exposed with an axis on its way


def test_nothing_is_exposed_while_an_axis_moves_or_was_stopped_on_its_way(rig):
    r = rig()
    r.x.travel_s = 10.0

    async def go(guard):
        status = guard.axes["x"].set(0.5)
        await r.until(lambda: r.x.really_moving)
        await guard.axes["x"].stop()
        await status
        await guard.detector.trigger()

    assert "x did not finish the last move" in refused(r, 4, go)
    assert r.camera.triggers == 0


# 18: out of distribution


def test_item_18_a_blank_frame_is_taken_once_more_and_longer_then_it_stops(rig):
    r = rig()
    r.camera.fault = "blank"
    images = iter(range(1, 99))
    r.camera.draw = lambda exposure: np.full((8, 6), next(images), np.uint16)
    r.camera.fault = ""
    assert "even after a longer exposure" in refused(r, 18)
    assert r.camera.triggers == 2
    assert r.camera.exposures == [0.1, 0.1, 0.4]
    through = rig(without=(18,))
    through.camera.draw = lambda exposure: np.full((8, 6), next(images), np.uint16)
    through.drive(expose)
    assert through.camera.triggers == 1


GOOD, FLAT, BLANK = "good", "flat", "blank"


def shows(rig, *frames):
    """Let the camera draw these frames one after another, and the last one from then on."""
    rng, left = np.random.default_rng(6), list(frames)
    step = np.where(np.arange(8) < 4, 20.0, 400.0)[:, None]

    def draw(exposure):
        what = left.pop(0) if len(left) > 1 else left[0]
        means = {GOOD: step, FLAT: np.full((8, 1), 100.0)}
        return np.full((8, 6), 7, np.uint16) if what == BLANK else rng.poisson(means[what], (8, 6)).astype(np.uint16)

    rig.camera.draw = draw


@pytest.mark.parametrize(
    ("frames", "triggers", "lengths"),
    [
        ((GOOD, FLAT, GOOD, FLAT, GOOD), 5, [0.1] * 5),
        ((FLAT, FLAT, GOOD), 2, [0.1, 0.1, 0.4]),
        ((BLANK, FLAT, GOOD), 2, [0.1, 0.4, 0.4]),
        ((FLAT, BLANK, GOOD, FLAT, GOOD), 4, [0.1, 0.1, 0.4, 0.4, 0.4]),
    ],
)
def test_item_18_one_poor_frame_passes_and_the_second_is_taken_once_more(rig, frames, triggers, lengths):
    # a longer exposure sets the dwell, too, and stays set until the policy asks for another
    async def go(guard):
        for _ in range(triggers):
            await guard.detector.trigger()

    r = rig()
    shows(r, *frames)
    r.drive(go)
    assert r.camera.exposures == lengths


@pytest.mark.parametrize(
    ("frames", "lengths"),
    [((GOOD, FLAT), [0.1, 0.1, 0.1, 0.4]), ((FLAT,), [0.1, 0.1, 0.4]), ((BLANK, FLAT), [0.1, 0.4, 0.4, 1.0])],
)
def test_item_18_two_poor_frames_and_a_longer_one_end_the_run(rig, frames, lengths):
    async def go(guard):
        for _ in range(4):
            await guard.detector.trigger()

    r = rig()
    shows(r, *frames)
    assert "features are" in refused(r, 18, go)
    assert r.camera.exposures == lengths
    through = rig(without=(18,))
    shows(through, *frames)
    through.drive(go)
    assert through.camera.triggers == 4


def test_item_18_a_frame_that_shows_something_after_the_longer_exposure_goes_on(rig):
    r = rig()
    r.camera.draw = lambda exposure: (np.arange(48).reshape(8, 6) * (exposure > 0.2)).astype(np.uint16)
    frame = r.drive(expose)
    assert frame.exposure_s[0] == pytest.approx(0.4)
    assert r.shutter.puts == [1, 0, 1, 0]


def test_item_18_a_wall_of_light_stops_even_where_saturation_is_allowed(rig, arpes_content):
    detector = {**arpes_content["detector"], "max_saturated": 1.0}
    r = rig({"detector": detector})
    r.camera.draw = lambda exposure: np.tile(np.array([65535, 65535, 7], np.uint16), 16).reshape(8, 6)
    assert "more than half" in refused(r, 18)


# 20: nothing is unpickled


def test_item_20_a_frame_of_objects_is_refused(rig):
    r = rig()
    r.camera.fault = "objects"
    refused(r, 20)


def test_item_20_nothing_of_the_guard_is_unpickled(tmp_path):
    # Python tells audit hooks of every class that a pickle asks for; numba's cache may, the bridge may not.
    code = (
        "import sys, traceback\n"
        "def hook(event, args):\n"
        "    stack = traceback.extract_stack() if event == 'pickle.find_class' else ()\n"
        "    if any('hardware_bridge' in frame.filename for frame in stack):\n"
        "        print('UNPICKLED', args, flush=True)\n"
        "sys.addaudithook(hook)\n"
        "import beamgym.hardware_bridge.guard.guard, beamgym.hardware_bridge.records.audit\n"
        "from beamgym.hardware_bridge.records.audit import AuditLog\n"
        "AuditLog(sys.argv[1]).close()\n"
        "print('done')\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log")], capture_output=True, text=True, timeout=120, check=True
    )
    assert found.stdout.split() == ["done"]


# What a RunEngine does


def test_an_exposure_that_is_paused_ends_well_without_a_frame_and_with_the_shutter_closed(rig):
    r = rig()
    r.camera.scale = 3000.0

    async def go(guard):
        await guard.axes["dwell"].set(0.02)
        status = guard.detector.trigger()
        await r.until(lambda: r.camera.exposes)
        await guard.detector.pause()
        await status
        assert r.shutter.place == 0
        with pytest.raises(FrameFailed, match="broken off"):
            guard.detector.last_frame()
        spent = guard.shutter.dose.spent_s
        assert spent > 0.0
        await asyncio.sleep(0.1)
        assert guard.shutter.dose.spent_s == spent
        r.camera.scale = 0.1
        await guard.detector.trigger()
        return guard.detector.last_frame()

    assert r.drive(go).image.shape == (1, 8, 6)
    assert r.camera.stops == 1


def test_the_readings_of_the_detector_are_those_it_describes(rig):
    async def go(guard):
        await expose(guard)
        return await guard.detector.read(), await guard.detector.describe()

    readings, keys = rig().drive(go)
    assert set(readings) == set(keys)
    assert readings["detector_image"]["value"].shape == tuple(keys["detector_image"]["shape"])


def test_the_raw_array_is_turned_as_the_file_says(rig, arpes_content):
    r = rig({"detector": {**arpes_content["detector"], "transpose": True, "flip_slow": True}})
    r.camera.shape = (6, 8)
    raw = np.arange(48, dtype=np.uint16).reshape(6, 8)
    r.camera.draw = lambda exposure: raw
    frame = r.drive(expose)
    np.testing.assert_array_equal(frame.image[0], raw.T[::-1])


def test_the_dose_counts_open_seconds_also_when_the_exposure_is_told_to_be_shorter(rig):
    r = rig()
    r.camera.scale = 4.0
    begun = time.monotonic()
    r.drive(expose)
    assert 0.39 <= r.guard.shutter.dose.spent_s <= time.monotonic() - begun


@pytest.mark.parametrize(
    ("fault", "doubts"),
    [
        ("", ()),
        ("blank", ("item 18: the frame is blank; it is taken once more",)),
        ("saturated", ("item 6: 100 % of the pixels", "item 18: more than half of the frame is saturated")),
    ],
)
def test_item_18_a_dry_run_says_why_a_run_would_not_accept_its_frame(rig, fault, doubts):
    r = rig()
    r.camera.fault = fault
    r.camera._image = r.camera._drawn()
    r.drive(expose, dry_run=True)
    assert r.camera.triggers == 0
    found = r.guard.detector.doubts
    assert len(found) == len(doubts)
    for said, expected in zip(found, doubts, strict=True):
        assert said.startswith(expected)
