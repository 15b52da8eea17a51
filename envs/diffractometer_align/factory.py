"""Builds DiffractometerAlign environments from what a user names."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from beamgym.envs.diffractometer_align.context import AlignReward, DiffractometerContext, PowderLine
from beamgym.envs.diffractometer_align.task import DiffractometerAlignTask
from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.diffractometer import PRIOR_DEG, Diffractometer, cell_of_crystal
from beamgym.physics.diffractometer.scans import (
    CentringError,
    MonoBeam,
    ScanErrors,
    ScanWorld,
    SlitCounter,
    counter,
    mono_beam,
    reflecting,
    scan_errors,
)
from beamgym.physics.instrument import Axis

_LEAST_COUNTS = 60.0
"""That a reflection must give as the instrument sweeps over it at full speed, to count as a member of a line."""
_LOWEST_DEG, _HIGHEST_DEG = 12.0, 100.0
_MOST_LINES = 12


@dataclass(frozen=True)
class DiffractometerAlignOptions:
    """Everything that ``gym.make("beamgym/DiffractometerAlign-v0", ...)`` takes.

    Parameters
    ----------
    crystal : a name, or a CIF file
    instrument : "e4cv", "e4ch", "neutron-4c" or "psic"
    beam : "tube", "synchrotron" or "neutron"
    detector : "point"
    level : "easy", "real" or "hard"
    handover : an orientation with an error of 5° about each axis comes with the crystal
    beam_time_s : budget
    reward : "dense" or "sparse"
    price : of an hour of beam, against 1 for a right UB
    wrong : what a wrong declaration costs
    flat : observe one array in place of a Dict: its numbers by the order of their keys
    history : last observations that are shown together, with the actions between them; 1 for the present one alone
    """

    crystal: str = "kyanite"
    instrument: str = "e4cv"
    beam: str = "tube"
    detector: str = "point"
    level: str = "real"
    handover: bool = False
    beam_time_s: float = 14400.0
    reward: Literal["dense", "sparse"] = "dense"
    price: float = 0.1
    wrong: float = 0.5
    flat: bool = False
    history: int = 1


def build(options: DiffractometerAlignOptions, n: int) -> tuple[DiffractometerAlignTask, ScanWorld]:
    """Make the task and a world of n diffractometers; raises ValueError for options that cannot be."""
    reward = AlignReward(options.reward, options.price, options.wrong)
    beam, detector, level = mono_beam(options.beam), counter(options.detector), scan_errors(options.level)
    crystal = load_crystal(options.crystal, radiation="neutron" if beam.radiation == "neutron" else "xray")
    prior_deg = PRIOR_DEG if options.handover else 0.0
    world = ScanWorld(crystal, n, options.instrument, beam, detector, level, prior_deg)
    context = context_for(crystal, world.instrument, beam, detector, level, prior_deg, options.beam_time_s)
    return DiffractometerAlignTask(context, reward), world


def task_over(context: DiffractometerContext, size: int = 0) -> DiffractometerAlignTask:
    """Return the task over a real instrument; ``size`` is not used, since no image is observed."""
    return DiffractometerAlignTask(context)


def context_for(
    crystal: Crystal,
    instrument: Diffractometer,
    beam: MonoBeam,
    detector: SlitCounter,
    level: ScanErrors,
    prior_deg: float = 0.0,
    beam_time_s: float = 14400.0,
) -> DiffractometerContext:
    """Return what everybody at a diffractometer knows.

    Parameters
    ----------
    crystal : of the beam's radiation
    instrument : its axes, within the envelope
    beam, detector : as they are stated
    level : how far the instrument may be from what is believed of it
    prior_deg : error of the orientation that comes with the crystal; 0 where none does
    beam_time_s : budget

    Raises
    ------
    ValueError : no reflection is strong enough in the beam
    """
    axes = instrument.axes
    return DiffractometerContext(
        crystal.name,
        cell_of_crystal(crystal),
        instrument,
        beam,
        detector,
        powder_lines(crystal, beam, detector, axes),
        error_deg=_error_deg(level),
        cell_error=5e-4 + level.wavelength,
        zero_deg=level.zero_deg,
        centred=_centring_error(beam, detector, level),
        counts_scale=_counts_scale(crystal, beam, axes),
        prior_deg=prior_deg,
        second_grain=level.second_grain if level.second_chance > 0.0 else 0.0,
        flux_factor=level.flux_factor,
        beam_time_s=beam_time_s,
    )


def powder_lines(
    crystal: Crystal, beam: MonoBeam, detector: SlitCounter, axes: tuple[Axis, ...]
) -> tuple[PowderLine, ...]:
    """Return where the arm shows most reflections that a sweep at full speed sees, the best first."""
    most = min(_HIGHEST_DEG, axes[-1].limits[1])
    seen = reflecting(crystal, beam, most)
    nominal = np.abs(np.linalg.norm(seen.q, axis=1) - 2.0 * np.sin(seen.bragg) / beam.wavelength_a) < 1e-12
    two_theta = np.degrees(2.0 * seen.bragg)
    speed = np.radians(min(axis.speed for axis in axes[:-1]))
    counts = seen.strength / np.sin(2.0 * seen.bragg) / speed
    good = nominal & (counts >= _LEAST_COUNTS) & (two_theta > _LOWEST_DEG)
    if not good.any():
        raise ValueError(
            f"no reflection of {crystal.name} is strong enough in the beam {beam.name!r}; take a stronger beam"
        )
    angle, count = two_theta[good], counts[good]
    lines: list[PowderLine] = []
    half = 0.35 * detector.in_plane_deg
    for middle in np.arange(_LOWEST_DEG, most, 0.1):
        inside = np.abs(angle - middle) <= half
        if inside.any():
            lines.append(PowderLine(float(np.mean(angle[inside])), int(inside.sum()), float(count[inside].min())))
    lines.sort(key=lambda line: (-line.members, line.two_theta_deg))
    apart: list[PowderLine] = []
    for line in lines:
        if all(abs(line.two_theta_deg - other.two_theta_deg) > detector.in_plane_deg for other in apart):
            apart.append(line)
    return tuple(apart[:_MOST_LINES])


def _error_deg(level: ScanErrors) -> float:
    return float(max(0.05, 1.2 * level.zero_deg))


def _centring_error(beam: MonoBeam, detector: SlitCounter, level: ScanErrors) -> CentringError:
    """Return how well reflections are centred: thirtieths of the rocking curve and hundredths of the slit, measured."""
    height = float(np.degrees(level.offset_mm / detector.distance_mm))
    rocking = 0.03 * float(np.hypot(beam.mosaic_deg, beam.divergence_deg[0]))
    return CentringError(float(np.hypot(rocking, 0.5 * height)), 0.007 * detector.across_deg, height)


def _counts_scale(crystal: Crystal, beam: MonoBeam, axes: tuple[Axis, ...]) -> float:
    """Return the counts of a sweep over a reflection with |F|² / sin 2θ = 1, in electrons² (neutrons: fm²)."""
    volume = 1.0 / abs(float(np.linalg.det(crystal.b_matrix)))
    amplitude = 1.0e-5 if beam.radiation == "neutron" else 2.8179403e-5
    speed = np.radians(min(axis.speed for axis in axes[:-1]))
    flux = beam.flux_per_mm2_s * beam.crystal_mm3 * 1e7
    return float(flux * beam.wavelength_a**3 * amplitude**2 / volume**2 / speed)
