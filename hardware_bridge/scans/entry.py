"""The part ``diffractometer:`` of an instrument file: crystal, preset, beam, slit, and how well all that is known."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, StringConstraints

from beamgym.envs.diffractometer_align import DiffractometerContext, context_for
from beamgym.hardware_bridge.instrument_file import Strict
from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.diffractometer import Diffractometer, diffractometer
from beamgym.physics.diffractometer.scans import (
    FIRST_COUNT_S,
    ScanErrors,
    ScanFrame,
    ScanWorld,
    SlitCounter,
    mono_beam,
    within_envelope,
)
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import AcquireSettings, Axis, Frame
from beamgym.physics.messages import one_line

if TYPE_CHECKING:
    from beamgym.hardware_bridge.instrument_file import InstrumentFile

COLUMNS = 4
"""Columns of a counter's frame: seconds, the monitor's counts, the detector's, the attenuator's factor."""

_ALONG = 1e-3  # two directions nearer than this are one, after the file's rounding


class DiffractometerTaskEntry(Strict):
    """The experiment of a diffractometer; words as in DiffractometerAlignOptions.

    Parameters
    ----------
    crystal : a name or a CIF file
    instrument : preset with which the axes agree
    beam : preset of spread, divergence, flux and usual crystal
    wavelength_a : Å; None takes the preset's
    zero_deg, wavelength_error, offset_mm : how well zeros, wavelength (relative) and the sample's place are known
    slit_deg : full widths of the slit, in the arm's plane and across it
    distance_mm : from the sample to the slit
    beam_time_s : budget
    speed_follows : whatever drives a sweep slows it down so that each channel gets its seconds; where not, points that
        need longer are counted standing
    """

    crystal: Annotated[str, StringConstraints(min_length=1)]
    instrument: Annotated[str, StringConstraints(min_length=1)] = "e4cv"
    beam: Annotated[str, StringConstraints(min_length=1)] = "tube"
    wavelength_a: Annotated[float, Field(ge=0.01, le=30.0)] | None = None
    zero_deg: Annotated[float, Field(ge=0.0, le=5.0)] = 0.05
    wavelength_error: Annotated[float, Field(ge=0.0, le=0.05)] = 0.001
    offset_mm: Annotated[float, Field(ge=0.0, le=5.0)] = 0.1
    slit_deg: tuple[Annotated[float, Field(gt=0.0, le=20.0)], Annotated[float, Field(gt=0.0, le=20.0)]] = (1.0, 2.0)
    distance_mm: Annotated[float, Field(ge=10.0, le=5000.0)] = 500.0
    beam_time_s: Annotated[float, Field(gt=10, le=604800)] = 14400.0
    speed_follows: bool = False


def check(file: "InstrumentFile") -> None:
    """Check that the parts of a file make a diffractometer with a counter; raises ValueError in one line."""
    preset = _preset(file.experiment)
    found, wanted = file.axis_names, preset.names
    if found != wanted:
        raise ValueError(f"a {preset.name} has the axes {', '.join(wanted)}, in this order; found {', '.join(found)}")
    for entry, axis in zip(file.axes, preset.axes, strict=True):
        length = float(np.linalg.norm(entry.vector)) or 1.0
        turned = entry.sign * np.array(entry.vector) / length
        if entry.unit != "deg" or np.abs(turned - axis.sign * np.array(axis.vector)).max() > _ALONG:
            raise ValueError(
                f"axis {entry.name!r} turns about {tuple(turned.round(4).tolist())}, that of {preset.name} about "
                f"{tuple((axis.sign * np.array(axis.vector)).tolist())}: angles would be in another frame; give the "
                "preset's vector and sign, or the preset whose axes these are"
            )
    if file.detector.shape[1] != COLUMNS:
        raise ValueError(
            f"detector: shape is {list(file.detector.shape)}; a counter's has a row a point and {COLUMNS} columns, "
            f"seconds, monitor, detector, attenuator; give shape: [91, {COLUMNS}]"
        )


def context(
    file: "InstrumentFile", motor_limits: dict[str, tuple[float, float] | None] | None
) -> DiffractometerContext:
    """Return what the task may know; raises ValueError for an unknown crystal, preset or beam."""
    part: DiffractometerTaskEntry = file.experiment
    beam = mono_beam(part.beam)
    if part.wavelength_a is not None:
        beam = replace(beam, wavelength_a=part.wavelength_a)
    instrument = within_envelope(_with_axes(_preset(part), file.physics_axes(motor_limits)))
    slit = SlitCounter(*part.slit_deg, distance_mm=part.distance_mm)
    return context_for(_crystal(part), instrument, beam, slit, _errors(part), beam_time_s=part.beam_time_s)


def world(context: DiffractometerContext) -> ScanWorld | None:
    """Return a simulated instrument with a context's axes, to rehearse on; None for a structure that has no name."""
    radiation: Any = "neutron" if context.beam.radiation == "neutron" else "xray"
    try:
        crystal = load_crystal(context.material, radiation=radiation)
    except (ValueError, OSError):
        return None
    return ScanWorld(crystal, 1, context.instrument, context.beam, context.detector, "easy")


def goal(file: "InstrumentFile") -> str:
    """Return what a run is to reach, in words."""
    return f"the UB matrix of {file.experiment.crystal}, to 0.1 degrees"


def exposure_s(file: "InstrumentFile", settings: AcquireSettings | None) -> float:
    """Return the seconds of the count with which an episode begins, within the detector's range."""
    low, high = file.detector.exposure_s
    return min(max(FIRST_COUNT_S, low), high)


def counted(frame: Frame) -> dict[str, Any]:
    """Return what a report's row says of a scan: its points, and the highest of them in counts a second."""
    if not isinstance(frame, ScanFrame):
        return {"points": None, "highest_cps": None}
    seconds = frame.count_s[0]
    rate = np.where(seconds > 0.0, frame.counts[0] / np.maximum(seconds, 1e-9), 0.0)
    return {"points": int(frame.points[0]), "highest_cps": float(rate.max())}


def _preset(part: DiffractometerTaskEntry) -> Diffractometer:
    preset = diffractometer(part.instrument)
    if not preset.halved:
        raise ValueError(
            f"diffractometer: {preset.name} has no bisecting position, and scans are made with those that have one: "
            "e4cv, e4ch, neutron-4c or psic"
        )
    return preset


def _with_axes(preset: Diffractometer, axes: tuple[Axis, ...]) -> Diffractometer:
    k = len(preset.sample.axes)
    sample, arm = Goniometer(preset.sample.name, axes[:k]), Goniometer(preset.arm.name, axes[k:])
    return replace(preset, sample=sample, arm=arm)


def _crystal(part: DiffractometerTaskEntry) -> Crystal:
    radiation: Any = "neutron" if mono_beam(part.beam).radiation == "neutron" else "xray"
    try:
        return load_crystal(part.crystal, radiation=radiation)
    except (ValueError, OSError) as error:
        raise ValueError(f"diffractometer: crystal: {one_line(error)}") from None


def _errors(part: DiffractometerTaskEntry) -> ScanErrors:
    return ScanErrors(part.zero_deg, part.wavelength_error, part.offset_mm)
