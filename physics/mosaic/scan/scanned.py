"""A plate after its scan."""

from dataclasses import dataclass, field

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.mosaic.records import ScannedCrystal
from beamgym.physics.mosaic.scan.reading import Reading


@dataclass(frozen=True, eq=False)
class PlateScan:
    """What a scan has found.

    Parameters
    ----------
    crystals : one for every outline, in their order
    detector : the camera as all crystals together give it, seen from the plate's plane
    moved : (5,) how it stands against the stated one: shifts in mm, tilts in degrees
    heights_mm : (n,) of the crystals above the plate, NaN where unknown; only their differences are well known
    rotations : (k, 3, 3) rotations after which the material's pattern is the same
    instrument_s : time of beam, read-out and motors together, seconds
    readings : for each crystal its frames as read with that camera
    """

    crystals: tuple[ScannedCrystal, ...]
    detector: Detector
    moved: Float64Array
    heights_mm: Float64Array
    rotations: Float64Array
    instrument_s: float = 0.0
    readings: tuple[tuple[Reading, ...], ...] = field(default=())

    def of(self, name: str) -> ScannedCrystal:
        """Return one crystal by its name; raises KeyError for one that was not scanned."""
        for crystal in self.crystals:
            if crystal.name == name:
                return crystal
        raise KeyError(f"no crystal {name!r} in this scan")

    @property
    def noise_deg(self) -> float:
        """Median standard error of the orientations, degrees, of those that are indexed."""
        known = [np.max(one.sigma_deg) for one in self.crystals if np.isfinite(one.sigma_deg).all()]
        return float(np.median(known)) if known else float("nan")
