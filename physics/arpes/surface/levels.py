"""The numbers behind the levels of ARPES: quality of the cleave and errors of the stage."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

MOST_FLAKES = 12
"""Flakes that a surface can hold."""


@dataclass(frozen=True)
class SurfaceNumbers:
    """One level's numbers; the defaults are the level "real".

    Parameters
    ----------
    fewest_flakes, most_flakes : how many flakes a surface has, drawn uniformly
    tilt_deg : standard deviation of each of a flake's two tilts, degrees
    twin_fraction : share of the flakes that are rotated by half the lattice's turn
    width_ev : median of the flakes' impurity half widths, eV; their logarithm has a standard deviation of 0.6
    mosaic_deg : median of the angular spread inside a flake as a FWHM, degrees
    layer : mean thickness of the contamination in inelastic mean free paths
    step_layer : more of it along cleave steps and flake edges
    charging_ev : standard deviation of the local potential (charging, photovoltage, contact), of both signs, eV
    work_function_ev : standard deviation of the flakes' work functions, eV
    ageing_per_hour : thickness added everywhere in an hour, mean free paths
    counts_per_s : electrons counted in a second on clean sample
    backlash_mm, zero_error_mm, readback_noise_mm : of the stage's axes
    drift_mm_per_hour : standard deviation, per axis, of the velocity with which the sample wanders
    """

    fewest_flakes: int = 7
    most_flakes: int = 11
    tilt_deg: float = 1.2
    twin_fraction: float = 0.3
    width_ev: float = 0.035
    mosaic_deg: float = 0.4
    layer: float = 1.1
    step_layer: float = 1.1
    charging_ev: float = 0.02
    work_function_ev: float = 0.1
    ageing_per_hour: float = 0.1
    counts_per_s: float = 2e4
    backlash_mm: float = 0.003
    zero_error_mm: float = 0.0
    readback_noise_mm: float = 0.0005
    drift_mm_per_hour: float = 0.02

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not np.isfinite(value) or value < 0:
                raise ValueError(f"{item.name} is {value}; it must be a finite number, 0 or more")
        if not 1 <= self.fewest_flakes <= self.most_flakes <= MOST_FLAKES:
            raise ValueError(
                f"a surface has {self.fewest_flakes} to {self.most_flakes} flakes; choose 1 to {MOST_FLAKES}, in order"
            )
        if self.twin_fraction > 1:
            raise ValueError(f"twin_fraction is {self.twin_fraction}; it is a share, at most 1")

    def geography(self) -> NDArray[np.float64]:
        """Return what ``surface_raster_kernels.draw_geography`` reads."""
        return np.array([self.fewest_flakes, self.most_flakes, self.layer, self.step_layer, self.charging_ev])


SURFACE_LEVELS: dict[str, SurfaceNumbers] = {
    "easy": SurfaceNumbers(
        fewest_flakes=3,
        most_flakes=6,
        tilt_deg=0.5,
        layer=0.6,
        charging_ev=0.0,
        ageing_per_hour=0.0,
        counts_per_s=4e4,
        backlash_mm=0.0,
        readback_noise_mm=0.0,
        drift_mm_per_hour=0.0,
    ),
    "real": SurfaceNumbers(),
    "hard": SurfaceNumbers(
        fewest_flakes=9,
        most_flakes=12,
        tilt_deg=2.5,
        width_ev=0.045,
        layer=1.3,
        step_layer=1.5,
        charging_ev=0.04,
        ageing_per_hour=0.5,
        counts_per_s=1.2e4,
        backlash_mm=0.01,
        zero_error_mm=0.01,
        readback_noise_mm=0.002,
        drift_mm_per_hour=0.1,
    ),
}


def surface_numbers(level: str | SurfaceNumbers) -> SurfaceNumbers:
    """Return a level by name, or the given numbers themselves; raises ValueError for an unknown name."""
    if isinstance(level, SurfaceNumbers):
        return level
    if not isinstance(level, str) or level not in SURFACE_LEVELS:
        raise ValueError(f"unknown level {level!r}; choose one of {', '.join(SURFACE_LEVELS)}, or give SurfaceNumbers")
    return SURFACE_LEVELS[level]
