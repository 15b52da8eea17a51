"""The parts of a new instrument file beside its axes: devices, detector, shutter, readings and the experiment."""

from collections.abc import Callable, Collection, Iterator

from beamgym.hardware_bridge.instrument_file import NO_HEARTBEAT
from beamgym.hardware_bridge.new_instrument.found import Found, SignalFound
from beamgym.hardware_bridge.new_instrument.kind import new_file_of
from beamgym.hardware_bridge.new_instrument.lines import INDENT, line, number, one_comment, quoted, shown, undecided
from beamgym.hardware_bridge.new_instrument.request import NewInstrument
from beamgym.hardware_bridge.settings import largest_value

_BAD_WHEN_HIGH = ("vac", "press", "gauge", "temp")  # in a reading's name: what must not rise; all else must not fall
_COUNTS = ("UInt8", "Int8", "UInt16", "Int16")  # types that a pixel does fill; a wider one is full earlier


def device_lines(request: NewInstrument, found: Found) -> Iterator[str]:
    """Yield the devices, by name, with what each is."""
    yield "devices:                                      # name: how to reach it; options: docs/adapters.md"
    for name, record in request.axes.items():
        yield _device(request, name, record, f'a motor record; DESC is "{found.axes[name].settings.description or ""}"')
    yield from new_file_of(request.kind).devices(found)
    yield _device(request, "camera", request.camera, f"areaDetector: {found.camera.model or 'model not said'}")
    if request.shutter:
        yield _device(request, "shutter", request.shutter, f'its status reads "{found.shutter_status}"')
    if request.identity:
        yield _device(request, "identity", request.identity, f'it says "{found.identity}"')
    for signals in (found.heartbeats, found.suspenders):
        for name, signal in signals.items():
            yield _device(request, f"{name}_signal", signal.pv, f"it reads {_value(signal)}; at {signal.server}")


def detector_lines(request: NewInstrument, found: Found) -> Iterator[str]:
    """Yield the detector."""
    camera = found.camera
    yield "detector:"
    yield "  device: camera"
    if camera.shape is None:
        yield undecided(2, "shape", "[rows, columns] of the array, after transpose and flips; the camera does not say")
    else:
        yield line(2, "shape", list(camera.shape), "rows, columns: ArraySize; exchange them where transpose is true")
    yield from new_file_of(request.kind).place(found)
    for key, what in (
        ("transpose", "true where rows are to become columns"),
        ("flip_fast", "true where the columns' order is to be reversed"),
        ("flip_slow", "true where the rows' order is to be reversed"),
    ):
        yield undecided(2, key, f"{what}; begin with false: the direction check tells")
    yield from _frames(found)


def safety_lines(request: NewInstrument, found: Found) -> Iterator[str]:
    """Yield shutter, dose, identity, heartbeats, suspenders and envelopes."""
    if request.shutter:
        yield "shutter: {device: shutter}"
    else:
        yield "# shutter: none was named; the sample stays in the beam, and an abort closes nothing"
    yield "dose:"
    yield undecided(2, "budget_s", "seconds of open shutter that the sample may get in one session")
    if request.identity:
        yield f"identity: {{device: identity, expected: {shown(found.identity)}}}"
    yield from _heartbeats(found)
    yield from _suspenders(found)
    yield undecided(0, "envelopes", "boxes in joint space that no path may enter; [] where nothing can collide; else")
    yield f"{INDENT}# [{{name: camera, forbidden: {{{next(iter(request.axes))}: [10, 20]}}, margin: 1.0}}]"


def _device(request: NewInstrument, name: str, address: str, comment: str) -> str:
    options = dict(request.options.get(name, {}))
    text = f"  {name}: {{adapter: epics, address: {quoted(address)}"
    return f"{text}{f', options: {shown(options)}' if options else ''}}}  # {one_comment(comment)}"


def _frames(found: Found) -> Iterator[str]:
    camera = found.camera
    if camera.exposure_limits_s is None:
        yield undecided(2, "exposure_s", "[shortest, longest] exposure, seconds; the camera does not say (DRVL, DRVH)")
    else:
        yield line(2, "exposure_s", list(camera.exposure_limits_s), "DRVL, DRVH of AcquireTime; narrow it as you like")
    yield line(2, "timeout_s", 10, "proposed: longest wait beyond the exposure")
    largest, kind = largest_value(camera.data_type), camera.data_type or "not said"
    if largest is not None and camera.data_type in _COUNTS:
        yield line(2, "saturation", largest, f"largest {kind}; less where the sensor is full earlier, 4095 of 12 bits")
    else:
        yield undecided(2, "saturation", f"value of a full pixel; 1.0e9 where none is ever full ({kind})")
    numbered = camera.counts_frames
    said = {True: "frames carry a number", False: "frames carry NO number", None: "not said"}[numbered]
    yield line(2, "counter_required", bool(numbered), f"{said}; false gives up the check against repeated frames")


def _heartbeats(found: Found) -> Iterator[str]:
    def content(name: str) -> Iterator[str]:
        beat = found.heartbeats[name]
        if beat.period_s is None:
            yield undecided(4, "period_s", "seconds between two changes; it was not seen to change within 3 s")
        else:
            period_s = max(0.5, 2.0 * beat.period_s)
            yield line(4, "period_s", period_s, f"proposed; it was seen to change every {number(beat.period_s)} s")
        yield line(4, "missed", 3, "proposed: so many periods without a change abort")

    return _watched("heartbeats", found.heartbeats, "a server that hangs and still answers is not noticed", content)


def _suspenders(found: Found) -> Iterator[str]:
    def content(name: str) -> Iterator[str]:
        signal = found.suspenders[name]
        yield from _bounds(name, signal)
        yield _heartbeat_of(signal, found)

    return _watched("suspenders", found.suspenders, "beam and vacuum are not watched", content)


def _watched(
    key: str, names: Collection[str], unwatched: str, content: Callable[[str], Iterator[str]]
) -> Iterator[str]:
    """Yield the entries of what is watched, each with its signal, or what is not noticed where none was named."""
    if not names:
        yield f"# {key}: none was named; {unwatched}"
        return
    yield f"{key}:"
    for name in names:
        yield f"  - name: {name}"
        yield f"    device: {name}_signal"
        yield from content(name)


def _heartbeat_of(signal: SignalFound, found: Found) -> str:
    """Return the line that names the heartbeat of a signal's server."""
    beats = found.heartbeats.items()
    beat = next((each for each, one in beats if signal.server and one.server == signal.server), "")
    if beat:
        return line(4, "heartbeat", beat, f"served by the same server, {signal.server}")
    names = ", ".join((*found.heartbeats, NO_HEARTBEAT))
    return undecided(4, "heartbeat", f"the one of its server {signal.server}: {names}")


def _bounds(name: str, signal: SignalFound) -> Iterator[str]:
    """Yield the bound that is most likely meant, to be decided, and the other one as a comment: one side suffices."""
    waits = {"low": "the run waits below this", "high": "the run waits above this"}
    asked, other = ("high", "low") if any(word in name.lower() for word in _BAD_WHEN_HIGH) else ("low", "high")
    yield undecided(4, asked, f"{waits[asked]}; it reads {_value(signal)} now")
    yield f"    # {other}: NUMBER".ljust(len(INDENT)) + f"# {waits[other]}: in the place of {asked}, or besides it"


def _value(signal: SignalFound) -> str:
    value = signal.value
    return number(float(value)) if isinstance(value, int | float) else f'"{value}"'
