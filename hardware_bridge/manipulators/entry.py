"""The part ``arpes_align:`` of an instrument file: the crystal, and the direction that is to lie along the slit."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from beamgym.envs.arpes_align import MIRROR, ArpesAlignContext
from beamgym.hardware_bridge.instrument_file import Strict
from beamgym.physics.arpes.aligning import CRYSTALS, POSE, SimulatedAligning, layered_crystal
from beamgym.physics.arpes.detection import Grid

if TYPE_CHECKING:
    from beamgym.hardware_bridge.instrument_file import InstrumentFile

AXES = (*((name, "mm") for name in POSE[:3]), *((name, "deg") for name in POSE[3:]), ("dwell", "s"))
FIRST_DWELL_S = 1.0
"""Exposure of the first frame, seconds: that of the simulated instrument."""


class ManipulatorTaskEntry(Strict):
    """The experiment; words as in ArpesAlignOptions."""

    material: Literal["hexagonal", "square"] = "hexagonal"
    direction: str | None = None
    dispersion: bool = True
    beam_time_s: Annotated[float, Field(gt=1, le=604800)] = 300.0
    action: Literal["absolute", "steps"] = "absolute"
    readout_s: Annotated[float, Field(ge=0, le=3600)] = 0.1


def check(file: "InstrumentFile") -> None:
    """Check that the parts of a file make a manipulator before an analyser; raises ValueError in one line."""
    found = tuple((axis.name, axis.unit) for axis in file.axes)
    if found != AXES:
        wanted, said = (", ".join(f"{name} in {unit}" for name, unit in pairs) for pairs in (AXES, found))
        raise ValueError(f"an arpes_align instrument has the axes {wanted}, in this order; found {said}")
    if file.detector.energy_ev is None or file.detector.slit_deg is None:
        raise ValueError("detector: energy_ev and slit_deg are missing; give the first and last pixel centre of each")
    rows, columns = file.detector.shape
    if rows % 32 or columns % 48:
        raise ValueError(f"detector: shape is {rows}, {columns}; bin to a multiple of 32 energies and of 48 angles")
    low, high = file.axes[6].limits or (0.0, 0.0)
    shortest, longest = file.detector.exposure_s
    if low < shortest or high > longest:
        raise ValueError(
            f"axis 'dwell' goes from {low:g} to {high:g} s, the detector from {shortest:g} to {longest:g} s; "
            "bring it within the detector's"
        )
    _direction(file)


def context(file: "InstrumentFile", motor_limits: dict[str, tuple[float, float] | None] | None) -> ArpesAlignContext:
    """Return what the task may know; raises ValueError where cut or direction are not described."""
    part: ManipulatorTaskEntry = file.experiment
    energy_ev, slit_deg = file.detector.energy_ev, file.detector.slit_deg
    if energy_ev is None or slit_deg is None:
        raise ValueError(f"instrument {file.name!r}: detector: energy_ev and slit_deg are missing; add both")
    crystal = layered_crystal(part.material)
    return ArpesAlignContext(
        crystal if part.dispersion else replace(crystal, terms=np.zeros((0, 6))),
        _direction(file),
        Grid.uniform(energy_ev, slit_deg, file.detector.shape),
        file.physics_axes(motor_limits),
        beam_time_s=part.beam_time_s,
        action=part.action,
        readout_s=part.readout_s,
    )


def _direction(file: "InstrumentFile") -> str:
    part: ManipulatorTaskEntry = file.experiment
    crystal = CRYSTALS[part.material]
    named = part.direction or (next(iter(crystal.directions)) if part.dispersion else MIRROR)
    crystal.direction_deg(named)
    if not part.dispersion and named != MIRROR:
        raise ValueError(f"arpes_align: direction {named!r} cannot be told without the dispersion; give mirror")
    return named


def exposure_s(file: "InstrumentFile", settings: object) -> float:
    """Return the first frame's dwell, within the detector's range; later ones have that of the axis ``dwell``."""
    low, high = file.detector.exposure_s
    return min(max(FIRST_DWELL_S, low), high)


def goal(file: "InstrumentFile") -> str:
    """Return what a run is to reach, in words."""
    return f"{_direction(file)} of a flake along the slit, its normal along the analyser, in focus, at a good site"


def world(context: ArpesAlignContext) -> SimulatedAligning | None:
    """Return a simulated manipulator to rehearse with; None for cuts or travels other than the simulated ones."""
    made = SimulatedAligning(1, context.told.name, "ideal", context.direction)
    same = context.grid.shape == made.context.grid.shape
    inside = all(
        own.limits[0] <= axis.limits[0] and axis.limits[1] <= own.limits[1]
        for own, axis in zip(made.axes, context.axes, strict=True)
    )
    return made if same and inside else None
