"""Whether an instrument is a simulation: where its commands go, who serves them, and what that server calls itself.

A file that says simulation frees a human from answering, so that nothing it commands may be a real motor: every axis,
the detector and the shutter have PVs that begin as the identity's does, on the server that answers there. Readings,
such as heartbeats and suspenders, move nothing and may come from anywhere. A file that says hardware meets no practice
instrument beside its own PVs.
"""

import asyncio
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError, need
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile

IDENTITY = "identity"
"""What follows the prefix of a practice instrument for the PV by which it says what it is."""

ASK_S = 2.0
"""A practice instrument beside a beamline's PVs would answer within this time, seconds."""

_SERVER_S = 10.0
_SIMULATED = ("epics", "exposure", "object")
_PROTOCOLS = ("ca", "pva")
_INSIDE = ("soft", "mock", "sim")  # sources of ophyd-async that lead to no server


def check_simulation(file: InstrumentFile) -> None:
    """Refuse a simulation whose commands could reach anything else; raises ValueError in one line."""
    if not file.simulation or file.identity is None:
        return
    prefix = _prefix_of_identity(file, file.identity.device)
    for place, name in commanded(file):
        device = file.devices[name]
        # Tango, VISA, files and hands have no word by which they could say that they are a simulation.
        if device.adapter not in _SIMULATED:
            raise ValueError(
                f"simulation is true, and {place} has the adapter {device.adapter!r}, which may move something real; "
                "simulations are reached by epics only; give simulation: false"
            )
        if device.adapter == "epics" and not device.address.startswith(prefix):
            raise ValueError(_elsewhere(place, device.address, prefix))


def check_objects(file: InstrumentFile, objects: Mapping[str, Any]) -> None:
    """Refuse, in a simulation, devices of the user's own whose PVs are not all the practice instrument's.

    Parameters
    ----------
    file : the instrument
    objects : what its entries of the adapter "object" name

    Raises
    ------
    ValueError : an object with a PV elsewhere, or of which no PV can be seen
    """
    if not file.simulation or file.identity is None:
        return
    prefix = _prefix_of_identity(file, file.identity.device)
    for place, name in commanded(file):
        device = file.devices[name]
        if device.adapter != "object":
            continue
        found = list(pvs_of(objects[device.address]))
        # What cannot be looked into is taken for real.
        if not found:
            raise ValueError(
                f"simulation is true, and of {place} (object {device.address!r}) no PV can be seen: it may be real; "
                "give simulation: false, or a device of ophyd or ophyd-async signals"
            )
        for pv in found:
            if not pv.startswith(prefix):
                raise ValueError(_elsewhere(place, pv, prefix))


def commanded(file: InstrumentFile) -> Iterator[tuple[str, str]]:
    """Yield (place in the file, device's name) of everything that is commanded; an exposure-time axis is the camera."""
    for axis in file.axes:
        if axis.unit != "s":
            yield f"axis {axis.name!r}", axis.device
    yield "the detector", file.detector.device
    if file.shutter is not None:
        yield "the shutter", file.shutter.device


def commanded_devices(file: InstrumentFile, devices: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield (place in the file, device's name, device) of everything that is commanded."""
    parts = [devices.axes[axis.name] for axis in file.axes if axis.unit != "s"]
    parts += [devices.detector, *([] if devices.shutter is None else [devices.shutter])]
    for (place, name), part in zip(commanded(file), parts, strict=True):
        yield place, name, part


def pvs_of(device: Any) -> Iterator[str]:
    """Yield the PVs of a device of ophyd-async or classic ophyd; of another protocol the whole source."""
    source = getattr(device, "source", None)
    if isinstance(source, str):
        scheme, _, address = source.partition("://")
        # Soft and mock signals lead to no server at all.
        if scheme not in _INSIDE:
            yield address if scheme in _PROTOCOLS else source
    # Classic ophyd has both, and they may differ.
    for attribute in ("pvname", "setpoint_pvname"):
        name = getattr(device, attribute, None)
        if isinstance(name, str):
            yield name
    if callable(getattr(device, "walk_signals", None)):
        for found in device.walk_signals():
            yield from pvs_of(found.item)
    elif callable(getattr(device, "children", None)):
        for _, child in device.children():
            yield from pvs_of(child)


def identity_names(pvs: Iterable[str]) -> list[str]:
    """Return the PVs by which a practice instrument would say what it is, if these PVs were its own."""
    # A prefix ends where a name has a mark, and nobody tells us which one.
    listed = sorted(set(pvs))
    prefixes = {pv[: mark.end()] for pv in listed for mark in re.finditer(r"[^A-Za-z0-9]", pv)}
    # Where a prefix ends without a mark, it is one of the beginnings that all PVs have.
    begins = (listed[0][:end] for end in range(1, len(listed[0]) + 1)) if listed else ()
    prefixes |= {begin for begin in begins if all(pv.startswith(begin) for pv in listed)}
    return sorted(f"{prefix}{IDENTITY}" for prefix in prefixes)


async def simulation_beside(file: InstrumentFile, devices: Any) -> str | None:
    """Return what a practice instrument answers beside the PVs that a file commands; None where none does, or no aioca.

    Parameters
    ----------
    file : says hardware
    devices : its devices, connected
    """
    names = identity_names(await _commanded_pvs(file, devices))
    aioca = _aioca() if names else None
    if aioca is None:
        return None
    # What does not exist is looked for until the loop ends; libca asks more and more rarely.
    asked = [asyncio.ensure_future(aioca.caget(name, datatype=str, timeout=ASK_S, throw=False)) for name in names]
    try:
        for answer in asyncio.as_completed(asked):
            found = await answer
            # The first one is enough: one practice PV beside real ones says that the file mixes the two.
            if found.ok and "simulation" in str(found).lower():
                return str(found)
    finally:
        for each in asked:
            each.cancel()
    return None


async def strangers(file: InstrumentFile, devices: Any) -> list[str]:
    """Return, of a simulation, the PVs that are commanded and that another server serves than the identity.

    Returns
    -------
    One text each, such as "bgym:j1.RBV at 10.0.0.7:5064"; empty where all is as it should be

    Raises
    ------
    DeviceError : a PV does not answer
    """
    entry = file.identity
    pvs = await _commanded_pvs(file, devices)
    if entry is None or not pvs or file.devices[entry.device].adapter != "epics":
        return []
    # By host and port: a second server with the same prefix would answer some of the PVs.
    home, *hosts = await asyncio.gather(*(_host(pv) for pv in (file.devices[entry.device].address, *pvs)))
    return [f"{pv} at {host}" for pv, host in zip(pvs, hosts, strict=True) if host != home]


async def _commanded_pvs(file: InstrumentFile, devices: Any) -> list[str]:
    """Return PVs over Channel Access of everything that is commanded: one or more of each adapter's own, all others."""
    found: list[str] = []
    for _, name, part in commanded_devices(file, devices):
        if file.devices[name].adapter == "epics":
            found += await _described(part)
        elif file.devices[name].adapter == "object":
            found += [pv for pv in pvs_of(part) if "://" not in pv]
    return found


async def _described(device: Any) -> list[str]:
    """Return the PVs over Channel Access that a device of the adapter epics reads."""
    describe = getattr(device, "describe", None)
    keys = describe() if callable(describe) else {}
    keys = await keys if inspect.isawaitable(keys) else keys
    sources = dict.fromkeys(str(key.get("source", "")) for key in keys.values())
    return [source.removeprefix("ca://") for source in sources if source.startswith("ca://")]


def _aioca() -> Any:
    """Return aioca, or None where a user's own devices reach EPICS without it."""
    try:
        return need("aioca", "epics")
    except ImportError:
        return None


async def _host(pv: str) -> str:
    aioca = need("aioca", "epics")
    info = await aioca.cainfo(pv, timeout=_SERVER_S, throw=False)
    if not info.ok:
        raise DeviceError(f"PV {pv}: no server is known after {_SERVER_S:g} s; check EPICS_CA_ADDR_LIST")
    return str(info.host)


def _prefix_of_identity(file: InstrumentFile, name: str) -> str:
    device = file.devices[name]
    address = device.address if device.adapter == "epics" else ""
    prefix = address.removesuffix(IDENTITY)
    # Without a prefix every PV on the net would begin as the identity does.
    if prefix in ("", address):
        raise ValueError(
            f"simulation is true, and its identity is {device.adapter} {device.address!r}; give that of `beamgym ioc`, "
            f"adapter: epics and address: PREFIX{IDENTITY}, or simulation: false"
        )
    return prefix


def _elsewhere(place: str, pv: str, prefix: str) -> str:
    return (
        f"simulation is true, and {place} is at {pv!r}, outside {prefix!r}, where the identity is: it may be real; "
        "correct the address, or give simulation: false"
    )
