"""The proxies understand ophyd-async, classic ophyd and plain Python devices alike."""

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices.proxies import AxisProxy, DetectorProxy, ShutterProxy, SignalProxy
from beamgym.hardware_bridge.guard.devices.proxies.signal import one_value

ANSWER_S = 30.0


def asked(proxy: type[SignalProxy], device: Any, *questions: str) -> Any:
    async def ask() -> list[Any]:
        return [await getattr(proxy(device, "it", ANSWER_S), question)() for question in questions]

    return asyncio.run(ask())


def frame_of(mark: str) -> Any:
    values = {"image": np.ones((2, 3)), "counter": 7, "time": 1.5}
    return lambda: {f"camera{mark}{name}": {"value": value, "timestamp": 0.0} for name, value in values.items()}


@pytest.mark.parametrize("found", [1.5, {"it": 1.5}, None])
def test_readings_in_another_form_than_blueskys_are_told_with_the_right_one(found: Any):
    device = SimpleNamespace(name="it", read=lambda: found)
    for proxy, question in ((AxisProxy, "position"), (DetectorProxy, "frame")):
        with pytest.raises(DeviceError, match=r"read returned .*; return \{'\w+': \{'value': …, 'timestamp': …\}\}"):
            asked(proxy, device, question)


def test_a_status_of_asyncio_made_in_a_thread_is_told_with_the_remedy():
    class Plain:
        def set(self, value: float) -> Any:
            return asyncio.get_running_loop().create_future()

    with pytest.raises(DeviceError, match="make its other methods, such as read, async"):
        asyncio.run(AxisProxy(Plain(), "x", ANSWER_S).start(1.0))


@pytest.mark.parametrize("mark", ["_", "-"])
def test_a_frames_parts_are_found_by_classic_ophyds_names_and_by_those_of_ophyd_async(mark: str):
    device = SimpleNamespace(name="camera", read=frame_of(mark), trigger=lambda: None)
    (frame,) = asked(DetectorProxy, device, "frame")
    assert (frame.image.shape, frame.counter, frame.time_s) == ((2, 3), 7, 1.5)


def test_a_reading_is_found_under_a_childs_name_however_it_is_joined():
    for name in ("phi", "phi_readback", "phi-readback", "phi-user_readback"):
        others = {"phi_setpoint": {"value": 5.0}, "phi-velocity": {"value": 6.0}}
        assert one_value({**others, name: {"value": 1.0}}, "phi") == 1.0
    with pytest.raises(DeviceError, match="which of phi_setpoint, phi-velocity is its value"):
        one_value(others, "phi")


def test_signals_of_ophyd_async_answer_in_a_methods_place():
    core = pytest.importorskip("ophyd_async.core", reason="the extra 'hardware' is not installed")

    class Camera(core.Device):
        def __init__(self) -> None:
            self.counter, self.exposing = core.soft_signal_rw(int, 12), core.soft_signal_rw(bool, True)
            super().__init__("camera")

    class Motor(core.Device):
        def __init__(self) -> None:
            self.velocity, self.moving = core.soft_signal_rw(float, 2.5), core.soft_signal_rw(bool, False)
            for name, value in (("low", -3.0), ("high", 4.0), ("dial_low", -1.0), ("dial_high", 1.0)):
                setattr(self, f"{name}_limit_travel", core.soft_signal_rw(float, value))
            super().__init__("phi")

    async def ask() -> None:
        camera, motor = Camera(), Motor()
        await camera.connect()
        await motor.connect()
        detector, axis = DetectorProxy(camera, "camera", ANSWER_S), AxisProxy(motor, "phi", ANSWER_S)
        assert (await detector.counter(), await detector.exposing()) == (12, True)
        assert (await axis.velocity(), await axis.moving(), await axis.limits()) == (2.5, False, (-3.0, 4.0))
        await motor.dial_low_limit_travel.set(0.0)
        await motor.dial_high_limit_travel.set(0.0)
        assert await axis.limits() is None

    asyncio.run(ask())


def test_signals_of_classic_ophyd_answer_in_a_methods_place():
    ophyd = pytest.importorskip("ophyd", reason="the extra 'ophyd' is not installed")
    camera = SimpleNamespace(name="camera", counter=ophyd.Signal(name="counter", value=12))
    assert asked(DetectorProxy, camera, "counter") == [12]
    record = {"velocity": 2.5, "low_limit_travel": -3.0, "high_limit_travel": 4.0}
    signals = {name: ophyd.Signal(name=name, value=value) for name, value in record.items()}
    # an EpicsMotor's own limits are those of its setpoint's metadata, which not every server fills in
    motor = SimpleNamespace(name="phi", limits=(0.0, 0.0), **signals)
    assert asked(AxisProxy, motor, "velocity", "limits") == [2.5, (-3.0, 4.0)]


class Forgetful:
    """Forgets who asked first, as a signal of ophyd-async does whose subscription ends before its first value."""

    name, asked, stopped = "phi", 0, 0

    async def locate(self) -> dict[str, float]:
        self.asked += 1
        if self.asked == 1:
            await asyncio.Event().wait()
        return {"setpoint": 1.0, "readback": 1.5}

    async def stop(self, success: bool = True) -> None:
        self.stopped += 1


def test_a_device_that_forgets_a_question_is_asked_again():
    device = Forgetful()
    proxy = AxisProxy(device, "phi", 3.0)
    assert asyncio.run(proxy.position()) == 1.5
    assert device.asked == 2
    asyncio.run(proxy.stop())
    assert device.stopped == 1


def test_a_device_that_never_answers_is_one_line_after_its_time():
    class Dead(Forgetful):
        async def locate(self) -> dict[str, float]:
            await asyncio.Event().wait()
            return {}

    with pytest.raises(DeviceError, match=r"^phi: locate: no answer within 0\.3 s$"):
        asyncio.run(AxisProxy(Dead(), "phi", 0.3).position())


def test_what_a_device_answers_wrongly_is_one_line_that_names_it():
    def fails() -> None:
        raise OSError("the line\nis dead")

    with pytest.raises(DeviceError, match=r"^it: velocity: the line is dead$"):
        asked(AxisProxy, SimpleNamespace(name="phi", velocity=fails), "velocity")


@pytest.mark.parametrize(
    ("severity", "number", "place"), [(0, 0.0, "closed"), (2, 0.0, "closed"), (3, None, "unknown")]
)
def test_a_value_that_its_own_server_calls_invalid_is_not_known(severity: int, number: Any, place: str):
    # 3 is EPICS's INVALID; ophyd-async says -1
    for said in {severity, -1} if severity == 3 else {severity}:
        reading = {"it": {"value": 0.0, "timestamp": 0.0, "alarm_severity": said}}
        device = SimpleNamespace(name="it", read=lambda reading=reading: reading)
        (found,) = asked(SignalProxy, device, "number")
        assert np.isnan(found) if number is None else found == number
        assert asked(ShutterProxy, device, "place") == [place]
        assert asked(AxisProxy, device, "position") == pytest.approx([found], nan_ok=True)


class SlowReadback:
    """A motor that runs on at 3 units per second, shows its place twice a second, and cannot say whether it moves."""

    name = "it"

    def __init__(self, speed: float) -> None:
        self.speed, self.looks = speed, 0

    async def read(self) -> dict[str, Any]:
        self.looks += 1
        # looks are 0.05 s apart: ten of them show the same place
        return {"it": {"value": self.speed * 0.5 * (self.looks // 10), "timestamp": 0.0}}


@pytest.mark.parametrize(("speed", "readback_s", "stands"), [(3.0, 0.0, True), (3.0, 1.0, False), (0.0, 1.0, True)])
def test_a_slow_readback_is_watched_for_longer_than_it_takes(speed, readback_s, stands):
    proxy = AxisProxy(SlowReadback(speed), "it", 1.0)
    # with no time for the readback it is taken for a stand-still, though it runs on
    assert asyncio.run(proxy.stands(0.02, 0.25, readback_s)) is stands
