"""The EPICS motor over Channel Access, against the practice instrument; the emulator is asked what really happened."""

import asyncio
import math
from typing import Any

import pytest

pytest.importorskip("aioca", reason="the epics extra is not installed")

from bluesky.protocols import Movable, Readable, Stoppable

from beamgym.hardware_bridge.adapters.epics.channels import Channels
from beamgym.hardware_bridge.adapters.epics.motor import EpicsMotor, EpicsMotorOptions, motor_record_limits
from beamgym.hardware_bridge.adapters.epics.motor_settings import read_motor_settings
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.settings import AxisSettings

CONNECT_S = 30.0


class Update(float):
    """A number as a monitor brings it: with the severity of its record."""

    severity = 0


def motor(ioc: Any, timeout_s: float = 60.0, unit: str = "deg", name: str = "j1") -> EpicsMotor:
    return EpicsMotor(name, f"{ioc.prefix}{name}", unit, timeout_s, EpicsMotorOptions(reply_s=20.0))


async def connected(ioc: Any, **changes: Any) -> EpicsMotor:
    phi = motor(ioc, **changes)
    await phi.connect(CONNECT_S)
    return phi


async def position(phi: EpicsMotor) -> float:
    return (await phi.read())[phi.name]["value"]


async def stands(phi: EpicsMotor) -> None:
    """Wait until it does not move; the word to stop waits for no answer."""
    for _ in range(600):
        if not await phi.moving():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{phi.name} does not stand")


def moves(ioc: Any, field: str = "VAL") -> list[dict[str, Any]]:
    return [put for put in ioc.puts() if put["pv"] == f"{ioc.prefix}j1.{field}"]


def test_connecting_and_reading_puts_nothing(laue_ioc: Any):
    async def run() -> None:
        phi = await connected(laue_ioc)
        assert (await phi.read()).keys() == (await phi.describe()).keys() == {"j1"}
        assert await phi.motor_limits() == (laue_ioc.get("j1.LLM"), laue_ioc.get("j1.HLM"))
        assert await phi.velocity() == laue_ioc.get("j1.VELO")
        assert (await phi.moving(), await phi.alarm(), await phi.home_done()) == (False, "", True)

    asyncio.run(run())
    assert laue_ioc.puts() == []


def test_a_move_is_one_put_and_ends_where_the_motor_really_is(laue_ioc: Any):
    async def run() -> None:
        phi = await connected(laue_ioc)
        status = phi.set(5.0)
        await status
        assert status.success
        assert not await phi.moving()
        assert await position(phi) == pytest.approx(5.0, abs=0.02)

    asyncio.run(run())
    (put,) = moves(laue_ioc)
    assert float(put["value"]) == 5.0
    assert laue_ioc.get("j1.DMOV") == 1


@pytest.mark.parametrize("target", [math.nan, math.inf, -math.inf])
def test_a_target_that_is_not_finite_is_never_put(laue_ioc: Any, target: float):
    async def run() -> None:
        phi = await connected(laue_ioc)
        with pytest.raises(ValueError, match="a target is a finite number"):
            await phi.set(target)

    asyncio.run(run())
    assert laue_ioc.puts() == []


def test_a_target_beyond_the_records_limits_is_an_error_and_the_motor_stays(laue_ioc: Any):
    async def run() -> None:
        phi = await connected(laue_ioc)
        before = await position(phi)
        beyond = (await phi.motor_limits() or (0.0, 0.0))[1] + 10.0
        with pytest.raises(DeviceError, match=r"the motor record refused .* beyond its limits"):
            await phi.set(beyond)
        assert await position(phi) == pytest.approx(before, abs=0.01)

    asyncio.run(run())


def test_a_stalled_motor_is_waited_for_until_the_timeout_and_no_longer(laue_ioc: Any):
    laue_ioc.put("sim:fault:stall", "j1")

    async def run() -> None:
        phi = await connected(laue_ioc, timeout_s=3.0)
        status = phi.set(5.0)
        while not await phi.moving():
            assert not status.done
        with pytest.raises(DeviceError, match=r"j1: writing PV bgym:j1\.VAL"):
            await status
        await phi.stop()
        await stands(phi)

    asyncio.run(run())
    assert len(moves(laue_ioc, "STOP")) == 1


def test_stop_ends_a_move_under_way(laue_ioc: Any):
    laue_ioc.put("j1.VELO", 0.002)

    async def run() -> None:
        phi = await connected(laue_ioc)
        status = phi.set(80.0)
        while not await phi.moving():
            assert not status.done
        await phi.stop()
        await status
        await stands(phi)
        assert await position(phi) < 79.0

    asyncio.run(run())


def test_judging_arrival_is_left_to_the_guard(laue_ioc: Any):
    laue_ioc.put("sim:fault:ignored_put", "j1")

    async def run() -> None:
        phi = await connected(laue_ioc)
        status = phi.set(5.0)
        await status
        assert status.success
        assert abs(await position(phi) - 5.0) > 4.0

    asyncio.run(run())


def test_a_readback_that_is_not_a_number_is_passed_on(laue_ioc: Any):
    laue_ioc.put("sim:fault:nan_readback", "j1")

    async def run() -> None:
        assert math.isnan(await position(await connected(laue_ioc)))

    asyncio.run(run())


def test_an_update_that_its_server_calls_invalid_is_no_position(laue_ioc: Any):
    async def run() -> tuple[float | None, float | None]:
        phi, found = await connected(laue_ioc), []
        for severity in (0, 3):
            value = Update(4.25)
            value.severity = severity
            asyncio.get_running_loop().call_later(0.05, phi._pv._update, "RBV", value)
            found.append(await phi.next_position(CONNECT_S))
        return found[0], found[1]

    known, invalid = asyncio.run(run())
    assert known == 4.25
    assert invalid is not None
    assert math.isnan(invalid)


def test_an_alarm_and_a_limit_switch_are_told(laue_ioc: Any):
    async def run() -> None:
        phi = await connected(laue_ioc)
        laue_ioc.put("sim:fault:alarm", "j1")
        assert (await phi.alarm()).startswith("alarm MAJOR")
        assert (await phi.read())["j1"]["alarm_severity"] == 2
        laue_ioc.put("sim:fault:clear", 1.0)
        laue_ioc.put("sim:fault:limit_switch", "j1")
        await phi.set(20.0)
        assert await phi.alarm() == "high limit switch"

    asyncio.run(run())


def test_an_axis_that_lost_its_home_says_so(laue_ioc: Any):
    laue_ioc.put("sim:fault:unhomed", "j1")

    async def run() -> None:
        assert not await (await connected(laue_ioc)).home_done()

    asyncio.run(run())


def test_limits_are_read_anew_and_follow_offset_and_direction(laue_ioc: Any):
    async def run() -> None:
        phi = await connected(laue_ioc)
        laue_ioc.put("j1.DLLM", -10.0)
        laue_ioc.put("j1.DHLM", 30.0)
        assert await phi.motor_limits() == (-10.0, 30.0)
        laue_ioc.put("j1.OFF", 5.0)
        assert await phi.motor_limits() == (-5.0, 35.0)
        laue_ioc.put("j1.DIR", 1)
        assert await phi.motor_limits() == (-25.0, 15.0)

    asyncio.run(run())


def test_a_record_without_limits_has_none(laue_ioc: Any):
    laue_ioc.put("j1.DLLM", 0.0)
    laue_ioc.put("j1.DHLM", 0.0)

    async def run() -> None:
        assert await (await connected(laue_ioc)).motor_limits() is None

    asyncio.run(run())


def test_another_unit_than_the_records_is_refused(laue_ioc: Any):
    with pytest.raises(DeviceError, match=r"j1: bgym:j1\.EGU is 'deg', the instrument file says 'mm'"):
        asyncio.run(connected(laue_ioc, unit="mm"))


def test_pvs_that_do_not_answer_are_named_in_one_line(laue_ioc: Any):
    nowhere = EpicsMotor("phi", "bgym:nowhere", "deg", 5.0)
    with pytest.raises(DeviceError, match=r"phi: no answer from PV bgym:nowhere\.VAL, .* within 0\.5 s") as caught:
        asyncio.run(nowhere.connect(0.5))
    assert "\n" not in str(caught.value)


def test_an_ioc_that_dies_during_a_move_is_an_error_and_after_its_return_all_is_read_again(laue_ioc: Any):
    laue_ioc.put("j1.VELO", 0.002)

    async def run() -> None:
        phi = EpicsMotor("j1", "bgym:j1", "deg", 20.0, EpicsMotorOptions(reply_s=2.0))
        await phi.connect(CONNECT_S)
        status = phi.set(80.0)
        while not await phi.moving():
            assert not status.done
        await asyncio.to_thread(laue_ioc.kill)
        with pytest.raises(DeviceError, match="j1: writing PV"):
            await status
        with pytest.raises(DeviceError, match=r"j1: reading PV.*a larger reply_s"):
            await phi.read()
        await asyncio.to_thread(laue_ioc.restart)
        await phi.connect(60.0)
        await phi.stop()
        assert await position(phi) < 79.0

    asyncio.run(run())


def test_a_put_that_the_server_refuses_is_an_error(laue_ioc: Any):
    """ophyd-async 0.21 on Python 3.11 reports such a put as done."""

    async def run() -> None:
        channels = Channels("j1", {"speed": "bgym:j1.VELO"}, 20.0, ["speed"])
        await channels.connect(CONNECT_S)
        with pytest.raises(DeviceError, match=r"j1: writing PV bgym:j1\.VELO"):
            await channels.put("speed", -1.0)

    asyncio.run(run())
    assert laue_ioc.get("j1.VELO") > 0


def test_a_run_engine_moves_it(laue_ioc: Any):
    import bluesky.plan_stubs as bps
    from bluesky import RunEngine

    engine, phi = RunEngine({}), motor(laue_ioc)

    def plan() -> Any:
        yield from bps.wait_for([lambda: phi.connect(CONNECT_S)])
        yield from bps.mv(phi, 3.0)
        assert (yield from bps.rd(phi)) == pytest.approx(3.0, abs=0.02)

    engine(plan())
    assert len(moves(laue_ioc)) == 1


@pytest.mark.parametrize("protocol", [Movable, Readable, Stoppable])
def test_it_satisfies_the_protocols(protocol: Any):
    assert isinstance(EpicsMotor("phi", "bgym:phi", "deg", 5.0), protocol)


@pytest.mark.parametrize(
    ("user", "dial", "sign", "offset", "expected"),
    [
        ((-10.0, 10.0), (-10.0, 10.0), 1, 0.0, (-10.0, 10.0)),
        ((-5.0, 15.0), (-10.0, 10.0), 1, 5.0, (-5.0, 15.0)),
        ((-3.0, 90.0), (-10.0, 10.0), 1, 5.0, (-3.0, 15.0)),
        ((-20.0, 10.0), (-10.0, 20.0), -1, 0.0, (-20.0, 10.0)),
        ((-90.0, 90.0), (-10.0, 20.0), -1, 1.0, (-19.0, 11.0)),
        ((0.0, 0.0), (0.0, 0.0), 1, 0.0, None),
        ((7.0, 7.0), (0.0, 0.0), 1, 7.0, None),
        ((0.0, 0.0), (0.0, 0.0), 1, 7.0, None),
        ((0.0, 0.0), (-5.0, 5.0), 1, 0.0, (-5.0, 5.0)),
        ((-5.0, 5.0), (0.0, 0.0), 1, 0.0, (-5.0, 5.0)),
    ],
)
def test_the_tighter_of_user_and_dial_limits_holds(
    user: tuple[float, float],
    dial: tuple[float, float],
    sign: int,
    offset: float,
    expected: tuple[float, float] | None,
):
    assert motor_record_limits("phi", user, dial, sign, offset) == expected


@pytest.mark.parametrize(
    ("user", "dial", "offset", "message"),
    [
        ((-1.0, 1.0), (5.0, 9.0), 0.0, "exclude every position"),
        ((1.0, -1.0), (-5.0, 5.0), 0.0, "exclude every position"),
        ((-1.0, 1.0), (5.0, -5.0), 0.0, "exclude every position"),
        ((math.nan, 1.0), (-5.0, 5.0), 0.0, "not all finite"),
        ((-1.0, 1.0), (-5.0, 5.0), math.inf, "not all finite"),
    ],
)
def test_limits_that_cannot_be_are_an_error(
    user: tuple[float, float], dial: tuple[float, float], offset: float, message: str
):
    with pytest.raises(DeviceError, match=message):
        motor_record_limits("phi", user, dial, 1, offset)


def test_a_record_says_what_it_is_set_to(laue_ioc: Any):
    async def run() -> AxisSettings:
        return await (await connected(laue_ioc)).settings()

    laue_ioc.put("j1.BDST", -0.5)
    laue_ioc.put("j1.OFF", 3.0)
    found = asyncio.run(run())
    assert found == AxisSettings(
        "bgym:j1",
        "deg",
        position=found.position,
        limits=(-87.0, 93.0),
        dial_limits=(-90.0, 90.0),
        direction=1,
        offset=3.0,
        speed=2.0,
        backlash=-0.5,
        backlash_speed=2.0,
        step=1e-4,
        deadband=found.deadband,
        homed=True,
        description="simulated j1",
        record_type="motor",
    )


def test_fields_that_a_server_lacks_are_left_open(laue_ioc: Any):
    async def run() -> AxisSettings:
        return await read_motor_settings(f"{laue_ioc.prefix}heartbeat", 0.5)

    assert asyncio.run(run()) == AxisSettings("bgym:heartbeat")
