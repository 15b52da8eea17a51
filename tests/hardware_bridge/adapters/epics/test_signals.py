"""Shutter and single readings over Channel Access, against the practice instrument."""

import asyncio
import math
from typing import Any

import pytest

pytest.importorskip("aioca", reason="the epics extra is not installed")

from beamgym.hardware_bridge.adapters.epics.signals import EpicsShutter, EpicsShutterOptions, EpicsSignal
from beamgym.hardware_bridge.devices import DeviceError

CONNECT_S = 30.0


async def shutter(ioc: Any, **options: Any) -> EpicsShutter:
    device = EpicsShutter(
        "shutter", f"{ioc.prefix}shutter:", EpicsShutterOptions(**{"travel_s": 20.0, "reply_s": 20.0, **options})
    )
    await device.connect(CONNECT_S)
    return device


async def state(device: EpicsShutter) -> float:
    return (await device.read())["shutter"]["value"]


def test_the_shutter_opens_and_closes_and_connecting_does_neither(laue_ioc: Any):
    async def run() -> None:
        device = await shutter(laue_ioc)
        assert await state(device) == 0.0
        assert laue_ioc.puts() == []
        await device.set(1)
        assert (await state(device), laue_ioc.get("shutter:Status")) == (1.0, 1)
        await device.set(0)
        assert (await state(device), laue_ioc.get("shutter:Status")) == (0.0, 0)

    asyncio.run(run())
    assert [put["pv"] for put in laue_ioc.puts()] == ["bgym:shutter:Open"] * 2


def test_stop_closes_it(laue_ioc: Any):
    async def run() -> None:
        device = await shutter(laue_ioc)
        await device.set(1)
        await device.stop()
        assert await state(device) == 0.0

    asyncio.run(run())
    assert laue_ioc.get("shutter:Status") == 0


def test_a_shutter_that_does_not_follow_is_an_error(laue_ioc: Any):
    laue_ioc.put("sim:fault:stuck_shutter", "1")

    async def run() -> None:
        device = await shutter(laue_ioc, travel_s=0.2)
        with pytest.raises(DeviceError, match=r"shutter has not opened within 0\.2 s"):
            await device.set(1)

    asyncio.run(run())


@pytest.mark.parametrize("value", [2, -1, math.nan, "open"])
def test_what_is_neither_open_nor_closed_is_never_put(laue_ioc: Any, value: Any):
    async def run() -> None:
        device = await shutter(laue_ioc)
        with pytest.raises(ValueError, match="takes 1 to open and 0 to close"):
            await device.set(value)

    asyncio.run(run())
    assert laue_ioc.puts() == []


def test_a_status_that_says_neither_is_not_a_number(laue_ioc: Any):
    async def run() -> None:
        assert math.isnan(await state(await shutter(laue_ioc, opened=["in"], closed=["out"])))

    asyncio.run(run())


def test_a_shutter_with_a_pv_of_its_own_to_close_gets_a_one_there(laue_ioc: Any):
    """The practice instrument has one PV for both ways: it opens, and that is noticed."""

    async def run() -> None:
        device = await shutter(laue_ioc, close="Open", travel_s=0.1)
        with pytest.raises(DeviceError, match="has not closed"):
            await device.set(0)

    asyncio.run(run())
    (put,) = laue_ioc.puts()
    assert float(put["value"]) == 1.0


@pytest.mark.parametrize(
    ("pv", "dtype", "expected"),
    [("identity", "string", "beamgym-simulation"), ("beam:Current", "number", 200.0)],
)
def test_a_reading_has_value_and_type(laue_ioc: Any, pv: str, dtype: str, expected: Any):
    async def run() -> None:
        signal = EpicsSignal("signal", laue_ioc.prefix + pv)
        await signal.connect(CONNECT_S)
        assert (await signal.read())["signal"]["value"] == expected
        assert (await signal.describe())["signal"]["dtype"] == dtype

    asyncio.run(run())
    assert laue_ioc.puts() == []


def test_a_heartbeat_is_read_anew_each_time(laue_ioc: Any):
    async def run() -> None:
        signal = EpicsSignal("pulse", f"{laue_ioc.prefix}heartbeat")
        await signal.connect(CONNECT_S)
        first = (await signal.read())["pulse"]["value"]
        for _ in range(200):
            await asyncio.sleep(0.02)
            if (await signal.read())["pulse"]["value"] != first:
                return
        raise AssertionError("the heartbeat never changed")

    asyncio.run(run())


def test_a_pv_that_does_not_answer_is_named(laue_ioc: Any):
    with pytest.raises(DeviceError, match=r"pulse: no answer from PV bgym:nothing within 0\.5 s"):
        asyncio.run(EpicsSignal("pulse", "bgym:nothing").connect(0.5))
