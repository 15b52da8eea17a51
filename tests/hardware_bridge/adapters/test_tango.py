"""A Tango motor and a Tango attribute, against a device server in a process of its own."""

import asyncio
import math
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("tango", reason="the tango extra is not installed")

import tango
from tango.server import Device, attribute, command
from tango.test_context import DeviceTestContext

from beamgym.hardware_bridge.adapters.tango import TangoMotor, TangoOptions, TangoSignal
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.settings import AxisSettings

FAST = {"poll_s": 0.01, "reply_s": 10.0}


class Motor(Device):
    """A motor that is at its target at once, unless ``busy``; the rest of its behaviour is set through attributes."""

    def init_device(self) -> None:
        super().init_device()
        self._position, self._writes, self._stops = 1.5, 0, 0
        self._valid, self._upper, self._homed = True, False, False
        self.set_state(tango.DevState.ON)

    @attribute(dtype=float, min_value="-20", max_value="20", unit="deg")
    def Position(self) -> Any:
        if self._valid:
            return self._position
        return self._position, 0.0, tango.AttrQuality.ATTR_INVALID

    @Position.write
    def Position(self, value: float) -> None:
        self._writes += 1
        self._position = value

    @attribute(dtype=float)
    def Angle(self) -> float:
        return self._position

    @attribute(dtype=int)
    def Writes(self) -> int:
        return self._writes

    @attribute(dtype=int)
    def Stops(self) -> int:
        return self._stops

    @attribute(dtype=bool)
    def UpperLimitSwitch(self) -> bool:
        return self._upper

    @UpperLimitSwitch.write
    def UpperLimitSwitch(self, value: bool) -> None:
        self._upper = value

    @attribute(dtype=bool)
    def Homed(self) -> bool:
        return self._homed

    @command
    def Stop(self) -> None:
        self._stops += 1
        self.set_state(tango.DevState.ON)

    @command(dtype_in=str)
    def Become(self, state: str) -> None:
        self.set_state(getattr(tango.DevState, state))
        self.set_status(f"it is {state}")

    @command
    def Lose(self) -> None:
        self._valid = False


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    """One server for all tests but the one that ends it."""
    running = started()
    yield running
    running.stop()


@pytest.fixture
def server(context: Any) -> Any:
    """A proxy to the server as new; its address is ``address(proxy)``."""
    context.device.Init()
    return context.device


def started() -> Any:
    context = DeviceTestContext(Motor, process=True, timeout=60)
    try:
        context.start()
    except Exception as error:
        pytest.skip(f"no Tango device server can run here: {error}")
    return context


def address(server: Any, attribute_name: str = "") -> str:
    path = f"{server.dev_name()}/{attribute_name}" if attribute_name else server.dev_name()
    return f"tango://{server.get_dev_host()}:{server.get_dev_port()}/{path}#dbase=no"


def motor(server: Any, timeout_s: float = 30.0, **changes: Any) -> TangoMotor:
    return TangoMotor("phi", address(server), "deg", timeout_s, TangoOptions(**{**FAST, **changes}))


async def position(phi: TangoMotor) -> float:
    return (await phi.read())["phi"]["value"]


def test_a_move_writes_the_position_once_and_reads_it_back(server: Any):
    async def run() -> None:
        phi = motor(server)
        await phi.connect(30.0)
        assert await position(phi) == 1.5
        assert await phi.real_name() == server.dev_name()
        assert server.Writes == 0
        await phi.set(-7.25)
        assert await position(phi) == -7.25
        assert (server.Position, server.Writes) == (-7.25, 1)

    asyncio.run(run())


def test_the_status_is_not_done_while_the_state_is_moving(server: Any):
    async def run() -> None:
        phi = motor(server)
        await phi.connect(30.0)
        server.Become("MOVING")
        status = phi.set(3.0)
        await asyncio.sleep(0.1)
        assert not status.done
        assert await phi.moving()
        await phi.stop()
        await status
        assert server.Stops == 1

    asyncio.run(run())


def test_a_move_that_never_ends_is_an_error_after_its_time(server: Any):
    async def run() -> None:
        phi = motor(server, timeout_s=0.1)
        await phi.connect(30.0)
        server.Become("MOVING")
        with pytest.raises(DeviceError, match=r"phi still moves 0\.1 s"):
            await phi.set(3.0)

    asyncio.run(run())


def test_a_target_that_the_server_refuses_is_an_error(server: Any):
    async def run() -> None:
        phi = motor(server)
        await phi.connect(30.0)
        with pytest.raises(DeviceError, match=r"phi: writing Position at Tango device .* failed: .*above the maximum"):
            await phi.set(25.0)
        with pytest.raises(ValueError, match="a target is a finite number"):
            await phi.set(math.nan)
        assert server.Writes == 0

    asyncio.run(run())


def test_the_limits_are_those_of_the_attribute_and_none_where_it_has_none(server: Any):
    async def run() -> None:
        phi, other = motor(server), motor(server, position="Angle")
        await phi.connect(30.0)
        await other.connect(30.0)
        assert await phi.motor_limits() == (-20.0, 20.0)
        assert await other.motor_limits() is None

    asyncio.run(run())


def test_a_server_says_unit_limits_and_position_and_leaves_the_rest_open(server: Any):
    async def run() -> list[AxisSettings]:
        found = []
        for phi in (motor(server), motor(server, position="Angle", homed="Homed")):
            await phi.connect(30.0)
            found.append(await phi.settings())
        return found

    where = address(server)
    assert asyncio.run(run()) == [
        AxisSettings(where, "deg", 1.5, (-20.0, 20.0)),
        AxisSettings(where, "", 1.5, None, homed=False),
    ]


def test_a_limit_switch_and_a_state_of_trouble_are_alarms(server: Any):
    async def run() -> None:
        phi = motor(server, upper_switch="UpperLimitSwitch")
        await phi.connect(30.0)
        assert await phi.alarm() == ""
        server.Become("FAULT")
        assert await phi.alarm() == "FAULT: it is FAULT"
        server.UpperLimitSwitch = True
        assert await phi.alarm() == "upper limit switch"

    asyncio.run(run())


def test_homed_is_false_unless_the_server_says_so(server: Any):
    async def run() -> None:
        for options in ({}, {"homed": "Homed"}):
            phi = motor(server, **options)
            await phi.connect(30.0)
            assert not await phi.home_done()
        yes = motor(server, homed="UpperLimitSwitch")
        server.UpperLimitSwitch = True
        await yes.connect(30.0)
        assert await yes.home_done()

    asyncio.run(run())


def test_an_invalid_position_is_not_a_number(server: Any):
    async def run() -> None:
        phi = motor(server)
        await phi.connect(30.0)
        server.Lose()
        assert math.isnan(await position(phi))

    asyncio.run(run())


def test_an_attribute_is_a_signal(server: Any):
    async def run() -> None:
        signal = TangoSignal("current", address(server, "Angle"))
        await signal.connect(30.0)
        assert (await signal.read())["current"]["value"] == 1.5
        assert (await signal.describe())["current"]["dtype"] == "number"

    asyncio.run(run())


def test_a_device_or_attribute_that_is_not_there_is_named(server: Any):
    async def run() -> None:
        nowhere = TangoMotor("phi", "tango://127.0.0.1:1/a/b/c#dbase=no", "deg", 5.0)
        with pytest.raises(DeviceError, match=r"phi: .* Tango device tango://127\.0\.0\.1:1/a/b/c") as caught:
            await nowhere.connect(30.0)
        assert "\n" not in str(caught.value)
        with pytest.raises(DeviceError, match=r"phi: reading Psi at Tango device .* failed"):
            await motor(server, position="Psi").connect(30.0)

    asyncio.run(run())


def test_a_command_that_the_server_lacks_is_an_error(server: Any):
    async def run() -> None:
        phi = motor(server, stop="Vanish")
        await phi.connect(30.0)
        with pytest.raises(DeviceError, match=r"phi: command Vanish at Tango device .* failed"):
            await phi.stop()

    asyncio.run(run())


def test_a_server_that_has_gone_is_an_error_and_not_a_wait_for_ever():
    context = started()
    phi = motor(context.device, reply_s=3.0)

    async def run() -> None:
        await phi.connect(30.0)
        await asyncio.to_thread(context.stop)
        for call in (phi.read(), phi.stop(), phi.moving(), phi.set(1.0)):
            with pytest.raises(DeviceError, match=r"phi: .* Tango device"):
                await call

    asyncio.run(run())


def test_an_address_without_attribute_is_refused():
    with pytest.raises(ValueError, match="is no Tango attribute"):
        TangoSignal("current", "Current")


def test_before_connect_nothing_is_commanded():
    async def run() -> None:
        with pytest.raises(DeviceError, match="is not connected"):
            await TangoMotor("phi", "a/b/c", "deg", 5.0).set(1.0)

    asyncio.run(run())
