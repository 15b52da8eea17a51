"""Checks the parts of an instrument file against each other; every mistake is one line with its remedy."""

from collections.abc import Callable, Iterable, Iterator

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.instrument_file.entries import (
    NO_HEARTBEAT,
    UNITS,
    AxisEntry,
    EnvelopeEntry,
    SuspenderEntry,
)
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile
from beamgym.hardware_bridge.instrument_file.identity import check_simulation
from beamgym.hardware_bridge.instrument_file.outputs import check_shared
from beamgym.hardware_bridge.instrument_file.text import nearest
from beamgym.hardware_bridge.kinds import bridge_kind, instrument_kinds


def check_together(file: InstrumentFile) -> None:
    """Check what no entry can know alone; raises ValueError, in one line, at the first mistake."""
    for check in _CHECKS:
        check(file)


def device_roles(file: InstrumentFile) -> Iterator[tuple[str, str]]:
    """Yield (place in the file, device's name) for everything that uses a device."""
    for axis in file.axes:
        yield f"axis {axis.name!r}", axis.device
    yield "detector", file.detector.device
    for place, part in (
        ("shutter", file.shutter),
        ("attenuator", file.attenuator),
        ("identity", file.identity),
    ):
        if part is not None:
            yield place, part.device
    for heartbeat in file.heartbeats:
        yield f"heartbeat {heartbeat.name!r}", heartbeat.device
    for suspender in file.suspenders:
        yield f"suspender {suspender.name!r}", suspender.device


def _check_names(file: InstrumentFile) -> None:
    for what, names in (
        ("axis", file.axis_names),
        ("heartbeat", [entry.name for entry in file.heartbeats]),
        ("suspender", [entry.name for entry in file.suspenders]),
        ("envelope", [entry.name for entry in file.envelopes]),
        ("nozzle", [entry.name for entry in file.nozzles]),
    ):
        twice = _first_twice(names)
        if twice is not None:
            raise ValueError(f"two entries are named {what} {twice!r}; rename one")


def _check_devices(file: InstrumentFile) -> None:
    users: dict[str, str] = {}
    for place, device in device_roles(file):
        if device not in file.devices:
            known = list(file.devices)
            hint = nearest(device, known) or f"; the devices are {', '.join(known) or 'none'}"
            raise ValueError(f"{place} uses the device {device!r}, which is not under devices{hint}")
        if device in users and _both_command(place, users[device]):
            raise ValueError(f"{place} and {users[device]} use the same device {device!r}; give each its own")
        users.setdefault(device, place)
    unused = sorted(set(file.devices) - set(users))
    if unused:
        raise ValueError(f"the device {unused[0]!r} is used by nothing; remove it or name it where it belongs")


def _both_command(*places: str) -> bool:
    """Whether two places send commands, and one of them moves; readings may look at whatever is there."""
    axes = [place.startswith("axis ") for place in places]
    return any(axes) and all(place in ("detector", "shutter") or axis for place, axis in zip(places, axes, strict=True))


def _check_addresses(file: InstrumentFile) -> None:
    axes = {axis.device for axis in file.axes}
    for name, device in file.devices.items():
        if not device.address and device.adapter != "manual":
            raise ValueError(f"devices: {name}: its address is empty; give the {_ADDRESSES[device.adapter]}")
        if device.adapter in ("manual", "exposure") and name not in axes:
            raise ValueError(f"devices: {name}: the adapter {device.adapter!r} is for axes; choose another one")
        if device.adapter == "exposure" and device.address != file.detector.device:
            raise ValueError(
                f"devices: {name}: an exposure-time axis belongs to the detector; give address: {file.detector.device}"
            )


def _check_axes(file: InstrumentFile) -> None:
    for axis in file.axes:
        _check_axis(axis, file.devices[axis.device].adapter)


def _check_axis(axis: AxisEntry, adapter: str) -> None:
    where = f"axis {axis.name!r}"
    if axis.unit not in UNITS[axis.kind]:
        right = "deg" if axis.kind == "rotation" else "mm"
        raise ValueError(f"{where}: a {axis.kind} axis cannot be in {axis.unit}; give unit: {right} or another kind")
    # Otherwise a motor would be taken for a setting, and pass without path, speed and stop.
    if (axis.unit == "s") != (adapter == "exposure"):
        raise ValueError(f"{where}: unit s and the adapter 'exposure' belong together; found {axis.unit} and {adapter}")
    if axis.unit != "s" and not any(axis.vector):
        raise ValueError(f"{where}: vector is zero; give the axis's direction in the lab frame")
    if axis.limits is None and adapter in ("manual", "exposure"):
        raise ValueError(
            f"{where}: {_ARTICLES.get(adapter, 'a')} {adapter} axis has no limits of its own; give limits: [low, high]"
        )
    _check_turns(axis)
    # A motor with steps stands up to half a step from any target.
    if axis.tolerance < 0.5 * axis.step:
        raise ValueError(
            f"{where}: tolerance {axis.tolerance:g} {axis.unit} is less than half its step {axis.step:g}, so that it "
            "could never arrive; give a larger tolerance"
        )
    # Then a motor that never moved would have arrived.
    if axis.tolerance >= axis.max_step:
        raise ValueError(
            f"{where}: tolerance {axis.tolerance:g} {axis.unit} is not below max_step {axis.max_step:g}, so that one "
            "that stands still would have arrived; give what it keeps"
        )


def _check_turns(axis: AxisEntry) -> None:
    where = f"axis {axis.name!r}"
    for key in ("turn", "cable_turns"):
        if getattr(axis, key) is not None and axis.unit != "deg":
            raise ValueError(f"{where}: {key} is for a rotation in deg; leave it out")
    if axis.turn is not None and axis.limits is None:
        raise ValueError(
            f"{where}: a rotary axis has no end of its own; give limits: [low, high], counted on over the turns, that "
            "its cables and hoses allow"
        )


def _check_axis_references(file: InstrumentFile) -> None:
    for envelope in file.envelopes:
        _check_known(f"envelope {envelope.name!r}", envelope.forbidden, file.axis_names)
        _check_moving(file, envelope)
    _check_known("confirm: larger_than", file.confirm.larger_than, file.axis_names)
    _check_known("goniometer: solve_with", file.goniometer.solve_with or (), file.axis_names)


def _check_moving(file: InstrumentFile, envelope: EnvelopeEntry) -> None:
    for name in envelope.forbidden:
        if file.axis(name).unit == "s":
            raise ValueError(
                f"envelope {envelope.name!r} names {name!r}, an exposure-time axis, which is nowhere in space, "
                "so that no path would ever enter it; leave it out"
            )


def _check_suspenders(file: InstrumentFile) -> None:
    known = [entry.name for entry in file.heartbeats]
    if NO_HEARTBEAT in known:
        raise ValueError(f"a heartbeat is named {NO_HEARTBEAT!r}, which says that there is none; rename it")
    for suspender in file.suspenders:
        _check_heartbeat_of(suspender, known)
        _check_bounds(suspender.name, suspender.low, suspender.high)


def _check_heartbeat_of(suspender: SuspenderEntry, known: list[str]) -> None:
    where = f"suspender {suspender.name!r}"
    if suspender.heartbeat is None:
        raise ValueError(
            f"{where} does not say which heartbeat vouches for its server, whose last value stands when it hangs; give "
            f"heartbeat: one of {', '.join(known) or 'heartbeats (there are none yet)'}, or heartbeat: {NO_HEARTBEAT}"
        )
    if suspender.heartbeat != NO_HEARTBEAT:
        _check_known(where, [suspender.heartbeat], known, "heartbeat")


def _check_bounds(name: str, low: float | None, high: float | None) -> None:
    if low is None and high is None:
        raise ValueError(f"suspender {name!r} has neither low nor high; give at least one")
    if low is not None and high is not None and low >= high:
        raise ValueError(f"suspender {name!r}: low {low:g} is not below high {high:g}; swap them")


def _check_kind(file: InstrumentFile) -> None:
    own = file.kind
    if file.experiment is None:
        raise ValueError(f"the experiment is missing; a {own} instrument needs a part '{own}:'")
    for other in instrument_kinds():
        if other != own and getattr(file, other, None) is not None:
            raise ValueError(f"kind is {own!r}, and there is a part '{other}:'; remove it or correct the kind")
    check = bridge_kind(own).check
    if check is not None:
        resolve(check)(file)


def _check_identity(file: InstrumentFile) -> None:
    if file.simulation and file.identity is None:
        raise ValueError(
            "simulation is true, and no identity says so at run time; add identity: {device: ...}, or simulation: false"
        )


def _check_known(place: str, names: Iterable[str], known: Iterable[str], what: str = "axis") -> None:
    listed = list(known)
    for name in names:
        if name not in listed:
            hint = nearest(name, listed) or f"; there is {', '.join(listed) or 'none'}"
            raise ValueError(f"{place} names the {what} {name!r}, which the file does not have{hint}")


def _first_twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


_ARTICLES = {"exposure": "an"}
_ADDRESSES = {
    "epics": "PV of the motor record, camera or signal",
    "tango": "Tango device, such as sys/tg_test/1",
    "visa": "VISA resource, such as ASRL1::INSTR",
    "filedrop": "folder into which the frames are written",
    "exposure": "detector's device",
    "object": "name under which Python hands it over",
}

# What names refer to before what they mean: the first mistake is the one that explains the others.
_CHECKS: tuple[Callable[[InstrumentFile], None], ...] = (
    _check_names,
    _check_identity,
    _check_devices,
    _check_addresses,
    check_shared,
    check_simulation,
    _check_axes,
    _check_axis_references,
    _check_suspenders,
    _check_kind,
)
