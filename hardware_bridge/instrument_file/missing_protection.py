"""Lists the protection that an instrument file lacks; that is allowed, and the operator is told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from beamgym.hardware_bridge.instrument_file.entries import NO_HEARTBEAT, AxisEntry
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile

HOUR_S = 3600.0
"""What may last longer than this, seconds, ends nothing that an operator waits for."""

_OFTEN = 30
"""More suspensions a minute, or ten times more a run, end nothing."""

_MOSTLY = 0.5


@dataclass(frozen=True)
class MissingProtection:
    """Something that is not watched: what is missing, what that means, and the key that would mend it."""

    missing: str
    means: str
    remedy: str


def find_missing_protection(file: InstrumentFile) -> tuple[MissingProtection, ...]:
    """Return everything that a file leaves unguarded, the gravest first."""
    return (*_parts(file), *_heartbeats(file), *_axes(file), *_numbers(file))


def _parts(file: InstrumentFile) -> Iterator[MissingProtection]:
    if file.shutter is None:
        yield MissingProtection(
            "shutter", "the sample stays in the beam, and an abort closes nothing", "shutter: {device: ...}"
        )
    if file.dose is None:
        yield MissingProtection("dose", "the light on the sample is not limited", "dose: {budget_s: ...}")
    if not file.envelopes:
        yield MissingProtection(
            "envelope", "within the limits nothing keeps a path from a collision", "envelopes: [...]"
        )
    if not file.suspenders:
        yield MissingProtection("suspender", "beam and vacuum are not watched", "suspenders: [...]")
    limited = file.detector.max_pixel_per_s, file.detector.max_total_per_s, file.attenuator
    if all(part is None for part in limited):
        means = "a beam that nothing weakens is met by sample and detector"
        yield MissingProtection("count-rate ceiling", means, "detector: max_pixel_per_s, or attenuator: {device: ...}")
    if not file.detector.counter_required:
        yield MissingProtection(
            "frame counter", "a frame that is served again may pass as new", "detector: counter_required: true"
        )


def _heartbeats(file: InstrumentFile) -> Iterator[MissingProtection]:
    if not file.heartbeats and any(device.adapter != "manual" for device in file.devices.values()):
        yield MissingProtection(
            "heartbeat", "a server that hangs and still answers is not noticed", "heartbeats: [...]"
        )
    for entry in file.suspenders:
        if entry.heartbeat == NO_HEARTBEAT:
            means = "a value that its hung server repeats passes as true"
            yield MissingProtection(f"heartbeat of suspender {entry.name}", means, "heartbeat: NAME")


def _axes(file: InstrumentFile) -> Iterator[MissingProtection]:
    lacks: dict[str, tuple[Callable[[AxisEntry], bool], str]] = {
        "max_speed": (lambda axis: axis.max_speed is None, "a motor set too fast is not refused"),
        "max_moves_per_min": (lambda axis: axis.max_moves_per_min is None, "a stream of moves is not slowed"),
        "home_required": (lambda axis: not axis.home_required, "a motor that lost its zero is not refused"),
    }
    for key, (lacking, means) in lacks.items():
        names = [axis.name for axis in file.axes if axis.unit != "s" and lacking(axis)]
        if names:
            yield MissingProtection(f"{key} of {', '.join(names)}", means, f"{key}: ...")


def _numbers(file: InstrumentFile) -> Iterator[MissingProtection]:
    """Yield the parts that are there with a number so large that they never refuse anything."""
    if file.dose is not None and file.dose.budget_s > 24.0 * HOUR_S:
        yield MissingProtection("dose", "its budget is more than a day of open shutter", "dose: {budget_s: ...}")
    if file.operator.deadman_s > HOUR_S:
        means = "a policy that hangs is waited for more than an hour"
        yield MissingProtection("dead-man", means, "operator: {deadman_s: ...}")
    for beat in file.heartbeats:
        if beat.period_s * beat.missed > HOUR_S:
            means = "a server that hangs is believed for more than an hour"
            yield MissingProtection(f"heartbeat {beat.name}", means, "heartbeats: missed")
    slow = [axis.name for axis in file.axes if max(axis.stall_s, axis.timeout_s, axis.readback_s) > HOUR_S]
    if slow:
        means = "a motor that does not come is waited for more than an hour"
        yield MissingProtection(f"waits of {', '.join(slow)}", means, "stall_s, timeout_s, readback_s")
    if max(file.suspensions.per_minute, file.suspensions.per_run / 10.0) > _OFTEN and file.suspenders:
        means = "a beam that comes and goes is taken for one that is there"
        yield MissingProtection("suspensions", means, "suspensions: {per_minute: 3, per_run: 30}")
    if file.detector.max_saturated >= _MOSTLY:
        means = "a frame of which half is full is no fault"
        yield MissingProtection("saturation", means, "detector: max_saturated")
    yield from _boxes_beyond(file)
    wide = [axis.name for axis in file.axes if axis.limits and axis.margin >= axis.limits[1] - axis.limits[0]]
    if wide:
        yield MissingProtection(
            f"overrun of {', '.join(wide)}", "a runaway is stopped by nothing but limits", "overrun"
        )
    options = file.devices[file.shutter.device].options if file.shutter else {}
    if options.get("status", "Status") in (options.get("open", "Open"), options.get("close")):
        means = "its command is read back, so that a blade that is stuck is not noticed"
        yield MissingProtection("shutter's status", means, "options: {status: ...}")


def _boxes_beyond(file: InstrumentFile) -> Iterator[MissingProtection]:
    """Yield boxes that no path within the limits meets: a slip of sign or unit, or a wall behind a narrowed travel."""
    limits = {axis.name: axis.limits for axis in file.axes}
    for box in file.envelopes:
        for name, (low, high) in box.forbidden.items():
            travel = limits[name]
            if travel is not None and (high + box.margin < travel[0] or low - box.margin > travel[1]):
                means = f"it lies outside the limits of {name}, so that it keeps nothing off"
                yield MissingProtection(
                    f"envelope {box.name}", means, "envelopes: forbidden, in the axis's unit and sign"
                )
                break
