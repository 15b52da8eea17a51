"""Connect, read everything, say what would hold, and move nothing."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from beamgym.hardware_bridge.deployment.deployment import ANSWER_S, Deployment
from beamgym.hardware_bridge.deployment.events import AxisCheck, DifferenceFound, Findings, InstrumentRead, OtherCheck
from beamgym.hardware_bridge.deployment.session import Session
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices import AxisProxy, DetectorProxy, ShutterProxy, SignalProxy
from beamgym.hardware_bridge.instrument_file import AxisEntry, InstrumentFile, find_missing_protection, tighter_limits
from beamgym.hardware_bridge.settings_check import read_differences, refused

_PATIENCE_S = 60.0


def check(deployment: Deployment) -> Findings:
    """Connect and read everything, then let the guard say whether it would arm; nothing is written.

    Returns
    -------
    What was read; it is reported (``InstrumentRead``) before the guard decides, so that it is seen when that refuses

    Raises
    ------
    Stopped : it was stopped
    ValueError : in one line, what does not answer, does not fit, or would keep the guard from arming
    """
    with deployment.mode("check"), deployment.connect(dry_run=True, compared=False) as session:
        findings = read_everything(session)
        deployment.events.report(InstrumentRead(findings))
        # After everything was shown: one difference seldom comes alone.
        if said := refused(findings.differences):
            raise ValueError(said)
        deployment.context(session.motor_limits())
        session.guarded(lambda question: False)
        session.arm(deployment.options.homed)
        return findings


def read_everything(session: Session) -> Findings:
    """Read every device of a connected session; writes nothing.

    Raises
    ------
    DeviceError : a device that does not answer
    """

    async def read() -> Findings:
        axes = await asyncio.gather(*(_axis(session, entry) for entry in session.file.axes))
        found = await read_differences(session.file, session.devices, ANSWER_S)
        differences = tuple(DifferenceFound(each.place, each.text, each.refused) for each in found)
        return Findings(tuple(axes), tuple(await _others(session)), differences)

    return session.in_loop(read, _PATIENCE_S)


async def _axis(session: Session, entry: AxisEntry) -> AxisCheck:
    proxy = AxisProxy(session.devices.axes[entry.name], entry.name, ANSWER_S)  # type: ignore[union-attr]
    position, motor, moving, alarm, homed = await asyncio.gather(
        proxy.position(), proxy.limits(), proxy.moving(), proxy.alarm(), proxy.homed()
    )
    try:
        limits = tighter_limits(entry.name, entry.limits, motor)
    except ValueError as error:
        return AxisCheck(entry.name, entry.unit, position, None, str(error), moving, alarm, homed)
    return AxisCheck(entry.name, entry.unit, position, limits, _source(entry, motor, limits), moving, alarm, homed)


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


async def _others(session: Session) -> list[OtherCheck]:
    file, devices = session.file, session.devices
    assert devices is not None
    lines = [await _detector(file, DetectorProxy(devices.detector, "detector", ANSWER_S))]
    if devices.shutter is not None:
        place = await _answer(ShutterProxy(devices.shutter, "shutter", ANSWER_S).place())
        lines.append(OtherCheck("shutter", place, "closed"))
    if file.dose is not None:
        lines.append(OtherCheck("dose", "0 s", f"at most {file.dose.budget_s:g} s of open shutter"))
    if file.identity is not None:
        name = await _answer(SignalProxy(devices.identity, "identity", ANSWER_S).value())
        lines.append(OtherCheck("identity", name, file.identity.expected))
    if file.attenuator is not None:
        value = await _answer(SignalProxy(devices.attenuator, "attenuator", ANSWER_S).value())
        lines.append(OtherCheck("attenuator", value, _range(file.attenuator.low, file.attenuator.high)))
    for beat in file.heartbeats:
        proxy = SignalProxy(devices.heartbeats[beat.name], beat.name, ANSWER_S)
        lines.append(
            OtherCheck(
                f"heartbeat {beat.name}", await _beats(proxy, beat.period_s), f"changes within {beat.period_s:g} s"
            )
        )
    for entry in file.suspenders:
        value = await _answer(SignalProxy(devices.suspenders[entry.name], entry.name, ANSWER_S).value())
        lines.append(OtherCheck(f"suspender {entry.name}", value, _range(entry.low, entry.high)))
    return lines + [
        OtherCheck(f"NOT GUARDED: no {lack.missing}", lack.means, lack.remedy) for lack in find_missing_protection(file)
    ]


async def _detector(file: InstrumentFile, proxy: DetectorProxy) -> OtherCheck:
    wanted = f"an array {file.detector.raw_shape}" + (" with a counter" if file.detector.counter_required else "")
    try:
        raw = await proxy.frame()
    except DeviceError as error:
        return OtherCheck("detector", f"no frame: {error}", wanted)
    counter = "no counter" if raw.counter is None else f"counter {raw.counter}"
    return OtherCheck("detector", f"an array {raw.image.shape} of {raw.image.dtype}, {counter}", wanted)


async def _beats(proxy: SignalProxy, period_s: float) -> str:
    first = await _answer(proxy.value())
    await asyncio.sleep(1.5 * period_s)
    second = await _answer(proxy.value())
    return f"{first}, then {second}" if first != second else f"{first}, unchanged"


async def _answer(value: Awaitable[Any]) -> str:
    try:
        found = await value
    except DeviceError as error:
        return f"no answer: {error}"
    return f"{found:g}" if isinstance(found, float) else str(found)


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at least {low:g}" if low is not None else f"at most {high:g}" if high is not None else "connected"
    return f"{low:g} to {high:g}"
