"""What goes wrong at a diffractometer: levels of it, as for Laue cameras."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True)
class ScanErrors:
    """How far an instrument and its sample are from what is believed of them; standard deviations but where said.

    Parameters
    ----------
    zero_deg : zero error of every axis
    wavelength : relative error of the wavelength
    offset_mm : distance of the sample from the axes' common point, each component
    second_grain : volume of a second grain over the first one's, in those samples that have one
    second_chance : share of the samples that have one
    flux_factor : by which the crystal scatters more or less than expected: natural log
    spikes_per_s : counts of anything but the beam: bursts of 50 to 500 counts, per second
    """

    zero_deg: float = 0.05
    wavelength: float = 0.001
    offset_mm: float = 0.1
    second_grain: float = 0.0
    second_chance: float = 0.0
    flux_factor: float = 0.5
    spikes_per_s: float = 2e-4

    def __post_init__(self) -> None:
        """Check the numbers."""
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0.0 <= value < 1e3:
                raise ValueError(f"{item.name} is {value}; give a finite number from 0 up")


SCAN_LEVELS: Final[Mapping[str, ScanErrors]] = {
    "easy": ScanErrors(0.01, 0.0, 0.0, flux_factor=0.2, spikes_per_s=0.0),
    "real": ScanErrors(),
    "hard": ScanErrors(0.3, 0.005, 0.5, 0.25, 1.0, 0.7, 1e-3),
}


def scan_errors(level: "str | ScanErrors") -> ScanErrors:
    """Return a level by its name; raises ValueError for an unknown one."""
    if isinstance(level, ScanErrors):
        return level
    if str(level) not in SCAN_LEVELS:
        raise ValueError(f"unknown level {level!r} of a diffractometer; there are {', '.join(SCAN_LEVELS)}")
    return SCAN_LEVELS[str(level)]
