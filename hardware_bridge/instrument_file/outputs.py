"""Outputs are a whitelist: what is commanded has an address in the file, by one device alone, and none is protected."""

import re
from collections.abc import Iterator

from beamgym.hardware_bridge.instrument_file.entries import DeviceEntry
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile
from beamgym.hardware_bridge.instrument_file.identity import commanded

_SHUTTER_FIELDS = ("", "VAL", "PROC")
"""Fields of a record that open and close; others, such as OUT or DISP, change what the record is."""

_TAKEN_BY_A_CAMERA = ("Acquire", "AcquireTime")
_OF_A_CAMERA_FOR_A_SHUTTER = "shutter"
"""How areaDetector's own records of a shutter begin, such as ShutterControl; all others are the camera's."""

Key = tuple[str, str, str]
"""What is commanded, however it is written: adapter, record or device, channel of a controller."""


def check_outputs(file: InstrumentFile) -> None:
    """Refuse a file that would command something protected, or another field of a record than its own output.

    Raises
    ------
    ValueError : in one line, with the place in the file; also where a file of protected names cannot be read
    """
    protected = file.read_protected_names()
    for place, name in commanded(file):
        device = file.devices[name]
        _check_fields(place, name, device)
        for address in addresses(place, device):
            found = protected.find(address)
            if found is not None:
                raise ValueError(refused_output(place, address, f"which is {found}"))


def refused_output(place: str, address: str, why: str) -> str:
    """Return the line by which a protected name is refused."""
    return (
        f"{place} would command {address!r}, {why}; it may be read, as a suspender, but not be commanded: name another "
        "device, or see 'Protected names' in docs/deploying.md"
    )


def addresses(place: str, device: DeviceEntry) -> Iterator[str]:
    """Yield the addresses that a device in a place of the file is commanded by; of an object none is known here."""
    if device.adapter not in ("epics", "tango", "visa"):
        return
    yield device.address
    if device.adapter != "epics":
        return
    if place == "the shutter":
        yield from (device.address + end for end in _shutter_ends(device))
    elif place == "the detector":
        yield device.address + str(device.options.get("camera", "cam1:"))


def check_shared(file: InstrumentFile) -> None:
    """Refuse a file in which two devices command one thing, or a shutter what another device is or reads.

    Raises
    ------
    ValueError : in one line, with both devices
    """
    taken: dict[Key, tuple[str, str]] = {}
    for axis in file.axes:
        for shown, key in _commanded_by(file, axis.device, ("",)):
            if key in taken:
                raise ValueError(_same(axis.device, shown, taken[key], "devices: {} and {} have"))
            taken[key] = axis.device, shown
    _check_against_axes(file, file.detector.device, ("", *_camera_ends(file.devices[file.detector.device])), taken)
    if file.shutter is not None:
        shutter = file.devices[file.shutter.device]
        # Its status is only read; an axis that is the same record would move the blade.
        ends = ("", *_shutter_ends(shutter), str(shutter.options.get("status", "Status")))
        _check_against_axes(file, file.shutter.device, ends, taken)
        _check_shutter(file, file.shutter.device)


def record_of(pv: str) -> str:
    """Return the name of a PV's record, as it is compared: without its field, upper and lower case alike."""
    # Two records whose names differ in case alone are one name with a slip far more often than two motors.
    return pv.partition(".")[0].casefold()


def _check_against_axes(
    file: InstrumentFile, name: str, ends: tuple[str, ...], axes: dict[Key, tuple[str, str]]
) -> None:
    for shown, key in _commanded_by(file, name, ends):
        if key in axes:
            raise ValueError(_same(name, shown, axes[key], "devices: {} and the axis {} have"))


def _same(name: str, shown: str, taken: tuple[str, str], words: str) -> str:
    other, spelt = taken
    spelling = "" if spelt == shown else f", written {spelt!r} there"
    return f"{words.format(name, other)} the same address {shown!r}{spelling}; correct one"


def _commanded_by(file: InstrumentFile, name: str, ends: tuple[str, ...]) -> Iterator[tuple[str, Key]]:
    """Yield what a device commands, as a message shows it and as it is compared; nothing for one without an address.

    ``ends`` follow the address of an EPICS device; other adapters have one address.
    """
    device = file.devices[name]
    if not device.address or device.adapter in ("exposure", "manual"):
        return
    if device.adapter == "epics":
        for end in dict.fromkeys(ends):
            pv = device.address + end
            yield pv.partition(".")[0], ("epics", record_of(pv), "")
    elif device.adapter == "tango":
        # The data base's host is one instrument's own; with or without it, and in any case, the name is the same.
        yield device.address, ("tango", "/".join(device.address.partition("#")[0].split("/")[-3:]).casefold(), "")
    elif device.adapter == "visa":
        # A VISA controller has several axes at one address, and "TCPIP" is "TCPIP0".
        where = re.sub(r"^(tcpip|asrl|usb|gpib)::", r"\g<1>0::", device.address.casefold())
        yield device.address, ("visa", where, str(device.options.get("axis", "")))
    else:
        yield device.address, (device.adapter, device.address, "")


def _camera_ends(device: DeviceEntry) -> tuple[str, ...]:
    if "records" in device.options:  # a counter
        scaler, channels = (str(device.options.get(*each)) for each in (("scaler", "scaler1"), ("channels", "mcs1:")))
        return scaler, f"{channels}Start", f"{channels}Gate"
    camera = str(device.options.get("camera", "cam1:"))
    return tuple(camera + part for part in _TAKEN_BY_A_CAMERA)


def _check_shutter(file: InstrumentFile, name: str) -> None:
    device = file.devices[name]
    if device.adapter != "epics":
        return
    commands = [device.address + end for end in _shutter_ends(device)]
    if len({record_of(pv) for pv in commands}) < len(commands):
        raise ValueError(
            f"devices: {name}: its options open and close name the same record {commands[0].partition('.')[0]!r}, in "
            "which a 1 opens; leave close out, so that 0 closes, or name the button that closes"
        )
    for pv in commands:
        whose = _owner(file, pv)
        if whose:
            raise ValueError(
                f"devices: {name}: {pv!r} {whose}, and would be written 1 and 0 by the shutter; give the shutter's own "
                "PVs in its options open and close"
            )


def _owner(file: InstrumentFile, pv: str) -> str:
    """Return whose a PV is that a shutter would command, if it is the camera's or a reading's; "" where it is not."""
    camera = file.devices[file.detector.device]
    if camera.adapter == "epics":
        record = record_of(pv)
        if record in (record_of(camera.address + end) for end in _camera_ends(camera)):
            return "starts or sets an exposure of the detector"
        for option, usual in (("camera", "cam1:"), ("image", "image1:")):
            end = str(camera.options.get(option, usual))
            rest = record.removeprefix((camera.address + end).casefold())
            if end and rest != record and not rest.startswith(_OF_A_CAMERA_FOR_A_SHUTTER):
                return "is a setting of the detector"
    for place, reading in _readings(file):
        device = file.devices[reading]
        if device.adapter == "epics" and record_of(device.address) == record_of(pv):
            return f"is what the {place} reads"
    return ""


def _readings(file: InstrumentFile) -> Iterator[tuple[str, str]]:
    for place, part in (("attenuator", file.attenuator), ("identity", file.identity)):
        if part is not None:
            yield place, part.device
    yield from ((f"heartbeat {entry.name!r}", entry.device) for entry in file.heartbeats)
    yield from ((f"suspender {entry.name!r}", entry.device) for entry in file.suspenders)


def _shutter_ends(device: DeviceEntry) -> Iterator[str]:
    yield str(device.options.get("open", "Open"))
    if device.options.get("close"):
        yield str(device.options["close"])


def _check_fields(place: str, name: str, device: DeviceEntry) -> None:
    if device.adapter != "epics":
        return
    if place.startswith("axis "):
        record, dot, _ = device.address.partition(".")
        if dot:
            raise ValueError(
                f"devices: {name}: {device.address!r} names a field; an axis is a whole motor record: give {record!r}"
            )
    elif place == "the shutter":
        for end in _shutter_ends(device):
            pv = device.address + end
            if pv.partition(".")[2] not in _SHUTTER_FIELDS:
                raise ValueError(
                    f"devices: {name}: {pv!r} names a field that changes the record itself; give the record, or its "
                    "field VAL or PROC"
                )
