"""The part ``mosaic:`` of an instrument file: what lies on the plate, and the beam on it."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from beamgym.envs.laue_align import BEAMS
from beamgym.envs.plate_scan import ScanContext
from beamgym.hardware_bridge.instrument_file import Strict
from beamgym.physics.crystal import load_crystal
from beamgym.physics.messages import one_line
from beamgym.physics.mosaic.habit import habit_of
from beamgym.physics.mosaic.plate import BEAM_MM, PlateContext

if TYPE_CHECKING:
    from beamgym.hardware_bridge.instrument_file import InstrumentFile

AXES = (("x", "mm"), ("y", "mm"), ("exposure", "s"))


class MosaicTaskEntry(Strict):
    """The plate; words as in PlateScanOptions."""

    material: Annotated[str, StringConstraints(min_length=1)]
    crystals: Annotated[int, Field(ge=1, le=400)] = 24
    beam: Annotated[str, StringConstraints(min_length=1)] = "tube-W"
    beam_mm: Annotated[float, Field(ge=0.01, le=20.0)] = BEAM_MM
    beam_time_s: Annotated[float, Field(gt=1, le=604800)] = 1200.0
    readout_s: Annotated[float, Field(ge=0, le=3600)] = 2.0


def check(file: "InstrumentFile") -> None:
    """Check that the parts of a file make a stage with a Laue camera; raises ValueError in one line."""
    found = tuple((axis.name, axis.unit) for axis in file.axes)
    if found != AXES:
        said = ", ".join(f"{name} in {unit}" for name, unit in found)
        raise ValueError(f"a mosaic instrument has the axes x in mm, y in mm, exposure in s, in order; found {said}")
    low, high = file.axes[2].limits or (0.0, 0.0)
    shortest, longest = file.detector.exposure_s
    if low < shortest or high > longest:
        raise ValueError(
            f"axis 'exposure' goes from {low:g} to {high:g} s, the detector from {shortest:g} to {longest:g} s; "
            "bring it within the detector's"
        )
    try:
        file.detector.geometry()
    except ValueError as error:
        raise ValueError(f"detector: {one_line(error)}") from None


def context(file: "InstrumentFile", motor_limits: dict[str, tuple[float, float] | None] | None) -> ScanContext:
    """Return what the task may know; raises ValueError for an unknown material or beam."""
    part: MosaicTaskEntry = file.experiment
    x, y, exposure = file.physics_axes(motor_limits)
    return ScanContext(
        part.material,
        part.crystals,
        (x, y),
        exposure.limits,
        part.beam_mm,
        part.beam_time_s,
        readout_s=part.readout_s,
        optics=optics(file),
    )


def optics(file: "InstrumentFile") -> PlateContext:
    """Return material, habit, camera and beam, by which frames are indexed."""
    part: MosaicTaskEntry = file.experiment
    if part.beam not in BEAMS:
        raise ValueError(f"mosaic: unknown beam {part.beam!r}; choose one of {', '.join(BEAMS)}")
    try:
        crystal = load_crystal(part.material)
    except (ValueError, OSError) as error:
        raise ValueError(f"mosaic: material: {one_line(error)}") from None
    return PlateContext(crystal, habit_of(crystal), file.detector.geometry(), BEAMS[part.beam](), part.beam_mm)


def exposure_s(file: "InstrumentFile", settings: object) -> float:
    """Return the first frame's exposure, within the detector's range; later ones have that of the axis."""
    low, high = file.detector.exposure_s
    return min(max(1.0, low), high)


def may_show_nothing(file: "InstrumentFile") -> bool:
    """Return that a frame without spots is an ordinary one: in some places of a plate nothing lies."""
    return True
