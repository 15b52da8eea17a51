"""The practice instruments as ophyd-async devices, driven by plain bluesky plans and judged by their own truth."""

import asyncio
import subprocess
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("ophyd_async", reason="the practice devices need the extra 'hardware'")

from bluesky import RunEngine, protocols
from bluesky import plan_stubs as bps
from bluesky import plans as bp
from bluesky.run_engine import RunEngineInterrupted
from bluesky.utils import FailedStatus

from beamgym.envs.make import make_env
from beamgym.hardware_bridge.deployment.session.ending import end_loop
from beamgym.hardware_bridge.practice.devices.instruments import arpes_stage, laue_goniometer
from beamgym.hardware_bridge.practice.devices.optics import analyser_numbers, camera_numbers

FAST = 200.0


@pytest.fixture(scope="module")
def engine():
    made = RunEngine(context_managers=[])
    yield made
    end_loop(made)


@pytest.fixture(scope="module")
def made_stage():
    return arpes_stage(seed=3, level="easy", speed=FAST)


@pytest.fixture
def stage(made_stage, engine):
    """The ARPES stage as new, connected in the RunEngine's loop."""
    with made_stage._bench.hardware() as hardware:
        hardware.fresh(3)
    in_loop(engine, made_stage.connect())
    return made_stage


def in_loop(engine, work):
    return asyncio.run_coroutine_threadsafe(work, engine.loop).result()


def documents_of(engine, plan):
    documents = []
    engine(plan, lambda name, document: documents.append((name, document)))
    return documents


def column(documents, key):
    return [document["data"][key] for name, document in documents if name == "event"]


def opened(stage, plan):
    yield from bps.mv(stage.shutter, "open", stage.analyser.acquire_time, 0.2)
    yield from plan
    yield from bps.mv(stage.shutter, "closed")


def test_a_scan_moves_the_stage_and_its_numbers_are_those_of_its_frames(stage, engine):
    documents = documents_of(engine, opened(stage, bp.scan([stage.analyser], stage.x, -0.5, 0.5, 3)))
    assert column(documents, "stage-x") == pytest.approx([-0.5, 0.0, 0.5], abs=0.002)
    assert column(documents, "stage-analyser-counter") == [1, 2, 3]
    for image, total in zip(
        column(documents, "stage-analyser-image"), column(documents, "stage-analyser-total"), strict=True
    ):
        assert np.sum(image) == total > 0
    truth = stage.truth()
    assert truth["positions"]["x"] == pytest.approx(0.5, abs=0.002)
    assert not truth["shutter_open"]
    assert truth["dose_s"] >= 3 * 0.2


def test_a_grid_scan_has_a_frame_for_every_place(stage, engine):
    plan = bp.grid_scan([stage.analyser], stage.x, -0.2, 0.2, 2, stage.y, -0.3, 0.3, 3)
    documents = documents_of(engine, opened(stage, plan))
    places = list(zip(column(documents, "stage-x"), column(documents, "stage-y"), strict=True))
    assert np.allclose(places, [(x, y) for x in (-0.2, 0.2) for y in (-0.3, 0.0, 0.3)], atol=0.002)
    assert stage.truth()["frames"] == 6


def test_behind_a_closed_shutter_a_frame_is_dark_and_costs_no_dose(stage, engine):
    documents = documents_of(engine, bp.count([stage.analyser]))
    assert column(documents, "stage-analyser-total") == [0.0]
    assert stage.truth()["dose_s"] == 0.0


def test_documents_say_what_is_read_and_how_it_is_set(stage, engine):
    documents = documents_of(engine, bp.scan([stage.analyser], stage.x, 0.0, 0.1, 2))
    (descriptor,) = [document for name, document in documents if name == "descriptor"]
    assert descriptor["hints"] == {
        "stage-analyser": {"fields": ["stage-analyser-total", "stage-analyser-contrast"]},
        "stage-x": {"fields": ["stage-x"]},
    }
    assert descriptor["data_keys"]["stage-x"]["units"] == "mm"
    assert descriptor["data_keys"]["stage-analyser-image"]["shape"] == [64, 64]
    motor = descriptor["configuration"]["stage-x"]
    assert motor["data"]["stage-x-motor_egu"] == "mm"
    assert motor["data"]["stage-x-velocity"] > 0.0
    assert motor["data_keys"]["stage-x-low_limit_travel"]["units"] == "mm"
    assert descriptor["configuration"]["stage-analyser"]["data"] == {"stage-analyser-acquire_time": 0.5}


def test_the_devices_are_what_blueskys_protocols_ask_for(stage):
    motor = (protocols.Movable, protocols.Readable, protocols.Stoppable, protocols.Configurable, protocols.HasHints)
    for wanted in (*motor, protocols.Checkable, protocols.Locatable):
        assert isinstance(stage.x, wanted)
    for wanted in (protocols.Triggerable, protocols.Readable, protocols.Stoppable, protocols.Configurable):
        assert isinstance(stage.analyser, wanted)
    assert isinstance(stage.shutter, protocols.Movable)
    assert isinstance(stage, protocols.Readable)


@pytest.mark.parametrize(("target", "words"), [(99.0, "beyond its limits, -1 to 1"), (np.nan, "give a finite number")])
def test_a_target_that_cannot_be_is_refused_and_nothing_moves(stage, engine, target, words):
    with pytest.raises(FailedStatus) as caught:
        engine(bps.mv(stage.x, target))
    assert words in str(caught.value.__cause__)
    assert stage.truth()["positions"]["x"] == 0.0


@pytest.mark.parametrize("success", [True, False])
def test_a_stop_leaves_the_motor_on_its_way_and_says_so(stage, engine, success):
    async def moved():
        await stage.x.velocity.set(0.1)
        status = stage.x.set(0.9)
        updates = asyncio.Event()
        status.watch(lambda **update: updates.set())
        while (await stage.x.user_readback.get_value()) < 0.001:
            await asyncio.sleep(0.0)
        await updates.wait()
        await stage.x.stop(success)
        while not status.done:
            await asyncio.sleep(0.0)
        return status.success

    assert in_loop(engine, moved()) is success
    truth = stage.truth()
    assert 0.0 < truth["positions"]["x"] < 0.9
    assert truth["moving"] == []


def test_an_abort_of_the_run_engine_stops_the_motor(stage, engine):
    def moving():
        yield from bps.mv(stage.x.velocity, 0.1)
        yield from bps.abs_set(stage.x, 0.9, group="move")
        threading.Thread(target=engine.abort, daemon=True).start()
        yield from bps.wait("move")

    with pytest.raises(RunEngineInterrupted):
        engine(moving())
    assert stage.truth()["moving"] == []
    assert stage.truth()["positions"]["x"] < 0.9


def test_a_stopped_exposure_fails_and_leaves_no_frame(stage, engine):
    async def exposed():
        await stage.analyser.acquire_time.set(5.0)
        stage.set_fault("hung_camera", "1")
        status = stage.analyser.trigger()
        while not await stage.analyser.exposing():
            await asyncio.sleep(0.0)
        await stage.analyser.stop()
        while not status.done:
            await asyncio.sleep(0.0)
        return str(status.exception())

    assert "stopped before its end" in in_loop(engine, exposed())
    assert stage.truth()["frames"] == 0


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("shutter", "ajar", "give 'open' or 'closed'"),
        ("exposure", -1.0, "give 0.05 to 5"),
        ("velocity", 0.0, "give a finite number above 0"),
    ],
)
def test_what_a_setting_cannot_be_is_said(stage, engine, where, value, words):
    device = {"shutter": stage.shutter, "exposure": stage.analyser.acquire_time, "velocity": stage.x.velocity}[where]
    with pytest.raises(FailedStatus) as caught:
        engine(bps.mv(device, value))
    assert words in str(caught.value.__cause__)


def test_the_same_seed_is_the_same_instrument_and_the_environments(engine):
    seen = []
    for _ in range(2):
        goniometer = laue_goniometer(seed=5, level="easy", speed=FAST)
        in_loop(engine, goniometer.connect())
        engine(bps.mv(goniometer.shutter, "open"))
        seen.append(column(documents_of(engine, bp.count([goniometer.camera])), "goniometer-camera-image")[0])
    np.testing.assert_array_equal(*seen)
    environment = make_env("laue", level="easy", frames="rendered")
    environment.reset(seed=5)
    np.testing.assert_array_equal(seen[0], environment.loop.frame.image[0])


def test_connected_as_mocks_they_leave_the_hardware_alone(made_stage):
    async def used():
        with made_stage._bench.hardware() as hardware:
            hardware.fresh(3)
        await made_stage.connect(mock=True)
        before = await made_stage.analyser.counter.get_value()
        await made_stage.x.set(0.4)
        await made_stage.shutter.set("open")
        await made_stage.analyser.trigger()
        read = {**await made_stage.read(), **await made_stage.analyser.read()}
        return before, {key: value["value"] for key, value in read.items()}

    before, values = asyncio.run(used())
    found = values["stage-x"], values["stage-shutter"], values["stage-analyser-counter"]
    assert found == (0.4, 1, before + 1)
    truth = made_stage.truth()
    assert (truth["positions"]["x"], truth["shutter_open"], truth["frames"]) == (0.0, False, 0)


def test_numbers_of_a_frame():
    image = np.full((20, 30), 100, dtype=np.uint16)
    image[4, 21] = 1100
    numbers = camera_numbers(image)
    assert numbers["total"] == (61000.0, "counts")
    assert (numbers["centre_fast"][0], numbers["centre_slow"][0]) == (21.0, 4.0)
    flat = np.random.default_rng(0).poisson(20.0, (64, 64)).astype(np.float32)
    assert abs(analyser_numbers(flat)["contrast"][0]) < 0.001
    half = np.concatenate([np.zeros((32, 64)), np.full((32, 64), 10.0)])
    assert analyser_numbers(half)["contrast"][0] == pytest.approx(1.0 - 1 / 80.0)
    assert analyser_numbers(np.zeros((64, 64)))["contrast"] == (0.0, "")


def test_they_need_no_epics():
    blocked = "import sys; sys.modules.update(dict.fromkeys(('caproto', 'aioca', 'p4p', 'epicscorelibs'), None)); "
    code = f"{blocked}from beamgym.hardware_bridge.practice.devices import laue_goniometer, arpes_stage"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
