"""From an instrument file to its devices: what is built, what is refused, and what passes through untouched."""

import asyncio
import copy
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from beamgym.hardware_bridge.adapters.connect import connect, connect_device
from beamgym.hardware_bridge.adapters.exposure_axis import ExposureAxis
from beamgym.hardware_bridge.adapters.filedrop import FileDropDetector
from beamgym.hardware_bridge.adapters.manual import ManualAxis
from beamgym.hardware_bridge.adapters.table import BUILDERS, OPTIONS, check_options
from beamgym.hardware_bridge.devices import DeviceError, in_thread, need
from beamgym.hardware_bridge.instrument_file.load import load_instrument, parse_instrument, shipped_instrument
from beamgym.hardware_bridge.manual_operator import Operator


class Done:
    """A Status that is done."""

    done = success = True

    def add_callback(self, callback: Any) -> None:
        callback(self)

    def exception(self, timeout: float | None = 0.0) -> None:
        return None


class PlainMotor:
    """What a user may bring: no base class, synchronous methods."""

    name, parent = "mine", None

    def __init__(self) -> None:
        self.position = 1.0

    def set(self, value: float) -> Done:
        self.position = value
        return Done()

    def read(self) -> dict[str, dict[str, float]]:
        return {"mine": {"value": self.position, "timestamp": time.time()}}


class PlainCamera:
    def trigger(self) -> Done:
        return Done()

    def read(self) -> dict[str, Any]:
        return {}


def manual_file(**changes: Any) -> dict[str, Any]:
    """Return the shipped instrument of manual axes and a folder, as a mapping, with devices replaced."""
    content = yaml.safe_load(shipped_instrument("laue_manual_filedrop").read_text(encoding="utf-8"))
    content["devices"].update(copy.deepcopy(changes))
    return content


def build(objects: dict[str, Any] | None = None, **changes: Any) -> Any:
    return connect(parse_instrument(manual_file(**changes)), objects)


def test_manual_axes_and_a_folder_are_built_from_the_shipped_file():
    devices = connect(load_instrument(shipped_instrument("laue_manual_filedrop")))
    assert list(devices.axes) == ["rotation", "lower_arc", "upper_arc"]
    assert {type(axis) for axis in devices.axes.values()} == {ManualAxis}
    assert isinstance(devices.detector, FileDropDetector)
    assert [axis.name for axis in devices.axes.values()] == list(devices.axes)
    assert (devices.shutter, devices.identity, devices.heartbeats) == (None, None, {})


def test_all_of_the_practice_instrument_connects_and_nothing_is_put(laue_ioc: Any):
    devices = connect(load_instrument(shipped_instrument("laue_soft_ioc")))
    assert devices.shutter is not None
    assert (list(devices.heartbeats), list(devices.suspenders)) == (["server"], ["beam", "vacuum"])

    async def run() -> None:
        await devices.connect(20.0)
        assert (await devices.identity.read())["identity"]["value"] == "beamgym-simulation"
        for name, axis in devices.axes.items():
            assert (await axis.read()).keys() == {name}
        assert (await devices.detector.read())["detector_image"]["value"].shape == (512, 512)

    asyncio.run(run())
    assert laue_ioc.puts() == []


def test_the_dwell_of_arpes_is_the_detectors_exposure_time(arpes_ioc: Any):
    devices = connect(load_instrument(shipped_instrument("arpes_soft_ioc")))
    dwell = devices.axes["dwell"]
    assert isinstance(dwell, ExposureAxis)

    async def run() -> None:
        await devices.connect(20.0)
        await dwell.set(1.5)
        assert (await dwell.read())["dwell"]["value"] == 1.5
        _, high = await dwell.motor_limits()
        with pytest.raises(ValueError, match="dwell goes from"):
            dwell.set(high + 1.0)

    asyncio.run(run())
    assert arpes_ioc.get("cam1:AcquireTime_RBV") == 1.5


def test_a_server_that_is_not_there_is_one_line_that_names_a_pv(laue_ioc: Any):
    content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
    content["devices"]["j3"]["address"] = "bgym:missing"
    devices = connect(parse_instrument(content))
    with pytest.raises(DeviceError, match=r"j3: no answer from PV bgym:missing\.VAL") as caught:
        asyncio.run(devices.connect(1.0))
    assert "\n" not in str(caught.value)


def test_plain_python_objects_pass_through_as_they_are():
    motor, camera = PlainMotor(), PlainCamera()
    devices = build(
        {"turntable": motor, "camera": camera},
        rotation={"adapter": "object", "address": "turntable"},
        camera={"adapter": "object", "address": "camera"},
    )
    assert devices.axes["rotation"] is motor
    assert devices.detector is camera


def test_classic_ophyd_objects_pass_through_and_are_waited_for():
    sim = pytest.importorskip("ophyd.sim", reason="the ophyd extra is not installed")
    devices = build({"rotation": sim.motor}, rotation={"adapter": "object", "address": "rotation"})
    assert devices.axes["rotation"] is sim.motor
    asyncio.run(connect_device("axis 'rotation'", sim.motor, 1.0))


def test_ophyd_async_objects_pass_through_and_are_connected():
    from ophyd_async.sim import SimMotor

    motor = SimMotor(name="rotation", instant=True)
    devices = build({"rotation": motor}, rotation={"adapter": "object", "address": "rotation"})
    assert devices.axes["rotation"] is motor
    asyncio.run(connect_device("axis 'rotation'", motor, 5.0))


def test_a_device_that_cannot_be_reached_is_one_line():
    class Unreachable(PlainMotor):
        def wait_for_connection(self, timeout: float) -> None:
            raise TimeoutError("two\nlines")

    class Deaf(PlainMotor):
        def wait_for_connection(self, timeout: float) -> None:
            time.sleep(5.0)

    with pytest.raises(DeviceError, match=r"^axis 'phi': cannot be reached: two lines$"):
        asyncio.run(connect_device("axis 'phi'", Unreachable(), 10.0))
    with pytest.raises(DeviceError, match=r"axis 'phi': no answer within"):
        asyncio.run(connect_device("axis 'phi'", Deaf(), -0.9))


@pytest.mark.parametrize(
    ("objects", "changes", "error", "message"),
    [
        (
            {},
            {"camera": {"adapter": "object", "address": "camera"}},
            ValueError,
            "object 'camera', which was not passed; passed: none",
        ),
        ({"x": PlainMotor()}, {}, ValueError, "object 'x' was passed, but no device of instrument"),
        (
            {"camera": PlainMotor()},
            {"camera": {"adapter": "object", "address": "camera"}},
            TypeError,
            "object 'camera' (PlainMotor) cannot be detector 'detector': it has no trigger",
        ),
        (
            {"rotation": PlainCamera()},
            {"rotation": {"adapter": "object", "address": "rotation"}},
            TypeError,
            "cannot be axis 'rotation': it has no set",
        ),
        (
            {},
            {"rotation": {"adapter": "manual", "options": {"cw": "left"}}},
            ValueError,
            "device 'rotation': no option 'cw'; the options are up, down, decimals, low, high",
        ),
        (
            {},
            {"camera": {"adapter": "filedrop", "address": "/data", "options": {"settle": 1.0}}},
            ValueError,
            "device 'camera': no option 'settle'; the options are pattern, counter",
        ),
        (
            {},
            {"camera": {"adapter": "filedrop", "address": "/data", "options": {"settle_s": "soon"}}},
            ValueError,
            "device 'camera': option 'settle_s' is 'soon'",
        ),
        (
            {},
            {"rotation": {"adapter": "epics", "address": "m1", "options": {"speed": 2.0}}},
            ValueError,
            "device 'rotation': no option 'speed'",
        ),
        (
            {},
            {"rotation": {"adapter": "tango", "address": "a/b/c", "options": {"speed": 2.0}}},
            ValueError,
            "device 'rotation': no option 'speed'",
        ),
        (
            {"rotation": PlainMotor()},
            {"rotation": {"adapter": "object", "address": "rotation", "options": {"speed": 2.0}}},
            ValueError,
            "device 'rotation': no option 'speed'; the options are none",
        ),
    ],
)
def test_what_cannot_be_connected_is_refused_in_one_line(
    objects: dict[str, Any], changes: dict[str, Any], error: type[Exception], message: str
):
    with pytest.raises(error) as caught:
        build(objects, **changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("camera", {"adapter": "visa", "address": "ASRL1::INSTR"}),
        ("camera", {"adapter": "tango", "address": "a/b/c"}),
        ("camera", {"adapter": "manual"}),
        ("rotation", {"adapter": "filedrop", "address": "/data"}),
    ],
)
def test_an_adapter_in_a_place_it_cannot_fill_is_refused(name: str, device: dict[str, Any]):
    with pytest.raises(ValueError) as caught:
        build(**{name: device})
    assert "\n" not in str(caught.value)
    assert device["adapter"] in str(caught.value)


def test_axes_on_one_visa_line_share_it(tmp_path: Path):
    pytest.importorskip("pyvisa", reason="the visa extra is not installed")
    commands = {"move": "M{axis} {position}", "position": "P{axis}", "moving": "B{axis}", "stop": "S{axis}"}
    lines = [
        build(
            lower_arc={"adapter": "visa", "address": "ASRL1::INSTR", "options": {**commands, "axis": "1"}},
            upper_arc={"adapter": "visa", "address": address, "options": {**commands, "axis": "2"}},
        ).axes
        for address in ("ASRL1::INSTR", "ASRL2::INSTR")
    ]
    assert lines[0]["lower_arc"]._line is lines[0]["upper_arc"]._line
    assert lines[1]["lower_arc"]._line is not lines[1]["upper_arc"]._line


def test_the_operator_passed_in_is_the_one_who_is_asked():
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "3"

    devices = connect(parse_instrument(manual_file()), operator=Operator(ask, asked.append))

    async def run() -> None:
        for axis in devices.axes.values():
            await connect_device("axis", axis, 1.0)

    asyncio.run(run())
    assert asked == [f"What does {name} read now, in deg? " for name in devices.axes]


def test_a_missing_library_is_one_line_that_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyvisa", None)
    with pytest.raises(ImportError, match=r"pyvisa is needed here .*pip install 'beamgym\[visa\]'") as caught:
        need("pyvisa", "visa")
    assert "\n" not in str(caught.value)


def test_a_call_that_hangs_is_left_behind_and_an_error_of_a_call_comes_through():
    async def run() -> None:
        with pytest.raises(DeviceError, match=r"sleeping: no answer within 0\.05 s"):
            await in_thread("sleeping", 0.05, time.sleep, 1.0)
        with pytest.raises(ZeroDivisionError):
            await in_thread("dividing", 5.0, lambda: 1 / 0)
        assert await in_thread("adding", 5.0, lambda a, b: a + b, 2, b=3) == 5

    asyncio.run(run())


def test_every_part_that_can_be_built_has_its_options_described():
    told = {(role, adapter) for role, adapters in BUILDERS.items() for adapter in adapters if adapter != "object"}
    assert set(OPTIONS) == told | {("detector", "epics scaler")}


@pytest.mark.parametrize("name", ["laue_soft_ioc", "arpes_soft_ioc", "laue_epics", "laue_manual_filedrop"])
def test_the_options_of_every_shipped_file_are_known(name: str):
    file = load_instrument(shipped_instrument(name))
    check_options(file)
    content = file.model_dump(mode="json")
    for device in content["devices"]:
        unknown = copy.deepcopy(content)
        unknown["devices"][device]["options"]["colour"] = "red"
        with pytest.raises(ValueError, match="colour"):
            check_options(parse_instrument(unknown))


@pytest.mark.parametrize("options", [{"opened": ["1", "Out"], "closed": ["0", "out"]}, {"opened": ["1", "Closed"]}])
def test_a_shutters_word_for_closed_is_none_of_those_for_open(options):
    content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
    content["devices"]["shutter"]["options"] = options
    with pytest.raises(ValueError, match=r"shutter.*closed.* is among opened, too"):
        check_options(parse_instrument(content))
