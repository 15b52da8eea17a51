"""Beams of one wavelength, and what stands behind the crystal: a counter behind a slit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

FWHM: Final = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))
"""Full width at half maximum of a Gaussian, in standard deviations."""
SPREAD: Final = "a number from 0 up"


@dataclass(frozen=True)
class SpectralLine:
    """A wavelength that the beam holds besides the nominal one.

    Parameters
    ----------
    ratio : its wavelength over the nominal one; 0.5 for λ/2
    share : its flux over that of the nominal one
    """

    ratio: float
    share: float


@dataclass(frozen=True)
class MonoBeam:
    """A monochromatic beam with Gaussian spread and divergence, and the crystal that is usual in it.

    Parameters
    ----------
    name : of the preset
    radiation : "xray" or "neutron"
    wavelength_a : Å, nominal
    lines : what else the beam holds
    spread : Δλ/λ, full width at half maximum, of each line
    divergence_deg : horizontal and vertical, full widths at half maximum, degrees
    flux_per_mm2_s : particles per mm² and second at the sample
    polarised : share polarised horizontally; 0.5 is unpolarised
    mosaic_deg : of the usual crystal, full width at half maximum
    crystal_mm3 : its volume
    flat_cps, air_cps : background of the counter, counts per second: everywhere, and of air, which falls off with
        exp(-2θ / air_deg)
    air_deg : of that
    holder_cps : of the strongest powder line of the aluminium holder
    most_cps : rate at which the attenuator is put in
    """

    name: str
    radiation: str
    wavelength_a: float
    lines: tuple[SpectralLine, ...]
    spread: float
    divergence_deg: tuple[float, float]
    flux_per_mm2_s: float
    polarised: float
    mosaic_deg: float
    crystal_mm3: float
    flat_cps: float
    air_cps: float
    air_deg: float
    holder_cps: float
    most_cps: float = 1e5


@dataclass(frozen=True)
class SlitCounter:
    """A counter behind a slit on the arm.

    Parameters
    ----------
    in_plane_deg, across_deg : full widths of the slit seen from the sample, in the arm's plane and across it
    distance_mm : from the sample
    dead_time_s : after each count, not prolonged by further ones
    filter_factor : by which the attenuator weakens the beam
    """

    in_plane_deg: float = 1.0
    across_deg: float = 2.0
    distance_mm: float = 500.0
    dead_time_s: float = 1e-6
    filter_factor: float = 50.0


_LAMBDA_CU, _LAMBDA_CU_2 = 1.540593, 1.544427  # Å, Kα1 and Kα2: Hölzer et al., Phys. Rev. A 56 (1997) 4554

BEAMS: Final[Mapping[str, MonoBeam]] = {
    beam.name: beam
    for beam in (
        MonoBeam(
            "tube",
            "xray",
            _LAMBDA_CU,
            (SpectralLine(_LAMBDA_CU_2 / _LAMBDA_CU, 0.5), SpectralLine(0.5, 0.002)),
            4e-4,
            (0.25, 0.25),
            2e7,
            0.5,
            0.15,
            3e-3,
            0.5,
            4.0,
            12.0,
            1.5,
        ),
        MonoBeam(
            "synchrotron",
            "xray",
            1.0,
            (SpectralLine(1.0 / 3.0, 1e-5),),
            1.4e-4,
            (0.01, 0.005),
            1e11,
            0.99,
            0.05,
            1e-4,
            2.0,
            200.0,
            8.0,
            40.0,
        ),
        MonoBeam(
            "neutron",
            "neutron",
            1.5,
            (SpectralLine(0.5, 0.005),),
            0.008,
            (0.35, 0.5),
            5e4,
            0.5,
            0.35,
            8.0,
            0.3,
            2.0,
            10.0,
            1.0,
        ),
    )
}
"""The beams by name: a sealed copper tube with graphite, a bending magnet behind silicon (111), a reactor's thermal
beam. Fluxes, widths and backgrounds are of the usual size; no particular instrument is meant."""

LATER: Final = "100 keV with a swept area detector is in physics.diffractometer.sweeps, and not in this task"


def mono_beam(name: "str | MonoBeam") -> MonoBeam:
    """Return a beam by its name; raises ValueError for another one."""
    if isinstance(name, MonoBeam):
        return name
    if str(name) not in BEAMS:
        raise ValueError(f"unknown beam {name!r}; there are {', '.join(BEAMS)} ({LATER})")
    return BEAMS[str(name)]


def counter(name: "str | SlitCounter") -> SlitCounter:
    """Return the detector of a name; raises ValueError for another one than "point"."""
    if isinstance(name, SlitCounter):
        return name
    if str(name) != "point":
        raise ValueError(
            f"detector {name!r} is not simulated; there is 'point', a counter behind a slit of 1° by 2° "
            "(position-sensitive and area detectors are not there yet)"
        )
    return SlitCounter()
