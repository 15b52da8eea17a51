"""What stands behind the names that are commanded: aliases, record types, descriptions and links of EPICS records."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.instrument_file import InstrumentFile, commanded_devices, refused_output
from beamgym.hardware_bridge.protected_names import ProtectedNames

_DEEPEST = 3  # links that are followed from a record to the next
_LINKS = {
    "dfanout": tuple(f"OUT{letter}" for letter in "ABCDEFGHIJKLMNOP"),
    "transform": tuple(f"OUT{letter}" for letter in "ABCDEFGHIJKLMNOP"),
    "seq": tuple(f"LNK{letter}" for letter in "0123456789ABCDEF"),
    "sseq": tuple(f"LNK{letter}" for letter in "123456789A"),
    "fanout": tuple(f"LNK{letter}" for letter in "0123456789ABCDEF"),
    "swait": ("OUTN",),
}
"""Fields by which a record of a type writes to others, or processes them, beside OUT and FLNK."""


@dataclass(frozen=True)
class Record:
    """A record as its server describes it; what is not served is "".

    Parameters
    ----------
    asked : the name by which it was asked
    name : its own, another one where ``asked`` is an alias
    kind : its type, such as "motor"
    description : DESC
    links : records that it writes to or processes
    """

    asked: str
    name: str
    kind: str
    description: str
    links: tuple[str, ...]


async def check_outputs(file: InstrumentFile, devices: Any) -> None:
    """Refuse an axis or shutter behind whose name something protected stands; nothing is written.

    Parameters
    ----------
    file : the instrument
    devices : its devices; they need not be connected yet

    Raises
    ------
    DeviceError : in one line: a PV of an object with a protected name; an alias of one; a record whose DESC says that
        it is one, or that writes to one; an axis that is no motor record
    """
    protected = file.read_protected_names()
    looks = []
    for place, name, device in commanded_devices(file, devices):
        adapter = file.devices[name].adapter
        pvs = list(getattr(device, "outputs", ())) if adapter == "epics" else []
        if adapter == "object":
            pvs = list(written_by(device))
            _check_names(place, pvs, protected)
        if adapter == "tango":
            looks.append(_check_tango(place, file.devices[name].address, device, protected))
        # A camera's records are its driver's own; a prefix is no alias of a valve.
        if place != "the detector":
            is_axis = adapter == "epics" and place.startswith("axis ")
            looks += [_check_record(place, record, protected, is_axis) for record in _records(pvs)]
    await asyncio.gather(*looks)


def written_by(device: Any) -> Iterator[str]:
    """Yield the PVs over Channel Access that an ophyd or ophyd-async device can write, not those that it only reads."""
    source = getattr(device, "source", None)
    if isinstance(source, str) and callable(getattr(device, "set", None)):
        scheme, _, address = source.partition("://")
        if scheme in ("ca", "pva"):
            yield address
    setpoint = getattr(device, "setpoint_pvname", None)
    if isinstance(setpoint, str) and not type(device).__name__.endswith("RO"):
        yield setpoint
    if callable(getattr(device, "walk_signals", None)):
        for found in device.walk_signals():
            yield from written_by(found.item)
    elif callable(getattr(device, "children", None)):
        for _, child in device.children():
            yield from written_by(child)


def _records(pvs: list[str]) -> list[str]:
    return sorted({pv.partition(".")[0] for pv in pvs})


def _check_names(place: str, pvs: list[str], protected: ProtectedNames) -> None:
    for pv in pvs:
        found = protected.find(pv)
        if found is not None:
            raise DeviceError(refused_output(place, pv, f"which is {found}"))


async def _check_record(place: str, asked: str, protected: ProtectedNames, is_axis: bool) -> None:
    record = await _read_record(asked)
    if is_axis and record.kind not in ("", "motor"):
        raise DeviceError(
            f"{place}: {asked} is a record of the type {record.kind!r}; an axis is a motor record, which has "
            "limits and a stop: name that one"
        )
    await _check_behind(place, asked, record, protected, _DEEPEST)


async def _check_tango(place: str, address: str, device: Any, protected: ProtectedNames) -> None:
    name = await device.real_name()
    found = protected.find(name)
    if found is not None:
        raise DeviceError(refused_output(place, address, f"an alias of {name!r}, which is {found}"))


async def _check_behind(place: str, asked: str, record: Record, protected: ProtectedNames, depth: int) -> None:
    why = _why(record, asked, protected)
    if why:
        raise DeviceError(refused_output(place, asked, why))
    if depth > 1:
        linked = await asyncio.gather(*(_read_record(link.partition(".")[0]) for link in record.links))
        for each in linked:
            await _check_behind(place, asked, each, protected, depth - 1)


def _why(record: Record, asked: str, protected: ProtectedNames) -> str:
    """Return why a record may not be commanded, or be written by one that is; "" where it may."""
    there = "" if record.asked == asked else f"which writes to {record.asked!r}, "
    found = protected.find(record.name)
    if found is not None:
        return f"{there}an alias of {record.name!r}, which is {found}"
    found = protected.find_in_description(record.description, record.name)
    if found is not None:
        return f"{there}whose DESC {record.description!r} says that it is {found}"
    for link in record.links:
        found = protected.find(link)
        if found is not None:
            return f"{there}which writes to {link!r}, which is {found}"
    return ""


async def _read_record(asked: str) -> Record:
    from beamgym.hardware_bridge.adapters.epics.optional import read_optional, text

    found = await read_optional({field: f"{asked}.{field}" for field in ("NAME", "RTYP", "DESC", "OUT", "FLNK")})
    kind = text(found, "RTYP") or ""
    if kind in _LINKS:
        found |= await read_optional({field: f"{asked}.{field}" for field in _LINKS[kind]})
    links = [_target(text(found, field) or "") for field in ("OUT", "FLNK", *_LINKS.get(kind, ()))]
    return Record(
        asked, text(found, "NAME") or asked, kind, text(found, "DESC") or "", tuple(link for link in links if link)
    )


def _target(link: str) -> str:
    """Return the PV that a link names; "" for a device's address, a constant, or nothing."""
    word = link.split()[0] if link.split() else ""
    if word.startswith(("@", "#", "{")):
        return ""
    try:
        float(word or 0)
    except ValueError:
        return word
    return ""
