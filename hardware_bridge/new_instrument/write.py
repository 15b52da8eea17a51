"""From a user's words and the records to an instrument file, which is never written over another one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from beamgym.hardware_bridge.instrument_file import UNDECIDED
from beamgym.hardware_bridge.new_instrument.axes import axis_lines
from beamgym.hardware_bridge.new_instrument.found import Found
from beamgym.hardware_bridge.new_instrument.kind import new_file_of
from beamgym.hardware_bridge.new_instrument.lines import line
from beamgym.hardware_bridge.new_instrument.parts import detector_lines, device_lines, safety_lines
from beamgym.hardware_bridge.new_instrument.read import read_records
from beamgym.hardware_bridge.new_instrument.request import NewInstrument

_HEAD = (
    f"# A line says where its value is from. {UNDECIDED} stands where no record can tell it: the file does not load",
    "# before each is replaced; the comment beside it says by what. Every proposed value is yours to judge.",
    "# Then: beamgym deploy POLICY --instrument THIS --check, then --signs. See docs/deploying.md.",
    "# Lab frame: x along the beam, z up, the sample at the origin.",
)


@dataclass(frozen=True)
class Written:
    """A new file and the lines of it that a human has to decide: (number of the line, its text) each."""

    path: Path
    undecided: tuple[tuple[int, str], ...]


def write_instrument(path: Path, request: NewInstrument) -> Written:
    """Read the records that a request names and write an instrument file; nothing is written to any PV.

    Raises
    ------
    ValueError : in one line: the file is there already, its folder is not, or what ``read_records`` refuses
    """
    if path.exists():
        raise ValueError(f"{path} is there already, and nothing is written over it; give another name")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}; make it first")
    text = "\n".join(file_lines(path, request, read_records(request))) + "\n"
    try:
        # "x" again: somebody may have written it meanwhile.
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror}; give another name") from None
    return Written(path, tuple(_undecided(text)))


def file_lines(path: Path, request: NewInstrument, found: Found) -> Iterator[str]:
    """Yield the lines of a new file."""
    yield f"# Written by `beamgym deploy --new` on {datetime.now():%Y-%m-%d %H:%M} from EPICS records, only read."
    yield from _HEAD
    yield line(0, "name", _name(path), "for logs and reports")
    yield line(0, "kind", request.kind)
    yield _simulation(request, found)
    yield ""
    yield from device_lines(request, found)
    yield ""
    yield "axes:                                         # outermost first: each axis carries the ones below it"
    stack = request.goniometer
    for i, (name, axis) in enumerate(found.axes.items()):
        preset = None if stack is None else stack.axes[i]
        yield from axis_lines(name, axis, preset, "" if stack is None else stack.name)
    kind = new_file_of(request.kind)
    yield from kind.more_axes(found)
    yield from _goniometer(request)
    for lines in (detector_lines(request, found), safety_lines(request, found), kind.experiment(found)):
        yield ""
        yield from lines


def _simulation(request: NewInstrument, found: Found) -> str:
    if not request.identity:
        return line(0, "simulation", False, "true only for a server that says itself that it is one (--identity)")
    if "simulation" not in found.identity.lower():
        raise ValueError(
            f"--identity {request.identity} says {found.identity!r}, not that it is a simulation; leave --identity out"
        )
    return line(0, "simulation", True, f'{request.identity} says "{found.identity}"')


def _goniometer(request: NewInstrument) -> Iterator[str]:
    stack = request.goniometer
    if stack is None:
        return
    yield ""
    yield "goniometer:                                   # docs/goniometers.md"
    yield line(2, "name", stack.name)
    if stack.solve_with is not None:
        yield line(2, "solve_with", list(stack.solve_with), "axes that the inverse turns")
    if stack.wrist_mm is not None:
        yield line(2, "wrist_mm", list(stack.wrist_mm), "where the last three axes meet at home")


def _name(path: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", path.stem)[:64]
    return name if name[:1].isalpha() else f"instrument-{name}"[:64]


def _undecided(text: str) -> Iterator[tuple[int, str]]:
    for i, each in enumerate(text.splitlines(), start=1):
        if re.search(rf": {UNDECIDED}\s", each):
            yield i, " ".join(each.split())
