"""Makes the known moves of a direction check; keeps its result beside the instrument file, bound to its digest."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.direction_check.check import Direction, DirectionReport, KnownMove, known_turn_deg
from beamgym.hardware_bridge.direction_check.coordinates import Coordinates, changed_coordinates
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.records import content_digest
from beamgym.physics.files import write_text
from beamgym.physics.instrument import AcquireSettings, Float64Array, Instrument

FORMAT = "beamgym-signs"
EYE_SHARE = 0.1
"""Share of its travel by which an axis is moved for an eye to see."""


class DirectionCheckMissing(ValueError):
    """The direction check was not made, not passed, or made with another instrument file."""


def make_known_moves(
    instrument: Instrument, file: InstrumentFile, tell: Callable[[str], object] = lambda text: None
) -> list[KnownMove]:
    """Turn every rotation axis by a small known angle and back, with a frame at the start and one after each turn.

    Parameters
    ----------
    instrument : guarded, or simulated, n = 1
    file : its file
    tell : is told each move before it is made

    Raises
    ------
    ValueError : an axis without room for a turn that can be seen; nothing has moved then
    MoveFailed, FrameFailed : the instrument did not do it; it is left where it stands
    """
    settings = AcquireSettings(resolve(bridge_kind(file.kind).exposure_s)(file, None))
    one, start = np.ones(1, dtype=np.bool_), instrument.positions()
    # All before the first move: an axis without room is refused while nothing has moved.
    turns = {axis.name: known_turn_deg(file, axis.name, start[0]) for axis in file.axes if axis.kind == "rotation"}
    first = instrument.acquire(settings, one).peaks()
    moves = []
    for name, turn in turns.items():
        tell(f"{name}: {turn:+.3g} deg and back")
        # Read anew for each axis: what the last one left behind is not this one's.
        before = instrument.positions()[0]
        reached = instrument.move(_moved(start, file, name, turn), one).readback[0]
        frame = instrument.acquire(settings, one)
        moves.append(KnownMove(name, before, np.array(reached), first, frame.peaks()))
        # Back each time, so that one axis is tested at a time from the same place.
        instrument.move(start, one)
    return moves


def make_seen_moves(
    instrument: Instrument,
    file: InstrumentFile,
    ask: Callable[[str], bool],
    tell: Callable[[str], object] = lambda text: None,
) -> DirectionReport:
    """Move every axis but the exposure-time axis a little and back, and take a human's word for its direction.

    Spectra do not show which way a stage moves; an eye, a camera or a dial does.

    Parameters
    ----------
    instrument : guarded, or simulated, n = 1
    file : its file
    ask : puts a question to the human who watches; True is yes
    tell : is told each move before it is made
    """
    one, start = np.ones(1, dtype=np.bool_), instrument.positions()
    directions: dict[str, Direction] = {}
    for axis in file.axes:
        if axis.unit == "s":
            continue
        index = file.axis_names.index(axis.name)
        low, high = instrument.axes[index].limits
        step = min(EYE_SHARE * (high - low), axis.max_step)
        step = step if high - start[0, index] >= start[0, index] - low else -step
        tell(f"{axis.name}: {step:+.4g} {axis.unit} and back; watch the sample")
        instrument.move(_moved(start, file, axis.name, step), one)
        towards = " ".join(f"{part:g}" for part in np.sign(step) * axis.sign * np.array(axis.vector))
        sense = "turn right-handed about" if axis.kind == "rotation" else "move along"
        directions[axis.name] = "right" if ask(f"Did the sample {sense} ({towards}) of the lab frame?") else "flipped"
        instrument.move(start, one)
    return report_seen(directions)


def report_seen(directions: Mapping[str, Direction]) -> DirectionReport:
    """Return what a human saw as a report; passed where every axis is right."""
    wrong = [name for name, way in directions.items() if way != "right"]
    line = (
        f"{', '.join(wrong)}: the wrong way round; give the opposite sign" if wrong else "every axis moves as it should"
    )
    return DirectionReport(dict(directions), ImageFlags(), (), bool(directions) and not wrong, (line,))


def direction_record_path(instrument: str | Path) -> Path:
    """Return where an instrument file's direction check is kept: beside it."""
    path = Path(instrument)
    return path.with_name(f"{path.name}.signs.json")


def devices_digest(path: str | Path) -> str:
    """Return the SHA-256 of a Python file that makes a user's own devices, in hex; raises OSError without one."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def write_direction_record(
    instrument: str | Path,
    file: InstrumentFile,
    report: DirectionReport,
    devices: str = "",
    coordinates: Coordinates | None = None,
) -> Path:
    """Keep a direction check's result, passed or not, beside the instrument file; returns where.

    ``devices`` is the digest of the Python file that made the user's own devices, "" without one; ``coordinates`` what
    the motors' positions meant, see ``coordinates_of``.
    """
    content: dict[str, Any] = {
        "format": FORMAT,
        "instrument": file.digest(),
        "devices": devices,
        "passed": report.passed,
        "axes": dict(report.axes),
        "lines": list(report.lines),
        "coordinates": coordinates or {},
        "time_s": time.time(),
    }
    # Against an edit by mistake, such as passed: true.
    content["sha256"] = content_digest(content)
    path = direction_record_path(instrument)
    try:
        write_text(path, json.dumps(content, indent=1) + "\n", durable=True)
    except OSError as error:
        raise ValueError(
            f"cannot keep the direction check in {path}: {error.strerror}; let this user write there"
        ) from None
    return path


def require_direction_check(instrument: str | Path, file: InstrumentFile, devices: str = "") -> None:
    """Refuse an instrument file whose direction check is missing, failed, or of another file content or other devices.

    Parameters
    ----------
    instrument, file : the instrument file's path and content
    devices : digest of the Python file that makes the user's own devices, see ``devices_digest``; "" without one

    Raises
    ------
    DirectionCheckMissing : in one line, with what to do
    """
    path = direction_record_path(instrument)
    remedy = "run `beamgym deploy --signs` with this instrument file"
    if not path.exists():
        raise DirectionCheckMissing(f"no direction check was made with {instrument}; {remedy}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        own = content.pop("sha256")
        whole = content["format"] == FORMAT and own == content_digest(content)
        passed, digest, axes = content["passed"], content["instrument"], content["axes"]
        made_by = content.get("devices", "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DirectionCheckMissing(f"{path} is no direction check; {remedy}") from None
    if not whole:
        raise DirectionCheckMissing(f"{path} was changed after the test; {remedy}")
    # Any value may turn an axis round: vector, sign, address. So all of them are bound.
    if digest != file.digest():
        raise DirectionCheckMissing(f"{instrument} was changed after its direction check; {remedy}")
    if made_by != devices:
        raise DirectionCheckMissing(
            f"the direction check of {instrument} was made with other devices (--devices) than these; {remedy} and "
            "these devices"
        )
    untested = [axis.name for axis in file.axes if axis.unit != "s" and axis.name not in axes]
    if passed is not True or untested:
        raise DirectionCheckMissing(
            f"the direction check of {instrument} was not passed; mend what it found, then {remedy}"
        )


def require_same_coordinates(instrument: str | Path, file: InstrumentFile, now: Coordinates) -> None:
    """Refuse motors and an image that mean other places than in the direction check, which was passed.

    A record of before this was kept says nothing of it, and refuses nothing.

    Parameters
    ----------
    instrument, file : the instrument file's path and content
    now : what positions and image mean now, see ``coordinates_of``

    Raises
    ------
    DirectionCheckMissing : in one line, with what has changed and what to do
    """
    content = json.loads(direction_record_path(instrument).read_text(encoding="utf-8"))
    changed = changed_coordinates(file, content.get("coordinates", {}), now)
    if changed:
        raise DirectionCheckMissing(
            f"since the direction check of {instrument} {'; '.join(changed)}: the file's zeros, signs, limits, boxes "
            "and pixels mean other places now; put it back, or correct the file and run `beamgym deploy --signs`"
        )


def direction_check_passed(instrument: str | Path, file: InstrumentFile, devices: str = "") -> bool:
    """Whether the direction check was passed with this very content of the instrument file and the own devices."""
    try:
        require_direction_check(instrument, file, devices)
    except DirectionCheckMissing:
        # Whoever asks needs a yes or no; the reason is for who is refused.
        return False
    return True


def _moved(start: Float64Array, file: InstrumentFile, axis: str, step: float) -> Float64Array:
    target = np.array(start)
    target[0, file.axis_names.index(axis)] += step
    return target
