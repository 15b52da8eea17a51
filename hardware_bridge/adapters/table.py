"""Which adapter can be which part of an instrument, and how each is built; libraries are imported when needed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from beamgym.hardware_bridge.devices import AdapterOptions, parse_options
from beamgym.hardware_bridge.instrument_file import AxisEntry, DeviceEntry, InstrumentFile
from beamgym.hardware_bridge.manual_operator import Operator

_PATIENCE_S = 5.0  # the guard's own wait ends first, and stops the motor

RECORDS = "records"
"""Option of an EPICS detector that is no camera; see ``adapters.epics.counter``."""

# What bluesky.protocols ask of each part; everything else a device may lack.
_METHODS = {
    "axis": ("set", "read"),
    "detector": ("trigger", "read"),
    "shutter": ("set", "read"),
    "signal": ("read",),
}


@dataclass
class Shared:
    """What several devices of one instrument share: the operator, the objects passed in, the lines that are open."""

    operator: Operator
    objects: Mapping[str, Any]
    lines: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Request:
    """One part to be built.

    Parameters
    ----------
    role : "axis", "detector", "shutter" or "signal"
    name : the part's name, which its readings will carry
    device : the name of its entry in ``devices``
    file, shared : the whole instrument
    """

    role: str
    name: str
    device: str
    file: InstrumentFile
    shared: Shared

    @property
    def entry(self) -> DeviceEntry:
        """The device's entry."""
        return self.file.devices[self.device]

    @property
    def axis(self) -> AxisEntry:
        """The axis's entry."""
        return self.file.axis(self.name)

    @property
    def patience_s(self) -> float:
        """How long a move may take, seconds: its whole travel, the axis's own timeout, and some more."""
        axis = self.axis
        # max_step may be wider than the travel, or the limits be the motor's own and not in the file.
        travel = max(axis.max_step, axis.limits[1] - axis.limits[0] if axis.limits else 0.0) + axis.backlash
        return travel / axis.speed + axis.settle_s + axis.timeout_s + _PATIENCE_S

    def options(self, model: Any) -> Any:
        """Return the entry's options, checked."""
        return parse_options(model, self.device, self.entry.options)


def build(request: Request) -> Any:
    """Build one part, without connecting.

    Raises
    ------
    ValueError : an adapter that cannot be this part, an unknown option or a wrong value
    TypeError : an object that lacks the part's methods
    ImportError : the adapter's library is missing; the message names the extra
    """
    return _builder(request)(request)


def check_options(file: InstrumentFile) -> None:
    """Check every adapter's place and options, without the libraries that it needs and without connecting.

    Raises
    ------
    ValueError : an adapter that cannot be what it is to be, an unknown option or a wrong value
    """
    for role, name, device in parts(file):
        request = Request(role, name, device, file, Shared(Operator(), {}))
        if role == "axis" and request.entry.adapter == "exposure":
            request.options(AdapterOptions)
            continue
        _builder(request)
        # Where the library is missing, connecting says so, with the name of the extra.
        with suppress(ImportError):
            request.options(_options(role, request.entry))


def parts(file: InstrumentFile) -> Iterator[tuple[str, str, str]]:
    """Yield role, name and device of every part of an instrument."""
    for axis in file.axes:
        yield "axis", axis.name, axis.device
    yield "detector", "detector", file.detector.device
    if file.shutter is not None:
        yield "shutter", "shutter", file.shutter.device
    if file.attenuator is not None:
        yield "signal", "attenuator", file.attenuator.device
    if file.identity is not None:
        yield "signal", "identity", file.identity.device
    for heartbeat in file.heartbeats:
        yield "signal", heartbeat.name, heartbeat.device
    for suspender in file.suspenders:
        yield "signal", suspender.name, suspender.device


def _options(role: str, entry: DeviceEntry) -> Any:
    records = f"{entry.adapter} {entry.options.get(RECORDS, '')}".strip()
    module, name = OPTIONS.get((role, records), OPTIONS.get((role, entry.adapter), ("devices", "AdapterOptions")))
    return getattr(import_module(f"beamgym.hardware_bridge.{module}"), name)


def _builder(request: Request) -> Callable[[Request], Any]:
    builders = BUILDERS[request.role]
    adapter = request.entry.adapter
    if adapter not in builders:
        raise ValueError(
            f"{request.role} {request.name!r} uses device {request.device!r} of adapter {adapter!r}, which cannot be "
            f"one; a {request.role} can be {', '.join(builders)}"
        )
    return builders[adapter]


def _object(request: Request) -> Any:
    request.options(AdapterOptions)
    key = request.entry.address
    if key not in request.shared.objects:
        passed = ", ".join(request.shared.objects) or "none"
        raise ValueError(f"device {request.device!r} is object {key!r}, which was not passed; passed: {passed}")
    found = request.shared.objects[key]
    missing = [method for method in _METHODS[request.role] if not callable(getattr(found, method, None))]
    if missing:
        raise TypeError(
            f"object {key!r} ({type(found).__name__}) cannot be {request.role} {request.name!r}: "
            f"it has no {' and no '.join(missing)}; see bluesky.protocols"
        )
    request.shared.used.add(key)
    return found


def _epics_axis(request: Request) -> Any:
    from beamgym.hardware_bridge.adapters.epics.motor import EpicsMotor, EpicsMotorOptions

    options = request.options(EpicsMotorOptions)
    axis = request.axis
    return EpicsMotor(request.name, request.entry.address, axis.unit, request.patience_s, options, axis.egu)


def _epics_detector(request: Request) -> Any:
    detector = request.file.detector
    if RECORDS in request.entry.options:
        from beamgym.hardware_bridge.adapters.epics.counter import EpicsCounter, EpicsCounterOptions

        chosen, patience_s = request.options(EpicsCounterOptions), detector.timeout_s + _PATIENCE_S
        return EpicsCounter(request.name, request.entry.address, detector.raw_shape[0], patience_s, chosen)
    from beamgym.hardware_bridge.adapters.epics.camera import EpicsCamera, EpicsCameraOptions

    options = request.options(EpicsCameraOptions)
    timeout_s = detector.timeout_s + _PATIENCE_S
    return EpicsCamera(request.name, request.entry.address, detector.raw_shape, timeout_s, options)


def _epics_shutter(request: Request) -> Any:
    from beamgym.hardware_bridge.adapters.epics.signals import EpicsShutter, EpicsShutterOptions

    return EpicsShutter(request.name, request.entry.address, request.options(EpicsShutterOptions))


def _epics_signal(request: Request) -> Any:
    from beamgym.hardware_bridge.adapters.epics.signals import EpicsSignal, EpicsSignalOptions

    return EpicsSignal(request.name, request.entry.address, request.options(EpicsSignalOptions))


def _tango_axis(request: Request) -> Any:
    from beamgym.hardware_bridge.adapters.tango import TangoMotor, TangoOptions

    options = request.options(TangoOptions)
    return TangoMotor(request.name, request.entry.address, request.axis.unit, request.patience_s, options)


def _tango_signal(request: Request) -> Any:
    from beamgym.hardware_bridge.adapters.tango import TangoSignal, TangoSignalOptions

    return TangoSignal(request.name, request.entry.address, request.options(TangoSignalOptions))


def _visa_axis(request: Request) -> Any:
    from beamgym.hardware_bridge.adapters.visa import VisaAxis, VisaLine
    from beamgym.hardware_bridge.adapters.visa_commands import VisaOptions

    options, address = request.options(VisaOptions), request.entry.address
    # One line a controller: its answers come in the order of the questions.
    line = request.shared.lines.setdefault(address, VisaLine(address, options))
    return VisaAxis(request.name, request.axis.unit, line, options, request.patience_s)


def _manual_axis(request: Request) -> Any:
    from beamgym.hardware_bridge.adapters.manual import ManualAxis, ManualOptions

    axis, options = request.axis, request.options(ManualOptions)
    return ManualAxis(request.name, axis.unit, axis.tolerance, request.patience_s, request.shared.operator, options)


def _filedrop_detector(request: Request) -> Any:
    from beamgym.hardware_bridge.adapters.filedrop import FileDropDetector, FileDropOptions

    detector, options = request.file.detector, request.options(FileDropOptions)
    # Only where a human takes the frames; a camera's own program needs no words.
    tell = request.shared.operator.tell if options.operator else None
    timeout_s = detector.timeout_s + _PATIENCE_S
    return FileDropDetector(request.name, request.entry.address, detector.raw_shape, timeout_s, options, tell)


BUILDERS: dict[str, dict[str, Callable[[Request], Any]]] = {
    "axis": {
        "epics": _epics_axis,
        "tango": _tango_axis,
        "visa": _visa_axis,
        "manual": _manual_axis,
        "object": _object,
    },
    "detector": {"epics": _epics_detector, "filedrop": _filedrop_detector, "object": _object},
    "shutter": {"epics": _epics_shutter, "object": _object},
    "signal": {"epics": _epics_signal, "tango": _tango_signal, "object": _object},
}

OPTIONS = {
    ("axis", "epics"): ("adapters.epics.motor", "EpicsMotorOptions"),
    ("axis", "tango"): ("adapters.tango", "TangoOptions"),
    ("axis", "visa"): ("adapters.visa_commands", "VisaOptions"),
    ("axis", "manual"): ("adapters.manual", "ManualOptions"),
    ("detector", "epics"): ("adapters.epics.camera", "EpicsCameraOptions"),
    ("detector", "epics scaler"): ("adapters.epics.counter", "EpicsCounterOptions"),
    ("detector", "filedrop"): ("adapters.filedrop", "FileDropOptions"),
    ("shutter", "epics"): ("adapters.epics.signals", "EpicsShutterOptions"),
    ("signal", "epics"): ("adapters.epics.signals", "EpicsSignalOptions"),
    ("signal", "tango"): ("adapters.tango", "TangoSignalOptions"),
}
"""Where the options of each part are described; objects have none."""
