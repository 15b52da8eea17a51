"""`beamgym deploy --check`: connect, read everything, say what would hold, and move nothing."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from beamgym.hardware_bridge.deployment import Session
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices import AxisProxy, DetectorProxy, ShutterProxy, SignalProxy
from beamgym.hardware_bridge.instrument_file import AxisEntry, InstrumentFile, find_missing_protection, tighter_limits

_ANSWER_S = 10.0  # a computer may be busy; only what is dead takes so long
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class AxisRow:
    """One axis as it was read; ``source`` says where each limit comes from."""

    name: str
    unit: str
    position: float | None
    limits: tuple[float, float] | None
    source: str
    moving: bool | None
    alarm: str
    homed: bool | None


@dataclass(frozen=True)
class Line:
    """Something else that was read: what it is, what it says, and what is asked of it."""

    what: str
    says: str
    wanted: str


@dataclass(frozen=True)
class Findings:
    """Everything that was read, and among the others what nothing guards."""

    axes: tuple[AxisRow, ...]
    others: tuple[Line, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def look(session: Session) -> Findings:
    """Read every device of a connected session; writes nothing.

    Raises
    ------
    DeviceError : a device that does not answer
    """

    async def read() -> Findings:
        axes = await asyncio.gather(*(_axis(session, entry) for entry in session.file.axes))
        return Findings(tuple(axes), tuple(await _others(session)))

    return session.in_loop(read, _PATIENCE_S)


def axes_table(findings: Findings) -> Table:
    """Return the axes for reading."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("axis", "position", "from", "to", "limits are", "state"):
        table.add_column(heading, justify="right" if heading in ("position", "from", "to") else "left", no_wrap=True)
    for row in findings.axes:
        low, high = row.limits if row.limits is not None else (None, None)
        table.add_row(
            row.name, *(_number(value, row.unit) for value in (row.position, low, high)), row.source, _state(row)
        )
    return table


def others_table(findings: Findings) -> Table:
    """Return everything but the axes for reading."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("", "says", "wanted"):
        table.add_column(heading)
    for line in findings.others:
        table.add_row(line.what, line.says, line.wanted)
    return table


async def _axis(session: Session, entry: AxisEntry) -> AxisRow:
    proxy = AxisProxy(session.devices.axes[entry.name], entry.name, _ANSWER_S)  # type: ignore[union-attr]
    position, motor, moving, alarm, homed = await asyncio.gather(
        proxy.position(), proxy.limits(), proxy.moving(), proxy.alarm(), proxy.homed()
    )
    try:
        limits = tighter_limits(entry.name, entry.limits, motor)
    except ValueError as error:
        return AxisRow(entry.name, entry.unit, position, None, str(error), moving, alarm, homed)
    return AxisRow(entry.name, entry.unit, position, limits, _source(entry, motor, limits), moving, alarm, homed)


def _source(entry: AxisEntry, motor: tuple[float, float] | None, limits: tuple[float, float]) -> str:
    if motor is None:
        return "the file's; the motor has none"
    if entry.limits is None:
        return "the motor's; the file has none"
    whose = [
        "both" if a == b else "file" if a == held else "motor"
        for a, b, held in zip(entry.limits, motor, limits, strict=True)
    ]
    return whose[0] if whose[0] == whose[1] else f"{whose[0]}, {whose[1]}"


async def _others(session: Session) -> list[Line]:
    file, devices = session.file, session.devices
    assert devices is not None
    lines = [await _detector(file, DetectorProxy(devices.detector, "detector", _ANSWER_S))]
    if devices.shutter is not None:
        place = await _said(ShutterProxy(devices.shutter, "shutter", _ANSWER_S).place())
        lines.append(Line("shutter", place, "closed"))
    if file.dose is not None:
        lines.append(Line("dose", "0 s", f"at most {file.dose.budget_s:g} s of open shutter"))
    if file.identity is not None:
        name = await _said(SignalProxy(devices.identity, "identity", _ANSWER_S).value())
        lines.append(Line("identity", name, file.identity.expected))
    for beat in file.heartbeats:
        proxy = SignalProxy(devices.heartbeats[beat.name], beat.name, _ANSWER_S)
        lines.append(
            Line(f"heartbeat {beat.name}", await _beats(proxy, beat.period_s), f"changes within {beat.period_s:g} s")
        )
    for entry in file.suspenders:
        value = await _said(SignalProxy(devices.suspenders[entry.name], entry.name, _ANSWER_S).value())
        lines.append(Line(f"suspender {entry.name}", value, _range(entry.low, entry.high)))
    return lines + [
        Line(f"NOT GUARDED: no {lack.missing}", lack.means, lack.remedy) for lack in find_missing_protection(file)
    ]


async def _detector(file: InstrumentFile, proxy: DetectorProxy) -> Line:
    wanted = f"an array {file.detector.raw_shape}" + (" with a counter" if file.detector.counter_required else "")
    try:
        raw = await proxy.frame()
    except DeviceError as error:
        return Line("detector", f"no frame: {error}", wanted)
    counter = "no counter" if raw.counter is None else f"counter {raw.counter}"
    return Line("detector", f"an array {raw.image.shape} of {raw.image.dtype}, {counter}", wanted)


async def _beats(proxy: SignalProxy, period_s: float) -> str:
    first = await _said(proxy.value())
    await asyncio.sleep(1.5 * period_s)
    second = await _said(proxy.value())
    return f"{first}, then {second}" if first != second else f"{first}, unchanged"


async def _said(value: Awaitable[Any]) -> str:
    try:
        found = await value
    except DeviceError as error:
        return f"no answer: {error}"
    return f"{found:g}" if isinstance(found, float) else str(found)


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at least {low:g}" if low is not None else f"at most {high:g}" if high is not None else "connected"
    return f"{low:g} to {high:g}"


def _state(row: AxisRow) -> str:
    words = ["moves" if row.moving else ""] + ([f"alarm {row.alarm}"] if row.alarm else [])
    words += ["not homed"] if row.homed is False else []
    return ", ".join(word for word in words if word) or "rests"


def _number(value: float | None, unit: str) -> str:
    return "?" if value is None else f"{value:.4g} {unit}".replace("-", "−")
