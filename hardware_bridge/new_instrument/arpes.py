"""What is particular to a new file of an ARPES instrument."""

from collections.abc import Iterator

from beamgym.hardware_bridge.new_instrument.found import Found
from beamgym.hardware_bridge.new_instrument.kind import NewFile
from beamgym.hardware_bridge.new_instrument.lines import line, undecided


def place_lines(found: Found) -> Iterator[str]:
    """Yield what the pixels mean: no record can tell."""
    yield undecided(2, "energy_ev", "[first, last] centre of a row, E - E_F")
    yield undecided(2, "slit_deg", "[first, last] centre of a column")


def experiment_lines(found: Found) -> Iterator[str]:
    """Yield the part ``arpes``."""
    yield "arpes:"
    yield line(2, "stage", "stepper", "the kind of stage, for reports")
    yield line(2, "beam_time_s", 120, "proposed: what an episode may take")
    yield line(2, "max_step_mm", 0.5, "proposed")


def device_lines(found: Found) -> Iterator[str]:
    """Yield the device of the exposure-time axis."""
    yield "  dwell: {adapter: exposure, address: camera}  # the detector's exposure time"


def dwell_lines(found: Found) -> Iterator[str]:
    """Yield the exposure-time axis."""
    yield "  - name: dwell                               # the analyser's exposure time, set like an axis"
    yield "    device: dwell"
    yield line(4, "kind", "linear")
    yield line(4, "unit", "s")
    yield line(4, "vector", [0, 0, 0], "a time has no direction")
    limits = found.camera.exposure_limits_s
    if limits is None:
        yield undecided(4, "limits", "[shortest, longest] exposure in s; the camera does not say")
        yield undecided(4, "max_step", "longest change of the exposure, s")
    else:
        yield line(4, "limits", list(limits), "as exposure_s of the detector below")
        yield line(4, "max_step", limits[1], "any change within the limits")
    yield line(4, "tolerance", 0.001, "proposed")


def new_file() -> NewFile:
    """Return the parts of an ARPES instrument's file."""
    return NewFile(place_lines, experiment_lines, ("x", "y"), device_lines, dwell_lines)
