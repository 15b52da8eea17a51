"""What can go wrong in the campaign's hall: one function each, (server, numbers) → what makes it well again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from campaign.hall import leg

Undo = Callable[[], Awaitable[None]]
Play = Callable[[Any, dict[str, Any]], Awaitable[Undo | None]]


def _in(part: Callable[[Any, dict[str, Any]], list[dict[str, Any]]], name: str) -> Play:
    """Return what puts the numbers under a name into the ``broken`` of something, and takes them out again."""

    async def play(ioc: Any, numbers: dict[str, Any]) -> Undo:
        holders = part(ioc, numbers)
        for holder in holders:
            holder[name] = dict(numbers)

        async def undo() -> None:
            for holder in holders:
                holder.pop(name, None)

        return undo

    return play


def _axes(ioc: Any, numbers: dict[str, Any]) -> list[Any]:
    names = list(ioc.motors) if numbers.get("axis", "*") == "*" else [numbers["axis"]]
    return [ioc.motors[name] for name in names]


def _of_axes(ioc: Any, numbers: dict[str, Any]) -> list[dict[str, Any]]:
    return [motor.broken for motor in _axes(ioc, numbers)]


def _of_camera(ioc: Any, numbers: dict[str, Any]) -> list[dict[str, Any]]:
    return [ioc.camera.broken]


def _of_shutter(ioc: Any, numbers: dict[str, Any]) -> list[dict[str, Any]]:
    return [ioc.shutter]


async def _field(ioc: Any, numbers: dict[str, Any]) -> Undo:
    """Another client writes a field of records."""
    before = {}
    for motor in _axes(ioc, numbers):
        field = numbers["field"]
        before[motor.name] = old = ioc.channels.value(motor.name, field)
        changed = numbers["value"] if "value" in numbers else old * numbers.get("times", 1.0) + numbers.get("plus", 0.0)
        await ioc.set_field(motor.name, field, changed)

    async def undo() -> None:
        for name, value in before.items():
            await ioc.set_field(name, numbers["field"], value)

    return undo


async def _tightened(ioc: Any, numbers: dict[str, Any]) -> None:
    """The controller's limits close in about where an axis stands, or leave it outside."""
    for motor in _axes(ioc, numbers):
        user = float(ioc.channels.value(motor.name, "RBV"))
        await motor.set_limits(user + numbers["low"], user + numbers["high"])


async def _foreign(ioc: Any, numbers: dict[str, Any]) -> None:
    """Another client sends an axis somewhere."""
    for motor in _axes(ioc, numbers):
        user = float(ioc.channels.value(motor.name, "RBV"))
        ioc._keep(motor.travel(user + numbers["by"], "foreign"))


async def _foreign_stop(ioc: Any, numbers: dict[str, Any]) -> None:
    for motor in _axes(ioc, numbers):
        await motor.stop(1, "foreign")


async def _creep(ioc: Any, numbers: dict[str, Any]) -> None:
    for motor in _axes(ioc, numbers):
        motor.creep(numbers["speed"])


async def _jump(ioc: Any, numbers: dict[str, Any]) -> None:
    """A shaft is pushed by hand while it stands."""
    for motor in _axes(ioc, numbers):
        here = ioc.hall.at(motor.name)
        begin = ioc.hall.paths[motor.name].end_s
        ioc.hall.go(motor.name, leg(here, here + numbers["by"], 20.0, 0.05, max(begin, time.time())), "fault")


async def _encoder(ioc: Any, numbers: dict[str, Any]) -> None:
    """The encoder loses counts: the shaft has not moved, the readback has."""
    for motor in _axes(ioc, numbers):
        motor.slipped += numbers["by"]


async def _setpoint(ioc: Any, numbers: dict[str, Any]) -> None:
    """VAL says another place than where the axis stands, as after a controller's restart."""
    for motor in _axes(ioc, numbers):
        await ioc.channels.show(motor.name, "VAL", float(ioc.channels.value(motor.name, "RBV")) + numbers["by"])


async def _flipped(ioc: Any, numbers: dict[str, Any]) -> None:
    """Somebody turns DIR round."""
    for motor in _axes(ioc, numbers):
        await motor.set_frame(sign=-motor.sign)


async def _crossed(ioc: Any, numbers: dict[str, Any]) -> None:
    """Two cables are crossed: one record drives the other's shaft."""
    one, other = ioc.motors[numbers["axis"]], ioc.motors[numbers["other"]]
    one.drive, other.drive = other, one


async def _beam(ioc: Any, numbers: dict[str, Any]) -> Undo:
    ioc.current = numbers.get("current", 0.0)

    async def undo() -> None:
        ioc.current = 250.0

    return undo


async def _flapping(ioc: Any, numbers: dict[str, Any]) -> None:
    async def flap() -> None:
        for _ in range(int(numbers["times"])):
            ioc.current = 0.0
            await asyncio.sleep(numbers["seconds"])
            ioc.current = 250.0
            await asyncio.sleep(numbers["seconds"])

    ioc._keep(flap())


async def _vacuum(ioc: Any, numbers: dict[str, Any]) -> Undo:
    ioc.pressure = numbers["pressure"]

    async def undo() -> None:
        ioc.pressure = 3e-10

    return undo


async def _heart(ioc: Any, numbers: dict[str, Any]) -> Undo:
    ioc.beating = False

    async def undo() -> None:
        ioc.beating = True

    return undo


async def _latency(ioc: Any, numbers: dict[str, Any]) -> Undo:
    ioc.latency_s = numbers["seconds"]

    async def undo() -> None:
        ioc.latency_s = 0.0

    return undo


async def _acquire_time(ioc: Any, numbers: dict[str, Any]) -> None:
    await ioc.camera.set_seconds(numbers["seconds"])


async def _image_mode(ioc: Any, numbers: dict[str, Any]) -> None:
    await ioc.camera.channels.tell("det:cam1:ImageMode", numbers["mode"])


async def _colour(ioc: Any, numbers: dict[str, Any]) -> None:
    await ioc.camera.channels.tell("det:image1:ColorMode_RBV", numbers["mode"])
    await ioc.camera.channels.tell("det:cam1:ColorMode_RBV", numbers["mode"])


async def _counter_reset(ioc: Any, numbers: dict[str, Any]) -> None:
    ioc.camera.next = int(numbers.get("to", 1))


async def _open(ioc: Any, numbers: dict[str, Any]) -> None:
    """Somebody opens the shutter by hand."""
    await ioc.put_shutter(1)


async def _alarm(ioc: Any, numbers: dict[str, Any]) -> Undo:
    for motor in _axes(ioc, numbers):
        await ioc.channels.show(motor.name, "SEVR", numbers.get("severity", "MAJOR"))
        await ioc.channels.show(motor.name, "STAT", numbers.get("status", "COMM"))
        if "switch" in numbers:
            await ioc.channels.show(motor.name, numbers["switch"], 1)

    async def undo() -> None:
        for motor in _axes(ioc, numbers):
            await ioc.channels.show(motor.name, "SEVR", "NO_ALARM")
            await ioc.channels.show(motor.name, "STAT", "NO_ALARM")

    return undo


_MOTOR = """frozen_readback nan_readback slow_readback claims_target noisy turns says_rbv msta ignored_put runaway
wrong_way short overshoot slip slow_shaft stall sticks never_done early_done late_done ignores_stop glitch"""
_CAMERA = """behind ghost no_crystal other_sample dim repeats saturates half cropped blank hangs deaf deaf_time
exposes_longer slow_plugin loses_frame clock counter same_id error"""
_SHUTTER = "stuck stuck_open stuck_closed slow bounces says"

FAULTS: dict[str, Play] = {
    **{name: _in(_of_axes, name) for name in _MOTOR.split()},
    **{name: _in(_of_camera, name) for name in _CAMERA.split()},
    **{f"shutter_{name}": _in(_of_shutter, name) for name in _SHUTTER.split()},
    "field": _field,
    "tightened": _tightened,
    "foreign": _foreign,
    "foreign_stop": _foreign_stop,
    "creep": _creep,
    "jump": _jump,
    "encoder": _encoder,
    "crossed": _crossed,
    "setpoint": _setpoint,
    "flipped": _flipped,
    "beam": _beam,
    "flapping": _flapping,
    "vacuum": _vacuum,
    "heart": _heart,
    "latency": _latency,
    "acquire_time": _acquire_time,
    "image_mode": _image_mode,
    "colour": _colour,
    "counter_reset": _counter_reset,
    "open": _open,
    "alarm": _alarm,
}
"""Every fault of the server by name; those of files, policies and signals are the runner's."""
