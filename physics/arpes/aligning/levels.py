"""The numbers behind the levels of alignment in ARPES: the mount, the surface, the instrument's errors."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class AligningNumbers:
    """One level's numbers; the defaults are the level "real".

    Parameters
    ----------
    fewest_flakes, most_flakes : how many flakes a surface has, drawn uniformly
    mount_deg : standard deviation of each of the mount's two tilts, degrees, cut at twice that
    flake_deg : standard deviation of each of a flake's two tilts against the mount, degrees
    flake_turn_deg : standard deviation of a flake's azimuth against the crystal's, degrees
    twin_fraction : share of the flakes that are turned by half the lattice's angle
    height_mm : standard deviation of the sample's height over the nominal one, and of the focus
    pivot_mm : standard deviation, per direction, by which the sample's origin misses the crossing of the axes
    beam_mm : standard deviation, per direction, of the beam's place
    zero_deg : standard deviation of the analyser's zero along the slit
    field_deg : standard deviation, along and across the slit, by which a stray field turns electrons at the Fermi level
    scale : standard deviation of the analyser's angular scale, relative
    work_function_ev : standard deviation about the nominal one, eV
    band_shift_ev, band_scale : standard deviations by which all bands miss those told, eV and relative
    band_shape : the same of every hopping by itself, relative
    width_ev : median half width of the lines at the Fermi level, eV
    layer : thickness of the contamination from the cleanest place to the worst, mean free paths
    counts_per_s : electrons in a second at the cleanest place, in focus
    backlash_mm, backlash_deg : of the axes
    """

    fewest_flakes: int = 4
    most_flakes: int = 7
    mount_deg: float = 3.0
    flake_deg: float = 0.8
    flake_turn_deg: float = 0.5
    twin_fraction: float = 0.2
    height_mm: float = 0.2
    pivot_mm: float = 0.15
    beam_mm: float = 0.1
    zero_deg: float = 0.3
    field_deg: float = 0.3
    scale: float = 0.005
    work_function_ev: float = 0.1
    band_shift_ev: float = 0.03
    band_scale: float = 0.03
    band_shape: float = 0.03
    width_ev: float = 0.03
    layer: float = 1.0
    counts_per_s: float = 3e4
    backlash_mm: float = 0.003
    backlash_deg: float = 0.02

    def __post_init__(self) -> None:
        """Check the numbers; raises ValueError for one that is negative or not finite."""
        for item in fields(self):
            value = getattr(self, item.name)
            if not np.isfinite(value) or value < 0:
                raise ValueError(f"{item.name} is {value}; it must be a finite number, 0 or more")
        if not 1 <= self.fewest_flakes <= self.most_flakes <= 16:
            raise ValueError(
                f"a surface has {self.fewest_flakes} to {self.most_flakes} flakes; choose 1 to 16, in order"
            )


ALIGNING_LEVELS: dict[str, AligningNumbers] = {
    "ideal": AligningNumbers(
        fewest_flakes=1,
        most_flakes=1,
        flake_deg=0.0,
        flake_turn_deg=0.0,
        twin_fraction=0.0,
        pivot_mm=0.0,
        beam_mm=0.0,
        zero_deg=0.0,
        field_deg=0.0,
        scale=0.0,
        work_function_ev=0.0,
        band_shift_ev=0.0,
        band_scale=0.0,
        band_shape=0.0,
        layer=0.5,
        counts_per_s=6e4,
        backlash_mm=0.0,
        backlash_deg=0.0,
    ),
    "real": AligningNumbers(),
    "hard": AligningNumbers(
        fewest_flakes=7,
        most_flakes=12,
        mount_deg=4.0,
        flake_deg=1.5,
        flake_turn_deg=1.0,
        twin_fraction=0.35,
        height_mm=0.3,
        pivot_mm=0.4,
        beam_mm=0.2,
        zero_deg=0.6,
        field_deg=0.6,
        scale=0.01,
        work_function_ev=0.2,
        band_shift_ev=0.06,
        band_scale=0.06,
        band_shape=0.06,
        width_ev=0.05,
        layer=1.6,
        counts_per_s=1.5e4,
        backlash_mm=0.01,
        backlash_deg=0.05,
    ),
}


def aligning_numbers(level: str | AligningNumbers) -> AligningNumbers:
    """Return a level by name, or the given numbers themselves; raises ValueError for an unknown name."""
    if isinstance(level, AligningNumbers):
        return level
    if not isinstance(level, str) or level not in ALIGNING_LEVELS:
        raise ValueError(
            f"unknown level {level!r}; choose one of {', '.join(ALIGNING_LEVELS)}, or give AligningNumbers"
        )
    return ALIGNING_LEVELS[level]
