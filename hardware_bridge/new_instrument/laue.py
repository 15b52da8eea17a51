"""What is particular to a new file of a Laue instrument."""

from collections.abc import Iterator

from beamgym.envs.laue_align import BEAMS
from beamgym.hardware_bridge.new_instrument.found import Found
from beamgym.hardware_bridge.new_instrument.kind import NewFile
from beamgym.hardware_bridge.new_instrument.lines import line, undecided


def place_lines(found: Found) -> Iterator[str]:
    """Yield where the detector stands: no record can tell."""
    yield undecided(2, "origin_mm", "[x, y, z] of the centre of pixel (0, 0) from the sample; x along the beam, z up")
    yield undecided(2, "fast", "[x, y, z], direction of growing column")
    yield undecided(2, "slow", "[x, y, z], direction of growing row")
    yield undecided(2, "pixel_mm", "edge of a pixel of this array, binning included")


def experiment_lines(found: Found) -> Iterator[str]:
    """Yield the part ``laue``."""
    yield "laue:"
    yield undecided(2, "crystal", "its name, such as Si, or the path of a CIF")
    yield undecided(2, "target", 'such as "pose [001] [110]" or "axis [001] x": docs/goniometers.md')
    yield undecided(2, "beam", f"one of {', '.join(BEAMS)}")
    yield line(2, "tolerance_deg", 0.25, "proposed: so near to the target is aligned")
    yield line(2, "max_rotation_deg", 90, "proposed: largest rotation of one step")
    yield line(2, "exposures", 20, "proposed: frames that an episode may take")
    seconds = found.camera.exposure_s
    if seconds:
        yield line(2, "exposure_s", seconds, "what the camera is set to now, AcquireTime")
    else:
        yield undecided(2, "exposure_s", "of a frame, seconds")


def new_file() -> NewFile:
    """Return the parts of a Laue instrument's file."""
    return NewFile(place_lines, experiment_lines)
