"""What a new instrument file needs to know of a kind; the table of kinds names one in its column ``new_file``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.kinds import bridge_kind, instrument_kinds
from beamgym.hardware_bridge.new_instrument.found import Found

Lines = Callable[[Found], Iterator[str]]


@dataclass(frozen=True)
class NewFile:
    """The parts of a new file that differ by kind, as lines made from what was read.

    Parameters
    ----------
    place : where the detector stands, or what its pixels mean
    experiment : the part of the kind's own name
    axes : names of the axes, where the kind fixes them; None where the user names them
    devices, more_axes : further devices, and further axes, such as one that sets the exposure
    """

    place: Lines
    experiment: Lines
    axes: tuple[str, ...] | None = None
    devices: Lines = lambda found: iter(())
    more_axes: Lines = lambda found: iter(())


def new_file_of(kind: str) -> NewFile:
    """Return the parts of a kind; raises ValueError for a kind of which no file can be written."""
    able = [name for name in instrument_kinds() if bridge_kind(name).new_file is not None]
    if kind not in able:
        more = "; of this one copy a file and change it by hand" if kind in instrument_kinds() else ""
        raise ValueError(f"--kind is {kind!r}; choose {' or '.join(able)}{more}")
    found: NewFile = resolve(bridge_kind(kind).new_file)()
    return found
