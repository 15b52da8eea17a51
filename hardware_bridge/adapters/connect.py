"""From an instrument file to its devices."""

import asyncio
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from beamgym.hardware_bridge.adapters.exposure_axis import ExposureAxis
from beamgym.hardware_bridge.adapters.outputs import check_outputs
from beamgym.hardware_bridge.adapters.searches import search_servers
from beamgym.hardware_bridge.adapters.table import Request, Shared, build
from beamgym.hardware_bridge.devices import AdapterOptions, DeviceError, in_thread, parse_options
from beamgym.hardware_bridge.instrument_file import AxisEntry, InstrumentFile, check_objects, pvs_of
from beamgym.hardware_bridge.manual_operator import Operator
from beamgym.physics.messages import one_line

_SEARCH_S = 10.0  # a search that takes longer hangs


@dataclass(frozen=True)
class Devices:
    """The devices of one instrument, as bluesky's protocols know them.

    Parameters
    ----------
    axes : by the axis's name, in the file's order
    detector : the detector
    shutter : or None
    heartbeats, suspenders : readings, by name
    attenuator : the reading of what weakens the beam before the shutter, or None
    identity : the reading that says whether this is a simulation, or None
    file : the instrument that they were made for; None where they were put together by hand
    records : of axes that the caller's own EPICS devices drive, what tells the settings of their records; ``connect``
        finds them
    """

    axes: dict[str, Any]
    detector: Any
    shutter: Any = None
    heartbeats: dict[str, Any] = field(default_factory=dict)
    suspenders: dict[str, Any] = field(default_factory=dict)
    attenuator: Any = None
    identity: Any = None
    file: InstrumentFile | None = None
    records: dict[str, Any] = field(default_factory=dict)

    def all(self) -> Iterator[tuple[str, Any]]:
        """Yield what each device is, in words, and the device; the manual axes last, since they ask a human."""
        yield "detector", self.detector
        for words, device in (
            ("shutter", self.shutter),
            ("attenuator", self.attenuator),
            ("identity", self.identity),
        ):
            if device is not None:
                yield words, device
        for kind, devices in (("heartbeat", self.heartbeats), ("suspender", self.suspenders), ("axis", self.axes)):
            for name, device in devices.items():
                yield f"{kind} {name!r}", device

    async def connect(self, timeout: float) -> None:
        """Connect everything at once and look behind the names of what is commanded; writes nothing.

        Raises
        ------
        DeviceError : the first device that cannot be reached, in one line; ``timeout`` seconds hold for each; or one
            that would command what is protected
        """
        # By identity: the exposure-time axis and several readings may share one device.
        devices = {id(device): (words, device) for words, device in self.all()}.values()
        found = await asyncio.gather(
            # All are waited for, so that none is left connecting when the first has failed.
            *(connect_device(words, device, timeout) for words, device in devices),
            # Beside the others: what a record's server lacks is waited for.
            self.check_outputs(),
            return_exceptions=True,
        )
        # The first in the file's order, whichever failed first, so that the message is the same each time.
        for error in found:
            if isinstance(error, BaseException):
                raise error
        await self._watch_records()

    async def _watch_records(self) -> None:
        """Watch the motor records behind the caller's own devices, which do not tell all that a path depends on."""
        try:
            from beamgym.hardware_bridge.adapters.epics.record_fields import LACKED_S, RecordFields, record_of
        except ImportError:
            # Without aioca, for those who drive by pyepics alone: then the file's backlash is all there is.
            return
        for name, device in self.axes.items():
            # An adapter's own motor tells them itself.
            record = None if hasattr(device, "watched_settings") else record_of(device)
            if record is not None:
                # Kept where it is there: connecting anew closes its monitors and opens others.
                self.records.setdefault(name, RecordFields(name, record))
        await asyncio.gather(*(record.connect(LACKED_S) for record in self.records.values()))

    async def check_outputs(self) -> None:
        """Look behind the names of what is commanded; DeviceError where something protected stands there."""
        if self.file is not None:
            await check_outputs(self.file, self)

    async def servers(self) -> dict[str, list[str]]:
        """Return every server that answers for each PV over Channel Access, as "address:port"; empty without such PVs.

        Writes nothing. A PV without an answer is one that was found by other means than a search by UDP.
        """
        pvs = [pv for _, device in self.all() for pv in _channel_access(device)]
        return await in_thread("a search for servers", _SEARCH_S, search_servers, pvs) if pvs else {}

    async def close(self) -> None:
        """Close the lines that stay open, those of VISA stages."""
        for _, device in self.all():
            closing = getattr(device, "close", None)
            if inspect.iscoroutinefunction(closing):
                await closing()


def connect(
    file: InstrumentFile, objects: Mapping[str, Any] | None = None, operator: Operator | None = None
) -> Devices:
    """Build the devices of an instrument; ``await devices.connect(timeout)`` then reaches out for them.

    Parameters
    ----------
    file : the instrument
    objects : what entries of the adapter "object" name: ophyd-async, classic ophyd or plain Python objects
    operator : who turns manual axes; by default nobody, which axes turned by hand do not accept

    Raises
    ------
    ValueError : an option nobody knows, an adapter in a place it cannot fill, an object missing or not used, and in a
        simulation an object whose PVs are not all the practice instrument's
    TypeError : an object without the methods of its place
    ImportError : an adapter's library is missing; the message names the extra
    """
    shared = Shared(operator or Operator(), dict(objects or {}))

    def part(role: str, name: str, device: str) -> Any:
        return build(Request(role, name, device, file, shared))

    detector = part("detector", "detector", file.detector.device)
    devices = Devices(
        axes={axis.name: _axis(axis, detector, file, part) for axis in file.axes},
        detector=detector,
        shutter=part("shutter", "shutter", file.shutter.device) if file.shutter else None,
        heartbeats={entry.name: part("signal", entry.name, entry.device) for entry in file.heartbeats},
        suspenders={entry.name: part("signal", entry.name, entry.device) for entry in file.suspenders},
        attenuator=part("signal", "attenuator", file.attenuator.device) if file.attenuator else None,
        identity=part("signal", "identity", file.identity.device) if file.identity else None,
        file=file,
    )
    # A name misspelt on either side would leave a device unguarded and unused.
    unused = sorted(set(shared.objects) - shared.used)
    if unused:
        raise ValueError(f"object {unused[0]!r} was passed, but no device of instrument {file.name!r} names it")
    # Before anything connects: a simulation must not even ask real motors.
    check_objects(file, shared.objects)
    return devices


def _channel_access(device: Any) -> Iterator[str]:
    """Yield the PVs over Channel Access of a device: ours keep them in channels, others in signals."""
    for part in vars(device).values() if hasattr(device, "__dict__") else ():
        pvs = getattr(part, "pvs", ())
        yield from pvs if isinstance(pvs, tuple) else ()
    yield from (pv for pv in pvs_of(device) if "://" not in pv)


async def connect_device(words: str, device: Any, timeout: float) -> None:
    """Connect one device: ours and ophyd-async's by ``connect``, classic ophyd's by ``wait_for_connection``.

    Raises
    ------
    DeviceError : it cannot be reached, in one line; a plain Python object without either method is taken as it is
    """
    try:
        if callable(getattr(device, "wait_for_connection", None)):
            # Classic ophyd blocks; one second more than its own limit, so that its own message is the one that is seen.
            await in_thread(words, timeout + 1.0, lambda: device.wait_for_connection(timeout=timeout))
        elif inspect.iscoroutinefunction(getattr(device, "connect", None)):
            await device.connect(timeout=timeout)
    except DeviceError:
        raise
    except Exception as error:
        raise DeviceError(f"{words}: cannot be reached: {one_line(error, 200)}") from error


def _axis(axis: AxisEntry, detector: Any, file: InstrumentFile, part: Any) -> Any:
    entry = file.devices[axis.device]
    if entry.adapter != "exposure":
        return part("axis", axis.name, axis.device)
    parse_options(AdapterOptions, axis.device, entry.options)
    return ExposureAxis(axis.name, detector, *file.detector.exposure_s)
