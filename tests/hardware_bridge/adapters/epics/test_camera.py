"""The EPICS camera over Channel Access, against the practice instrument; PVA images where p4p is installed."""

import asyncio
import math
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("aioca", reason="the epics extra is not installed")

from bluesky.protocols import Readable, Stoppable, Triggerable

from beamgym.hardware_bridge.adapters.epics.array import as_image
from beamgym.hardware_bridge.adapters.epics.camera import EpicsCamera, EpicsCameraOptions
from beamgym.hardware_bridge.adapters.epics.pva import PvaImage, ntndarray
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.settings import DetectorSettings, largest_value
from beamgym.physics.instrument import FrameFailed

CONNECT_S = 30.0


async def connected(ioc: Any, timeout_s: float = 20.0, **options: Any) -> EpicsCamera:
    shape = (ioc.get("image1:ArraySize1_RBV"), ioc.get("image1:ArraySize0_RBV"))
    camera = EpicsCamera("camera", ioc.prefix, shape, timeout_s, EpicsCameraOptions(**{"reply_s": 20.0, **options}))
    await camera.connect(CONNECT_S)
    return camera


async def values(camera: EpicsCamera) -> dict[str, Any]:
    return {key.removeprefix("camera_"): reading["value"] for key, reading in (await camera.read()).items()}


def test_connecting_and_reading_puts_nothing(laue_ioc: Any):
    async def run() -> None:
        camera = await connected(laue_ioc)
        described = await camera.describe()
        assert described.keys() == (await camera.read()).keys()
        assert (await camera.alarm(), await camera.exposure_s()) == ("", laue_ioc.get("cam1:AcquireTime_RBV"))

    asyncio.run(run())
    assert laue_ioc.puts() == []


def test_a_trigger_is_one_put_and_brings_a_new_frame_with_its_clock(laue_ioc: Any):
    async def run() -> None:
        camera = await connected(laue_ioc)
        before, asked_s = await camera.counter(), time.time()
        await camera.set_exposure(0.5)
        await camera.trigger()
        frame = await values(camera)
        assert frame["counter"] == before + 1 == await camera.counter()
        assert asked_s - 1.0 < frame["time"] < time.time() + 1.0
        rows, columns = laue_ioc.get("image1:ArraySize1_RBV"), laue_ioc.get("image1:ArraySize0_RBV")
        assert frame["image"].shape == (rows, columns) == (512, 512)
        np.testing.assert_array_equal(frame["image"].ravel(), np.asarray(laue_ioc.get("image1:ArrayData")))
        assert frame["image"].min() < frame["image"].max()

    asyncio.run(run())
    acquires = [put for put in laue_ioc.puts() if put["pv"] == "bgym:cam1:Acquire"]
    assert len(acquires) == 1


def test_the_exposure_is_set_and_one_that_the_camera_changes_is_an_error(laue_ioc: Any):
    async def run() -> None:
        camera = await connected(laue_ioc)
        await camera.set_exposure(0.25)
        assert await camera.exposure_s() == laue_ioc.get("cam1:AcquireTime_RBV") == 0.25
        with pytest.raises(DeviceError, match=r"asked to expose 1e\+06 s, the camera set"):
            await camera.set_exposure(1e6)

    asyncio.run(run())


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_an_exposure_that_is_none_is_never_put(laue_ioc: Any, seconds: float):
    async def run() -> None:
        camera = await connected(laue_ioc)
        with pytest.raises(ValueError, match="positive number of seconds"):
            await camera.set_exposure(seconds)

    asyncio.run(run())
    assert laue_ioc.puts() == []


def test_a_camera_in_another_mode_is_refused_and_not_changed(laue_ioc: Any):
    laue_ioc.put("cam1:ImageMode", 2)

    async def run() -> None:
        camera = await connected(laue_ioc)
        with pytest.raises(DeviceError, match="ImageMode is 'Continuous'; set it to Single"):
            await camera.trigger()

    try:
        asyncio.run(run())
        assert laue_ioc.puts() == []
    finally:
        laue_ioc.put("cam1:ImageMode", 0)


def test_a_hung_camera_is_an_error_after_its_time_and_can_be_stopped(laue_ioc: Any):
    laue_ioc.put("sim:fault:hung_camera", "1")

    async def run() -> None:
        camera = await connected(laue_ioc, timeout_s=3.0)
        await camera.set_exposure(0.1)
        status = camera.trigger()
        while not await camera.exposing():
            assert not status.done
        with pytest.raises(DeviceError, match=r"camera: writing PV bgym:cam1:Acquire"):
            await status
        await camera.stop()
        assert laue_ioc.get("cam1:AcquireBusy") == 0

    asyncio.run(run())


def test_a_camera_that_ignores_its_stop_is_an_error_and_says_so_itself(laue_ioc: Any):
    for fault in ("hung_camera", "deaf_camera"):
        laue_ioc.put(f"sim:fault:{fault}", "1")

    async def run() -> None:
        camera = await connected(laue_ioc, reply_s=5.0)
        status = camera.trigger()
        while not await camera.exposing():
            await asyncio.sleep(0.02)
        with pytest.raises(DeviceError, match="camera still exposes 5 s after it was told to stop; stop it by hand"):
            await camera.stop()
        laue_ioc.put("sim:fault:deaf_camera", "")
        await camera.stop()
        assert not await camera.exposing()
        await status

    asyncio.run(run())
    assert [put["value"] for put in laue_ioc.puts() if put["pv"] == "bgym:cam1:Acquire"] == [1, 0, 0]


def test_a_repeated_frame_is_passed_on_with_its_old_counter_for_the_guard_to_judge(laue_ioc: Any):
    async def run() -> None:
        camera = await connected(laue_ioc, image_wait_s=0.1)
        await camera.set_exposure(0.1)
        await camera.trigger()
        before = (await values(camera))["counter"]
        laue_ioc.put("sim:fault:repeated_frame", "1")
        status = camera.trigger()
        await status
        assert status.success
        assert (await values(camera))["counter"] == before

    asyncio.run(run())


def test_a_frame_of_another_size_is_passed_on_as_it_is(laue_ioc: Any):
    laue_ioc.put("sim:fault:wrong_shape", "1")

    async def run() -> None:
        camera = await connected(laue_ioc)
        await camera.set_exposure(0.1)
        await camera.trigger()
        assert (await values(camera))["image"].shape == (256, 512)

    asyncio.run(run())


def test_a_spectrum_keeps_its_fractions(arpes_ioc: Any):
    async def run() -> None:
        camera = await connected(arpes_ioc)
        await camera.set_exposure(1.0)
        await camera.trigger()
        image = (await values(camera))["image"]
        assert image.dtype.kind == "f"
        assert image.shape == (arpes_ioc.get("image1:ArraySize1_RBV"), arpes_ioc.get("image1:ArraySize0_RBV"))

    asyncio.run(run())


def test_pvs_that_do_not_answer_are_named_in_one_line(laue_ioc: Any):
    async def run(**options: Any) -> None:
        camera = EpicsCamera("camera", laue_ioc.prefix, (512, 512), 5.0, EpicsCameraOptions(**options))
        with pytest.raises(DeviceError, match=r"camera: no answer from PV bgym:none1:\w+") as caught:
            await camera.connect(0.5)
        assert "\n" not in str(caught.value)
        await connected(laue_ioc)  # PVs that do answer have answered before their loop is closed

    asyncio.run(run(camera="none1:"))
    asyncio.run(run(image="none1:"))


@pytest.mark.parametrize("protocol", [Readable, Stoppable, Triggerable])
def test_it_satisfies_the_protocols(protocol: Any):
    assert isinstance(EpicsCamera("camera", "bgym:", (4, 4), 5.0), protocol)


def test_left_over_elements_are_cut_off_and_missing_ones_an_error():
    np.testing.assert_array_equal(as_image("camera", np.arange(8), (2, 3)), [[0, 1, 2], [3, 4, 5]])
    with pytest.raises(FrameFailed, match="5 numbers make no image of 2 × 3"):
        as_image("camera", np.arange(5), (2, 3))
    with pytest.raises(FrameFailed, match="has no frame yet"):
        as_image("camera", np.arange(1), (0, 0))


def array(sizes: list[int], value: np.ndarray) -> dict[str, Any]:
    return {
        "value": value,
        "dimension": [{"size": size} for size in sizes],
        "uniqueId": 7,
        "dataTimeStamp": {"secondsPastEpoch": 1_700_000_000, "nanoseconds": 500_000_000},
    }


def test_an_ntndarray_lists_its_fast_direction_first():
    image, counter, seconds = ntndarray("camera", array([3, 2], np.arange(6, dtype=np.uint16)))
    np.testing.assert_array_equal(image, [[0, 1, 2], [3, 4, 5]])
    assert (counter, seconds) == (7, 1_700_000_000.5)


@pytest.mark.parametrize(
    ("sizes", "count", "message"), [([3, 2], 5, "5 numbers make no image of 2 × 3"), ([3, 2, 3], 18, "3 dimensions")]
)
def test_an_ntndarray_that_is_no_grey_image_is_an_error(sizes: list[int], count: int, message: str):
    with pytest.raises(FrameFailed, match=message):
        ntndarray("camera", array(sizes, np.arange(count)))


def test_without_p4p_a_pva_image_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("beamgym.hardware_bridge.adapters.epics.pva.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"camera: pva_image needs p4p.*pip install 'beamgym\[pva\]'"):
        EpicsCamera("camera", "bgym:", (4, 4), 5.0, EpicsCameraOptions(pva_image="bgym:Pva1:Image"))


def test_an_image_comes_over_pva(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("p4p", reason="the pva extra is not installed")
    from p4p.nt import NTNDArray
    from p4p.server import Server
    from p4p.server.thread import SharedPV

    wrapped = NTNDArray()
    served = SharedPV(initial=wrapped.wrap(np.zeros((3, 4), dtype=np.uint16)))

    def publish(number: int) -> np.ndarray:
        picture = np.arange(12, dtype=np.uint16).reshape(3, 4) + np.uint16(number)
        frame = wrapped.wrap(picture)
        frame["uniqueId"] = number
        frame["dataTimeStamp"] = {"secondsPastEpoch": 1_700_000_000 + number, "nanoseconds": 500_000_000}
        served.post(frame)
        return picture

    with Server(providers=[{"test:Image": served}], isolate=True) as server:
        for name, value in server.conf().items():
            monkeypatch.setenv(name, value)

        async def run() -> None:
            reader = PvaImage("camera", "test:Image", CONNECT_S)
            await reader.connect(CONNECT_S)
            for number in (7, 8):
                picture = publish(number)
                image, counter, seconds = await reader.frame()
                np.testing.assert_array_equal(image, picture)
                assert (image.dtype, counter, seconds) == (np.uint16, number, 1_700_000_000.5 + number)
            served.close()
            absent = PvaImage("camera", "test:Absent", 0.3)
            with pytest.raises(DeviceError, match=r"camera: PV test:Absent over PVA: no answer within 0\.3 s"):
                await absent.connect(0.3)
            absent.close()
            reader.close()

        asyncio.run(run())


def test_a_camera_says_what_it_is_set_to(laue_ioc: Any):
    async def run() -> DetectorSettings:
        return await (await connected(laue_ioc)).settings()

    assert asyncio.run(run()) == DetectorSettings(
        "bgym:cam1:",
        shape=(512, 512),
        largest_shape=(512, 512),
        data_type="UInt16",
        color_mode="Mono",
        image_mode="Single",
        exposure_s=laue_ioc.get("cam1:AcquireTime_RBV"),
        exposure_limits_s=(0.001, 3600.0),
        counts_frames=True,
        state="Idle",
        model="beamgym simulated laue",
    )


@pytest.mark.parametrize(
    ("data_type", "largest"),
    [("UInt8", 255.0), ("Int8", 127.0), ("UInt16", 65535.0), ("Int16", 32767.0), ("UInt32", 4294967295.0)],
)
def test_whole_numbers_have_a_largest_value(data_type: str, largest: float):
    assert largest_value(data_type) == largest


@pytest.mark.parametrize("data_type", ["Float32", "Float64", "unknown", "Int", None])
def test_other_data_types_have_none(data_type: str | None):
    assert largest_value(data_type) is None
