"""Outputs are a whitelist: what is commanded has an address in the file, and none that is protected."""

from collections.abc import Iterator

from beamgym.hardware_bridge.instrument_file.entries import DeviceEntry
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile
from beamgym.hardware_bridge.instrument_file.identity import commanded

_SHUTTER_FIELDS = ("", "VAL", "PROC")
"""Fields of a record that open and close; others, such as OUT or DISP, change what the record is."""


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
