"""Beams with the area detectors that are swept in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.diffractometer.scans import MonoBeam, mono_beam
from beamgym.physics.laue.detector import Detector


@dataclass(frozen=True, eq=False)
class SweepPreset:
    """A beam, a panel and how a sweep is usually made.

    Parameters
    ----------
    name : of the preset
    beam : with the crystal that is usual in it
    panel : in the lab
    step_deg, frames, seconds : of the sweep
    background : counts per pixel and second, without the crystal
    about : a line for people
    """

    name: str
    beam: MonoBeam
    panel: Detector
    step_deg: float
    frames: int
    seconds: float
    background: float
    about: str

    @property
    def sweep_s(self) -> float:
        """Seconds of the whole sweep."""
        return self.frames * self.seconds


_HIGH_ENERGY: Final = MonoBeam(
    "100-kev", "xray", HC_KEV_A / 100.0, (), 1.5e-3, (0.01, 0.005), 5e9, 0.95, 0.05, 1.0, 2.0, 200.0, 8.0, 40.0
)


def _facing(two_theta_deg: float, distance_mm: float, pixels: int, pixel_mm: float) -> Detector:
    """Return a square panel that faces the sample in the horizontal plane, on the side of positive y."""
    turn = np.radians(two_theta_deg)
    normal = np.array([np.cos(turn), np.sin(turn), 0.0])
    fast, slow = np.array([np.sin(turn), -np.cos(turn), 0.0]), np.array([0.0, 0.0, -1.0])
    half = 0.5 * (pixels - 1) * pixel_mm
    return Detector(distance_mm * normal - half * (fast + slow), fast, slow, pixel_mm, (pixels, pixels), "preset")


SWEEP_PRESETS: Final[Mapping[str, SweepPreset]] = {
    one.name: one
    for one in (
        SweepPreset(
            "100-kev",
            _HIGH_ENERGY,
            _facing(0.0, 1000.0, 1024, 0.4),
            0.1,
            300,
            0.1,
            2.0,
            "100 keV, 41 × 41 cm behind the sample at 1 m, omega by 30° in half a minute",
        ),
        SweepPreset(
            "tube-psd",
            mono_beam("tube"),
            _facing(40.0, 100.0, 256, 100.0 / 256),
            0.5,
            180,
            2.0,
            0.002,
            "copper tube, 10 × 10 cm at 10 cm about 2θ = 40°, omega by 90° in six minutes",
        ),
        SweepPreset(
            "neutron-psd",
            mono_beam("neutron"),
            _facing(50.0, 120.0, 128, 100.0 / 128),
            0.5,
            180,
            5.0,
            0.002,
            "thermal neutrons, 10 × 10 cm at 12 cm about 2θ = 50°, omega by 90° in fifteen minutes",
        ),
    )
}
"""Sweeps by name. Fluxes, widths and sizes are of the usual order; no particular instrument is meant."""


def sweep_preset(name: "str | SweepPreset") -> SweepPreset:
    """Return a preset by its name; raises ValueError for another one."""
    if isinstance(name, SweepPreset):
        return name
    if str(name) not in SWEEP_PRESETS:
        raise ValueError(f"unknown sweep {name!r}; there are {', '.join(SWEEP_PRESETS)}")
    return SWEEP_PRESETS[str(name)]
