"""A stage on a VISA line, against pyvisa-sim; and a serial line by pyvisa-py, against a pseudo-terminal."""

import asyncio
import math
import os
import pty
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyvisa", reason="the visa extra is not installed")
pytest.importorskip("pyvisa_sim", reason="pyvisa-sim is not installed")

from beamgym.hardware_bridge.adapters.visa import VisaAxis, VisaLine
from beamgym.hardware_bridge.adapters.visa_commands import VisaOptions
from beamgym.hardware_bridge.devices import DeviceError, parse_options

STAGE = """
spec: "1.0"
devices:
  stage:
    eom:
      TCPIP INSTR:
        q: "\\r\\n"
        r: "\\n"
    error: ERR
    dialogues:
      - {q: "STP 1", r: OK}
      - {q: "NUM?", r: "no number here"}
    properties:
      position:
        default: 1.5
        getter: {q: "POS? 1", r: "POS {:.4f} deg"}
        setter: {q: "MOV 1 {:.4f}", r: OK, e: LIMIT}
        specs: {min: -20, max: 20, type: float}
      moving:
        default: 0
        getter: {q: "BSY? 1", r: "{:d}"}
        setter: {q: "SETBSY {:d}", r: OK}
        specs: {valid: [0, 1], type: int}
      low:
        default: -20
        getter: {q: "LOW? 1", r: "{:.1f}"}
        specs: {type: float}
      high:
        default: 20
        getter: {q: "HIGH? 1", r: "{:.1f}"}
        setter: {q: "SETHIGH {:.1f}", r: OK}
        specs: {min: -100, max: 100, type: float}
      error:
        default: 0
        getter: {q: "ERR?", r: "{:d}"}
        setter: {q: "SETERR {:d}", r: OK}
        specs: {min: 0, max: 9, type: int}
      homed:
        default: 1
        getter: {q: "HOM? 1", r: "{:d}"}
        setter: {q: "SETHOM {:d}", r: OK}
        specs: {valid: [0, 1], type: int}
resources:
  TCPIP::localhost:5025::INSTR:
    device: stage
"""
ADDRESS = "TCPIP::localhost:5025::INSTR"
COMMANDS: dict[str, Any] = {
    "move": "MOV {axis} {position:.4f}",
    "position": "POS? {axis}",
    "moving": "BSY? {axis}",
    "stop": "STP {axis}",
    "low_limit": "LOW? {axis}",
    "high_limit": "HIGH? {axis}",
    "error": "ERR?",
    "homed": "HOM? {axis}",
    "move_reply": "OK",
    "stop_reply": "OK",
    "reply_s": 0.5,
    "poll_s": 0.01,
}


@pytest.fixture
def line(tmp_path: Path) -> Iterator[VisaLine]:
    (tmp_path / "stage.yaml").write_text(STAGE, encoding="utf-8")
    opened = VisaLine(ADDRESS, options(tmp_path))
    yield opened
    opened.close()


def options(folder: Path, **changes: Any) -> VisaOptions:
    return parse_options(VisaOptions, "stage", {**COMMANDS, "backend": f"{folder / 'stage.yaml'}@sim", **changes})


def axis(line: VisaLine, tmp_path: Path, timeout_s: float = 30.0, **changes: Any) -> VisaAxis:
    return VisaAxis("phi", "deg", line, options(tmp_path, **changes), timeout_s)


async def position(phi: VisaAxis) -> float:
    return (await phi.read())["phi"]["value"]


def test_a_move_is_commanded_and_the_position_read_back(line: VisaLine, tmp_path: Path):
    async def run() -> None:
        phi = axis(line, tmp_path)
        await phi.connect(30.0)
        assert await position(phi) == 1.5
        await phi.set(-7.25)
        assert await position(phi) == -7.25
        assert line.query("POS? 1") == "POS -7.2500 deg"
        assert not await phi.moving()

    asyncio.run(run())


def test_the_status_is_not_done_while_the_controller_says_it_moves(line: VisaLine, tmp_path: Path):
    async def run() -> None:
        phi = axis(line, tmp_path)
        await phi.connect(30.0)
        line.send("SETBSY 1", "OK")
        status = phi.set(3.0)
        await asyncio.sleep(0.1)
        assert await phi.moving()
        assert not status.done
        line.send("SETBSY 0", "OK")
        await status
        assert status.success

    asyncio.run(run())


def test_a_move_that_never_ends_is_an_error_after_its_time(line: VisaLine, tmp_path: Path):
    async def run() -> None:
        phi = axis(line, tmp_path, timeout_s=0.1)
        await phi.connect(30.0)
        line.send("SETBSY 1", "OK")
        with pytest.raises(DeviceError, match=r"phi still moves 0\.1 s after its command to 3"):
            await phi.set(3.0)

    asyncio.run(run())


def test_a_move_that_the_controller_refuses_is_an_error(line: VisaLine, tmp_path: Path):
    async def run() -> None:
        phi = axis(line, tmp_path)
        await phi.connect(30.0)
        with pytest.raises(DeviceError, match=r"'MOV 1 25\.0000' was answered 'LIMIT', not 'OK'"):
            await phi.set(25.0)
        assert await position(phi) == 1.5

    asyncio.run(run())


@pytest.mark.parametrize("target", [math.nan, math.inf])
def test_a_target_that_is_not_finite_never_reaches_the_line(line: VisaLine, tmp_path: Path, target: float):
    async def run() -> None:
        phi = axis(line, tmp_path)
        await phi.connect(30.0)
        with pytest.raises(ValueError, match="a target is a finite number"):
            await phi.set(target)
        assert await position(phi) == 1.5

    asyncio.run(run())


def test_the_tighter_ends_of_travel_hold(line: VisaLine, tmp_path: Path):
    async def run() -> None:
        assert await axis(line, tmp_path).motor_limits() == (-20.0, 20.0)
        assert await axis(line, tmp_path, low=-5.0, high=90.0).motor_limits() == (-5.0, 20.0)
        none = {"low_limit": None, "high_limit": None}
        assert await axis(line, tmp_path, **none).motor_limits() is None
        line.send("SETHIGH -30.0", "OK")
        with pytest.raises(DeviceError, match="in wrong order"):
            await axis(line, tmp_path).motor_limits()

    asyncio.run(run())


def test_error_and_home_are_read_from_the_controller(line: VisaLine, tmp_path: Path):
    async def run() -> None:
        phi = axis(line, tmp_path)
        assert await phi.alarm() == ""
        assert await phi.home_done()
        line.send("SETERR 4", "OK")
        line.send("SETHOM 0", "OK")
        assert await phi.alarm() == "4"
        assert not await phi.home_done()
        assert not await axis(line, tmp_path, homed=None).home_done()

    asyncio.run(run())


def test_stop_is_sent_and_its_answer_checked(line: VisaLine, tmp_path: Path):
    async def run() -> None:
        await axis(line, tmp_path).stop()
        with pytest.raises(DeviceError, match="'STP 1' was answered 'OK', not 'STOPPED'"):
            await axis(line, tmp_path, stop_reply="STOPPED").stop()

    asyncio.run(run())


def test_a_command_the_controller_does_not_know_is_an_error(line: VisaLine, tmp_path: Path):
    async def run() -> None:
        with pytest.raises(DeviceError, match=r"'NUM\?' answered 'no number here', which holds no number"):
            await axis(line, tmp_path, position="NUM?").read()
        with pytest.raises(DeviceError, match="answered 'ERR', which holds no number"):
            await axis(line, tmp_path, position="WHAT?").read()

    asyncio.run(run())


def test_controller_units_are_scaled(line: VisaLine, tmp_path: Path):
    async def run() -> None:
        phi = axis(line, tmp_path, scale=2.0)
        await phi.set(4.0)
        assert line.query("POS? 1") == "POS 8.0000 deg"
        assert await position(phi) == 4.0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("address", "changes", "message"),
    [
        ("TCPIP::localhost:9999::INSTR", {}, "TCPIP::localhost:9999::INSTR"),
        ("nonsense", {}, "cannot open VISA resource 'nonsense'"),
        (ADDRESS, {"backend": "@missing"}, f"cannot open VISA resource '{ADDRESS}'"),
    ],
)
def test_a_resource_that_is_not_there_is_named(tmp_path: Path, address: str, changes: dict[str, Any], message: str):
    (tmp_path / "stage.yaml").write_text(STAGE, encoding="utf-8")
    nowhere = VisaLine(address, options(tmp_path, **changes))
    with pytest.raises(DeviceError) as caught:
        asyncio.run(axis(nowhere, tmp_path).connect(30.0))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mve": "X"}, "device 'stage': no option 'mve'; the options are axis, move"),
        ({"move": "MOV 1"}, "must be an absolute move"),
        ({"move": "MOV {position.__class__}"}, "only {axis} and {position} may stand in braces"),
        ({"move": "MOV {position:{axis}}"}, "only {axis} and {position} may stand in braces"),
        ({"move": "MOV {0} {position}"}, "only {axis} and {position} may stand in braces"),
        ({"move": "MOV {position"}, "option 'move'"),
        ({"stop": " "}, "must be a command, found an empty text"),
        ({"number": "(a"}, "no regular expression"),
        ({"number": "[0-9]+"}, "must have exactly one group"),
        ({"scale": 0.0}, "must be above zero"),
        ({"low": 1.0}, "low and high go together"),
    ],
)
def test_a_table_that_cannot_work_is_refused_in_one_line(tmp_path: Path, change: dict[str, Any], message: str):
    with pytest.raises(ValueError) as caught:
        options(tmp_path, **change)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_without_its_move_says_so():
    with pytest.raises(ValueError, match="device 'stage': option 'move' is missing"):
        parse_options(VisaOptions, "stage", {})


class SerialStage:
    """A stage at the far end of a pseudo-terminal; ``silent`` stops it from answering."""

    def __init__(self) -> None:
        self._near, far = pty.openpty()
        self.far, self.received, self.silent, self.position = far, [], False, 1.0
        self.path = os.ttyname(far)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        rest = b""
        while True:
            try:
                rest += os.read(self._near, 100)
            except OSError:
                return
            while b"\n" in rest:
                command, _, rest = rest.partition(b"\n")
                self._answer(command.decode().strip())

    def _answer(self, command: str) -> None:
        self.received.append(command)
        if command == "quit" or self.silent:
            return
        if command.startswith("M "):
            self.position = float(command[2:])
        answer = {"P": f"{self.position:.3f}", "B": "0"}.get(command)
        if answer is not None:
            os.write(self._near, answer.encode() + b"\n")

    def close(self) -> None:
        os.close(self.far)
        os.close(self._near)


@pytest.fixture
def serial_stage() -> Iterator[SerialStage]:
    stage = SerialStage()
    yield stage
    stage.close()


def test_a_serial_line_by_pyvisa_py_moves_reads_and_recovers_from_silence(serial_stage: SerialStage):
    pytest.importorskip("pyvisa_py", reason="pyvisa-py is not installed")
    pytest.importorskip("serial", reason="pyserial is not installed")
    table = VisaOptions(
        move="M {position:.3f}",
        position="P",
        moving="B",
        stop="S",
        backend="@py",
        write_end="\n",
        baud=9600,
        reply_s=2.0,
        poll_s=0.01,
    )
    line = VisaLine(f"ASRL{serial_stage.path}::INSTR", table)
    phi = VisaAxis("phi", "deg", line, table, 30.0)

    async def run() -> None:
        await phi.connect(30.0)
        await phi.set(2.5)
        assert await position(phi) == 2.5
        await phi.stop()
        serial_stage.silent = True
        with pytest.raises(DeviceError, match="'P' failed"):
            await phi.read()
        serial_stage.silent = False
        assert await position(phi) == 2.5
        await phi.close()

    asyncio.run(run())
    assert serial_stage.received[1] == "M 2.500"
    assert "S" in serial_stage.received
