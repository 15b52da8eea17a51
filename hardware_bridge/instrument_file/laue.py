"""What is particular to the file of a Laue instrument: what its parts must be, and what it says to the task."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from beamgym.envs.laue_align import BEAMS, AlignContext
from beamgym.hardware_bridge.instrument_file.entries import LaueTaskEntry, MotorLimits
from beamgym.hardware_bridge.instrument_file.text import prefixed
from beamgym.physics.crystal import Crystal, Radiation, load_crystal
from beamgym.physics.goniometer import parse_target
from beamgym.physics.laue.beam import Beam
from beamgym.physics.messages import one_line

if TYPE_CHECKING:
    from beamgym.hardware_bridge.instrument_file.file import InstrumentFile

T = TypeVar("T")


def check(file: InstrumentFile) -> None:
    """Check that the parts of a file make a Laue instrument; raises ValueError in one line."""
    exposure_s = _part(file).exposure_s
    prefixed("detector", file.detector.geometry)
    low, high = file.detector.exposure_s
    if not low <= exposure_s <= high:
        raise ValueError(
            f"laue: exposure_s {exposure_s:g} is outside the detector's {low:g} to {high:g} s; correct one of them"
        )
    if file.dose is not None and file.dose.budget_s < exposure_s:
        raise ValueError(f"dose: budget_s {file.dose.budget_s:g} is less than one exposure, {exposure_s:g} s; raise it")
    if all(axis.kind != "rotation" for axis in file.axes):
        raise ValueError("a laue instrument needs a rotation axis; found none")
    stand_in = {axis.name: (-180.0, 180.0) for axis in file.axes if axis.limits is None}
    prefixed("axes", lambda: file.build_goniometer(stand_in))
    for axis in file.axes:
        if axis.unit == "deg" and axis.tolerance > _part(file).tolerance_deg:
            raise ValueError(
                f"axis {axis.name!r}: tolerance {axis.tolerance:g} deg is more than laue: tolerance_deg "
                f"{_part(file).tolerance_deg:g}, so that a crystal that is not aligned may count as it; give less"
            )


def context(file: InstrumentFile, motor_limits: MotorLimits | None) -> AlignContext:
    """Return what the task may know; raises ValueError for an unknown crystal, beam or target."""
    task = _part(file)
    beam = _beam(task.beam)
    crystal = _named("crystal", lambda: _crystal(task.crystal, beam.radiation))
    return AlignContext(
        crystal,
        file.build_goniometer(motor_limits),
        file.detector_geometry(),
        beam,
        _named("target", lambda: parse_target(crystal, task.target)),
        task.tolerance_deg,
        task.max_rotation_deg,
        task.action,
        task.exposures,
        task.exposure_s,
        task.readout_s,
    )


def goal(file: InstrumentFile) -> str:
    """Return what a run is to reach, in words."""
    part = _part(file)
    return f"{part.crystal}: {part.target}, within {part.tolerance_deg:g}°"


def _part(file: InstrumentFile) -> LaueTaskEntry:
    part: LaueTaskEntry = file.experiment
    return part


def _named(what: str, build: Callable[[], T]) -> T:
    try:
        return build()
    except ValueError as error:
        raise ValueError(f"laue: {what}: {one_line(error)}") from None


@cache
def _crystal(spec: str, radiation: Radiation) -> Crystal:
    """Load a crystal once: its space group takes a second."""
    return load_crystal(spec, radiation)


@cache
def _beam(name: str) -> Beam:
    if name not in BEAMS:
        raise ValueError(f"laue: unknown beam {name!r}; choose one of {', '.join(BEAMS)}")
    return BEAMS[name]()
