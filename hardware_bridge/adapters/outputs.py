"""What stands behind the names that are commanded: aliases, record types, descriptions and links of EPICS records."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.instrument_file import InstrumentFile, commanded_devices, record_of, refused_output
from beamgym.hardware_bridge.protected_names import ProtectedNames

_TYPE_S = 1.0  # the server has answered before
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

_MOVING = ("motor", "table", "sscan", "scan", "epid")
"""Types of records that move something: a shutter that is one would be moved to 0 and 1, past every rule for axes."""


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


@dataclass(frozen=True)
class _Output:
    """A record that a place of the file commands, as it is found before anything is compared."""

    place: str
    adapter: str
    record: Record

    @property
    def is_certain(self) -> bool:
        """Whether two places that both write it are a mistake; devices of one's own may share other records."""
        return self.adapter == "epics" or self.record.kind == "motor"


async def check_outputs(file: InstrumentFile, devices: Any) -> None:
    """Refuse an axis or shutter behind whose name something protected or another device stands; nothing is written.

    Parameters
    ----------
    file : the instrument
    devices : its devices; they need not be connected yet

    Raises
    ------
    DeviceError : in one line: a PV of an object with a protected name; an alias of one; a record whose DESC says that
        it is one, or that writes to one; an axis that is no motor record; a shutter that is one; a record that two of
        the file's devices command, by an alias or a link too
    """
    protected = file.read_protected_names()
    looks, tango = [], []
    for place, name, device in commanded_devices(file, devices):
        adapter = file.devices[name].adapter
        pvs = list(getattr(device, "outputs", ())) if adapter == "epics" else []
        if adapter == "object":
            pvs = list(written_by(device))
            _check_names(place, pvs, protected)
        if adapter == "tango":
            tango.append(_check_tango(place, file.devices[name].address, device, protected))
        looks += [_look(place, adapter, record) for record in _records(_that_count(place, adapter, pvs))]
    outputs, _ = await asyncio.gather(asyncio.gather(*looks), asyncio.gather(*tango))
    for output in outputs:
        _check_kind(output)
    claimed = _claimed(outputs)
    # A camera's records are its driver's own; a prefix is no alias of a valve.
    behind = [output for output in outputs if output.place != "the detector"]
    await asyncio.gather(*(_check_behind(each, each.record, protected, claimed, _DEEPEST) for each in behind))


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


def _that_count(place: str, adapter: str, pvs: list[str]) -> list[str]:
    """Return the PVs that are looked behind: of a user's own camera, with its hundred settings, what exposes."""
    if place != "the detector" or adapter != "object":
        return pvs
    return [pv for pv in pvs if pv.partition(".")[0].endswith(("Acquire", "AcquireTime"))]


async def _look(place: str, adapter: str, asked: str) -> _Output:
    # Of a camera the name is enough: whatever else commands it is asked, and few drivers' records are worth a wait.
    if place == "the detector":
        return _Output(place, adapter, Record(asked, asked, "", "", ()))
    record = await _read_record(asked)
    # A server that does not say the type: what can be asked whether it has done moving is a motor.
    if place == "the shutter" and not record.kind and await _is_served(f"{asked}.DMOV"):
        record = replace(record, kind="motor")
    return _Output(place, adapter, record)


async def _is_served(pv: str) -> bool:
    from beamgym.hardware_bridge.adapters.epics.optional import read_optional

    return bool(await read_optional({"asked": pv}, _TYPE_S))


def _check_kind(output: _Output) -> None:
    """Refuse an axis that is no motor record, and a shutter that is one; a user's own device knows what it does."""
    place, record = output.place, output.record
    if output.adapter != "epics" or place == "the detector":
        return
    if place == "the shutter" and record.kind in _MOVING:
        raise DeviceError(
            f"{place}: {record.asked} is a record of the type {record.kind!r}, which moves something, past every rule "
            "for axes: name the record that opens the shutter, or hand the shutter over as a device of your own"
        )
    if place != "the shutter" and record.kind not in ("", "motor"):
        raise DeviceError(
            f"{place}: {record.asked} is a record of the type {record.kind!r}; an axis is a motor record, which has "
            "limits and a stop: name that one"
        )


def _claimed(outputs: list[_Output]) -> dict[str, str]:
    """Return which place commands a record, by its own name; DeviceError where two do."""
    found: dict[str, _Output] = {}
    for output in outputs:
        # An alias and the record are one; where the server does not say, the name asked for is all there is.
        for key in dict.fromkeys((record_of(output.record.name), record_of(output.record.asked))):
            other = found.setdefault(key, output)
            if other.place != output.place and (other.is_certain or output.is_certain):
                raise DeviceError(
                    f"{output.place} and {other.place} command the same record {output.record.name!r}, named "
                    f"{output.record.asked!r} and {other.record.asked!r}; give each its own"
                )
    return {key: output.place for key, output in found.items() if output.is_certain}


async def _check_tango(place: str, address: str, device: Any, protected: ProtectedNames) -> None:
    name = await device.real_name()
    found = protected.find(name)
    if found is not None:
        raise DeviceError(refused_output(place, address, f"an alias of {name!r}, which is {found}"))


async def _check_behind(
    output: _Output, record: Record, protected: ProtectedNames, claimed: Mapping[str, str], depth: int
) -> None:
    why = _why(record, output.record.asked, protected)
    if why:
        raise DeviceError(refused_output(output.place, output.record.asked, why))
    for link in record.links:
        other = claimed.get(record_of(link), output.place)
        if other != output.place:
            raise DeviceError(
                f"{output.place} would command {output.record.asked!r}, by which {link!r} is written, and that is "
                f"{other}; name a record that moves nothing else of this file"
            )
    if depth > 1:
        linked = await asyncio.gather(*(_read_record(link.partition(".")[0]) for link in record.links))
        for each in linked:
            await _check_behind(output, each, protected, claimed, depth - 1)


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
