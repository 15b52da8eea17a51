"""What is asked of a diffractometer that scans, and what it gives back."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array
from beamgym.physics.instrument import AcquireSettings, Frame, Peaks

POINTS: Final = 91
"""Points of a scan that looks for reflections."""
CENTRE_POINTS: Final = 31
"""Points of each scan of a centring."""
COUNT, SCAN, AZIMUTH, CENTRE = 0, 1, 2, 3
"""What to do: count where the axes stand, scan one of them, turn a reflection about an axis, centre."""


@dataclass(frozen=True)
class ScanSettings(AcquireSettings):
    """How n diffractometers are to count; rows that do nothing have anything.

    Parameters
    ----------
    what : (n,) COUNT, SCAN, AZIMUTH or CENTRE
    axis : (n,) index of the scanned axis
    width_deg : (n,) from the first point, where the axes stand, to the last one; below 0 the other way
    count_s : (n,) per point
    about : (n, 3) axis of an azimuth scan in the mount frame
    fly : count while moving, not standing
    brief : (n,) a scan ends behind its first peak; none does where this is left out
    """

    what: Int64Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    axis: Int64Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    width_deg: Float64Array = field(default_factory=lambda: np.zeros(0))
    count_s: Float64Array = field(default_factory=lambda: np.zeros(0))
    about: Float64Array = field(default_factory=lambda: np.zeros((0, 3)))
    fly: bool = True
    brief: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def is_brief(self, row: int) -> bool:
        """Return whether one diffractometer's scan ends behind its first peak."""
        return bool(len(self.brief)) and bool(self.brief[row])

    @classmethod
    def counting(cls, n: int, seconds: float = 1.0) -> "ScanSettings":
        """Return the settings by which each of n counts once where it stands."""
        nothing = np.zeros(n, dtype=np.int64)
        return cls(
            what=nothing, axis=nothing, width_deg=np.zeros(n), count_s=np.full(n, seconds), about=np.zeros((n, 3))
        )


@dataclass(frozen=True)
class ScanFrame(Frame):
    """The last scan of n diffractometers.

    Parameters
    ----------
    counts : (n, p) of each point; zeros behind the last one, attenuated ones multiplied by the filter's factor
    points : (n,) how many there are
    where : (n, p, k) readback of all axes at each point's middle
    count_s : (n, p) counted for; 0 where an axis could not go
    busy_s : (n,) that it all took, counting included; ``exposure_s`` is what of it was counted
    centred : (n, k) where a centring ended
    on_peak : (n,) whether it ended on a reflection
    intensity : (n,) of that, counts of the rocking curve above background times degrees per second of counting
    prior_u : (n, 3, 3) orientation as another instrument gives it, crystal to mount frame; NaN where there is none
    """

    counts: Float64Array = field(default_factory=lambda: np.zeros((0, POINTS)))
    points: Int64Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    where: Float64Array = field(default_factory=lambda: np.zeros((0, POINTS, 0)))
    count_s: Float64Array = field(default_factory=lambda: np.zeros((0, POINTS)))
    busy_s: Float64Array = field(default_factory=lambda: np.zeros(0))
    centred: Float64Array = field(default_factory=lambda: np.zeros((0, 0)))
    on_peak: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    intensity: Float64Array = field(default_factory=lambda: np.zeros(0))
    prior_u: Float64Array = field(default_factory=lambda: np.zeros((0, 3, 3)))

    def peaks(self) -> Peaks:
        """Return no spots: a counter has no picture."""
        n = len(self.exposure_s)
        nothing = np.zeros((n, 0), np.float32)
        return Peaks(np.zeros((n, 0, 2), np.float32), nothing, np.zeros(n, np.int64), np.zeros((n, 0), np.bool_))
