"""The practice instrument in its own process, to clients that know nothing of this project (caproto, ophyd-async).

What really happened is read from its own truth. Clients are made anew for every test, as the server may be another.
"""

import asyncio

import numpy as np
import pytest

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")

from caproto.threading.client import Context

PATIENCE_S = 120.0


@pytest.fixture
def connect():
    """Connect PVs of the instrument by search, as any client does."""
    context = Context()

    def find(*names):
        found = context.get_pvs(*[f"bgym:{name}" for name in names], timeout=PATIENCE_S)
        for pv in found:
            pv.wait_for_connection(timeout=PATIENCE_S)
        return found

    yield find
    context.disconnect()


def kinds(ioc, axis):
    return [record["kind"] for record in ioc.records() if record.get("axis") == axis]


def test_a_strangers_client_moves_exposes_and_reads(laue_ioc, connect):
    value, done, shutter, acquire, image = connect("j1", "j1.DMOV", "shutter:Open", "cam1:Acquire", "image1:ArrayData")
    value.write([30.0], wait=True, timeout=PATIENCE_S)
    assert done.read(timeout=PATIENCE_S).data[0] == 1
    assert kinds(laue_ioc, "j1") == ["moving", "arrived"]
    shutter.write([1], wait=True, timeout=PATIENCE_S)
    acquire.write([1], wait=True, timeout=PATIENCE_S)
    data = image.read(timeout=PATIENCE_S).data
    assert data.shape == (512 * 512,)
    assert data.max() > 1000
    truth = laue_ioc.truth()
    assert (truth["frames"], truth["positions"]["j1"], truth["shutter_open"]) == (1, 30.0, True)
    assert truth["dose_s"] >= 12.0


def test_monitors_see_the_motor_go_and_arrive(laue_ioc, connect):
    value, readback = connect("j2", "j2.RBV")
    seen = []

    def note(subscription, response):
        seen.append(response.data[0])

    readback.subscribe().add_callback(note)
    laue_ioc.put("j2.VELO", 0.1)
    value.write([20.0], wait=True, timeout=PATIENCE_S)
    readback.read(timeout=PATIENCE_S)
    while 20.0 not in seen:
        readback.read(timeout=PATIENCE_S)
    assert sorted(seen) == seen
    assert any(0.0 < place < 20.0 for place in seen)


def test_every_test_gets_the_instrument_as_new(laue_ioc):
    assert [record["kind"] for record in laue_ioc.records()] == ["fresh"]
    assert laue_ioc.puts() == []
    assert laue_ioc.get("j2.VELO") == 2.0
    truth = laue_ioc.truth()
    assert set(truth["positions"].values()) == {0.0}
    assert (truth["shutter_open"], truth["faults"], truth["frames"]) == (False, {}, 0)


def test_an_ophyd_async_motor_moves_it_and_stops_it(laue_ioc):
    motors = pytest.importorskip("ophyd_async.epics.motor", reason="needs the extra 'epics'")

    async def use():
        motor = motors.Motor("ca://bgym:j6", name="j6")
        await motor.connect(timeout=PATIENCE_S)
        await motor.set(25.0, timeout=PATIENCE_S)
        arrived = (await motor.read())["j6"]["value"]
        laue_ioc.put("sim:fault:stall", "j6")
        move = motor.set(-25.0, timeout=PATIENCE_S)
        while await motor.motor_done_move.get_value():
            await asyncio.sleep(0.01)
        await motor.stop(success=True)
        await move
        with pytest.raises(motors.MotorLimitsError):
            await motor.set(1000.0, timeout=PATIENCE_S)
        return arrived

    assert asyncio.run(use()) == 25.0
    assert kinds(laue_ioc, "j6") == ["moving", "arrived", "moving", "stopped"]


def test_a_seed_can_be_mounted_and_shows_the_same_frame_again(laue_ioc):
    frames = []
    for seed in (5.0, 6.0, 5.0):
        laue_ioc.put("sim:reset", seed)
        laue_ioc.put("shutter:Open", 1)
        laue_ioc.put("cam1:Acquire", 1)
        frames.append(laue_ioc.get("image1:ArrayData"))
    assert np.array_equal(frames[0], frames[2])
    assert not np.array_equal(frames[0], frames[1])


@pytest.mark.slow
def test_a_killed_server_comes_back_to_hardware_that_has_lived_on(special_ioc):
    ioc = special_ioc("laue", speed=0.2)
    ioc.put("shutter:Open", 1)
    ioc.put("sim:fault:foreign_move", "j1=60")
    ioc.kill()
    ioc.restart()
    truth = ioc.truth()
    assert truth["shutter_open"]
    assert truth["moving"] == ["j1"]
    assert 0.0 < truth["positions"]["j1"] < 60.0
    assert truth["dose_s"] > 0.0
    (restarted,) = [record for record in ioc.records() if record["kind"] == "restarted"]
    assert restarted["moving"] == ["j1"]


@pytest.mark.slow
def test_the_server_ends_cleanly_on_an_interrupt(special_ioc):
    ioc = special_ioc("laue", options={"goniometer": "two-arc"})
    assert set(ioc.truth()["positions"]) == {"rotation", "lower_arc", "upper_arc"}
    assert ioc.stop() == 0
    assert "Traceback" not in ioc.words()
    assert ioc.records()[-1]["kind"] == "server_stopped"


@pytest.mark.slow
def test_the_arpes_instrument_serves_spectra(arpes_ioc, connect):
    value, unit, time_s, acquire, image = connect("x", "x.EGU", "cam1:AcquireTime", "cam1:Acquire", "image1:ArrayData")
    assert unit.read(timeout=PATIENCE_S).data[0] == b"mm"
    arpes_ioc.put("shutter:Open", 1)
    value.write([0.25], wait=True, timeout=PATIENCE_S)
    time_s.write([1.5], wait=True, timeout=PATIENCE_S)
    acquire.write([1], wait=True, timeout=PATIENCE_S)
    data = image.read(timeout=PATIENCE_S).data
    assert data.dtype == np.dtype(">f4")
    assert data.shape == (64 * 64,)
    assert data.sum() > 1000.0
    assert isinstance(arpes_ioc.truth()["inside"], bool)
